/*
 * pomona group list|show|members|add|change|add-member|remove-member|remove
 */
#include "cli/commands.h"

#include "cli/outcome.h"
#include "mdm/group.h"
#include "mdm/group_refresh.h"
#include "mdm/selection.h"

enum { JSON_MOST = 256 * 1024 * 1024 };

static const struct table_column columns[] = {
	{"name", "NAME", TABLE_TEXT, 0},
	{"condition", "CONDITION", TABLE_TEXT, 60},
	{"members", "MEMBERS", TABLE_INTEGER, 0},
	{"ready", NULL, TABLE_BOOL, 0},
	{"problem", "PROBLEM", TABLE_TEXT, 60},
	{"created_at", NULL, TABLE_TIME, 0},
	{"changed_at", NULL, TABLE_TIME, 0},
};

static const struct table_column show_columns[] = {
	{"name", "Name", TABLE_TEXT, 0},
	{"condition", "Condition", TABLE_TEXT, 0},
	{"members", "Members", TABLE_INTEGER, 0},
	{"ready", "Members are found", TABLE_BOOL, 0},
	{"problem", "Problem", TABLE_TEXT, 0},
	{"created_at", "Added", TABLE_TIME, 0},
	{"changed_at", "Changed", TABLE_TIME, 0},
};

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

enum err_kind
cli_group_list(struct cli *cli, struct err *err)
{
	const struct db_value start[] = {DB_TEXT("")};
	struct cli_list list = {
		.statement = SQL_CLI_GROUP_LIST, .args = start, .count = 1, .keys = 1};

	if (cli_limit(cli, &list.limit, err) != ERR_OK)
		return err->kind;
	return cli_list_table(cli, &list, columns, COLUMNS, err);
}

enum err_kind
cli_group_show(struct cli *cli, struct err *err)
{
	const char *name = cli->words.words[0];
	struct db_row row;
	enum err_kind kind =
		db_first(cli->mdm.db, SQL_CLI_GROUP_SHOW, DB_ARGS(DB_TEXT(name)), &row, err);

	if (kind != ERR_OK)
		return cli_not_found(kind, err, "there is no group \"%.100s\"", name);
	table_show(cli->out, cli->json, show_columns, COLUMNS, row.values);
	return ERR_OK;
}

enum err_kind
cli_group_members(struct cli *cli, struct err *err)
{
	return cli_device_list_group(cli, cli->words.words[0], err);
}

/* ---- conditions ---- */

static enum err_kind
refresh_once(struct cli *cli, struct group_refresh *refresh)
{
	struct group_refresh next = *refresh;
	enum err_kind kind = db_begin(cli->mdm.db, DB_WRITE, NULL);

	if (kind == ERR_OK)
		kind = group_refresh_step(&cli->mdm, &next, NULL);
	if (kind == ERR_OK)
		kind = db_commit(cli->mdm.db, NULL);
	else
		db_rollback(cli->mdm.db);
	if (kind == ERR_OK)
		*refresh = next;
	return kind;
}

/* Finds the members now, so that SQL shows them at once; where that fails, the worker goes on. */
static void
find_members(struct cli *cli, const struct group *group)
{
	struct group_refresh refresh = {.group_no = group->no, .edition = group->edition};
	struct arena arena, *before = cli->mdm.arena;

	arena_init(&arena);
	cli->mdm.arena = &arena;
	db_use_arena(cli->mdm.db, &arena);
	while (refresh.group_no != 0 && refresh_once(cli, &refresh) == ERR_OK)
		arena_reset(&arena);
	cli->mdm.arena = before;
	db_use_arena(cli->mdm.db, before);
	arena_release(&arena);
}

static enum err_kind
add(struct cli *cli, const char *name, const char *condition, struct err *err)
{
	return group_add(&cli->mdm, name, condition, err);
}

static enum err_kind
change(struct cli *cli, const char *name, const char *condition, struct err *err)
{
	struct group group;
	enum err_kind kind = group_find(&cli->mdm, name, &group, err);

	return kind == ERR_OK ? group_change(&cli->mdm, &group, condition, err) : kind;
}

/* Does it in a transaction of its own, then finds the members. */
static enum err_kind
with_condition(struct cli *cli,
	enum err_kind (*what)(
		struct cli *cli, const char *name, const char *condition, struct err *err),
	struct err *err)
{
	const char *name = cli->words.words[0], *condition = cli_option(cli, "where");
	enum err_kind kind = db_begin(cli->mdm.db, DB_WRITE, err);
	struct group group;

	if (kind != ERR_OK)
		return kind;
	kind = what(cli, name, condition, err);
	if (kind == ERR_OK)
		kind = group_find(&cli->mdm, name, &group, err);
	if (kind == ERR_OK)
		kind = db_commit(cli->mdm.db, err);
	else
		db_rollback(cli->mdm.db);
	if (kind == ERR_OK && condition != NULL)
		find_members(cli, &group);
	return kind;
}

enum err_kind
cli_group_add(struct cli *cli, struct err *err)
{
	return with_condition(cli, add, err);
}

enum err_kind
cli_group_change(struct cli *cli, struct err *err)
{
	if (cli_option(cli, "where") == NULL)
		return cli_wrong_usage(cli, err, "which condition? Give --where");
	return with_condition(cli, change, err);
}

/* ---- members ---- */

static enum err_kind
change_each(struct cli *cli, bool add, const struct group *group, struct outcome *outcome,
	struct err *err)
{
	const char **done = arena_calloc(&cli->arena, outcome->count, sizeof(*done));
	enum err_kind kind = ERR_OK;
	size_t done_count = 0;

	for (size_t i = 0; i < outcome->count && kind == ERR_OK; i++) {
		struct err one = {0};

		(add ? group_add_member : group_remove_member)(
			&cli->mdm, group, outcome->ids[i], &one);
		kind = outcome_note(outcome, &cli->arena, i, &one, err);
		if (one.kind == ERR_OK)
			done[done_count++] = outcome->ids[i];
	}
	return kind == ERR_OK ? group_note_members(&cli->mdm, group, add, done, done_count, err)
			      : kind;
}

/* In a transaction of its own: those that can be added are, whatever the others are. */
static enum err_kind
change_members(struct cli *cli, bool add_them, const char *done, struct err *err)
{
	const char *const *words = cli->words.words;
	struct outcome outcome;
	struct group group;
	struct who who;
	struct buf json;
	enum err_kind kind = db_begin(cli->mdm.db, DB_WRITE, err);

	if (kind != ERR_OK)
		return kind;
	kind = group_find(&cli->mdm, words[0], &group, err);
	if (kind == ERR_OK && group.condition != NULL)
		kind = err_set(err, ERR_CONFLICT,
			"the members of \"%s\" are found by its condition", group.name);
	if (kind == ERR_OK)
		kind = who_find(cli, words + 1, cli->words.count - 1, &who, err);
	if (kind == ERR_OK) {
		outcome_init(&outcome, &cli->arena, &who);
		kind = change_each(cli, add_them, &group, &outcome, err);
	}
	if (kind == ERR_OK)
		kind = db_commit(cli->mdm.db, err);
	else
		db_rollback(cli->mdm.db);
	if (kind != ERR_OK)
		return kind;
	if (cli->json) {
		buf_init(&json, &cli->arena, JSON_MOST);
		buf_str(&json, "{\"status\":");
		outcome_add_json(&outcome, &json);
		fprintf(cli->out, "%s}\n", json.bytes);
	} else
		outcome_print(&outcome, cli->out, done);
	return outcome_end(&outcome, cli);
}

enum err_kind
cli_group_add_member(struct cli *cli, struct err *err)
{
	return change_members(cli, true, "is a member", err);
}

enum err_kind
cli_group_remove_member(struct cli *cli, struct err *err)
{
	return change_members(cli, false, "is no member", err);
}

enum err_kind
cli_group_remove(struct cli *cli, struct err *err)
{
	struct group group;
	enum err_kind kind = group_find(&cli->mdm, cli->words.words[0], &group, err);

	return kind == ERR_OK ? group_remove(&cli->mdm, &group, err) : kind;
}
