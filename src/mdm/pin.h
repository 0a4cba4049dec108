/*
 * pin - who may speak for a device: the holder of the certificate whose SHA-256 is pinned to it.
 *
 * A certificate is pinned at Authenticate, and the newest pin alone counts.  One certificate
 * belongs to one enrollment for ever: one that was followed by another, or was revoked, is good for
 * nothing any more (table former_pin).  A user channel uses its device's pin.
 *
 * A renewal: an identity that was issued to replace the pinned one (column `replaces`) takes the
 * pin over at its first use, with whatever message; until then the old one counts.  Nothing else
 * of the enrollment changes.
 *
 * A device that was migrated from another server has no pin.  With setting pin_unknown at "on" it
 * is given the first verified certificate that speaks for it; but never one whose pin was revoked.
 */
#ifndef POMONA_MDM_PIN_H
#define POMONA_MDM_PIN_H

#include "mdm/mdm.h"

struct enrollment;

/* Who calls: a certificate that was verified. */
struct pin_caller {
	const char *certificate;  /* its SHA-256 */
	const unsigned char *der; /* itself, which tells when it ends; NULL: not known */
	size_t der_len;
};

/*
 * May the caller speak for the enrollment?  Costs nothing when its certificate is the pinned one.
 * Else looks whether it takes the pin over, which writes.  ERR_FORBIDDEN: it is not the device's
 * own, has expired, or the device is blocked.
 */
enum err_kind pin_check(struct mdm *mdm, struct enrollment *enrollment,
	const struct pin_caller *caller, struct err *err);

/*
 * Authenticate: may the caller's certificate be pinned to the device ID, which need not be there
 * yet?  If so, an older pin of the device ends, and *EXPIRES gets the certificate's end (0: not
 * known).  ERR_FORBIDDEN: it is another device's, was issued for another one, was replaced by a
 * newer one, was revoked, has expired, is not as the CA has issued it, or renews one that was
 * revoked or replaced by another; or the device is blocked.
 */
enum err_kind pin_claim(struct mdm *mdm, const char *id, const struct pin_caller *caller,
	int64_t *expires, struct err *err);

/* The same question, asked ahead: changes nothing. */
enum err_kind pin_may_claim(
	struct mdm *mdm, const char *id, const struct pin_caller *caller, struct err *err);

/* Why all is refused that comes from an enrollment, whatever it is. */
struct pin_refusal {
	bool blocked;
	const char *what;   /* "the device is blocked", or one of the others; NULL: it may come */
	const char *reason; /* why its identity was revoked; NULL: it was not */
};

/* As far as it can be known before it comes; nothing of an enrollment that has left, unless it is
 * blocked.  ERR_NOT_FOUND: unknown id. */
enum err_kind pin_look(
	struct mdm *mdm, const char *id, struct pin_refusal *refusal, struct err *err);

#endif
