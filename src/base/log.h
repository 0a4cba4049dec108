/*
 * log - one escaped logfmt line per happening, on stderr or into a file.
 *
 *     time=2026-11-24T08:15:30.123Z level=info program=pomona-fcgi req=4f1c… msg=request method=PUT
 * …
 *
 * A value is quoted when it holds anything but plain characters; control characters and bytes that
 * are not ASCII come out as \xNN, so that a line is always one line.  A line is written by one
 * write(2).
 *
 * Never handed to the log: tokens, keys, UnlockToken, PushMagic, bodies.
 */
#ifndef POMONA_BASE_LOG_H
#define POMONA_BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* PROGRAM is kept, not copied. */
void log_init(const char *program, enum log_level level);

/* "error", "warning", "info", "debug"; -1 for anything else. */
int log_level_from_name(const char *name);

/* The request this thread is serving ("" for none); every line of the thread carries it. */
void log_set_request(const char *id);

/* MSG, then pairs of key and value (both strings; a pair whose value is NULL is left out), then
 * NULL. */
void log_line(enum log_level level, const char *msg, ...) __attribute__((sentinel));

#endif
