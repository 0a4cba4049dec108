/*
 * pomona user list|add|password|remove
 */
#include "cli/commands.h"

#include "cli/file.h"
#include "mdm/user.h"

static const struct table_column columns[] = {
	{"name", "NAME", TABLE_TEXT, 0},
	{"realm", "REALM", TABLE_TEXT, 0},
	{"created_at", "ADDED", TABLE_TIME, 0},
	{"changed_at", "PASSWORD SET", TABLE_TIME, 0},
};

enum err_kind
cli_user_list(struct cli *cli, struct err *err)
{
	const struct db_value start[] = {DB_TEXT("")};
	struct cli_list list = {.statement = SQL_USER_LIST, .args = start, .count = 1, .keys = 1};

	if (cli_limit(cli, &list.limit, err) != ERR_OK)
		return err->kind;
	return cli_list_table(cli, &list, columns, sizeof(columns) / sizeof(columns[0]), err);
}

/* Out of a file, as everybody on the machine sees an argument. */
static enum err_kind
read_password(struct cli *cli, const char **password, struct err *err)
{
	const char *path = cli_option(cli, "password-file");

	return file_read_password(&cli->arena, path == NULL ? "-" : path, password, err);
}

enum err_kind
cli_user_add(struct cli *cli, struct err *err)
{
	const char *password;
	enum err_kind kind = read_password(cli, &password, err);

	return kind == ERR_OK ? user_add(&cli->mdm, cli->words.words[0], password, err) : kind;
}

enum err_kind
cli_user_password(struct cli *cli, struct err *err)
{
	const char *password;
	enum err_kind kind = read_password(cli, &password, err);

	return kind == ERR_OK ? user_set_password(&cli->mdm, cli->words.words[0], password, err)
			      : kind;
}

enum err_kind
cli_user_remove(struct cli *cli, struct err *err)
{
	return user_remove(&cli->mdm, cli->words.words[0], err);
}
