/*
 * expiry - certificates that end soon: devices' identities (those that are pinned), push
 * certificates, and CAs.
 *
 * The worker warns 60, 30 and 7 days ahead, once each, by a line in the log and an event.
 */
#ifndef POMONA_MDM_EXPIRY_H
#define POMONA_MDM_EXPIRY_H

#include "mdm/mdm.h"

enum { EXPIRY_DAYS = 60 /* ahead, the first warning */ };

struct expiry {
	const char *what;      /* identity, push_certificate, authority */
	const char *name;      /* SHA-256 of the identity; the topic; the CA's name */
	const char *whose;     /* the device; the topic; the CA's subject */
	int64_t not_after;     /* milliseconds since 1970; it is ahead */
	int64_t enrollment_no; /* of an identity; else 0 */
	int days;              /* of the warning that is due: 60, 30 or 7 */
};

typedef enum err_kind (*expiry_fn)(const struct expiry *expiry, void *context, struct err *err);

/* Calls EACH for what ends within DAYS, of each kind the MOST that end first. */
enum err_kind expiry_each(
	struct mdm *mdm, int days, int64_t most, expiry_fn each, void *context, struct err *err);

/*
 * Calls EACH for the warnings that are due, MOST of identities at once, and records them as given.
 * *COUNT: how many identities it were; when it is MOST there may be more.  Wants a write
 * transaction when there is one to give.
 */
enum err_kind expiry_warn(struct mdm *mdm, int64_t most, int64_t *count, expiry_fn each,
	void *context, struct err *err);

#endif
