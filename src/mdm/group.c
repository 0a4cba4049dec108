/*
 * Groups as an operator names and changes them; who uses their members comes through
 * mdm/selection.c.
 */
#include "mdm/group.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "mdm/audit.h"
#include "mdm/enrollment.h"

enum { NOTED_MOST = 100 /* members, by name, in a row of the audit trail */ };

static enum err_kind
check_name(const char *name, struct err *err)
{
	size_t len = strlen(name);
	bool good = len > 0 && len <= GROUP_NAME_MOST && isalnum((unsigned char)name[0]);

	for (const char *p = name; *p != '\0' && good; p++)
		good = isalnum((unsigned char)*p) || strchr("-._", *p) != NULL;
	if (!good)
		return err_set(err, ERR_BAD_INPUT,
			"\"%.100s\" is no name of a group: 1 to %d letters, digits, dots, - and _, "
			"the first a letter or a digit",
			name, GROUP_NAME_MOST);
	return ERR_OK;
}

static enum err_kind
check_condition(struct mdm *mdm, const char *condition, struct err *err)
{
	struct condition *unused;
	enum err_kind kind = condition_parse(mdm->arena, condition, &unused, err);

	if (kind != ERR_OK)
		err_prefix(err, "the condition is wrong");
	return kind;
}

enum err_kind
group_find(struct mdm *mdm, const char *name, struct group *group, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(mdm->db, SQL_GROUP_FIND, DB_ARGS(DB_TEXT(name)), &row, err);

	if (kind == ERR_NOT_FOUND)
		return err_set(err, kind, "there is no group \"%.100s\"", name);
	if (kind != ERR_OK)
		return kind;
	*group = (struct group){
		.no = db_int(&row, 0),
		.name = db_text(&row, 1),
		.condition = db_text(&row, 2),
		.problem = db_text(&row, 3),
		.edition = db_int(&row, 4),
		.ready = db_int(&row, 5) != 0,
	};
	return ERR_OK;
}

enum err_kind
group_add(struct mdm *mdm, const char *name, const char *condition, struct err *err)
{
	enum err_kind kind = check_name(name, err);

	if (kind == ERR_OK && condition != NULL)
		kind = check_condition(mdm, condition, err);
	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_GROUP_ADD,
			DB_ARGS(DB_TEXT(name), DB_TEXT(condition), DB_INT(clock_now())), NULL, err);
	if (kind == ERR_CONFLICT)
		return err_set(err, kind, "there is a group \"%s\" already", name);
	return kind == ERR_OK ? audit_add(mdm, AUDIT_GROUP_SET, name, NULL,
					audit_detail(mdm->arena, "condition", condition), err)
			      : kind;
}

enum err_kind
group_change(struct mdm *mdm, const struct group *group, const char *condition, struct err *err)
{
	struct plist *detail = audit_detail(mdm->arena, "condition", condition);
	enum err_kind kind = check_condition(mdm, condition, err);

	if (kind == ERR_OK && group->condition == NULL)
		return err_set(err, ERR_CONFLICT,
			"the group \"%s\" is a list: remove it, and add it with a condition",
			group->name);
	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_GROUP_CHANGE,
			DB_ARGS(DB_INT(group->no), DB_TEXT(condition), DB_INT(clock_now())), NULL,
			err);
	if (kind != ERR_OK)
		return kind;
	plist_set(mdm->arena, detail, "before", plist_string(mdm->arena, group->condition));
	return audit_add(mdm, AUDIT_GROUP_SET, group->name, NULL, detail, err);
}

enum err_kind
group_remove(struct mdm *mdm, const struct group *group, struct err *err)
{
	enum err_kind kind =
		db_run(mdm->db, SQL_GROUP_REMOVE_MEMBERS, DB_ARGS(DB_INT(group->no)), NULL, err);

	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_GROUP_REMOVE, DB_ARGS(DB_INT(group->no)), NULL, err);
	return kind == ERR_OK
		       ? audit_add(mdm, AUDIT_GROUP_REMOVE, group->name, NULL,
				 audit_detail(mdm->arena, "condition", group->condition), err)
		       : kind;
}

static enum err_kind
change_member(struct mdm *mdm, enum statement statement, const struct group *group,
	const char *enrollment_id, struct err *err)
{
	struct enrollment enrollment;
	enum err_kind kind;
	int64_t count;

	if (group->condition != NULL)
		return err_set(err, ERR_CONFLICT,
			"the members of \"%s\" are found by its condition", group->name);
	kind = enrollment_find(mdm, enrollment_id, &enrollment, err);
	if (kind == ERR_OK)
		kind = db_run(mdm->db, statement,
			DB_ARGS(DB_INT(group->no), DB_TEXT(enrollment_id)), &count, err);
	if (kind == ERR_OK && count > 0)
		kind = db_run(mdm->db, SQL_GROUP_TOUCH,
			DB_ARGS(DB_INT(group->no), DB_INT(clock_now())), NULL, err);
	return kind;
}

enum err_kind
group_add_member(
	struct mdm *mdm, const struct group *group, const char *enrollment_id, struct err *err)
{
	return change_member(mdm, SQL_GROUP_ADD_MEMBER, group, enrollment_id, err);
}

enum err_kind
group_remove_member(
	struct mdm *mdm, const struct group *group, const char *enrollment_id, struct err *err)
{
	return change_member(mdm, SQL_GROUP_REMOVE_MEMBER, group, enrollment_id, err);
}

enum err_kind
group_note_members(struct mdm *mdm, const struct group *group, bool added, const char *const *ids,
	size_t count, struct err *err)
{
	struct plist *detail = plist_dict(mdm->arena), *list = plist_array(mdm->arena);

	if (count == 0)
		return ERR_OK;
	for (size_t i = 0; i < count && i < NOTED_MOST; i++)
		plist_append(list, plist_string(mdm->arena, ids[i]));
	plist_set(mdm->arena, detail, added ? "added" : "removed", list);
	if (count > NOTED_MOST)
		plist_set(mdm->arena, detail, "count", plist_integer(mdm->arena, (int64_t)count));
	return audit_add(mdm, AUDIT_GROUP_SET, group->name, ids[0], detail, err);
}

/* ---- who is in it ---- */

enum err_kind
group_condition(
	struct mdm *mdm, const struct group *group, struct condition **condition, struct err *err)
{
	enum err_kind kind = condition_parse(mdm->arena, group->condition, condition, err);

	if (kind != ERR_OK)
		err_prefix(err, "the condition of the group \"%s\" is wrong", group->name);
	return kind;
}

/* A device channel's device is itself. */
static bool
is_device_channel(const struct db_value *row)
{
	const struct db_value *id = &row[CONDITION_ID], *device = &row[CONDITION_DEVICE_ID];

	return id->bytes != NULL && device->bytes != NULL && strcmp(id->bytes, device->bytes) == 0;
}

static bool
is_enrolled(const struct db_value *row)
{
	return row[CONDITION_STATE].bytes != NULL &&
	       strcmp(row[CONDITION_STATE].bytes, "enrolled") == 0;
}

bool
group_takes(const struct condition *condition, const struct db_value *row, int64_t now)
{
	if (!condition_names(condition, CONDITION_KIND) && !is_device_channel(row))
		return false;
	if (!condition_names(condition, CONDITION_STATE) && !is_enrolled(row))
		return false;
	return condition_matches(condition, row, now);
}
