/*
 * Runs at the start of every program, before anything else looks at the store.
 */
#include "store/migrate.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/dialect.h"
#include "store/schema.h"

enum { DROPS_MOST = 256 * 1024 };

static const char bootstrap[] =
	"CREATE TABLE schema_state (name TEXT PRIMARY KEY, value TEXT NOT NULL)";

static const char *
interface_of(const char *dialect)
{
	for (const struct schema_interface *i = schema_interfaces; i->dialect != NULL; i++)
		if (strcmp(i->dialect, dialect) == 0)
			return i->sql;
	return "";
}

/* FNV-1a, 64 bits: tells whether the text is the one in the store, no more. */
static char *
fingerprint(struct arena *arena, const char *a, const char *b)
{
	uint64_t hash = 14695981039346656037u;

	for (; *a != '\0'; a++)
		hash = (hash ^ (unsigned char)*a) * 1099511628211u;
	for (; *b != '\0'; b++)
		hash = (hash ^ (unsigned char)*b) * 1099511628211u;
	return arena_printf(arena, "%016llx", (unsigned long long)hash);
}

static int
newest_step(void)
{
	int newest = 0;

	for (const struct schema_step *step = schema_steps; step->number != 0; step++)
		newest = step->number;
	return newest;
}

/* The step the store is at (0: it is empty), and whether its interface is FINGERPRINT's. */
static enum err_kind
read_state(struct db *db, const char *wanted, int *step, bool *same, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(db, SQL_SCHEMA_STATE, DB_ARGS(DB_TEXT("step")), &row, err);

	*step = 0;
	*same = false;
	if (kind != ERR_OK)
		return kind == ERR_NOT_FOUND ? ERR_OK : kind;
	*step = (int)strtol(db_text(&row, 0), NULL, 10);
	kind = db_first(db, SQL_SCHEMA_STATE, DB_ARGS(DB_TEXT("interface")), &row, err);
	if (kind == ERR_OK)
		*same = strcmp(db_text(&row, 0), wanted) == 0;
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

static enum err_kind
run_steps(struct db *db, int from, struct err *err)
{
	for (const struct schema_step *step = schema_steps; step->number != 0; step++) {
		enum err_kind kind;

		if (step->number <= from)
			continue;
		kind = db_script(db,
			dialect_apply(arena_strdup(db_arena(db), step->sql), db_dialect(db)), err);
		if (kind == ERR_OK)
			kind = db_run(db, SQL_SCHEMA_STATE_SET,
				DB_ARGS(DB_TEXT("step"),
					DB_TEXT(arena_printf(db_arena(db), "%d", step->number))),
				NULL, err);
		if (kind != ERR_OK) {
			err_prefix(err, "schema step %s", step->name);
			return kind;
		}
	}
	return ERR_OK;
}

/* DROP for each thing that SQL creates at the start of a line: "VIEW name", "TRIGGER name". */
static void
add_drops(struct buf *drops, const char *sql)
{
	static const char create[] = "CREATE ";

	for (; sql != NULL; sql = strchr(sql, '\n')) {
		size_t kind, name;

		sql += *sql == '\n';
		if (strncmp(sql, create, sizeof(create) - 1) != 0)
			continue;
		sql += sizeof(create) - 1;
		kind = strcspn(sql, " ");
		name = strcspn(sql + kind + 1, " (\n");
		buf_printf(drops, "DROP %.*s IF EXISTS %.*s;\n", (int)kind, sql, (int)name,
			sql + kind + 1);
	}
}

/* What an operator has made of his own stays: only what the last interface made goes. */
static enum err_kind
drop_interface(struct db *db, const char *drops, struct err *err)
{
	struct db_row row;
	enum err_kind kind =
		db_first(db, SQL_SCHEMA_STATE, DB_ARGS(DB_TEXT("interface_drops")), &row, err);

	if (kind == ERR_OK)
		kind = db_script(db, db_text(&row, 0), err);
	else if (kind == ERR_NOT_FOUND)
		kind = ERR_OK;
	if (kind == ERR_OK)
		kind = db_script(db, drops, err);
	return kind;
}

static enum err_kind
renew_interface(struct db *db, const char *extra, const char *print, struct err *err)
{
	struct buf drops;
	enum err_kind kind;

	buf_init(&drops, db_arena(db), DROPS_MOST);
	add_drops(&drops, interface_of(db_dialect(db)));
	add_drops(&drops, extra);
	if (drops.full)
		return err_set(err, ERR_INTERNAL, "too many views and triggers");
	kind = drop_interface(db, drops.bytes, err);
	if (kind == ERR_OK)
		kind = db_script(db, interface_of(db_dialect(db)), err);
	if (kind == ERR_OK)
		kind = db_run(db, SQL_SCHEMA_STATE_SET,
			DB_ARGS(DB_TEXT("interface_drops"), DB_TEXT(drops.bytes)), NULL, err);
	if (kind == ERR_OK)
		kind = db_script(db, extra, err);
	if (kind == ERR_OK)
		kind = db_run(db, SQL_SCHEMA_STATE_SET,
			DB_ARGS(DB_TEXT("interface"), DB_TEXT(print)), NULL, err);
	if (kind != ERR_OK)
		err_prefix(err, "views and triggers");
	return kind;
}

/* In the open write transaction. */
static enum err_kind
migrate(struct db *db, const char *extra, const char *print, bool create, struct err *err)
{
	enum err_kind kind;
	bool empty, same;
	int step;

	kind = db_is_empty(db, &empty, err);
	if (kind == ERR_OK && empty && !create)
		return err_set(err, ERR_NOT_FOUND, "there is no store yet: run pomona init");
	if (kind == ERR_OK && empty)
		kind = db_script(db, bootstrap, err);
	if (kind != ERR_OK)
		return kind;
	kind = read_state(db, print, &step, &same, err);
	if (kind == ERR_INTERNAL)
		err_prefix(err, "this is the database of another program");
	if (kind == ERR_OK && step > newest_step())
		kind = err_set(err, ERR_CONFLICT,
			"the store was made by a newer version (schema %d, this program knows %d)",
			step, newest_step());
	if (kind == ERR_OK)
		kind = run_steps(db, step, err);
	if (kind == ERR_OK && (!same || step < newest_step()))
		kind = renew_interface(db, extra, print, err);
	return kind;
}

/* Reading first: the usual case is that there is nothing to do. */
static bool
is_current(struct db *db, const char *print)
{
	bool same = false;
	int step = 0;

	if (db_begin(db, DB_READ, NULL) != ERR_OK)
		return false;
	if (read_state(db, print, &step, &same, NULL) != ERR_OK)
		same = false;
	db_rollback(db);
	return same && step == newest_step();
}

enum err_kind
migrate_run(struct db *db, const char *extra, bool create, struct err *err)
{
	const char *print = fingerprint(db_arena(db), interface_of(db_dialect(db)), extra);
	enum err_kind kind;

	if (is_current(db, print))
		return ERR_OK;
	kind = db_begin(db, DB_WRITE, err);
	if (kind != ERR_OK)
		return kind;
	kind = migrate(db, extra, print, create, err);
	if (kind != ERR_OK) {
		db_rollback(db);
		return kind;
	}
	return db_commit(db, err);
}

enum err_kind
migrate_look(struct db *db, int *step, int *newest, struct err *err)
{
	enum err_kind kind = db_begin(db, DB_READ, err);
	bool same, empty = false;

	*step = 0;
	*newest = newest_step();
	if (kind != ERR_OK)
		return kind;
	kind = db_is_empty(db, &empty, err);
	if (kind == ERR_OK && empty)
		kind = err_set(err, ERR_NOT_FOUND, "there is no store yet: run pomona init");
	else if (kind == ERR_OK && (kind = read_state(db, "", step, &same, err)) == ERR_INTERNAL)
		err_prefix(err, "this is the database of another program");
	db_rollback(db);
	return kind;
}
