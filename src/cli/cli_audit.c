/*
 * pomona audit list|verify
 */
#include "cli/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mdm/audit.h"

static const struct table_column columns[] = {
	{"id", "NO", TABLE_INTEGER, 0},
	{"at", "AT", TABLE_TIME, 0},
	{"source", "BY", TABLE_TEXT, 0},
	{"actor", "WHO", TABLE_TEXT, 30},
	{"place", "FROM", TABLE_TEXT, 30},
	{"action", "ACTION", TABLE_TEXT, 0},
	{"object", "OBJECT", TABLE_TEXT, 40},
	{"device", "DEVICE", TABLE_TEXT, 40},
	{"detail", "DETAIL", TABLE_JSON, 80},
	{"previous", NULL, TABLE_TEXT, 0},
	{"hash", NULL, TABLE_TEXT, 0},
};

/* ---- list ---- */

static enum err_kind
check_action(struct cli *cli, const char *action, struct err *err)
{
	if (action == NULL)
		return ERR_OK;
	for (int i = 0; i < AUDIT_ACTIONS; i++)
		if (strcmp(action, audit_action_name((enum audit_action)i)) == 0)
			return ERR_OK;
	return cli_wrong_usage(
		cli, err, "there is no action \"%.60s\" (pomona-sql(7) lists them)", action);
}

/* Newest first. */
enum err_kind
cli_audit_list(struct cli *cli, struct err *err)
{
	const char *action = cli_option(cli, "action");
	struct cli_list list = {.statement = SQL_CLI_AUDIT_LIST, .count = 4, .keys = 1};
	struct db_value args[4];
	int64_t since;

	if (words_since(&cli->words, "since", &since, err) != ERR_OK) {
		cli->usage = true;
		return err->kind;
	}
	if (check_action(cli, action, err) != ERR_OK || cli_limit(cli, &list.limit, err) != ERR_OK)
		return err->kind;
	args[0] = DB_INT(INT64_MAX);
	args[1] = DB_INT(since);
	args[2] = DB_TEXT(cli_option(cli, "device"));
	args[3] = DB_TEXT(action);
	list.args = args;
	return cli_list_table(cli, &list, columns, sizeof(columns) / sizeof(columns[0]), err);
}

/* ---- verify ---- */

/* NUMBER:HASH, as `pomona audit verify` and the worker's log show a head. */
static enum err_kind
take_expected(struct cli *cli, struct audit_head *head, struct err *err)
{
	const char *text = cli_option(cli, "expect");
	char *end;

	errno = 0;
	head->no = strtoll(text, &end, 10);
	if (errno != 0 || head->no <= 0 || *end != ':' ||
		strspn(end + 1, "0123456789abcdef") != X509_HASH_SIZE - 1 ||
		strlen(end + 1) != X509_HASH_SIZE - 1)
		return cli_wrong_usage(
			cli, err, "--expect wants NUMBER:HASH, as an earlier run has shown them");
	memcpy(head->hash, end + 1, X509_HASH_SIZE);
	return ERR_OK;
}

static void
show(struct cli *cli, const struct audit_report *report)
{
	static const struct table_column lines[] = {
		{"rows", "Rows", TABLE_INTEGER, 0},
		{"unchained", "Not chained yet", TABLE_INTEGER, 0},
		{"head", "Head", TABLE_TEXT, 0},
		{"broken", "First that is wrong", TABLE_INTEGER, 0},
		{"reason", "What is wrong", TABLE_TEXT, 0},
	};
	const char *head = report->head.no == 0
				   ? NULL
				   : arena_printf(&cli->arena, "%lld:%s",
					     (long long)report->head.no, report->head.hash);

	table_show(cli->out, cli->json, lines, report->broken == 0 && !cli->json ? 3 : 5,
		(const struct db_value[]){DB_INT(report->rows), DB_INT(report->unchained),
			DB_TEXT(head), report->broken == 0 ? DB_NULL() : DB_INT(report->broken),
			DB_TEXT(report->reason)});
}

enum err_kind
cli_audit_verify(struct cli *cli, struct err *err)
{
	bool expects = cli_option(cli, "expect") != NULL;
	struct mdm mdm = cli->mdm;
	struct audit_report report;
	struct audit_head expected;
	struct arena arena;
	enum err_kind kind;

	if (expects && take_expected(cli, &expected, err) != ERR_OK)
		return err->kind;
	arena_init(&arena);
	mdm.arena = &arena;
	mdm.db = db_open(cli->store, &arena);
	kind = audit_verify(&mdm, expects ? &expected : NULL, &report, err);
	db_close(mdm.db);
	arena_release(&arena);
	if (kind != ERR_OK)
		return kind;
	show(cli, &report);
	if (report.broken == 0)
		return ERR_OK;
	return err_set(err, ERR_CONFLICT, "the audit trail is broken at row %lld: %s",
		(long long)report.broken, report.reason);
}
