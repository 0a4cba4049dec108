/*
 * schedule_parts - what schedule.c (the rules) and schedule_work.c (what they do) share.
 */
#ifndef POMONA_MDM_SCHEDULE_PARTS_H
#define POMONA_MDM_SCHEDULE_PARTS_H

#include "mdm/schedule.h"

/* A row. */
struct schedule_rule {
	int64_t no;
	const char *name;
	int64_t every; /* seconds */
	const char *target, *request, *args;
	bool checked, paused;
	const char *invalid;       /* NULL: it is right, as far as it is known */
	int64_t done_to;           /* seconds since 1970 */
	int64_t round, payload_no; /* payload_no is 0 when there is none yet */
};

struct schedule_rule schedule_rule_of(const struct db_row *row);

/* ERR_NOT_FOUND: there is none of that name. */
enum err_kind schedule_rule_find(
	struct mdm *mdm, const char *name, struct schedule_rule *rule, struct err *err);

/* Its arguments; *ARGS is NULL when there are none. */
enum err_kind schedule_rule_args(struct mdm *mdm, const struct schedule_rule *rule,
	const struct plist **args, struct err *err);

/* What schedule_add() checks, but for the name; for a rule that came through SQL, too. */
enum err_kind schedule_check(struct mdm *mdm, const struct schedule *schedule,
	const struct catalogue_request **request, struct err *err);

#endif
