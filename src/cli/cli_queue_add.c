/*
 * pomona queue add: words -> command -> queue.
 *
 *	take_words -> take_arguments -> check_confirmed -> for_some | for_all
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/assign.h"
#include "cli/escape.h"
#include "cli/file.h"
#include "cli/outcome.h"
#include "mdm/command.h"
#include "mdm/queue.h"

enum {
	ARGS_MOST = 16 * 1024 * 1024,
	OUTPUT_MOST = 256 * 1024 * 1024,
	BATCH = 1000, /* devices in a transaction */
	PRIORITY_MOST = 1000000,
};

struct adding {
	struct cli *cli;
	struct err *err;

	/* the words, in their order: ids, the request (or none), assignments */
	const char **ids;
	size_t id_count;
	const char *request;
	const char **assignments;
	size_t assignment_count;

	struct queue_command command;
	const struct catalogue_request *known; /* NULL: by plist only */
	struct plist *args;
	struct queue_payload payload;

	struct outcome outcome;
};

/* ---- what is asked for ---- */

static enum err_kind
take_plist(struct adding *adding)
{
	const char *path = cli_option(adding->cli, "plist");
	struct command_head head;
	struct plist *plist;
	enum err_kind kind;
	char *bytes;
	size_t len;

	if (path == NULL)
		return ERR_OK;
	kind = file_read(&adding->cli->arena, path, COMMAND_BYTES_MOST, &bytes, &len, adding->err);
	if (kind != ERR_OK)
		return kind;
	kind = command_inspect(&adding->cli->mdm, bytes, len, &head, &plist, adding->err);
	if (kind != ERR_OK) {
		err_prefix(adding->err, "%s", path);
		return kind;
	}
	adding->command.body = bytes;
	adding->command.body_len = len;
	adding->request = head.request;
	return ERR_OK;
}

/* Is the word the request?  With a plist, which one it is is known already. */
static bool
is_request(const struct adding *adding, const char *word)
{
	return adding->request != NULL ? strcmp(word, adding->request) == 0
				       : catalogue_find(word) != NULL;
}

/* How many of the words stand before the first assignment. */
static size_t
plain_words(const struct words *words)
{
	size_t n = 0;

	while (n < words->count && strchr(words->words[n], '=') == NULL)
		n++;
	return n;
}

static enum err_kind
check_who(struct adding *adding)
{
	bool all = cli_option(adding->cli, "all") != NULL;

	if (all && adding->id_count > 0)
		return cli_wrong_usage(adding->cli, adding->err,
			"--all and the id %.100s: one or the other", adding->ids[0]);
	if (!all && adding->id_count == 0)
		return cli_wrong_usage(
			adding->cli, adding->err, "for which devices? Give their ids, or --all");
	return ERR_OK;
}

/* IDs come first, then the request, then KEY=VALUE. */
static enum err_kind
take_words(struct adding *adding)
{
	const struct words *words = &adding->cli->words;
	size_t plain = plain_words(words), at = 0;

	while (at < plain && !is_request(adding, words->words[at]))
		at++;
	adding->ids = words->words;
	adding->id_count = at;
	if (at == plain && adding->request == NULL) {
		if (plain < (cli_option(adding->cli, "all") != NULL ? 1u : 2u))
			return cli_wrong_usage(adding->cli, adding->err, "which request?");
		return err_set(adding->err, ERR_BAD_INPUT,
			"unknown request %.100s (any can be queued with --plist FILE)",
			words->words[plain - 1]);
	}
	for (size_t i = 0; i < at; i++)
		if (catalogue_find(words->words[i]) != NULL)
			return cli_wrong_usage(adding->cli, adding->err,
				"%.100s stands where an id is wanted: the plist is a %.100s",
				words->words[i], adding->request);
	if (at < plain)
		adding->request = words->words[at++];
	adding->assignments = words->words + at;
	adding->assignment_count = words->count - at;
	adding->known = catalogue_find(adding->request);
	adding->command.request = adding->request;
	return check_who(adding);
}

/* ---- its arguments ---- */

static enum err_kind
take_json(struct adding *adding, const char *json)
{
	struct cli *cli = adding->cli;
	size_t len = strlen(json);
	enum err_kind kind;
	char *bytes;

	if (json[0] == '@') {
		if (file_read(&cli->arena, json + 1, ARGS_MOST, &bytes, &len, adding->err) !=
			ERR_OK)
			return adding->err->kind;
		json = bytes;
	}
	kind = plist_read_json(
		plist_limits_default(), &cli->arena, json, len, &adding->args, adding->err);
	if (kind != ERR_OK)
		err_prefix(adding->err, "--args");
	else if (adding->args->type != PLIST_DICT)
		return err_set(adding->err, ERR_BAD_INPUT, "--args wants a JSON object");
	return kind;
}

static bool
is_confirmation(const char *word)
{
	return strncmp(word, "confirm=", strlen("confirm=")) == 0;
}

static enum err_kind
take_assignment(struct adding *adding, const char *word, bool others)
{
	struct cli *cli = adding->cli;

	if (is_confirmation(word)) {
		plist_set(&cli->arena, adding->args, "confirm",
			plist_string(&cli->arena, word + strlen("confirm=")));
		return ERR_OK;
	}
	if (others)
		return cli_wrong_usage(
			cli, adding->err, "KEY=VALUE, --args or --plist: one of them");
	if (strchr(word, '=') == NULL)
		return cli_wrong_usage(
			cli, adding->err, "\"%.100s\" is not of the form KEY=VALUE", word);
	return assign_word(&cli->arena, adding->known, adding->args, word, adding->err);
}

static enum err_kind
take_arguments(struct adding *adding)
{
	const char *json = cli_option(adding->cli, "args");
	bool others = json != NULL || adding->command.body != NULL;
	enum err_kind kind = ERR_OK;

	if (json != NULL && adding->command.body != NULL)
		return cli_wrong_usage(adding->cli, adding->err, "--args or --plist, not both");
	adding->args = plist_dict(&adding->cli->arena);
	if (json != NULL)
		kind = take_json(adding, json);
	for (size_t i = 0; i < adding->assignment_count && kind == ERR_OK; i++)
		kind = take_assignment(adding, adding->assignments[i], others);
	return kind;
}

/* A command that destroys data is confirmed with the id of the one device it is for. */
static enum err_kind
check_confirmed(struct adding *adding)
{
	const char *confirmed = plist_get_string(adding->args, "confirm");

	if (adding->known == NULL || !adding->known->confirm) {
		if (plist_get(adding->args, "confirm") != NULL)
			return err_set(adding->err, ERR_BAD_INPUT, "%.100s wants no confirmation",
				adding->request);
		return ERR_OK;
	}
	if (adding->id_count != 1)
		return err_set(adding->err, ERR_BAD_INPUT,
			"%s destroys data: it goes to one device at a time", adding->known->name);
	if (confirmed == NULL || strcmp(confirmed, adding->ids[0]) != 0)
		return err_set(adding->err, ERR_BAD_INPUT,
			"%s destroys data: confirm it with confirm=%s", adding->known->name,
			adding->ids[0]);
	plist_remove(adding->args, "confirm");
	return ERR_OK;
}

static enum err_kind
take_options(struct adding *adding)
{
	const struct words *words = &adding->cli->words;
	struct queue_command *command = &adding->command;
	enum err_kind kind;

	kind = words_integer(words, "priority", -PRIORITY_MOST, PRIORITY_MOST, 0,
		&command->priority, adding->err);
	if (kind == ERR_OK)
		kind = words_time(words, "not-before", &command->not_before, adding->err);
	if (kind == ERR_OK)
		kind = words_time(words, "expires", &command->expires, adding->err);
	adding->cli->usage = kind != ERR_OK;
	command->origin = "cli";
	command->args = adding->args;
	command->whom = adding->ids;
	command->whom_count = adding->id_count;
	return kind;
}

/* ---- for devices that are named ---- */

static enum err_kind
deliver_each(struct adding *adding)
{
	struct outcome *outcome = &adding->outcome;
	struct mdm *mdm = &adding->cli->mdm;
	enum err_kind kind = ERR_OK;

	for (size_t i = 0; i < outcome->count && kind == ERR_OK; i++) {
		struct err err = {0};

		queue_deliver(mdm, &adding->command, &adding->payload, outcome->ids[i], &err);
		kind = outcome_note(outcome, mdm->arena, i, &err, adding->err);
	}
	return kind;
}

/* Stores the command, unless nobody gets it. */
static enum err_kind
store_for_some(struct adding *adding)
{
	struct cli *cli = adding->cli;
	enum err_kind kind = db_begin(cli->mdm.db, DB_WRITE, adding->err);

	if (kind != ERR_OK)
		return kind;
	kind = queue_payload_add(&cli->mdm, &adding->command, &adding->payload, adding->err);
	if (kind == ERR_OK)
		kind = deliver_each(adding);
	if (kind == ERR_OK && adding->outcome.failed < adding->outcome.count)
		return db_commit(cli->mdm.db, adding->err);
	db_rollback(cli->mdm.db);
	return kind;
}

/* {"command_uuid":…,"request_type":… */
static void
add_json_head(const struct adding *adding, struct buf *buf, bool stored)
{
	buf_init(buf, &adding->cli->arena, OUTPUT_MOST);
	buf_byte(buf, '{');
	if (stored) {
		buf_str(buf, "\"command_uuid\":");
		escape_json(buf, adding->payload.uuid, strlen(adding->payload.uuid));
		buf_byte(buf, ',');
	}
	buf_str(buf, "\"request_type\":");
	escape_json(buf, adding->payload.request, strlen(adding->payload.request));
}

/* The command; a plist's RequestType may be any text. */
static void
print_head(const struct adding *adding, bool stored)
{
	struct buf buf;

	buf_init(&buf, &adding->cli->arena, OUTPUT_MOST);
	escape_text(&buf, adding->payload.request, strlen(adding->payload.request), false);
	fprintf(adding->cli->out, "%s  %s\n\n", stored ? adding->payload.uuid : "(not queued)",
		buf.bytes);
}

static enum err_kind
for_some(struct adding *adding)
{
	struct cli *cli = adding->cli;
	struct outcome *outcome = &adding->outcome;
	enum err_kind kind;
	struct buf buf;
	bool stored;

	outcome_init(outcome, &cli->arena, adding->ids, adding->id_count);
	kind = store_for_some(adding);
	if (kind != ERR_OK)
		return kind;
	stored = outcome->failed < outcome->count;
	if (cli->json) {
		add_json_head(adding, &buf, stored);
		buf_str(&buf, ",\"status\":");
		outcome_add_json(outcome, &buf);
		fprintf(cli->out, "%s}\n", buf.bytes);
	} else {
		print_head(adding, stored);
		outcome_print(outcome, cli->out, "queued");
	}
	return outcome_end(outcome, cli);
}

/* ---- for all ---- */

/* One short transaction, so that devices are served meanwhile; the first stores the command. */
static enum err_kind
store_batch(struct adding *adding, int64_t *after, int64_t *count)
{
	struct mdm *mdm = &adding->cli->mdm;
	enum err_kind kind = db_begin(mdm->db, DB_WRITE, adding->err);

	*count = 0;
	if (kind != ERR_OK)
		return kind;
	if (adding->payload.no == 0)
		kind = queue_payload_add(mdm, &adding->command, &adding->payload, adding->err);
	if (kind == ERR_OK)
		kind = queue_deliver_all(
			mdm, &adding->command, &adding->payload, BATCH, after, count, adding->err);
	if (kind == ERR_OK && *count > 0)
		return db_commit(mdm->db, adding->err);
	db_rollback(mdm->db);
	return kind;
}

static enum err_kind
for_all(struct adding *adding)
{
	struct cli *cli = adding->cli;
	int64_t after = 0, count, total = 0;
	enum err_kind kind;
	struct buf buf;

	do {
		kind = store_batch(adding, &after, &count);
		if (kind == ERR_OK)
			total += count;
	} while (kind == ERR_OK && count > 0);
	if (kind != ERR_OK && total > 0)
		err_prefix(adding->err, "%s is queued for %lld devices, then", adding->payload.uuid,
			(long long)total);
	if (kind != ERR_OK)
		return kind;
	if (total == 0)
		return err_set(adding->err, ERR_NOT_FOUND, "there is no enrolled device");
	if (cli->json) {
		add_json_head(adding, &buf, true);
		fprintf(cli->out, "%s,\"count\":%lld}\n", buf.bytes, (long long)total);
	} else {
		print_head(adding, true);
		fprintf(cli->out, "queued for %lld devices\n", (long long)total);
	}
	return ERR_OK;
}

enum err_kind
cli_queue_add(struct cli *cli, struct err *err)
{
	struct adding adding = {.cli = cli, .err = err};
	enum err_kind kind = take_plist(&adding);

	if (kind == ERR_OK)
		kind = take_words(&adding);
	if (kind == ERR_OK)
		kind = take_arguments(&adding);
	if (kind == ERR_OK)
		kind = check_confirmed(&adding);
	if (kind == ERR_OK)
		kind = take_options(&adding);
	if (kind != ERR_OK)
		return kind;
	return cli_option(cli, "all") != NULL ? for_all(&adding) : for_some(&adding);
}
