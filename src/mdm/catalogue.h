/*
 * catalogue - every RequestType and its keys, as data: src/mdm/catalogue/, compiled into tables.
 *
 * Names, types, presence, rules and the facts of each OS are Apple's
 * (github.com/apple/device-management).  A new command is a new entry in the data and no code.
 *
 * The keys of a command are a list in which a key's subkeys follow it, so that it is a tree:
 *
 *	for (key = catalogue_first(parent); key != catalogue_end(parent); key = catalogue_next(key))
 *
 * Checking arguments against it: mdm/catalogue_check.h.
 */
#ifndef POMONA_MDM_CATALOGUE_H
#define POMONA_MDM_CATALOGUE_H

#include "base/buf.h"
#include "codec/plist.h"

/* ---- what is known of an OS ---- */

enum catalogue_os {
	CATALOGUE_IOS, /* and iPadOS */
	CATALOGUE_MACOS,
	CATALOGUE_TVOS,
	CATALOGUE_VISIONOS,
	CATALOGUE_WATCHOS,
};
enum { CATALOGUE_OS_COUNT = CATALOGUE_WATCHOS + 1 };

/* A version as a number that can be compared; 0: none. */
#define CATALOGUE_VERSION(major, minor, patch) ((major) << 16 | (minor) << 8 | (patch))

enum catalogue_mode {
	CATALOGUE_MODE_UNSAID,
	CATALOGUE_MODE_ALLOWED,
	CATALOGUE_MODE_FORBIDDEN,
	CATALOGUE_MODE_REQUIRED, /* on nothing else */
	CATALOGUE_MODE_IGNORED,  /* the device takes no notice of it */
};

enum { CATALOGUE_CHANNEL_DEVICE = 1, CATALOGUE_CHANNEL_USER = 2 };

/* The bits of AccessRights that a command needs. */
enum {
	CATALOGUE_RIGHT_UNSAID = 0,
	CATALOGUE_RIGHT_NONE = -1,    /* it needs none */
	CATALOGUE_RIGHT_SPECIAL = -2, /* it depends on what is asked for */
};

/*
 * Facts of a request, a key or a value on one OS.  What is not said (0) is as it is one level up; a
 * request that says nothing of an OS is not known there.
 */
struct catalogue_fact {
	enum catalogue_os os;
	bool unsupported; /* not on this OS */
	int introduced, deprecated, removed;
	int channels;
	bool supervised;    /* supervised devices only */
	bool automated;     /* only those enrolled by Automated Device Enrollment */
	bool user_approved; /* only where a person has approved of it */
	enum catalogue_mode user_enrollment;
	enum catalogue_mode shared_ipad;
	int shared_channels; /* on a Shared iPad */
	int right;
};

/* ---- keys ---- */

/* How a key's presence is ruled. */
enum catalogue_presence {
	CATALOGUE_OPTIONAL,
	CATALOGUE_REQUIRED,
	CATALOGUE_FILLED, /* required on the wire; the server fills it in when it is left out */
};

/* A value that a key may have: a string, or an integer in digits. */
struct catalogue_value {
	const char *text;
	const struct catalogue_fact *facts;
	size_t fact_count;
};

enum catalogue_rule_kind {
	CATALOGUE_RULE_EXACTLY_ONE_OF,
	CATALOGUE_RULE_AT_LEAST_ONE_OF,
	CATALOGUE_RULE_REQUIRED_IF,
	CATALOGUE_RULE_FORBIDDEN_IF,
	CATALOGUE_RULE_CONTAINS_IF, /* with the key, the array `other` contains `value` */
	CATALOGUE_RULE_RANGE,       /* min, max; or one of `also` */
	CATALOGUE_RULE_LENGTH,      /* of exactly `max` characters */
	CATALOGUE_RULE_MAX_BYTES,   /* of at most `max` bytes */
	CATALOGUE_RULE_PATTERN,     /* `value`: a POSIX extended regular expression */
	CATALOGUE_RULE_PREFIX,      /* begins with `value` */
	CATALOGUE_RULE_DEFAULT,     /* `value`, when it is left out: for people */
	CATALOGUE_RULE_DEPENDS,     /* `value` says it in words: for people */
};

enum catalogue_when {
	CATALOGUE_WHEN_EQUALS, /* `other` is `value` */
	CATALOGUE_WHEN_NOT_EQUALS,
	CATALOGUE_WHEN_TRUE,
	CATALOGUE_WHEN_NOT_TRUE, /* false, or left out */
	CATALOGUE_WHEN_ABSENT,
	CATALOGUE_WHEN_PRESENT,
};

/* A rule about the keys of one dictionary. */
struct catalogue_rule {
	enum catalogue_rule_kind kind;
	bool advisory;           /* who breaks it is warned, and not refused */
	const char *const *keys; /* the key, or the group of them, up to NULL */
	const char *other;
	enum catalogue_when when;
	const char *value;
	bool has_min, has_max;
	double min, max;
	const char *const *also; /* allowed besides, up to NULL; or NULL */
};

struct catalogue_key {
	const char *name; /* "": the shape of an array's elements; "*": a key of any other name */
	enum plist_type type;
	bool any; /* of any type: `type` says nothing */
	enum catalogue_presence presence;
	unsigned depth;     /* 0: the root; 1: a key of the command */
	unsigned span;      /* how many keys follow that are its subkeys, of all depths */
	const char *label;  /* of "*": what the names are; or NULL */
	const char *preset; /* what the device takes when it is left out, as text; or NULL */
	const char *format; /* POSIX extended regular expression; or NULL */
	bool has_min, has_max;
	double min, max;
	const struct catalogue_value *values; /* the allowed ones; NULL: any */
	size_t value_count;
	/* An array whose elements have different shapes, told apart by the key `by` of them; each
	 * shape has the value of it in `variant`. */
	const char *by, *variant;
	const struct catalogue_fact *facts;
	size_t fact_count;
	const struct catalogue_rule *rules; /* of a dictionary: about its keys */
	size_t rule_count;
};

struct catalogue_request {
	const char *name;
	const char *alias;        /* another name it is taken under; or NULL */
	const char *about;        /* a sentence for people */
	const char *const *notes; /* more of them, up to NULL; or NULL */
	bool confirm;             /* destroys data: through the queue view it has to be confirmed */
	const char *answer;       /* the key of the answer that is kept as inventory; NULL: none */
	bool merge;               /* its answers are partial and put together */
	const char *filters; /* keys that make an answer partial, separated by blanks; or NULL */
	const struct catalogue_fact *facts; /* one of each OS that knows it */
	size_t fact_count;
	const struct catalogue_key *payload;  /* the root of its keys, a dictionary */
	const struct catalogue_key *response; /* of the keys of the answer; NULL: none */
	const struct catalogue_key *keys;     /* those behind the payload's root, of all depths */
	size_t key_count;
};

/* By name or alias; NULL: unknown. */
const struct catalogue_request *catalogue_find(const char *request);

/* The one whose name it is but for its capitals; NULL: none. */
const struct catalogue_request *catalogue_spelling(const char *request);

/* Row N of the table, which is in the order of the names; NULL behind the last. */
const struct catalogue_request *catalogue_row(size_t n);

/* ---- walking ---- */

/* The keys of a dictionary, or the shapes of an array's elements. */
static inline const struct catalogue_key *
catalogue_first(const struct catalogue_key *parent)
{
	return parent + 1;
}

static inline const struct catalogue_key *
catalogue_end(const struct catalogue_key *parent)
{
	return parent + 1 + parent->span;
}

static inline const struct catalogue_key *
catalogue_next(const struct catalogue_key *key)
{
	return key + 1 + key->span;
}

/* The subkey of that name ("*" is none); NULL: there is none. */
const struct catalogue_key *catalogue_subkey(const struct catalogue_key *parent, const char *name);

/* The subkey that stands for any other name; NULL: there is none. */
const struct catalogue_key *catalogue_wildcard(const struct catalogue_key *parent);

/* The fact of OS; NULL: there is none. */
const struct catalogue_fact *catalogue_fact_of(
	const struct catalogue_fact *facts, size_t count, enum catalogue_os os);

/* Lays what is said at one level (OWN) over what is known of those above. */
void catalogue_fact_over(struct catalogue_fact *known, const struct catalogue_fact *own);

/* "iOS", "macOS", "tvOS", "visionOS", "watchOS". */
const char *catalogue_os_name(enum catalogue_os os);

enum { CATALOGUE_VERSION_SIZE = 16 };

/* "10.13.4"; OUT has CATALOGUE_VERSION_SIZE bytes. */
const char *catalogue_version_text(int version, char *out);

/* "17.5.1" as a number; 0 when it is no version. */
int catalogue_version_of(const char *text);

/* ---- checking ---- */

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

/* The catalogue itself, as tables and the views of them. */
void catalogue_write_tables(struct buf *buf);

#endif
