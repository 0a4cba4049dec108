/*
 * route - the site map: one row per path.
 */
#ifndef POMONA_WEB_ROUTE_H
#define POMONA_WEB_ROUTE_H

#include "base/err.h"
#include "codec/plist.h"
#include "mdm/checkin.h"
#include "mdm/mdm.h"
#include "web/peer.h"
#include "web/reply.h"
#include "web/request.h"

/* Who may call. */
enum route_access {
	ROUTE_ANYBODY,
	ROUTE_DEVICE, /* a verified client certificate */
};

/* What the body is. */
enum route_body {
	ROUTE_NO_BODY,
	ROUTE_BYTES, /* left as it is */
	ROUTE_PLIST,
};

/* What the handler has to do with the store. */
enum route_store {
	ROUTE_NO_STORE,
	ROUTE_TRANSACTION, /* it runs in one */
	ROUTE_OWN,         /* it has its own ones */
};

/* Everything a handler works with. */
struct call {
	struct request *request;
	struct mdm *mdm;
	struct peer peer;
	struct plist *plist; /* the decoded body */
	const struct route *route;
	const char *tail; /* of the path, behind that of the route */

	/* Makes the reply of an error, in place of reply_error()'s plain text; outside the
	 * transaction.  What it leaves alone stays as reply_error() has made it.  NULL: nothing. */
	void (*refuse)(struct call *call, struct reply *reply, const struct err *err);

	/* Goes on when the transaction has ended, and holds none while it waits for somebody else.
	 * The handler sets it; NULL: nothing is left to be done. */
	enum err_kind (*after)(struct call *call, struct reply *reply, struct err *err);
	struct checkin_after checkin_after;

	/* For the log, as far as known. */
	const char *enrollment_id, *message, *command, *offered, *remark;
};

typedef enum err_kind (*route_handler)(struct call *call, struct reply *reply, struct err *err);

struct route {
	const char *methods; /* separated by ", " */
	const char *path;    /* one that ends in / takes a tail, which may be a secret */
	enum route_access access;
	enum route_body body;
	size_t body_cap; /* 0: the configured cap of device messages */
	enum route_store store;
	/* Does this call write?  A transaction that turns out to write after all is started over.
	 * NULL: never. */
	bool (*writes)(const struct call *call);
	route_handler handle;
};

/*
 * The route of PATH.  ERR_NOT_FOUND when there is none, and *ROUTE is NULL; ERR_NOT_ALLOWED, with
 * ALLOW set, when METHOD is not one of its own.
 */
enum err_kind route_find(const char *method, const char *path, const struct route **route,
	const char **allow, struct err *err);

/* The path of the call for the log: without the tail. */
const char *route_shown_path(const struct call *call);

#endif
