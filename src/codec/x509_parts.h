/*
 * x509_parts - the certificates and private keys of a file, as OpenSSL's objects: what x509_*.c
 * share.  Not for use outside of codec/.
 *
 * These functions leave OpenSSL's error queue as they find it, or with their errors in it: the
 * public ones, which call them, clear it.
 */
#ifndef POMONA_CODEC_X509_PARTS_H
#define POMONA_CODEC_X509_PARTS_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/arena.h"
#include "base/err.h"
#include "codec/x509.h"
#include "codec/x509_chain.h"

enum { X509_KEYS_MOST = 8 };

struct x509_parts {
	STACK_OF(X509) * certs; /* in the order of the file; NULL: none */
	EVP_PKEY *keys[X509_KEYS_MOST];
	int key_count;
};

/* Every certificate and key in the bytes, which may be PEM or PKCS#12.  To be released also when it
 * fails. */
enum err_kind x509_parts_read(struct x509_parts *parts, const void *bytes, size_t len,
	const char *password, struct err *err);

/* The same, out of an identity: one key, unencrypted. */
enum err_kind x509_parts_read_identity(
	struct x509_parts *parts, const struct x509_identity *identity, struct err *err);

void x509_parts_release(struct x509_parts *parts);

/* One certificate after the other in PEM; NULL when OpenSSL fails. */
const char *x509_certs_to_pem(struct arena *arena, const STACK_OF(X509) * certs);

/* PKCS#8, unencrypted, in PEM; NULL when OpenSSL fails. */
const char *x509_key_to_pem(struct arena *arena, const EVP_PKEY *key);

/*
 * The library context in which RC2 and single DES are known; NULL when it cannot be made.  It stays
 * until the process ends.
 */
OSSL_LIB_CTX *x509_legacy_context(void);
/* x509_verify_chain() of a parsed certificate; BETWEEN (may be NULL) may help on the way to an
 * anchor, and is not believed. */
enum err_kind x509_chain_check(
	const struct x509_trust *trust, X509 *cert, STACK_OF(X509) * between, struct err *err);

/* ERR_INTERNAL: WHAT and OpenSSL's last reason. */
enum err_kind x509_failed(struct err *err, const char *what);

#endif
