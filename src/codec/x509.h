/*
 * x509 - certificates and private keys, as PEM, DER and PKCS#12.
 *
 * OpenSSL's objects stay inside; in and out go bytes in the arena and plain structs.  Text in the
 * results is UTF-8 with a NUL behind it.  Everything may be called by several threads at once, each
 * with its own arena.
 *
 * Messages are written for the administrator who gave the file; none ever holds a key or password.
 */
#ifndef POMONA_CODEC_X509_H
#define POMONA_CODEC_X509_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum {
	X509_HASH_SIZE = 65,              /* SHA-256 in lower-case hex, with the NUL */
	X509_IDENTITY_MOST = 1024 * 1024, /* bytes of a file that x509_identity_read() takes */
	X509_DAYS_MOST = 36500,           /* longest life of what we issue */
};

/* What is told of a certificate. */
struct x509_info {
	const char *subject;     /* RFC 2253, but UTF-8 as it is */
	const char *common_name; /* the first one; NULL when there is none or it holds U+0000 */
	const char *user_id; /* UID (0.9.2342.19200300.100.1.1), likewise: the APNs topic of a push
				certificate */
	const char *serial;  /* upper-case hex, full bytes */
	int64_t not_before, not_after; /* milliseconds since 1970 */
	char sha256[X509_HASH_SIZE];   /* of the DER */
};

/* A certificate (chain) and its key, both PEM, unencrypted. */
struct x509_identity {
	const char *cert_pem; /* leaf first, then the others */
	const char *key_pem;  /* PKCS#8 */
};

/* ---- reading certificates ---- */

/* SHA-256 of the bytes, in lower-case hex: the name of a certificate when the bytes are its DER. */
void x509_hash(const void *der, size_t len, char hash[X509_HASH_SIZE]);

/*
 * The DER of the first certificate in PEM text (BEGIN CERTIFICATE), without parsing it: base64
 * between the marks.  White space in any place of the base64 is taken.  NULL when it is not there
 * or is no base64.
 */
unsigned char *x509_pem_to_der(
	struct arena *arena, const char *pem, size_t pem_len, size_t *der_len);

/* Facts of the first certificate of PEM text; ERR_BAD_INPUT when there is none. */
enum err_kind x509_inspect(
	struct arena *arena, const char *pem, struct x509_info *info, struct err *err);

/* The same of a certificate in DER, to its last byte. */
enum err_kind x509_inspect_der(
	struct arena *arena, const void *der, size_t len, struct x509_info *info, struct err *err);

/* ---- identities: a certificate and its key ---- */

/*
 * Takes a certificate and its key out of PKCS#12 (Keychain exports with RC2-40 and 3DES included:
 * the legacy provider is loaded into a library context of its own) or PEM (certificate and key in
 * one file, in any order; an encrypted key wants the password).  PASSWORD may be NULL or empty: the
 * file has none.
 *
 * The leaf is the certificate that belongs to the key, and of several (a renewal with the same key)
 * the one that ends last; the older ones are left out.  Its issuers follow in their order, then
 * what else the file holds.  Validity is not judged.
 *
 * ERR_BAD_INPUT, with the reason, when there is no key, no certificate for it, more than one key
 * with a certificate, or the password is missing or wrong; ERR_TOO_LARGE above X509_IDENTITY_MOST.
 */
enum err_kind x509_identity_read(struct arena *arena, const void *bytes, size_t len,
	const char *password, struct x509_identity *identity, struct err *err);

/*
 * The identity as PKCS#12 (RFC 7292) under the password, which must not be empty; with 3DES and a
 * SHA-1 MAC, as many of Apple's systems take nothing newer.  NAME is what it is listed under where
 * it is imported, and may be NULL.
 */
enum err_kind x509_write_p12(struct arena *arena, const struct x509_identity *identity,
	const char *name, const char *password, unsigned char **bytes, size_t *len,
	struct err *err);

/* ---- issuing ---- */

/*
 * A new self-signed CA (RSA 2048; codec/x509_ca.h makes others, SHA-256, pathlen 0) with these
 * names (1 to 64 characters each; ORGANIZATION may be NULL or empty), valid for so many years from
 * an hour ago.  ERR_BAD_INPUT when a name or the years (1 to 100) will not do.
 */
enum err_kind x509_make_ca(struct arena *arena, const char *common_name, const char *organization,
	int years, struct x509_identity *ca, struct err *err);

/* A CA ready to sign: its key and certificate parsed once.  Several threads may use it at once. */
struct x509_issuer;

/* ERR_BAD_INPUT when the certificate is no CA's or the key is another's; *ISSUER is NULL then. */
enum err_kind x509_issuer_new(
	const struct x509_identity *ca, struct x509_issuer **issuer, struct err *err);

/* SHA-256 of its certificate; lives as long as ISSUER. */
const char *x509_issuer_hash(const struct x509_issuer *issuer);

/* NULL does nothing. */
void x509_issuer_free(struct x509_issuer *issuer);

enum x509_key_type {
	X509_KEY_RSA_2048, /* what every Apple device takes; takes a tenth of a second to make */
	X509_KEY_EC_P256,  /* made at once: for load tests */
};

struct x509_client {
	const char *common_name;
	enum x509_key_type key;
	int days; /* 1 to X509_DAYS_MOST */
};

/*
 * A new key and client certificate: digitalSignature (and keyEncipherment with RSA), clientAuth, a
 * random 16-byte serial number, valid from an hour ago, to allow for clocks that are slow, but not
 * beyond the CA's own end.  cert_pem holds it alone.  ERR_BAD_INPUT when the name (1 to 64
 * characters) or the days will not do; ERR_CONFLICT when the CA has expired.
 */
enum err_kind x509_issue_client(struct arena *arena, const struct x509_issuer *issuer,
	const struct x509_client *client, struct x509_identity *identity, struct err *err);

/* A certificate that somebody wants for his own key. */
struct x509_request {
	const unsigned char *csr; /* PKCS#10 (RFC 2986) in DER */
	size_t csr_len;
	const char *common_name; /* the whole subject: what the CSR says of it does not count */
	int days;                /* 1 to X509_DAYS_MOST */
};

/*
 * The same for the key in a CSR, in DER.  The CSR's signature shows that its key is the sender's;
 * it is verified over the bytes as they came, as some clients sort their attributes wrongly.  Of
 * the CSR nothing but the key is used.
 *
 * ERR_BAD_INPUT, with the reason, when it is damaged, not signed by its key, or the key is not RSA
 * of 2048 to 8192 bits or EC on P-256 or P-384; and as x509_issue_client().
 */
enum err_kind x509_issue_csr(struct arena *arena, const struct x509_issuer *issuer,
	const struct x509_request *request, unsigned char **der, size_t *der_len, struct err *err);

#endif
