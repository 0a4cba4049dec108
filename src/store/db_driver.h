/*
 * db_driver - what a database has to offer to stand behind db.h; one row per database.
 *
 * Only src/store includes this file.  A driver's functions do what the verb of the same name in
 * db.h promises; the driver's session keeps its state (in a transaction or not, of which mode).
 */
#ifndef POMONA_STORE_DB_DRIVER_H
#define POMONA_STORE_DB_DRIVER_H

#include "store/db.h"

struct db_driver {
	const char *name; /* the dialect: "sqlite", "postgresql" */
	bool (*takes)(const char *database);

	enum err_kind (*store_open)(
		void **store, const struct db_options *options, struct err *err);
	void (*store_close)(void *store);
	bool (*is_there)(const void *store);
	void (*sizes)(const void *store, int64_t *database, int64_t *log);
	enum err_kind (*check)(
		const void *store, db_problem_fn each, void *context, struct err *err);
	void *(*session_open)(void *store);
	void (*session_close)(void *session);

	enum err_kind (*begin)(void *session, enum db_mode mode, struct err *err);
	enum err_kind (*commit)(void *session, struct err *err);
	void (*rollback)(void *session);
	enum err_kind (*transact)(void *session, db_work work, void *context, struct err *err);
	bool (*may_write)(const void *session);

	/*
	 * A statement's rows: `start` binds and readies it, `next` gives ERR_OK with a row (in
	 * ARENA) or ERR_NOT_FOUND at the end, `finish` makes it ready for the next use and tells
	 * how many rows it touched.
	 */
	enum err_kind (*start)(void *session, enum statement statement, const struct db_value *args,
		size_t count, void **cursor, struct err *err);
	enum err_kind (*next)(
		void *cursor, struct arena *arena, struct db_row *row, struct err *err);
	int64_t (*finish)(void *session, void *cursor);

	enum err_kind (*script)(void *session, const char *sql, struct err *err);
	enum err_kind (*is_empty)(void *session, bool *empty, struct err *err);
	bool (*changed)(void *session);
};

extern const struct db_driver db_driver_sqlite;

#endif
