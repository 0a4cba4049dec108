/*
 * x509_chain - is this certificate one of ours?  For callers whose certificate no web server has
 * verified.
 */
#ifndef POMONA_CODEC_X509_CHAIN_H
#define POMONA_CODEC_X509_CHAIN_H

#include <stddef.h>

#include "base/err.h"

/* The certificates that are believed, parsed once.  Several threads may use it at once. */
struct x509_trust;

/*
 * Every certificate of the PEM text is an anchor: an intermediate CA is good without its root.
 * ERR_BAD_INPUT when there is none, or a damaged one; *TRUST is NULL then.
 */
enum err_kind x509_trust_new(const char *pem, struct x509_trust **trust, struct err *err);

/* NULL does nothing. */
void x509_trust_free(struct x509_trust *trust);

/*
 * Does this certificate (DER, and nothing behind it) lead to an anchor (RFC 5280), is every part of
 * the way valid now, and may it be a TLS client's?  ERR_FORBIDDEN, with the reason, when not.
 */
enum err_kind x509_verify_chain(
	const struct x509_trust *trust, const void *der, size_t len, struct err *err);

#endif
