/*
 * mdm - what a function of this room works with: the store, memory, the master key.
 *
 * One per thread.  `db` is in a transaction when a function of this room is called, unless its
 * header says otherwise.
 */
#ifndef POMONA_MDM_MDM_H
#define POMONA_MDM_MDM_H

#include "base/arena.h"
#include "codec/plist.h"
#include "codec/seal.h"
#include "store/db.h"

struct conf;
struct relay;
struct scep_desk;
struct seen;

/* Who acts, for the audit trail (mdm/audit.h). */
struct mdm_actor {
	const char *source; /* the door: "cli", "api"; NULL: no operator */
	const char *name;   /* or NULL */
	const char *place;  /* where he sits; or NULL */
};

struct mdm {
	struct db *db;
	struct arena *arena;         /* of the request; the same as the session's */
	struct seal_key *key;        /* opens and closes what is sealed */
	struct plist_reader *reader; /* for plists inside of values */
	int64_t push_retry; /* ms until a device that does not come is pushed again, the first time
			     */
	const struct conf *conf;     /* the configuration file; NULL: it is not known here */
	struct scep_desk *scep_desk; /* keys of the CA, shared by the threads; NULL: none kept */
	struct relay *relay;    /* to HTTP back-ends, shared by the threads; NULL: there is none */
	struct seen *seen;      /* times of devices that only looked in; NULL: they are not kept */
	struct mdm_actor actor; /* the operator, set once by the program that speaks for him */
};

/*
 * Brings the store to this program's schema, views and triggers; with CREATE, makes one of an empty
 * database.  Outside a transaction.
 */
enum err_kind mdm_prepare_store(struct db *db, struct arena *arena, bool create, struct err *err);

/*
 * What a server does first: prepares the store that must be there, and makes sure that the master
 * key is its own (ERR_CONFLICT) before anything is sealed with another one.  Outside a transaction.
 */
enum err_kind mdm_start(struct mdm *mdm, struct err *err);

/*
 * Reads the master key from PATH into mdm->key, when it is the one of this store.  The errors are
 * those of seal_key_read(), and ERR_CONFLICT when it is another store's; there is no key then.
 * Outside a transaction.
 */
enum err_kind mdm_find_key(struct mdm *mdm, const char *path, struct err *err);

/* ERR_BUSY when there is no master key now: nothing can be sealed. */
enum err_kind mdm_need_key(struct mdm *mdm, struct err *err);

/*
 * A value for a column that is sealed: bytes as seal_close() gives them, for PLACE; NULL when BYTES
 * is NULL.  In the write transaction that stores it.  ERR_BUSY when there is no master key.
 */
enum err_kind mdm_seal(struct mdm *mdm, const char *place, const void *bytes, size_t len,
	struct db_value *value, struct err *err);

#endif
