/*
 * Rounds, slots, windows: arithmetic alone.  Intervals have less than 2^31 seconds and slots 32
 * bits, so that no product overflows.
 */
#include "mdm/schedule_slot.h"

#define SLOTS ((int64_t)1 << 32)

enum { AHEAD_MOST = 60 };

int64_t
schedule_slot_of(int64_t enrollment_no)
{
	return ((enrollment_no & 2147483647) * 2654435769) & (SLOTS - 1);
}

int64_t
schedule_slot_second(int64_t slot, int64_t every)
{
	return slot * every / SLOTS;
}

/* The first slot that is at SECOND of a round. */
static int64_t
first_slot_at(int64_t second, int64_t every)
{
	return (second * SLOTS + every - 1) / every;
}

void
schedule_window_cut(struct schedule_window *window, int64_t every, int64_t last)
{
	int64_t start = window->round * every;

	window->last = last;
	window->first_slot = first_slot_at(window->first - start, every);
	window->last_slot = first_slot_at(last - start + 1, every) - 1;
}

bool
schedule_window_find(struct schedule_window *window, int64_t every, int64_t done_to, int64_t now)
{
	int64_t end;

	if (done_to > now + AHEAD_MOST || done_to < now - every)
		done_to = done_to > now ? now - 1 : now - every;
	if (done_to >= now)
		return false;
	window->first = done_to + 1;
	window->round = window->first / every;
	end = (window->round + 1) * every - 1;
	schedule_window_cut(window, every, end < now ? end : now);
	return true;
}
