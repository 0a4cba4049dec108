/*
 * schedules - the worker's part in recurring work (mdm/schedule.h).
 */
#ifndef POMONA_WORKER_SCHEDULES_H
#define POMONA_WORKER_SCHEDULES_H

#include "mdm/mdm.h"

struct schedules {
	struct mdm *mdm;
	bool begun; /* all rules have been looked at anew; from then on, those that are wrong */
	int64_t next_at, recheck_at; /* milliseconds since 1970 */
};

/* Every now and then a step with each rule, and the first commands of who has enrolled. */
void schedules_round(struct schedules *schedules);

#endif
