/*
 * queue - a command's life.
 *
 *	queued -> sent -> acknowledged | error | format_error
 *	            `-> not_now -> sent
 *	open -> cancelled | expired | cleared | invalid
 *
 * Order: deferred by NotNow (on Idle only), then sent and not answered, then by priority, first in
 *first out.
 */
#ifndef POMONA_MDM_QUEUE_H
#define POMONA_MDM_QUEUE_H

#include "mdm/catalogue_check.h"
#include "mdm/command_secret.h"
#include "mdm/mdm.h"

/* Is told of each device that a command for all does not go to, because it is none for it. */
typedef void (*queue_refused_fn)(const char *enrollment_id, const char *reason, void *context);

/* A command to be queued: ARGS or a raw plist in BODY. */
struct queue_command {
	const char *request; /* the RequestType, or an alias of it; NULL with a body: taken from
				there */
	const struct plist
		*args; /* dict of the command's keys, as from JSON (data in base64); NULL: none */
	const void *body; /* a whole command plist, kept byte for byte; NULL: built from args when
			     sent */
	size_t body_len;
	const char *origin;          /* "cli", "api" */
	int64_t priority;            /* higher goes first; 0 is usual */
	int64_t not_before, expires; /* milliseconds since 1970; 0: none */
	bool setup; /* a device that waits to be configured gets it before it goes on */

	bool strict;  /* a key that the catalogue does not list is refused, and not only remarked */
	bool checked; /* a body is checked like arguments, and has to fit the device; otherwise it
			 goes as it is */
	bool force;   /* also to a device that does not take such a command */
	struct catalogue_remarks
		*remarks;         /* gets what is odd of the command, and of each device it is
				     delivered to by its id; NULL: nobody wants to know */
	queue_refused_fn refused; /* or NULL */
	void *context;
	const char *const
		*whom;     /* ids and groups, as the operator gave them, for the audit trail */
	size_t whom_count; /* 0: all devices */
};

/* A payload that was stored: one command, for any number of enrollments. */
struct queue_payload {
	int64_t no;
	const char *uuid;
	const char *request;
	const struct catalogue_request *known; /* what a device is checked against; NULL: none is */
	const struct plist *keys;
};

/*
 * Checks the command and stores it, for nobody yet.  A body's CommandUUID is kept, and must not be
 * that of another command (ERR_CONFLICT).  ERR_BAD_INPUT: unknown request, missing key, wrong type,
 * not a command plist; the message names request and key.  One that holds a secret is sealed
 * (mdm/command_secret.h): ERR_BUSY when there is no master key.
 */
enum err_kind queue_payload_add(struct mdm *mdm, const struct queue_command *command,
	struct queue_payload *payload, struct err *err);

/*
 * Queues it for one enrollment.  ERR_NOT_FOUND: unknown id; ERR_CONFLICT: it has this command
 * already; ERR_BAD_INPUT: the device does not take such a command, with the reason (unless `force`,
 * which makes a remark of that).
 */
enum err_kind queue_deliver(struct mdm *mdm, const struct queue_command *command,
	const struct queue_payload *payload, const char *enrollment_id, struct err *err);

/*
 * Queues it for up to LIMIT enrolled device channels whose number is above *AFTER (start with 0),
 * in the order of their numbers; sets *AFTER to the last one and *COUNT to how many it were.  Done
 * when *COUNT is 0.  Those that do not take such a command are passed over, and `refused` is told
 * (unless `force`); a transaction that is rolled back does not take that back.
 */
enum err_kind queue_deliver_all(struct mdm *mdm, const struct queue_command *command,
	const struct queue_payload *payload, int64_t limit, int64_t *after, int64_t *count,
	struct err *err);

/* Cancels an open command by UUID, for one enrollment or (NULL) all that have it; *COUNT: how many
 * it were. */
enum err_kind queue_cancel(struct mdm *mdm, const char *uuid, const char *enrollment_id,
	const char *reason, int64_t *count, struct err *err);

/* Cancels all open commands of an enrollment. */
enum err_kind queue_clear(struct mdm *mdm, const char *enrollment_id, const char *reason,
	int64_t *count, struct err *err);

/* ---- for mdm/connect and mdm/checkin ---- */

/* A command on its way to a device. */
struct queue_delivery {
	int64_t payload_no;
	struct command_kept kept; /* sealed as it is in the store, if it is */
	const char *state;
};

/* The device said Idle: what it answered NotNow to is eligible again. */
enum err_kind queue_undefer(struct mdm *mdm, int64_t enrollment_no, struct err *err);

/* What a device is offered while it waits to be configured (mdm/await.h), and otherwise. */
enum queue_which {
	QUEUE_ANY,
	QUEUE_SETUP,   /* setup commands, and DeviceConfigured and UserConfigured */
	QUEUE_RELEASE, /* these alone */
};

/*
 * The command to offer next; ERR_NOT_FOUND when there is none.  First those answered NotNow in an
 * earlier session, then the one that was sent, then the others; expired ones are passed over.
 */
enum err_kind queue_next(struct mdm *mdm, int64_t enrollment_no, enum queue_which which,
	struct queue_delivery *delivery, struct err *err);

enum err_kind queue_mark_sent(
	struct mdm *mdm, int64_t enrollment_no, int64_t payload_no, struct err *err);

/* Ends an open delivery as STATE; *CHANGED is false when it was not open. */
enum err_kind queue_end(struct mdm *mdm, int64_t enrollment_no, int64_t payload_no,
	const char *state, const char *reason, bool *changed, struct err *err);

enum err_kind queue_mark_not_now(
	struct mdm *mdm, int64_t enrollment_no, int64_t payload_no, bool *changed, struct err *err);

/* Re-enrollment, CheckOut: ends all open commands of the device and its user channels as cleared.
 */
enum err_kind queue_clear_device(
	struct mdm *mdm, int64_t device_no, const char *reason, struct err *err);

/* Housekeeping: ends up to LIMIT commands whose time has run out. */
enum err_kind queue_expire(struct mdm *mdm, int64_t limit, int64_t *count, struct err *err);

#endif
