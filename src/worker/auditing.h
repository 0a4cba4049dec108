/*
 * auditing - the worker's part in the audit trail (mdm/audit.h): it chains what was written in the
 * SQL shell, and tells the trail's head to the log when it starts and once a day, so that there is
 * a copy outside of the store.
 */
#ifndef POMONA_WORKER_AUDITING_H
#define POMONA_WORKER_AUDITING_H

#include "mdm/mdm.h"

struct auditing {
	int64_t next_look, next_head; /* clock_ticks_us(); 0: at once */
};

/* Does what is due: one short transaction. */
void auditing_round(struct auditing *auditing, struct mdm *mdm);

#endif
