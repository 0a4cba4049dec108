/*
 * authority - whom a device asks for an identity by SCEP: what it can do, and its certificates (RFC
 * 8894, section 3.5 and 4.2).
 */
#ifndef POMONA_SIM_AUTHORITY_H
#define POMONA_SIM_AUTHORITY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "codec/scep.h"

struct authority {
	const char *digest, *cipher; /* OpenSSL's names */
	bool post;                   /* takes PKIOperation by POST */
	bool renewal;
	const char *pem; /* its certificates */
};

/* The reply to GetCACaps: a word in each line; what is not known is passed over. */
void authority_read_caps(struct authority *authority, const char *text, size_t len);

/*
 * The reply to GetCACert: one certificate, or several in a PKCS#7 message.  FINGERPRINT, unless it
 * is empty, has to be one of theirs (SHA-1 or SHA-256, by its length); of the others those count
 * that come from it.  ERR_FORBIDDEN when it is nobody's, ERR_BAD_INPUT when the reply is none.
 */
enum err_kind authority_read_certs(struct arena *arena, struct authority *authority,
	struct scep_bytes reply, struct scep_bytes fingerprint, struct err *err);

#endif
