/*
 * scep - the messages of the Simple Certificate Enrolment Protocol (RFC 8894), on OpenSSL's CMS.
 *
 * A request is a signed message around an encrypted one around a certificate request (CSR).  It is
 * read in two steps: scep_read() checks the outer signature and costs little; scep_open() decrypts,
 * with the key of the authority.  The reply is built like it, encrypted to the certificate that has
 * signed the request, with the digest and the cipher that the client has used itself.
 *
 * Both steps give ERR_FORBIDDEN for what is understood and refused; `fail` says what the client is
 * told (scep_write_failure()).  Anything else is no SCEP message: ERR_BAD_INPUT.
 *
 * Whether a message can be decrypted, and whether what comes out makes sense, is one answer:
 * anybody may send messages, and two answers would let him use the authority's key (Bleichenbacher,
 * 1998).
 *
 * Everything may be called by several threads at once, each with its own arena.
 */
#ifndef POMONA_CODEC_SCEP_H
#define POMONA_CODEC_SCEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "codec/x509.h"

/* What is asked for: messageType, RFC 8894, section 3.2.1.2. */
enum scep_type {
	SCEP_RENEWAL_REQ = 17,
	SCEP_PKCS_REQ = 19,
	SCEP_CERT_POLL = 20, /* GetCertInitial */
	SCEP_GET_CERT = 21,
	SCEP_GET_CRL = 22,
};

/* failInfo, section 3.2.1.4. */
enum scep_fail {
	SCEP_BAD_ALG = 0,
	SCEP_BAD_MESSAGE_CHECK = 1,
	SCEP_BAD_REQUEST = 2,
	SCEP_BAD_TIME = 3,
	SCEP_BAD_CERT_ID = 4,
};

/* Bytes in the request's arena. */
struct scep_bytes {
	const unsigned char *bytes;
	size_t len;
};

struct scep_key;

struct scep_request {
	/* by scep_read() */
	enum scep_type type;
	const char *transaction_id;
	struct scep_bytes nonce;            /* senderNonce; may be empty */
	int64_t signing_time;               /* ms; 0: not told */
	struct scep_bytes signer;           /* DER of the certificate that signed it */
	char signer_sha256[X509_HASH_SIZE]; /* of that DER */
	char signer_key[X509_HASH_SIZE];    /* SHA-256 of its SubjectPublicKeyInfo */
	struct scep_bytes envelope;
	int digest; /* OpenSSL's number of the digest */

	/* by scep_open() */
	const struct scep_key *key; /* the one that has opened it, and should sign the reply */
	int cipher;                 /* OpenSSL's number of the cipher */
	struct scep_bytes csr; /* of SCEP_PKCS_REQ and SCEP_RENEWAL_REQ, its signature checked */
	char csr_sha256[X509_HASH_SIZE]; /* of its bytes */
	const char *challenge;           /* challengePassword, UTF-8; NULL: none */

	enum scep_fail fail; /* when one of them gave ERR_FORBIDDEN */
};

/* ---- the authority's side ---- */

/*
 * struct scep_key is the certificate that clients encrypt to and that signs replies, with its RSA
 * key, parsed once.  The first certificate of IDENTITY is the key's.  ERR_BAD_INPUT when it is none
 * for SCEP.
 */
enum err_kind scep_key_new(
	const struct x509_identity *identity, struct scep_key **key, struct err *err);

/* NULL does nothing. */
void scep_key_free(struct scep_key *key);

/* ---- requests ---- */

/*
 * LEGACY: SHA-1 and single DES are taken (for the latter OpenSSL's legacy provider is loaded into a
 * library context of its own).
 */
enum err_kind scep_read(struct arena *arena, const void *bytes, size_t len, bool legacy,
	struct scep_request *request, struct err *err);

/*
 * Decrypts with the one of the KEYS (a list that ends with NULL) that it is encrypted to.  The key
 * in a CSR must be RSA of 2048 to 8192 bits or EC on P-256 or P-384.
 */
enum err_kind scep_open(struct arena *arena, const struct scep_key *const *keys, bool legacy,
	struct scep_request *request, struct err *err);

/* ---- replies ---- */

/* CertRep with the certificate (DER) that was issued. */
enum err_kind scep_write_success(struct arena *arena, const struct scep_key *key,
	const struct scep_request *request, const void *cert, size_t cert_len,
	struct scep_bytes *reply, struct err *err);

/* CertRep that says no, for the reason request->fail; only what scep_read() gave is needed. */
enum err_kind scep_write_failure(struct arena *arena, const struct scep_key *key,
	const struct scep_request *request, struct scep_bytes *reply, struct err *err);

/* The certificates of PEM text: the DER of the only one, or all as a PKCS#7 message; *MANY says. */
enum err_kind scep_write_certs(struct arena *arena, const char *pem, struct scep_bytes *reply,
	bool *many, struct err *err);

/* Those of the next CA, signed by this one: the reply to GetNextCACert. */
enum err_kind scep_write_next(struct arena *arena, const struct scep_key *key, const char *pem,
	struct scep_bytes *reply, struct err *err);

#endif
