/*
 * The worker's loop: pushes, and every few seconds the commands whose time is over.  It looks for
 * changes in the store every few milliseconds (PRAGMA data_version, which costs next to nothing).
 */
#include "worker/worker.h"

#include <curl/curl.h>
#include <signal.h>

#include "base/clock.h"
#include "base/log.h"
#include "mdm/queue.h"
#include "worker/pusher.h"

enum {
	EXPIRE_EVERY_MS = 10 * 1000,
	EXPIRE_MOST = 500,
	CHECK_EVERY_MS = 2000,
	DRAIN_MS = 5000, /* after a stop signal, pushes under way may take so long */
};

static volatile sig_atomic_t stopping;

static void
stop(int signal_number)
{
	(void)signal_number;
	stopping = 1;
}

/* *COUNT commands have been ended; EXPIRE_MOST: there may be more. */
static enum err_kind
expire(struct mdm *mdm, int64_t *count, struct err *err)
{
	enum err_kind kind = db_begin(mdm->db, DB_READ, err);

	*count = 0;
	if (kind != ERR_OK)
		return kind;
	kind = queue_expire(mdm, EXPIRE_MOST, count, err);
	db_rollback(mdm->db);
	if (kind != ERR_NEEDS_WRITE)
		return kind;
	kind = db_begin(mdm->db, DB_WRITE, err);
	if (kind != ERR_OK)
		return kind;
	kind = queue_expire(mdm, EXPIRE_MOST, count, err);
	if (kind == ERR_OK)
		return db_commit(mdm->db, err);
	db_rollback(mdm->db);
	return kind;
}

static void
expire_when_due(struct mdm *mdm, int64_t *next)
{
	struct err err = {0};
	int64_t count;

	if (*next > clock_now())
		return;
	if (expire(mdm, &count, &err) != ERR_OK)
		log_line(LOG_WARNING, "expired commands cannot be ended now", "error", err.message,
			NULL);
	if (count < EXPIRE_MOST)
		*next = clock_now() + EXPIRE_EVERY_MS;
}

/* Until a stop signal; or ERR_CONFLICT when the store's file is another one now. */
static enum err_kind
loop(struct pusher *pusher, struct mdm *mdm, const struct db_store *store, const struct conf *conf,
	struct err *err)
{
	int64_t next_expire = 0, next_check = 0, deadline;

	while (!stopping) {
		if (next_check <= clock_now()) {
			if (!db_store_is_there(store))
				return err_set(
					err, ERR_CONFLICT, "the store was moved away or replaced");
			next_check = clock_now() + CHECK_EVERY_MS;
		}
		pusher_round(pusher, true);
		expire_when_due(mdm, &next_expire);
		arena_reset(mdm->arena);
		pusher_wait(pusher, (int)conf->poll_ms);
	}
	for (deadline = clock_now() + DRAIN_MS; pusher_is_busy(pusher) && clock_now() < deadline;) {
		pusher_round(pusher, false);
		arena_reset(mdm->arena);
		pusher_wait(pusher, (int)conf->poll_ms);
	}
	return ERR_OK;
}

enum err_kind
worker_run(struct db_store *store, const struct seal_key *key, const struct conf *conf,
	struct err *err)
{
	struct pusher *pusher;
	struct arena arena;
	struct mdm mdm;
	enum err_kind kind;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_INTERNAL, "libcurl cannot start");
	arena_init(&arena);
	mdm = (struct mdm){.db = db_open(store, &arena),
		.arena = &arena,
		.key = key,
		.push_retry = conf->retry * 1000,
		.reader = plist_reader_new(plist_limits_default())};
	pusher = pusher_new(&mdm, conf);
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	log_line(LOG_INFO, "ready", NULL);
	kind = loop(pusher, &mdm, store, conf, err);
	pusher_free(pusher);
	plist_reader_free(mdm.reader);
	db_close(mdm.db);
	arena_release(&arena);
	curl_global_cleanup();
	return kind;
}
