/*
 * pomona identity list|search|show|revoke
 */
#include "cli/commands.h"

#include <stdint.h>
#include <string.h>

#include "cli/ca_files.h"
#include "cli/identity_find.h"
#include "mdm/identity.h"

static const struct table_column list_columns[] = {
	{"serial", "SERIAL", TABLE_TEXT, 0},
	{"subject", "SUBJECT", TABLE_TEXT, 30},
	{"device", "DEVICE", TABLE_TEXT, 40},
	{"state", "STATE", TABLE_TEXT, 0},
	{"not_before", NULL, TABLE_TIME, 0},
	{"not_after", "GOOD UNTIL", TABLE_TIME, 0},
	{"issued_at", NULL, TABLE_TIME, 0},
	{"origin", NULL, TABLE_TEXT, 0},
	{"sha256", NULL, TABLE_TEXT, 0},
	{"pinned", NULL, TABLE_BOOL, 0},
	{"replaces", NULL, TABLE_TEXT, 0},
	{"revoked_at", NULL, TABLE_TIME, 0},
	{"revoke_reason", NULL, TABLE_TEXT, 0},
};

static const struct table_column show_columns[] = {
	{"serial", "Serial number", TABLE_TEXT, 0},
	{"subject", "Subject", TABLE_TEXT, 0},
	{"device", "Device", TABLE_TEXT, 0},
	{"state", "State", TABLE_TEXT, 0},
	{"not_before", "Good from", TABLE_TIME, 0},
	{"not_after", "Good until", TABLE_TIME, 0},
	{"issued_at", "Issued", TABLE_TIME, 0},
	{"origin", "Issued by", TABLE_TEXT, 0},
	{"sha256", "SHA-256", TABLE_TEXT, 0},
	{"pinned", "Speaks for the device", TABLE_BOOL, 0},
	{"replaces", "Renews", TABLE_TEXT, 0},
	{"revoked_at", "Revoked", TABLE_TIME, 0},
	{"revoke_reason", "Reason", TABLE_TEXT, 0},
};

enum { COLUMNS = sizeof(list_columns) / sizeof(list_columns[0]) };

static enum err_kind
list(struct cli *cli, const char *text, struct err *err)
{
	const struct db_value args[] = {DB_INT(INT64_MAX), DB_TEXT(""),
		DB_TEXT(cli_option(cli, "state")), DB_TEXT(cli_option(cli, "device")),
		DB_TEXT(text)};
	struct cli_list list = {
		.statement = SQL_CLI_IDENTITY_LIST, .args = args, .count = 5, .keys = 2};

	if (cli_limit(cli, &list.limit, err) != ERR_OK)
		return err->kind;
	return cli_list_table(cli, &list, list_columns, COLUMNS, err);
}

enum err_kind
cli_identity_list(struct cli *cli, struct err *err)
{
	if (words_choice(&cli->words, "state", "valid expired revoked replaced", err) != ERR_OK) {
		cli->usage = true;
		return err->kind;
	}
	return list(cli, NULL, err);
}

enum err_kind
cli_identity_search(struct cli *cli, struct err *err)
{
	return list(cli, cli->words.words[0], err);
}

enum err_kind
cli_identity_show(struct cli *cli, struct err *err)
{
	const char *word = cli->words.words[0], *sha256;
	struct db_row row;
	enum err_kind kind = identity_which(cli, word, &sha256, err);

	if (kind != ERR_OK)
		return kind;
	kind = db_first(cli->mdm.db, SQL_CLI_IDENTITY_SHOW, DB_ARGS(DB_TEXT(sha256)), &row, err);
	if (kind != ERR_OK)
		return cli_not_found(kind, err, "the identity %s was not issued here", sha256);
	table_show(cli->out, cli->json, show_columns, COLUMNS, row.values);
	return ERR_OK;
}

/* ---- revoking ---- */

static enum err_kind
revoke_all(struct cli *cli, const char *reason, struct err *err)
{
	enum err_kind kind = ERR_OK;
	const char *sha256;

	for (size_t i = 0; i < cli->words.count && kind == ERR_OK; i++) {
		kind = identity_which(cli, cli->words.words[i], &sha256, err);
		if (kind == ERR_OK)
			kind = identity_revoke(&cli->mdm, sha256, reason, err);
		if (kind == ERR_CONFLICT && cli->words.count > 1)
			err_prefix(err, "%.100s", cli->words.words[i]);
	}
	return kind;
}

/* All of them or none. */
enum err_kind
cli_identity_revoke(struct cli *cli, struct err *err)
{
	const char *reason = cli_option(cli, "reason");
	enum err_kind kind = words_choice(&cli->words, "reason", identity_reasons, err);

	if (kind != ERR_OK) {
		cli->usage = true;
		return kind;
	}
	kind = db_begin(cli->mdm.db, DB_WRITE, err);
	if (kind != ERR_OK)
		return kind;
	kind = revoke_all(cli, reason == NULL ? "unspecified" : reason, err);
	if (kind != ERR_OK) {
		db_rollback(cli->mdm.db);
		return kind;
	}
	kind = db_commit(cli->mdm.db, err);
	if (kind == ERR_OK)
		cli_refresh_ca_files(cli);
	return kind;
}
