/*
 * Makes the triggers that check a payload which comes through the SQL interface: SQLite's RAISE
 * takes only a literal before 3.47, so every message is written out.  One trigger per RequestType,
 * fired when a new payload is stored: a statement for a million devices is checked once.
 */
#include "mdm/catalogue.h"

#include <string.h>

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

/* What a trigger can check of the rules about the command's own keys. */
static void
write_rule(
	struct buf *buf, const struct catalogue_request *request, const struct catalogue_rule *rule)
{
	const char *name;

	if (rule->kind != CATALOGUE_RULE_LENGTH)
		return;
	name = rule->keys[0];
	buf_printf(buf,
		"\tSELECT RAISE(ABORT, '%s: %s must have %g characters') "
		"WHERE length(json_extract(NEW.args, '$.%s')) <> %g;\n",
		request->name, name, rule->max, name, rule->max);
}

/* A mistyped optional key would be sent, and the device would act without it. */
static void
write_spelling(struct buf *buf, const struct catalogue_request *request)
{
	const char *comma = "";

	if (request->key_count == 0)
		return;
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
	buf_printf(buf,
		"CREATE TRIGGER payload_check_%s BEFORE INSERT ON payload\n"
		"WHEN NEW.origin = 'sql' AND NEW.request = '%s'\nBEGIN\n"
		"\tSELECT 1;\n",
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
