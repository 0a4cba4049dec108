/*
 * relay_call - one request of the relay, on its way from a connection to the back-end and back.
 */
#ifndef POMONA_WORKER_RELAY_CALL_H
#define POMONA_WORKER_RELAY_CALL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/conf.h"
#include "codec/relay_frame.h"

enum relay_state {
	RELAY_READING, /* the request comes in */
	RELAY_CALLING, /* the back-end has it */
	RELAY_WRITING, /* the answer goes out */
	RELAY_OVER,
};

struct relay_call {
	struct relay_call *next;
	enum relay_state state;
	int fd;           /* to the responder */
	int64_t deadline; /* clock_ticks_us(): the connection is dropped then */
	int64_t began;
	struct arena arena;
	struct buf in, out; /* frames */
	size_t whole, sent; /* bytes of `in` when it is whole; bytes of `out` that have gone */
	struct relay_request request;

	/* the call */
	CURL *easy;
	struct curl_slist *headers;
	struct buf body; /* of the answer */
	char reason[CURL_ERROR_SIZE];
};

/* FD is its own from now on, and does not block. */
struct relay_call *relay_call_new(int fd); /* never NULL */
void relay_call_free(struct relay_call *call);

/* Reads what has come; true when the request is whole.  What is none ends the call. */
bool relay_call_read(struct relay_call *call);

/* Makes the HTTP request of it, for a multi handle; false: an answer has been made instead. */
bool relay_call_prepare(struct relay_call *call, const struct conf *conf);

/* The back-end has answered, or not: makes the answer. */
void relay_call_done(struct relay_call *call, CURLcode code);

/* Makes the answer that says why there is no other. */
void relay_call_refuse(struct relay_call *call, const char *error);

/* Writes what goes out now. */
void relay_call_write(struct relay_call *call);

#endif
