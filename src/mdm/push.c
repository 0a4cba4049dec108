/*
 * The push rows: wishes come in from SQL, from check-ins and from the command line; the worker
 * takes them out.
 */
#include "mdm/push.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mdm/event.h"

enum { DETAIL_MOST = 4096 };

static const int64_t DAY_MS = 24 * 3600 * 1000;

/* BASE × FACTOR^N, a day at most. */
static int64_t
grown(int64_t base, int64_t factor, int64_t n)
{
	while (n-- > 0 && base < DAY_MS)
		base *= factor;
	return base < DAY_MS ? base : DAY_MS;
}

/* ---- wishes ---- */

enum err_kind
push_want_id(struct mdm *mdm, const char *enrollment_id, struct err *err)
{
	struct db_row row;
	enum err_kind kind =
		db_first(mdm->db, SQL_PUSH_TARGET, DB_ARGS(DB_TEXT(enrollment_id)), &row, err);

	if (kind == ERR_NOT_FOUND)
		return err_set(err, kind, "unknown device %s", enrollment_id);
	if (kind != ERR_OK)
		return kind;
	if (strcmp(db_text(&row, 1), "enrolled") != 0 || db_int(&row, 3) == 0)
		return err_set(err, ERR_CONFLICT, "%s is not enrolled (%s)", enrollment_id,
			db_text(&row, 1));
	if (db_int(&row, 2) != 0)
		return err_set(err, ERR_CONFLICT, "%s is blocked", enrollment_id);
	if (!db_is_null(&row, 4))
		return err_set(err, ERR_CONFLICT,
			"%s: APNs said %s; it is pushed again after its next TokenUpdate",
			enrollment_id, db_text(&row, 4));
	return db_run(mdm->db, SQL_PUSH_WANT, DB_ARGS(DB_INT(db_int(&row, 0)), DB_INT(clock_now())),
		NULL, err);
}

enum err_kind
push_token_updated(struct mdm *mdm, int64_t enrollment_no, struct err *err)
{
	return db_run(mdm->db, SQL_PUSH_REVIVE, DB_ARGS(DB_INT(enrollment_no), DB_INT(clock_now())),
		NULL, err);
}

enum err_kind
push_cancel(struct mdm *mdm, int64_t device_no, struct err *err)
{
	enum err_kind kind =
		db_run(mdm->db, SQL_PUSH_CANCEL, DB_ARGS(DB_INT(device_no)), NULL, err);

	return kind == ERR_OK ? db_run(mdm->db, SQL_PUSH_CANCEL_USERS, DB_ARGS(DB_INT(device_no)),
					NULL, err)
			      : kind;
}

/* Is there a command that may go now, and when may the first of the others?  0: never. */
static enum err_kind
look_at_queue(struct mdm *mdm, int64_t enrollment_no, int64_t now, bool *open, int64_t *later,
	struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(
		mdm->db, SQL_PUSH_HAS_OPEN, DB_ARGS(DB_INT(enrollment_no), DB_INT(now)), &row, err);

	*open = kind == ERR_OK;
	*later = 0;
	if (kind != ERR_OK && kind != ERR_NOT_FOUND)
		return kind;
	kind = db_first(
		mdm->db, SQL_PUSH_LATER, DB_ARGS(DB_INT(enrollment_no), DB_INT(now)), &row, err);
	if (kind == ERR_OK)
		*later = db_int(&row, 0);
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

enum err_kind
push_device_came(struct mdm *mdm, int64_t enrollment_no, bool more, bool begins, struct err *err)
{
	int64_t now = clock_now(), next = 0, attempts, later;
	struct db_row row;
	bool open;
	enum err_kind kind;

	if (more && !begins)
		return ERR_OK; /* in the middle of a session */
	kind = db_first(mdm->db, SQL_PUSH_STATE, DB_ARGS(DB_INT(enrollment_no)), &row, err);
	if (kind != ERR_OK)
		return kind == ERR_NOT_FOUND ? ERR_OK : kind;
	/* An Idle that finds nothing: a wish of the operator stays, and there is nothing else to
	 * note. */
	if (!more && begins && (db_is_null(&row, 0) || db_int(&row, 2) == 0))
		return ERR_OK;
	attempts = db_int(&row, 2);
	/* It has just been pushed for the first time: the next push is about right. */
	if (more && db_int(&row, 1) == 0 && db_int(&row, 3) == db_int(&row, 4) &&
		db_int(&row, 0) > now + mdm->push_retry / 2 &&
		db_int(&row, 0) <= now + mdm->push_retry)
		return ERR_OK;
	if (!more && db_is_null(&row, 0) && attempts == 0 && db_int(&row, 3) == db_int(&row, 4))
		return ERR_OK;
	kind = look_at_queue(mdm, enrollment_no, now, &open, &later, err);
	if (kind != ERR_OK)
		return kind;
	if (open)
		next = now + (begins ? mdm->push_retry : grown(mdm->push_retry, 3, attempts));
	else
		attempts = 0;
	if (later != 0 && (next == 0 || later < next))
		next = later;
	return db_run(mdm->db, SQL_PUSH_CAME,
		DB_ARGS(DB_INT(enrollment_no), DB_TIME(next), DB_INT(attempts)), NULL, err);
}

/* ---- the worker ---- */

static enum err_kind
open_magic(struct mdm *mdm, const struct db_row *row, struct push_job *job, struct err *err)
{
	const char *place = arena_printf(mdm->arena, "enrollment/push_magic/%s", job->id);
	unsigned char *magic;
	enum err_kind kind;
	size_t len;
	const void *closed = db_blob(row, 6, &len);

	if (closed == NULL)
		return err_set(err, ERR_NOT_FOUND, "no PushMagic");
	kind = seal_open(mdm->key, mdm->arena, place, closed, len, &magic, &len, err);
	if (kind == ERR_OK)
		job->magic = arena_memdup(mdm->arena, magic, len);
	return kind;
}

/* Takes a due row into JOB, or puts it aside; *TAKEN tells which. */
static enum err_kind
claim_row(struct mdm *mdm, const struct db_row *row, int64_t lease, struct push_job *job,
	bool *taken, struct err *err)
{
	int64_t now = clock_now(), changed = 0;
	const char *reason = NULL;
	bool needed = db_int(row, 9) != 0;
	enum err_kind kind = ERR_OK;
	struct err why;

	*job = (struct push_job){.enrollment_no = db_int(row, 0),
		.wanted = db_int(row, 1),
		.served = db_int(row, 10),
		.attempts = db_int(row, 2),
		.failures = db_int(row, 3),
		.claimed_at = now,
		.token_at = db_int(row, 7),
		.id = db_text(row, 4)};
	job->token = db_blob(row, 5, &job->token_len);
	*taken = false;
	if (db_int(row, 8) == 0)
		reason = "not enrolled";
	else
		kind = open_magic(mdm, row, job, &why);
	if (kind == ERR_BUSY) /* there is no master key for the moment */
		return err_set(err, kind, "%s", why.message);
	if (kind != ERR_OK)
		reason = "PushMagic cannot be opened with this master key";
	if (reason != NULL || !needed)
		return db_run(mdm->db, SQL_PUSH_PARK,
			DB_ARGS(DB_INT(job->enrollment_no), DB_TEXT(reason)), NULL, err);
	kind = db_run(mdm->db, SQL_PUSH_CLAIM,
		DB_ARGS(DB_INT(job->enrollment_no), DB_INT(now + lease), DB_INT(now)), &changed,
		err);
	*taken = kind == ERR_OK && changed > 0;
	return kind;
}

struct due_list {
	struct db_row *rows;
	size_t count;
};

static enum err_kind
collect(const struct db_row *row, void *context, struct err *err)
{
	struct due_list *list = context;

	(void)err;
	list->rows[list->count++] = *row;
	return ERR_OK;
}

enum err_kind
push_claim(struct mdm *mdm, const struct push_policy *policy, const char *topic,
	struct push_job *jobs, size_t most, size_t *count, struct err *err)
{
	struct due_list due = {.rows = arena_calloc(mdm->arena, most, sizeof(struct db_row))};
	enum err_kind kind;
	bool taken;

	/* The rows are read first: claiming moves them in the index that is being read. */
	kind = db_each(mdm->db, SQL_PUSH_DUE,
		DB_ARGS(DB_TEXT(topic), DB_INT(clock_now()), DB_INT((int64_t)most)), collect, &due,
		err);
	*count = 0;
	for (size_t i = 0; i < due.count && kind == ERR_OK; i++) {
		kind = claim_row(mdm, &due.rows[i], policy->lease, &jobs[*count], &taken, err);
		if (kind == ERR_OK && taken)
			++*count;
	}
	return kind;
}

enum err_kind
push_next_due(struct mdm *mdm, const char *topic, int64_t *due, struct err *err)
{
	struct db_row row;
	enum err_kind kind =
		db_first(mdm->db, SQL_PUSH_NEXT_DUE, DB_ARGS(DB_TEXT(topic)), &row, err);

	*due = kind == ERR_OK ? db_int(&row, 0) : 0;
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

/* Within a fifth of MS, so that many do not come back at the same moment. */
static int64_t
jittered(int64_t ms)
{
	char uuid[CLOCK_UUID_SIZE];
	long byte;

	clock_uuid(uuid)[2] = '\0';
	byte = strtol(uuid, NULL, 16);
	return ms + ms * (byte - 128) / 640;
}

static enum err_kind
record_sent(struct mdm *mdm, const struct push_policy *policy, const struct push_job *job,
	const struct push_answer *answer, struct err *err)
{
	int64_t now = clock_now(), next = 0, wanted, served, attempts, later;
	struct db_row state;
	bool open;
	enum err_kind kind;

	/* The push was for what could go when it was claimed; the answer may have waited for a full
	 * disk.  What could go only later is due then, or at once. */
	kind = db_first(mdm->db, SQL_PUSH_STATE, DB_ARGS(DB_INT(job->enrollment_no)), &state, err);
	if (kind == ERR_OK)
		kind = look_at_queue(mdm, job->enrollment_no, job->claimed_at, &open, &later, err);
	if (kind != ERR_OK)
		return kind == ERR_NOT_FOUND ? ERR_OK : kind;
	wanted = db_int(&state, 3);
	served = db_int(&state, 4);
	/* A new wish begins anew. */
	attempts = job->served >= job->wanted ? job->attempts + 1 : 0;
	if (served < job->wanted)
		served = job->wanted;
	if (wanted > served)
		next = now;
	else if (open)
		next = now + grown(policy->retry, 3, attempts);
	if (later != 0 && (next == 0 || later < next))
		next = later;
	return db_run(mdm->db, SQL_PUSH_SENT,
		DB_ARGS(DB_INT(job->enrollment_no), DB_TIME(next), DB_INT(attempts), DB_INT(served),
			DB_TEXT(answer->apns_id), DB_INT(now)),
		NULL, err);
}

/* Reasons after which Apple wants no second try. */
static bool
is_final(const struct push_answer *answer)
{
	static const char *const reasons[] = {"BadDeviceToken", "DeviceTokenNotForTopic",
		"ExpiredToken", "Unregistered", "PayloadTooLarge"};

	if (answer->status == 410)
		return true;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (answer->reason != NULL && strcmp(answer->reason, reasons[i]) == 0)
			return true;
	return false;
}

enum err_kind
push_give_back(struct mdm *mdm, const struct push_job *job, struct err *err)
{
	return db_run(mdm->db, SQL_PUSH_AGAIN,
		DB_ARGS(DB_INT(job->enrollment_no), DB_INT(clock_now())), NULL, err);
}

static enum err_kind
record_failed(struct mdm *mdm, const struct push_job *job, const struct push_answer *answer,
	int64_t due, bool stop, struct err *err)
{
	const char *reason = answer->reason != NULL ? answer->reason : "no reason given";
	struct plist *detail = plist_dict(mdm->arena);
	struct buf json;
	enum err_kind kind = db_run(mdm->db, SQL_PUSH_FAILED,
		DB_ARGS(DB_INT(job->enrollment_no), DB_TIME(stop ? 0 : due),
			DB_INT(job->failures + 1), DB_TIME(answer->status), DB_TEXT(reason),
			DB_TEXT(stop ? reason : NULL)),
		NULL, err);

	if (kind != ERR_OK || !stop)
		return kind;
	plist_set(mdm->arena, detail, "status", plist_integer(mdm->arena, answer->status));
	plist_set(mdm->arena, detail, "reason", plist_string(mdm->arena, reason));
	buf_init(&json, mdm->arena, DETAIL_MOST);
	plist_write_json(&json, detail, false);
	return event_add(mdm, EVENT_PUSH_STOPPED, job->enrollment_no, json.full ? NULL : json.bytes,
		NULL, 0, err);
}

enum err_kind
push_refuse(struct mdm *mdm, const struct push_job *job, const char *reason, struct err *err)
{
	const struct push_answer answer = {.reason = reason};

	return record_failed(mdm, job, &answer, 0, true, err);
}

enum err_kind
push_record(struct mdm *mdm, const struct push_policy *policy, const struct push_job *job,
	const struct push_answer *answer, bool *stopped, struct err *err)
{
	struct db_row row;
	int64_t wait;
	enum err_kind kind = db_first(
		mdm->db, SQL_PUSH_TOKEN_TIME, DB_ARGS(DB_INT(job->enrollment_no)), &row, err);

	*stopped = false;
	if (kind != ERR_OK)
		return kind == ERR_NOT_FOUND ? ERR_OK : kind;
	if (db_int(&row, 0) > job->token_at)
		return push_give_back(mdm, job, err);
	if (answer->status == 200)
		return record_sent(mdm, policy, job, answer, err);
	/* Apple: a token that came after the timestamp is good. */
	*stopped = is_final(answer) &&
		   !(answer->timestamp != 0 && answer->timestamp < db_int(&row, 0));
	wait = jittered(grown(
		answer->status == 429 ? policy->backoff_429 : policy->backoff, 2, job->failures));
	if (answer->retry_after > 0) /* not before that, and not all at once behind it */
		wait = answer->retry_after + jittered(answer->retry_after) / 5;
	return record_failed(mdm, job, answer, clock_now() + wait, *stopped, err);
}
