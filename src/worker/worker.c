/*
 * The worker's loop: pushes, every few seconds the commands whose time is over, the devices that
 * have waited long enough to be configured and recurring work, every minute what has been kept long
 * enough, who is in which group, and what there is to do about certificates and the audit trail.
 * It looks for changes in the store every few milliseconds (PRAGMA data_version, which costs next
 * to nothing).
 */
#include "worker/worker.h"

#include <curl/curl.h>
#include <signal.h>

#include "base/clock.h"
#include "base/log.h"
#include "mdm/await.h"
#include "mdm/heartbeat.h"
#include "mdm/queue.h"
#include "mdm/retention.h"
#include "worker/auditing.h"
#include "worker/certificates.h"
#include "worker/groups.h"
#include "worker/pusher.h"
#include "worker/relay_server.h"
#include "worker/schedules.h"
#include "worker/work.h"

enum {
	EXPIRE_EVERY_MS = 10 * 1000,
	EXPIRE_MOST = 500,
	RELEASE_EVERY_MS = 2000,
	RELEASE_MOST = 100,
	CHECK_EVERY_MS = 2000,
	RETAIN_EVERY_US = 60 * 1000 * 1000,
	RETAIN_REST = 300,           /* a pass rests so many times as long as it took, … */
	RETAIN_REST_MOST = 60,       /* … minutes at most */
	RETAIN_BREAK_US = 20 * 1000, /* between its steps devices get the write lock */
	DRAIN_MS = 5000,             /* after a stop signal, pushes under way may take so long */
};

static volatile sig_atomic_t stopping;

static void
stop(int signal_number)
{
	(void)signal_number;
	stopping = 1;
}

/* ---- commands whose time is over ---- */

/* CONTEXT: how many it were; EXPIRE_MOST: there may be more. */
static enum err_kind
expire(struct mdm *mdm, void *context, struct err *err)
{
	return queue_expire(mdm, EXPIRE_MOST, context, err);
}

static void
expire_when_due(struct mdm *mdm, int64_t *next)
{
	struct err err = {0};
	int64_t count = 0;

	if (*next > clock_now())
		return;
	if (work_do(mdm, expire, &count, &err) != ERR_OK)
		log_line(LOG_WARNING, "expired commands cannot be ended now", "error", err.message,
			NULL);
	else if (count == EXPIRE_MOST)
		return; /* there may be more */
	*next = clock_now() + EXPIRE_EVERY_MS;
}

/* ---- devices that wait to be configured ---- */

static enum err_kind
release(struct mdm *mdm, void *context, struct err *err)
{
	return await_release_due(mdm, RELEASE_MOST, context, err);
}

static void
release_when_due(struct mdm *mdm, int64_t *next)
{
	struct err err = {0};
	int64_t count = 0;

	if (*next > clock_now())
		return;
	if (work_do(mdm, release, &count, &err) != ERR_OK)
		log_line(LOG_WARNING, "devices that wait to be configured cannot be let go now",
			"error", err.message, NULL);
	else if (count == RELEASE_MOST)
		return; /* there may be more */
	*next = clock_now() + RELEASE_EVERY_MS;
}

/* ---- what has been kept long enough ---- */

struct retaining {
	struct retention pass;
	int64_t took;    /* by the pass, so far */
	int64_t next_at; /* its next step; both in clock_ticks_us() */
};

struct retaining_step {
	const struct retention *from;
	struct retention to;
};

static enum err_kind
retain(struct mdm *mdm, void *context, struct err *err)
{
	struct retaining_step *step = context;

	step->to = *step->from;
	return retention_step(mdm, &step->to, err);
}

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* After a pass: a rest that is long enough for what the pass has cost. */
static void
retaining_rest(struct mdm *mdm, struct retaining *retaining)
{
	const struct retention *pass = &retaining->pass;
	int64_t rest = larger(RETAIN_EVERY_US, retaining->took * RETAIN_REST);
	int64_t most = (int64_t)RETAIN_EVERY_US * RETAIN_REST_MOST;

	if (pass->commands + pass->events + pass->changes + pass->secrets > 0)
		log_line(LOG_INFO, "what was kept long enough is gone", "commands",
			arena_printf(mdm->arena, "%lld", (long long)pass->commands), "events",
			arena_printf(mdm->arena, "%lld", (long long)pass->events), "changes",
			arena_printf(mdm->arena, "%lld", (long long)pass->changes), "secrets",
			arena_printf(mdm->arena, "%lld", (long long)pass->secrets), NULL);
	*retaining = (struct retaining){.next_at = clock_ticks_us() + (rest < most ? rest : most)};
}

static void
retain_when_due(struct mdm *mdm, struct retaining *retaining)
{
	int64_t began = clock_ticks_us(), now;
	struct retaining_step step = {.from = &retaining->pass};
	struct err err = {0};

	if (retaining->next_at > began)
		return;
	if (work_do(mdm, retain, &step, &err) != ERR_OK) {
		log_line(LOG_WARNING, "what is old cannot be removed now", "error", err.message,
			NULL);
		retaining->next_at = clock_ticks_us() + RETAIN_EVERY_US;
		return;
	}
	now = clock_ticks_us();
	retaining->pass = step.to;
	retaining->took += now - began;
	retaining->next_at = now + larger(RETAIN_BREAK_US, 2 * (now - began));
	if (retention_is_done(&retaining->pass))
		retaining_rest(mdm, retaining);
}

/* ---- alive ---- */

static enum err_kind
note_heartbeat(struct mdm *mdm, void *context, struct err *err)
{
	return heartbeat_note(mdm, context, err);
}

static enum err_kind
end_heartbeat(struct mdm *mdm, void *context, struct err *err)
{
	return heartbeat_end(mdm, context, err);
}

/* When the store cannot be written, others say so. */
static void
beat_when_due(struct mdm *mdm, struct heartbeat *heartbeat, int64_t *next)
{
	struct err err;

	if (*next > clock_now())
		return;
	work_do(mdm, note_heartbeat, heartbeat, &err);
	*next = clock_now() + HEARTBEAT_EVERY_MS;
}

/* The master key may have been rotated; what is wrong with it is told once. */
static void
watch_key(struct seal_key *key)
{
	static bool told;
	struct err err;
	bool wrong = seal_key_refresh(key, &err) != ERR_OK;

	if (wrong && !told)
		log_line(LOG_ERROR, "the master key cannot be used", "error", err.message, NULL);
	told = wrong;
}

/* ---- the loop ---- */

/* What the loop drives. */
struct parts {
	struct mdm *mdm;
	const struct db_store *store;
	const struct conf *conf;
	struct pusher *pusher;
	struct relay_server *relay;
	struct heartbeat heartbeat;
};

/* After a stop signal: answers of pushes under way are still recorded. */
static void
drain(struct parts *parts)
{
	int64_t deadline = clock_now() + DRAIN_MS;

	while (pusher_is_busy(parts->pusher) && clock_now() < deadline) {
		pusher_round(parts->pusher, false);
		arena_reset(parts->mdm->arena);
		pusher_wait(parts->pusher, (int)parts->conf->poll_ms);
	}
}

/* Until a stop signal; or ERR_CONFLICT when the store's file is another one now. */
static enum err_kind
loop(struct parts *parts, struct err *err)
{
	int64_t next_expire = 0, next_release = 0, next_check = 0, next_beat = 0;
	struct mdm *mdm = parts->mdm;
	struct certificates certificates = certificates_new(mdm, parts->conf);
	struct groups groups = groups_new(mdm);
	struct schedules schedules = {.mdm = mdm};
	struct retaining retaining = {0};
	struct auditing auditing = {0};

	while (!stopping) {
		if (next_check <= clock_now()) {
			if (!db_store_is_there(parts->store))
				return err_set(
					err, ERR_CONFLICT, "the store was moved away or replaced");
			next_check = clock_now() + CHECK_EVERY_MS;
			watch_key(mdm->key);
			relay_server_tend(parts->relay);
		}
		pusher_round(parts->pusher, true);
		expire_when_due(mdm, &next_expire);
		release_when_due(mdm, &next_release);
		retain_when_due(mdm, &retaining);
		groups_round(&groups);
		schedules_round(&schedules);
		certificates_round(&certificates);
		auditing_round(&auditing, mdm);
		beat_when_due(mdm, &parts->heartbeat, &next_beat);
		arena_reset(mdm->arena);
		pusher_wait(parts->pusher, (int)parts->conf->poll_ms);
	}
	drain(parts);
	return ERR_OK;
}

enum err_kind
worker_run(struct db_store *store, struct seal_key *key, const struct conf *conf, struct err *err)
{
	struct parts parts = {.store = store, .conf = conf};
	struct arena arena, kept;
	struct mdm mdm;
	enum err_kind kind;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_INTERNAL, "libcurl cannot start");
	arena_init(&arena);
	arena_init(&kept);
	mdm = (struct mdm){.db = db_open(store, &arena),
		.arena = &arena,
		.key = key,
		.push_retry = conf->retry * 1000,
		.reader = plist_reader_new(plist_limits_default())};
	parts.mdm = &mdm;
	parts.heartbeat = heartbeat_make(&kept);
	parts.pusher = pusher_new(&mdm, conf);
	parts.relay = relay_server_new(conf);
	relay_server_tend(parts.relay);
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	log_line(LOG_INFO, "ready", NULL);
	kind = loop(&parts, err);
	relay_server_free(parts.relay);
	work_do(&mdm, end_heartbeat, &parts.heartbeat, NULL);
	pusher_free(parts.pusher);
	plist_reader_free(mdm.reader);
	db_close(mdm.db);
	arena_release(&arena);
	arena_release(&kept);
	curl_global_cleanup();
	return kind;
}
