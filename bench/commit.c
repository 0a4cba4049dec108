/*
 * Commits a second of the store: N threads, each with a transaction of an UPDATE and an INSERT
 *after the other, for a while.
 *
 *	commit STORE THREADS SECONDS grouped|single
 *
 * "single" gives each a transaction of its own, so that no two share a commit.  Prints commits a
 *second.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/db.h"

enum { THREADS_MOST = 1024, BUSY_MS = 10000 };

struct writer {
	pthread_t thread;
	struct db_store *store;
	int number;
	long commits;
	bool failed;
};

static bool single;
static atomic_bool stopping;

struct work {
	struct db *db;
	const char *name;
};

static enum err_kind
do_work(void *context, struct err *err)
{
	const struct work *work = context;
	enum err_kind kind = db_run(work->db, SQL_SETTING_SET,
		DB_ARGS(DB_TEXT(work->name), DB_TEXT("value"), DB_INT(clock_now()), DB_NULL()),
		NULL, err);

	return kind != ERR_OK ? kind
			      : db_run(work->db, SQL_EVENT_ADD,
					DB_ARGS(DB_INT(clock_now()), DB_TEXT("bench"), DB_NULL(),
						DB_TEXT("{}"), DB_NULL()),
					NULL, err);
}

static enum err_kind
transact(struct db *db, const char *name, struct err *err)
{
	struct work work = {.db = db, .name = name};
	enum err_kind kind;

	if (!single)
		return db_transact(db, do_work, &work, err);
	kind = db_begin(db, DB_WRITE, err);
	if (kind == ERR_OK)
		kind = do_work(&work, err);
	if (kind == ERR_OK)
		return db_commit(db, err);
	db_rollback(db);
	return kind;
}

static void *
write_on(void *argument)
{
	struct writer *writer = argument;
	struct arena arena;
	struct db *db;
	struct err err;
	char name[32];

	arena_init(&arena);
	db = db_open(writer->store, &arena);
	snprintf(name, sizeof(name), "bench-%d", writer->number);
	while (!atomic_load(&stopping) && !writer->failed) {
		writer->failed = transact(db, name, &err) != ERR_OK;
		writer->commits++;
		arena_reset(&arena);
	}
	if (writer->failed)
		fprintf(stderr, "commit: %s\n", err.message);
	db_close(db);
	arena_release(&arena);
	return NULL;
}

static bool
run(struct db_store *store, int threads, double seconds)
{
	struct timespec pause = {.tv_sec = (time_t)seconds,
		.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
	struct writer *writers = calloc((size_t)threads, sizeof(*writers));
	int64_t began = clock_ticks_us();
	bool failed = writers == NULL;
	long commits = 0;
	int started = 0;

	while (started < threads && !failed) {
		writers[started] = (struct writer){.store = store, .number = started};
		failed = pthread_create(
				 &writers[started].thread, NULL, write_on, &writers[started]) != 0;
		started += !failed;
	}
	nanosleep(&pause, NULL);
	atomic_store(&stopping, true);
	for (int i = 0; i < started; i++) {
		pthread_join(writers[i].thread, NULL);
		commits += writers[i].commits;
		failed = failed || writers[i].failed;
	}
	printf("%.0f\n", (double)commits / ((double)(clock_ticks_us() - began) / 1e6));
	free(writers);
	return !failed;
}

int
main(int argc, char **argv)
{
	struct db_options options = {.busy_ms = BUSY_MS};
	struct db_store *store;
	struct err err = {0};
	int threads = argc == 5 ? (int)strtol(argv[2], NULL, 10) : 0;
	bool done;

	if (threads < 1 || threads > THREADS_MOST) {
		fputs("usage: commit STORE THREADS SECONDS grouped|single\n", stderr);
		return 2;
	}
	options.database = argv[1];
	single = strcmp(argv[4], "single") == 0;
	if (db_store_open(&store, &options, &err) != ERR_OK) {
		fprintf(stderr, "commit: %s\n", err.message);
		return 1;
	}
	done = run(store, threads, strtod(argv[3], NULL));
	db_store_close(store);
	return done ? 0 : 1;
}
