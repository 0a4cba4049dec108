/*
 * pomona ca show
 */
#include "cli/commands.h"

#include "mdm/ca.h"

static const struct table_column columns[] = {
	{"certificate", NULL, TABLE_TEXT, 0},
	{"subject", NULL, TABLE_TEXT, 0},
	{"serial", NULL, TABLE_TEXT, 0},
	{"not_before", NULL, TABLE_TIME, 0},
	{"not_after", NULL, TABLE_TIME, 0},
	{"sha256", NULL, TABLE_TEXT, 0},
};

enum err_kind
cli_ca_show(struct cli *cli, struct err *err)
{
	struct x509_info info;
	const char *pem;

	if (ca_certificate(&cli->mdm, &pem, err) != ERR_OK)
		return err->kind;
	if (!cli->json) {
		fputs(pem, cli->out);
		return ERR_OK;
	}
	if (x509_inspect(&cli->arena, pem, &info, err) != ERR_OK)
		return err->kind;
	table_show(cli->out, true, columns, sizeof(columns) / sizeof(columns[0]),
		(const struct db_value[]){DB_TEXT(pem), DB_TEXT(info.subject), DB_TEXT(info.serial),
			DB_INT(info.not_before), DB_INT(info.not_after), DB_TEXT(info.sha256)});
	return ERR_OK;
}
