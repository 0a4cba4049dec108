/*
 * unit_store - a fresh store in a directory of its own, and a session with all that mdm functions
 * need.
 */
#ifndef POMONA_TESTS_UNIT_STORE_H
#define POMONA_TESTS_UNIT_STORE_H

#include "mdm/mdm.h"

struct unit_store {
	char dir[64];
	char path[96];
	struct db_store *store;
	struct arena arena;
	struct seal_key key;
	struct mdm mdm;
	struct err err;
};

/* Makes it, with schema and triggers; fails the test when that does not work. */
void unit_store_open(struct unit_store *unit);

/* Closes it and removes its files. */
void unit_store_close(struct unit_store *unit);

/* Begin and commit that fail the test when they fail. */
void unit_begin(struct unit_store *unit, enum db_mode mode);
void unit_commit(struct unit_store *unit);

/* Runs SQL in a connection of its own, as an operator's shell would; fails the test when that
 * fails. */
void unit_sql(struct unit_store *unit, const char *sql);

/* The message of the error that SQL gives, "" when it gives none; in a static buffer. */
const char *unit_sql_error(struct unit_store *unit, const char *sql);

/* The first column of the first row as text, "" for NULL or no row; in a static buffer. */
const char *unit_sql_text(struct unit_store *unit, const char *sql);
long long unit_sql_int(struct unit_store *unit, const char *sql);

#endif
