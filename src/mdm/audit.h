/*
 * audit - the trail of what operators did: one row each, written in the transaction of the act.
 *
 * Rows are only ever added (triggers in sql/sqlite.sql refuse the rest), and each carries the hash
 * of the one before.  What is done in the SQL shell is written by triggers (source "sql"), where
 * there is no SHA-256: such rows wait, unchained, until the next row that a program writes, or the
 * worker, chains them, in their order.  A row is chained once.
 *
 * Who acts is mdm->actor.  Without one (its source is NULL) it is a device or the server itself,
 * and nothing is written.
 *
 * The hash of a row is the SHA-256, in lower-case hex, of
 *
 *	pomona-audit-1 LF
 *
 * and then, for each of previous, no, at, source, actor, place, action, object, device, detail in
 * this order: "-" LF when it is NULL, else its length in bytes, ":", its bytes, LF.  Numbers are
 * written in decimal, `at` in milliseconds since 1970; text is UTF-8, as it is in the store.
 * `previous` is the hash of the row before, 64 zeros in the first.  pomona-sql(7) tells the same.
 *
 * Nothing here is a secret: of a command there are the names of its keys and no values, of a
 * setting that is a secret there is no value.
 */
#ifndef POMONA_MDM_AUDIT_H
#define POMONA_MDM_AUDIT_H

#include "codec/x509.h"
#include "mdm/mdm.h"

/* What was done; audit_action_name() is the text in column `action`. */
enum audit_action {
	AUDIT_QUEUE_ADD,    /* object: CommandUUID */
	AUDIT_QUEUE_CANCEL, /* object: CommandUUID */
	AUDIT_QUEUE_CLEAR,  /* all open commands of a device */
	AUDIT_QUEUE_CHANGE, /* object: CommandUUID; its priority or times (SQL) */
	AUDIT_DEVICE_BLOCK,
	AUDIT_DEVICE_UNBLOCK,
	AUDIT_SETTING_SET,   /* object: name */
	AUDIT_SETTING_UNSET, /* object: name */
	AUDIT_SECRET_SHOW,   /* object: what kind of secret; detail: the reason */
	AUDIT_SECRET_CHANGE,
	AUDIT_IDENTITY_ISSUE,     /* object: SHA-256 of the certificate */
	AUDIT_IDENTITY_REVOKE,    /* object: SHA-256 */
	AUDIT_CA_MAKE,            /* object: name, as in all of them */
	AUDIT_CA_IMPORT,          /* */
	AUDIT_CA_ACTIVATE,        /* detail.at: the worker will do so then */
	AUDIT_CA_RETIRE,          /* */
	AUDIT_CA_CRL,             /* */
	AUDIT_PUSH_CERT_REQUEST,  /* object: name of the request */
	AUDIT_PUSH_CERT_FORGET,   /* object: name of the request */
	AUDIT_PUSH_CERT_IMPORT,   /* object: topic */
	AUDIT_PUSH_CERT_REMOVE,   /* object: topic */
	AUDIT_KEY_ROTATE,         /* object: number of the new master key */
	AUDIT_SCEP_CHALLENGE,     /* a challenge was made */
	AUDIT_ENROLL_LINK,        /* object: number of the link */
	AUDIT_ENROLL_LINK_REVOKE, /* object: number of the link */
	AUDIT_PROFILE_ENROLL,     /* an enrollment profile was made */
	AUDIT_ADMISSION_ADD,      /* object: "udid VALUE" or "serial VALUE" */
	AUDIT_ADMISSION_REMOVE,   /* the same */
	AUDIT_USER_SET,           /* object: name */
	AUDIT_USER_REMOVE,        /* object: name */
	AUDIT_GROUP_SET,          /* object: name; made or changed */
	AUDIT_GROUP_REMOVE,       /* object: name */
	AUDIT_SCHEDULE_SET,       /* object: name; made or changed */
	AUDIT_SCHEDULE_REMOVE,    /* object: name */
	AUDIT_SETUP_ADD,          /* object: number of the setup command */
	AUDIT_SETUP_CHANGE,       /* object: number; its position (SQL) */
	AUDIT_SETUP_REMOVE,       /* object: number */
	AUDIT_TOKEN_SERVICE,      /* object: type; detail: who makes the tokens now */
	AUDIT_RETURN_TO_SERVICE,  /* object: kind of profile; detail: set or removed */
	AUDIT_ESCROW,             /* a new escrow certificate; object: its SHA-256 */
	AUDIT_ACTIONS,            /* how many there are */
};

const char *audit_action_name(enum audit_action action);

/*
 * Adds a row, in the open write transaction of what is done, and chains what is not chained yet (a
 * few hundred rows at most).  OBJECT, DEVICE (an enrollment id) and DETAIL (a dict; no secrets) may
 * be NULL.  ERR_NEEDS_WRITE in a read transaction.
 */
enum err_kind audit_add(struct mdm *mdm, enum audit_action action, const char *object,
	const char *device, const struct plist *detail, struct err *err);

/* A detail with one text; {} when VALUE is NULL. */
struct plist *audit_detail(struct arena *arena, const char *key, const char *value);

/* Housekeeping: chains up to MOST rows; *COUNT: how many it were.  Needs to write only when there
 * are any. */
enum err_kind audit_chain(struct mdm *mdm, int64_t most, int64_t *count, struct err *err);

/* A row that is chained; its number is 0 when there is none yet. */
struct audit_head {
	int64_t no;
	char hash[X509_HASH_SIZE];
};

/* The last one. */
enum err_kind audit_head(struct mdm *mdm, struct audit_head *head, struct err *err);

struct audit_report {
	int64_t rows;           /* that were looked at */
	int64_t unchained;      /* … of them, at the end */
	struct audit_head head; /* the last one that is chained */
	int64_t broken;         /* number of the first row that is wrong; 0: none is */
	const char *reason;     /* what is wrong with it; or NULL */
};

/*
 * Looks at the whole trail, from its first row on, up to the first that is wrong: one that was
 * changed, that is not where it was, or before which others are missing.  What was cut off at its
 * end cannot be seen here: compare the head with an earlier one, EXPECTED (or NULL), whose row must
 * still be there.  Outside a transaction; mdm->arena is reset on the way.
 */
enum err_kind audit_verify(struct mdm *mdm, const struct audit_head *expected,
	struct audit_report *report, struct err *err);

#endif
