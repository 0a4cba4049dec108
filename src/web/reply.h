/*
 * reply - what goes back; the one place where an error becomes an HTTP status.
 */
#ifndef POMONA_WEB_REPLY_H
#define POMONA_WEB_REPLY_H

#include "base/buf.h"
#include "base/err.h"
#include "web/request.h"

struct reply {
	int status;
	const char *content_type; /* NULL: none, for an empty body */
	int retry_after;          /* seconds; 0: not said */
	const char *allow;        /* methods, with 405; or NULL */
	const char *headers;      /* further ones, each with its CR LF; or NULL */
	struct buf body;
};

/* An empty 200. */
void reply_init(struct reply *reply, struct arena *arena);

/* Turns the error into the reply, whatever was in it; the body says what was wrong in plain text.
 */
void reply_error(struct reply *reply, struct arena *arena, const struct err *err);

/* Sends head and body.  False when the web server has gone away. */
bool reply_send(const struct reply *reply, const struct request *request);

/* The status an error of this kind gets. */
int reply_status(enum err_kind kind);

#endif
