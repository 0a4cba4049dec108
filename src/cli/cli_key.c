/*
 * pomona key show|rotate: the master key.
 */
#include "cli/commands.h"

#include "mdm/reseal.h"

static const struct table_column rotated_columns[] = {
	{"number", "Key number", TABLE_INTEGER, 0},
	{"resealed", "Values sealed anew", TABLE_INTEGER, 0},
	{"lost", "Values that do not open", TABLE_INTEGER, 0},
	{"resumed", "Resumed", TABLE_BOOL, 0},
};

static const struct table_column shown_columns[] = {
	{"file", "File", TABLE_TEXT, 0},
	{"number", "Key number", TABLE_INTEGER, 0},
	{"rotating", "Rotation under way", TABLE_BOOL, 0},
};

enum err_kind
cli_key_show(struct cli *cli, struct err *err)
{
	(void)err;
	table_show(cli->out, cli->json, shown_columns, 3,
		(const struct db_value[]){DB_TEXT(cli->conf.key),
			DB_INT(seal_key_number(&cli->key)),
			DB_INT(seal_key_is_rotating(&cli->key))});
	return ERR_OK;
}

enum err_kind
cli_key_rotate(struct cli *cli, struct err *err)
{
	struct mdm mdm = cli->mdm;
	struct reseal reseal;
	struct arena arena;
	enum err_kind kind;

	arena_init(&arena);
	mdm.arena = &arena;
	mdm.db = db_open(cli->store, &arena);
	kind = reseal_run(&mdm, &reseal, err);
	db_close(mdm.db);
	arena_release(&arena);
	if (kind != ERR_OK && seal_key_is_rotating(&cli->key))
		cli_complain(cli,
			"the rotation is not at its end: both keys stay in %s, and "
			"nothing is lost; run this again",
			cli->conf.key);
	if (kind != ERR_OK)
		return kind;
	if (reseal.lost > 0)
		cli_complain(cli,
			"%lld values do not open with any key: they were lost before, and stay as "
			"they are",
			(long long)reseal.lost);
	table_show(cli->out, cli->json, rotated_columns, 4,
		(const struct db_value[]){DB_INT(seal_key_number(&cli->key)),
			DB_INT(reseal.resealed), DB_INT(reseal.lost), DB_INT(reseal.resumed)});
	return ERR_OK;
}
