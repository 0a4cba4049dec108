/*
 * push - who is to be woken, when, and what came of it: one row per enrollment, so that pushes
 * merge.
 *
 * A wish raises `wanted`; a push that APNs took, or the device's own coming, raises `served` to it.
 * `due_at` is when the worker has to look; while a push is under way it is the end of its lease, so
 * that a killed worker loses none.
 *
 * Apple: "Sending notification requests to APNs", "Handling notification responses from APNs".
 */
#ifndef POMONA_MDM_PUSH_H
#define POMONA_MDM_PUSH_H

#include "mdm/mdm.h"

/* Times of pushing, in milliseconds. */
struct push_policy {
	int64_t lease;   /* a push may be under way so long before it is sent again */
	int64_t retry;   /* a device that does not come is pushed again; three times as long each
			    time, a day at most */
	int64_t backoff; /* after a 5xx; doubles, a day at most */
	int64_t backoff_429; /* after a 429 without Retry-After; doubles */
};

/* A push to be sent. */
struct push_job {
	int64_t enrollment_no;
	int64_t wanted, served; /* the counts at the claim */
	int64_t attempts;       /* pushes in a row that brought nothing */
	int64_t failures;
	int64_t claimed_at;
	int64_t token_at; /* when the token came: tells whether there is a newer one */
	const char *id;   /* the enrollment's */
	const void *token;
	size_t token_len;
	const char *magic;
};

/* What APNs said. */
struct push_answer {
	int status;         /* HTTP */
	const char *reason; /* NULL for 200 */
	const char *apns_id;
	int64_t timestamp;   /* of a 410, milliseconds; 0: none */
	int64_t retry_after; /* milliseconds; 0: not said */
};

/* A wish of the operator.  ERR_NOT_FOUND: unknown id; ERR_CONFLICT: it cannot be pushed, with the
 * reason. */
enum err_kind push_want_id(struct mdm *mdm, const char *enrollment_id, struct err *err);

/* A TokenUpdate came: whatever had stopped the pushes is over. */
enum err_kind push_token_updated(struct mdm *mdm, int64_t enrollment_no, struct err *err);

/* The enrollment of a device and its user channels began anew or ended: nothing is wanted. */
enum err_kind push_cancel(struct mdm *mdm, int64_t device_no, struct err *err);

/*
 * The device is here.  MORE: it was given a command and comes again for the next; BEGINS: this is
 * its first report.  Writes nothing when nothing would change.
 *
 * When it leaves commands behind (it answered NotNow) it is pushed again at intervals that go on
 * growing: Apple's devices come by themselves when they are free.
 */
enum err_kind push_device_came(
	struct mdm *mdm, int64_t enrollment_no, bool more, bool begins, struct err *err);

/* ---- for the worker ---- */

/*
 * Claims up to MOST due pushes of the topic into JOBS (in the arena); *COUNT of them.  Rows for
 * which nothing can or need be sent are put aside on the way.
 */
enum err_kind push_claim(struct mdm *mdm, const struct push_policy *policy, const char *topic,
	struct push_job *jobs, size_t most, size_t *count, struct err *err);

/* When the topic's next row is due; 0: never. */
enum err_kind push_next_due(struct mdm *mdm, const char *topic, int64_t *due, struct err *err);

/*
 * Records what APNs said; *STOPPED: no further pushes to this enrollment until its TokenUpdate.  An
 * answer about a token that has been replaced since is passed over, and the push is due again.
 */
enum err_kind push_record(struct mdm *mdm, const struct push_policy *policy,
	const struct push_job *job, const struct push_answer *answer, bool *stopped,
	struct err *err);

/* No answer came: it is due again at once, and nothing is counted. */
enum err_kind push_give_back(struct mdm *mdm, const struct push_job *job, struct err *err);

/* It cannot be sent at all, for this reason; until the next TokenUpdate. */
enum err_kind push_refuse(
	struct mdm *mdm, const struct push_job *job, const char *reason, struct err *err);

#endif
