/*
 * pomona queue add: words -> command -> queue.
 *
 *	take_words -> arguments_take -> check_confirmed -> for_some | for_all
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/arguments.h"
#include "cli/escape.h"
#include "cli/outcome.h"
#include "mdm/mask.h"
#include "mdm/pin.h"
#include "mdm/queue.h"

enum {
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
	struct arguments given;
	const char **assignments;
	size_t assignment_count;

	struct queue_command command;
	struct queue_payload payload;
	struct catalogue_remarks remarks;

	/* of --all: those that do not take such a command, and the first of them */
	int64_t refused;
	const char *refused_why;

	struct outcome outcome;
};

/* ---- what is asked for ---- */

/* Is the word the request?  With a plist, which one it is is known already. */
static bool
is_request(const struct adding *adding, const char *word)
{
	return adding->given.request != NULL ? strcmp(word, adding->given.request) == 0
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
	if (at == plain && adding->given.request == NULL) {
		if (plain < (cli_option(adding->cli, "all") != NULL ? 1u : 2u))
			return cli_wrong_usage(adding->cli, adding->err, "which request?");
		return arguments_unknown(words->words[plain - 1],
			"; any can be queued with --plist FILE", ERR_BAD_INPUT, adding->err);
	}
	for (size_t i = 0; i < at; i++)
		if (catalogue_find(words->words[i]) != NULL)
			return cli_wrong_usage(adding->cli, adding->err,
				"%.100s stands where an id is wanted: the plist is a %.100s",
				words->words[i], adding->given.request);
	if (at < plain)
		arguments_take_request(&adding->given, words->words[at++]);
	adding->assignments = words->words + at;
	adding->assignment_count = words->count - at;
	adding->command.request = adding->given.request;
	return check_who(adding);
}

/* A command that destroys data is confirmed with the id of the one device it is for. */
static enum err_kind
check_confirmed(struct adding *adding)
{
	const struct catalogue_request *known = adding->given.known;
	const char *confirmed = plist_get_string(adding->given.args, "confirm");

	if (known == NULL || !known->confirm) {
		if (plist_get(adding->given.args, "confirm") != NULL)
			return err_set(adding->err, ERR_BAD_INPUT, "%.100s wants no confirmation",
				adding->given.request);
		return ERR_OK;
	}
	if (adding->id_count != 1 || who_is_group(adding->ids[0]))
		return err_set(adding->err, ERR_BAD_INPUT,
			"%s destroys data: it goes to one device at a time", known->name);
	if (confirmed == NULL || strcmp(confirmed, adding->ids[0]) != 0)
		return err_set(adding->err, ERR_BAD_INPUT,
			"%s destroys data: confirm it with confirm=%s", known->name,
			adding->ids[0]);
	plist_remove(adding->given.args, "confirm");
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
	command->setup = cli_option(adding->cli, "setup") != NULL;
	command->origin = "cli";
	command->args = adding->given.args;
	command->body = adding->given.body;
	command->body_len = adding->given.body_len;
	command->strict = command->checked = cli_option(adding->cli, "strict") != NULL;
	command->force = cli_option(adding->cli, "force") != NULL;
	command->remarks = &adding->remarks;
	command->whom = adding->ids;
	command->whom_count = adding->id_count;
	return kind;
}

/* ---- for devices that are named ---- */

/* Queues it for the device of number N; that this one cannot come is worth a note. */
static enum err_kind
deliver_one(struct adding *adding, size_t n)
{
	struct outcome *outcome = &adding->outcome;
	struct mdm *mdm = &adding->cli->mdm;
	struct pin_refusal refusal = {0};
	struct err err = {0};

	if (queue_deliver(mdm, &adding->command, &adding->payload, outcome->ids[n], &err) == ERR_OK)
		pin_look(mdm, outcome->ids[n], &refusal, &err);
	if (refusal.what != NULL)
		outcome->notes[n] = refusal.blocked ? "the device is blocked"
						    : "the device has no valid identity";
	return outcome_note(outcome, mdm->arena, n, &err, adding->err);
}

/* Those from FROM on, a batch of them; *STORED: how many got it. */
static enum err_kind
deliver_batch(struct adding *adding, size_t from, size_t *stored)
{
	struct outcome *outcome = &adding->outcome;
	size_t failed = outcome->failed, i;
	enum err_kind kind = ERR_OK;

	for (i = from; i < outcome->count && i < from + BATCH && kind == ERR_OK; i++)
		kind = deliver_one(adding, i);
	*stored = i - from - (outcome->failed - failed);
	return kind;
}

/* A short transaction; the first in which somebody gets the command stores it. */
static enum err_kind
store_some(struct adding *adding, size_t from)
{
	struct cli *cli = adding->cli;
	bool first = adding->payload.no == 0;
	enum err_kind kind = db_begin(cli->mdm.db, DB_WRITE, adding->err);
	size_t stored = 0;

	if (kind != ERR_OK)
		return kind;
	if (first)
		kind = queue_payload_add(
			&cli->mdm, &adding->command, &adding->payload, adding->err);
	if (kind == ERR_OK)
		kind = deliver_batch(adding, from, &stored);
	if (kind == ERR_OK && stored > 0)
		return db_commit(cli->mdm.db, adding->err);
	db_rollback(cli->mdm.db);
	if (first)
		adding->payload.no = 0;
	return kind;
}

/* Stores the command, unless nobody gets it. */
static enum err_kind
store_for_some(struct adding *adding)
{
	enum err_kind kind = ERR_OK;
	size_t from;

	for (from = 0; from < adding->outcome.count && kind == ERR_OK; from += BATCH)
		kind = store_some(adding, from);
	if (kind != ERR_OK && adding->payload.no != 0)
		err_prefix(adding->err, "%s is queued for some of the first %zu devices, then",
			adding->payload.uuid, from - BATCH);
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
	struct who who;
	struct buf buf;
	bool stored;

	kind = who_read(cli, adding->ids, adding->id_count, &who, adding->err);
	if (kind != ERR_OK)
		return kind;
	outcome_init(outcome, &cli->arena, &who);
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

static void
note_refused(const char *enrollment_id, const char *reason, void *context)
{
	struct adding *adding = context;

	if (adding->refused++ == 0)
		adding->refused_why =
			arena_printf(&adding->cli->arena, "%s: %s", enrollment_id, reason);
}

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

	adding->command.refused = note_refused;
	adding->command.context = adding;
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
	if (total == 0 && adding->refused > 0)
		return err_set(adding->err, ERR_BAD_INPUT,
			"none of the %lld devices takes it; the first is %s",
			(long long)adding->refused, adding->refused_why);
	if (total == 0)
		return err_set(adding->err, ERR_NOT_FOUND, "there is no enrolled device");
	if (cli->json) {
		add_json_head(adding, &buf, true);
		fprintf(cli->out, "%s,\"count\":%lld,\"refused\":%lld}\n", buf.bytes,
			(long long)total, (long long)adding->refused);
	} else {
		print_head(adding, true);
		fprintf(cli->out, "queued for %lld device%s\n", (long long)total,
			total == 1 ? "" : "s");
		if (adding->refused > 0)
			fprintf(cli->out, "%lld %s not take it; the first is %s\n",
				(long long)adding->refused, adding->refused == 1 ? "does" : "do",
				adding->refused_why);
	}
	return ERR_OK;
}

/* A command that holds a secret is sealed. */
static enum err_kind
take_key(struct adding *adding)
{
	struct cli *cli = adding->cli;

	if (!mask_knows(adding->given.request, false) ||
		(adding->command.body == NULL && mask_plist(&cli->arena, adding->given.request,
							 false, adding->given.args) == NULL))
		return ERR_OK;
	return mdm_find_key(&cli->mdm, cli->conf.key, adding->err);
}

/* A plist goes as it is, unless --strict: what is wrong with it is said. */
static void
remark_body(struct adding *adding)
{
	struct err fault = {0};

	if (adding->command.body == NULL || adding->command.checked)
		return;
	if (adding->given.known == NULL)
		err_set(&fault, ERR_BAD_INPUT, "unknown request %.100s", adding->given.request);
	else if (arguments_check(&adding->given, false, &adding->remarks, NULL, &fault) == ERR_OK)
		return;
	catalogue_remark_add(&adding->remarks, &adding->cli->arena,
		arena_printf(&adding->cli->arena, "%s; it is queued as it is", fault.message));
}

enum err_kind
cli_queue_add(struct cli *cli, struct err *err)
{
	struct adding adding = {.cli = cli, .given = {.cli = cli}, .err = err};
	enum err_kind kind = arguments_take_plist(&adding.given, err);

	adding.given.remarks = &adding.remarks;
	if (kind == ERR_OK)
		kind = take_words(&adding);
	if (kind == ERR_OK)
		kind = arguments_take(
			&adding.given, adding.assignments, adding.assignment_count, err);
	if (kind == ERR_OK)
		kind = check_confirmed(&adding);
	if (kind == ERR_OK)
		kind = take_options(&adding);
	if (kind == ERR_OK)
		kind = take_key(&adding);
	if (kind != ERR_OK)
		return kind;
	remark_body(&adding);
	kind = cli_option(cli, "all") != NULL ? for_all(&adding) : for_some(&adding);
	arguments_warn(cli, &adding.remarks);
	return kind;
}
