/*
 * group - named lists of enrollments: fixed (their members are listed), or found by a condition
 * over what is known of a device (mdm/condition.h).
 *
 * Who is in a group with a condition is decided anew whenever Pomona itself uses it
 * (mdm/selection.h).  For the SQL interface its members are kept in a table
 * (mdm/group_refresh.h).
 *
 * A condition that does not name `kind` finds device channels only, and one that does not name
 * `state` only what is enrolled (and not blocked).
 */
#ifndef POMONA_MDM_GROUP_H
#define POMONA_MDM_GROUP_H

#include "mdm/condition.h"
#include "mdm/mdm.h"

enum { GROUP_NAME_MOST = 64 };

struct group {
	int64_t no;
	const char *name;
	const char *condition; /* NULL: it is fixed */
	const char *problem; /* what the worker has found to be wrong with the condition; or NULL */
	int64_t edition;     /* of the condition */
	bool ready;          /* the members in the table are those of the condition */
};

/* ERR_NOT_FOUND when there is no such group. */
enum err_kind group_find(struct mdm *mdm, const char *name, struct group *group, struct err *err);

/* ERR_BAD_INPUT: not a name (letters, digits, dots, - and _), or a condition that is wrong.
 * ERR_CONFLICT: there is a group of this name. */
enum err_kind group_add(struct mdm *mdm, const char *name, const char *condition, struct err *err);

/* Gives a group another condition; ERR_CONFLICT when it is fixed. */
enum err_kind group_change(
	struct mdm *mdm, const struct group *group, const char *condition, struct err *err);

enum err_kind group_remove(struct mdm *mdm, const struct group *group, struct err *err);

/* ERR_CONFLICT when the group has a condition.  It does not matter whether it is a member already
 * (or is none).  ERR_NOT_FOUND: unknown id. */
enum err_kind group_add_member(
	struct mdm *mdm, const struct group *group, const char *enrollment_id, struct err *err);
enum err_kind group_remove_member(
	struct mdm *mdm, const struct group *group, const char *enrollment_id, struct err *err);

/*
 * For the audit trail, in the same transaction: the operator has ADDED these members, or removed
 * them.
 */
enum err_kind group_note_members(struct mdm *mdm, const struct group *group, bool added,
	const char *const *ids, size_t count, struct err *err);

/* The condition, read; ERR_BAD_INPUT, with the group's name, when it is wrong. */
enum err_kind group_condition(
	struct mdm *mdm, const struct group *group, struct condition **condition, struct err *err);

/* Is the enrollment, of which ROW is known (as for condition_matches()), found by the condition? */
bool group_takes(const struct condition *condition, const struct db_value *row, int64_t now);

#endif
