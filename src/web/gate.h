/*
 * gate - where new connections of the web server come in.
 *
 * All idle threads stand in accept(), and the kernel wakes one for each connection.  A stop must
 * not harm the socket, with which another process may go on (systemd's, spawn-fcgi's): it wakes the
 * threads that stand there with a signal.
 */
#ifndef POMONA_WEB_GATE_H
#define POMONA_WEB_GATE_H

#include <pthread.h>
#include <stdbool.h>

struct seat;

struct gate {
	int listen_fd;
	pthread_mutex_t lock;
	struct seat *seats; /* threads in gate_accept() */
	bool stopping;
};

/* LISTEN_FD becomes blocking; SIGUSR1 is taken for the gate. */
void gate_open(struct gate *gate, int listen_fd);
void gate_close(struct gate *gate);

/* The next connection; -1: it is time to stop. */
int gate_accept(struct gate *gate);

/* From now on gate_accept() waits no more; returns when nobody waits. */
void gate_stop(struct gate *gate);

#endif
