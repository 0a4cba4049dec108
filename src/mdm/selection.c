/*
 * A word becomes enrollment ids.  A page's ids are gathered before they are handed on, in memory of
 * their own: there may be a million of them.
 */
#include "mdm/selection.h"

#include <string.h>

#include "base/clock.h"
#include "mdm/group.h"

enum { PAGE = 1000 };

/* A page that is being read. */
struct reading {
	struct condition *condition; /* NULL: all rows are meant */
	size_t id_column, no_column;
	int64_t now;
	const char **ids;
	int64_t count; /* that are meant */
	int64_t rows;  /* that were looked at */
	int64_t last;  /* the number of the last of them */
};

static const char *
group_of(const char *word)
{
	size_t len = strlen(SELECTION_GROUP);

	return strncmp(word, SELECTION_GROUP, len) == 0 ? word + len : NULL;
}

bool
selection_is_many(const char *word)
{
	return group_of(word) != NULL || strcmp(word, SELECTION_ALL) == 0;
}

enum err_kind
selection_check(struct mdm *mdm, const char *word, struct err *err)
{
	const char *name = group_of(word);
	struct condition *condition;
	struct group group;
	enum err_kind kind;

	if (name == NULL) {
		if (*word == '\0' || strlen(word) > ENROLLMENT_ID_MOST)
			return err_set(err, ERR_BAD_INPUT, "\"%.60s\" is no enrollment id", word);
		return ERR_OK;
	}
	kind = group_find(mdm, name, &group, err);
	return kind == ERR_OK && group.condition != NULL
		       ? group_condition(mdm, &group, &condition, err)
		       : kind;
}

static enum err_kind
take_row(const struct db_row *row, void *context, struct err *err)
{
	struct reading *reading = context;

	(void)err;
	reading->rows++;
	reading->last = db_int(row, reading->no_column);
	if (reading->condition == NULL ||
		group_takes(reading->condition, row->values, reading->now))
		reading->ids[reading->count++] = db_text(row, reading->id_column);
	return ERR_OK;
}

/* Finds out which rows WORD needs, and reads a page of them; in the arena that is the session's
 * now. */
static enum err_kind
read_page(struct mdm *mdm, const char *name, int64_t after, int64_t most, struct reading *reading,
	struct err *err)
{
	const struct db_value args[] = {DB_INT(after), DB_INT(most), DB_INT(0)};
	struct group group;
	enum err_kind kind;

	reading->ids = arena_calloc(mdm->arena, (size_t)most, sizeof(*reading->ids));
	reading->no_column = 1;
	if (name == NULL)
		return db_each(mdm->db, SQL_SELECTION_ALL, args, 2, take_row, reading, err);
	kind = group_find(mdm, name, &group, err);
	if (kind != ERR_OK)
		return kind;
	if (group.condition == NULL)
		return db_each(mdm->db, SQL_SELECTION_MEMBERS,
			DB_ARGS(args[0], args[1], DB_INT(group.no)), take_row, reading, err);
	kind = group_condition(mdm, &group, &reading->condition, err);
	if (kind != ERR_OK)
		return kind;
	reading->id_column = CONDITION_ID;
	reading->no_column = CONDITION_COLUMNS;
	reading->now = clock_now();
	return db_each(mdm->db, SQL_SELECTION_DEVICES, args, 2, take_row, reading, err);
}

enum err_kind
selection_page(struct mdm *mdm, const char *word, struct selection_at *at, int64_t most,
	selection_each_fn each, void *context, struct err *err)
{
	struct arena arena, *before = mdm->arena;
	struct reading reading = {0};
	enum err_kind kind;

	if (at->done)
		return ERR_OK;
	if (!selection_is_many(word)) {
		at->done = true;
		return each(word, context, err);
	}
	arena_init(&arena);
	mdm->arena = &arena;
	db_use_arena(mdm->db, &arena);
	kind = read_page(mdm, group_of(word), at->no, most, &reading, err);
	mdm->arena = before;
	db_use_arena(mdm->db, before);
	for (int64_t i = 0; i < reading.count && kind == ERR_OK; i++)
		kind = each(reading.ids[i], context, err);
	if (kind == ERR_OK && reading.rows > 0)
		at->no = reading.last;
	at->done = kind == ERR_OK && reading.rows < most;
	arena_release(&arena);
	return kind;
}

enum err_kind
selection_each(
	struct mdm *mdm, const char *word, selection_each_fn each, void *context, struct err *err)
{
	struct selection_at at = {0};
	enum err_kind kind = ERR_OK;

	while (kind == ERR_OK && !at.done)
		kind = selection_page(mdm, word, &at, PAGE, each, context, err);
	return kind;
}
