/*
 * gate - where new connections of the web server come in.
 *
 * All idle threads stand in accept(), and the kernel wakes one for each connection.  A stop must
 * not harm the socket, with which another process may go on (systemd's, spawn-fcgi's): it wakes
 * them with connections of its own, on which nothing is asked.
 */
#ifndef POMONA_WEB_GATE_H
#define POMONA_WEB_GATE_H

#include <stdatomic.h>
#include <stdbool.h>

struct gate {
	int listen_fd;
	atomic_bool stopping;
	atomic_int waiting; /* threads in gate_accept() */
};

/* LISTEN_FD becomes blocking. */
void gate_open(struct gate *gate, int listen_fd);

/* The next connection; -1: it is time to stop.  After a stop it may give one that is closed
 * already.
 */
int gate_accept(struct gate *gate);

/* From now on gate_accept() waits no more; returns when nobody waits. */
void gate_stop(struct gate *gate);

#endif
