/*
 * pomona push ID…|group:NAME
 */
#include "cli/commands.h"

#include "cli/outcome.h"
#include "mdm/push.h"

enum { JSON_MOST = 256 * 1024 * 1024, BATCH = 1000 /* devices in a transaction */ };

/* Those from FROM on, a batch of them, in a transaction of its own: those that can be pushed are,
 * whatever the others are. */
static enum err_kind
want_batch(struct cli *cli, struct outcome *outcome, size_t from, struct err *err)
{
	enum err_kind kind = db_begin(cli->mdm.db, DB_WRITE, err);

	if (kind != ERR_OK)
		return kind;
	for (size_t i = from; i < outcome->count && i < from + BATCH && kind == ERR_OK; i++) {
		struct err what = {0};

		push_want_id(&cli->mdm, outcome->ids[i], &what);
		kind = outcome_note(outcome, &cli->arena, i, &what, err);
	}
	if (kind == ERR_OK)
		return db_commit(cli->mdm.db, err);
	db_rollback(cli->mdm.db);
	return kind;
}

enum err_kind
cli_push(struct cli *cli, struct err *err)
{
	struct outcome outcome;
	struct who who;
	struct buf json;
	enum err_kind kind = who_read(cli, cli->words.words, cli->words.count, &who, err);

	if (kind != ERR_OK)
		return kind;
	outcome_init(&outcome, &cli->arena, &who);
	for (size_t from = 0; from < outcome.count && kind == ERR_OK; from += BATCH)
		kind = want_batch(cli, &outcome, from, err);
	if (kind != ERR_OK)
		return kind;
	if (cli->json) {
		buf_init(&json, &cli->arena, JSON_MOST);
		buf_str(&json, "{\"status\":");
		outcome_add_json(&outcome, &json);
		fprintf(cli->out, "%s}\n", json.bytes);
	} else
		outcome_print(&outcome, cli->out, "push wanted");
	return outcome_end(&outcome, cli);
}
