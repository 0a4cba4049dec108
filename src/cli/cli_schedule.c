/*
 * pomona schedule list|add|pause|resume|run|remove
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/arguments.h"
#include "mdm/schedule.h"

enum { BATCH = 1000 /* devices in a transaction */ };

static const struct table_column columns[] = {
	{"name", "NAME", TABLE_TEXT, 0},
	{"every", "EVERY", TABLE_SPAN, 0},
	{"target", "TARGET", TABLE_TEXT, 40},
	{"request", "REQUEST", TABLE_TEXT, 30},
	{"args", "ARGUMENTS", TABLE_JSON, 40},
	{"paused", NULL, TABLE_BOOL, 0},
	{"state", "STATE", TABLE_TEXT, 0},
	{"reason", "REASON", TABLE_TEXT, 60},
	{"queued", "QUEUED", TABLE_INTEGER, 0},
	{"last_at", "LAST", TABLE_TIME, 0},
	{"created_at", NULL, TABLE_TIME, 0},
	{"changed_at", NULL, TABLE_TIME, 0},
};

enum err_kind
cli_schedule_list(struct cli *cli, struct err *err)
{
	const struct db_value start[] = {DB_INT(0)};
	struct cli_list list = {
		.statement = SQL_SCHEDULE_LIST, .args = start, .count = 1, .keys = 1};

	if (cli_limit(cli, &list.limit, err) != ERR_OK)
		return err->kind;
	return cli_list_table(cli, &list, columns, sizeof(columns) / sizeof(columns[0]), err);
}

/* NAME REQUEST [KEY=VALUE…] */
enum err_kind
cli_schedule_add(struct cli *cli, struct err *err)
{
	const struct words *words = &cli->words;
	struct catalogue_remarks remarks = {0};
	struct arguments given = {.cli = cli, .remarks = &remarks};
	struct schedule schedule = {
		.name = words->words[0], .target = cli_option(cli, "to"), .remarks = &remarks};
	enum err_kind kind;

	if (cli_option(cli, "every") == NULL)
		return cli_wrong_usage(cli, err, "how often? Give --every 24h");
	kind = words_span(words, "every", &schedule.every, err);
	cli->usage = kind != ERR_OK;
	arguments_take_request(&given, words->words[1]);
	if (kind == ERR_OK && given.known == NULL)
		return arguments_unknown(words->words[1], NULL, ERR_BAD_INPUT, err);
	if (kind == ERR_OK)
		kind = arguments_take(&given, words->words + 2, words->count - 2, err);
	if (kind != ERR_OK)
		return kind;
	if (schedule.target == NULL)
		schedule.target = "all";
	schedule.request = given.request;
	schedule.args = given.args;
	kind = schedule_add(&cli->mdm, &schedule, err);
	if (kind == ERR_OK)
		arguments_warn(cli, &remarks);
	return kind;
}

enum err_kind
cli_schedule_pause(struct cli *cli, struct err *err)
{
	return schedule_pause(&cli->mdm, cli->words.words[0], true, err);
}

enum err_kind
cli_schedule_resume(struct cli *cli, struct err *err)
{
	return schedule_pause(&cli->mdm, cli->words.words[0], false, err);
}

enum err_kind
cli_schedule_remove(struct cli *cli, struct err *err)
{
	return schedule_remove(&cli->mdm, cli->words.words[0], err);
}

/* ---- run ---- */

/* One short transaction, so that devices are served meanwhile. */
static enum err_kind
run_batch(struct cli *cli, struct schedule_run *run, struct err *err)
{
	struct schedule_run next = *run;
	enum err_kind kind = db_begin(cli->mdm.db, DB_WRITE, err);

	if (kind != ERR_OK)
		return kind;
	kind = schedule_run(&cli->mdm, &next, BATCH, err);
	if (kind == ERR_OK)
		kind = db_commit(cli->mdm.db, err);
	else
		db_rollback(cli->mdm.db);
	if (kind == ERR_OK)
		*run = next;
	return kind;
}

/* Rows of a whole fleet would fill the arena of the run. */
static enum err_kind
run_all(struct cli *cli, struct schedule_run *run, struct err *err)
{
	struct arena batch, *before = cli->mdm.arena;
	enum err_kind kind = ERR_OK;

	arena_init(&batch);
	cli->mdm.arena = &batch;
	db_use_arena(cli->mdm.db, &batch);
	while (kind == ERR_OK && !run->at.done) {
		kind = run_batch(cli, run, err);
		arena_reset(&batch);
	}
	cli->mdm.arena = before;
	db_use_arena(cli->mdm.db, before);
	arena_release(&batch);
	return kind;
}

enum err_kind
cli_schedule_run(struct cli *cli, struct err *err)
{
	struct schedule_run run = {.name = cli->words.words[0]};
	enum err_kind kind = run_all(cli, &run, err);

	if (kind != ERR_OK) {
		if (run.queued > 0)
			err_prefix(
				err, "it is queued for %lld devices, then", (long long)run.queued);
		return kind;
	}
	if (cli->json)
		fprintf(cli->out, "{\"queued\":%lld,\"refused\":%lld}\n", (long long)run.queued,
			(long long)run.refused);
	else
		fprintf(cli->out, "queued for %lld device%s\n", (long long)run.queued,
			run.queued == 1 ? "" : "s");
	if (!cli->json && run.refused > 0)
		fprintf(cli->out, "%lld do not take such a command\n", (long long)run.refused);
	return ERR_OK;
}
