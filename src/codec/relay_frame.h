/*
 * relay_frame - what the responder and the worker say to each other over their socket: one request
 * for a back-end, one answer.
 *
 * A frame is "PmR1", the length of the head and that of the body (four bytes each, the high one
 * first), the head as a JSON object, the body.  No request carries more than RELAY_BODY_MOST bytes,
 * and no answer.
 *
 * Head of a request: service (for the log), method, url, headers (an object of strings).  Of an
 * answer: status and content_type, or error.
 */
#ifndef POMONA_CODEC_RELAY_FRAME_H
#define POMONA_CODEC_RELAY_FRAME_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum {
	RELAY_PREFIX_SIZE = 12,
	RELAY_HEAD_MOST = 16 * 1024,
	RELAY_BODY_MOST = 4 * 1024 * 1024,
	RELAY_FRAME_MOST = RELAY_PREFIX_SIZE + RELAY_HEAD_MOST + RELAY_BODY_MOST,
	RELAY_HEADERS_MOST = 8,
};

struct relay_header {
	const char *name, *value;
};

struct relay_request {
	const char *service; /* what it is for: "ddm", "com.apple.watch.pairing" */
	const char *method;  /* GET, PUT or POST */
	const char *url;     /* http:// or https:// */
	struct relay_header headers[RELAY_HEADERS_MOST];
	size_t header_count;
	const void *body;
	size_t body_len; /* 0: none */
};

struct relay_answer {
	int status;               /* the back-end's; 0: it gave none */
	const char *content_type; /* or NULL */
	const char *error;        /* why there is no status; else NULL */
	const void *body;
	size_t body_len;
};

/* Append the frame; BUF is full when it is larger than a frame may be. */
void relay_write_request(struct buf *buf, const struct relay_request *request);
void relay_write_answer(struct buf *buf, const struct relay_answer *answer);

/*
 * How many bytes the whole frame has that begins with these; *WHOLE is 0 while they are too few to
 * tell.  ERR_BAD_INPUT when they begin no frame, ERR_TOO_LARGE when it is over the caps.
 */
enum err_kind relay_frame_size(const void *bytes, size_t len, size_t *whole, struct err *err);

/*
 * Read a whole frame; what they give is in ARENA, but for the body, which stays where it is.
 * ERR_BAD_INPUT when a part of the head is missing, of the wrong type, or nothing that may go into
 * an HTTP request.
 */
enum err_kind relay_read_request(struct arena *arena, const void *bytes, size_t len,
	struct relay_request *request, struct err *err);
enum err_kind relay_read_answer(struct arena *arena, const void *bytes, size_t len,
	struct relay_answer *answer, struct err *err);

#endif
