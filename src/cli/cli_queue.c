/*
 * pomona queue list|cancel|clear; `queue add` is in cli_queue_add.c
 */
#include "cli/commands.h"

#include <string.h>

#include "base/clock.h"
#include "cli/who.h"
#include "mdm/enrollment.h"
#include "mdm/mask.h"
#include "mdm/queue.h"

static const char reason[] = "cancelled on the command line";

static const struct table_column columns[] = {
	{"device", "DEVICE", TABLE_TEXT, 0},
	{"request", "REQUEST", TABLE_TEXT, 30},
	{"uuid", "UUID", TABLE_TEXT, 0},
	{"state", "STATE", TABLE_TEXT, 0},
	{"priority", "PRIO", TABLE_INTEGER, 0},
	{NULL, "AGE", TABLE_SPAN, 0},
	{"created_at", NULL, TABLE_TIME, 0},
	{"not_before", "NOT BEFORE", TABLE_TIME, 0},
	{"expires", NULL, TABLE_TIME, 0},
	{"sent_at", NULL, TABLE_TIME, 0},
	{"ended_at", NULL, TABLE_TIME, 0},
	{"not_now_count", NULL, TABLE_INTEGER, 0},
	{"reason", "REASON", TABLE_TEXT, 60},
	{"args", NULL, TABLE_JSON, 0},
};

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]), REASON = COLUMNS - 2 };

/* Parameters of the lists: from this enrollment to this one. */
enum { OF_ONE = 1 << 0 | 1 << 2 };

struct listing {
	struct arena arena; /* of a row */
	struct table table;
	int64_t now;
};

/* The row has the table's columns but the age. */
static enum err_kind
add_row(const struct db_row *row, void *context, struct err *err)
{
	struct listing *listing = context;
	struct db_value values[COLUMNS];

	(void)err;
	memcpy(values, row->values, 5 * sizeof(*values));
	values[5] = DB_INT((listing->now - db_int(row, 5)) / 1000);
	memcpy(values + 6, row->values + 5, 7 * sizeof(*values));
	/* The view `queue` shows no secrets; neither does the list. */
	values[13] = DB_TEXT(mask_args(&listing->arena, db_text(row, 1), db_text(row, 12)));
	table_add(&listing->table, values);
	arena_reset(&listing->arena);
	return ERR_OK;
}

enum err_kind
cli_queue_list(struct cli *cli, struct err *err)
{
	struct table_column shown[COLUMNS];
	struct listing listing = {.now = clock_now()};
	struct db_value args[] = {DB_INT(0), DB_INT(0), DB_INT(INT64_MAX)};
	struct cli_list list = {
		.statement =
			cli_option(cli, "ended") != NULL ? SQL_CLI_QUEUE_ALL : SQL_CLI_QUEUE_OPEN,
		.args = args,
		.count = 3,
		.keys = 2,
	};
	enum err_kind kind = cli_limit(cli, &list.limit, err);

	if (kind != ERR_OK)
		return kind;
	memcpy(shown, columns, sizeof(shown));
	if (cli_option(cli, "ended") == NULL)
		shown[REASON].title = NULL; /* what is open has none */
	arena_init(&listing.arena);
	table_init(&listing.table, cli->out, cli->json, shown, COLUMNS);
	if (cli->words.count == 0)
		kind = cli_list(cli, &list, add_row, &listing, err);
	else
		kind = who_list(
			cli, cli->words.words[0], &list, args, OF_ONE, add_row, &listing, err);
	table_release(&listing.table, kind == ERR_OK);
	arena_release(&listing.arena);
	return kind;
}

/* ---- an operator changes his mind ---- */

static void
say_cancelled(struct cli *cli, int64_t count)
{
	if (cli->json)
		fprintf(cli->out, "{\"cancelled\":%lld}\n", (long long)count);
	else
		fprintf(cli->out, "cancelled: %lld\n", (long long)count);
}

/* Cancels one command of those who are named, or of all who have it. */
static enum err_kind
cancel_of(struct cli *cli, const char *uuid, const struct who *who, int64_t *total, struct err *err)
{
	struct enrollment enrollment;
	enum err_kind kind = ERR_OK;
	int64_t count;

	if (who->count == 0)
		return queue_cancel(&cli->mdm, uuid, NULL, reason, total, err);
	for (size_t i = 0; i < who->count && kind == ERR_OK; i++) {
		kind = enrollment_find(&cli->mdm, who->ids[i], &enrollment, err);
		if (kind == ERR_OK)
			kind = queue_cancel(&cli->mdm, uuid, who->ids[i], reason, &count, err);
		if (kind == ERR_OK)
			*total += count;
	}
	return kind;
}

enum err_kind
cli_queue_cancel(struct cli *cli, struct err *err)
{
	const char *const *words = cli->words.words;
	struct who who = {.count = 0};
	enum err_kind kind = ERR_OK;
	int64_t total = 0;

	if (cli->words.count > 1)
		kind = who_find(cli, words + 1, cli->words.count - 1, &who, err);
	if (kind == ERR_OK)
		kind = cancel_of(cli, words[0], &who, &total, err);
	if (kind != ERR_OK)
		return kind;
	if (total == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no open command %s%s%s", words[0],
			who.count == 0 ? "" : " of ", who.count == 0 ? "" : words[1]);
	say_cancelled(cli, total);
	return ERR_OK;
}

enum err_kind
cli_queue_clear(struct cli *cli, struct err *err)
{
	struct who who;
	enum err_kind kind = who_find(cli, cli->words.words, cli->words.count, &who, err);
	int64_t count, total = 0;

	for (size_t i = 0; kind == ERR_OK && i < who.count; i++) {
		kind = queue_clear(&cli->mdm, who.ids[i], reason, &count, err);
		if (kind == ERR_OK)
			total += count;
		else
			cli_not_found(kind, err, "unknown device %s", who.ids[i]);
	}
	if (kind != ERR_OK)
		return kind;
	say_cancelled(cli, total);
	return ERR_OK;
}
