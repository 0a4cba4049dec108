/*
 * schedule - recurring work: a command that devices get again and again.
 *
 * A rule says which command, to whom (all, a group, one enrollment) and how often.  Each enrollment
 * has its own time in the interval (mdm/schedule_slot.h), so that a fleet is not woken at once.
 * While a command of a rule waits for a device, none of that rule is added; a device that has just
 * enrolled gets its first soon; after a time in which no worker ran, what was missed is made up for
 * slowly, and once.  The worker does it; nothing of it is in memory.
 *
 * Rules come through here or through the view `schedule` (sql/sqlite.sql), which cannot check all:
 * the worker looks at them, and notes why one is not right.
 */
#ifndef POMONA_MDM_SCHEDULE_H
#define POMONA_MDM_SCHEDULE_H

#include "mdm/catalogue_check.h"
#include "mdm/mdm.h"
#include "mdm/selection.h"

enum {
	SCHEDULE_EVERY_LEAST = 60, /* seconds */
	SCHEDULE_EVERY_MOST = 366 * 24 * 3600,
	SCHEDULE_NAME_MOST = 64,
};

struct schedule {
	const char *name;                  /* letters, digits, ".", "-" and "_" */
	int64_t every;                     /* seconds */
	const char *target;                /* as in mdm/selection.h; one word */
	const char *request;               /* or an alias of it */
	const struct plist *args;          /* as in queue_command */
	struct catalogue_remarks *remarks; /* gets what is odd; or NULL */
};

/*
 * ERR_BAD_INPUT: name, interval or command are not right, or the command is none that could recur:
 * it destroys data, or holds a secret, which would lie open in the store.  ERR_NOT_FOUND: unknown
 * target; ERR_CONFLICT: there is one with that name.
 */
enum err_kind schedule_add(struct mdm *mdm, const struct schedule *schedule, struct err *err);

/* What it has queued stays.  ERR_NOT_FOUND: there is none of that name. */
enum err_kind schedule_remove(struct mdm *mdm, const char *name, struct err *err);

/* Likewise; nothing happens when it is as it should be already. */
enum err_kind schedule_pause(struct mdm *mdm, const char *name, bool paused, struct err *err);

/* ---- doing it now ---- */

/* How far it has come; {0} with the name at its beginning. */
struct schedule_run {
	const char *name;
	struct selection_at at;
	int64_t payload_no;
	int64_t queued, refused; /* and how many do not take such a command */
};

/*
 * Queues it for those of the next MOST enrollments that it is for and that have none waiting, in
 * one transaction, until at.done; also when it is paused.  ERR_NOT_FOUND, ERR_BAD_INPUT: there is
 * no such rule, or it is not right.
 */
enum err_kind schedule_run(
	struct mdm *mdm, struct schedule_run *run, int64_t most, struct err *err);

/* ---- for the worker ---- */

/* One step with one rule. */
struct schedule_step {
	int64_t no;       /* the rule that was looked at; 0: there was none behind the last one */
	const char *name; /* its */
	int64_t queued, refused;
	const char *wrong; /* why it is not right, when that has been found out now; or NULL */
};

/* Looks at the rule behind STEP->no, and queues what is due, no more than is good at once. */
enum err_kind schedule_step(struct mdm *mdm, struct schedule_step *step, struct err *err);

/* Up to MOST devices that have enrolled get their first; *COUNT of them were looked at. */
enum err_kind schedule_greet(struct mdm *mdm, int64_t most, int64_t *count, struct err *err);

/*
 * All rules are to be looked at anew: this program may know other commands than the last one.  Or
 * those only that have been found WRONG: there may be such a group by now.
 */
enum err_kind schedule_recheck(struct mdm *mdm, bool wrong, struct err *err);

#endif
