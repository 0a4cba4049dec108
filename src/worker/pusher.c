#include "worker/pusher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "mdm/push.h"
#include "mdm/push_certificate.h"
#include "worker/apns.h"

enum {
	RESULTS_MOST = 1024, /* answers that wait for being recorded */
	PAUSE_FIRST_MS = 100,
	PAUSE_MOST_MS = 60 * 1000,
	STORE_PAUSE_MOST_MS = 10 * 1000,
	SHARED_WAIT_MS = 5, /* with several connections at work, as a wait is for one only */
};

struct line {
	struct line *next;
	char *topic;
	struct apns *apns; /* NULL: the certificate cannot be opened */
	int64_t imported_at, not_after;
	int64_t next_due;              /* of the topic's pushes; 0: none */
	int64_t pause_ms, pause_until; /* after a connection that failed */
	bool wanted;                   /* there is a certificate for it, as far as looked at … */
	bool usable;                   /* … and at the end of the look; else it ends */
	char refused[160];             /* why the certificate is to be stopped; "": it is not */
};

/* An answer that is not in the store yet. */
struct pending {
	struct apns_result result;
};

/* What a round has claimed for a line. */
struct claim {
	struct line *line;
	struct push_job *jobs;
	size_t count;
	struct claim *next;
};

struct pusher {
	struct mdm *mdm;
	const struct conf *conf;
	struct push_policy policy;
	struct line *lines;
	struct arena answers; /* holds what is pending */
	struct pending pending[RESULTS_MOST];
	size_t pending_count;
	bool look; /* the store may have changed */
	bool told_empty;
	int64_t store_pause_ms, store_pause_until; /* while it cannot be written */
};

struct pusher *
pusher_new(struct mdm *mdm, const struct conf *conf)
{
	struct pusher *pusher = calloc(1, sizeof(*pusher));

	if (pusher == NULL)
		abort();
	pusher->mdm = mdm;
	pusher->conf = conf;
	pusher->policy = (struct push_policy){.lease = conf->lease * 1000,
		.retry = conf->retry * 1000,
		.backoff = conf->backoff * 1000,
		.backoff_429 = conf->backoff_429 * 1000};
	pusher->look = true;
	arena_init(&pusher->answers);
	return pusher;
}

static void
line_free(struct line *line)
{
	apns_free(line->apns);
	free(line->topic);
	free(line);
}

void
pusher_free(struct pusher *pusher)
{
	for (struct line *line = pusher->lines, *next; line != NULL; line = next) {
		next = line->next;
		line_free(line);
	}
	arena_release(&pusher->answers);
	free(pusher);
}

static size_t
in_flight(const struct line *line)
{
	return line->apns == NULL ? 0 : apns_in_flight(line->apns);
}

/* ---- the lines: one for each certificate that can be used ---- */

/* A certificate that can never be used gets a line without a connection, and is told once. */
static enum err_kind
line_new(struct pusher *pusher, const struct push_certificate *certificate, struct err *err)
{
	const struct apns_options options = {.url = pusher->conf->apns_url,
		.ca = pusher->conf->apns_ca,
		.streams = pusher->conf->streams,
		.timeout_ms = pusher->conf->lease * 1000 * 2 / 3};
	struct line *line = calloc(1, sizeof(*line));
	struct x509_identity identity;
	enum err_kind kind;

	if (line == NULL || (line->topic = strdup(certificate->topic)) == NULL)
		abort();
	line->imported_at = certificate->imported_at;
	line->not_after = certificate->not_after;
	line->wanted = true;
	kind = push_certificate_load(pusher->mdm, line->topic, &identity, err);
	if (kind == ERR_BUSY) {
		line_free(line);
		return kind;
	}
	if (kind == ERR_OK)
		line->apns = apns_new(&options, line->topic, &identity);
	else
		log_line(LOG_ERROR, "a push certificate cannot be used", "topic", line->topic,
			"error", err == NULL ? "" : err->message, NULL);
	line->next = pusher->lines;
	pusher->lines = line;
	return ERR_OK;
}

static enum err_kind
keep_line(const struct push_certificate *certificate, void *context, struct err *err)
{
	struct pusher *pusher = context;

	for (struct line *line = pusher->lines; line != NULL; line = line->next)
		if (line->imported_at == certificate->imported_at &&
			strcmp(line->topic, certificate->topic) == 0) {
			line->wanted = true;
			return ERR_OK;
		}
	return line_new(pusher, certificate, err);
}

/* Which certificates are there, and is anything due?  Reads only, so that an idle worker never
 * takes the write lock. */
static void
look(struct pusher *pusher)
{
	struct mdm *mdm = pusher->mdm;
	struct err err = {0};
	enum err_kind kind = db_begin(mdm->db, DB_READ, &err);

	if (kind == ERR_OK) {
		for (struct line *line = pusher->lines; line != NULL; line = line->next)
			line->wanted = false;
		kind = push_certificate_each_usable(mdm, keep_line, pusher, &err);
		for (struct line *line = pusher->lines; line != NULL && kind == ERR_OK;
			line = line->next)
			kind = push_next_due(mdm, line->topic, &line->next_due, &err);
		db_rollback(mdm->db);
	}
	for (struct line *line = pusher->lines; line != NULL && kind == ERR_OK; line = line->next)
		line->usable = line->wanted;
	if (kind == ERR_OK && pusher->lines == NULL && !pusher->told_empty) {
		log_line(LOG_WARNING, "there is no push certificate: nothing can be pushed", NULL);
		pusher->told_empty = true;
	}
	pusher->look = kind != ERR_OK; /* then once more */
	if (kind != ERR_OK)
		log_line(LOG_WARNING, "the store cannot be read", "error", err.message, NULL);
}

/* Those whose certificate was replaced or stopped, once nothing of theirs is left. */
static void
drop_unusable(struct pusher *pusher)
{
	struct line **at = &pusher->lines;

	while (*at != NULL) {
		struct line *line = *at;

		if (line->usable || in_flight(line) > 0) {
			at = &line->next;
			continue;
		}
		*at = line->next;
		line_free(line);
	}
}

static bool
is_due(const struct line *line, int64_t now)
{
	return line->usable && line->apns != NULL && line->refused[0] == '\0' &&
	       line->pause_until <= now && line->next_due != 0 && line->next_due <= now &&
	       apns_room(line->apns) > 0;
}

static void
check_expiry(struct line *line, int64_t now)
{
	char when[CLOCK_ISO_SIZE];

	if (line->usable && line->refused[0] == '\0' && line->not_after <= now)
		snprintf(line->refused, sizeof(line->refused), "it has expired on %s",
			clock_iso(line->not_after, when));
}

/* ---- answers ---- */

static int64_t
longer_pause(int64_t ms, int64_t most)
{
	if (ms == 0)
		return PAUSE_FIRST_MS;
	return ms * 2 < most ? ms * 2 : most;
}

static void
note_connection(struct line *line, const struct apns_result *result)
{
	int64_t now = clock_now();

	if (result->outcome == APNS_ANSWERED)
		line->pause_ms = 0;
	if (result->outcome != APNS_LOST || line->pause_until > now)
		return; /* the many pushes of one connection count once */
	line->pause_ms = longer_pause(line->pause_ms, PAUSE_MOST_MS);
	line->pause_until = now + line->pause_ms;
	log_line(LOG_WARNING, "the connection to APNs was lost", "topic", line->topic, "error",
		result->error, NULL);
}

/* What is wrong with the certificate or its topic and not with a device; NULL: nothing. */
static const char *
certificate_error(const struct apns_result *result)
{
	static const char *const reasons[] = {"TopicDisallowed", "BadTopic", "MissingTopic"};
	const char *reason = result->answer.reason;

	if (result->outcome == APNS_REFUSED)
		return result->error;
	if (result->outcome != APNS_ANSWERED)
		return NULL;
	if (result->answer.status == 403)
		return reason != NULL ? reason : "status 403";
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]) && reason != NULL; i++)
		if (strcmp(reason, reasons[i]) == 0)
			return reason;
	return NULL;
}

/* Takes what has ended off the connections. */
static void
collect(struct pusher *pusher)
{
	for (struct line *line = pusher->lines; line != NULL; line = line->next) {
		if (line->apns == NULL || pusher->pending_count == RESULTS_MOST)
			continue;
		apns_work(line->apns);
		while (pusher->pending_count < RESULTS_MOST) {
			struct pending *pending = &pusher->pending[pusher->pending_count];
			const char *why;

			if (!apns_next(line->apns, &pusher->answers, &pending->result))
				break;
			pusher->pending_count++;
			note_connection(line, &pending->result);
			why = certificate_error(&pending->result);
			if (why != NULL && line->refused[0] == '\0')
				snprintf(line->refused, sizeof(line->refused), "%s", why);
		}
	}
}

/* ---- the transaction of a round ---- */

static enum err_kind
record_one(struct pusher *pusher, const struct pending *pending, struct err *err)
{
	const struct apns_result *result = &pending->result;
	bool stopped = false;
	char status[16];
	enum err_kind kind;

	if (result->outcome != APNS_ANSWERED || certificate_error(result) != NULL)
		return push_give_back(pusher->mdm, &result->job, err);
	if (result->answer.status == 0) /* see not_sent() */
		return push_refuse(pusher->mdm, &result->job, result->answer.reason, err);
	kind = push_record(
		pusher->mdm, &pusher->policy, &result->job, &result->answer, &stopped, err);
	snprintf(status, sizeof(status), "%d", result->answer.status);
	if (kind == ERR_OK && result->answer.status != 200)
		log_line(LOG_WARNING, "APNs did not take a push", "device", result->id, "status",
			status, "reason", result->answer.reason, "stopped", stopped ? "yes" : "no",
			NULL);
	return kind;
}

static enum err_kind
record(struct pusher *pusher, struct err *err)
{
	enum err_kind kind = ERR_OK;

	for (size_t i = 0; i < pusher->pending_count && kind == ERR_OK; i++)
		kind = record_one(pusher, &pusher->pending[i], err);
	for (struct line *line = pusher->lines; line != NULL && kind == ERR_OK; line = line->next)
		if (line->refused[0] != '\0' && line->usable)
			kind = push_certificate_stop(
				pusher->mdm, line->topic, line->imported_at, line->refused, err);
	return kind;
}

static enum err_kind
claim_due(struct pusher *pusher, struct claim **claims, struct err *err)
{
	int64_t now = clock_now();
	enum err_kind kind = ERR_OK;

	for (struct line *line = pusher->lines; line != NULL && kind == ERR_OK; line = line->next) {
		struct claim *claim;
		size_t most;

		if (!is_due(line, now))
			continue;
		most = apns_room(line->apns);
		claim = arena_alloc(pusher->mdm->arena, sizeof(*claim));
		*claim = (struct claim){.line = line,
			.jobs = arena_calloc(pusher->mdm->arena, most, sizeof(*claim->jobs)),
			.next = *claims};
		*claims = claim;
		kind = push_claim(pusher->mdm, &pusher->policy, line->topic, claim->jobs, most,
			&claim->count, err);
		if (kind == ERR_OK)
			kind = push_next_due(pusher->mdm, line->topic, &line->next_due, err);
	}
	return kind;
}

static enum err_kind
write_round(struct pusher *pusher, bool claim, struct claim **claims, struct err *err)
{
	struct db *db = pusher->mdm->db;
	enum err_kind kind = db_begin(db, DB_WRITE, err);

	if (kind != ERR_OK)
		return kind;
	kind = record(pusher, err);
	if (kind == ERR_OK && claim)
		kind = claim_due(pusher, claims, err);
	if (kind == ERR_OK)
		return db_commit(db, err);
	db_rollback(db);
	return kind;
}

/* All answers are in the store. */
static void
recorded(struct pusher *pusher)
{
	for (struct line *line = pusher->lines; line != NULL; line = line->next)
		if (line->refused[0] != '\0' && line->usable) {
			log_line(LOG_ERROR, "the push certificate cannot be used any more", "topic",
				line->topic, "error", line->refused, NULL);
			line->usable = false;
		}
	pusher->pending_count = 0;
	arena_reset(&pusher->answers);
}

/* ---- out ---- */

/* One that can never be sent, or cannot be now, becomes an answer of the next round. */
static void
not_sent(
	struct pusher *pusher, struct line *line, const struct push_job *job, const struct err *err)
{
	struct pending *pending;

	log_line(LOG_WARNING, "a push cannot be sent", "device", job->id, "error", err->message,
		NULL);
	if (pusher->pending_count == RESULTS_MOST)
		return; /* the end of its lease brings it again */
	pending = &pusher->pending[pusher->pending_count++];
	*pending = (struct pending){.result = {.job = *job,
					    .id = arena_strdup(&pusher->answers, job->id),
					    .outcome = APNS_LOST,
					    .error = ""}};
	if (err->kind != ERR_BAD_INPUT)
		note_connection(line, &pending->result); /* not at once again */
	else {
		pending->result.outcome = APNS_ANSWERED;
		pending->result.answer.reason = arena_strdup(&pusher->answers, err->message);
	}
}

static void
send_claim(struct pusher *pusher, const struct claim *claim)
{
	for (size_t i = 0; i < claim->count; i++) {
		struct err err = {0};

		if (apns_send(claim->line->apns, pusher->mdm->arena, &claim->jobs[i], &err) !=
			ERR_OK)
			not_sent(pusher, claim->line, &claim->jobs[i], &err);
	}
	apns_work(claim->line->apns); /* off they go */
}

void
pusher_round(struct pusher *pusher, bool claim)
{
	struct claim *claims = NULL;
	int64_t now = clock_now();
	bool due = false, refused = false;
	struct err err = {0};

	collect(pusher);
	drop_unusable(pusher);
	if (claim && (db_changed(pusher->mdm->db) || pusher->look))
		look(pusher);
	for (struct line *line = pusher->lines; line != NULL; line = line->next) {
		check_expiry(line, now);
		due = due || (claim && is_due(line, now));
		refused = refused || (line->usable && line->refused[0] != '\0');
	}
	if ((!due && !refused && pusher->pending_count == 0) || pusher->store_pause_until > now)
		return;
	if (write_round(pusher, claim, &claims, &err) != ERR_OK) {
		if (pusher->store_pause_ms == 0)
			log_line(LOG_WARNING, "the store cannot be written now", "error",
				err.message, NULL);
		pusher->store_pause_ms = longer_pause(pusher->store_pause_ms, STORE_PAUSE_MOST_MS);
		pusher->store_pause_until = now + pusher->store_pause_ms;
		pusher->look = true;
		return;
	}
	pusher->store_pause_ms = 0;
	recorded(pusher);
	for (; claims != NULL; claims = claims->next)
		send_claim(pusher, claims);
}

bool
pusher_is_busy(const struct pusher *pusher)
{
	for (const struct line *line = pusher->lines; line != NULL; line = line->next)
		if (in_flight(line) > 0)
			return true;
	return pusher->pending_count > 0;
}

void
pusher_wait(struct pusher *pusher, int ms)
{
	const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
	struct line *busy = NULL;

	for (struct line *line = pusher->lines; line != NULL; line = line->next) {
		if (in_flight(line) == 0)
			continue;
		if (busy != NULL && ms > SHARED_WAIT_MS)
			ms = SHARED_WAIT_MS;
		busy = line;
	}
	if (busy != NULL)
		apns_wait(busy->apns, ms);
	else
		nanosleep(&pause, NULL);
}
