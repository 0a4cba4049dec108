/*
 * profile - the profiles that this server makes: what a device installs to be enrolled.
 *
 * The enrollment profile (Apple: com.apple.mdm, com.apple.security.scep, …pkcs12, …root, …pem) says
 * where the server is, by which certificate the device will show itself, and whom it has to trust.
 * Its identifiers are made of the host in setting server_url and stay; so do the UUIDs of
 * certificates, which are made of their content; the others are new in each profile, as each holds
 * an identity of its own.
 *
 * Settings: server_url, organization, scep_url and those that begin with enroll_ (mdm/setting.h).
 * Section [enroll] of the configuration file names certificates and keys; they are read for each
 * profile, so that renewed ones are seen at once.
 */
#ifndef POMONA_MDM_PROFILE_H
#define POMONA_MDM_PROFILE_H

#include <stdbool.h>

#include "base/buf.h"
#include "mdm/mdm.h"

enum { PROFILE_MOST = 1024 * 1024 }; /* bytes of one that we make */

/* What a profile is handed over as. */
#define PROFILE_MEDIA_TYPE "application/x-apple-aspen-config"

struct profile_terms {
	const char *for_id; /* the enrollment it is for; NULL: any device */
	/* An identity, PKCS#12, that the profile brings; NULL: the device gets one by SCEP. */
	const void *p12;
	size_t p12_len;
	const char *p12_password;
};

/*
 * Appends the enrollment profile, a plist in XML, not signed, in the open write transaction (with
 * SCEP it makes a challenge, good for a day and one use).  ERR_CONFLICT, with what is missing, when
 * the server is not ready for devices: no server_url, no push certificate, several of them and no
 * setting enroll_topic.
 */
enum err_kind profile_enrollment(
	struct mdm *mdm, const struct profile_terms *terms, struct buf *out, struct err *err);

/* Over-the-air enrollment, first: asks the device for its attributes, with the challenge. */
enum err_kind profile_service(
	struct mdm *mdm, const char *challenge, struct buf *out, struct err *err);

/* Over-the-air enrollment, second: the identity for the device, by SCEP, with a new challenge. */
enum err_kind profile_identity(
	struct mdm *mdm, const char *for_id, struct buf *out, struct err *err);

/* Does the configuration file name an identity to sign with? */
bool profile_is_signed(const struct mdm *mdm);

/* Signs in place of *BYTES when profile_is_signed(); else leaves them. */
enum err_kind profile_sign(struct mdm *mdm, const void **bytes, size_t *len, struct err *err);

/* ---- for the enrollment page ---- */

/* What a right in AccessRights lets the server do, for people; NULL behind the last.  *BIT is the
 * right. */
const char *profile_right(size_t n, int64_t *bit);

/* Setting enroll_access_rights. */
enum err_kind profile_rights(struct mdm *mdm, int64_t *rights, struct err *err);

#endif
