/*
 * clock - the only source of "now" and of new UUIDs.
 *
 * Times are milliseconds since 1970-01-01T00:00:00Z, in int64_t, everywhere in the program and in
 * the store's tables; views and JSON show ISO 8601 in UTC.
 */
#ifndef POMONA_BASE_CLOCK_H
#define POMONA_BASE_CLOCK_H

#include <stdint.h>

#include "base/arena.h"

enum { CLOCK_UUID_SIZE = 37, CLOCK_ISO_SIZE = 32 };

/* Now, in milliseconds since 1970. */
int64_t clock_now(void);

/* A monotonic count of microseconds, for measuring how long something took. */
int64_t clock_ticks_us(void);

/* Tests only: makes clock_now() answer MS from now on; a negative MS gives back the real clock. */
void clock_fake(int64_t ms);

/*
 * A UUID that is new but no secret: random bytes drawn once per thread, and a count.  For what
 * needs many, such as the ids of requests in the log.
 */
char *clock_serial_uuid(char uuid[CLOCK_UUID_SIZE]);

/* A new random (version 4) UUID in capitals, as Apple writes them.  Returns UUID. */
char *clock_uuid(char uuid[CLOCK_UUID_SIZE]);

/* 2026-11-24T08:15:30.123Z, or without the fraction when it is zero.  Years 0001 to 9999. */
char *clock_iso(int64_t ms, char text[CLOCK_ISO_SIZE]);

/* Reads YYYY-MM-DDTHH:MM:SS[.fraction](Z|+HH:MM|-HH:MM); 0, or -1 when it is not that. */
int clock_parse_iso(const char *text, int64_t *ms);

#endif
