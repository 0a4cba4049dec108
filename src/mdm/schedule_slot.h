/*
 * schedule_slot - when in a round it is whose turn.
 *
 * Time is cut into rounds, as long as a rule's interval, that begin at multiples of it since 1970
 * (UTC).  An enrollment's slot, 32 bits of a hash of its number, is a place in the round: the same
 * in each, and the same for all rules with that interval, so that a device is woken once for
 * several of them.  Slots of any enrollments lie evenly.
 *
 * Here times are seconds since 1970.
 */
#ifndef POMONA_MDM_SCHEDULE_SLOT_H
#define POMONA_MDM_SCHEDULE_SLOT_H

#include <stdbool.h>
#include <stdint.h>

/* Of an enrollment's number; the same as in sql/schedule.sql. */
int64_t schedule_slot_of(int64_t enrollment_no);

/* How many seconds after the beginning of a round a slot is; EVERY is the round's length. */
int64_t schedule_slot_second(int64_t slot, int64_t every);

/* A span of a round, its ends with it. */
struct schedule_window {
	int64_t round;       /* its number */
	int64_t first, last; /* seconds since 1970 */
	int64_t first_slot, last_slot;
};

/*
 * What is due behind DONE_TO, up to NOW; no more than the rest of the round in which that begins.
 * What is past by more than a round is not made up for: there is one window for it at most.  A
 * DONE_TO that lies ahead (the clock was set back) waits, unless it lies ahead by more than
 * a minute.  False: nothing.
 */
bool schedule_window_find(
	struct schedule_window *window, int64_t every, int64_t done_to, int64_t now);

/* Makes it end with second LAST. */
void schedule_window_cut(struct schedule_window *window, int64_t every, int64_t last);

#endif
