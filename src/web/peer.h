/*
 * peer - who is calling, proved by a certificate of the device CA.  The first of these that a
 * request brings decides, and nothing after it can make up for one that is not acceptable:
 *
 *   certificate  the web server has verified it in TLS: the FastCGI parameters SSL_CLIENT_VERIFY
 *                ("SUCCESS") and SSL_CLIENT_CERT (nginx: $ssl_client_escaped_cert; Apache: PEM).
 *                These two are believed, and no HTTP header that looks like them.
 *   header       a load balancer has ended TLS; when pomona.conf says so ([peer]), and only from
 *                the addresses named there.  See web/peer_header.h.
 *   signature    the header Mdm-Signature: a detached CMS signature of the body, in base64 (Apple:
 *                key SignMessage of the MDM payload).
 *
 * For the last two OpenSSL verifies the chain here, against the device CAs in the store.
 *
 * The certificate is known by the SHA-256 of its DER.  The first way, which most requests come by,
 * does not parse it.
 */
#ifndef POMONA_WEB_PEER_H
#define POMONA_WEB_PEER_H

#include "codec/x509.h"
#include "mdm/mdm.h"
#include "web/peer_cache.h"
#include "web/peer_header.h"
#include "web/peer_trust.h"
#include "web/request.h"

/* What is the same for all requests of a process. */
struct peer_rules {
	struct peer_header_rules header;
	struct peer_trust *trust;
	struct peer_cache *cache; /* NULL: there is none */
};

struct peer {
	char certificate[X509_HASH_SIZE]; /* "" when it is not known yet, or none was shown */
	const unsigned char
		*der; /* the certificate itself, in the request's arena; NULL: not known yet */
	size_t der_len;
	const char *signature; /* who it is, the body will prove: the header's base64; or NULL */
	uint64_t sha1_count;   /* signatures with SHA-1 that this process has taken, with this one;
				  0: it is none */
};

/*
 * Before the body is read.  ERR_FORBIDDEN, with the reason, when the request proves nothing, or
 * something that is not acceptable; ERR_BUSY when the store cannot be asked.  Outside a
 * transaction.
 */
enum err_kind peer_identify(const struct peer_rules *rules, struct mdm *mdm,
	const struct request *request, struct peer *peer, struct err *err);

/*
 * For a signature whose body is not there yet: the certificate it claims, which is a good one, but
 * may be anybody's.  Enough to decide whether a large body may come in.
 */
enum err_kind peer_claim(const struct peer_rules *rules, struct mdm *mdm, const struct peer *peer,
	char certificate[X509_HASH_SIZE], struct err *err);

/* When the body is there, and before it is decoded: verifies the signature, if there is one, and
 * sets the certificate.  Fails as peer_identify(). */
enum err_kind peer_verify_body(const struct peer_rules *rules, struct mdm *mdm,
	const struct request *request, struct peer *peer, struct err *err);

#endif
