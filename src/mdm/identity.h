/*
 * identity - what the CA has issued: a row for each certificate, from its issue to its end.
 *
 * It is valid until it expires, is revoked, or is replaced by a newer one.  Whom it speaks for is a
 * matter of mdm/pin.
 */
#ifndef POMONA_MDM_IDENTITY_H
#define POMONA_MDM_IDENTITY_H

#include "codec/x509.h"
#include "mdm/mdm.h"

struct identity_origin {
	const char *authority; /* SHA-256 of the CA's certificate */
	const char *origin;    /* the door it goes out of: scep, cli, p12 */
	int64_t enrollment_no; /* whose it is; 0: not known yet */
	const char *replaces;  /* SHA-256 of the identity that it renews; NULL: none */
	const char *for_id;    /* the one enrollment it is for, there or not; NULL: anybody */
};

struct identity {
	const char *sha256;
	const char *serial;
	const char *subject;
	const char *common_name;   /* or NULL */
	int64_t not_after;         /* milliseconds since 1970 */
	int64_t revoked_at;        /* 0: it was not */
	const char *revoke_reason; /* or NULL */
	int64_t enrollment_no;     /* whose it is; 0: not known yet */
	const char *replaces;      /* or NULL */
	const char *for_id;        /* the one enrollment it is for; NULL: anybody */
};

/*
 * Records a certificate that was issued, in a write transaction.  One that renews another is for
 * the same enrollment.
 */
enum err_kind identity_add(struct mdm *mdm, const struct x509_info *info,
	const struct identity_origin *origin, struct err *err);

/* ERR_NOT_FOUND when none of that SHA-256 was issued here. */
enum err_kind identity_find(
	struct mdm *mdm, const char *sha256, struct identity *identity, struct err *err);

/* It is used by this enrollment for the first time.  Nothing happens to one from elsewhere. */
enum err_kind identity_belongs(
	struct mdm *mdm, const char *sha256, int64_t enrollment_no, struct err *err);

/* The reasons of RFC 5280, section 5.3.1, that a revocation here may have, with blanks between. */
extern const char identity_reasons[];

/*
 * Revokes it, in a write transaction: from the commit on it opens nothing.  When it is pinned to a
 * device, every message of that device is refused until it enrolls anew with another one; that goes
 * for one from elsewhere, too, which is in no CRL of ours.  REASON is one of identity_reasons.
 * ERR_NOT_FOUND; ERR_CONFLICT when it is revoked already.
 */
enum err_kind identity_revoke(
	struct mdm *mdm, const char *sha256, const char *reason, struct err *err);

#endif
