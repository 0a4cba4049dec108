/*
 * Shared by the commands that take ids: one unknown id does not fail the others.
 */
#include "cli/outcome.h"

#include <string.h>

#include "cli/escape.h"

void
outcome_init(struct outcome *outcome, struct arena *arena, const struct who *who)
{
	*outcome = (struct outcome){
		.arena = arena,
		.ids = who->ids,
		.count = who->count,
		.errors = arena_calloc(arena, who->count, sizeof(*outcome->errors)),
		.notes = arena_calloc(arena, who->count, sizeof(*outcome->notes)),
	};
}

enum err_kind
outcome_note(struct outcome *outcome, struct arena *arena, size_t n, const struct err *what,
	struct err *err)
{
	if (what->kind == ERR_OK)
		return ERR_OK;
	if (what->kind != ERR_NOT_FOUND && what->kind != ERR_CONFLICT &&
		what->kind != ERR_BAD_INPUT)
		return err_set(err, what->kind, "%s", what->message);
	outcome->errors[n] = arena_strdup(arena, what->message);
	outcome->failed++;
	return ERR_OK;
}

static void
add_member(struct buf *buf, const char *name, const char *text)
{
	if (text == NULL)
		return;
	buf_printf(buf, "\"%s\":", name);
	escape_json(buf, text, strlen(text));
}

void
outcome_add_json(const struct outcome *outcome, struct buf *buf)
{
	buf_byte(buf, '{');
	for (size_t i = 0; i < outcome->count; i++) {
		if (i > 0)
			buf_byte(buf, ',');
		escape_json(buf, outcome->ids[i], strlen(outcome->ids[i]));
		buf_str(buf, ":{");
		add_member(buf, "error", outcome->errors[i]);
		add_member(buf, "note", outcome->errors[i] == NULL ? outcome->notes[i] : NULL);
		buf_byte(buf, '}');
	}
	buf_byte(buf, '}');
}

/* What came of id N, in words. */
static const char *
told(const struct outcome *outcome, size_t n, const char *done)
{
	if (outcome->errors[n] != NULL)
		return outcome->errors[n];
	return outcome->notes[n] == NULL
		       ? done
		       : arena_printf(outcome->arena, "%s; %s", done, outcome->notes[n]);
}

void
outcome_print(const struct outcome *outcome, FILE *out, const char *done)
{
	static const struct table_column columns[] = {
		{NULL, "DEVICE", TABLE_TEXT, 0}, {NULL, "OUTCOME", TABLE_TEXT, 0}};
	struct table table;

	table_init(&table, out, false, columns, 2);
	for (size_t i = 0; i < outcome->count; i++)
		table_add(&table, (const struct db_value[]){DB_TEXT(outcome->ids[i]),
					  DB_TEXT(told(outcome, i, done))});
	table_release(&table, true);
}

enum err_kind
outcome_end(const struct outcome *outcome, struct cli *cli)
{
	for (size_t i = 0; i < outcome->count; i++)
		if (outcome->errors[i] != NULL &&
			strstr(outcome->errors[i], outcome->ids[i]) != NULL)
			cli_complain(cli, "%s", outcome->errors[i]);
		else if (outcome->errors[i] != NULL)
			cli_complain(cli, "%s: %s", outcome->ids[i], outcome->errors[i]);
	return outcome->failed == 0 ? ERR_OK : ERR_NOT_FOUND;
}
