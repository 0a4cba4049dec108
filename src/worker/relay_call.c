/*
 * A call's steps, none of which waits; worker/relay_server.c says when.
 */
#include "worker/relay_call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
	READ_US = 5 * 1000 * 1000,  /* a request comes in one piece, from this machine */
	WRITE_US = 5 * 1000 * 1000, /* and so its answer goes */
	PIECE = 64 * 1024,
};

struct relay_call *
relay_call_new(int fd)
{
	struct relay_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		abort();
	call->fd = fd;
	call->began = clock_ticks_us();
	call->deadline = call->began + READ_US;
	arena_init(&call->arena);
	buf_init(&call->in, &call->arena, (size_t)RELAY_FRAME_MOST + PIECE);
	return call;
}

void
relay_call_free(struct relay_call *call)
{
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	close(call->fd);
	arena_release(&call->arena);
	free(call);
}

/* ---- the responder's end ---- */

bool
relay_call_read(struct relay_call *call)
{
	char *room = buf_room(&call->in, PIECE);
	ssize_t got = room == NULL ? 0 : recv(call->fd, room, PIECE, 0);
	struct err err;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0) {
		call->state = RELAY_OVER;
		return false;
	}
	call->in.len += (size_t)got;
	if (relay_frame_size(call->in.bytes, call->in.len, &call->whole, &err) != ERR_OK ||
		(call->whole != 0 && call->in.len > call->whole)) {
		log_line(LOG_WARNING, "the relay was given something else than a request", NULL);
		call->state = RELAY_OVER;
		return false;
	}
	return call->whole != 0 && call->in.len == call->whole;
}

static void
start_writing(struct relay_call *call, const struct relay_answer *answer)
{
	buf_init(&call->out, &call->arena, RELAY_FRAME_MOST);
	relay_write_answer(&call->out, answer);
	if (call->out.full) { /* a content type without an end */
		relay_call_refuse(call, "the head of the answer is too large");
		return;
	}
	call->state = RELAY_WRITING;
	call->deadline = clock_ticks_us() + WRITE_US;
}

static void
log_call(const struct relay_call *call, long status, const char *error)
{
	char code[16], micros[24];

	snprintf(code, sizeof(code), "%ld", status);
	snprintf(micros, sizeof(micros), "%lld", (long long)(clock_ticks_us() - call->began));
	log_line(error != NULL ? LOG_WARNING : LOG_INFO, "back-end", "service",
		call->request.service, "method", call->request.method, "status",
		status != 0 ? code : NULL, "us", micros, "error", error, NULL);
}

void
relay_call_refuse(struct relay_call *call, const char *error)
{
	const struct relay_answer answer = {.error = error};

	log_call(call, 0, error);
	start_writing(call, &answer);
}

void
relay_call_write(struct relay_call *call)
{
	ssize_t sent = send(
		call->fd, call->out.bytes + call->sent, call->out.len - call->sent, MSG_NOSIGNAL);

	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (sent > 0)
		call->sent += (size_t)sent;
	if (sent <= 0 || call->sent == call->out.len)
		call->state = RELAY_OVER;
}

/* ---- the back-end's end ---- */

/* Ends the transfer when there is more than an answer may have. */
static size_t
take_body(char *bytes, size_t size, size_t count, void *user)
{
	struct relay_call *call = user;

	buf_add(&call->body, bytes, size * count);
	return call->body.full ? 0 : size * count;
}

static void
add_header(struct relay_call *call, const char *line)
{
	struct curl_slist *longer = curl_slist_append(call->headers, line);

	if (longer == NULL)
		abort();
	call->headers = longer;
}

static void
add_headers(struct relay_call *call)
{
	for (size_t i = 0; i < call->request.header_count; i++) {
		const struct relay_header *header = &call->request.headers[i];

		/* "NAME;" is libcurl's way to say an empty one. */
		add_header(call, *header->value == '\0'
					 ? arena_printf(&call->arena, "%s;", header->name)
					 : arena_printf(&call->arena, "%s: %s", header->name,
						   header->value));
	}
	add_header(call, "Expect:"); /* the body follows at once */
	add_header(call, "Accept: */*");
}

static void
set_body(struct relay_call *call)
{
	const struct relay_request *request = &call->request;

	if (strcmp(request->method, "GET") == 0)
		return;
	curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, request->method);
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, request->body);
}

/* Straight there: no proxy, no redirect; the path as it is. */
static void
set_options(struct relay_call *call, const struct conf *conf)
{
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_URL, call->request.url);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, conf->relay_timeout * 1000);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->reason);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "pomona/" PACKAGE_VERSION);
	if (conf->relay_ca != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, conf->relay_ca);
}

bool
relay_call_prepare(struct relay_call *call, const struct conf *conf)
{
	struct err err;

	if (relay_read_request(&call->arena, call->in.bytes, call->in.len, &call->request, &err) !=
		ERR_OK) {
		relay_call_refuse(call, arena_strdup(&call->arena, err.message));
		return false;
	}
	call->easy = curl_easy_init();
	if (call->easy == NULL) {
		relay_call_refuse(call, "libcurl cannot start");
		return false;
	}
	buf_init(&call->body, &call->arena, RELAY_BODY_MOST);
	add_headers(call);
	set_options(call, conf);
	set_body(call);
	call->state = RELAY_CALLING;
	call->deadline = INT64_MAX; /* libcurl minds the time */
	return true;
}

void
relay_call_done(struct relay_call *call, CURLcode code)
{
	struct relay_answer answer = {.body = call->body.bytes, .body_len = call->body.len};
	char *type = NULL;
	long status = 0;

	if (call->body.full) {
		relay_call_refuse(
			call, arena_printf(&call->arena, "the answer has more than %d bytes",
				      RELAY_BODY_MOST));
		return;
	}
	if (code == CURLE_OK)
		curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 0) {
		relay_call_refuse(
			call, call->reason[0] != '\0' ? call->reason : curl_easy_strerror(code));
		return;
	}
	curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type);
	answer.status = (int)status;
	answer.content_type = type;
	log_call(call, status, NULL);
	start_writing(call, &answer);
}
