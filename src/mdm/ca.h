/*
 * ca - the certificate authority that devices' identities come from.
 *
 * It lives in the store, made once by `pomona init`; its key is sealed.  The web server gets the
 * certificate as a file, to verify clients with.
 */
#ifndef POMONA_MDM_CA_H
#define POMONA_MDM_CA_H

#include "codec/x509.h"
#include "mdm/mdm.h"

/* Makes the device CA; ERR_CONFLICT when there is one. */
enum err_kind ca_create(
	struct mdm *mdm, const char *common_name, const char *organization, struct err *err);

/* Its certificate in PEM; needs no master key.  ERR_NOT_FOUND when there is no CA yet. */
enum err_kind ca_certificate(struct mdm *mdm, const char **pem, struct err *err);

/*
 * Every CA certificate that is believed, one PEM after the other: the issuing one, the next, those
 * from before, each with the ones above it.  Needs no master key.  ERR_NOT_FOUND when there is no
 * CA yet.
 */
enum err_kind ca_trusted(struct mdm *mdm, const char **pem, struct err *err);

/*
 * Does the master key open what is sealed in this store?  ERR_CONFLICT when it is another store's;
 * every program asks before it seals anything.
 */
enum err_kind ca_check_key(struct mdm *mdm, struct err *err);

/*
 * Ready to sign with x509_issue_client(), outside the transaction too; the caller frees it.
 * ERR_INTERNAL when the key was sealed under another master key.
 */
enum err_kind ca_issuer(struct mdm *mdm, struct x509_issuer **issuer, struct err *err);

/* ---- issuing for a key that somebody else has made ---- */

struct ca_request {
	const unsigned char *csr; /* PKCS#10 in DER */
	size_t csr_len;
	const char *common_name; /* ruled by the server, not by the CSR */
	int days;
	const char *origin;    /* the door it goes out of: scep, cli, p12 */
	int64_t enrollment_no; /* whose it is; 0: not known yet */
	const char *replaces;  /* SHA-256 of the identity that it renews; NULL: none */
};

struct ca_issued {
	unsigned char *der;
	size_t der_len;
	char sha256[X509_HASH_SIZE];
	const char *serial;
	int64_t not_after;
};

/*
 * Signs and records, in a write transaction; x509_issue_csr() tells what is refused.  The signature
 * takes a millisecond or two: who issues many signs outside of the transaction with ca_sign(), and
 * records in it with ca_record().
 */
enum err_kind ca_issue(struct mdm *mdm, const struct x509_issuer *issuer,
	const struct ca_request *request, struct ca_issued *issued, struct err *err);

/* The two halves.  ca_sign() needs no transaction and no store. */
enum err_kind ca_sign(struct mdm *mdm, const struct x509_issuer *issuer,
	const struct ca_request *request, struct ca_issued *issued, struct err *err);
enum err_kind ca_record(struct mdm *mdm, const struct x509_issuer *issuer,
	const struct ca_request *request, const struct ca_issued *issued, struct err *err);

#endif
