#include "store/turns.h"

#include <errno.h>
#ifdef __has_feature /* clang */
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

#include "base/clock.h"

enum {
	CROWD = 16,           /* so many may wait … */
	BUSY_US = 200 * 1000, /* without a pause for other processes … */
	PAUSE_US = 2000,      /* … which then is this long */
	SLOW_S = 1,           /* … for a leader that takes longer than this */
	MS_IN_S = 1000,
};

void
turns_init(struct turns *turns)
{
	*turns = (struct turns){.first = NULL};
	pthread_mutex_init(&turns->lock, NULL);
}

void
turns_destroy(struct turns *turns)
{
	pthread_mutex_destroy(&turns->lock);
}

/* With the lock held, as the others that are static. */
static void
append(struct turns *turns, struct turn *turn)
{
	if (turns->last != NULL)
		turns->last->next = turn;
	else
		turns->first = turn;
	turns->last = turn;
	turns->waiting++;
}

static struct turn *
take_first(struct turns *turns)
{
	struct turn *turn = turns->first;

	turns->first = turn->next;
	if (turns->first == NULL)
		turns->last = NULL;
	turn->next = NULL;
	turns->waiting--;
	return turn;
}

/* False: it is not in the queue any more. */
static bool
leave(struct turns *turns, struct turn *turn)
{
	struct turn **at = &turns->first, *before = NULL;

	while (*at != NULL && *at != turn) {
		before = *at;
		at = &before->next;
	}
	if (*at == NULL)
		return false;
	*at = turn->next;
	if (turns->last == turn)
		turns->last = before;
	turns->waiting--;
	return true;
}

/* False: it did not come in time, and TURN has left the queue. */
static bool
wait_ready(struct turns *turns, struct turn *turn, struct timespec deadline)
{
	bool left;

	while (sem_clockwait(&turn->ready, CLOCK_MONOTONIC, &deadline) != 0) {
		if (errno == EINTR)
			continue;
		pthread_mutex_lock(&turns->lock);
		left = leave(turns, turn);
		pthread_mutex_unlock(&turns->lock);
		if (left)
			return false;
		/* A leader is at it, or it leads: that is told in a moment. */
		while (sem_wait(&turn->ready) != 0)
			;
		return true;
	}
#ifdef __SANITIZE_THREAD__
	/* It knows sem_post() and sem_timedwait(), but not sem_clockwait(). */
	__tsan_acquire(&turn->ready);
#endif
	return true;
}

enum err_kind
turns_wait(struct turns *turns, struct turn *turn, bool alone, int ms, bool *leads, struct err *err)
{
	struct timespec now;
	bool in_time = true, waits, crowded;

	clock_gettime(CLOCK_MONOTONIC, &now);
	*turn = (struct turn){.alone = alone};
	pthread_mutex_lock(&turns->lock);
	if (turns->led && turns->waiting >= CROWD && now.tv_sec > turns->led_at + SLOW_S) {
		pthread_mutex_unlock(&turns->lock);
		return err_set(err, ERR_BUSY, "store: too many wait for the write lock");
	}
	sem_init(&turn->ready, 0, 0);
	waits = turns->led;
	crowded = turns->waiting >= CROWD;
	if (waits)
		append(turns, turn);
	else {
		turns->led = turn->leads = true;
		if (!turns->stuck)
			turns->led_at = now.tv_sec;
	}
	pthread_mutex_unlock(&turns->lock);
	/* Who has queued up takes its post in any case: the leader may still be at it. */
	if (waits) {
		now.tv_sec += crowded ? 1 : ms / MS_IN_S + 1;
		in_time = wait_ready(turns, turn, now);
	}
	*leads = turn->leads;
	sem_destroy(&turn->ready);
	return in_time ? ERR_OK
		       : err_set(err, ERR_BUSY, "store: the write lock was not to be had in time");
}

struct turn *
turns_next(struct turns *turns)
{
	struct turn *turn = NULL;

	pthread_mutex_lock(&turns->lock);
	if (turns->first != NULL && !turns->first->alone)
		turn = take_first(turns);
	pthread_mutex_unlock(&turns->lock);
	return turn;
}

/* Under load the database's lock would never be free for the worker and the operator's shell. */
static void
give_way(struct turns *turns)
{
	const struct timespec pause = {.tv_nsec = PAUSE_US * 1000};
	int64_t now = clock_ticks_us();
	bool others;

	pthread_mutex_lock(&turns->lock);
	others = turns->waiting > 0;
	pthread_mutex_unlock(&turns->lock);
	if (!others || turns->busy_since == 0)
		turns->busy_since = now;
	if (now - turns->busy_since < BUSY_US)
		return;
	nanosleep(&pause, NULL);
	turns->busy_since = clock_ticks_us();
}

void
turns_hand_on(struct turns *turns, bool stuck)
{
	struct timespec now;
	struct turn *next = NULL;

	clock_gettime(CLOCK_MONOTONIC, &now);
	give_way(turns);
	pthread_mutex_lock(&turns->lock);
	turns->stuck = stuck;
	if (!stuck)
		turns->led_at = now.tv_sec;
	if (turns->first != NULL) {
		next = take_first(turns);
		next->leads = true;
	} else
		turns->led = false;
	pthread_mutex_unlock(&turns->lock);
	if (next != NULL)
		sem_post(&next->ready);
}

void
turns_done(struct turn *turn)
{
	sem_post(&turn->ready);
}
