/*
 * group_refresh - who is in the groups that have a condition: the table that the SQL interface
 * shows.
 *
 * The worker keeps it up, in small steps, by three reasons to look:
 *  - a condition is new: all enrollments are gone through; until that is done the group shows no
 *    member;
 *  - something has changed of an enrollment that conditions may name (triggers note which): it is
 *    looked at with all conditions;
 *  - time has passed: groups whose condition names last_seen, or a time counted from now on, are
 *    gone through at intervals.
 * A condition that is wrong (it came through SQL) is noted, and has no members.
 */
#ifndef POMONA_MDM_GROUP_REFRESH_H
#define POMONA_MDM_GROUP_REFRESH_H

#include "mdm/mdm.h"

/* How far it has come; {0} at its beginning. */
struct group_refresh {
	bool timed; /* set by the caller: go through the timed groups too; false when that is done
		     */
	int64_t timed_no; /* the last of those */

	int64_t group_no; /* that is being gone through; 0: none */
	int64_t edition;  /* of its condition */
	int64_t after;    /* the last enrollment that was looked at */

	bool idle; /* there was nothing to do */
};

/*
 * One step: up to GROUP_REFRESH_LOOKS enrollments that have changed, or a page of a group.
 * Something to write in a read transaction is ERR_NEEDS_WRITE; nothing is written when nothing
 * changes.  REFRESH moves on; unless the transaction is committed, or nothing was written, the
 * caller has to take it back to where it was.
 */
enum err_kind group_refresh_step(struct mdm *mdm, struct group_refresh *refresh, struct err *err);

#endif
