/*
 * turns - whose turn it is to write, and whose work shares a commit.
 *
 * A database takes one writer at a time, and a commit waits for the disk.  Whoever wants to write
 * queues up.  The one whose turn comes leads: it does its own work and that of all who wait behind
 * it, commits once, and tells them; so a thread waits once, however many come together.  A turn
 * that is taken alone shares nothing.
 */
#ifndef POMONA_STORE_TURNS_H
#define POMONA_STORE_TURNS_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/err.h"

/* One who wants to write; on its stack, or part of what it works on. */
struct turn {
	struct turn *next;
	bool alone;
	bool leads;
	sem_t ready; /* it leads now, or its work is done */
};

struct turns {
	pthread_mutex_t lock;
	struct turn *first, *last; /* the queue */
	int waiting;
	int64_t busy_since; /* microseconds: since then one leader has followed the other */
	bool led;           /* somebody leads … */
	time_t led_at;      /* … since then (monotonic seconds), or none has got on since then */
	bool stuck;         /* the last one that led did not get the database's lock */
};

void turns_init(struct turns *turns);
void turns_destroy(struct turns *turns);

/*
 * Waits until TURN leads (*LEADS), or until a leader has done its work; MS (in whole seconds, and
 * one more) at most, or one second when a crowd waits already: then, or when a crowd waits for
 * somebody who does not get on, ERR_BUSY, and nothing was done.  So a lock that others hold keeps
 * a few threads busy, and the rest are free for who only reads.
 */
enum err_kind turns_wait(
	struct turns *turns, struct turn *turn, bool alone, int ms, bool *leads, struct err *err);

/* For the leader: the next one whose work it is to do with its own; NULL: there is none now. */
struct turn *turns_next(struct turns *turns);

/* For the leader: the next one leads.  STUCK: it has not got the database's lock. */
void turns_hand_on(struct turns *turns, bool stuck);

/* For the leader: the work of TURN is done, and it is told.  TURN may be gone after this. */
void turns_done(struct turn *turn);

#endif
