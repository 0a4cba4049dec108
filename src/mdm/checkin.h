/*
 * checkin - the check-in messages: a device comes, gives its push token, goes.
 *
 * One row of a table per MessageType (Apple: "Check-in").
 */
#ifndef POMONA_MDM_CHECKIN_H
#define POMONA_MDM_CHECKIN_H

#include <stdbool.h>

#include "mdm/enrollment.h"
#include "mdm/errand.h"
#include "mdm/mdm.h"
#include "mdm/pin.h"

/* What is left to be done when the transaction of a message has ended. */
struct checkin_after {
	struct errand errand; /* its `finish` is NULL: nothing */
	const char *remark;   /* for the log; or NULL */
};

struct checkin {
	const struct plist *message;
	const void *raw; /* the message as it came */
	size_t raw_len;
	struct pin_caller caller;    /* whose certificate has been verified */
	struct checkin_after *after; /* filled in; NULL: nobody goes on with it */
};

/* Does the message, as a rule, only read?  One that has to write after all is started over. */
bool checkin_only_reads(const struct plist *message);

/*
 * Does what the message asks for.  ERR_BAD_INPUT: unknown MessageType, a key missing or of the
 * wrong type; ERR_FORBIDDEN: not who may say this, or refused by the operator's rules.
 * ENROLLMENT_ID gets who it was, as soon as it is known (for the log).  REPLY stays empty, or gets
 * the plist the message asked for; unless that is to be had from a back-end, of which
 * CHECKIN->after tells then.
 */
enum err_kind checkin_handle(struct mdm *mdm, const struct checkin *checkin, struct buf *reply,
	const char **enrollment_id, struct err *err);

#endif
