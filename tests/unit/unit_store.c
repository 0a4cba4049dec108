#include "unit_store.h"

#include <sqlite3.h>
#include <unistd.h>

#include "unit.h"

void
unit_store_open(struct unit_store *unit)
{
	struct db_options options = {.create = true, .busy_ms = 2000};
	unsigned char bytes[SEAL_KEY_SIZE];

	memset(unit, 0, sizeof(*unit));
	snprintf(unit->dir, sizeof(unit->dir), "%s/pomona-unit-XXXXXX", P_tmpdir);
	assert_non_null(mkdtemp(unit->dir));
	snprintf(unit->path, sizeof(unit->path), "%s/store.db", unit->dir);
	options.database = unit->path;
	arena_init(&unit->arena);
	memset(bytes, 7, sizeof(bytes));
	seal_key_init(&unit->key);
	seal_key_set(&unit->key, bytes);
	if (db_store_open(&unit->store, &options, &unit->err) != ERR_OK)
		fail_msg("%s", unit->err.message);
	unit->mdm = (struct mdm){
		.db = db_open(unit->store, &unit->arena),
		.arena = &unit->arena,
		.key = &unit->key,
		.reader = plist_reader_new(plist_limits_default()),
	};
	if (mdm_prepare_store(unit->mdm.db, &unit->arena, true, &unit->err) != ERR_OK)
		fail_msg("%s", unit->err.message);
}

void
unit_store_close(struct unit_store *unit)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	char path[128];

	plist_reader_free(unit->mdm.reader);
	db_close(unit->mdm.db);
	db_store_close(unit->store);
	seal_key_release(&unit->key);
	arena_release(&unit->arena);
	for (size_t i = 0; i < COUNT(suffixes); i++) {
		snprintf(path, sizeof(path), "%s%s", unit->path, suffixes[i]);
		unlink(path);
	}
	rmdir(unit->dir);
}

void
unit_begin(struct unit_store *unit, enum db_mode mode)
{
	if (db_begin(unit->mdm.db, mode, &unit->err) != ERR_OK)
		fail_msg("%s", unit->err.message);
}

void
unit_commit(struct unit_store *unit)
{
	if (db_commit(unit->mdm.db, &unit->err) != ERR_OK)
		fail_msg("%s", unit->err.message);
}

static sqlite3 *
shell(struct unit_store *unit)
{
	sqlite3 *sqlite;

	assert_int_equal(sqlite3_open(unit->path, &sqlite), SQLITE_OK);
	sqlite3_busy_timeout(sqlite, 5000);
	return sqlite;
}

const char *
unit_sql_error(struct unit_store *unit, const char *sql)
{
	static char message[500];
	sqlite3 *sqlite = shell(unit);
	char *error = NULL;

	sqlite3_exec(sqlite, sql, NULL, NULL, &error);
	snprintf(message, sizeof(message), "%s", error == NULL ? "" : error);
	sqlite3_free(error);
	sqlite3_close(sqlite);
	return message;
}

void
unit_sql(struct unit_store *unit, const char *sql)
{
	assert_string_equal(unit_sql_error(unit, sql), "");
}

const char *
unit_sql_text(struct unit_store *unit, const char *sql)
{
	static char text[2000];
	sqlite3 *sqlite = shell(unit);
	sqlite3_stmt *stmt;

	text[0] = '\0';
	if (sqlite3_prepare_v2(sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite));
	if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0) != NULL)
		snprintf(text, sizeof(text), "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	sqlite3_close(sqlite);
	return text;
}

long long
unit_sql_int(struct unit_store *unit, const char *sql)
{
	return strtoll(unit_sql_text(unit, sql), NULL, 10);
}
