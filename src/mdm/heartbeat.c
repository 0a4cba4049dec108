/*
 * Written by pomona-push, read by `pomona doctor`.
 */
#include "mdm/heartbeat.h"

#include <unistd.h>

#include "base/clock.h"

enum { HOST_MOST = 256, FORGET_MS = 24 * 3600 * 1000 };

struct heartbeat
heartbeat_make(struct arena *arena)
{
	char host[HOST_MOST] = "?";

	if (gethostname(host, sizeof(host)) != 0)
		host[0] = '?';
	host[HOST_MOST - 1] = '\0';
	return (struct heartbeat){.name = arena_printf(arena, "%s:%ld", host, (long)getpid()),
		.version = PACKAGE_VERSION,
		.started_at = clock_now()};
}

enum err_kind
heartbeat_note(struct mdm *mdm, const struct heartbeat *heartbeat, struct err *err)
{
	int64_t now = clock_now();
	enum err_kind kind = db_run(mdm->db, SQL_HEARTBEAT_NOTE,
		DB_ARGS(DB_TEXT(heartbeat->name), DB_TEXT(heartbeat->version),
			DB_INT(heartbeat->started_at), DB_INT(now)),
		NULL, err);

	return kind == ERR_OK ? db_run(mdm->db, SQL_HEARTBEAT_FORGET,
					DB_ARGS(DB_INT(now - FORGET_MS)), NULL, err)
			      : kind;
}

enum err_kind
heartbeat_end(struct mdm *mdm, const struct heartbeat *heartbeat, struct err *err)
{
	return db_run(mdm->db, SQL_HEARTBEAT_END, DB_ARGS(DB_TEXT(heartbeat->name)), NULL, err);
}

enum err_kind
heartbeat_last(struct mdm *mdm, struct heartbeat *heartbeat, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(mdm->db, SQL_HEARTBEAT_LAST, DB_NONE, &row, err);

	if (kind == ERR_OK)
		*heartbeat = (struct heartbeat){.name = db_text(&row, 0),
			.version = db_text(&row, 1),
			.started_at = db_int(&row, 2),
			.seen_at = db_int(&row, 3)};
	return kind;
}
