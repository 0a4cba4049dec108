/*
 * x509 - certificates and private keys, as PEM, DER and PKCS#12.
 *
 * OpenSSL's objects stay inside; in and out go bytes in the arena and plain structs.
 */
#ifndef POMONA_CODEC_X509_H
#define POMONA_CODEC_X509_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { X509_HASH_SIZE = 65 }; /* SHA-256 in lower-case hex, with the NUL */

/* What is told of a certificate. */
struct x509_info {
	const char *subject;     /* RFC 2253 */
	const char *common_name; /* NULL when there is none */
	const char *user_id; /* UID (0.9.2342.19200300.100.1.1): APNs topic of a push certificate;
				or NULL */
	const char *serial;  /* upper-case hex */
	int64_t not_before, not_after; /* milliseconds since 1970 */
	char sha256[X509_HASH_SIZE];   /* of the DER */
};

/* A certificate (chain) and its key, both PEM, unencrypted. */
struct x509_identity {
	const char *cert_pem; /* leaf first, then the others */
	const char *key_pem;  /* PKCS#8 */
};

/* SHA-256 of the bytes, in lower-case hex: the name of a certificate when the bytes are its DER. */
void x509_hash(const void *der, size_t len, char hash[X509_HASH_SIZE]);

/*
 * The DER of the first certificate in PEM text, without parsing it: base64 between the marks. White
 * space in any place is taken.  NULL when it is not there.
 */
unsigned char *x509_pem_to_der(
	struct arena *arena, const char *pem, size_t pem_len, size_t *der_len);

/* Facts of the first certificate of PEM text. */
enum err_kind x509_inspect(
	struct arena *arena, const char *pem, struct x509_info *info, struct err *err);

/*
 * Takes a certificate and its key out of PKCS#12 (Keychain exports with RC2-40 and 3DES included:
 * the legacy provider is loaded into a library context of its own) or PEM (certificate and key in
 * one file, in any order; an encrypted key wants the password).  PASSWORD may be NULL.  The leaf is
 * the certificate that belongs to the key. Fails, with the reason, when there is no key, no
 * certificate for it, or the password is wrong.
 */
enum err_kind x509_identity_read(struct arena *arena, const void *bytes, size_t len,
	const char *password, struct x509_identity *identity, struct err *err);

/* A new self-signed CA (RSA 3072, SHA-256, pathlen 0, 20 years) with the common name. */
enum err_kind x509_make_ca(struct arena *arena, const char *common_name, const char *organization,
	int years, struct x509_identity *ca, struct err *err);

/*
 * A new client certificate (key: RSA 2048; digitalSignature, keyEncipherment; clientAuth) with a
 * random 16-byte serial number, signed by the CA; cert_pem holds it alone.
 */
enum err_kind x509_issue_client(struct arena *arena, const struct x509_identity *ca,
	const char *common_name, int days, struct x509_identity *identity, struct err *err);

/* The identity as PKCS#12 (AES-256, SHA-256 MAC) under the password. */
enum err_kind x509_write_p12(struct arena *arena, const struct x509_identity *identity,
	const char *name, const char *password, unsigned char **bytes, size_t *len,
	struct err *err);

#endif
