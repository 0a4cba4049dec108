/*
 * The verbs of db.h, over whichever driver the store was opened with.  Nothing of a database is
 * known here.
 */
#include "store/db.h"

#include <stdlib.h>
#include <string.h>

#include "store/db_driver.h"

static const struct db_driver *const drivers[] = {&db_driver_sqlite};

struct db_store {
	const struct db_driver *driver;
	void *handle;
};

struct db {
	const struct db_driver *driver;
	void *session;
	struct arena *arena;
};

struct db_value
DB_NULL(void) {
	return (struct db_value){.type = DB_TYPE_NULL};
}

struct db_value
DB_INT(int64_t integer) {
	return (struct db_value){.type = DB_TYPE_INTEGER, .integer = integer};
}

struct db_value
DB_TIME(int64_t ms) {
	return ms == 0 ? DB_NULL() : DB_INT(ms);
}

struct db_value
DB_TEXT(const char *text) {
	return text == NULL ? DB_NULL()
			    : (struct db_value){
				      .type = DB_TYPE_TEXT, .bytes = text, .len = strlen(text)};
}

struct db_value
DB_BLOB(const void *bytes, size_t len) {
	return bytes == NULL ? DB_NULL()
			     : (struct db_value){.type = DB_TYPE_BLOB, .bytes = bytes, .len = len};
}

enum err_kind
db_store_open(struct db_store **store, const struct db_options *options, struct err *err)
{
	const struct db_driver *driver = NULL;
	enum err_kind kind;
	void *handle;

	*store = NULL;
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]) && driver == NULL; i++)
		if (drivers[i]->takes(options->database))
			driver = drivers[i];
	if (driver == NULL)
		return err_set(err, ERR_BAD_INPUT, "no database driver for %s", options->database);
	kind = driver->store_open(&handle, options, err);
	if (kind != ERR_OK)
		return kind;
	*store = malloc(sizeof(**store));
	if (*store == NULL) {
		driver->store_close(handle);
		return err_set(err, ERR_INTERNAL, "out of memory");
	}
	**store = (struct db_store){.driver = driver, .handle = handle};
	return ERR_OK;
}

void
db_store_close(struct db_store *store)
{
	if (store == NULL)
		return;
	store->driver->store_close(store->handle);
	free(store);
}

enum err_kind
db_transact(struct db *db, db_work work, void *context, struct err *err)
{
	return db->driver->transact(db->session, work, context, err);
}

bool
db_may_write(const struct db *db)
{
	return db->driver->may_write(db->session);
}

bool
db_store_is_there(const struct db_store *store)
{
	return store->driver->is_there(store->handle);
}

void
db_store_sizes(const struct db_store *store, int64_t *database, int64_t *log)
{
	store->driver->sizes(store->handle, database, log);
}

enum err_kind
db_store_check(const struct db_store *store, db_problem_fn each, void *context, struct err *err)
{
	return store->driver->check(store->handle, each, context, err);
}

struct db *
db_open(struct db_store *store, struct arena *arena)
{
	struct db *db = malloc(sizeof(*db));

	if (db == NULL)
		abort();
	*db = (struct db){.driver = store->driver, .arena = arena};
	db->session = store->driver->session_open(store->handle);
	return db;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	db->driver->rollback(db->session);
	db->driver->session_close(db->session);
	free(db);
}

struct arena *
db_use_arena(struct db *db, struct arena *arena)
{
	struct arena *before = db->arena;

	db->arena = arena;
	return before;
}

struct arena *
db_arena(struct db *db)
{
	return db->arena;
}

enum err_kind
db_begin(struct db *db, enum db_mode mode, struct err *err)
{
	return db->driver->begin(db->session, mode, err);
}

enum err_kind
db_commit(struct db *db, struct err *err)
{
	return db->driver->commit(db->session, err);
}

void
db_rollback(struct db *db)
{
	db->driver->rollback(db->session);
}

enum err_kind
db_run(struct db *db, enum statement statement, const struct db_value *args, size_t count,
	int64_t *changed, struct err *err)
{
	struct db_row row;
	enum err_kind kind;
	int64_t touched;
	void *cursor;

	if (changed != NULL)
		*changed = 0;
	kind = db->driver->start(db->session, statement, args, count, &cursor, err);
	if (kind != ERR_OK)
		return kind;
	do
		kind = db->driver->next(cursor, db->arena, &row, err);
	while (kind == ERR_OK);
	touched = db->driver->finish(db->session, cursor);
	if (changed != NULL)
		*changed = touched;
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

enum err_kind
db_first(struct db *db, enum statement statement, const struct db_value *args, size_t count,
	struct db_row *row, struct err *err)
{
	struct db_row rest;
	enum err_kind kind, end;
	void *cursor;

	*row = (struct db_row){0};
	kind = db->driver->start(db->session, statement, args, count, &cursor, err);
	if (kind != ERR_OK)
		return kind;
	kind = db->driver->next(cursor, db->arena, row, err);
	/* To the end: a statement with RETURNING has done its work only then. */
	for (end = kind; end == ERR_OK;)
		end = db->driver->next(cursor, db->arena, &rest, err);
	db->driver->finish(db->session, cursor);
	return end == ERR_NOT_FOUND ? kind : end;
}

enum err_kind
db_each(struct db *db, enum statement statement, const struct db_value *args, size_t count,
	db_each_fn each, void *context, struct err *err)
{
	enum err_kind kind;
	struct db_row row;
	void *cursor;

	kind = db->driver->start(db->session, statement, args, count, &cursor, err);
	if (kind != ERR_OK)
		return kind;
	while ((kind = db->driver->next(cursor, db->arena, &row, err)) == ERR_OK) {
		kind = each(&row, context, err);
		if (kind != ERR_OK)
			break;
	}
	db->driver->finish(db->session, cursor);
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

bool
db_changed(struct db *db)
{
	return db->driver->changed(db->session);
}

enum err_kind
db_script(struct db *db, const char *sql, struct err *err)
{
	return db->driver->script(db->session, sql, err);
}

enum err_kind
db_is_empty(struct db *db, bool *empty, struct err *err)
{
	return db->driver->is_empty(db->session, empty, err);
}

const char *
db_dialect(const struct db *db)
{
	return db->driver->name;
}

static const struct db_value *
column(const struct db_row *row, size_t n)
{
	static const struct db_value null = {.type = DB_TYPE_NULL};

	return n < row->count ? &row->values[n] : &null;
}

int64_t
db_int(const struct db_row *row, size_t n)
{
	return column(row, n)->integer;
}

const char *
db_text(const struct db_row *row, size_t n)
{
	return column(row, n)->bytes;
}

const void *
db_blob(const struct db_row *row, size_t n, size_t *len)
{
	*len = column(row, n)->len;
	return column(row, n)->bytes;
}

bool
db_is_null(const struct db_row *row, size_t n)
{
	return column(row, n)->type == DB_TYPE_NULL;
}
