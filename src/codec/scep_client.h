/*
 * scep_client - the device's side of SCEP (RFC 8894): for pomona-sim, tests and load.
 *
 * One struct is one wish for an identity: a key, a certificate request, and who signs the message
 * (a certificate made for the purpose, or, for a renewal, the old identity).
 */
#ifndef POMONA_CODEC_SCEP_CLIENT_H
#define POMONA_CODEC_SCEP_CLIENT_H

#include "base/arena.h"
#include "base/err.h"
#include "codec/scep.h"
#include "codec/x509.h"

struct scep_client;

struct scep_client_terms {
	const char *ca_pem; /* what GetCACert gave: it is encrypted to the first that is RSA's and
			       may encipher, and the reply must be signed by one of them */
	const char *common_name;         /* in the request */
	const char *challenge;           /* NULL: none */
	enum x509_key_type key;          /* of the new identity */
	const char *key_pem;             /* a key that is there; NULL: one is made */
	const struct x509_identity *old; /* signs a renewal; NULL: it is none */
	const char *digest, *cipher;     /* OpenSSL's names; NULL: SHA256, AES-128-CBC */
};

enum err_kind scep_client_new(
	const struct scep_client_terms *terms, struct scep_client **client, struct err *err);

/* NULL does nothing. */
void scep_client_free(struct scep_client *client);

/*
 * The message to send as PKIOperation: the same transaction each time.  TYPE is SCEP_PKCS_REQ,
 * SCEP_RENEWAL_REQ or SCEP_CERT_POLL.
 */
enum err_kind scep_client_ask(struct arena *arena, const struct scep_client *client,
	enum scep_type type, struct scep_bytes *message, struct err *err);

/*
 * Reads the reply.  ERR_FORBIDDEN, with the failInfo in *FAIL, when the authority says no;
 * ERR_BAD_INPUT when it is no reply to this client's request, or not signed by the authority.
 */
enum err_kind scep_client_take(struct arena *arena, const struct scep_client *client,
	const void *bytes, size_t len, struct x509_identity *identity, enum scep_fail *fail,
	struct err *err);

#endif
