/*
 * gate - where new connections of the web server come in.
 *
 * One thread at a time stands at it, so that a connection wakes one thread and a stop wakes it too,
 * without harm to the socket: another process may go on with it (systemd's, spawn-fcgi's).
 */
#ifndef POMONA_WEB_GATE_H
#define POMONA_WEB_GATE_H

#include <pthread.h>
#include <stdbool.h>

struct gate {
	pthread_mutex_t lock;
	int listen_fd;
	int stop_fd; /* readable: nobody comes in any more */
};

/* LISTEN_FD becomes non-blocking.  False when there is no descriptor to be had; close it in any
 * case. */
bool gate_open(struct gate *gate, int listen_fd);
void gate_close(struct gate *gate);

/* The next connection; -1: it is time to stop. */
int gate_accept(struct gate *gate);

/* From now on gate_accept() gives -1, to those who wait too. */
void gate_stop(struct gate *gate);

#endif
