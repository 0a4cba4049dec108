/*
 * A condition's tree over a row.  What is not known (NULL) makes a predicate neither true nor
 * false, as in SQL.
 */
#include "mdm/condition_parts.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"

/* In the order of AND (the least of them) and OR (the greatest). */
enum truth { NO, UNKNOWN, YES };

struct look {
	const struct db_value *row;
	int64_t now;
};

/* ---- versions ---- */

/* A number's digits, without zeros before it; *P moves behind it. */
static size_t
take_part(const char **p, const char **digits)
{
	size_t len;

	while (**p == '0')
		(*p)++;
	*digits = *p;
	len = strspn(*p, "0123456789");
	*p += len;
	if (**p == '.' && isdigit((unsigned char)(*p)[1]))
		(*p)++;
	else
		*p = ""; /* the last one: what is behind it does not count */
	return len;
}

bool
condition_compare_versions(const char *version, const char *other, int *order)
{
	const char *part, *other_part;
	size_t len, other_len;

	*order = 0;
	if (!isdigit((unsigned char)*version) || !isdigit((unsigned char)*other))
		return false;
	while (*order == 0 && (*version != '\0' || *other != '\0')) {
		len = take_part(&version, &part);
		other_len = take_part(&other, &other_part);
		*order = len != other_len ? (len < other_len ? -1 : 1)
					  : strncmp(part, other_part, len);
	}
	return true;
}

/* ---- one value and another ---- */

static int
order_numbers(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* False: it cannot be told. */
static bool
compare(const struct look *look, enum condition_column column, const struct condition_value *value,
	int *order)
{
	const struct db_value *known = &look->row[column];
	enum condition_type type = condition_columns[column].type;
	int64_t ms;

	if (type == CONDITION_INTEGER || type == CONDITION_TRUTH) {
		*order = order_numbers(
			type == CONDITION_TRUTH ? known->integer != 0 : known->integer,
			value->number);
		return known->type == DB_TYPE_INTEGER;
	}
	if (known->type != DB_TYPE_TEXT)
		return false;
	if (type == CONDITION_VERSION)
		return condition_compare_versions(known->bytes, value->text, order);
	if (type == CONDITION_TEXT) {
		*order = strcmp(known->bytes, value->text);
		return true;
	}
	if (clock_parse_iso(known->bytes, &ms) != 0)
		return false;
	*order = order_numbers(ms, value->number + (value->relative ? look->now : 0));
	return true;
}

static bool
holds(enum condition_operator op, int order)
{
	switch (op) {
	case CONDITION_EQUAL:
		return order == 0;
	case CONDITION_UNEQUAL:
		return order != 0;
	case CONDITION_BELOW:
		return order < 0;
	case CONDITION_NOT_ABOVE:
		return order <= 0;
	case CONDITION_ABOVE:
		return order > 0;
	default:
		return order >= 0;
	}
}

static enum truth
match_value(const struct look *look, enum condition_column column, enum condition_operator op,
	const struct condition_value *value)
{
	int order;

	if (!compare(look, column, value, &order))
		return UNKNOWN;
	return holds(op, order) ? YES : NO;
}

static enum truth
match_list(const struct look *look, const struct condition_node *node)
{
	enum truth truth = NO;

	for (const struct condition_value *value = node->values; value != NULL && truth != YES;
		value = value->next) {
		enum truth one = match_value(look, node->column, CONDITION_EQUAL, value);

		truth = one > truth ? one : truth;
	}
	return truth;
}

/* ---- patterns ---- */

/* Behind one character of UTF-8. */
static const char *
skip_character(const char *p)
{
	p++;
	while (((unsigned char)*p & 0xC0) == 0x80)
		p++;
	return p;
}

/* When it fails, it goes on from the last '%', with one character more for that: no recursion. */
static bool
is_like(const char *text, const char *pattern)
{
	const char *resume = NULL, *from = NULL;

	while (*text != '\0') {
		if (*pattern == '%') {
			resume = ++pattern;
			from = text;
		} else if (*pattern == '_') {
			text = skip_character(text);
			pattern++;
		} else if (tolower((unsigned char)*text) == tolower((unsigned char)*pattern)) {
			text++;
			pattern++;
		} else if (resume != NULL) {
			text = from = skip_character(from);
			pattern = resume;
		} else
			return false;
	}
	while (*pattern == '%')
		pattern++;
	return *pattern == '\0';
}

/* ---- the tree ---- */

static enum truth match(const struct look *look, const struct condition_node *node);

/* AND ends with the first NO, OR with the first YES. */
static enum truth
match_series(const struct look *look, const struct condition_node *node, enum truth end)
{
	enum truth truth = end == NO ? YES : NO;

	for (const struct condition_node *child = node->first; child != NULL && truth != end;
		child = child->next) {
		enum truth one = match(look, child);

		if (end == NO ? one < truth : one > truth)
			truth = one;
	}
	return truth;
}

static enum truth
match(const struct look *look, const struct condition_node *node)
{
	const struct db_value *known = &look->row[node->column];

	switch (node->kind) {
	case CONDITION_OR:
		return match_series(look, node, YES);
	case CONDITION_AND:
		return match_series(look, node, NO);
	case CONDITION_NOT:
		return YES - match(look, node->first);
	case CONDITION_COMPARE:
		return match_value(look, node->column, node->op, node->values);
	case CONDITION_IN:
		return match_list(look, node);
	case CONDITION_IS_NULL:
		return known->type == DB_TYPE_NULL ? YES : NO;
	case CONDITION_LIKE:
		if (known->type != DB_TYPE_TEXT)
			return UNKNOWN;
		return is_like(known->bytes, node->values->text) ? YES : NO;
	default:
		if (known->type != DB_TYPE_INTEGER)
			return UNKNOWN;
		return known->integer != 0 ? YES : NO;
	}
}

bool
condition_matches(const struct condition *condition, const struct db_value *row, int64_t now)
{
	const struct look look = {.row = row, .now = now};

	return match(&look, condition->root) == YES;
}

bool
condition_names(const struct condition *condition, enum condition_column column)
{
	return condition->named[column];
}

bool
condition_is_timed(const struct condition *condition)
{
	return condition->relative || condition->named[CONDITION_LAST_SEEN];
}
