/*
 * digest - HTTP Digest (RFC 2617), as Macs use it outside of HTTP to log a user in.
 *
 * Apple ("Enabling network and mobile user logins") shows a challenge with nonce and realm and a
 * response with username, realm, nonce, uri and response: MD5, and no qop.  A response with qop
 * "auth" is understood as well.  Which HTTP method goes into the digest is not documented: it is no
 * secret, and each that can be meant is tried.
 */
#ifndef POMONA_CODEC_DIGEST_H
#define POMONA_CODEC_DIGEST_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

enum { DIGEST_SIZE = 33 /* MD5 in lower-case hex, with the NUL */ };

/* The parameters of a response; those that are not there are NULL. */
struct digest_response {
	const char *username, *realm, *nonce, *uri, *response;
	const char *algorithm, *qop, *nc, *cnonce;
};

/* Digest nonce="…",realm="…"; neither may hold a quotation mark or a backslash. */
const char *digest_challenge(struct arena *arena, const char *realm, const char *nonce);

/*
 * Takes "Digest username=…, …" apart.  ERR_BAD_INPUT when it is something else, one of the first
 * five parameters is missing, one comes twice, or it wants an algorithm or qop that was not
 * offered.
 */
enum err_kind digest_parse(
	struct arena *arena, const char *text, struct digest_response *response, struct err *err);

/* H(A1), which stands for the password.  ERR_INTERNAL when libcrypto does no MD5. */
enum err_kind digest_secret(struct arena *arena, const char *username, const char *realm,
	const char *password, char secret[DIGEST_SIZE], struct err *err);

/* Was the response made with SECRET? */
bool digest_is_good(
	struct arena *arena, const struct digest_response *response, const char *secret);

#endif
