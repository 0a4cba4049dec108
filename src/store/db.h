/*
 * db - the store: a dozen verbs over named, fixed, once-prepared statements.
 *
 * A program opens one `struct db_store`; each thread opens its own `struct db` session in it. Which
 * database is behind it is a row in a table of drivers (db_driver.h); nobody above can tell.
 *
 * Statements live in sql/<concept>.sql, one name each; the build turns them into `enum statement`
 * (store/statements.h).  Their parameters are $1, $2, … in the order of the `args` given here.
 *
 *	struct db_row row;
 *	kind = db_first(db, SQL_ENROLLMENT_FIND, DB_ARGS(DB_TEXT(id)), &row, err);
 *	if (kind == ERR_OK)
 *		name = db_text(&row, 2);
 *
 * What rows give is copied into the session's arena and lives until that is reset.
 *
 * Transactions.  db_begin(DB_READ) sees one state of the store until the end; a write statement in
 *it does nothing and gives ERR_NEEDS_WRITE: the caller rolls back and starts over in one that
 *writes. db_begin(DB_WRITE) takes the write lock for itself alone.  Many threads that write at the
 *same time use db_transact(), and share a commit.  What has been committed is on the disk.
 *
 * Errors: ERR_BUSY when the store is locked, full or away (the same call may succeed later),
 *ERR_CONFLICT when a constraint or a trigger said no (the message is its), ERR_INTERNAL for all
 *else.
 */
#ifndef POMONA_STORE_DB_H
#define POMONA_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/statements.h"

struct db_store;
struct db;

enum db_mode { DB_READ, DB_WRITE };

enum db_type { DB_TYPE_NULL, DB_TYPE_INTEGER, DB_TYPE_TEXT, DB_TYPE_BLOB };

struct db_value {
	enum db_type type;
	int64_t integer;
	const char *bytes; /* text (with a NUL behind it) and blob */
	size_t len;
};

struct db_row {
	const struct db_value *values;
	size_t count;
};

/* A parameter list; DB_NONE for none. */
#define DB_ARGS(...)                                                                               \
	(const struct db_value[]){__VA_ARGS__},                                                    \
		sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)
#define DB_NONE NULL, 0

struct db_value DB_NULL(void);
struct db_value DB_INT(int64_t integer);
struct db_value DB_TIME(int64_t ms);                    /* a time of 0 is NULL */
struct db_value DB_TEXT(const char *text);              /* NULL is NULL */
struct db_value DB_BLOB(const void *bytes, size_t len); /* NULL is NULL */

/* What is to be known of a store before it is opened. */
struct db_options {
	const char *database; /* a file (SQLite) or a postgresql:// URL */
	bool create;          /* make it when it is not there */
	int busy_ms;          /* how long a writer waits for the lock before ERR_BUSY */
};

enum err_kind db_store_open(
	struct db_store **store, const struct db_options *options, struct err *err);
void db_store_close(struct db_store *store);

/* False when its file was moved away or replaced while it is open: what is written now would be
 * lost. */
bool db_store_is_there(const struct db_store *store);

/* How many bytes the database takes, and its log of what is not in there yet. */
void db_store_sizes(const struct db_store *store, int64_t *database, int64_t *log);

/*
 * Looks through the whole store for damage, which takes its time, and hands each problem to EACH
 * until that gives anything but ERR_OK.  Outside a transaction.
 */
typedef enum err_kind (*db_problem_fn)(const char *problem, void *context, struct err *err);
enum err_kind db_store_check(
	const struct db_store *store, db_problem_fn each, void *context, struct err *err);

/* A session of this thread.  ARENA (which may be changed later) takes what rows give. */
struct db *db_open(struct db_store *store, struct arena *arena);
void db_close(struct db *db);
struct arena *db_arena(struct db *db);

/* From now on ARENA takes what rows give; returns the one before. */
struct arena *db_use_arena(struct db *db, struct arena *arena);

enum err_kind db_begin(struct db *db, enum db_mode mode, struct err *err);
enum err_kind db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db); /* does nothing outside a transaction */

/*
 * Runs WORK in a write transaction that it shares with the work of other threads (group commit),
 * and returns when that is on the disk.  When WORK gives anything but ERR_OK, what it did is
 * undone, and only that; the same is returned.  WORK may run in another thread while this one
 * waits: it may use the session and what is the caller's, but nothing that belongs to a thread.
 */
typedef enum err_kind (*db_work)(void *context, struct err *err);
enum err_kind db_transact(struct db *db, db_work work, void *context, struct err *err);

/* Is this a transaction that writes? */
bool db_may_write(const struct db *db);

/* Runs a statement that gives no rows; CHANGED (may be NULL) gets the number of rows it touched. */
enum err_kind db_run(struct db *db, enum statement statement, const struct db_value *args,
	size_t count, int64_t *changed, struct err *err);

/* The first row; ERR_NOT_FOUND (with no message set) when there is none. */
enum err_kind db_first(struct db *db, enum statement statement, const struct db_value *args,
	size_t count, struct db_row *row, struct err *err);

/*
 * All rows, handed to EACH one by one until it returns something else than ERR_OK, which is then
 * returned (ERR_NOT_FOUND: that is enough, and ERR_OK is returned).  EACH may run other statements,
 * but not the same one.
 */
typedef enum err_kind (*db_each_fn)(const struct db_row *row, void *context, struct err *err);
enum err_kind db_each(struct db *db, enum statement statement, const struct db_value *args,
	size_t count, db_each_fn each, void *context, struct err *err);

/*
 * Tells, cheaply, whether anybody (any process, an operator's shell) has committed since the last
 * call in this session.
 */
bool db_changed(struct db *db);

/* Runs a script of statements (schema, views, triggers) in the open write transaction. */
enum err_kind db_script(struct db *db, const char *sql, struct err *err);

/* Is there no table, of whomsoever?  In the open write transaction. */
enum err_kind db_is_empty(struct db *db, bool *empty, struct err *err);

/* Name of the driver: picks the dialect of views and triggers. */
const char *db_dialect(const struct db *db);

/* ---- a row's columns, from 0 ---- */

int64_t db_int(const struct db_row *row, size_t column);                   /* 0 for NULL */
const char *db_text(const struct db_row *row, size_t column);              /* NULL for NULL */
const void *db_blob(const struct db_row *row, size_t column, size_t *len); /* NULL for NULL */
bool db_is_null(const struct db_row *row, size_t column);

#endif
