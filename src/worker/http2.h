/*
 * http2 - a client's HTTP/2 connection over TLS, with a certificate of its own: many POSTs at once.
 *
 * libcurl finds the way there (names, addresses, a proxy), OpenSSL does TLS, nghttp2 speaks RFC
 * 9113.  Nothing blocks but http2_wait(); one thread uses a connection.
 */
#ifndef POMONA_WORKER_HTTP2_H
#define POMONA_WORKER_HTTP2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "codec/x509.h"

struct http2;

/* Texts have to stay as long as the connection. */
struct http2_options {
	const char *url; /* https://host[:port]; what is behind that does not count */
	const char *ca;  /* PEM file; NULL: the system's */
	const struct x509_identity *identity;
	long patience_ms; /* for being connected, and for the answer to a PING */
	long idle_ms;     /* a PING goes out after so long without a word from the server */
};

struct http2_header {
	const char *name, *value; /* must stay until the request has ended */
	bool once;                /* not worth a place in HPACK's table (RFC 7541) */
};

/* What is left to be sent of a request's body. */
struct http2_body {
	const char *bytes;
	size_t len;
};

/* What is told of a request, by the pointer that was given with it. */
struct http2_handlers {
	void (*header)(void *request, const char *name, const char *value);
	void (*body)(void *request, const void *bytes, size_t len);
	/* The last one.  WHOLE: the answer is all there; else the server has not taken or not
	 * finished it. */
	void (*end)(void *request, bool whole);
};

enum http2_state {
	HTTP2_STARTING, /* no request is taken yet */
	HTTP2_OPEN,
	HTTP2_LEAVING, /* the server takes no more requests (GOAWAY), but answers what it has */
	HTTP2_FAILED,  /* beyond use; requests under way get no end */
};

/* Starts to connect.  Never NULL: what is wrong is told by the state. */
struct http2 *http2_new(const struct http2_options *options, const struct http2_handlers *handlers);

/* Says goodbye when that is possible.  Requests under way get no end.  NULL does nothing. */
void http2_free(struct http2 *http2);

enum http2_state http2_state(const struct http2 *http2);

/* What the server said with its GOAWAY, or why the connection failed; "": nothing. */
const char *http2_error(const struct http2 *http2);

/* Did it fail because our certificate cannot be used, or is not wanted by the server? */
bool http2_refused(const struct http2 *http2);

/*
 * A POST, on an open connection.  nghttp2 holds it back while the server allows no more streams
 * (SETTINGS_MAX_CONCURRENT_STREAMS).  BODY and its bytes have to stay until the end, and it is used
 * up.  The stream's number, or -1: it is not taken.
 */
int32_t http2_post(struct http2 *http2, const char *path, const struct http2_header *headers,
	size_t header_count, struct http2_body *body, void *request);

/* Gives a request up; it gets no end.  A PING then finds out whether the server is still there. */
void http2_cancel(struct http2 *http2, int32_t stream);

/* Moves on as far as it goes. */
void http2_work(struct http2 *http2);

/* Waits until there is something to do, MS at most. */
void http2_wait(struct http2 *http2, int ms);

#endif
