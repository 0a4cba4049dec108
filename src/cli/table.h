/*
 * table - what a command shows: aligned columns for people, JSON for programs.
 *
 * Rows are written as they come: people's tables in pages, so that the columns fit what is in them
 * without holding all rows; JSON one object a line, in an array.  Text goes through cli/escape.
 */
#ifndef POMONA_CLI_TABLE_H
#define POMONA_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "store/db.h"

enum table_kind {
	TABLE_TEXT,
	TABLE_INTEGER,
	TABLE_TIME, /* milliseconds since 1970, or ISO 8601; people see whole seconds */
	TABLE_SPAN, /* seconds; people see 5m, 3h, 2d */
	TABLE_BOOL, /* 0 or 1 */
	TABLE_JSON, /* JSON text, which becomes a part of the JSON */
};

struct table_column {
	const char *name;  /* of the member in JSON; NULL: for people only */
	const char *title; /* what people see above it; NULL: in JSON only */
	enum table_kind kind;
	unsigned most; /* cells; what is longer ends in "…".  0: all of it */
};

struct table {
	FILE *out;
	bool json;
	const struct table_column *columns;
	size_t count;
	/* of the page */
	struct arena arena;
	const char ***rows;
	size_t row_count;
	/* of all pages */
	size_t *widths;
	bool begun;
};

/* COLUMNS is kept, not copied. */
void table_init(struct table *table, FILE *out, bool json, const struct table_column *columns,
	size_t count);

/* A row: as many values as there are columns (NULL shows as -).  They are copied. */
void table_add(struct table *table, const struct db_value *values);

/*
 * Writes the rest and gives back the memory.  A table without rows shows as such only when it is
 * WHOLE: when nothing failed on the way.
 */
void table_release(struct table *table, bool whole);

/* One thing: a line for each column, or a JSON object. */
void table_show(FILE *out, bool json, const struct table_column *columns, size_t count,
	const struct db_value *values);

#endif
