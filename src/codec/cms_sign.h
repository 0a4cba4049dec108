/*
 * cms_sign - messages that carry their content and its signature (RFC 5652, SignedData): profiles,
 * and what a device sends to the over-the-air profile service.
 */
#ifndef POMONA_CODEC_CMS_SIGN_H
#define POMONA_CODEC_CMS_SIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "codec/x509.h"

/*
 * CONTENT signed with SHA-256, in DER: the leaf signs, the whole chain of IDENTITY goes along, as a
 * device knows roots alone.  ERR_BAD_INPUT when the identity is none.
 */
enum err_kind cms_sign(struct arena *arena, const struct x509_identity *identity,
	const void *content, size_t len, unsigned char **message, size_t *message_len,
	struct err *err);

/* Whom the signer's certificate has to come from. */
struct cms_trust {
	/* Every certificate of this PEM text is believed, an intermediate one without its root.
	 * NULL: nobody is asked for, any signer will do. */
	const char *anchors;
	bool system;      /* the machine's own CAs are believed as well */
	bool ignore_time; /* also when a certificate has expired: Apple's own device CAs have */
};

/* A message whose signature is right. */
struct cms_signed {
	unsigned char *content; /* in the arena, with a NUL behind it */
	size_t content_len;
	const char *signer; /* its certificate, PEM */
	bool sha1;          /* the digest is SHA-1, as old devices make it */
};

/*
 * Opens a message and verifies that its one signer, whose certificate it has to bring, signed the
 * content: with SHA-1, SHA-256, SHA-384 or SHA-512.  ERR_BAD_INPUT when it is no such message;
 * ERR_FORBIDDEN, with the reason, when the signature or the way to TRUST is not right; *OPENED is
 * empty then.
 */
enum err_kind cms_open(struct arena *arena, const void *bytes, size_t len,
	const struct cms_trust *trust, struct cms_signed *opened, struct err *err);

#endif
