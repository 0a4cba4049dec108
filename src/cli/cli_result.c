/*
 * pomona result list|show
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/escape.h"
#include "cli/facts.h"
#include "cli/who.h"
#include "mdm/error_meaning.h"

enum { TEXT_MOST = 256 * 1024 * 1024 };

static const struct table_column columns[] = {
	{"device", "DEVICE", TABLE_TEXT, 0},
	{"uuid", "UUID", TABLE_TEXT, 0},
	{"request", "REQUEST", TABLE_TEXT, 30},
	{"status", "STATUS", TABLE_TEXT, 0},
	{"received_at", "RECEIVED", TABLE_TIME, 0},
	{"reason", "REASON", TABLE_TEXT, 60},
};

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* The number of the command with this UUID. */
static enum err_kind
payload_no(struct cli *cli, const char *uuid, int64_t *no, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_begin(cli->mdm.db, DB_READ, err);

	if (kind != ERR_OK)
		return kind;
	kind = db_first(cli->mdm.db, SQL_QUEUE_PAYLOAD_BY_UUID, DB_ARGS(DB_TEXT(uuid)), &row, err);
	*no = db_int(&row, 0);
	db_rollback(cli->mdm.db);
	return cli_not_found(kind, err, "there is no command %s", uuid);
}

/* The second parameter is whose. */
static enum err_kind
list_of(struct cli *cli, const char *id, struct cli_list *list, struct db_value *args,
	struct err *err)
{
	struct table table;
	enum err_kind kind;

	table_init(&table, cli->out, cli->json, columns, COLUMNS);
	kind = who_list(cli, id, list, args, 1 << 1, cli_table_row, &table, err);
	table_release(&table, kind == ERR_OK);
	return kind;
}

enum err_kind
cli_result_list(struct cli *cli, struct err *err)
{
	const char *id = cli->words.count > 0 ? cli->words.words[0] : NULL;
	const char *uuid = cli_option(cli, "uuid");
	/* Behind which key, of whom, from which command on: all of them, at first. */
	struct db_value args[] = {DB_INT(INT64_MAX), DB_INT(INT64_MAX), DB_INT(0)};
	struct cli_list list = {.statement = SQL_RESULT_LIST, .args = args, .count = 3, .keys = 2};
	enum err_kind kind = cli_limit(cli, &list.limit, err);
	int64_t no = 0;

	if (kind == ERR_OK && uuid != NULL) {
		kind = payload_no(cli, uuid, &no, err);
		args[0] = DB_INT(id == NULL ? no : no + 1);
		args[2] = DB_INT(no);
	}
	if (kind != ERR_OK)
		return kind;
	if (id == NULL)
		return cli_list_table(cli, &list, columns, COLUMNS, err);
	list.statement = SQL_RESULT_OF_ENROLLMENT;
	list.keys = 1;
	return list_of(cli, id, &list, args, err);
}

/* ---- one answer ---- */

struct answers {
	struct db_row first;
	int count;
};

static enum err_kind
take_answer(const struct db_row *row, void *context, struct err *err)
{
	struct answers *answers = context;

	(void)err;
	if (answers->count++ == 0)
		answers->first = *row;
	return ERR_OK;
}

static enum err_kind
add_state(const struct db_row *row, void *context, struct err *err)
{
	struct buf *buf = context;

	(void)err;
	buf_printf(buf, "%s%lld %s", buf->len == 0 ? "" : ", ", (long long)db_int(row, 1),
		db_text(row, 0));
	return ERR_OK;
}

/* There is no answer: is there such a command, and how does it stand? */
static enum err_kind
fail_missing(struct cli *cli, const char *uuid, const char *id, struct err *err)
{
	struct buf states;

	buf_init(&states, &cli->arena, sizeof(err->message));
	if (db_each(cli->mdm.db, SQL_RESULT_MISSING, DB_ARGS(DB_TEXT(uuid), DB_TEXT(id)), add_state,
		    &states, err) != ERR_OK)
		return err->kind;
	if (states.len == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no command %s%s%s", uuid,
			id == NULL ? "" : " for ", id == NULL ? "" : id);
	return err_set(err, ERR_NOT_FOUND, "%s has no answer yet (%s)", uuid, states.bytes);
}

/* ---- what its errors mean ---- */

struct meanings {
	FILE *out;
	struct table table;
	bool any;
};

static void
add_meaning(const struct error_link *link, void *context)
{
	static const struct table_column of_errors[] = {
		{NULL, "ERROR", TABLE_TEXT, 0},
		{NULL, "CODE", TABLE_INTEGER, 0},
		{NULL, "MEANING", TABLE_TEXT, 0},
		{NULL, "WHAT TO DO", TABLE_TEXT, 0},
	};
	struct meanings *meanings = context;

	if (link->meaning == NULL)
		return;
	if (!meanings->any) {
		fputs("\nWhat the errors mean\n", meanings->out);
		table_init(&meanings->table, meanings->out, false, of_errors,
			sizeof(of_errors) / sizeof(of_errors[0]));
	}
	meanings->any = true;
	table_add(&meanings->table,
		(const struct db_value[]){DB_TEXT(link->domain), DB_INT(link->code),
			DB_TEXT(link->meaning->meaning), DB_TEXT(link->meaning->advice)});
}

static void
show_meanings(struct cli *cli, const char *request, const struct plist *answer)
{
	struct meanings meanings = {.out = cli->out};

	error_links(&cli->arena, request, answer, add_meaning, &meanings);
	if (meanings.any)
		table_release(&meanings.table, true);
}

static enum err_kind
show_for_people(struct cli *cli, const char *uuid, const struct db_row *row, struct err *err)
{
	static const struct table_column head[] = {
		{NULL, "Device", TABLE_TEXT, 0},
		{NULL, "Command", TABLE_TEXT, 0},
		{NULL, "Request", TABLE_TEXT, 0},
		{NULL, "Status", TABLE_TEXT, 0},
		{NULL, "Received", TABLE_TIME, 0},
		{NULL, "Reason", TABLE_TEXT, 0},
	};
	const struct db_value *values = row->values;
	bool has_reason = !db_is_null(row, 6);
	struct plist *answer;
	const char *raw;
	size_t len;

	raw = db_blob(row, 5, &len);
	if (plist_read_xml(cli->mdm.reader, &cli->arena, raw, len, &answer, err) != ERR_OK)
		return err->kind;
	table_show(cli->out, false, head, has_reason ? 6 : 5,
		(const struct db_value[]){
			values[0], DB_TEXT(uuid), values[1], values[2], values[3], values[6]});
	facts_print(cli->out, &cli->arena, answer);
	show_meanings(cli, db_text(row, 1), answer);
	return ERR_OK;
}

static void
show_json(struct cli *cli, const char *json)
{
	struct buf buf;

	buf_init(&buf, &cli->arena, TEXT_MOST);
	escape_json_again(&buf, json, strlen(json));
	fprintf(cli->out, "%s\n", buf.bytes);
}

enum err_kind
cli_result_show(struct cli *cli, struct err *err)
{
	const char *uuid = cli->words.words[0], *id = cli_option(cli, "device");
	struct answers answers = {.count = 0};
	const void *raw;
	size_t len;

	if (cli->json && cli_option(cli, "plist") != NULL)
		return cli_wrong_usage(cli, err, "--json or --plist, not both");
	if (db_each(cli->mdm.db, SQL_RESULT_FIND, DB_ARGS(DB_TEXT(uuid), DB_TEXT(id)), take_answer,
		    &answers, err) != ERR_OK)
		return err->kind;
	if (answers.count == 0)
		return fail_missing(cli, uuid, id, err);
	if (answers.count > 1)
		return err_set(err, ERR_CONFLICT,
			"several devices have answered: choose one with --device ID "
			"(`pomona result list --uuid %s` lists them)",
			uuid);
	if (cli_option(cli, "plist") != NULL) {
		raw = db_blob(&answers.first, 5, &len);
		cli_write_raw(cli, raw, len);
		return ERR_OK;
	}
	if (cli->json) {
		show_json(cli, db_text(&answers.first, 4));
		return ERR_OK;
	}
	return show_for_people(cli, uuid, &answers.first, err);
}
