/*
 * pusher - takes due pushes out of the store, sends each over its topic's connection, and records
 * what came of it.
 *
 * A topic has a line: its connection and its state.  A line whose connection fails pauses, at
 * growing intervals; the others go on.
 */
#ifndef POMONA_WORKER_PUSHER_H
#define POMONA_WORKER_PUSHER_H

#include <stdbool.h>

#include "base/conf.h"
#include "mdm/mdm.h"

struct pusher;

struct pusher *pusher_new(struct mdm *mdm, const struct conf *conf); /* never NULL */
void pusher_free(struct pusher *pusher);

/*
 * Takes up the answers that have come; with CLAIM, also looks for new work and sends it.  One
 * transaction at most.  What cannot be written now is kept for the next round.  Outside a
 * transaction; uses the arena of MDM.
 */
void pusher_round(struct pusher *pusher, bool claim);

/* Is there an answer to come, or one that is not recorded yet? */
bool pusher_is_busy(const struct pusher *pusher);

/* Waits MS at most, or until there is something for the next round. */
void pusher_wait(struct pusher *pusher, int ms);

#endif
