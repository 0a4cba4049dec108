/*
 * pomona push ID…|group:NAME
 */
#include "cli/commands.h"

#include "cli/outcome.h"
#include "mdm/push.h"

enum { JSON_MOST = 16 * 1024 * 1024 };

static enum err_kind
want_each(struct cli *cli, struct outcome *outcome, struct err *err)
{
	enum err_kind kind = ERR_OK;

	for (size_t i = 0; i < outcome->count && kind == ERR_OK; i++) {
		struct err what = {0};

		push_want_id(&cli->mdm, outcome->ids[i], &what);
		kind = outcome_note(outcome, &cli->arena, i, &what, err);
	}
	return kind;
}

/* In a transaction of its own: those that can be pushed are, whatever the others are. */
enum err_kind
cli_push(struct cli *cli, struct err *err)
{
	struct outcome outcome;
	struct who who;
	struct buf json;
	enum err_kind kind = who_read(cli, cli->words.words, cli->words.count, &who, err);

	if (kind == ERR_OK)
		kind = db_begin(cli->mdm.db, DB_WRITE, err);
	if (kind != ERR_OK)
		return kind;
	outcome_init(&outcome, &cli->arena, &who);
	kind = want_each(cli, &outcome, err);
	if (kind == ERR_OK)
		kind = db_commit(cli->mdm.db, err);
	else
		db_rollback(cli->mdm.db);
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
