/*
 * One connection a request: both ends are on this machine, and a worker that was restarted has no
 * old ones.
 */
#include "mdm/relay.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/local.h"

enum {
	GRACE_MS = 2000, /* the worker tells of a call that takes too long; then he is given up */
	TELL_EVERY_US = 600 * 1000 * 1000,
	PIECE = 64 * 1024,
};

struct relay {
	const char *socket;
	int64_t wait_us;
	int waiting_most;
	atomic_int waiting;
	atomic_llong tell_at; /* clock_ticks_us() */
};

struct relay *
relay_new(const struct conf *conf, int waiting_most)
{
	struct relay *relay = calloc(1, sizeof(*relay));

	if (relay == NULL)
		abort();
	relay->socket = conf->relay_socket;
	relay->wait_us = (conf->relay_timeout * 1000 + GRACE_MS) * (int64_t)1000;
	relay->waiting_most = waiting_most;
	atomic_init(&relay->waiting, 0);
	atomic_init(&relay->tell_at, 0);
	return relay;
}

void
relay_free(struct relay *relay)
{
	free(relay);
}

bool
relay_may_tell(struct relay *relay)
{
	long long now = clock_ticks_us(), at = atomic_load(&relay->tell_at);

	return (at == 0 || at <= now) &&
	       atomic_compare_exchange_strong(&relay->tell_at, &at, now + TELL_EVERY_US);
}

/* ---- one call ---- */

struct line {
	int fd;
	int64_t deadline; /* clock_ticks_us() */
	struct err *err;
};

static enum err_kind
lost(struct line *line, const char *what)
{
	return err_set(line->err, ERR_BUSY, "the worker (pomona-push) %s", what);
}

/* Waits until something can be read, or written. */
static enum err_kind
wait_for(struct line *line, short events)
{
	struct pollfd pollfd = {.fd = line->fd, .events = events};
	int64_t left;
	int ready;

	do {
		left = line->deadline - clock_ticks_us();
		if (left <= 0)
			return lost(line, "does not answer in time");
		ready = poll(&pollfd, 1, (int)(left / 1000) + 1);
	} while (ready == 0 || (ready < 0 && errno == EINTR));
	return ready > 0 ? ERR_OK : lost(line, "cannot be waited for");
}

static enum err_kind
send_all(struct line *line, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(line->fd, bytes, len, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return lost(line, "has closed the connection");
		if (sent < 0 && wait_for(line, POLLOUT) != ERR_OK)
			return line->err->kind;
		if (sent > 0) {
			bytes += sent;
			len -= (size_t)sent;
		}
	}
	return ERR_OK;
}

/* Reads on until the frame is whole. */
static enum err_kind
receive_frame(struct line *line, struct buf *frame)
{
	size_t whole = 0;

	while (whole == 0 || frame->len < whole) {
		size_t want = whole == 0 ? PIECE : whole - frame->len;
		char *room = buf_room(frame, want);
		ssize_t got = room == NULL ? 0 : recv(line->fd, room, want, 0);

		if (got == 0)
			return lost(line, "has closed the connection");
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return lost(line, "cannot be heard");
		if (got < 0 && wait_for(line, POLLIN) != ERR_OK)
			return line->err->kind;
		if (got > 0)
			frame->len += (size_t)got;
		if (whole == 0 &&
			relay_frame_size(frame->bytes, frame->len, &whole, line->err) != ERR_OK)
			return lost(line, "answers in another language");
	}
	return ERR_OK;
}

static enum err_kind
exchange(struct relay *relay, struct arena *arena, const struct buf *request,
	struct relay_answer *answer, struct err *err)
{
	struct line line = {.deadline = clock_ticks_us() + relay->wait_us, .err = err};
	struct buf frame;
	enum err_kind kind = local_connect(relay->socket, &line.fd, err);

	if (kind != ERR_OK)
		return err_set(err, ERR_BUSY, "the worker (pomona-push) is not there: %s",
			arena_strdup(arena, err->message));
	/* The room behind a whole frame is for what must not come. */
	buf_init(&frame, arena, (size_t)RELAY_FRAME_MOST + PIECE);
	kind = send_all(&line, request->bytes, request->len);
	if (kind == ERR_OK)
		kind = receive_frame(&line, &frame);
	close(line.fd);
	if (kind == ERR_OK &&
		relay_read_answer(arena, frame.bytes, frame.len, answer, err) != ERR_OK)
		return lost(&line, "answers in another language");
	if (kind == ERR_OK && answer->status == 0)
		return err_set(
			err, ERR_BUSY, "the back-end: %s", arena_strdup(arena, answer->error));
	return kind;
}

enum err_kind
relay_ask(struct relay *relay, struct arena *arena, const struct relay_request *request,
	struct relay_answer *answer, struct err *err)
{
	struct buf frame;
	enum err_kind kind;

	buf_init(&frame, arena, RELAY_FRAME_MOST);
	relay_write_request(&frame, request);
	if (frame.full)
		return err_set(err, ERR_TOO_LARGE, "this is too large for a back-end");
	if (atomic_fetch_add(&relay->waiting, 1) >= relay->waiting_most)
		kind = err_set(err, ERR_BUSY, "%d requests wait for back-ends already",
			relay->waiting_most);
	else
		kind = exchange(relay, arena, &frame, answer, err);
	atomic_fetch_sub(&relay->waiting, 1);
	return kind;
}
