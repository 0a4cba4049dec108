/*
 * enroll_link - links to the enrollment page: who has one gets an enrollment profile.
 *
 * A link's secret is random, good for one profile (or a few), expires, can be revoked, and may be
 * for one enrollment.  The store holds its SHA-256 alone.
 *
 * It is used up by the download of the profile, and not by looking at the page.  Whoever asks again
 * within minutes, from the same address, gets the very profile he got: a browser that fetches
 * twice, or a reply that was lost, costs no second use, and one use never makes two challenges.
 * (But not by a link for several: devices behind one router have the same address.)
 *
 * The challenge of an over-the-air enrollment is a secret of the same kind, which belongs to the
 * first device that comes with it.
 */
#ifndef POMONA_MDM_ENROLL_LINK_H
#define POMONA_MDM_ENROLL_LINK_H

#include "mdm/mdm.h"

enum {
	ENROLL_LINK_USES_MOST = 1000000,
	ENROLL_LINK_LIFETIME_S = 7 * 24 * 60 * 60, /* unless said otherwise */
	ENROLL_LINK_LIFETIME_MOST_S = 366 * 24 * 60 * 60,
	ENROLL_OTA_LIFETIME_S = 60 * 60, /* from the profile service's profile to its end */
	ENROLL_REPEAT_S = 10 * 60,       /* so long a download may be repeated */
};

struct enroll_link_terms {
	const char *for_id;  /* the enrollment id; NULL: anybody */
	int uses;            /* 0: one */
	int64_t lifetime_ms; /* 0: ENROLL_LINK_LIFETIME_S */
};

struct enroll_link {
	int64_t no;         /* what operators call it */
	const char *for_id; /* NULL: anybody */
};

/* A new link, in the open write transaction; *SECRET is to be had here and never again.
 * ERR_BAD_INPUT when the terms will not do. */
enum err_kind enroll_link_create(struct mdm *mdm, const struct enroll_link_terms *terms,
	const char **secret, int64_t *no, struct err *err);

/*
 * Is the link good?  ERR_NOT_FOUND when it is not known; ERR_GONE, with the reason, when it was
 * used, has expired or was revoked.  LINK is filled in when it is known.
 */
enum err_kind enroll_link_check(
	struct mdm *mdm, const char *secret, struct enroll_link *link, struct err *err);

/* The same, and uses it once, in the open write transaction. */
enum err_kind enroll_link_use(
	struct mdm *mdm, const char *secret, struct enroll_link *link, struct err *err);

/* ERR_NOT_FOUND when there is no such link; one that is revoked already stays so. */
enum err_kind enroll_link_revoke(struct mdm *mdm, int64_t no, struct err *err);

/* Keeps what was downloaded by the link from ADDRESS. */
enum err_kind enroll_link_keep(struct mdm *mdm, const struct enroll_link *link, const char *secret,
	const char *address, const void *profile, size_t len, struct err *err);

/* What enroll_link_keep() kept a short time ago; ERR_NOT_FOUND, without a message, when nothing. */
enum err_kind enroll_link_kept(struct mdm *mdm, const char *secret, const char *address,
	unsigned char **profile, size_t *len, struct err *err);

/* ---- over the air ---- */

/* A challenge for the profile service, for FOR_ID (may be NULL). */
enum err_kind enroll_ota_create(
	struct mdm *mdm, const char *for_id, const char **secret, struct err *err);

/* Device ID comes with the challenge: ERR_FORBIDDEN when it is unknown, expired, or another's. */
enum err_kind enroll_ota_take(struct mdm *mdm, const char *secret, const char *id, struct err *err);

#endif
