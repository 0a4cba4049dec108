/*
 * What an SQLite file is like, on a connection of its own: for db_check() and db_store_sizes().
 */
#include "store/sqlite_health.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PROBLEMS_MOST = 5 };

static int64_t
size_of(const char *path, const char *suffix)
{
	size_t size = strlen(path) + strlen(suffix) + 1;
	char *whole = malloc(size);
	struct stat file;
	int64_t bytes = 0;

	if (whole == NULL)
		return 0;
	snprintf(whole, size, "%s%s", path, suffix);
	if (stat(whole, &file) == 0)
		bytes = (int64_t)file.st_size;
	free(whole);
	return bytes;
}

void
sqlite_health_sizes(const char *path, int64_t *database, int64_t *log)
{
	*database = size_of(path, "");
	*log = size_of(path, "-wal");
}

static enum err_kind
failed(sqlite3 *sqlite, const char *path, struct err *err)
{
	return err_set(err, ERR_BUSY, "%s: %s", path, sqlite3_errmsg(sqlite));
}

/* A row of quick_check is "ok", or a problem. */
static enum err_kind
read_problems(sqlite3_stmt *check, db_problem_fn each, void *context, struct err *err)
{
	enum err_kind kind = ERR_OK;
	int code;

	while (kind == ERR_OK && (code = sqlite3_step(check)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(check, 0);

		if (text != NULL && strcmp(text, "ok") != 0)
			kind = each(text, context, err);
	}
	if (kind == ERR_OK && code != SQLITE_DONE)
		kind = err_set(err, ERR_BUSY, "%s", sqlite3_errmsg(sqlite3_db_handle(check)));
	return kind;
}

enum err_kind
sqlite_health_check(
	const char *path, int busy_ms, db_problem_fn each, void *context, struct err *err)
{
	sqlite3 *sqlite = NULL;
	sqlite3_stmt *check = NULL;
	enum err_kind kind = ERR_OK;
	char pragma[64];

	snprintf(pragma, sizeof(pragma), "PRAGMA quick_check(%d)", PROBLEMS_MOST);
	if (sqlite3_open_v2(path, &sqlite, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
		sqlite3_busy_timeout(sqlite, busy_ms) != SQLITE_OK ||
		sqlite3_prepare_v2(sqlite, pragma, -1, &check, NULL) != SQLITE_OK)
		kind = failed(sqlite, path, err);
	else
		kind = read_problems(check, each, context, err);
	sqlite3_finalize(check);
	sqlite3_close(sqlite);
	return kind;
}
