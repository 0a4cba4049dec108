/*
 * err - what went wrong: a kind, for the program, and a message, for a person.
 *
 * Lower code sets an error and returns its kind; it never prints.  The edge (web/reply, cli,
 * worker) logs it once and turns the kind into an HTTP status or an exit code, in one place each.
 */
#ifndef POMONA_BASE_ERR_H
#define POMONA_BASE_ERR_H

#include <stdarg.h>

enum err_kind {
	ERR_OK = 0,
	ERR_BAD_INPUT,   /* the message is malformed: 400 */
	ERR_TOO_LARGE,   /* over a cap: 413 */
	ERR_FORBIDDEN,   /* not who may do this: 403 */
	ERR_NOT_FOUND,   /* there is no such thing: 404 */
	ERR_NOT_ALLOWED, /* the method is not one of the route's: 405 */
	ERR_CONFLICT,    /* it is there already, or in another state: 409 */
	ERR_GONE,        /* declined for good (UserAuthenticate): 410 */
	ERR_BUSY,        /* the store is locked, full or away; try again later: 503 */
	ERR_NEEDS_WRITE, /* a write was tried in a read transaction; the caller starts over with a
			    write one */
	ERR_IO,          /* a file, a socket, the network: 500 */
	ERR_INTERNAL,    /* cannot be: 500 */
};

struct err {
	enum err_kind kind;
	char message[400];
};

/* Sets kind and message (cut where it does not fit) and returns KIND.  ERR may be NULL: nobody
 * wants to know. */
enum err_kind err_set(struct err *err, enum err_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "TEXT: " in front of the message, to say where it happened; returns the kind, which stays.
 */
enum err_kind err_prefix(struct err *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);

/* "bad_input", "busy", … for logs and JSON. */
const char *err_kind_name(enum err_kind kind);

#endif
