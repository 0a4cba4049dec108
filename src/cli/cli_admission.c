/*
 * pomona admission list|add|remove
 */
#include "cli/commands.h"

#include <ctype.h>
#include <string.h>

#include "mdm/audit.h"

enum { VALUE_MOST = 100 };

enum err_kind
cli_admission_list(struct cli *cli, struct err *err)
{
	static const struct table_column columns[] = {
		{"kind", "KIND", TABLE_TEXT, 0},
		{"value", "VALUE", TABLE_TEXT, 0},
		{"verdict", "VERDICT", TABLE_TEXT, 0},
	};
	const struct db_value start[] = {DB_TEXT(""), DB_TEXT("")};
	struct cli_list list = {
		.statement = SQL_ADMISSION_LIST, .args = start, .count = 2, .keys = 2};

	if (cli_limit(cli, &list.limit, err) != ERR_OK)
		return err->kind;
	return cli_list_table(cli, &list, columns, 3, err);
}

static enum err_kind
check_rule(struct cli *cli, struct err *err)
{
	const char *kind = cli->words.words[0], *value = cli->words.words[1];

	if (strcmp(kind, "udid") != 0 && strcmp(kind, "serial") != 0)
		return cli_wrong_usage(cli, err, "the kind is udid or serial");
	for (const char *p = value; *p != '\0'; p++)
		if (!isgraph((unsigned char)*p))
			return err_set(err, ERR_BAD_INPUT, "\"%.60s\" is no %s", value, kind);
	if (*value == '\0' || strlen(value) > VALUE_MOST)
		return err_set(err, ERR_BAD_INPUT, "a %s has 1 to %d characters", kind, VALUE_MOST);
	return ERR_OK;
}

static enum err_kind
audit_rule(struct cli *cli, enum audit_action action, const char *verdict, struct err *err)
{
	const char *const *words = cli->words.words;

	return audit_add(&cli->mdm, action, arena_printf(&cli->arena, "%s %s", words[0], words[1]),
		NULL, audit_detail(&cli->arena, "verdict", verdict), err);
}

enum err_kind
cli_admission_add(struct cli *cli, struct err *err)
{
	const char *const *words = cli->words.words, *verdict = words[2];

	if (check_rule(cli, err) != ERR_OK)
		return err->kind;
	if (strcmp(verdict, "allow") != 0 && strcmp(verdict, "block") != 0)
		return cli_wrong_usage(cli, err, "the verdict is allow or block");
	if (db_run(cli->mdm.db, SQL_ADMISSION_SET,
		    DB_ARGS(DB_TEXT(words[0]), DB_TEXT(words[1]), DB_TEXT(verdict)), NULL,
		    err) != ERR_OK)
		return err->kind;
	return audit_rule(cli, AUDIT_ADMISSION_ADD, verdict, err);
}

enum err_kind
cli_admission_remove(struct cli *cli, struct err *err)
{
	const char *const *words = cli->words.words;
	int64_t count;

	if (check_rule(cli, err) != ERR_OK)
		return err->kind;
	if (db_run(cli->mdm.db, SQL_ADMISSION_REMOVE, DB_ARGS(DB_TEXT(words[0]), DB_TEXT(words[1])),
		    &count, err) != ERR_OK)
		return err->kind;
	if (count == 0)
		return err_set(
			err, ERR_NOT_FOUND, "there is no rule for %s %s", words[0], words[1]);
	return audit_rule(cli, AUDIT_ADMISSION_REMOVE, NULL, err);
}
