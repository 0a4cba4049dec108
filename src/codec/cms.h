/*
 * cms - signed messages (RFC 5652): taking the content out of a signed profile, and verifying a
 * signature that comes beside its content.
 */
#ifndef POMONA_CODEC_CMS_H
#define POMONA_CODEC_CMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "codec/x509.h"
#include "codec/x509_chain.h"

/*
 * The content of a SignedData message (DER or BER), in ARENA, with a NUL behind it, without asking
 * who signed it: a .mobileprovision or signed .mobileconfig is read, not trusted.  What follows the
 * message is not looked at.
 *
 * ERR_BAD_INPUT when it is no such message (another kind of CMS, or cut short) or holds no content
 * (a detached signature).  An empty content is one: *CONTENT_LEN is 0.
 */
enum err_kind cms_content(struct arena *arena, const void *bytes, size_t len,
	unsigned char **content, size_t *content_len, struct err *err);

/* A detached signature, and what it should be of. */
struct cms_detached {
	const void *signature; /* SignedData, DER or BER */
	size_t signature_len;
	const void *body; /* not NULL, but for cms_claimed_signer() */
	size_t body_len;
	const struct x509_trust *trust; /* whose certificates may sign */
	bool allow_sha1;                /* also where the digest is SHA-1 */
	struct arena *arena;            /* takes the signer's DER; NULL: nobody wants it */
};

struct cms_signer {
	char certificate[X509_HASH_SIZE]; /* SHA-256 of its DER */
	const unsigned char *der;         /* in the arena, or NULL */
	size_t der_len;
	bool sha1; /* the digest is SHA-1 */
};

/*
 * Who claims to have signed: the certificate leads to TRUST (x509_verify_chain(); certificates in
 * the message may help on the way), but whether it signed BODY is not looked at.  Everything below
 * but that is refused here already.
 */
enum err_kind cms_claimed_signer(
	const struct cms_detached *detached, struct cms_signer *signer, struct err *err);

/*
 * Who has signed BODY, byte for byte; where the message brings a content, it must be the same.
 * There must be one signer, with its certificate in the message, which leads to TRUST, and a digest
 * of SHA-256, SHA-384, SHA-512 or, when that is allowed, SHA-1.  ERR_FORBIDDEN, with the reason, in
 * all other cases.  What follows the message is not looked at.
 */
enum err_kind cms_verify_detached(
	const struct cms_detached *detached, struct cms_signer *signer, struct err *err);

#endif
