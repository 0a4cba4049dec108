/*
 * x509_draft - what a certificate is made of: what x509_issue.c, x509_csr.c, x509_ca.c and
 * x509_crl.c share.  Not for use outside of codec/.
 */
#ifndef POMONA_CODEC_X509_DRAFT_H
#define POMONA_CODEC_X509_DRAFT_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "codec/x509.h"

enum { X509_NAME_MOST = 64 }; /* characters; ub-common-name and the like of RFC 5280 */

struct x509_issuer {
	X509 *cert;
	EVP_PKEY *key;
	char hash[X509_HASH_SIZE];
};

struct x509_extension {
	int nid; /* 0 ends the list */
	const char *value;
};

struct x509_draft {
	const char *common_name;
	const char *organization; /* NULL: none */
	const struct x509_extension *extensions;
	int days;
	EVP_PKEY *key;                    /* whose public half it certifies */
	const struct x509_issuer *issuer; /* NULL: itself */
};

/* What a client's certificate with an RSA key holds, and one with an EC key. */
extern const struct x509_extension x509_client_rsa[], x509_client_ec[];

/* The signed certificate; NULL when OpenSSL fails. */
X509 *x509_draft_sign(const struct x509_draft *draft);

/* The same with the draft's key.  Empties OpenSSL's error queue. */
enum err_kind x509_draft_identity(struct arena *arena, const struct x509_draft *draft,
	struct x509_identity *identity, struct err *err);

/* ERR_BAD_INPUT, with the reason, when it is not a key that we certify or sign with. */
enum err_kind x509_check_key(const EVP_PKEY *key, struct err *err);

/* ERR_BAD_INPUT when NAME is not 1 to X509_NAME_MOST characters of UTF-8.  OpenSSL refuses such
 * names when it writes them, too, but this is where it can be said why. */
enum err_kind x509_check_name(const char *what, const char *name, struct err *err);

/* ERR_BAD_INPUT for such days; ERR_CONFLICT when the issuer has expired. */
enum err_kind x509_check_days(const struct x509_issuer *issuer, int days, struct err *err);

#endif
