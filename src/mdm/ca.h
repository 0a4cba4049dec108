/*
 * ca - the certificate authority that devices' identities come from.
 *
 * It lives in the store, made by `pomona init`; its key is sealed.  In time there are several: one
 * issues; one may be the next, made or imported and believed already, and not in use yet; those
 * from before issue no more, but are believed until they expire or are retired.  A CA with an EC
 * key has a registration authority beside it, with an RSA key, that does its part in SCEP.
 *
 * The web server gets the certificates as a file, to verify clients with: mdm/ca_files.h.
 */
#ifndef POMONA_MDM_CA_H
#define POMONA_MDM_CA_H

#include "codec/x509.h"
#include "codec/x509_ca.h"
#include "mdm/mdm.h"

/* Makes the device CA, with an RSA key; ERR_CONFLICT when there is one. */
enum err_kind ca_create(
	struct mdm *mdm, const char *common_name, const char *organization, struct err *err);

/* The certificate of the one that issues, in PEM; needs no master key.  ERR_NOT_FOUND when there is
 * no CA yet. */
enum err_kind ca_certificate(struct mdm *mdm, const char **pem, struct err *err);

/*
 * Every CA certificate that is believed, one PEM after the other: the issuing one, the next, those
 * from before, each with the ones above it.  Needs no master key.  ERR_NOT_FOUND when there is no
 * CA yet.
 */
enum err_kind ca_trusted(struct mdm *mdm, const char **pem, struct err *err);

/* The same without the ones above: whoever verifies a device by it takes no other of the CAs that
 * an imported one shares its root with. */
enum err_kind ca_anchors(struct mdm *mdm, const char **pem, struct err *err);

/* The next one's certificate and those above it, for GetNextCACert; ERR_NOT_FOUND when there is
 * none. */
enum err_kind ca_next_certificate(struct mdm *mdm, const char **pem, struct err *err);

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

/*
 * With what SCEP decrypts and signs: the issuing CA itself when it has an RSA key, else its
 * registration authority.
 */
enum err_kind ca_scep_identity(struct mdm *mdm, struct x509_identity *identity, struct err *err);

/* ---- issuing for a key that somebody else has made ---- */

struct ca_request {
	const unsigned char *csr; /* PKCS#10 in DER */
	size_t csr_len;
	const char *common_name; /* ruled by the server, not by the CSR */
	int days;
	const char *origin;    /* the door it goes out of: scep, cli, p12 */
	int64_t enrollment_no; /* whose it is; 0: not known yet */
	const char *replaces;  /* SHA-256 of the identity that it renews; NULL: none */
	const char *for_id;    /* the one enrollment it is for, there or not; NULL: anybody */
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

/* ---- from one to the next ---- */

struct ca_plan {
	const char *common_name;  /* NULL: "Pomona Device CA", with a number from the second on */
	const char *organization; /* NULL: none */
	enum x509_key_type key;
};

/* In a write transaction, all of them.  *NAME gets the name of the CA: "device", "device-2", … */

/* Makes one: the issuing one when there is none, else the next.  ERR_CONFLICT when there is a next
 * one. */
enum err_kind ca_make(
	struct mdm *mdm, const struct ca_plan *plan, const char **name, struct err *err);

/* The same with one from elsewhere: PKCS#12 or PEM, with its key and those above it. */
enum err_kind ca_import(struct mdm *mdm, const void *bytes, size_t len, const char *password,
	const char **name, struct err *err);

/*
 * CRLs of those above the CA NAME (PEM or DER), which we cannot make: a web server that looks at
 * CRLs wants one of every CA.  *EVERY: it has them all now.
 */
enum err_kind ca_set_chain_crl(struct mdm *mdm, const char *name, const void *bytes, size_t len,
	bool *every, struct err *err);

/* The next one issues from now on; the one that did is believed further.  ERR_NOT_FOUND when there
 * is no next one. */
enum err_kind ca_activate(struct mdm *mdm, const char **name, struct err *err);

/* The worker will do so then. */
enum err_kind ca_activate_at(struct mdm *mdm, int64_t at, const char **name, struct err *err);

/* What the worker asks for: activates the next one when it is time.  *NAME is NULL when it is not.
 */
enum err_kind ca_activate_when_due(struct mdm *mdm, const char **name, struct err *err);

/*
 * The CA is not believed any more, nor is any identity it has issued.  ERR_NOT_FOUND;
 * ERR_CONFLICT when it is the issuing one, or, unless ANYHOW, when enrolled devices have one of
 * these.
 */
enum err_kind ca_retire(struct mdm *mdm, const char *name, bool anyhow, struct err *err);

struct ca_authority {
	const char *name;
	const char *role; /* issuing, next, former, retired; ra: a registration authority */
	const char *certificate, *chain; /* PEM; chain may be NULL */
	struct x509_info info;           /* of the certificate */
	int64_t created_at, activate_at; /* milliseconds since 1970; 0: no such time */
	const char *belongs_to;          /* of a registration authority; else NULL */
};

/* All there are, oldest first. */
enum err_kind ca_each(struct mdm *mdm,
	enum err_kind (*each)(const struct ca_authority *authority, void *context, struct err *err),
	void *context, struct err *err);

/* ---- for the room's own files ---- */

/* Opens the key of the CA NAME that was sealed. */
enum err_kind ca_open_key(struct mdm *mdm, const char *name, const void *sealed, size_t len,
	const char **key_pem, struct err *err);

#endif
