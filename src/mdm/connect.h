/*
 * connect - a result comes in, the next command goes out.
 *
 * Apple: "Sending MDM Commands to a Device"; the Status of a report is Idle, Acknowledged, Error,
 * CommandFormatError or NotNow.
 */
#ifndef POMONA_MDM_CONNECT_H
#define POMONA_MDM_CONNECT_H

#include "mdm/mdm.h"
#include "mdm/pin.h"

/* Where a message that holds a secret is sealed for; the numbers are those of enrollment and
 * payload.
 */
#define CONNECT_RAW_PLACE "answer_secret/raw/%lld/%lld"

struct connect {
	const struct plist *message;
	const void *raw;
	size_t raw_len;
	struct pin_caller caller; /* whose certificate has been verified */
};

/* What the log wants to know. */
struct connect_note {
	const char *enrollment_id;
	const char *status;
	const char *answered; /* UUID of the command that was answered */
	const char *offered;  /* UUID of the command that goes out */
	const char *remark;   /* "repeated", "unknown command", …; or NULL */
};

/*
 * Takes the report; REPLY gets the next command's plist, or stays empty.  An Idle with nothing
 * waiting only reads; everything else needs a write transaction and gives ERR_NEEDS_WRITE in a read
 * one.
 */
enum err_kind connect_handle(struct mdm *mdm, const struct connect *connect, struct buf *reply,
	struct connect_note *note, struct err *err);

#endif
