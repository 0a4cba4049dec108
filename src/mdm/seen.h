/*
 * seen - when a device last came, for those whose message changed nothing else.
 *
 * An Idle with nothing waiting writes nothing.  Its time is noted here, in memory, and written
 * later, many devices in one transaction, at most once a minute for each.  A crash loses these
 * times and nothing else.
 *
 * Used by all threads of pomona-fcgi.
 */
#ifndef POMONA_MDM_SEEN_H
#define POMONA_MDM_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct mdm;
struct seen;

enum { SEEN_EVERY_MS = 60 * 1000 };

struct seen *seen_new(void);
void seen_free(struct seen *seen);

/* Notes it.  When there is no room for another device it is passed over. */
void seen_note(struct seen *seen, int64_t enrollment_no, int64_t ms);

/* Writes what was noted, in a transaction of its own.  On failure it stays noted. */
enum err_kind seen_flush(struct seen *seen, struct mdm *mdm, struct err *err);

#endif
