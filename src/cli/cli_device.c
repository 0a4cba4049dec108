/*
 * pomona device list|show
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/escape.h"
#include "cli/who.h"
#include "mdm/pin.h"
#include "mdm/selection.h"

enum { PARTS_MOST = 1024 * 1024 };

static const struct table_column list_columns[] = {
	{"id", "ID", TABLE_TEXT, 0},
	{"device_id", NULL, TABLE_TEXT, 0},
	{"kind", NULL, TABLE_TEXT, 0},
	{"udid", NULL, TABLE_TEXT, 0},
	{"serial", "SERIAL", TABLE_TEXT, 20},
	{"name", "NAME", TABLE_TEXT, 24},
	{"model", NULL, TABLE_TEXT, 0},
	{"product", "PRODUCT", TABLE_TEXT, 16},
	{"os_version", "OS", TABLE_TEXT, 12},
	{"os_major", NULL, TABLE_INTEGER, 0},
	{"build", NULL, TABLE_TEXT, 0},
	{"topic", NULL, TABLE_TEXT, 0},
	{"state", "STATE", TABLE_TEXT, 0},
	{"push_state", "PUSH", TABLE_TEXT, 0},
	{"enrolled_at", NULL, TABLE_TIME, 0},
	{"last_seen", "LAST SEEN", TABLE_TIME, 0},
};

enum { LIST_COLUMNS = sizeof(list_columns) / sizeof(list_columns[0]) };

static enum err_kind
add_one(struct cli *cli, struct db *db, const char *id, struct table *table, bool *added,
	struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_begin(db, DB_READ, err);

	if (kind != ERR_OK)
		return kind;
	kind = db_first(db, SQL_CLI_DEVICE_ONE,
		DB_ARGS(DB_TEXT(id), DB_TEXT(cli_option(cli, "state")),
			DB_TEXT(cli_option(cli, "kind"))),
		&row, err);
	db_rollback(db);
	*added = kind == ERR_OK;
	if (*added)
		table_add(table, row.values);
	arena_reset(db_arena(db));
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

enum err_kind
cli_device_list_group(struct cli *cli, const char *name, struct err *err)
{
	const char *word = arena_printf(&cli->arena, SELECTION_GROUP "%s", name);
	int64_t limit, shown = 0;
	struct table table;
	struct arena arena;
	struct who who;
	struct db *db;
	enum err_kind kind = cli_limit(cli, &limit, err);
	bool added;

	if (kind == ERR_OK)
		kind = who_members(cli, word, &who, err);
	if (kind != ERR_OK)
		return kind;
	arena_init(&arena);
	db = db_open(cli->store, &arena);
	table_init(&table, cli->out, cli->json, list_columns, LIST_COLUMNS);
	for (size_t i = 0; i < who.count && kind == ERR_OK && (limit == 0 || shown < limit); i++) {
		kind = add_one(cli, db, who.ids[i], &table, &added, err);
		shown += added;
	}
	table_release(&table, kind == ERR_OK);
	db_close(db);
	arena_release(&arena);
	return kind;
}

enum err_kind
cli_device_list(struct cli *cli, struct err *err)
{
	const struct db_value args[] = {
		DB_TEXT(""), DB_TEXT(cli_option(cli, "state")), DB_TEXT(cli_option(cli, "kind"))};
	struct cli_list list = {
		.statement = SQL_CLI_DEVICE_LIST, .args = args, .count = 3, .keys = 1};

	if (words_choice(&cli->words, "state", "authenticating enrolled checked_out blocked",
		    err) != ERR_OK ||
		words_choice(&cli->words, "kind",
			"device user shared_ipad user_enrollment_device user_enrollment",
			err) != ERR_OK) {
		cli->usage = true;
		return err->kind;
	}
	if (cli_option(cli, "group") != NULL)
		return cli_device_list_group(cli, cli_option(cli, "group"), err);
	if (cli_limit(cli, &list.limit, err) != ERR_OK)
		return err->kind;
	return cli_list_table(cli, &list, list_columns, LIST_COLUMNS, err);
}

/* ---- one device ---- */

static const struct table_column show_columns[] = {
	{"id", "ID", TABLE_TEXT, 0},
	{"device_id", "Device", TABLE_TEXT, 0},
	{"kind", "Kind", TABLE_TEXT, 0},
	{"udid", "UDID", TABLE_TEXT, 0},
	{"serial", "Serial number", TABLE_TEXT, 0},
	{"name", "Name", TABLE_TEXT, 0},
	{"model", "Model", TABLE_TEXT, 0},
	{"product", "Product", TABLE_TEXT, 0},
	{"os_version", "OS version", TABLE_TEXT, 0},
	{"os_major", NULL, TABLE_INTEGER, 0},
	{"build", "Build", TABLE_TEXT, 0},
	{"topic", "Topic", TABLE_TEXT, 0},
	{"state", "State", TABLE_TEXT, 0},
	{"push_state", "Push", TABLE_TEXT, 0},
	{"enrolled_at", "Enrolled", TABLE_TIME, 0},
	{"last_seen", "Last seen", TABLE_TIME, 0},
	{"user_id", "User", TABLE_TEXT, 0},
	{"user_short_name", "User's short name", TABLE_TEXT, 0},
	{"user_long_name", "User's name", TABLE_TEXT, 0},
	{"not_on_console", "Not on the console", TABLE_BOOL, 0},
	{"token_at", "Last TokenUpdate", TABLE_TIME, 0},
	{"token_tally", "TokenUpdates", TABLE_INTEGER, 0},
	{"has_unlock_token", "Has an UnlockToken", TABLE_BOOL, 0},
	{"has_bootstrap_token", "Has a bootstrap token", TABLE_BOOL, 0},
	{"awaiting_configuration", "Awaits configuration", TABLE_BOOL, 0},
	{"await_until", "Is let go by", TABLE_TIME, 0},
	{"certificate", "Certificate (SHA-256)", TABLE_TEXT, 0},
	{"identity_expires", "Certificate ends", TABLE_TIME, 0},
	{"push_sent_at", "Last push", TABLE_TIME, 0},
	{"push_status", "APNs answered", TABLE_INTEGER, 0},
	{"push_reason", "APNs reason", TABLE_TEXT, 0},
	{"refused", "Refused", TABLE_TEXT, 0},
	{"commands", "Commands", TABLE_JSON, 0},
	{"facts", "Facts learnt", TABLE_JSON, 0},
	{"channels", "User channels", TABLE_JSON, 0},
};

enum {
	SHOW_COLUMNS = sizeof(show_columns) / sizeof(show_columns[0]),
	SHOW_PARTS = 4 /* the last columns: each from a statement of its own */
};

/* Rows of a small list, put together as one value: JSON, or words for people. */
struct parts {
	struct buf buf;
	bool json;
	void (*add)(struct parts *parts, const struct db_row *row);
};

static enum err_kind
add_part(const struct db_row *row, void *context, struct err *err)
{
	struct parts *parts = context;

	(void)err;
	if (parts->buf.len > 1)
		buf_str(&parts->buf, parts->json ? "," : ", ");
	parts->add(parts, row);
	return ERR_OK;
}

static void
add_json_member(struct parts *parts, const struct db_row *row)
{
	escape_json(&parts->buf, db_text(row, 0), strlen(db_text(row, 0)));
	buf_printf(&parts->buf, ":%lld", (long long)db_int(row, 1));
}

static void
add_count(struct parts *parts, const struct db_row *row)
{
	if (parts->json)
		add_json_member(parts, row);
	else
		buf_printf(&parts->buf, "%lld %s", (long long)db_int(row, 1), db_text(row, 0));
}

static void
add_name(struct parts *parts, const struct db_row *row)
{
	const char *name = db_text(row, 0);

	if (parts->json)
		escape_json(&parts->buf, name, strlen(name));
	else
		buf_str(&parts->buf, name);
}

static enum err_kind
gather(struct cli *cli, enum statement statement, int64_t no, bool object,
	void (*add)(struct parts *parts, const struct db_row *row), struct db_value *value,
	struct err *err)
{
	struct parts parts = {.json = cli->json, .add = add};
	enum err_kind kind;

	buf_init(&parts.buf, &cli->arena, PARTS_MOST);
	if (cli->json)
		buf_str(&parts.buf, object ? "{" : "[");
	kind = db_each(cli->mdm.db, statement, DB_ARGS(DB_INT(no)), add_part, &parts, err);
	if (cli->json)
		buf_str(&parts.buf, object ? "}" : "]");
	*value = DB_TEXT(parts.buf.len == 0 ? NULL : parts.buf.bytes);
	return kind;
}

/* Why all that it sends is refused: "its identity was revoked (keyCompromise)". */
static enum err_kind
look_at_refusal(struct cli *cli, const char *id, struct db_value *value, struct err *err)
{
	struct pin_refusal refusal;
	enum err_kind kind = pin_look(&cli->mdm, id, &refusal, err);

	*value = DB_TEXT(refusal.reason == NULL ? refusal.what
						: arena_printf(&cli->arena, "%s (%s)", refusal.what,
							  refusal.reason));
	return kind;
}

enum err_kind
cli_device_show(struct cli *cli, struct err *err)
{
	const char *id = cli->words.words[0];
	struct db_value values[SHOW_COLUMNS], *parts = values + SHOW_COLUMNS - SHOW_PARTS;
	struct db_row row;
	enum err_kind kind;
	int64_t no;

	kind = db_first(cli->mdm.db, SQL_CLI_DEVICE_SHOW, DB_ARGS(DB_TEXT(id)), &row, err);
	if (kind != ERR_OK)
		return cli_not_found(kind, err, "unknown device %s", id);
	memcpy(values, row.values, (SHOW_COLUMNS - SHOW_PARTS) * sizeof(*values));
	no = db_int(&row, SHOW_COLUMNS - SHOW_PARTS);
	kind = look_at_refusal(cli, id, &parts[0], err);
	if (kind == ERR_OK)
		kind = gather(cli, SQL_CLI_DEVICE_COMMANDS, no, true, add_count, &parts[1], err);
	if (kind == ERR_OK)
		kind = gather(cli, SQL_CLI_DEVICE_FACTS, no, false, add_name, &parts[2], err);
	if (kind == ERR_OK)
		kind = gather(cli, SQL_CLI_DEVICE_CHANNELS, no, false, add_name, &parts[3], err);
	if (kind == ERR_OK)
		table_show(cli->out, cli->json, show_columns, SHOW_COLUMNS, values);
	return kind;
}
