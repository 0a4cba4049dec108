/*
 * http_response - an HTTP/1.1 answer, read piece by piece as it comes (RFC 9112).
 *
 * Strict: what a careful client may refuse is refused.  A body has a Content-Length or is chunked;
 * one that goes on until the connection closes is not taken, as a cut one could not be told from a
 * whole one.
 */
#ifndef POMONA_SIM_HTTP_RESPONSE_H
#define POMONA_SIM_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	HTTP_LINE_MOST = 8 * 1024,
	HTTP_HEAD_MOST = 64 * 1024, /* status line and headers, and trailers again */
	HTTP_BODY_MOST = 16 * 1024 * 1024,
	HTTP_TYPE_MOST = 80,
};

enum http_phase {
	HTTP_STATUS_LINE,
	HTTP_HEADERS,
	HTTP_BODY, /* `left` bytes of it, or of the chunk, are to come */
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_END, /* the empty line behind a chunk */
	HTTP_TRAILERS,
	HTTP_WHOLE,
};

/* All zero is ready for a first answer. */
struct http_response {
	enum http_phase phase;
	int status;
	bool keep_alive;
	int64_t retry_after;       /* seconds; -1: none given, or not a number */
	char type[HTTP_TYPE_MOST]; /* the media type, without its parameters; "" when there is none,
				      or it is too long */
	char *body;                /* malloc, with a NUL behind it; NULL when there is none */
	size_t body_len;

	/* while it is being read */
	bool chunked;
	int64_t content_length; /* -1: none given */
	size_t left, body_size, head_len;
	char *line; /* malloc */
	size_t line_len, line_size;
};

/* Takes what it needs of BYTES, *USED of them; phase is HTTP_WHOLE when it is all there. */
enum err_kind http_response_feed(struct http_response *response, const char *bytes, size_t len,
	size_t *used, struct err *err);

/* Ready for the next answer; the body is freed. */
void http_response_clear(struct http_response *response);

/* Frees everything. */
void http_response_release(struct http_response *response);

#endif
