/*
 * relay - the responder's way to an HTTP back-end: it opens no connection to the network, the
 * worker does (worker/relay_server.h), and they speak over a unix socket in frames
 * (codec/relay_frame.h).
 *
 * Whoever asks waits, and holds no transaction meanwhile.  So that a back-end that hangs cannot
 * take all of a server's threads, no more than a few may wait at once; the others are told at once
 * that it is busy, and their devices come again.
 */
#ifndef POMONA_MDM_RELAY_H
#define POMONA_MDM_RELAY_H

#include <stdbool.h>

#include "codec/relay_frame.h"

struct conf;
struct relay;

/*
 * Never NULL; for all threads of a process.  WAITING_MOST: how many may wait at once.  Of CONF,
 * which must live as long, it takes the socket and the time a call may take.
 */
struct relay *relay_new(const struct conf *conf, int waiting_most);
void relay_free(struct relay *relay); /* NULL does nothing */

/*
 * Asks, and waits for the answer: a status, whichever.  ERR_BUSY when there is none: the worker
 * does not run, too many wait, the back-end is down or slow or its answer too large.  ANSWER is in
 * ARENA.
 */
enum err_kind relay_ask(struct relay *relay, struct arena *arena,
	const struct relay_request *request, struct relay_answer *answer, struct err *err);

/* May a failure be told of now?  Once in ten minutes; the others are in the log alone. */
bool relay_may_tell(struct relay *relay);

#endif
