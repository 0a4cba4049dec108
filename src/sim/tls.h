/*
 * tls - OpenSSL for sockets that do not block, and the identities of the devices.
 */
#ifndef POMONA_SIM_TLS_H
#define POMONA_SIM_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum tls_outcome {
	TLS_DONE,
	TLS_WANTS_READ,
	TLS_WANTS_WRITE,
	TLS_CLOSED, /* the other side has closed */
	TLS_FAILED,
};

/* A certificate with its key. */
struct tls_identity {
	X509 *certificate;
	EVP_PKEY *key;
};

/* What a device keeps of a TLS session, to resume it: DER. */
struct tls_ticket {
	size_t len;
	unsigned char bytes[];
};

/* For devices: the server is verified by the CAs in the PEM file alone. */
enum err_kind tls_client_new(SSL_CTX **context, const char *ca_file, struct err *err);

struct tls_server_options {
	const char *certificate, *key; /* PEM files */
	const char *client_ca;         /* PEM file; a client has to have a certificate of these */
};

/* For the stand-in: HTTP/2 or nothing (ALPN h2). */
enum err_kind tls_server_new(
	SSL_CTX **context, const struct tls_server_options *options, struct err *err);

/* DIR/NAME.pem and DIR/NAME.key, which has to belong to it. */
enum err_kind tls_identity_load(
	struct tls_identity *identity, const char *dir, const char *name, struct err *err);
/* One more to release it. */
void tls_identity_hold(struct tls_identity *identity);
void tls_identity_release(struct tls_identity *identity);

/* One step each; call again when the socket is ready. */
enum tls_outcome tls_handshake(SSL *ssl);
enum tls_outcome tls_read(SSL *ssl, void *bytes, size_t size, size_t *got);
enum tls_outcome tls_write(SSL *ssl, const void *bytes, size_t len, size_t *put);

/* Why the last call failed. */
const char *tls_reason(SSL *ssl, char *text, size_t size);

/* Replaces *TICKET (malloc) by the session's DER. */
void tls_ticket_save(struct tls_ticket **ticket, SSL_SESSION *session);
void tls_ticket_use(const struct tls_ticket *ticket, SSL *ssl);

#endif
