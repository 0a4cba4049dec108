/*
 * pomona command list|check (show is in cli_command_show.c)
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/arguments.h"
#include "cli/command_facts.h"
#include "cli/escape.h"
#include "mdm/target.h"

enum { JSON_MOST = 1024 * 1024, COLUMNS = 2 + CATALOGUE_OS_COUNT };

/* ---- list ---- */

struct filter {
	bool has_os;
	enum catalogue_os os;
	int version;  /* 0: any */
	int channels; /* 0: any */
	bool unsupervised;
};

static enum err_kind
take_filter(struct cli *cli, struct filter *filter, struct err *err)
{
	const char *os = cli_option(cli, "os"), *version = cli_option(cli, "os-version");
	const char *channel = cli_option(cli, "channel");
	enum err_kind kind = words_choice(&cli->words, "channel", "device user", err);

	*filter = (struct filter){.unsupervised = cli_option(cli, "unsupervised") != NULL};
	if (kind == ERR_OK && os != NULL && !command_os(os, &filter->os))
		kind = err_set(
			err, ERR_BAD_INPUT, "--os wants one of: iOS macOS tvOS visionOS watchOS");
	filter->has_os = os != NULL;
	if (version != NULL)
		filter->version = catalogue_version_of(version);
	if (kind == ERR_OK && version != NULL && (filter->version == 0 || os == NULL))
		kind = err_set(err, ERR_BAD_INPUT, "--os-version wants one like 17.5.1, and --os");
	if (channel != NULL)
		filter->channels = strcmp(channel, "user") == 0 ? CATALOGUE_CHANNEL_USER
								: CATALOGUE_CHANNEL_DEVICE;
	cli->usage = kind != ERR_OK;
	return kind;
}

/* A fact that does not name its channels is of the device channel. */
static int
channels_of(const struct catalogue_fact *fact)
{
	return fact->channels | fact->shared_channels |
	       (fact->channels == 0 ? CATALOGUE_CHANNEL_DEVICE : 0);
}

static bool
fact_passes(const struct catalogue_fact *fact, const struct filter *filter)
{
	return !fact->unsupported && (!filter->has_os || fact->os == filter->os) &&
	       (filter->version == 0 ||
		       (fact->introduced <= filter->version &&
			       (fact->removed == 0 || filter->version < fact->removed))) &&
	       (filter->channels == 0 || (channels_of(fact) & filter->channels) != 0) &&
	       (!filter->unsupervised || !fact->supervised);
}

static bool
passes(const struct catalogue_request *request, const struct filter *filter)
{
	for (size_t i = 0; i < request->fact_count; i++)
		if (fact_passes(&request->facts[i], filter))
			return true;
	return false;
}

/* "10.13", "9.0-27.0" (until it was removed), or NULL. */
static const char *
span_text(struct arena *arena, const struct catalogue_request *request, enum catalogue_os os)
{
	const struct catalogue_fact *fact =
		catalogue_fact_of(request->facts, request->fact_count, os);
	char from[CATALOGUE_VERSION_SIZE], until[CATALOGUE_VERSION_SIZE];

	if (fact == NULL || fact->unsupported)
		return NULL;
	if (fact->introduced == 0)
		return "yes";
	catalogue_version_text(fact->introduced, from);
	if (fact->removed == 0)
		return arena_strdup(arena, from);
	return arena_printf(arena, "%s-%s", from, catalogue_version_text(fact->removed, until));
}

static void
add_request(struct cli *cli, struct table *table, const struct catalogue_request *request)
{
	struct db_value values[COLUMNS] = {DB_TEXT(request->name)};

	for (size_t os = 0; os < CATALOGUE_OS_COUNT; os++)
		values[1 + os] = DB_TEXT(span_text(&cli->arena, request, (enum catalogue_os)os));
	values[COLUMNS - 1] = DB_TEXT(request->about);
	table_add(table, values);
}

enum err_kind
cli_command_list(struct cli *cli, struct err *err)
{
	static const struct table_column columns[COLUMNS] = {{"request", "REQUEST", TABLE_TEXT, 0},
		{"ios", "iOS", TABLE_TEXT, 0}, {"macos", "macOS", TABLE_TEXT, 0},
		{"tvos", "tvOS", TABLE_TEXT, 0}, {"visionos", "visionOS", TABLE_TEXT, 0},
		{"watchos", "watchOS", TABLE_TEXT, 0}, {"about", "ABOUT", TABLE_TEXT, 80}};
	const struct catalogue_request *request;
	struct filter filter;
	struct table table;

	if (take_filter(cli, &filter, err) != ERR_OK)
		return err->kind;
	table_init(&table, cli->out, cli->json, columns, COLUMNS);
	for (size_t i = 0; (request = catalogue_row(i)) != NULL; i++)
		if (passes(request, &filter))
			add_request(cli, &table, request);
	table_release(&table, true);
	return ERR_OK;
}

/* ---- check ---- */

/* --device ID: does it take the command? */
static enum err_kind
check_device(const struct arguments *arguments, const struct plist *keys,
	struct catalogue_remarks *remarks, struct err *err)
{
	struct cli *cli = arguments->cli;
	const char *id = cli_option(cli, "device");
	struct target target;
	enum err_kind kind;

	if (id == NULL)
		return ERR_OK;
	kind = db_begin(cli->mdm.db, DB_READ, err);
	if (kind != ERR_OK)
		return kind;
	kind = cli_not_found(
		target_find(&cli->mdm, id, &target, err), err, "unknown device %s", id);
	if (kind == ERR_OK)
		kind = catalogue_check_target(
			&cli->arena, arguments->known, keys, &target.known, remarks, err);
	db_rollback(cli->mdm.db);
	return kind;
}

static enum err_kind
open_for_device(struct cli *cli, struct err *err)
{
	enum err_kind kind;

	if (cli_option(cli, "device") == NULL)
		return ERR_OK;
	kind = conf_read(&cli->conf, cli_option(cli, "config"), &cli->arena, err);
	return kind == ERR_OK ? cli_open_store(cli, false, err) : kind;
}

/* The words are the request, unless a plist tells it, and its KEY=VALUE. */
static enum err_kind
take_words(struct arguments *arguments, struct err *err)
{
	struct cli *cli = arguments->cli;
	const char **words = cli->words.words;
	size_t count = cli->words.count;
	bool named = count > 0 && strchr(words[0], '=') == NULL;

	if (arguments->request == NULL && !named)
		return cli_wrong_usage(cli, err, "which request?");
	if (arguments->request != NULL && named && strcmp(words[0], arguments->request) != 0)
		return err_set(err, ERR_BAD_INPUT, "the plist is a %.100s, not a %.100s",
			arguments->request, words[0]);
	if (named)
		arguments_take_request(arguments, words[0]);
	if (arguments->known == NULL)
		return arguments_unknown(arguments->request, NULL, ERR_BAD_INPUT, err);
	return arguments_take(arguments, words + named, count - named, err);
}

/* It confirms a queue entry, and is no key of the command. */
static void
drop_confirmation(struct arguments *arguments)
{
	if (arguments->body == NULL && arguments->known->confirm)
		plist_remove(arguments->args, "confirm");
}

/* {"request":…,"valid":…,"error":…,"warnings":[…]} */
static void
print_json(struct cli *cli, const struct arguments *arguments, const struct err *fault,
	const struct catalogue_remarks *remarks)
{
	const char *request =
		arguments->known != NULL ? arguments->known->name : arguments->request;
	struct buf json;

	buf_init(&json, &cli->arena, JSON_MOST);
	buf_str(&json, "{\"request\":");
	escape_json(&json, request, strlen(request));
	buf_printf(&json, ",\"valid\":%s,\"error\":", fault->kind == ERR_OK ? "true" : "false");
	if (fault->kind == ERR_OK)
		buf_str(&json, "null");
	else
		escape_json(&json, fault->message, strlen(fault->message));
	buf_str(&json, ",\"warnings\":[");
	for (const struct catalogue_remark *remark = remarks->first; remark != NULL;
		remark = remark->next) {
		escape_json(&json, remark->text, strlen(remark->text));
		buf_str(&json, remark->next != NULL ? "," : "");
	}
	fprintf(cli->out, "%s]}\n", json.bytes);
}

/* What is wrong with a command is the outcome here; all else is an error of the run. */
static enum err_kind
tell(struct cli *cli, const struct arguments *arguments, struct err *err,
	const struct catalogue_remarks *remarks)
{
	bool good = err->kind == ERR_OK;

	if (cli->json) {
		print_json(cli, arguments, err, remarks);
		err->message[0] = '\0';
		return err->kind;
	}
	arguments_warn(cli, remarks);
	if (good)
		fprintf(cli->out, "%s: nothing wrong with it\n", arguments->known->name);
	return err->kind;
}

enum err_kind
cli_command_check(struct cli *cli, struct err *err)
{
	struct catalogue_remarks remarks = {0};
	struct arguments arguments = {.cli = cli, .remarks = &remarks};
	bool strict = cli_option(cli, "strict") != NULL;
	const struct plist *keys = NULL;
	enum err_kind kind = open_for_device(cli, err);

	if (kind == ERR_OK)
		kind = arguments_take_plist(&arguments, err);
	if (kind == ERR_OK)
		kind = take_words(&arguments, err);
	if (kind != ERR_OK)
		return arguments.request == NULL || cli->usage || kind != ERR_BAD_INPUT
			       ? kind
			       : tell(cli, &arguments, err, &remarks);
	drop_confirmation(&arguments);
	err->kind = ERR_OK;
	kind = arguments_check(&arguments, strict, &remarks, &keys, err);
	if (kind == ERR_OK)
		kind = check_device(&arguments, keys, &remarks, err);
	if (kind != ERR_OK && kind != ERR_BAD_INPUT)
		return kind;
	return tell(cli, &arguments, err, &remarks);
}
