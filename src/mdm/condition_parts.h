/*
 * condition_parts - what mdm/condition.c makes of a condition, and mdm/condition_match.c looks at.
 */
#ifndef POMONA_MDM_CONDITION_PARTS_H
#define POMONA_MDM_CONDITION_PARTS_H

#include "mdm/condition.h"

enum condition_type {
	CONDITION_TEXT,
	CONDITION_VERSION,
	CONDITION_INTEGER,
	CONDITION_TIME,
	CONDITION_TRUTH,
};

/* Of the columns, in their order. */
extern const struct condition_column_row {
	const char *name;
	enum condition_type type;
} condition_columns[CONDITION_COLUMNS];

enum condition_operator {
	CONDITION_EQUAL,
	CONDITION_UNEQUAL,
	CONDITION_BELOW,
	CONDITION_NOT_ABOVE,
	CONDITION_ABOVE,
	CONDITION_NOT_BELOW,
};

struct condition_value {
	struct condition_value *next;
	const char *text;
	int64_t number; /* of an integer, a truth value; of a time, milliseconds */
	bool relative;  /* a time: counted from now on */
};

enum condition_node_kind {
	CONDITION_OR,  /* of its children */
	CONDITION_AND, /* of its children */
	CONDITION_NOT, /* of its one child */
	CONDITION_COMPARE,
	CONDITION_LIKE,
	CONDITION_IN,
	CONDITION_IS_NULL,
	CONDITION_HOLDS, /* a truth value that stands alone */
};

struct condition_node {
	enum condition_node_kind kind;
	struct condition_node *first, *next; /* its children; its sibling */
	enum condition_column column;
	enum condition_operator op;
	struct condition_value *values;
};

struct condition {
	struct condition_node *root;
	bool named[CONDITION_COLUMNS];
	bool relative; /* a time in it is counted from now on */
};

#endif
