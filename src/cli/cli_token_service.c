/*
 * pomona token-service list|maid|hook|remove
 */
#include "cli/commands.h"

#include "cli/file.h"
#include "mdm/token_service.h"

enum { KEY_MOST = 1024 * 1024 };

static const struct table_column columns[] = {
	{"type", "TYPE", TABLE_TEXT, 0},
	{"method", "METHOD", TABLE_TEXT, 0},
	{NULL, "WHERE", TABLE_TEXT, 0},
	{"changed_at", "CHANGED", TABLE_TIME, 0},
	{"url", NULL, TABLE_TEXT, 0},
	{"issuer", NULL, TABLE_TEXT, 0},
};

enum err_kind
cli_token_service_list(struct cli *cli, struct err *err)
{
	return cli_table(
		cli, SQL_TOKEN_SERVICE_LIST, columns, sizeof(columns) / sizeof(columns[0]), err);
}

enum err_kind
cli_token_service_maid(struct cli *cli, struct err *err)
{
	const char *path = cli_option(cli, "key"), *password = cli_option(cli, "password-file");
	struct token_service_key key = {.issuer = cli_option(cli, "issuer")};
	char *bytes;

	if (path == NULL || key.issuer == NULL)
		return cli_wrong_usage(cli, err, "--key and --issuer are needed");
	if (password != NULL &&
		file_read_password(&cli->arena, password, &key.password, err) != ERR_OK)
		return err->kind;
	if (file_read(&cli->arena, path, KEY_MOST, &bytes, &key.len, err) != ERR_OK)
		return err->kind;
	key.bytes = bytes;
	return token_service_set_maid(&cli->mdm, &key, err);
}

enum err_kind
cli_token_service_hook(struct cli *cli, struct err *err)
{
	return token_service_set_hook(&cli->mdm, cli->words.words[0], cli->words.words[1], err);
}

enum err_kind
cli_token_service_remove(struct cli *cli, struct err *err)
{
	return token_service_remove(&cli->mdm, cli->words.words[0], err);
}
