/*
 * event - the outbox of what happened: one row each, written in the transaction of what caused it.
 */
#ifndef POMONA_MDM_EVENT_H
#define POMONA_MDM_EVENT_H

#include "mdm/mdm.h"

/* Where a raw message is sealed for; the number is the enrollment's. */
#define EVENT_RAW_PLACE "event_log/raw/%lld"

/* What happened; the text in column `kind` of the view `event`. */
enum event_kind {
	EVENT_AUTHENTICATE,
	EVENT_TOKEN_UPDATE,
	EVENT_CHECK_OUT,
	EVENT_BOOTSTRAP_TOKEN,
	EVENT_USER_AUTHENTICATE,
	EVENT_AWAIT_RELEASED,  /* a device that waited to be configured is told to go on */
	EVENT_PUSH_STOPPED,    /* no pushes to this enrollment until its next TokenUpdate */
	EVENT_TOPIC_STOPPED,   /* APNs refuses the certificate of a topic */
	EVENT_COMMAND_INVALID, /* a command could not be built */
	EVENT_SETTING,
	EVENT_PROFILE,          /* an enrollment profile was made */
	EVENT_IDENTITY_PINNED,  /* a migrated device has shown its certificate */
	EVENT_IDENTITY_RENEWED, /* a newer identity has taken the pin over */
	EVENT_IDENTITY_REVOKED,
	EVENT_EXPIRES,           /* a certificate ends soon */
	EVENT_GET_TOKEN,         /* a device asks for a service's token */
	EVENT_RELAY_FAILED,      /* a back-end did not answer; one of many */
	EVENT_RETURN_TO_SERVICE, /* a device asks what to do when it erases itself */
	EVENT_TOKEN_SERVICE,     /* who makes a service's tokens was changed */
	EVENT_CA,                /* a CA was made, imported, activated or retired */
	EVENT_ESCROW, /* a secret of a device was kept, was cleared, or could not be decrypted */
	EVENT_SECRET_SHOWN, /* … was shown to somebody */
};

/*
 * ENROLLMENT_NO may be 0.  DETAIL is a JSON object or NULL; no secrets.  RAW (may be NULL), the
 * message as it came, is sealed.
 */
enum err_kind event_add(struct mdm *mdm, enum event_kind kind, int64_t enrollment_no,
	const char *detail, const void *raw, size_t raw_len, struct err *err);

#endif
