/*
 * loop - what the simulator waits for: sockets (epoll) and timers (a heap), in one thread.
 *
 * A watch and a timer are parts of what they belong to, as its first member or found from it; the
 * loop keeps pointers to them and never frees one.  Both have to be taken back before their owner
 * goes.
 */
#ifndef POMONA_SIM_LOOP_H
#define POMONA_SIM_LOOP_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct loop;

/* EVENTS are epoll's.  All zero (fd 0, ready NULL) is a watch that is not in use. */
struct loop_watch {
	void (*ready)(struct loop_watch *watch, uint32_t events); /* NULL: not watched */
	uint32_t events;
	int fd;
};

/* All zero is a timer that is not set. */
struct loop_timer {
	int64_t due; /* clock_ticks_us() */
	void (*fire)(struct loop_timer *timer);
	size_t place; /* in the heap, from 1; 0: not set */
};

/* NULL when the system has no epoll descriptor left; errno says so. */
struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* Calls READY when one of EVENTS comes.  The descriptor stays the caller's. */
enum err_kind loop_watch(struct loop *loop, struct loop_watch *watch, int fd, uint32_t events,
	void (*ready)(struct loop_watch *watch, uint32_t events), struct err *err);

/* Other events from now on; costs nothing when they are the same. */
void loop_watch_for(struct loop *loop, struct loop_watch *watch, uint32_t events);

/* To be called before the descriptor is closed; READY is not called any more, not even for what has
 * come already. */
void loop_unwatch(struct loop *loop, struct loop_watch *watch);

/* FIRE is called once, MS from now; a timer that is set already is moved. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t ms,
	void (*fire)(struct loop_timer *timer));
void loop_timer_clear(struct loop *loop, struct loop_timer *timer);

/*
 * Waits once and calls whatever is due.  Signals come in only while it waits, with SIGNALS as the
 * mask; it returns early for one.
 */
void loop_step(struct loop *loop, const sigset_t *signals);

#endif
