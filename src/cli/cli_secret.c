/*
 * pomona secret list|show
 */
#include "cli/commands.h"

#include "cli/escape.h"
#include "mdm/secret.h"

enum { SHOWN_MOST = 100 };

static const struct table_column listed[] = {
	{"device", "DEVICE", TABLE_TEXT, 0},
	{"kind", "KIND", TABLE_TEXT, 0},
	{"since", "SINCE", TABLE_TIME, 0},
	{"replaced_at", "REPLACED", TABLE_TIME, 0},
	{"before_enrollment", "BEFORE ENROLLMENT", TABLE_BOOL, 0},
};

enum err_kind
cli_secret_list(struct cli *cli, struct err *err)
{
	const char *id = cli->words.count > 0 ? cli->words.words[0] : NULL;
	const char *kind_name = cli_option(cli, "kind");
	const struct db_value args[] = {DB_INT(INT64_MAX), DB_TEXT(id), DB_TEXT(kind_name),
		DB_INT(cli_option(cli, "all") != NULL)};
	struct cli_list list = {
		.statement = SQL_CLI_SECRET_LIST, .args = args, .count = 4, .keys = 1};
	enum secret_kind secret;
	enum err_kind kind = cli_limit(cli, &list.limit, err);
	int64_t no;

	if (kind == ERR_OK && kind_name != NULL && !secret_kind_find(kind_name, &secret))
		return cli_wrong_usage(cli, err, "there is no kind \"%.60s\"", kind_name);
	if (kind == ERR_OK && id != NULL)
		kind = cli_enrollment_no(cli, id, &no, err);
	return kind == ERR_OK
		       ? cli_list_table(cli, &list, listed, sizeof(listed) / sizeof(listed[0]), err)
		       : kind;
}

/* ---- one that is shown ---- */

static void
print(struct cli *cli, const char *id, const char *kind, const struct secret_shown *shown,
	size_t count)
{
	static const struct table_column columns[] = {
		{"device", NULL, TABLE_TEXT, 0},
		{"kind", NULL, TABLE_TEXT, 0},
		{"value", "VALUE", TABLE_TEXT, 0},
		{"since", "SINCE", TABLE_TIME, 0},
		{"replaced_at", "REPLACED", TABLE_TIME, 0},
	};
	struct table table;

	table_init(&table, cli->out, cli->json, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < count; i++)
		table_add(&table, (const struct db_value[]){DB_TEXT(id), DB_TEXT(kind),
					  DB_TEXT(shown[i].value), DB_TIME(shown[i].since),
					  DB_TIME(shown[i].replaced_at)});
	table_release(&table, true);
}

/* Nothing is shown before it is on the disk that it was. */
enum err_kind
cli_secret_show(struct cli *cli, struct err *err)
{
	const char *id = cli->words.words[0], *name = cli->words.words[1];
	const char *reason = cli_option(cli, "reason");
	struct secret_shown shown[SHOWN_MOST];
	enum secret_kind secret;
	enum err_kind kind;
	size_t count = 0;

	if (!secret_kind_find(name, &secret))
		return cli_wrong_usage(cli, err, "there is no kind \"%.60s\"", name);
	if (reason == NULL)
		return cli_wrong_usage(cli, err, "why? Give the reason with --reason TEXT");
	kind = db_begin(cli->mdm.db, DB_WRITE, err);
	if (kind != ERR_OK)
		return kind;
	kind = secret_show(&cli->mdm, id, secret, reason, shown,
		cli_option(cli, "all") != NULL ? SHOWN_MOST : 1, &count, err);
	if (kind != ERR_OK) {
		db_rollback(cli->mdm.db);
		return kind;
	}
	kind = db_commit(cli->mdm.db, err);
	if (kind == ERR_OK)
		print(cli, id, name, shown, count);
	return kind;
}
