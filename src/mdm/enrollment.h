/*
 * enrollment - a device or user channel, and who may speak for it.
 *
 * The id is NanoMDM's: UDID; UDID:UserID; UDID:UserShortName when UserID is all F's (Shared iPad);
 * EnrollmentID; EnrollmentID:EnrollmentUserID.
 *
 * Who may speak for it: the certificate that is pinned to it (mdm/pin.h).
 */
#ifndef POMONA_MDM_ENROLLMENT_H
#define POMONA_MDM_ENROLLMENT_H

#include "mdm/mdm.h"
#include "mdm/pin.h"

enum enrollment_kind {
	ENROLLMENT_DEVICE,
	ENROLLMENT_USER,
	ENROLLMENT_SHARED_IPAD,            /* a user of a Shared iPad */
	ENROLLMENT_USER_ENROLLMENT_DEVICE, /* the device channel of a User Enrollment */
	ENROLLMENT_USER_ENROLLMENT,        /* its user channel */
};

enum { ENROLLMENT_ID_MOST = 255 }; /* bytes of an id */

/* Who a message says it is from. */
struct enrollment_ids {
	enum enrollment_kind kind;
	const char *id;        /* the enrollment id */
	const char *device_id; /* of the device channel; the same as `id` when it is one */
	const char *udid;      /* or NULL */
	const char *user_id, *user_short_name, *user_long_name; /* or NULL */
	const char *auth_token; /* what a user who has authenticated was given; or NULL */
};

struct enrollment {
	int64_t no;
	const char *id;
	int64_t device_no; /* 0: this is a device channel */
	const char *kind;
	const char *state; /* authenticating, enrolled, checked_out */
	bool blocked;
	const char *serial;
	const char *topic;
	const char *certificate;  /* the pin, of the device channel; NULL: none */
	int64_t identity_expires; /* the pin's end; 0: not known */
	const char *device_state;
	int64_t last_seen;   /* milliseconds since 1970; 0: never */
	bool has_commands;   /* some that may go now */
	bool has_sent;       /* one of them is on its way */
	bool awaiting;       /* it waits to be configured */
	int64_t await_until; /* setup commands hold that back until then at most; 0: they do not */
	const char *auth_token; /* what its messages have to hold, see mdm/login.h */
	bool is_awaited;        /* it has been pushed again and again: its coming is to be noted */
};

/* "device", "user", … as in the view. */
const char *enrollment_kind_name(enum enrollment_kind kind);

/* "17.5.1" -> 17; 0 when it does not begin with a number of a sensible size. */
int64_t enrollment_os_major(const char *os_version);

/*
 * Reads the ids out of a message.  ERR_BAD_INPUT when there is none, or one is empty, over-long or
 * holds a control character; or when a device's holds a colon, with which it could be the id of
 * another device's user channel.
 */
enum err_kind enrollment_ids_of(struct arena *arena, const struct plist *message,
	struct enrollment_ids *ids, struct err *err);

/* ERR_NOT_FOUND when there is none. */
enum err_kind enrollment_find(
	struct mdm *mdm, const char *id, struct enrollment *enrollment, struct err *err);

/* Is the certificate pinned to any enrollment, or about to take such a pin over? */
enum err_kind enrollment_knows_certificate(
	struct mdm *mdm, const char *certificate, bool *known, struct err *err);

/*
 * Finds the enrollment of IDS and checks the pin, as pin_check() does.  ERR_FORBIDDEN when it is
 * unknown, blocked, or somebody else's; or when a user has to authenticate and has not.
 */
enum err_kind enrollment_bind(struct mdm *mdm, const struct enrollment_ids *ids,
	const struct pin_caller *caller, struct enrollment *enrollment, struct err *err);

#endif
