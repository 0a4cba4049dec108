/*
 * From the socket to a whole push, and from the answer to it back to the socket.
 */
#include "sim/apns_connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
	READ_SIZE = 16 * 1024,
	OUT_SIZE = 32 * 1024,
	TOPIC_MOST = 256,
	BODY_MOST = 256,
	RESETS_AT_ONCE = 1000000,
	RESETS_A_SECOND = 1000000
};

struct apns_stream {
	struct loop_timer timer; /* first: found from it; until the answer is due */
	struct apns_connection *connection;
	struct apns_stream *next, *previous;
	int32_t id;
	bool whole; /* the request is all there */
	bool told;  /* what became of it is written down */
	struct apns_request request;
	struct apns_answer answer;
	char body[BODY_MOST];
	size_t body_len, body_sent;
};

struct apns_connection {
	struct loop_watch watch; /* first: found from it */
	struct apns_server *server;
	struct apns_connection **list, *next, *previous;
	unsigned long number;
	int fd;
	SSL *ssl;
	nghttp2_session *session; /* NULL: TLS is being set up */
	char topic[TOPIC_MOST];   /* "": the certificate has none */
	struct apns_stream *streams;
	int32_t last_stream; /* of the GOAWAY that was sent; -1: none was */
	bool dropped;        /* is to be closed, without an answer to anything */
	bool leaving;        /* the client has sent a GOAWAY */
	unsigned char out[OUT_SIZE];
	size_t out_len, out_sent;
};

static void flush(struct apns_connection *connection);

/* ---- streams ---- */

static struct apns_stream *
stream_new(struct apns_connection *connection, int32_t id)
{
	struct apns_stream *stream = calloc(1, sizeof(*stream));

	if (stream == NULL)
		return NULL;
	stream->connection = connection;
	stream->id = id;
	stream->request.came = clock_now();
	stream->next = connection->streams;
	if (stream->next != NULL)
		stream->next->previous = stream;
	connection->streams = stream;
	return stream;
}

/* A push whose answer was still to come is written down as abandoned. */
static void
stream_free(struct apns_stream *stream)
{
	struct apns_connection *connection = stream->connection;

	if (stream->whole && !stream->told)
		apns_server_told(connection->server, connection->number, &stream->request,
			&stream->answer, true);
	loop_timer_clear(apns_server_loop(connection->server), &stream->timer);
	if (stream->next != NULL)
		stream->next->previous = stream->previous;
	if (stream->previous != NULL)
		stream->previous->next = stream->next;
	else
		connection->streams = stream->next;
	free(stream);
}

/* ---- answers ---- */

static ssize_t
read_body(nghttp2_session *session, int32_t id, uint8_t *bytes, size_t size, uint32_t *flags,
	nghttp2_data_source *source, void *user)
{
	struct apns_stream *stream = source->ptr;
	size_t len = stream->body_len - stream->body_sent;

	(void)session;
	(void)id;
	(void)user;
	if (len > size)
		len = size;
	memcpy(bytes, stream->body + stream->body_sent, len);
	stream->body_sent += len;
	if (stream->body_sent == stream->body_len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)len;
}

/* {"reason":"Unregistered","timestamp":1700000000000} */
static void
make_body(struct apns_stream *stream)
{
	const struct apns_answer *answer = &stream->answer;
	json_t *body;

	if (answer->reason[0] == '\0')
		return;
	body = json_object();
	json_object_set_new(body, "reason", jsonl_string(answer->reason));
	if (answer->timestamp >= 0)
		json_object_set_new(body, "timestamp", json_integer(answer->timestamp));
	stream->body_len = json_dumpb(body, stream->body, sizeof(stream->body), JSON_COMPACT);
	if (stream->body_len > sizeof(stream->body))
		stream->body_len = 0;
	json_decref(body);
}

static nghttp2_nv
header(const char *name, const char *value)
{
	/* nghttp2 copies both; it takes pointers it does not write to as not const */
	return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
		.value = (uint8_t *)(uintptr_t)value,
		.namelen = strlen(name),
		.valuelen = strlen(value)};
}

static void
answer_status(struct apns_stream *stream)
{
	const struct apns_answer *answer = &stream->answer;
	nghttp2_data_provider body = {.source.ptr = stream, .read_callback = read_body};
	char status[16], retry_after[24];
	nghttp2_nv headers[3];
	size_t count = 0;

	snprintf(status, sizeof(status), "%d", answer->status);
	headers[count++] = header(":status", status);
	headers[count++] = header("apns-id", answer->id);
	if (answer->retry_after >= 0) {
		snprintf(retry_after, sizeof(retry_after), "%lld", (long long)answer->retry_after);
		headers[count++] = header("retry-after", retry_after);
	}
	make_body(stream);
	nghttp2_submit_response(stream->connection->session, stream->id, headers, count,
		stream->body_len > 0 ? &body : NULL);
}

/* All streams before this one are still answered; this one and those behind it are not. */
static void
answer_goaway(struct apns_stream *stream)
{
	struct apns_connection *connection = stream->connection;
	int32_t last = stream->id > 2 ? stream->id - 2 : 0;

	if (connection->last_stream >= 0)
		return;
	make_body(stream);
	connection->last_stream = last;
	nghttp2_submit_goaway(connection->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR,
		(const uint8_t *)stream->body, stream->body_len);
}

/* The answer is due. */
static void
answer_now(struct apns_stream *stream)
{
	struct apns_connection *connection = stream->connection;

	stream->told = true;
	switch (stream->answer.action) {
	case RULE_STATUS:
		answer_status(stream);
		break;
	case RULE_GOAWAY:
		answer_goaway(stream);
		break;
	case RULE_DROP:
		connection->dropped = true;
		break;
	default: /* RULE_HANG: nothing, ever */
		break;
	}
	apns_server_told(
		connection->server, connection->number, &stream->request, &stream->answer, false);
}

static void
on_delay_over(struct loop_timer *timer)
{
	struct apns_stream *stream = (struct apns_stream *)timer;
	struct apns_connection *connection = stream->connection;

	answer_now(stream);
	flush(connection);
}

static void
request_whole(struct apns_stream *stream)
{
	struct apns_connection *connection = stream->connection;

	if (stream->whole)
		return;
	stream->whole = true;
	apns_server_decide(connection->server, &stream->request,
		connection->topic[0] != '\0' ? connection->topic : NULL, &stream->answer);
	if (connection->last_stream >= 0) /* it came behind a GOAWAY that is on its way */
		stream->answer.action = RULE_GOAWAY;
	if (stream->answer.delay_ms > 0)
		loop_timer_set(apns_server_loop(connection->server), &stream->timer,
			stream->answer.delay_ms, on_delay_over);
	else
		answer_now(stream);
}

/* ---- what nghttp2 tells ---- */

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct apns_stream *stream;

	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	stream = stream_new(user, frame->hd.stream_id);
	if (stream == NULL)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
	return 0;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
	size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
	struct apns_stream *stream =
		nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

	(void)flags;
	(void)user;
	if (stream != NULL && !stream->whole)
		apns_request_header(&stream->request, (const char *)name, name_len,
			(const char *)value, value_len);
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
	void *user)
{
	struct apns_stream *stream = nghttp2_session_get_stream_user_data(session, id);

	(void)flags;
	(void)user;
	if (stream != NULL && !stream->whole)
		apns_request_data(&stream->request, bytes, len);
	return 0;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct apns_connection *connection = user;
	struct apns_stream *stream;

	if (frame->hd.type == NGHTTP2_GOAWAY)
		connection->leaving = true;
	if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
		(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
		return 0;
	stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (stream != NULL)
		request_whole(stream);
	return connection->dropped ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
	struct apns_stream *stream = nghttp2_session_get_stream_user_data(session, id);

	(void)code;
	(void)user;
	if (stream != NULL)
		stream_free(stream);
	return 0;
}

/* ---- TLS and the socket ---- */

/* UID (0.9.2342.19200300.100.1.1) of the client certificate's subject. */
static void
read_topic(struct apns_connection *connection)
{
	X509 *certificate = SSL_get0_peer_certificate(connection->ssl);
	X509_NAME *subject = certificate != NULL ? X509_get_subject_name(certificate) : NULL;

	if (subject == NULL || X509_NAME_get_text_by_NID(subject, NID_userId, connection->topic,
				       sizeof(connection->topic)) < 0)
		connection->topic[0] = '\0';
}

/*
 * libcurl resets each stream that it is done with; nghttp2's guard against floods of resets would
 * close the connection after a thousand pushes.  Versions without the guard have no such call.
 */
static void
allow_resets(nghttp2_option *option)
{
#if HAVE_DECL_NGHTTP2_OPTION_SET_STREAM_RESET_RATE_LIMIT
	nghttp2_option_set_stream_reset_rate_limit(option, RESETS_AT_ONCE, RESETS_A_SECOND);
#else
	(void)option;
#endif
}

static enum err_kind
start_http2(struct apns_connection *connection)
{
	const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
		(uint32_t)apns_server_max_streams(connection->server)}};
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	int failed;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return ERR_INTERNAL;
	if (nghttp2_option_new(&option) != 0) {
		nghttp2_session_callbacks_del(callbacks);
		return ERR_INTERNAL;
	}
	allow_resets(option);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	failed = nghttp2_session_server_new2(&connection->session, callbacks, connection, option);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_option_del(option);
	if (failed != 0)
		return ERR_INTERNAL;
	nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, settings, 1);
	return ERR_OK;
}

/* Gathers what nghttp2 has to send, up to the size of the buffer or a little less. */
static bool
gather(struct apns_connection *connection)
{
	connection->out_len = connection->out_sent = 0;
	/* a frame is at most 16 KiB and its 9 bytes of head: two always fit */
	while (connection->out_len < OUT_SIZE / 4) {
		const uint8_t *bytes;
		ssize_t len = nghttp2_session_mem_send(connection->session, &bytes);

		if (len < 0)
			return false;
		if (len == 0)
			break;
		if ((size_t)len > OUT_SIZE - connection->out_len)
			return false;
		memcpy(connection->out + connection->out_len, bytes, (size_t)len);
		connection->out_len += (size_t)len;
	}
	return true;
}

static void
wait_for(struct apns_connection *connection, enum tls_outcome outcome)
{
	loop_watch_for(apns_server_loop(connection->server), &connection->watch,
		outcome == TLS_WANTS_WRITE ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* Something went wrong that a client does not do of itself. */
static void
fail(struct apns_connection *connection, const char *doing, const char *reason)
{
	log_line(LOG_WARNING, "push connection broken", "doing", doing, "error", reason, NULL);
	apns_connection_free(connection);
}

/* Sends all there is.  CONNECTION may be gone after this. */
static void
flush(struct apns_connection *connection)
{
	enum tls_outcome outcome = TLS_DONE;
	size_t put;

	while (!connection->dropped && outcome == TLS_DONE) {
		if (connection->out_sent == connection->out_len) {
			connection->dropped = !gather(connection);
			if (connection->out_len == 0)
				break;
		}
		outcome = tls_write(connection->ssl, connection->out + connection->out_sent,
			connection->out_len - connection->out_sent, &put);
		connection->out_sent += put;
	}
	if (connection->dropped || outcome == TLS_FAILED || outcome == TLS_CLOSED) {
		apns_connection_free(connection);
		return;
	}
	if (outcome == TLS_DONE && nghttp2_session_want_read(connection->session) == 0 &&
		nghttp2_session_want_write(connection->session) == 0) {
		SSL_shutdown(connection->ssl);
		if (connection->last_stream >= 0 || connection->leaving)
			apns_connection_free(connection); /* all that was due is answered */
		else
			fail(connection, "HTTP/2", "the client breaks its rules");
		return;
	}
	wait_for(connection, outcome);
}

static void
receive(struct apns_connection *connection)
{
	uint8_t piece[READ_SIZE];
	enum tls_outcome outcome;
	size_t got;

	while ((outcome = tls_read(connection->ssl, piece, sizeof(piece), &got)) == TLS_DONE) {
		ssize_t used = nghttp2_session_mem_recv(connection->session, piece, got);

		if (connection->dropped) {
			apns_connection_free(connection);
			return;
		}
		if (used < 0 || (size_t)used != got) {
			fail(connection, "receiving", nghttp2_strerror((int)used));
			return;
		}
	}
	if (outcome == TLS_CLOSED || outcome == TLS_FAILED)
		apns_connection_free(connection);
	else
		flush(connection);
}

static void
shake(struct apns_connection *connection)
{
	enum tls_outcome outcome = tls_handshake(connection->ssl);
	char reason[200];

	if (outcome == TLS_WANTS_READ || outcome == TLS_WANTS_WRITE) {
		loop_watch_for(apns_server_loop(connection->server), &connection->watch,
			outcome == TLS_WANTS_WRITE ? EPOLLOUT : EPOLLIN);
		return;
	}
	if (outcome != TLS_DONE) {
		log_line(LOG_WARNING, "push client refused", "error",
			outcome == TLS_CLOSED ? "closed"
					      : tls_reason(connection->ssl, reason, sizeof(reason)),
			NULL);
		apns_connection_free(connection);
		return;
	}
	read_topic(connection);
	if (start_http2(connection) != ERR_OK)
		apns_connection_free(connection);
	else
		receive(connection);
}

static void
on_ready(struct loop_watch *watch, uint32_t events)
{
	struct apns_connection *connection = (struct apns_connection *)watch;

	(void)events;
	if (connection->session == NULL)
		shake(connection);
	else
		receive(connection); /* and sends what is left */
}

enum err_kind
apns_connection_new(struct apns_server *server, struct apns_connection **list, unsigned long number,
	SSL_CTX *tls, int fd, struct err *err)
{
	struct apns_connection *connection = calloc(1, sizeof(*connection));
	enum err_kind kind;
	int on = 1;

	if (connection == NULL) {
		close(fd);
		return err_set(err, ERR_INTERNAL, "out of memory");
	}
	connection->server = server;
	connection->number = number;
	connection->fd = fd;
	connection->last_stream = -1;
	connection->list = list;
	connection->next = *list;
	if (connection->next != NULL)
		connection->next->previous = connection;
	*list = connection;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	connection->ssl = SSL_new(tls);
	if (connection->ssl == NULL || SSL_set_fd(connection->ssl, fd) != 1)
		kind = err_set(err, ERR_INTERNAL, "TLS: no connection can be made");
	else
		kind = loop_watch(
			apns_server_loop(server), &connection->watch, fd, EPOLLIN, on_ready, err);
	if (kind != ERR_OK) {
		apns_connection_free(connection);
		return kind;
	}
	SSL_set_accept_state(connection->ssl);
	return ERR_OK;
}

void
apns_connection_free(struct apns_connection *connection)
{
	while (connection->streams != NULL)
		stream_free(connection->streams);
	nghttp2_session_del(connection->session);
	loop_unwatch(apns_server_loop(connection->server), &connection->watch);
	SSL_free(connection->ssl);
	ERR_clear_error();
	close(connection->fd);
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
	if (connection->previous != NULL)
		connection->previous->next = connection->next;
	else
		*connection->list = connection->next;
	free(connection);
}
