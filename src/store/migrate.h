/*
 * migrate - brings a store to the schema of this program.
 *
 * The numbered steps run once each, in order; views and triggers are made anew whenever their text
 * is not that of this program (a new version, a new catalogue).  All in one transaction.
 */
#ifndef POMONA_STORE_MIGRATE_H
#define POMONA_STORE_MIGRATE_H

#include "store/db.h"

/*
 * With CREATE an empty database becomes a store; without it that is ERR_NOT_FOUND.  ERR_CONFLICT
 * when it is the database of another program.
 *
 * EXTRA is more SQL of the interface (the triggers made from the command catalogue).  ERR_CONFLICT
 * when the store was made by a newer program.  Does nothing, and takes no write lock, when all is
 * as it should be.
 */
enum err_kind migrate_run(struct db *db, const char *extra, bool create, struct err *err);

/*
 * Only looks: the step the store is at, and the newest this program knows.  The errors are those of
 * migrate_run() for a database that is no store.
 */
enum err_kind migrate_look(struct db *db, int *step, int *newest, struct err *err);

#endif
