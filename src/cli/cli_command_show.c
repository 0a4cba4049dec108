/*
 * pomona command show: a command's systems, keys, rules, examples and answer, for people and as
 * JSON.
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/arguments.h"
#include "cli/command_facts.h"
#include "cli/example.h"

enum { SHOWN_MOST = 4 * 1024 * 1024, VALUES_MOST = 6, LINE_MOST = 100, INDENT = 2 };

struct showing {
	struct arena *arena;
	FILE *out;
	const struct catalogue_request *request;
};

/* ---- for people ---- */

/* Words that are put into lines of LINE_MOST, indented. */
static void
write_wrapped(FILE *out, const char *const *words, size_t count)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(words[i]);

		if (used == 0 || used + 1 + len > LINE_MOST) {
			fprintf(out, "%s%*s%s", used == 0 ? "" : "\n", INDENT, "", words[i]);
			used = INDENT + len;
		} else {
			fprintf(out, " %s", words[i]);
			used += 1 + len;
		}
	}
	fputc('\n', out);
}

static void
show_systems(const struct showing *showing)
{
	static const struct table_column columns[] = {{NULL, "SYSTEM", TABLE_TEXT, 0},
		{NULL, "FROM", TABLE_TEXT, 0}, {NULL, "DEPRECATED", TABLE_TEXT, 0},
		{NULL, "REMOVED", TABLE_TEXT, 0}, {NULL, "CHANNEL", TABLE_TEXT, 0},
		{NULL, "SUPERVISED", TABLE_TEXT, 0}, {NULL, "USER ENROLLMENT", TABLE_TEXT, 0},
		{NULL, "SHARED IPAD", TABLE_TEXT, 0}};
	const struct catalogue_request *request = showing->request;
	struct table table;

	table_init(&table, showing->out, false, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < request->fact_count; i++) {
		const struct catalogue_fact *fact = &request->facts[i];
		char versions[3][CATALOGUE_VERSION_SIZE];

		if (fact->unsupported)
			continue;
		table_add(&table,
			(const struct db_value[]){DB_TEXT(catalogue_os_name(fact->os)),
				DB_TEXT(fact->introduced == 0
						? NULL
						: catalogue_version_text(
							  fact->introduced, versions[0])),
				DB_TEXT(fact->deprecated == 0
						? NULL
						: catalogue_version_text(
							  fact->deprecated, versions[1])),
				DB_TEXT(fact->removed == 0 ? NULL
							   : catalogue_version_text(
								     fact->removed, versions[2])),
				DB_TEXT(fact->channels == 0
						? "device"
						: command_channel_words(fact->channels)),
				DB_TEXT(fact->supervised ? "required" : NULL),
				DB_TEXT(command_mode_word(fact->user_enrollment)),
				DB_TEXT(command_mode_word(fact->shared_ipad))});
	}
	table_release(&table, true);
}

/* As one writes it: indented, with the array's elements and other names as such. */
static const char *
key_text(const struct showing *showing, const struct catalogue_key *key)
{
	const char *name = key->name;

	if (key->variant != NULL)
		name = arena_printf(showing->arena, "[%s]", key->variant);
	else if (name[0] == '\0')
		name = "[]";
	else if (strcmp(name, "*") == 0)
		name = arena_printf(
			showing->arena, "<%s>", key->label != NULL ? key->label : "any name");
	return arena_printf(showing->arena, "%*s%s", (int)(INDENT * (key->depth - 1)), "", name);
}

static void
show_keys(const struct showing *showing, const struct catalogue_key *root)
{
	static const struct table_column columns[] = {{NULL, "KEY", TABLE_TEXT, 0},
		{NULL, "TYPE", TABLE_TEXT, 0}, {NULL, "PRESENCE", TABLE_TEXT, 0},
		{NULL, "ALLOWED", TABLE_TEXT, 0}, {NULL, "SYSTEMS", TABLE_TEXT, 0}};
	struct table table;

	table_init(&table, showing->out, false, columns, sizeof(columns) / sizeof(columns[0]));
	for (const struct catalogue_key *key = root + 1; key != catalogue_end(root); key++) {
		bool element = key->name[0] == '\0' || strcmp(key->name, "*") == 0;

		table_add(&table,
			(const struct db_value[]){DB_TEXT(key_text(showing, key)),
				DB_TEXT(command_type_word(key)),
				DB_TEXT(element ? "" : command_presence_word(key->presence)),
				DB_TEXT(command_limit_words(showing->arena, key, VALUES_MOST)),
				DB_TEXT(command_fact_words(
					showing->arena, key->facts, key->fact_count))});
	}
	table_release(&table, true);
}

/* "Settings[]", "Updates[].InstallAction": where the key is. */
static const char *
path_of(const struct showing *showing, const struct catalogue_key *root,
	const struct catalogue_key *key)
{
	const char *path = "";

	for (const struct catalogue_key *parent = catalogue_first(root); parent <= key;) {
		bool inside = key < catalogue_next(parent);

		if (!inside) {
			parent = catalogue_next(parent);
			continue;
		}
		if (parent->variant != NULL)
			path = arena_printf(showing->arena, "%s[%s]", path, parent->variant);
		else if (parent->name[0] == '\0')
			path = arena_printf(showing->arena, "%s[]", path);
		else
			path = arena_printf(showing->arena, "%s%s%s", path,
				*path == '\0' ? "" : ".", parent->name);
		parent++;
	}
	return path;
}

static void
show_long_values(const struct showing *showing, const struct catalogue_key *root)
{
	for (const struct catalogue_key *key = root + 1; key != catalogue_end(root); key++) {
		const char **words;

		if (key->value_count <= VALUES_MOST)
			continue;
		words = arena_calloc(showing->arena, key->value_count, sizeof(*words));
		for (size_t i = 0; i < key->value_count; i++)
			words[i] = key->values[i].text;
		fprintf(showing->out, "\nValues of %s\n", path_of(showing, root, key));
		write_wrapped(showing->out, words, key->value_count);
	}
}

static void
show_rules(const struct showing *showing)
{
	const struct catalogue_key *root = showing->request->payload;
	bool begun = false;

	for (const struct catalogue_key *key = root; key != catalogue_end(root); key++)
		for (size_t i = 0; i < key->rule_count; i++) {
			const char *path = key == root ? "" : path_of(showing, root, key);

			fprintf(showing->out, "%s%*s%s%s%s%s\n", begun ? "" : "\nRules\n", INDENT,
				"", path, *path == '\0' ? "" : ": ",
				command_rule_words(showing->arena, &key->rules[i]),
				key->rules[i].advisory ? " (a warning)" : "");
			begun = true;
		}
}

static const char *
json_of(const struct showing *showing, const struct plist *value)
{
	struct buf json;

	buf_init(&json, showing->arena, SHOWN_MOST);
	plist_write_json(&json, value, false);
	return json.bytes;
}

static void
show_example(const struct showing *showing, const char *title, const struct plist *args)
{
	fprintf(showing->out, "\n%s\n%*s%s\n", title, INDENT, "", json_of(showing, args));
}

static void
show_examples(const struct showing *showing)
{
	const struct plist *least = example_args(showing->arena, showing->request, false);
	const struct plist *full = example_args(showing->arena, showing->request, true);

	show_example(showing, "Example, as --args", least);
	if (!plist_equal(least, full))
		show_example(showing, "Example with more keys", full);
}

static void
show_for_people(const struct showing *showing)
{
	const struct catalogue_request *request = showing->request;
	FILE *out = showing->out;

	fprintf(out, "%s: %s\n", request->name, request->about != NULL ? request->about : "");
	for (size_t i = 0; request->notes != NULL && request->notes[i] != NULL; i++)
		fprintf(out, "%*s%s\n", INDENT, "", request->notes[i]);
	if (request->confirm)
		fprintf(out, "%*sIt destroys data: to be queued it wants confirm=ID.\n", INDENT,
			"");
	fputc('\n', out);
	show_systems(showing);
	if (request->key_count > 0) {
		fputs("\nKeys\n", out);
		show_keys(showing, request->payload);
	} else
		fputs("\nIt has no keys.\n", out);
	show_rules(showing);
	show_long_values(showing, request->payload);
	show_examples(showing);
	if (request->response != NULL) {
		fputs("\nKeys of the answer\n", out);
		show_keys(showing, request->response);
		show_long_values(showing, request->response);
	}
}

/* ---- as JSON ---- */

static void
set_text(const struct showing *showing, struct plist *dict, const char *key, const char *text)
{
	if (text != NULL && *text != '\0')
		plist_set(showing->arena, dict, key, plist_string(showing->arena, text));
}

static void
set_version(const struct showing *showing, struct plist *dict, const char *key, int version)
{
	char text[CATALOGUE_VERSION_SIZE];

	if (version != 0)
		set_text(showing, dict, key, catalogue_version_text(version, text));
}

static void
set_true(const struct showing *showing, struct plist *dict, const char *key, bool value)
{
	if (value)
		plist_set(showing->arena, dict, key, plist_boolean(showing->arena, true));
}

static void
set_number(const struct showing *showing, struct plist *dict, const char *key, bool has, double n)
{
	if (has)
		plist_set(showing->arena, dict, key, plist_real(showing->arena, n));
}

static struct plist *
channels_json(const struct showing *showing, int channels)
{
	struct plist *list = plist_array(showing->arena);

	if ((channels & CATALOGUE_CHANNEL_DEVICE) != 0)
		plist_append(list, plist_string(showing->arena, "device"));
	if ((channels & CATALOGUE_CHANNEL_USER) != 0)
		plist_append(list, plist_string(showing->arena, "user"));
	return list;
}

static struct plist *
fact_json(const struct showing *showing, const struct catalogue_fact *fact)
{
	struct plist *dict = plist_dict(showing->arena);

	if (fact->unsupported) {
		plist_set(showing->arena, dict, "supported", plist_boolean(showing->arena, false));
		return dict;
	}
	set_version(showing, dict, "introduced", fact->introduced);
	set_version(showing, dict, "deprecated", fact->deprecated);
	set_version(showing, dict, "removed", fact->removed);
	if (fact->channels != 0)
		plist_set(showing->arena, dict, "channels", channels_json(showing, fact->channels));
	set_true(showing, dict, "supervised", fact->supervised);
	set_true(showing, dict, "automated", fact->automated);
	set_true(showing, dict, "user_approved", fact->user_approved);
	set_text(showing, dict, "user_enrollment", command_mode_word(fact->user_enrollment));
	set_text(showing, dict, "shared_ipad", command_mode_word(fact->shared_ipad));
	if (fact->shared_channels != 0)
		plist_set(showing->arena, dict, "shared_ipad_channels",
			channels_json(showing, fact->shared_channels));
	return dict;
}

static void
set_facts(const struct showing *showing, struct plist *dict, const struct catalogue_fact *facts,
	size_t count)
{
	struct plist *os = plist_dict(showing->arena);

	for (size_t i = 0; i < count; i++)
		plist_set(showing->arena, os, catalogue_os_name(facts[i].os),
			fact_json(showing, &facts[i]));
	if (count > 0)
		plist_set(showing->arena, dict, "os", os);
}

static struct plist *
texts_json(const struct showing *showing, const char *const *texts)
{
	struct plist *list = plist_array(showing->arena);

	for (; texts != NULL && *texts != NULL; texts++)
		plist_append(list, plist_string(showing->arena, *texts));
	return list;
}

static void
set_limits(const struct showing *showing, struct plist *dict, const struct catalogue_key *key)
{
	struct plist *values = plist_array(showing->arena);
	struct plist *rules = plist_array(showing->arena);

	for (size_t i = 0; i < key->value_count; i++)
		plist_append(values, plist_string(showing->arena, key->values[i].text));
	for (size_t i = 0; i < key->rule_count; i++)
		plist_append(rules, plist_string(showing->arena,
					    command_rule_words(showing->arena, &key->rules[i])));
	if (key->value_count > 0)
		plist_set(showing->arena, dict, "values", values);
	set_number(showing, dict, "min", key->has_min, key->min);
	set_number(showing, dict, "max", key->has_max, key->max);
	set_text(showing, dict, "format", key->format);
	set_text(showing, dict, "default", key->preset);
	if (key->rule_count > 0)
		plist_set(showing->arena, dict, "rules", rules);
}

static struct plist *
keys_json(const struct showing *showing, const struct catalogue_key *parent)
{
	struct plist *list = plist_array(showing->arena);

	for (const struct catalogue_key *key = catalogue_first(parent);
		key != catalogue_end(parent); key = catalogue_next(key)) {
		struct plist *dict = plist_dict(showing->arena);

		plist_set(showing->arena, dict, "key", plist_string(showing->arena, key->name));
		set_text(showing, dict, "variant", key->variant);
		set_text(showing, dict, "label", key->label);
		set_text(showing, dict, "type", command_type_word(key));
		set_text(showing, dict, "presence", command_presence_word(key->presence));
		set_limits(showing, dict, key);
		set_text(showing, dict, "by", key->by);
		set_facts(showing, dict, key->facts, key->fact_count);
		if (key->span > 0)
			plist_set(showing->arena, dict, "subkeys", keys_json(showing, key));
		plist_append(list, dict);
	}
	return list;
}

static void
show_as_json(const struct showing *showing)
{
	const struct catalogue_request *request = showing->request;
	struct plist *all = plist_dict(showing->arena), *examples = plist_array(showing->arena);

	set_text(showing, all, "request", request->name);
	set_text(showing, all, "about", request->about);
	plist_set(showing->arena, all, "notes", texts_json(showing, request->notes));
	plist_set(showing->arena, all, "confirm", plist_boolean(showing->arena, request->confirm));
	set_facts(showing, all, request->facts, request->fact_count);
	plist_set(showing->arena, all, "keys", keys_json(showing, request->payload));
	set_limits(showing, all, request->payload);
	plist_set(showing->arena, all, "response",
		request->response != NULL ? keys_json(showing, request->response)
					  : plist_array(showing->arena));
	plist_append(examples, example_args(showing->arena, request, false));
	plist_append(examples, example_args(showing->arena, request, true));
	plist_set(showing->arena, all, "examples", examples);
	fprintf(showing->out, "%s\n", json_of(showing, all));
}

enum err_kind
cli_command_show(struct cli *cli, struct err *err)
{
	struct showing showing = {.arena = &cli->arena, .out = cli->out};

	showing.request = catalogue_find(cli->words.words[0]);
	if (showing.request == NULL)
		return arguments_unknown(cli->words.words[0], NULL, ERR_NOT_FOUND, err);
	if (cli->json)
		show_as_json(&showing);
	else
		show_for_people(&showing);
	return ERR_OK;
}
