/*
 * peer - who is calling: the client certificate that the web server has verified.
 *
 * Two FastCGI parameters are believed, and never an HTTP header: SSL_CLIENT_VERIFY ("SUCCESS" when
 * the chain ends in the device CA) and SSL_CLIENT_CERT (nginx: $ssl_client_escaped_cert; Apache:
 * PEM).
 *
 * The certificate is known by the SHA-256 of its DER; it is not parsed here.
 */
#ifndef POMONA_WEB_PEER_H
#define POMONA_WEB_PEER_H

#include "codec/x509.h"
#include "web/request.h"

struct peer {
	char certificate[X509_HASH_SIZE]; /* "" when none was shown */
	const unsigned char *der;         /* the certificate itself, in the request's arena */
	size_t der_len;
};

/* ERR_FORBIDDEN, with the reason, when there is no certificate, or not one that was verified. */
enum err_kind peer_identify(const struct request *request, struct peer *peer, struct err *err);

#endif
