/*
 * retention - what has been kept as long as the operator wants goes: commands that have ended, with
 * their answers (setting keep_results), events (setting keep_events), how facts have changed
 * (setting keep_history), and secrets of devices that count no more (setting keep_secrets).
 *
 * A command's age counts from its end, or from an answer that came after it; a payload goes with
 * its last delivery.  A secret's age counts from when another one took its place; the one that
 * counts stays.  What is open stays, however old, and so does the newest event.  What the
 * inventory knows by an answer that goes, it keeps itself.
 *
 * A pass walks the tables in the order of their numbers, which is the order of time, and ends at
 * the first row that is young: what is young costs nothing, and no index is needed.  A row of the
 * future (a clock that was wrong) is passed over.
 */
#ifndef POMONA_MDM_RETENTION_H
#define POMONA_MDM_RETENTION_H

#include "mdm/mdm.h"

/* How far a pass has come; {0} at its beginning. */
struct retention {
	int phase;                                              /* which table it is at */
	int64_t event_no, payload_no, enrollment_no, change_no; /* looked at, up to here */
	int64_t events, commands, changes, secrets;             /* have gone so far */
};

/*
 * One step of a pass: looks at up to a thousand rows, and removes up to 100 commands or 500 of the
 * others. Something to remove in a read transaction is ERR_NEEDS_WRITE.  PASS moves on; unless the
 * transaction is committed the caller has to take it back to where it was.
 */
enum err_kind retention_step(struct mdm *mdm, struct retention *pass, struct err *err);

/* Has the pass come to its end? */
bool retention_is_done(const struct retention *pass);

#endif
