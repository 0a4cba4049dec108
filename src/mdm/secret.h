/*
 * secret - keys and passwords of devices, kept sealed: of each kind the one that counts, and those
 * before it.
 *
 * They are shown one by one, to somebody who gives a reason (secret_show), and in no view.  They
 * outlive the enrollment: a disk stays locked whoever manages the Mac.
 */
#ifndef POMONA_MDM_SECRET_H
#define POMONA_MDM_SECRET_H

#include "mdm/mdm.h"

enum {
	SECRET_BYTES_MOST = 64 * 1024,
	SECRET_REASON_MOST = 1000, /* bytes of a reason */
};

enum secret_kind {
	SECRET_FILEVAULT_KEY,          /* personal recovery key of a Mac's disk */
	SECRET_ACTIVATION_LOCK_BYPASS, /* code that opens the activation lock */
	SECRET_RECOVERY_LOCK,          /* password of recoveryOS */
	SECRET_FIRMWARE_PASSWORD,
	SECRET_AUTO_ADMIN_PASSWORD, /* hash of the managed administrator's password, base64 */
	SECRET_UNLOCK_TOKEN,        /* answer to RequestUnlockToken, base64 */
	SECRET_KINDS,
};

/* "filevault_key", …: as in the store and on the command line. */
const char *secret_kind_name(enum secret_kind kind);

/* False when there is no kind of that name. */
bool secret_kind_find(const char *name, enum secret_kind *kind);

/* A secret that a device has given, or has taken over. */
struct secret {
	int64_t enrollment_no;
	enum secret_kind kind;
	const char *value; /* text; NULL: there is none any more */
	const char
		*source; /* SHA-256 of the encrypted message it came in; NULL: it came as it is */
};

/* Is the one that counts from this encrypted message? */
enum err_kind secret_is_from(struct mdm *mdm, int64_t enrollment_no, enum secret_kind kind,
	const char *source, bool *is, struct err *err);

/*
 * Makes it the one that counts; the one before it stays, as a former one.  The same value again
 * changes nothing.  *CHANGED tells.
 */
enum err_kind secret_keep(
	struct mdm *mdm, const struct secret *secret, bool *changed, struct err *err);

/* One that is shown. */
struct secret_shown {
	const char *value;
	int64_t since, replaced_at; /* milliseconds since 1970; 0: it counts */
};

/*
 * Shows the newest MOST ones (1: the one that counts, or the last one that did), newest first, and
 * notes who has seen what and why: in a write transaction, which has to be committed before anybody
 * sees them.  ERR_NOT_FOUND when there is none; ERR_BAD_INPUT when the reason is empty, too long or
 * holds control characters.
 */
enum err_kind secret_show(struct mdm *mdm, const char *enrollment_id, enum secret_kind kind,
	const char *reason, struct secret_shown *shown, size_t most, size_t *count,
	struct err *err);

#endif
