/*
 * sqlite_health - what db_sqlite.c gives for db_check() and db_store_sizes().  Not for use outside
 * of store/.
 */
#ifndef POMONA_STORE_SQLITE_HEALTH_H
#define POMONA_STORE_SQLITE_HEALTH_H

#include "store/db.h"

void sqlite_health_sizes(const char *path, int64_t *database, int64_t *log);

enum err_kind sqlite_health_check(
	const char *path, int busy_ms, db_problem_fn each, void *context, struct err *err);

#endif
