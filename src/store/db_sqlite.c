/*
 * The SQLite driver: WAL, synchronous=FULL, a few shared read connections, one write connection.
 *
 * Group commit.  Work that is handed to db_transact() queues up (store/turns.h).  Whoever leads
 * opens a transaction with BEGIN IMMEDIATE, does its own work and that of all who wait, each in a
 * SAVEPOINT, and commits once.  So under load many writers share one fsync, and a lone one commits
 * at once. db_begin(DB_WRITE) takes a turn alone.
 */
#include "store/db_driver.h"
#include "store/dialect.h"
#include "store/sqlite_health.h"
#include "store/turns.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	READERS_MOST =
		8, /* connections; each holds the whole schema in memory, a megabyte and more */
	READERS_LEAST = 3,
	BATCH_MOST = 512, /* writers in one commit */
	ARGS_MOST = 24,   /* parameters of a statement */
	LOCK_POLL_MS = 1,
	READ_CACHE_KIB = 512,
	WRITE_CACHE_KIB = 8 * 1024,
	CHECKPOINT_PAGES = 8000, /* of the WAL; the more, the fewer writes of the same page */
};

/* A prepared statement; `index` maps our $n to SQLite's number. */
struct prepared {
	struct connection *connection;
	sqlite3_stmt *stmt;
	unsigned char index[ARGS_MOST];
	bool active;
};

struct connection {
	sqlite3 *sqlite;
	struct prepared prepared[SQL_COUNT];
	sqlite3_stmt *begin, *commit, *rollback, *savepoint, *release, *rollback_to;
};

/* Work that shares a commit with others'. */
struct job {
	struct turn turn; /* first: found from it */
	struct sqlite_session *session;
	db_work work;
	void *context;
	struct err *err;
	enum err_kind kind;
	struct job *next; /* in the batch */
};

struct sqlite_store {
	char *path;
	int busy_ms;

	pthread_mutex_t lock;
	pthread_cond_t reader; /* a read connection is free */
	dev_t device;          /* the file, to know another one in its place */
	ino_t inode;
	struct turns turns;                    /* whose is … */
	struct connection *writer;             /* … the write connection */
	struct connection *idle[READERS_MOST]; /* a stack: the warmest is on top */
	int idle_count, reader_count, readers_most;
};

struct sqlite_session {
	struct sqlite_store *store;
	struct connection *connection; /* in a transaction; else NULL */
	enum db_mode mode;
	struct connection *watch; /* for `changed`: PRAGMA data_version is its `begin` */
	int64_t version;
};

static pthread_once_t configured = PTHREAD_ONCE_INIT;

/* ---- errors ---- */

static enum err_kind
kind_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return ERR_OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_NOMEM:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PROTOCOL:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_BUSY; /* to be tried again, when somebody has seen to it */
	case SQLITE_CONSTRAINT:
		return ERR_CONFLICT;
	default:
		return ERR_INTERNAL;
	}
}

static enum err_kind
fail(struct connection *connection, struct err *err)
{
	enum err_kind kind = kind_of(sqlite3_extended_errcode(connection->sqlite));

	if (kind == ERR_CONFLICT)
		return err_set(err, kind, "%s", sqlite3_errmsg(connection->sqlite));
	return err_set(err, kind == ERR_OK ? ERR_INTERNAL : kind, "store: %s",
		sqlite3_errmsg(connection->sqlite));
}

/* ---- connections ---- */

static void
connection_close(struct connection *connection)
{
	sqlite3_stmt *const fixed[] = {connection->begin, connection->commit, connection->rollback,
		connection->savepoint, connection->release, connection->rollback_to};

	for (int i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(connection->prepared[i].stmt);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		sqlite3_finalize(fixed[i]);
	sqlite3_close(connection->sqlite);
	free(connection);
}

static int
configure(struct connection *connection, bool writer)
{
	char pragmas[512];

	/* foreign_keys is off as it is in the operator's shell: both must behave alike. */
	snprintf(pragmas, sizeof(pragmas),
		"PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-%d; PRAGMA "
		"query_only=%d;"
		"PRAGMA wal_autocheckpoint=%d; PRAGMA journal_size_limit=67108864;",
		writer ? WRITE_CACHE_KIB : READ_CACHE_KIB, writer ? 0 : 1,
		writer ? CHECKPOINT_PAGES : 0);
	return sqlite3_exec(connection->sqlite, pragmas, NULL, NULL, NULL);
}

/* SQLite's own waits grow to a tenth of a second, in which the lock may be free and taken again
 * many times. */
static int
wait_for_lock(void *context, int tries)
{
	const struct timespec pause = {.tv_nsec = LOCK_POLL_MS * 1000000};
	const int *most_ms = context;

	if (tries >= *most_ms / LOCK_POLL_MS)
		return 0;
	nanosleep(&pause, NULL);
	return 1;
}

static enum err_kind
connection_open(struct connection **out, const struct sqlite_store *store, bool writer, bool create,
	struct err *err)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
	struct connection *connection = calloc(1, sizeof(*connection));
	const char *reason;
	enum err_kind kind;
	int code;

	*out = NULL;
	if (connection == NULL)
		return err_set(err, ERR_BUSY, "store: out of memory");
	code = sqlite3_open_v2(store->path, &connection->sqlite, flags, NULL);
	if (code == SQLITE_OK) {
		sqlite3_extended_result_codes(connection->sqlite, 1);
		sqlite3_busy_handler(connection->sqlite, wait_for_lock, (void *)&store->busy_ms);
		sqlite3_db_config(connection->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		if (create)
			code = sqlite3_exec(
				connection->sqlite, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
	}
	if (code == SQLITE_OK)
		code = configure(connection, writer);
	if (code == SQLITE_OK) {
		*out = connection;
		return ERR_OK;
	}
	reason = sqlite3_errmsg(connection->sqlite);
	if ((code & 0xff) == SQLITE_CANTOPEN && sqlite3_system_errno(connection->sqlite) != 0)
		reason = strerror(sqlite3_system_errno(connection->sqlite));
	kind = err_set(err, kind_of(code), "%s: %s", store->path, reason);
	connection_close(connection);
	return kind;
}

/* Runs one of the fixed statements of a transaction, which is prepared when first needed. */
static int
run_fixed(struct connection *connection, sqlite3_stmt **stmt, const char *sql)
{
	int code = SQLITE_OK;

	if (*stmt == NULL)
		code = sqlite3_prepare_v3(
			connection->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
	if (code != SQLITE_OK)
		return code;
	code = sqlite3_step(*stmt);
	sqlite3_reset(*stmt);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* ---- the store ---- */

static bool
sqlite_takes(const char *database)
{
	return strstr(database, "://") == NULL;
}

static void
sqlite_store_close(void *handle)
{
	struct sqlite_store *store = handle;

	while (store->idle_count > 0)
		connection_close(store->idle[--store->idle_count]);
	if (store->writer != NULL)
		connection_close(store->writer);
	pthread_mutex_destroy(&store->lock);
	pthread_cond_destroy(&store->reader);
	turns_destroy(&store->turns);
	free(store->path);
	free(store);
}

/* Two for each core: one that reads while another waits for the disk. */
static int
readers_most(void)
{
	long wanted = 2 * sysconf(_SC_NPROCESSORS_ONLN);

	return wanted < READERS_LEAST ? READERS_LEAST
				      : (int)(wanted < READERS_MOST ? wanted : READERS_MOST);
}

/* Once, before SQLite is first used.  Counting what it has allocated would take a lock that all
 * threads share. */
static void
configure_library(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum err_kind
sqlite_store_open(void **handle, const struct db_options *options, struct err *err)
{
	struct sqlite_store *store = calloc(1, sizeof(*store));
	enum err_kind kind;
	struct stat file;

	if (store == NULL || (store->path = strdup(options->database)) == NULL) {
		free(store);
		return err_set(err, ERR_BUSY, "store: out of memory");
	}
	store->busy_ms = options->busy_ms;
	pthread_once(&configured, configure_library);
	store->readers_most = readers_most();
	pthread_mutex_init(&store->lock, NULL);
	pthread_cond_init(&store->reader, NULL);
	turns_init(&store->turns);
	kind = connection_open(&store->writer, store, true, options->create, err);
	if (kind != ERR_OK) {
		sqlite_store_close(store);
		return kind;
	}
	if (stat(store->path, &file) == 0) {
		store->device = file.st_dev;
		store->inode = file.st_ino;
	}
	*handle = store;
	return ERR_OK;
}

static bool
sqlite_is_there(const void *handle)
{
	const struct sqlite_store *store = handle;
	struct stat file;

	return stat(store->path, &file) == 0 && file.st_dev == store->device &&
	       file.st_ino == store->inode;
}

static void
sqlite_sizes(const void *handle, int64_t *database, int64_t *log)
{
	sqlite_health_sizes(((const struct sqlite_store *)handle)->path, database, log);
}

static enum err_kind
sqlite_check(const void *handle, db_problem_fn each, void *context, struct err *err)
{
	const struct sqlite_store *store = handle;

	return sqlite_health_check(store->path, store->busy_ms, each, context, err);
}

static void *
sqlite_session_open(void *handle)
{
	struct sqlite_session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		abort();
	session->store = handle;
	return session;
}

static void
sqlite_session_close(void *handle)
{
	struct sqlite_session *session = handle;

	if (session->watch != NULL)
		connection_close(session->watch);
	free(session);
}

/* ---- reading ---- */

static enum err_kind
reader_take(struct sqlite_store *store, struct connection **connection, struct err *err)
{
	enum err_kind kind = ERR_OK;
	bool make = false;

	*connection = NULL;
	pthread_mutex_lock(&store->lock);
	while (store->idle_count == 0 && store->reader_count == store->readers_most)
		pthread_cond_wait(&store->reader, &store->lock);
	if (store->idle_count > 0)
		*connection = store->idle[--store->idle_count];
	else {
		store->reader_count++;
		make = true;
	}
	pthread_mutex_unlock(&store->lock);
	if (!make)
		return ERR_OK;
	kind = connection_open(connection, store, false, false, err);
	if (kind != ERR_OK) {
		pthread_mutex_lock(&store->lock);
		store->reader_count--;
		pthread_cond_signal(&store->reader);
		pthread_mutex_unlock(&store->lock);
	}
	return kind;
}

static void
reader_give(struct sqlite_store *store, struct connection *connection)
{
	pthread_mutex_lock(&store->lock);
	store->idle[store->idle_count++] = connection;
	pthread_cond_signal(&store->reader);
	pthread_mutex_unlock(&store->lock);
}

static enum err_kind
begin_read(struct sqlite_session *session, struct err *err)
{
	struct connection *connection;
	enum err_kind kind = reader_take(session->store, &connection, err);

	if (kind != ERR_OK)
		return kind;
	if (run_fixed(connection, &connection->begin, "BEGIN") != SQLITE_OK) {
		kind = fail(connection, err);
		reader_give(session->store, connection);
		return kind;
	}
	session->connection = connection;
	return ERR_OK;
}

static void
end_read(struct sqlite_session *session)
{
	struct connection *connection = session->connection;

	run_fixed(connection, &connection->rollback, "ROLLBACK");
	session->connection = NULL;
	reader_give(session->store, connection);
}

/* ---- writing ---- */

static const char rolled_back[] = "store: the transaction was rolled back (disk full or failing)";

/* The transaction of whoever leads.  SQLite rolls one back by itself when the disk is full or
 * fails.
 */
static enum err_kind
end_write(struct connection *writer, struct err *err)
{
	enum err_kind kind = ERR_OK;

	if (sqlite3_get_autocommit(writer->sqlite))
		return err_set(err, ERR_BUSY, rolled_back);
	if (run_fixed(writer, &writer->commit, "COMMIT") != SQLITE_OK) {
		kind = fail(writer, err);
		if (!sqlite3_get_autocommit(writer->sqlite))
			run_fixed(writer, &writer->rollback, "ROLLBACK");
	}
	return kind;
}

/* What fails is undone, and only that. */
static void
run_job(struct connection *writer, struct job *job)
{
	struct sqlite_session *session = job->session;

	if (run_fixed(writer, &writer->savepoint, "SAVEPOINT job") != SQLITE_OK) {
		job->kind = fail(writer, job->err);
		return;
	}
	session->connection = writer;
	session->mode = DB_WRITE;
	job->kind = job->work(job->context, job->err);
	session->connection = NULL;
	/* If not even that can be done, it must not be committed with the others' work. */
	if (job->kind != ERR_OK &&
		run_fixed(writer, &writer->rollback_to, "ROLLBACK TO job") != SQLITE_OK &&
		!sqlite3_get_autocommit(writer->sqlite))
		run_fixed(writer, &writer->rollback, "ROLLBACK");
	if (!sqlite3_get_autocommit(writer->sqlite) &&
		run_fixed(writer, &writer->release, "RELEASE job") != SQLITE_OK &&
		job->kind == ERR_OK)
		job->kind = fail(writer, job->err);
}

/* Own work, and that of all who have come by now. */
static void
run_batch(struct sqlite_store *store, struct job *own)
{
	struct connection *writer = store->writer;
	struct job *last = own, *job = own, *next;
	struct err result = {0};
	bool stuck;
	int members = 0;

	if (run_fixed(writer, &writer->begin, "BEGIN IMMEDIATE") != SQLITE_OK)
		fail(writer, &result);
	stuck = result.kind != ERR_OK;
	for (; job != NULL; job = job->next) {
		if (result.kind == ERR_OK && sqlite3_get_autocommit(writer->sqlite))
			err_set(&result, ERR_BUSY, rolled_back);
		if (result.kind == ERR_OK)
			run_job(writer, job);
		if (++members < BATCH_MOST && job == last) {
			last->next = (struct job *)turns_next(&store->turns);
			last = last->next != NULL ? last->next : last;
		}
	}
	if (result.kind == ERR_OK)
		end_write(writer, &result);
	turns_hand_on(&store->turns, stuck);
	for (job = own; job != NULL; job = next) {
		next = job->next;
		if (result.kind != ERR_OK && job->kind == ERR_OK)
			job->kind = err_set(job->err, result.kind, "%s", result.message);
		if (job != own)
			turns_done(&job->turn);
	}
}

static enum err_kind
sqlite_transact(void *handle, db_work work, void *context, struct err *err)
{
	struct sqlite_session *session = handle;
	struct sqlite_store *store = session->store;
	struct err unheard;
	struct job job = {.session = session,
		.work = work,
		.context = context,
		.err = err != NULL ? err : &unheard};
	enum err_kind kind;
	bool leads;

	if (session->connection != NULL)
		return err_set(err, ERR_INTERNAL, "store: a transaction is open already");
	kind = turns_wait(&store->turns, &job.turn, false, store->busy_ms, &leads, err);
	if (kind != ERR_OK)
		return kind;
	if (leads)
		run_batch(store, &job);
	return job.kind;
}

/* A transaction of its own. */
static enum err_kind
begin_write(struct sqlite_session *session, struct err *err)
{
	struct sqlite_store *store = session->store;
	struct turn turn;
	bool leads;
	enum err_kind kind = turns_wait(&store->turns, &turn, true, store->busy_ms, &leads, err);

	if (kind != ERR_OK)
		return kind;
	if (run_fixed(store->writer, &store->writer->begin, "BEGIN IMMEDIATE") != SQLITE_OK) {
		kind = fail(store->writer, err);
		turns_hand_on(&store->turns, true);
		return kind;
	}
	session->connection = store->writer;
	return ERR_OK;
}

static enum err_kind
sqlite_begin(void *handle, enum db_mode mode, struct err *err)
{
	struct sqlite_session *session = handle;

	if (session->connection != NULL)
		return err_set(err, ERR_INTERNAL, "store: a transaction is open already");
	session->mode = mode;
	return mode == DB_READ ? begin_read(session, err) : begin_write(session, err);
}

static void
sqlite_rollback(void *handle)
{
	struct sqlite_session *session = handle;
	struct connection *connection = session->connection;

	if (connection == NULL)
		return;
	if (session->mode == DB_READ) {
		end_read(session);
		return;
	}
	session->connection = NULL;
	if (!sqlite3_get_autocommit(connection->sqlite))
		run_fixed(connection, &connection->rollback, "ROLLBACK");
	turns_hand_on(&session->store->turns, false);
}

static enum err_kind
sqlite_commit(void *handle, struct err *err)
{
	struct sqlite_session *session = handle;
	struct connection *connection = session->connection;
	enum err_kind kind;

	if (connection == NULL)
		return err_set(err, ERR_INTERNAL, "store: no transaction is open");
	if (session->mode == DB_READ) {
		end_read(session);
		return ERR_OK;
	}
	kind = end_write(connection, err);
	session->connection = NULL;
	turns_hand_on(&session->store->turns, false);
	return kind;
}

static bool
sqlite_may_write(const void *handle)
{
	const struct sqlite_session *session = handle;

	return session->connection != NULL && session->mode == DB_WRITE;
}

/* ---- statements ---- */

static enum err_kind
prepare(struct connection *connection, enum statement statement, struct err *err)
{
	struct prepared *prepared = &connection->prepared[statement];
	char *sql = strdup(statement_text(statement));
	int count, status;

	if (sql == NULL)
		abort();
	status = sqlite3_prepare_v3(connection->sqlite, dialect_apply(sql, "sqlite"), -1,
		SQLITE_PREPARE_PERSISTENT, &prepared->stmt, NULL);
	free(sql);
	if (status != SQLITE_OK) {
		enum err_kind kind = fail(connection, err);
		err_prefix(err, "%s", statement_name(statement));
		return kind;
	}
	prepared->connection = connection;
	/* SQLite numbers $1, $2 … by first appearance: the name tells which is which. */
	count = sqlite3_bind_parameter_count(prepared->stmt);
	for (int i = 1; i <= count; i++) {
		long number = strtol(sqlite3_bind_parameter_name(prepared->stmt, i) + 1, NULL, 10);

		if (number < 1 || number > ARGS_MOST)
			return err_set(err, ERR_INTERNAL, "%s: parameter $%ld",
				statement_name(statement), number);
		prepared->index[number - 1] = (unsigned char)i;
	}
	return ERR_OK;
}

static int
bind(sqlite3_stmt *stmt, int index, const struct db_value *value)
{
	switch (value->type) {
	case DB_TYPE_INTEGER:
		return sqlite3_bind_int64(stmt, index, value->integer);
	case DB_TYPE_TEXT:
		return sqlite3_bind_text64(
			stmt, index, value->bytes, value->len, SQLITE_STATIC, SQLITE_UTF8);
	case DB_TYPE_BLOB:
		return sqlite3_bind_blob64(stmt, index, value->bytes, value->len, SQLITE_STATIC);
	case DB_TYPE_NULL:
		break;
	}
	return sqlite3_bind_null(stmt, index);
}

static int64_t
sqlite_finish(void *handle, void *cursor)
{
	struct prepared *prepared = cursor;

	(void)handle;
	sqlite3_reset(prepared->stmt);
	sqlite3_clear_bindings(prepared->stmt);
	prepared->active = false;
	return sqlite3_changes64(prepared->connection->sqlite);
}

static enum err_kind
sqlite_start(void *handle, enum statement statement, const struct db_value *args, size_t count,
	void **cursor, struct err *err)
{
	struct sqlite_session *session = handle;
	struct connection *connection = session->connection;
	struct prepared *prepared;
	enum err_kind kind;

	if (connection == NULL)
		return err_set(
			err, ERR_INTERNAL, "%s: outside a transaction", statement_name(statement));
	prepared = &connection->prepared[statement];
	if (prepared->stmt == NULL && (kind = prepare(connection, statement, err)) != ERR_OK)
		return kind;
	if (prepared->active)
		return err_set(
			err, ERR_INTERNAL, "%s: is running already", statement_name(statement));
	if (session->mode == DB_READ && !sqlite3_stmt_readonly(prepared->stmt))
		return err_set(err, ERR_NEEDS_WRITE, "%s: in a read transaction",
			statement_name(statement));
	for (size_t i = 0; i < count; i++)
		if (i >= ARGS_MOST || prepared->index[i] == 0 ||
			bind(prepared->stmt, prepared->index[i], &args[i]) != SQLITE_OK) {
			sqlite3_clear_bindings(prepared->stmt);
			return err_set(err, ERR_INTERNAL, "%s: argument %zu",
				statement_name(statement), i + 1);
		}
	prepared->active = true;
	*cursor = prepared;
	return ERR_OK;
}

static void
take_column(sqlite3_stmt *stmt, int column, struct arena *arena, struct db_value *value)
{
	*value = (struct db_value){.type = DB_TYPE_NULL};
	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_NULL:
		return;
	case SQLITE_INTEGER:
		*value = DB_INT(sqlite3_column_int64(stmt, column));
		return;
	case SQLITE_BLOB:
		value->type = DB_TYPE_BLOB;
		value->bytes = sqlite3_column_blob(stmt, column);
		break;
	default: /* a REAL comes as its text */
		value->type = DB_TYPE_TEXT;
		value->bytes = (const char *)sqlite3_column_text(stmt, column);
		break;
	}
	value->len = (size_t)sqlite3_column_bytes(stmt, column);
	value->bytes = arena_memdup(arena, value->bytes, value->len);
}

static enum err_kind
sqlite_next(void *cursor, struct arena *arena, struct db_row *row, struct err *err)
{
	struct prepared *prepared = cursor;
	int code = sqlite3_step(prepared->stmt);
	struct db_value *values;
	int count;

	if (code == SQLITE_DONE)
		return ERR_NOT_FOUND;
	if (code != SQLITE_ROW)
		return fail(prepared->connection, err);
	count = sqlite3_column_count(prepared->stmt);
	values = arena_calloc(arena, (size_t)count, sizeof(*values));
	for (int i = 0; i < count; i++)
		take_column(prepared->stmt, i, arena, &values[i]);
	*row = (struct db_row){.values = values, .count = (size_t)count};
	return ERR_OK;
}

static enum err_kind
sqlite_script(void *handle, const char *sql, struct err *err)
{
	struct sqlite_session *session = handle;

	if (session->connection == NULL || session->mode != DB_WRITE)
		return err_set(err, ERR_INTERNAL, "store: a script needs a write transaction");
	if (sqlite3_exec(session->connection->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail(session->connection, err);
	return ERR_OK;
}

static enum err_kind
sqlite_is_empty(void *handle, bool *empty, struct err *err)
{
	struct connection *connection = ((struct sqlite_session *)handle)->connection;
	sqlite3_stmt *stmt;
	int code = sqlite3_prepare_v2(
		connection->sqlite, "SELECT 1 FROM sqlite_master LIMIT 1", -1, &stmt, NULL);

	if (code != SQLITE_OK)
		return fail(connection, err);
	code = sqlite3_step(stmt);
	*empty = code == SQLITE_DONE;
	sqlite3_finalize(stmt);
	return code == SQLITE_DONE || code == SQLITE_ROW ? ERR_OK : fail(connection, err);
}

/* PRAGMA data_version, on a connection that never writes: it moves when any other connection
 * commits. */
static bool
sqlite_changed(void *handle)
{
	struct sqlite_session *session = handle;
	struct connection *watch = session->watch;
	int64_t version = -1;

	if (watch == NULL) {
		if (connection_open(&session->watch, session->store, false, false, NULL) != ERR_OK)
			return true; /* whoever asks will meet the error itself */
		watch = session->watch;
	}
	if (watch->begin == NULL)
		sqlite3_prepare_v3(watch->sqlite, "PRAGMA data_version", -1,
			SQLITE_PREPARE_PERSISTENT, &watch->begin, NULL);
	if (watch->begin != NULL && sqlite3_step(watch->begin) == SQLITE_ROW)
		version = sqlite3_column_int64(watch->begin, 0);
	sqlite3_reset(watch->begin);
	if (version == session->version && version >= 0)
		return false;
	session->version = version;
	return true;
}

const struct db_driver db_driver_sqlite = {
	.name = "sqlite",
	.takes = sqlite_takes,
	.store_open = sqlite_store_open,
	.store_close = sqlite_store_close,
	.is_there = sqlite_is_there,
	.sizes = sqlite_sizes,
	.check = sqlite_check,
	.session_open = sqlite_session_open,
	.session_close = sqlite_session_close,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.transact = sqlite_transact,
	.may_write = sqlite_may_write,
	.rollback = sqlite_rollback,
	.start = sqlite_start,
	.next = sqlite_next,
	.finish = sqlite_finish,
	.script = sqlite_script,
	.is_empty = sqlite_is_empty,
	.changed = sqlite_changed,
};
