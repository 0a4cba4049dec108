/*
 * The push loop.  It looks for changes in the store every few milliseconds (PRAGMA data_version,
 * which costs next to nothing), claims what is due in one transaction, sends it, and records the
 * answers in another.
 */
#include "worker/worker.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "mdm/push.h"
#include "mdm/push_certificate.h"
#include "mdm/queue.h"
#include "worker/apns.h"

enum {
	TOPICS_MOST = 32,
	RESULTS_MOST = 256,
	EXPIRE_EVERY_MS = 10 * 1000,
	EXPIRE_MOST = 500,
	DRAIN_MS = 5000,
	PAUSE_MOST_MS = 60 * 1000,
};

/* A topic's connection. */
struct line {
	struct apns *apns;
	int64_t imported_at;           /* of the certificate it was made with */
	int64_t pause_ms, pause_until; /* after connections that failed */
};

/* An answer that is not in the store yet. */
struct pending {
	struct push_job job;
	enum apns_outcome outcome;
	struct push_answer answer;
	char topic[300], reason[100], apns_id[64], error[100];
};

struct worker {
	const struct conf *conf;
	struct push_policy policy;
	struct arena arena;
	struct mdm mdm;
	struct line lines[TOPICS_MOST];
	size_t line_count;
	struct pending pending[RESULTS_MOST];
	size_t pending_count;
	int64_t next_due, next_expire;
	bool look; /* there may be something due */
};

static volatile sig_atomic_t stopping;

static void
stop(int signal_number)
{
	(void)signal_number;
	stopping = 1;
}

/* ---- connections ---- */

static struct line *
find_line(struct worker *worker, const char *topic)
{
	for (size_t i = 0; i < worker->line_count; i++)
		if (strcmp(apns_topic(worker->lines[i].apns), topic) == 0)
			return &worker->lines[i];
	return NULL;
}

/* The topic's connection, made anew when its certificate has been replaced.  In a transaction. */
static enum err_kind
get_line(struct worker *worker, const char *topic, struct line **line, struct err *err)
{
	struct apns_options options = {.url = worker->conf->apns_url,
		.ca = worker->conf->apns_ca,
		.streams = worker->conf->streams,
		.timeout_ms = worker->conf->lease * 1000 * 2 / 3};
	struct x509_identity identity;
	int64_t imported_at;
	enum err_kind kind =
		push_certificate_load(&worker->mdm, topic, &identity, &imported_at, err);

	if (kind != ERR_OK)
		return kind;
	*line = find_line(worker, topic);
	if (*line != NULL && (*line)->imported_at == imported_at)
		return ERR_OK;
	if (*line != NULL && apns_in_flight((*line)->apns) > 0)
		return ERR_OK; /* its last pushes end on the old one */
	if (*line == NULL && worker->line_count == TOPICS_MOST)
		return err_set(err, ERR_INTERNAL, "more than %d topics", TOPICS_MOST);
	if (*line == NULL)
		*line = &worker->lines[worker->line_count++];
	else
		apns_free((*line)->apns);
	**line = (struct line){
		.apns = apns_new(&options, topic, &identity), .imported_at = imported_at};
	return ERR_OK;
}

/* ---- out ---- */

/* A push that cannot go out now goes back: its lease is what brings it again. */
static void
send_jobs(struct worker *worker, const struct push_job *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct err err = {0};
		struct line *line = NULL;

		if (get_line(worker, jobs[i].topic, &line, &err) != ERR_OK ||
			apns_send(line->apns, &jobs[i], &err) != ERR_OK)
			log_line(LOG_WARNING, "a push waits for its lease to end", "device",
				jobs[i].id, "error", err.message, NULL);
	}
}

/* How many pushes can be taken on: no more than any one connection has room for. */
static size_t
room(const struct worker *worker)
{
	size_t least = (size_t)worker->conf->streams;
	int64_t now = clock_now();

	for (size_t i = 0; i < worker->line_count; i++) {
		if (worker->lines[i].pause_until > now)
			return 0;
		if (apns_room(worker->lines[i].apns) < least)
			least = apns_room(worker->lines[i].apns);
	}
	return least;
}

static void
claim_and_send(struct worker *worker)
{
	size_t most = room(worker), count = 0, looked = 0;
	struct push_job *jobs;
	struct err err = {0};
	enum err_kind kind;

	if (most == 0)
		return;
	jobs = arena_calloc(&worker->arena, most, sizeof(*jobs));
	kind = db_begin(worker->mdm.db, DB_WRITE, &err);
	if (kind == ERR_OK) {
		kind = push_claim(&worker->mdm, &worker->policy, jobs, most, &count, &looked, &err);
		if (kind == ERR_OK)
			kind = db_commit(worker->mdm.db, &err);
		else
			db_rollback(worker->mdm.db);
	}
	if (kind != ERR_OK) {
		log_line(LOG_WARNING, "nothing could be claimed", "error", err.message, NULL);
		return;
	}
	worker->look = looked == most;
	if (count > 0 && db_begin(worker->mdm.db, DB_READ, &err) == ERR_OK) {
		send_jobs(worker, jobs, count);
		db_rollback(worker->mdm.db);
	}
}

/* Is anything due?  Reads only, so that an idle worker never takes the write lock. */
static void
look(struct worker *worker)
{
	struct err err = {0};

	if (db_begin(worker->mdm.db, DB_READ, &err) != ERR_OK)
		return;
	if (push_next_due(&worker->mdm, &worker->next_due, &err) != ERR_OK)
		worker->next_due = 0;
	db_rollback(worker->mdm.db);
	worker->look = worker->next_due != 0 && worker->next_due <= clock_now();
}

/* ---- back ---- */

static void
keep(struct worker *worker, const struct apns_result *result)
{
	struct pending *pending = &worker->pending[worker->pending_count++];

	*pending = (struct pending){
		.job = result->job, .outcome = result->outcome, .answer = result->answer};
	snprintf(pending->topic, sizeof(pending->topic), "%s", result->job.topic);
	snprintf(pending->error, sizeof(pending->error), "%s", result->error);
	if (result->answer.reason != NULL)
		snprintf(pending->reason, sizeof(pending->reason), "%s", result->answer.reason);
	if (result->answer.apns_id != NULL)
		snprintf(pending->apns_id, sizeof(pending->apns_id), "%s", result->answer.apns_id);
	pending->answer.reason = result->answer.reason == NULL ? NULL : pending->reason;
	pending->answer.apns_id = result->answer.apns_id == NULL ? NULL : pending->apns_id;
}

/* Connections that fail again and again are tried at growing intervals. */
static void
note_connection(struct line *line, bool lost)
{
	if (line == NULL)
		return;
	if (!lost) {
		line->pause_ms = 0;
		return;
	}
	line->pause_ms = line->pause_ms == 0 ? 100 : line->pause_ms * 2;
	if (line->pause_ms > PAUSE_MOST_MS)
		line->pause_ms = PAUSE_MOST_MS;
	line->pause_until = clock_now() + line->pause_ms;
}

static bool
is_certificate_error(const struct pending *pending)
{
	return pending->outcome == APNS_REFUSED ||
	       (pending->answer.status == 403 && pending->answer.reason != NULL &&
		       strncmp(pending->answer.reason, "BadCertificate", 14) == 0);
}

/* The push goes back as due; nothing is counted. */
static enum err_kind
give_back(struct worker *worker, const struct pending *pending, struct err *err)
{
	return db_run(worker->mdm.db, SQL_PUSH_AGAIN,
		DB_ARGS(DB_INT(pending->job.enrollment_no), DB_INT(clock_now())), NULL, err);
}

static enum err_kind
record_one(struct worker *worker, const struct pending *pending, struct err *err)
{
	bool stopped = false;
	char status[16];
	enum err_kind kind;

	if (is_certificate_error(pending)) {
		const char *reason =
			pending->answer.reason != NULL ? pending->answer.reason : pending->error;

		log_line(LOG_ERROR, "APNs refuses the push certificate", "topic", pending->topic,
			"error", reason, NULL);
		kind = give_back(worker, pending, err);
		return kind == ERR_OK
			       ? push_certificate_stop(&worker->mdm, pending->topic, reason, err)
			       : kind;
	}
	if (pending->outcome != APNS_ANSWERED)
		return give_back(worker, pending, err);
	kind = push_record(
		&worker->mdm, &worker->policy, &pending->job, &pending->answer, &stopped, err);
	snprintf(status, sizeof(status), "%d", pending->answer.status);
	if (kind == ERR_OK && pending->answer.status != 200)
		log_line(LOG_WARNING, "APNs did not take a push", "status", status, "reason",
			pending->answer.reason, "stopped", stopped ? "yes" : "no", NULL);
	return kind;
}

static void
record(struct worker *worker)
{
	struct err err = {0};
	enum err_kind kind;

	if (worker->pending_count == 0)
		return;
	kind = db_begin(worker->mdm.db, DB_WRITE, &err);
	if (kind == ERR_OK) {
		for (size_t i = 0; i < worker->pending_count && kind == ERR_OK; i++)
			kind = record_one(worker, &worker->pending[i], &err);
		if (kind == ERR_OK)
			kind = db_commit(worker->mdm.db, &err);
		else
			db_rollback(worker->mdm.db);
	}
	if (kind != ERR_OK) {
		log_line(LOG_WARNING, "answers of APNs are not recorded yet", "error", err.message,
			NULL);
		return; /* they are kept for the next round */
	}
	worker->pending_count = 0;
	worker->look = true;
}

/* Takes what has ended off the connections. */
static void
collect(struct worker *worker)
{
	struct apns_result result;

	for (size_t i = 0; i < worker->line_count; i++) {
		apns_work(worker->lines[i].apns);
		while (worker->pending_count < RESULTS_MOST &&
			apns_next(worker->lines[i].apns, &result)) {
			bool lost = result.outcome == APNS_LOST;

			if (lost && worker->lines[i].pause_until <= clock_now()) {
				note_connection(&worker->lines[i], true);
				log_line(LOG_WARNING, "the connection to APNs was lost", "topic",
					result.job.topic, "error", result.error, NULL);
			} else if (!lost)
				note_connection(&worker->lines[i], false);
			keep(worker, &result);
		}
	}
}

static size_t
in_flight(const struct worker *worker)
{
	size_t count = 0;

	for (size_t i = 0; i < worker->line_count; i++)
		count += apns_in_flight(worker->lines[i].apns);
	return count;
}

static void
wait_a_little(struct worker *worker)
{
	const struct timespec pause = {.tv_nsec = worker->conf->poll_ms * 1000000};

	for (size_t i = 0; i < worker->line_count; i++)
		if (apns_in_flight(worker->lines[i].apns) > 0) {
			apns_wait(worker->lines[i].apns, 5);
			return;
		}
	nanosleep(&pause, NULL);
}

static void
expire(struct worker *worker)
{
	struct err err = {0};
	int64_t count = 0;
	enum err_kind kind;

	if (worker->next_expire > clock_now())
		return;
	worker->next_expire = clock_now() + EXPIRE_EVERY_MS;
	kind = db_begin(worker->mdm.db, DB_READ, &err);
	if (kind == ERR_OK) {
		kind = queue_expire(&worker->mdm, EXPIRE_MOST, &count, &err);
		db_rollback(worker->mdm.db);
	}
	if (kind != ERR_NEEDS_WRITE || db_begin(worker->mdm.db, DB_WRITE, &err) != ERR_OK)
		return;
	if (queue_expire(&worker->mdm, EXPIRE_MOST, &count, &err) == ERR_OK)
		db_commit(worker->mdm.db, &err);
	else
		db_rollback(worker->mdm.db);
}

static void
round_once(struct worker *worker, bool claim)
{
	collect(worker);
	record(worker);
	if (claim && (db_changed(worker->mdm.db) ||
			     (worker->next_due != 0 && worker->next_due <= clock_now())))
		look(worker);
	if (claim && worker->look)
		claim_and_send(worker);
	if (claim)
		expire(worker);
	arena_reset(&worker->arena);
}

enum err_kind
worker_run(struct db_store *store, const struct seal_key *key, const struct conf *conf,
	struct err *err)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int64_t deadline;

	if (worker == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(worker);
		return err_set(err, ERR_INTERNAL, "libcurl cannot start");
	}
	worker->conf = conf;
	worker->policy = (struct push_policy){.lease = conf->lease * 1000,
		.retry = conf->retry * 1000,
		.backoff = conf->backoff * 1000,
		.backoff_429 = conf->backoff_429 * 1000};
	arena_init(&worker->arena);
	worker->mdm = (struct mdm){.db = db_open(store, &worker->arena),
		.arena = &worker->arena,
		.key = key,
		.reader = plist_reader_new(plist_limits_default())};
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	log_line(LOG_INFO, "ready", NULL);
	look(worker);
	while (!stopping) {
		round_once(worker, true);
		wait_a_little(worker);
	}
	for (deadline = clock_now() + DRAIN_MS;
		(in_flight(worker) > 0 || worker->pending_count > 0) && clock_now() < deadline;) {
		round_once(worker, false);
		wait_a_little(worker);
	}
	for (size_t i = 0; i < worker->line_count; i++)
		apns_free(worker->lines[i].apns);
	plist_reader_free(worker->mdm.reader);
	db_close(worker->mdm.db);
	arena_release(&worker->arena);
	free(worker);
	curl_global_cleanup();
	return ERR_OK;
}
