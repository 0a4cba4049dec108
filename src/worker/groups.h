/*
 * groups - keeps up who is in the groups that have a condition (mdm/group_refresh.h).
 */
#ifndef POMONA_WORKER_GROUPS_H
#define POMONA_WORKER_GROUPS_H

#include "mdm/group_refresh.h"

struct groups {
	struct mdm *mdm;
	struct group_refresh refresh;
	int64_t next_step;  /* all in clock_ticks_us() */
	int64_t next_timed; /* when the groups that depend on time are gone through again */
	int64_t took;       /* by that, so far */
};

struct groups groups_new(struct mdm *mdm);

/* Does a step when it is time for one.  Outside a transaction. */
void groups_round(struct groups *groups);

#endif
