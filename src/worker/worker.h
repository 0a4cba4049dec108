/*
 * worker - the loop of pomona-push: claims what is due, sends it, records what came of it.
 */
#ifndef POMONA_WORKER_WORKER_H
#define POMONA_WORKER_WORKER_H

#include "base/conf.h"
#include "mdm/mdm.h"

/* Runs until SIGTERM or SIGINT.  A store that is busy is tried again; only a fault ends it. */
enum err_kind worker_run(
	struct db_store *store, struct seal_key *key, const struct conf *conf, struct err *err);

#endif
