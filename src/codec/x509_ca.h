/*
 * x509_ca - certificate authorities as such: made, taken from elsewhere, and what they revoke.
 *
 * What they issue is in codec/x509.h.  The same rules: bytes in the arena, several threads at once,
 * messages that an administrator can act on.
 */
#ifndef POMONA_CODEC_X509_CA_H
#define POMONA_CODEC_X509_CA_H

#include <stdbool.h>

#include "codec/x509.h"

struct x509_ca_plan {
	const char *common_name;
	const char *organization; /* NULL or empty: none */
	enum x509_key_type key;   /* RSA means 2048 bits */
	int years;
};

/* x509_make_ca() with a choice of the key. */
enum err_kind x509_make_ca_of(struct arena *arena, const struct x509_ca_plan *plan,
	struct x509_identity *ca, struct err *err);

/*
 * A registration authority: an RSA 2048 key and a certificate of ISSUER for it, as long as that
 * lives, with which SCEP decrypts and signs for a CA that has no RSA key.
 */
enum err_kind x509_make_ra(struct arena *arena, const struct x509_issuer *issuer,
	const char *common_name, struct x509_identity *ra, struct err *err);

/*
 * A self-signed certificate, and its RSA 2048 key, to which others encrypt; as x509_make_ca() with
 * names and years.
 */
enum err_kind x509_make_recipient(struct arena *arena, const char *common_name,
	const char *organization, int years, struct x509_identity *recipient, struct err *err);

struct x509_ca_facts {
	const char *cert_pem;  /* the CA's own */
	const char *chain_pem; /* those above it up to the root; NULL: it is the root */
	const char *subject;
	bool is_rsa;
	int64_t not_after; /* milliseconds since 1970 */
};

/*
 * Looks at a CA from elsewhere (x509_identity_read() has put its certificates in their order): it
 * must be able to do its work.  ERR_BAD_INPUT, with the reason, when it may not sign certificates
 * or CRLs, its key is not RSA of 2048 to 8192 bits or EC on P-256 or P-384, the chain does not end
 * in a root or does not verify, has expired, or does not allow certificates for clients: one is
 * issued and verified to see.
 */
enum err_kind x509_check_ca(struct arena *arena, const struct x509_identity *ca,
	struct x509_ca_facts *facts, struct err *err);

/* ---- CRLs (RFC 5280, section 5) ---- */

struct x509_revoked {
	const char *serial; /* hex */
	int64_t at;         /* milliseconds since 1970 */
	const char *reason; /* as RFC 5280 writes it; NULL or not known: unspecified */
};

struct x509_crl_plan {
	const struct x509_revoked *revoked;
	size_t count;
	int64_t number; /* greater than that of the last one */
	int days;       /* until the next update */
};

/* The issuer's CRL in PEM. */
enum err_kind x509_write_crl(struct arena *arena, const struct x509_issuer *issuer,
	const struct x509_crl_plan *plan, const char **pem, struct err *err);

/*
 * Reads the CRLs in PEM text (or one in DER) and gives them back in PEM.  ERR_BAD_INPUT when there
 * is none, or one is not signed by any certificate of CHAIN_PEM.  *EVERY: there is one of each.
 */
enum err_kind x509_check_crls(struct arena *arena, const char *chain_pem, const void *bytes,
	size_t len, const char **pem, bool *every, struct err *err);

#endif
