/*
 * relay_server - the worker's end of the relay (mdm/relay.h): takes the responder's requests from a
 * unix socket, calls the back-ends, answers.
 *
 * It has a thread of its own, so that pushes never wait for a back-end, nor the other way round;
 * the store is none of its business.  Many calls are under way at once, each with its time and its
 * cap; what does not fit is answered at once.
 */
#ifndef POMONA_WORKER_RELAY_SERVER_H
#define POMONA_WORKER_RELAY_SERVER_H

#include "base/conf.h"

struct relay_server;

/* Never NULL; CONF must live as long.  Nothing is opened yet. */
struct relay_server *relay_server_new(const struct conf *conf);

/*
 * Opens the socket and starts the thread, unless that was done.  To be called again and again: the
 * socket may be another worker's for now, and the complaint comes once.  Not while other threads
 * make files.
 */
void relay_server_tend(struct relay_server *server);

/* Ends the thread, and the calls under way, whose devices come again; NULL does nothing. */
void relay_server_free(struct relay_server *server);

#endif
