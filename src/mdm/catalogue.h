/*
 * catalogue - every RequestType and its keys, as data: src/mdm/catalogue.data, compiled into a
 * table.
 *
 * Names, types and presence are Apple's (github.com/apple/device-management).  A new command is a
 * new entry in the data file and no code.
 */
#ifndef POMONA_MDM_CATALOGUE_H
#define POMONA_MDM_CATALOGUE_H

#include "base/buf.h"
#include "codec/plist.h"

/* How a key's presence is ruled. */
enum catalogue_presence {
	CATALOGUE_OPTIONAL,
	CATALOGUE_REQUIRED,
	CATALOGUE_FILLED, /* required on the wire; the server fills it in when it is left out */
};

/* One key, or the shape of an array's elements (name ""); its subkeys follow it with a greater
 * depth. */
struct catalogue_key {
	const char *name;
	enum plist_type type;
	enum catalogue_presence presence;
	unsigned depth;     /* 1: a key of the command */
	unsigned length;    /* exact length of a string; 0: any */
	const char *values; /* allowed values, separated by blanks; NULL: any */
};

struct catalogue_request {
	const char *name;
	const char *alias;   /* another name it is taken under; or NULL */
	bool confirm;        /* destroys data: through the queue view it has to be confirmed */
	const char *answer;  /* the key of the answer that is kept as inventory; NULL: none */
	bool merge;          /* its answers are partial and put together */
	const char *filters; /* keys that make an answer partial, separated by blanks; or NULL */
	const struct catalogue_key *keys;
	size_t key_count;
};

/* By name or alias; NULL: unknown. */
const struct catalogue_request *catalogue_find(const char *request);

/* Row N of the table, NULL behind the last. */
const struct catalogue_request *catalogue_row(size_t n);

/*
 * Checks ARGS (a dict as from JSON or a plist; NULL: none) and gives the keys as they go on the
 * wire: data out of base64, dates out of ISO 8601.  Keys that the catalogue does not list go
 * through as they are.  ERR_BAD_INPUT with a message that names request and key path ("EraseDevice:
 * ReturnToService.Enabled is missing").
 */
enum err_kind catalogue_check(struct arena *arena, const struct catalogue_request *request,
	const struct plist *args, struct plist **keys, struct err *err);

/* The triggers that check top-level keys when a payload comes through the SQL interface, in
 * SQLite's dialect. */
void catalogue_write_triggers(struct buf *buf);

#endif
