/*
 * Makes the triggers that check a payload which comes through the SQL interface: SQLite's RAISE
 * takes only a literal before 3.47, so every message is written out.  One trigger per RequestType,
 * fired when a new payload is stored: a statement for a million devices is checked once.
 */
#include <string.h>

#include "mdm/catalogue_parts.h"

/* The types json_type() gives for a value of TYPE. */
static const char *
json_types(enum plist_type type)
{
	static const char *const names[] = {
		[PLIST_DICT] = "'object'",
		[PLIST_ARRAY] = "'array'",
		[PLIST_STRING] = "'text'",
		[PLIST_INTEGER] = "'integer'",
		[PLIST_REAL] = "'integer', 'real'",
		[PLIST_BOOLEAN] = "'true', 'false'",
		[PLIST_DATE] = "'text'",
		[PLIST_DATA] = "'text'",
	};

	return names[type];
}

static const char *
should_be(enum plist_type type)
{
	static const char *const texts[] = {
		[PLIST_DICT] = "an object",
		[PLIST_ARRAY] = "an array",
		[PLIST_STRING] = "a string",
		[PLIST_INTEGER] = "an integer",
		[PLIST_REAL] = "a number",
		[PLIST_BOOLEAN] = "true or false",
		[PLIST_DATE] = "a time like 2026-11-24T08:00:00Z",
		[PLIST_DATA] = "base64 text",
	};

	return texts[type];
}

static void
write_key(struct buf *buf, const struct catalogue_request *request, const struct catalogue_key *key)
{
	const char *name = key->name;

	if (key->presence == CATALOGUE_REQUIRED)
		buf_printf(buf,
			"\tSELECT RAISE(ABORT, '%s: the required key %s is missing') "
			"WHERE json_type(NEW.args, '$.%s') IS NULL;\n",
			request->name, name, name);
	buf_printf(buf,
		"\tSELECT RAISE(ABORT, '%s: %s must be %s') WHERE json_type(NEW.args, '$.%s') NOT "
		"IN (%s)",
		request->name, name, should_be(key->type), name, json_types(key->type));
	if (key->type == PLIST_DATA)
		buf_printf(buf,
			" OR json_extract(NEW.args, '$.%s') GLOB '*[^A-Za-z0-9+/= ' || char(9, 10, "
			"13) || ']*'",
			name);
	if (key->type == PLIST_DATE)
		buf_printf(buf,
			" OR json_type(NEW.args, '$.%s') IS NOT NULL "
			"AND (julianday(json_extract(NEW.args, '$.%s')) IS NULL "
			"OR json_extract(NEW.args, '$.%s') NOT GLOB "
			"'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*')",
			name, name, name);
	buf_str(buf, ";\n");
	if (key->values == NULL)
		return;
	buf_printf(buf,
		"\tSELECT RAISE(ABORT, '%s: %s has a value that is not allowed') "
		"WHERE json_extract(NEW.args, '$.%s') NOT IN (",
		request->name, name, name);
	for (size_t i = 0; i < key->value_count; i++)
		buf_printf(buf, key->type == PLIST_STRING ? "%s'%s'" : "%s%s", i == 0 ? "" : ", ",
			key->values[i].text);
	buf_str(buf, ");\n");
}

/* ---- rules about the command's own keys ---- */

static void
write_is_given(struct buf *buf, const char *key, bool given)
{
	buf_printf(buf, "json_type(NEW.args, '$.%s') IS %sNULL", key, given ? "NOT " : "");
}

static void
write_condition(struct buf *buf, const struct catalogue_rule *rule)
{
	switch (rule->when) {
	case CATALOGUE_WHEN_EQUALS:
		buf_printf(buf, "json_extract(NEW.args, '$.%s') IS '%s'", rule->other, rule->value);
		return;
	case CATALOGUE_WHEN_NOT_EQUALS:
		buf_printf(buf, "json_extract(NEW.args, '$.%s') IS NOT '%s'", rule->other,
			rule->value);
		return;
	case CATALOGUE_WHEN_TRUE:
		buf_printf(buf, "json_type(NEW.args, '$.%s') IS 'true'", rule->other);
		return;
	case CATALOGUE_WHEN_NOT_TRUE:
		buf_printf(buf, "json_type(NEW.args, '$.%s') IS NOT 'true'", rule->other);
		return;
	case CATALOGUE_WHEN_ABSENT:
	case CATALOGUE_WHEN_PRESENT:
		write_is_given(buf, rule->other, rule->when == CATALOGUE_WHEN_PRESENT);
		return;
	}
}

static void
write_group(
	struct buf *buf, const struct catalogue_request *request, const struct catalogue_rule *rule)
{
	(void)request;
	for (size_t i = 0; rule->keys[i] != NULL; i++) {
		buf_str(buf, i == 0 ? "(" : " + (");
		write_is_given(buf, rule->keys[i], true);
		buf_byte(buf, ')');
	}
	buf_str(buf, rule->kind == CATALOGUE_RULE_EXACTLY_ONE_OF ? " <> 1" : " = 0");
}

static void
write_if(
	struct buf *buf, const struct catalogue_request *request, const struct catalogue_rule *rule)
{
	(void)request;
	write_is_given(buf, rule->keys[0], rule->kind == CATALOGUE_RULE_FORBIDDEN_IF);
	buf_str(buf, " AND ");
	write_condition(buf, rule);
}

static void
write_contains_if(
	struct buf *buf, const struct catalogue_request *request, const struct catalogue_rule *rule)
{
	const struct catalogue_key *array = catalogue_subkey(request->payload, rule->other);

	write_is_given(buf, rule->keys[0], true);
	/* An array that the server fills in holds all there is. */
	if (array != NULL && array->presence == CATALOGUE_FILLED)
		buf_printf(buf, " AND json_array_length(NEW.args, '$.%s') > 0", rule->other);
	buf_printf(buf,
		" AND NOT EXISTS (SELECT 1 FROM json_each(NEW.args, '$.%s') WHERE value = '%s')",
		rule->other, rule->value);
}

static void
write_range(
	struct buf *buf, const struct catalogue_request *request, const struct catalogue_rule *rule)
{
	const char *key = rule->keys[0];

	(void)request;
	buf_str(buf, "NOT (");
	if (rule->has_min)
		buf_printf(buf, "json_extract(NEW.args, '$.%s') >= %g", key, rule->min);
	if (rule->has_min && rule->has_max)
		buf_str(buf, " AND ");
	if (rule->has_max)
		buf_printf(buf, "json_extract(NEW.args, '$.%s') <= %g", key, rule->max);
	for (size_t i = 0; rule->also != NULL && rule->also[i] != NULL; i++)
		buf_printf(buf, " OR json_extract(NEW.args, '$.%s') = %s", key, rule->also[i]);
	buf_byte(buf, ')');
}

/* Length, prefix, number of bytes (data is in base64). */
static void
write_text(
	struct buf *buf, const struct catalogue_request *request, const struct catalogue_rule *rule)
{
	const char *key = rule->keys[0];
	const struct catalogue_key *about = catalogue_subkey(request->payload, key);

	if (rule->kind == CATALOGUE_RULE_LENGTH)
		buf_printf(buf, "length(json_extract(NEW.args, '$.%s')) <> %g", key, rule->max);
	else if (rule->kind == CATALOGUE_RULE_PREFIX)
		buf_printf(buf, "lower(substr(json_extract(NEW.args, '$.%s'), 1, %zu)) <> '%s'",
			key, strlen(rule->value), rule->value);
	else if (about != NULL && about->type == PLIST_DATA)
		buf_printf(buf,
			"length(replace(replace(replace(replace(replace(json_extract(NEW.args, "
			"'$.%s'), '=', ''), ' ', ''), char(9), ''), char(10), ''), char(13), "
			"'')) * 3 / 4 > %g",
			key, rule->max);
	else
		buf_printf(buf, "length(CAST(json_extract(NEW.args, '$.%s') AS BLOB)) > %g", key,
			rule->max);
}

/* What a trigger can check; a pattern it cannot, which is found when the command is built. */
static void
write_rule(
	struct buf *buf, const struct catalogue_request *request, const struct catalogue_rule *rule)
{
	static void (*const writers[])(struct buf * buf, const struct catalogue_request *request,
		const struct catalogue_rule *rule) = {
		[CATALOGUE_RULE_EXACTLY_ONE_OF] = write_group,
		[CATALOGUE_RULE_AT_LEAST_ONE_OF] = write_group,
		[CATALOGUE_RULE_REQUIRED_IF] = write_if,
		[CATALOGUE_RULE_FORBIDDEN_IF] = write_if,
		[CATALOGUE_RULE_CONTAINS_IF] = write_contains_if,
		[CATALOGUE_RULE_RANGE] = write_range,
		[CATALOGUE_RULE_LENGTH] = write_text,
		[CATALOGUE_RULE_MAX_BYTES] = write_text,
		[CATALOGUE_RULE_PATTERN] = NULL,
		[CATALOGUE_RULE_PREFIX] = write_text,
		[CATALOGUE_RULE_DEFAULT] = NULL,
		[CATALOGUE_RULE_DEPENDS] = NULL,
	};
	const struct catalogue_place root = {0};
	struct arena arena;

	if (rule->advisory || writers[rule->kind] == NULL)
		return;
	arena_init(&arena);
	buf_printf(buf, "\tSELECT RAISE(ABORT, '%s: %s') WHERE ", request->name,
		catalogue_rule_text(&arena, rule, &root));
	arena_release(&arena);
	writers[rule->kind](buf, request, rule);
	buf_str(buf, ";\n");
}

/* A mistyped optional key would be sent, and the device would act without it. */
static void
write_spelling(struct buf *buf, const struct catalogue_request *request)
{
	const char *comma = "";

	buf_printf(buf,
		"\tSELECT RAISE(ABORT, '%s: small and capital letters matter in:", request->name);
	for (size_t i = 0; i < request->key_count; i++)
		if (request->keys[i].depth == 1) {
			buf_printf(buf, "%s %s", comma, request->keys[i].name);
			comma = ",";
		}
	buf_str(buf, "')\n\tFROM json_each(NEW.args) j JOIN (");
	comma = "";
	for (size_t i = 0; i < request->key_count; i++)
		if (request->keys[i].depth == 1) {
			buf_printf(buf, "%sSELECT '%s' AS name", comma, request->keys[i].name);
			comma = " UNION ALL ";
		}
	buf_str(buf, ") k\n\tWHERE j.key <> k.name AND lower(j.key) = lower(k.name);\n");
}

static void
write_request(struct buf *buf, const struct catalogue_request *request)
{
	/* Every program reads them all when it opens the store: none that checks nothing. */
	if (request->key_count == 0)
		return;
	buf_printf(buf,
		"CREATE TRIGGER payload_check_%s BEFORE INSERT ON payload\n"
		"WHEN NEW.origin = 'sql' AND NEW.request = '%s'\nBEGIN\n",
		request->name, request->name);
	write_spelling(buf, request);
	for (size_t i = 0; i < request->key_count; i++)
		if (request->keys[i].depth == 1)
			write_key(buf, request, &request->keys[i]);
	for (size_t i = 0; i < request->payload->rule_count; i++)
		write_rule(buf, request, &request->payload->rules[i]);
	buf_str(buf, "END;\n");
}

void
catalogue_write_triggers(struct buf *buf)
{
	const struct catalogue_request *request;

	buf_str(buf, "CREATE TRIGGER payload_check_known BEFORE INSERT ON payload\nWHEN NEW.origin "
		     "= 'sql' AND "
		     "NEW.request NOT IN (");
	for (size_t i = 0; (request = catalogue_row(i)) != NULL; i++)
		buf_printf(buf, "%s'%s'", i == 0 ? "" : ", ", request->name);
	buf_str(buf, ")\nBEGIN\n\tSELECT RAISE(ABORT, 'queue: unknown request (the command line "
		     "takes any as a plist)');\n"
		     "END;\n");
	buf_str(buf, "CREATE TRIGGER payload_check_args BEFORE INSERT ON payload\n"
		     "WHEN NEW.origin = 'sql' AND NEW.args IS NOT NULL\nBEGIN\n"
		     "\tSELECT RAISE(ABORT, 'queue: args holds null, which a plist cannot hold') "
		     "FROM json_tree(NEW.args) WHERE type = 'null';\n"
		     "\tSELECT RAISE(ABORT, 'queue: args holds a key twice') "
		     "FROM json_each(NEW.args) GROUP BY key HAVING COUNT(*) > 1;\nEND;\n");
	for (size_t i = 0; (request = catalogue_row(i)) != NULL; i++)
		write_request(buf, request);
}
