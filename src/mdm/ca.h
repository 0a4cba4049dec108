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
 * Does the master key open what is sealed in this store?  ERR_CONFLICT when it is another store's;
 * every program asks before it seals anything.
 */
enum err_kind ca_check_key(struct mdm *mdm, struct err *err);

/*
 * Ready to sign with x509_issue_client(), outside the transaction too; the caller frees it.
 * ERR_INTERNAL when the key was sealed under another master key.
 */
enum err_kind ca_issuer(struct mdm *mdm, struct x509_issuer **issuer, struct err *err);

#endif
