/*
 * pomona push ID…
 */
#include "cli/commands.h"
#include "cli/outcome.h"

#include "mdm/push.h"

enum { JSON_MOST = 16 * 1024 * 1024 };

static enum err_kind
want(struct cli *cli, const char *id, struct err *err)
{
	enum err_kind kind = db_begin(cli->mdm.db, DB_WRITE, err);

	if (kind != ERR_OK)
		return kind;
	kind = push_want_id(&cli->mdm, id, err);
	if (kind == ERR_OK)
		return db_commit(cli->mdm.db, err);
	db_rollback(cli->mdm.db);
	return kind;
}

enum err_kind
cli_push(struct cli *cli, struct err *err)
{
	struct outcome outcome;
	struct buf json;

	outcome_init(&outcome, &cli->arena, cli->words.words, cli->words.count);
	for (size_t i = 0; i < outcome.count; i++) {
		struct err what = {0};

		want(cli, outcome.ids[i], &what);
		if (outcome_note(&outcome, &cli->arena, i, &what, err) != ERR_OK)
			return err->kind;
	}
	if (cli->json) {
		buf_init(&json, &cli->arena, JSON_MOST);
		buf_str(&json, "{\"status\":");
		outcome_add_json(&outcome, &json);
		buf_str(&json, "}\n");
		fputs(json.bytes, cli->out);
	} else
		outcome_print(&outcome, cli->out, "push wanted");
	return outcome_end(&outcome, cli);
}
