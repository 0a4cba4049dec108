/*
 * Between a device and the server: a message goes out, an answer comes in, or the connection is
 * lost.
 */
#include "sim/http_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum { READ_SIZE = 16 * 1024 };

void
http_client_init(struct http_client *client, struct loop *loop, const struct http_target *target,
	void (*done)(struct http_client *client, bool answered))
{
	*client = (struct http_client){
		.loop = loop, .target = target, .done = done, .connect_us = -1};
}

void
http_client_close(struct http_client *client)
{
	int fd = client->watch.fd;

	loop_timer_clear(client->loop, &client->timer);
	if (client->state == HTTP_CLOSED)
		return;
	if (client->state == HTTP_IDLE && client->ssl != NULL)
		SSL_shutdown(client->ssl);
	ERR_clear_error();
	loop_unwatch(client->loop, &client->watch);
	SSL_free(client->ssl);
	client->ssl = NULL;
	client->state = HTTP_CLOSED;
	close(fd);
}

void
http_client_release(struct http_client *client)
{
	http_client_close(client);
	http_response_release(&client->response);
}

bool
http_client_is_open(const struct http_client *client)
{
	return client->state != HTTP_CLOSED;
}

/* ---- the end of a message ---- */

static void
finish(struct http_client *client, bool answered)
{
	client->bytes = NULL;
	if (!answered)
		http_client_close(client);
	loop_timer_clear(client->loop, &client->timer);
	client->done(client, answered); /* the client may be gone after this */
}

/* The connection is of no use any more. */
static void
lose(struct http_client *client, const char *doing, const char *reason)
{
	err_set(&client->err, ERR_IO, "%s: %s", doing, reason);
	if (client->bytes != NULL)
		finish(client, false);
	else
		http_client_close(client);
}

/* After a step that did not come off. */
static void
lose_step(struct http_client *client, const char *doing, enum tls_outcome outcome)
{
	char text[200];

	if (outcome == TLS_CLOSED)
		lose(client, doing, "closed by the server");
	else if (client->ssl == NULL)
		lose(client, doing, strerror(errno));
	else
		lose(client, doing, tls_reason(client->ssl, text, sizeof(text)));
}

static void
on_timeout(struct loop_timer *timer)
{
	struct http_client *client =
		(struct http_client *)((char *)timer - offsetof(struct http_client, timer));

	lose(client, "waiting", "the server takes too long");
}

/* ---- bytes, over TLS or TCP alone ---- */

static enum tls_outcome
read_some(struct http_client *client, void *bytes, size_t size, size_t *got)
{
	ssize_t read;

	if (client->ssl != NULL)
		return tls_read(client->ssl, bytes, size, got);
	read = recv(client->watch.fd, bytes, size, 0);
	*got = read > 0 ? (size_t)read : 0;
	if (read >= 0)
		return read > 0 ? TLS_DONE : TLS_CLOSED;
	return errno == EAGAIN || errno == EWOULDBLOCK ? TLS_WANTS_READ : TLS_FAILED;
}

static enum tls_outcome
write_some(struct http_client *client, const void *bytes, size_t len, size_t *put)
{
	ssize_t written;

	if (client->ssl != NULL)
		return tls_write(client->ssl, bytes, len, put);
	written = send(client->watch.fd, bytes, len, MSG_NOSIGNAL);
	*put = written > 0 ? (size_t)written : 0;
	if (written >= 0)
		return TLS_DONE;
	return errno == EAGAIN || errno == EWOULDBLOCK ? TLS_WANTS_WRITE : TLS_FAILED;
}

/* ---- the steps of a message ---- */

static void
receive(struct http_client *client)
{
	char piece[READ_SIZE];
	size_t got, used;
	enum tls_outcome outcome;

	while ((outcome = read_some(client, piece, sizeof(piece), &got)) == TLS_DONE) {
		if (http_response_feed(&client->response, piece, got, &used, &client->err) !=
			ERR_OK) {
			finish(client, false);
			return;
		}
		if (client->response.phase != HTTP_WHOLE)
			continue;
		client->state = HTTP_IDLE;
		loop_watch_for(client->loop, &client->watch, EPOLLIN);
		/* bytes behind the answer are nobody's: the connection is not to be trusted */
		if (!client->response.keep_alive || used < got)
			http_client_close(client);
		finish(client, true);
		return;
	}
	if (outcome == TLS_WANTS_READ)
		loop_watch_for(client->loop, &client->watch, EPOLLIN);
	else if (outcome == TLS_WANTS_WRITE)
		loop_watch_for(client->loop, &client->watch, EPOLLOUT);
	else
		lose_step(client, "receiving", outcome);
}

static void
send_on(struct http_client *client)
{
	enum tls_outcome outcome = TLS_DONE;
	size_t put;

	while (client->sent < client->len) {
		outcome = write_some(
			client, client->bytes + client->sent, client->len - client->sent, &put);
		if (outcome != TLS_DONE)
			break;
		client->sent += put;
	}
	if (outcome == TLS_DONE) {
		client->state = HTTP_RECEIVING;
		loop_watch_for(client->loop, &client->watch, EPOLLIN);
	} else if (outcome == TLS_WANTS_READ) {
		loop_watch_for(client->loop, &client->watch, EPOLLIN);
	} else if (outcome == TLS_WANTS_WRITE) {
		loop_watch_for(client->loop, &client->watch, EPOLLOUT);
	} else {
		lose_step(client, "sending", outcome);
	}
}

static void
shake(struct http_client *client)
{
	enum tls_outcome outcome = client->ssl != NULL ? tls_handshake(client->ssl) : TLS_DONE;

	if (outcome == TLS_WANTS_READ) {
		loop_watch_for(client->loop, &client->watch, EPOLLIN);
	} else if (outcome == TLS_WANTS_WRITE) {
		loop_watch_for(client->loop, &client->watch, EPOLLOUT);
	} else if (outcome != TLS_DONE) {
		lose_step(client, "TLS", outcome);
	} else {
		client->connect_us = clock_ticks_us() - client->started_us;
		client->state = HTTP_IDLE;
		loop_watch_for(client->loop, &client->watch, EPOLLIN);
		if (client->bytes != NULL) {
			client->state = HTTP_SENDING;
			send_on(client);
		}
	}
}

static void
end_connect(struct http_client *client)
{
	int failed = 0;
	socklen_t len = sizeof(failed);

	if (getsockopt(client->watch.fd, SOL_SOCKET, SO_ERROR, &failed, &len) != 0)
		failed = errno;
	if (failed != 0) {
		lose(client, "connecting", strerror(failed));
		return;
	}
	client->state = HTTP_SHAKING;
	shake(client);
}

/* Nothing is due from the server: it closes, or it breaks the rules; or OpenSSL has something of
 * its own to read. */
static void
idle(struct http_client *client)
{
	char piece[1];
	size_t got;
	enum tls_outcome outcome = read_some(client, piece, sizeof(piece), &got);

	if (outcome != TLS_WANTS_READ)
		http_client_close(client);
}

static void
on_ready(struct loop_watch *watch, uint32_t events)
{
	struct http_client *client = (struct http_client *)watch;

	(void)events;
	switch (client->state) {
	case HTTP_CONNECTING:
		end_connect(client);
		break;
	case HTTP_SHAKING:
		shake(client);
		break;
	case HTTP_SENDING:
		send_on(client);
		break;
	case HTTP_RECEIVING:
		receive(client);
		break;
	case HTTP_IDLE:
		idle(client);
		break;
	case HTTP_CLOSED:
		break;
	}
}

/* ---- opening ---- */

static enum err_kind
start_tls(struct http_client *client, int fd, const struct tls_identity *identity, struct err *err)
{
	const struct address *address = &client->target->address;
	SSL *ssl = client->target->tls != NULL ? SSL_new(client->target->tls) : NULL;

	client->ssl = ssl;
	if (client->target->tls == NULL)
		return ERR_OK;
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
		(identity != NULL && (SSL_use_certificate(ssl, identity->certificate) != 1 ||
					     SSL_use_PrivateKey(ssl, identity->key) != 1)))
		return err_set(err, ERR_INTERNAL, "TLS: no connection can be made");
	if (address->is_ip)
		X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address->host);
	else if (SSL_set1_host(ssl, address->host) != 1 ||
		 SSL_set_tlsext_host_name(ssl, address->host) != 1)
		return err_set(err, ERR_INTERNAL, "TLS: %s: no such name", address->host);
	SSL_set_app_data(ssl, client);
	if (client->ticket != NULL && *client->ticket != NULL)
		tls_ticket_use(*client->ticket, ssl);
	SSL_set_connect_state(ssl);
	return ERR_OK;
}

static enum err_kind
start_connect(struct http_client *client, int fd, struct err *err)
{
	const struct address *address = &client->target->address;
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)&address->socket, address->len) != 0 &&
		errno != EINPROGRESS)
		return err_set(err, ERR_IO, "connect: %s", strerror(errno));
	client->state = HTTP_CONNECTING;
	return loop_watch(client->loop, &client->watch, fd, EPOLLOUT, on_ready, err);
}

enum err_kind
http_client_open(struct http_client *client, const struct tls_identity *identity, struct err *err)
{
	int family = client->target->address.socket.ss_family;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	enum err_kind kind;

	if (fd < 0)
		return err_set(err, ERR_IO, "socket: %s", strerror(errno));
	client->started_us = clock_ticks_us();
	kind = start_tls(client, fd, identity, err);
	if (kind == ERR_OK)
		kind = start_connect(client, fd, err);
	if (kind != ERR_OK) {
		ERR_clear_error();
		SSL_free(client->ssl);
		client->ssl = NULL;
		client->state = HTTP_CLOSED;
		close(fd);
	}
	return kind;
}

void
http_client_send(struct http_client *client, const char *bytes, size_t len)
{
	client->bytes = bytes;
	client->len = len;
	client->sent = 0;
	http_response_clear(&client->response);
	loop_timer_set(client->loop, &client->timer, client->target->timeout_ms, on_timeout);
	if (client->state == HTTP_IDLE) {
		client->state = HTTP_SENDING;
		loop_watch_for(client->loop, &client->watch, EPOLLOUT);
	}
}

/* ---- requests, sessions ---- */

static void
put_content(char *text, size_t size, const struct http_message *message)
{
	if (message->content_type != NULL)
		snprintf(text, size, "Content-Type: %s\r\nContent-Length: %zu\r\n",
			message->content_type, message->body_len);
	else
		text[0] = '\0';
}

char *
http_request(const struct http_target *target, const struct http_message *message, size_t *len)
{
	static const char form[] = "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: MDM/1.0\r\n%s%s\r\n";
	const char *headers = message->headers != NULL ? message->headers : "";
	const char *host = target->address.authority;
	char content[200], *bytes;
	int head;

	put_content(content, sizeof(content), message);
	head = snprintf(NULL, 0, form, message->method, message->path, host, content, headers);
	bytes = malloc((size_t)head + message->body_len + 1);
	if (bytes == NULL) {
		fputs("level=error msg=\"out of memory\"\n", stderr);
		abort();
	}
	snprintf(bytes, (size_t)head + 1, form, message->method, message->path, host, content,
		headers);
	if (message->body_len > 0)
		memcpy(bytes + head, message->body, message->body_len);
	*len = (size_t)head + message->body_len;
	return bytes;
}

static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	struct http_client *client = SSL_get_app_data(ssl);

	if (client->ticket != NULL)
		tls_ticket_save(client->ticket, session);
	return 0; /* the session is not kept */
}

void
http_client_keep_sessions(SSL_CTX *tls)
{
	SSL_CTX_set_session_cache_mode(
		tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(tls, on_session);
}
