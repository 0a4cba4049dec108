/*
 * Everything the simulator does starts here: a socket is ready, or a timer is due.
 */
#include "sim/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"

enum { BATCH = 128, FIRST_TIMERS = 64 };

struct loop {
	int epoll;
	struct epoll_event batch[BATCH];
	int batch_len, batch_at;    /* what epoll_wait() gave, and how far it is worked off */
	struct loop_timer **timers; /* a heap from index 1: the earliest on top */
	size_t timers_len, timers_size;
};

struct loop *
loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL)
		return NULL;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		free(loop);
		return NULL;
	}
	return loop;
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	close(loop->epoll);
	free(loop->timers);
	free(loop);
}

/* ---- sockets ---- */

enum err_kind
loop_watch(struct loop *loop, struct loop_watch *watch, int fd, uint32_t events,
	void (*ready)(struct loop_watch *watch, uint32_t events), struct err *err)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		return err_set(err, ERR_IO, "epoll: %s", strerror(errno));
	*watch = (struct loop_watch){.ready = ready, .events = events, .fd = fd};
	return ERR_OK;
}

void
loop_watch_for(struct loop *loop, struct loop_watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	if (watch->ready == NULL || watch->events == events)
		return;
	watch->events = events;
	epoll_ctl(loop->epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

void
loop_unwatch(struct loop *loop, struct loop_watch *watch)
{
	if (watch->ready == NULL)
		return;
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->ready = NULL;
	for (int i = loop->batch_at; i < loop->batch_len; i++)
		if (loop->batch[i].data.ptr == watch)
			loop->batch[i].data.ptr = NULL;
}

/* ---- timers ---- */

static void
place(struct loop *loop, struct loop_timer *timer, size_t at)
{
	loop->timers[at] = timer;
	timer->place = at;
}

static void
sift_up(struct loop *loop, struct loop_timer *timer, size_t at)
{
	for (; at > 1 && loop->timers[at / 2]->due > timer->due; at /= 2)
		place(loop, loop->timers[at / 2], at);
	place(loop, timer, at);
}

static void
sift_down(struct loop *loop, struct loop_timer *timer, size_t at)
{
	size_t child;

	for (; (child = at * 2) <= loop->timers_len; at = child) {
		if (child < loop->timers_len &&
			loop->timers[child + 1]->due < loop->timers[child]->due)
			child++;
		if (loop->timers[child]->due >= timer->due)
			break;
		place(loop, loop->timers[child], at);
	}
	place(loop, timer, at);
}

static void
make_room(struct loop *loop)
{
	size_t size = loop->timers_size == 0 ? FIRST_TIMERS : loop->timers_size * 2;
	struct loop_timer **timers;

	if (loop->timers_len + 1 < loop->timers_size)
		return;
	timers = realloc(loop->timers, size * sizeof(*timers));
	if (timers == NULL) {
		fputs("level=error msg=\"out of memory\"\n", stderr);
		abort();
	}
	loop->timers = timers;
	loop->timers_size = size;
}

void
loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t ms,
	void (*fire)(struct loop_timer *timer))
{
	loop_timer_clear(loop, timer);
	make_room(loop);
	timer->due = clock_ticks_us() + (ms > 0 ? ms : 0) * 1000;
	timer->fire = fire;
	sift_up(loop, timer, ++loop->timers_len);
}

void
loop_timer_clear(struct loop *loop, struct loop_timer *timer)
{
	size_t at = timer->place;
	struct loop_timer *last;

	if (at == 0)
		return;
	timer->place = 0;
	last = loop->timers[loop->timers_len--];
	if (last == timer)
		return;
	if (at > 1 && loop->timers[at / 2]->due > last->due)
		sift_up(loop, last, at);
	else
		sift_down(loop, last, at);
}

/* Milliseconds until the earliest timer, rounded up; -1 when there is none. */
static int
time_to_wait(const struct loop *loop)
{
	int64_t us;

	if (loop->timers_len == 0)
		return -1;
	us = loop->timers[1]->due - clock_ticks_us();
	if (us <= 0)
		return 0;
	return us > 60000000 ? 60000 : (int)((us + 999) / 1000);
}

/* Those that are due now; a timer that is set anew meanwhile waits for the next step. */
static void
fire_timers(struct loop *loop)
{
	int64_t now = loop->timers_len > 0 ? clock_ticks_us() : 0;

	while (loop->timers_len > 0 && loop->timers[1]->due <= now) {
		struct loop_timer *timer = loop->timers[1];

		loop_timer_clear(loop, timer);
		timer->fire(timer);
	}
}

/* ---- the step ---- */

void
loop_step(struct loop *loop, const sigset_t *signals)
{
	int len = epoll_pwait(loop->epoll, loop->batch, BATCH, time_to_wait(loop), signals);

	loop->batch_len = len > 0 ? len : 0;
	for (loop->batch_at = 0; loop->batch_at < loop->batch_len;) {
		struct epoll_event *event = &loop->batch[loop->batch_at++];
		struct loop_watch *watch = event->data.ptr;

		if (watch != NULL)
			watch->ready(watch, event->events);
	}
	loop->batch_len = loop->batch_at = 0;
	fire_timers(loop);
}
