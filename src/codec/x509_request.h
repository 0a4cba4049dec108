/*
 * x509_request - asking for a certificate: a key with its request (CSR), and the file that Apple's
 * push certificate portal takes.
 */
#ifndef POMONA_CODEC_X509_REQUEST_H
#define POMONA_CODEC_X509_REQUEST_H

#include <stdbool.h>

#include "codec/x509.h"

enum { X509_CERTIFICATES_MOST = 32 };

/* Who asks; what is NULL is left out. */
struct x509_subject {
	const char *common_name; /* 1 to 64 characters */
	const char *organization;
	const char *email;
	const char *country; /* two letters */
};

struct x509_key_request {
	const char *pem;
	const char *key_pem;           /* PKCS#8 */
	char key_hash[X509_HASH_SIZE]; /* SHA-256 of the public key (SubjectPublicKeyInfo) */
};

/* The certificates of a file, with or without a key. */
struct x509_certificates {
	const char *pem; /* all, in the order of the file */
	bool has_key;
	size_t count;
	char key_hashes[X509_CERTIFICATES_MOST][X509_HASH_SIZE]; /* of each one's public key */
};

/*
 * A new key (RSA 2048) and a request for it (PKCS#10, SHA-256).  ERR_BAD_INPUT when a part of the
 * subject will not do.
 */
enum err_kind x509_request_make(struct arena *arena, const struct x509_subject *subject,
	struct x509_key_request *request, struct err *err);

/*
 * Reads PEM, PKCS#12 or a certificate in DER (.cer).  ERR_BAD_INPUT when it is none of them, holds
 * no certificate or more than X509_CERTIFICATES_MOST.
 */
enum err_kind x509_certificates_read(struct arena *arena, const void *bytes, size_t len,
	const char *password, struct x509_certificates *certificates, struct err *err);

/*
 * The file for identity.apple.com/pushcert: REQUEST signed by an MDM vendor.  VENDOR is his
 * certificate and RSA key; CHAIN (may be NULL) is PEM with certificates that lead from it to
 * Apple's root, as far as they are not with VENDOR.
 *
 * Apple: "Setting up push notifications for your MDM customers": base64 of a plist with
 * PushCertRequestCSR (base64 of the DER), PushCertCertificateChain (PEM: vendor, WWDR, root) and
 * PushCertSignature (base64, SHA256WithRSA over the DER).
 *
 * ERR_BAD_INPUT when the chain does not reach a self-signed root, a certificate in it has expired
 * or is not signed by the next, or the key is not RSA.
 */
enum err_kind x509_request_sign_for_apple(struct arena *arena, const char *request_pem,
	const struct x509_identity *vendor, const char *chain, const char **file, struct err *err);

#endif
