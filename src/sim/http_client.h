/*
 * http_client - one device's connection to the server: HTTP/1.1 over TLS (or, for SCEP, over TCP
 * alone), kept alive from message to message.
 *
 * The connection is made when a message needs it and there is none.  One message is under way at a
 * time; what came of it is told by `done`, always from the loop, never from within a call.
 */
#ifndef POMONA_SIM_HTTP_CLIENT_H
#define POMONA_SIM_HTTP_CLIENT_H

#include "sim/address.h"
#include "sim/http_response.h"
#include "sim/loop.h"
#include "sim/tls.h"

enum http_state {
	HTTP_CLOSED,     /* no connection */
	HTTP_CONNECTING, /* TCP */
	HTTP_SHAKING,    /* TLS */
	HTTP_SENDING,
	HTTP_RECEIVING,
	HTTP_IDLE, /* connected, nothing under way */
};

/* What all clients of a fleet share. */
struct http_target {
	struct address address;
	SSL_CTX *tls;       /* NULL: plain HTTP */
	int64_t timeout_ms; /* from sending to the whole answer */
};

struct http_client {
	struct loop_watch watch; /* first: found from it */
	struct loop_timer timer; /* the message takes too long, or has failed at once */
	struct loop *loop;
	const struct http_target *target;
	enum http_state state;
	SSL *ssl;
	const char *bytes; /* the message: the caller's, until it is done */
	size_t len, sent;
	struct http_response response;
	struct tls_ticket **ticket; /* where the TLS session is kept; NULL: it is not */
	struct err err;             /* why the connection was lost */
	int64_t connect_us; /* how long connecting took, told once by the first message; or -1 */
	int64_t started_us; /* when connecting began */

	/* ANSWERED: the answer is in `response`.  Else the connection was lost before that, and is
	 * closed. */
	void (*done)(struct http_client *client, bool answered);
};

void http_client_init(struct http_client *client, struct loop *loop,
	const struct http_target *target, void (*done)(struct http_client *client, bool answered));

/* Closes; `done` is not called. */
void http_client_release(struct http_client *client);

/* Makes a TLS connection as IDENTITY; NULL: as nobody.  Whether it comes about, the message will
 * show. */
enum err_kind http_client_open(
	struct http_client *client, const struct tls_identity *identity, struct err *err);

bool http_client_is_open(const struct http_client *client);
void http_client_close(struct http_client *client);

/* Sends a whole request (http_request()) on the open connection. */
void http_client_send(struct http_client *client, const char *bytes, size_t len);

struct http_message {
	const char *method, *path;
	const char *content_type; /* NULL: no body */
	const char *headers;      /* more of them, each with its CR LF; NULL: none */
	const char *body;
	size_t body_len;
};

/* The whole request; malloc. */
char *http_request(
	const struct http_target *target, const struct http_message *message, size_t *len);

/* For tls_client_new()'s context: sessions go to the clients' tickets. */
void http_client_keep_sessions(SSL_CTX *tls);

#endif
