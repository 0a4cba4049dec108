/*
 * pomona return-to-service list|set|remove: the profiles of devices that return to service.
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/profile_file.h"
#include "mdm/return_to_service.h"

static const struct table_column columns[] = {
	{"kind", "KIND", TABLE_TEXT, 0},
	{"size", "BYTES", TABLE_INTEGER, 0},
	{"changed_at", "CHANGED", TABLE_TIME, 0},
};

enum err_kind
cli_return_to_service_list(struct cli *cli, struct err *err)
{
	return cli_table(cli, SQL_RETURN_TO_SERVICE_LIST, columns,
		sizeof(columns) / sizeof(columns[0]), err);
}

static enum err_kind
check_kind(struct cli *cli, struct err *err)
{
	return return_to_service_has_kind(cli->words.words[0])
		       ? ERR_OK
		       : cli_wrong_usage(cli, err, "the kind is wifi or mdm");
}

enum err_kind
cli_return_to_service_set(struct cli *cli, struct err *err)
{
	const char *const *words = cli->words.words, *type;
	struct profile_file file;

	if (check_kind(cli, err) != ERR_OK ||
		profile_file_read(cli, words[1], &file, err) != ERR_OK)
		return err->kind;
	type = plist_get_string(file.plist, "PayloadType");
	if (type == NULL || strcmp(type, "Configuration") != 0)
		return err_set(err, ERR_BAD_INPUT, "%s is no configuration profile", words[1]);
	return return_to_service_set(&cli->mdm, words[0], file.bytes, file.len, err);
}

enum err_kind
cli_return_to_service_remove(struct cli *cli, struct err *err)
{
	if (check_kind(cli, err) != ERR_OK)
		return err->kind;
	return return_to_service_remove(&cli->mdm, cli->words.words[0], err);
}
