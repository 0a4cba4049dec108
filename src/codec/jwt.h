/*
 * jwt - JSON Web Tokens (RFC 7519) signed with RSA and SHA-256 (RS256 of RFC 7518), in the compact
 * form.
 */
#ifndef POMONA_CODEC_JWT_H
#define POMONA_CODEC_JWT_H

#include "base/arena.h"
#include "base/err.h"
#include "codec/plist.h"

/*
 * The one private key in a file, PEM or PKCS#12, as it is kept: PKCS#8 in PEM, unencrypted.
 * PASSWORD may be NULL.  ERR_BAD_INPUT, with the reason, when there is none, more than one, or it
 * is not RSA of 2048 to 8192 bits.
 */
enum err_kind jwt_read_key(struct arena *arena, const void *bytes, size_t len, const char *password,
	const char **pem, struct err *err);

/* The token with these claims (a dict), signed by a key that jwt_read_key() gave. */
enum err_kind jwt_sign(struct arena *arena, const char *key_pem, const struct plist *claims,
	const char **token, struct err *err);

#endif
