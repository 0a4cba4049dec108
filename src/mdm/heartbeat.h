/*
 * heartbeat - who of the workers is alive: each notes it in the store once a minute.
 */
#ifndef POMONA_MDM_HEARTBEAT_H
#define POMONA_MDM_HEARTBEAT_H

#include "mdm/mdm.h"

enum { HEARTBEAT_EVERY_MS = 60 * 1000 };

struct heartbeat {
	const char *name; /* HOST:PID */
	const char *version;
	int64_t started_at, seen_at;
};

/* This process's own, begun now; the name is in ARENA. */
struct heartbeat heartbeat_make(struct arena *arena);

enum err_kind heartbeat_note(struct mdm *mdm, const struct heartbeat *heartbeat, struct err *err);

/* It ends as it should. */
enum err_kind heartbeat_end(struct mdm *mdm, const struct heartbeat *heartbeat, struct err *err);

/* The newest of all; ERR_NOT_FOUND when no worker runs that did not end as it should. */
enum err_kind heartbeat_last(struct mdm *mdm, struct heartbeat *heartbeat, struct err *err);

#endif
