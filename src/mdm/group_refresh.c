/*
 * Members of groups with a condition: what has changed is looked at, what matches is compared with
 * what is in the table, and the difference is written.
 */
#include "mdm/group_refresh.h"

#include "base/clock.h"
#include "mdm/group.h"

enum {
	LOOKS = 50,         /* enrollments that have changed, in one step */
	PAGE = 500,         /* enrollments of a group that is gone through, in one step */
	CHANGES_MOST = 100, /* of a device and its users, at once */
};

/* ---- the difference ---- */

struct difference {
	const struct condition *condition;
	int64_t now;
	struct {
		int64_t no;
		bool add;
	} * changes;
	size_t count, most;
	int64_t rows, last;
};

static enum err_kind
compare_row(const struct db_row *row, void *context, struct err *err)
{
	struct difference *difference = context;
	bool is_member = db_int(row, CONDITION_COLUMNS + 1) != 0;
	bool takes = group_takes(difference->condition, row->values, difference->now);

	(void)err;
	difference->rows++;
	difference->last = db_int(row, CONDITION_COLUMNS);
	if (is_member != takes) {
		difference->changes[difference->count].no = difference->last;
		difference->changes[difference->count++].add = takes;
	}
	return difference->count < difference->most ? ERR_OK : ERR_NOT_FOUND;
}

static enum err_kind
write_difference(
	struct mdm *mdm, int64_t group_no, const struct difference *difference, struct err *err)
{
	enum err_kind kind = ERR_OK;

	for (size_t i = 0; i < difference->count && kind == ERR_OK; i++)
		kind = db_run(mdm->db,
			difference->changes[i].add ? SQL_GROUP_REFRESH_ADD : SQL_GROUP_REFRESH_DROP,
			DB_ARGS(DB_INT(group_no), DB_INT(difference->changes[i].no)), NULL, err);
	return kind;
}

static struct difference
difference_new(struct mdm *mdm, const struct condition *condition, size_t most)
{
	struct difference difference = {.condition = condition, .now = clock_now(), .most = most};

	difference.changes = arena_calloc(mdm->arena, most, sizeof(*difference.changes));
	return difference;
}

static struct group
group_of(const struct db_row *row)
{
	return (struct group){
		.no = db_int(row, 0),
		.name = db_text(row, 1),
		.condition = db_text(row, 2),
		.problem = db_text(row, 3),
		.edition = db_int(row, 4),
	};
}

/* ---- enrollments that have changed ---- */

struct looks {
	int64_t nos[LOOKS];
	size_t count;
	struct difference difference;
};

static enum err_kind
take_look(const struct db_row *row, void *context, struct err *err)
{
	struct looks *looks = context;

	(void)err;
	looks->nos[looks->count++] = db_int(row, 0);
	return ERR_OK;
}

/* A device and its users: again when they were too many changes for once. */
static enum err_kind
look_at_device(struct mdm *mdm, struct difference *difference, int64_t group_no,
	int64_t enrollment_no, struct err *err)
{
	enum err_kind kind;

	do {
		difference->count = 0;
		kind = db_each(mdm->db, SQL_GROUP_REFRESH_DEVICE,
			DB_ARGS(DB_INT(enrollment_no), DB_INT(group_no)), compare_row, difference,
			err);
		if (kind == ERR_OK)
			kind = write_difference(mdm, group_no, difference, err);
	} while (kind == ERR_OK && difference->count == difference->most);
	return kind;
}

/* A condition that is wrong is found when its group is gone through. */
static enum err_kind
look_with(struct mdm *mdm, struct looks *looks, const struct group *group, struct err *err)
{
	struct condition *condition;
	enum err_kind kind = ERR_OK;

	if (group_condition(mdm, group, &condition, NULL) != ERR_OK)
		return ERR_OK;
	looks->difference.condition = condition;
	for (size_t i = 0; i < looks->count && kind == ERR_OK; i++)
		kind = look_at_device(mdm, &looks->difference, group->no, looks->nos[i], err);
	return kind;
}

static enum err_kind
look_with_all(struct mdm *mdm, struct looks *looks, struct err *err)
{
	struct group group = {0};
	enum err_kind kind;
	struct db_row row;

	do {
		kind = db_first(
			mdm->db, SQL_GROUP_REFRESH_NEXT, DB_ARGS(DB_INT(group.no)), &row, err);
		if (kind == ERR_OK) {
			group = group_of(&row);
			kind = look_with(mdm, looks, &group, err);
		}
	} while (kind == ERR_OK);
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

static enum err_kind
step_looks(struct mdm *mdm, bool *any, struct err *err)
{
	struct looks looks = {.count = 0};
	enum err_kind kind = db_each(
		mdm->db, SQL_GROUP_REFRESH_LOOKS, DB_ARGS(DB_INT(LOOKS)), take_look, &looks, err);

	*any = looks.count > 0;
	if (kind != ERR_OK || !*any)
		return kind;
	if (!db_may_write(mdm->db))
		return ERR_NEEDS_WRITE;
	looks.difference = difference_new(mdm, NULL, CHANGES_MOST);
	kind = look_with_all(mdm, &looks, err);
	for (size_t i = 0; i < looks.count && kind == ERR_OK; i++)
		kind = db_run(mdm->db, SQL_GROUP_REFRESH_LOOKED, DB_ARGS(DB_INT(looks.nos[i])),
			NULL, err);
	return kind;
}

/* ---- a group is gone through ---- */

/* It is through; a condition whose members are those that were found already is left alone. */
static enum err_kind
end_group(struct mdm *mdm, struct group_refresh *refresh, const struct group *group,
	const char *problem, struct err *err)
{
	struct group now;
	enum err_kind kind = group_find(mdm, group->name, &now, err);

	refresh->group_no = 0;
	if (kind != ERR_OK || (now.ready && problem == NULL))
		return kind;
	return db_run(mdm->db, SQL_GROUP_REFRESH_FOUND,
		DB_ARGS(DB_INT(group->no), DB_INT(group->edition), DB_TEXT(problem)), NULL, err);
}

static enum err_kind
step_page(struct mdm *mdm, struct group_refresh *refresh, const struct group *group,
	const struct condition *condition, struct err *err)
{
	struct difference difference = difference_new(mdm, condition, PAGE);
	enum err_kind kind;

	kind = db_each(mdm->db, SQL_GROUP_REFRESH_PAGE,
		DB_ARGS(DB_INT(refresh->after), DB_INT(PAGE), DB_INT(group->no)), compare_row,
		&difference, err);
	if (kind == ERR_OK)
		kind = write_difference(mdm, group->no, &difference, err);
	if (kind != ERR_OK)
		return kind;
	if (difference.rows < PAGE)
		return end_group(mdm, refresh, group, NULL, err);
	refresh->after = difference.last;
	return ERR_OK;
}

/* Its condition may have changed since the last step: then from the start. */
static enum err_kind
step_group(struct mdm *mdm, struct group_refresh *refresh, struct err *err)
{
	struct condition *condition;
	struct group group;
	struct err why = {0};
	struct db_row row;
	enum err_kind kind = db_first(
		mdm->db, SQL_GROUP_REFRESH_AGAIN, DB_ARGS(DB_INT(refresh->group_no)), &row, err);

	if (kind != ERR_OK) {
		refresh->group_no = 0;
		return kind == ERR_NOT_FOUND ? ERR_OK : kind;
	}
	group = group_of(&row);
	if (group.edition != refresh->edition)
		refresh->after = 0;
	refresh->edition = group.edition;
	if (condition_parse(mdm->arena, group.condition, &condition, &why) != ERR_OK)
		return end_group(mdm, refresh, &group, why.message, err);
	return step_page(mdm, refresh, &group, condition, err);
}

static void
begin_group(struct group_refresh *refresh, const struct group *group)
{
	refresh->group_no = group->no;
	refresh->edition = group->edition;
	refresh->after = 0;
}

/* The next group whose time may have come. */
static enum err_kind
find_timed(struct mdm *mdm, struct group_refresh *refresh, struct err *err)
{
	struct condition *condition;
	struct group group;
	struct db_row row;
	enum err_kind kind;

	while (refresh->group_no == 0) {
		kind = db_first(mdm->db, SQL_GROUP_REFRESH_NEXT, DB_ARGS(DB_INT(refresh->timed_no)),
			&row, err);
		if (kind == ERR_NOT_FOUND) {
			refresh->timed = false;
			refresh->timed_no = 0;
			return ERR_OK;
		}
		if (kind != ERR_OK)
			return kind;
		group = group_of(&row);
		refresh->timed_no = group.no;
		if (group_condition(mdm, &group, &condition, NULL) == ERR_OK &&
			condition_is_timed(condition))
			begin_group(refresh, &group);
	}
	return ERR_OK;
}

static enum err_kind
find_work(struct mdm *mdm, struct group_refresh *refresh, struct err *err)
{
	struct group group;
	struct db_row row;
	enum err_kind kind = db_first(mdm->db, SQL_GROUP_REFRESH_STALE, DB_NONE, &row, err);

	if (kind == ERR_OK) {
		group = group_of(&row);
		begin_group(refresh, &group);
		return ERR_OK;
	}
	if (kind != ERR_NOT_FOUND)
		return kind;
	return refresh->timed ? find_timed(mdm, refresh, err) : ERR_OK;
}

enum err_kind
group_refresh_step(struct mdm *mdm, struct group_refresh *refresh, struct err *err)
{
	enum err_kind kind;
	bool any;

	refresh->idle = false;
	kind = step_looks(mdm, &any, err);
	if (kind != ERR_OK || any)
		return kind;
	if (refresh->group_no == 0)
		kind = find_work(mdm, refresh, err);
	if (kind == ERR_OK && refresh->group_no != 0)
		return step_group(mdm, refresh, err);
	refresh->idle = kind == ERR_OK;
	return kind;
}
