/*
 * pomona setting list|get|set|unset
 */
#include "cli/commands.h"

#include "cli/file.h"
#include "mdm/ca.h"
#include "mdm/setting.h"

static const struct table_column columns[] = {
	{"name", "NAME", TABLE_TEXT, 0},
	{"value", "VALUE", TABLE_TEXT, 0},
	{"changed_at", "CHANGED", TABLE_TIME, 0},
};

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static enum err_kind
add(struct mdm *mdm, const char *name, struct table *table, struct err *err)
{
	struct db_row row;
	const char *value;
	int64_t changed_at = 0;
	enum err_kind kind = setting_get(mdm, name, &value, err);

	if (kind != ERR_OK)
		return kind;
	kind = db_first(mdm->db, SQL_SETTING_GET, DB_ARGS(DB_TEXT(name)), &row, err);
	if (kind == ERR_OK)
		changed_at = db_int(&row, 1);
	else if (kind != ERR_NOT_FOUND)
		return kind;
	table_add(table,
		(const struct db_value[]){DB_TEXT(name), DB_TEXT(value), DB_TIME(changed_at)});
	return ERR_OK;
}

enum err_kind
cli_setting_list(struct cli *cli, struct err *err)
{
	enum err_kind kind = ERR_OK;
	struct table table;

	table_init(&table, cli->out, cli->json, columns, COLUMNS);
	for (size_t i = 0; setting_name(i) != NULL && kind == ERR_OK; i++)
		kind = add(&cli->mdm, setting_name(i), &table, err);
	table_release(&table, kind == ERR_OK);
	return kind;
}

enum err_kind
cli_setting_get(struct cli *cli, struct err *err)
{
	static const struct table_column one[] = {
		{"name", NULL, TABLE_TEXT, 0}, {"value", NULL, TABLE_TEXT, 0}};
	const char *name = cli->words.words[0], *value;
	enum err_kind kind = setting_get(&cli->mdm, name, &value, err);

	if (kind != ERR_OK)
		return kind;
	if (cli->json)
		table_show(cli->out, true, one, 2,
			(const struct db_value[]){DB_TEXT(name), DB_TEXT(value)});
	else if (value == NULL)
		return err_set(err, ERR_NOT_FOUND, "%s is not set", name);
	else
		fprintf(cli->out, "%s\n", value);
	return ERR_OK;
}

/* A secret is better not an argument, which everybody on the machine sees: @FILE. */
static enum err_kind
take_secret(struct cli *cli, const char **value, struct err *err)
{
	enum err_kind kind = seal_key_read(&cli->key, cli->conf.key, err);

	if (kind == ERR_OK)
		kind = ca_check_key(&cli->mdm, err);
	if (kind == ERR_OK && **value == '@')
		kind = file_read_password(&cli->arena, *value + 1, value, err);
	return kind;
}

enum err_kind
cli_setting_set(struct cli *cli, struct err *err)
{
	const char *name = cli->words.words[0], *value = cli->words.words[1];

	if (setting_is_secret(name) && take_secret(cli, &value, err) != ERR_OK)
		return err->kind;
	return setting_set(&cli->mdm, name, value, err);
}

enum err_kind
cli_setting_unset(struct cli *cli, struct err *err)
{
	return setting_unset(&cli->mdm, cli->words.words[0], err);
}
