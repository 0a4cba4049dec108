/*
 * escrow - what devices give into safe keeping: from a message to a sealed secret (mdm/secret).
 *
 *	SecurityInfo, RotateFileVaultKey	the FileVault key, encrypted to the escrow
 *certificate ActivationLockBypassCode		the code SetRecoveryLock, SetFirmwarePassword the
 *password that the operator queued
 *	SetAutoAdminPassword,			the hash of the password that he queued
 *	AccountConfiguration
 *
 * What was queued counts from the moment the device has acknowledged it.
 *
 * Apple: com.apple.security.FDERecoveryKeyEscrow is the payload by which a Mac encrypts its
 *FileVault key to a certificate, as CMS; SecurityInfo tells it as FDE_PersonalRecoveryKeyCMS.
 */
#ifndef POMONA_MDM_ESCROW_H
#define POMONA_MDM_ESCROW_H

#include "codec/x509.h"
#include "mdm/mdm.h"

enum { ESCROW_YEARS = 20 };

/* An Acknowledged answer, and the command it is to. */
struct escrow_answer {
	int64_t enrollment_no, payload_no;
	const char *uuid, *request;
	const struct plist *message;
};

/*
 * Keeps what there is to keep.  Costs nothing for a request that brings no secret.  What cannot be
 * decrypted is no failure: an event tells.  ERR_BUSY when there is no master key.
 */
enum err_kind escrow_take(struct mdm *mdm, const struct escrow_answer *answer, struct err *err);

/* ---- the certificate ---- */

/* A certificate to which Macs encrypt their FileVault keys. */
struct escrow_certificate {
	const char *sha256, *pem;
	int64_t not_after, created_at;
};

/*
 * Makes one, which is the one to use from now on; those before it go on opening what was encrypted
 * to them.  ORGANIZATION may be NULL.
 */
enum err_kind escrow_make(struct mdm *mdm, const char *common_name, const char *organization,
	struct escrow_certificate *certificate, struct err *err);

/* The newest; ERR_NOT_FOUND. */
enum err_kind escrow_find(struct mdm *mdm, struct escrow_certificate *certificate, struct err *err);

/*
 * The profile that makes a Mac give its key: the certificate, and the FDERecoveryKeyEscrow payload.
 * LOCATION is what the user is told of where his key is.  Plain XML, not signed.
 */
enum err_kind escrow_profile(struct mdm *mdm, const struct escrow_certificate *certificate,
	const char *location, struct buf *profile, struct err *err);

#endif
