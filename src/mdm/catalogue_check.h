/*
 * catalogue_check - the one check for all doors: a command's arguments against the catalogue, and
 * against the device they are for.
 *
 * Messages name the request and the path of the key: "Settings: Settings[2].Item cannot be …".
 * Values are shown only where the catalogue lists what they may be: any other may be a secret.
 */
#ifndef POMONA_MDM_CATALOGUE_CHECK_H
#define POMONA_MDM_CATALOGUE_CHECK_H

#include "mdm/catalogue.h"

/* What is odd, and no reason to refuse: an unknown key, one that has no effect, … */
struct catalogue_remark {
	const char *text;
	struct catalogue_remark *next;
};

enum { CATALOGUE_REMARKS_MOST = 100 };

/* Starts as {0}; behind CATALOGUE_REMARKS_MOST they are only counted. */
struct catalogue_remarks {
	struct catalogue_remark *first, *last;
	size_t count;
};

void catalogue_remark_add(struct catalogue_remarks *remarks, struct arena *arena, const char *text);

/* ---- the arguments as such ---- */

struct catalogue_options {
	bool strict; /* a key that the catalogue does not list is refused, and not only remarked */
	bool wire;   /* the arguments are those of a plist: each has its type already */
	struct catalogue_remarks *remarks; /* NULL: nobody wants to know */
};

/*
 * Checks ARGS (a dict as from JSON, or from a plist; NULL: none) at every level: keys that are
 * required, types, allowed values, ranges, formats, rules.  *KEYS (may be NULL) gets the keys as
 * they go on the wire: data out of base64, dates out of ISO 8601.  What the catalogue does not list
 * goes through as it is.  ERR_BAD_INPUT for the first fault.
 */
enum err_kind catalogue_check_args(struct arena *arena, const struct catalogue_request *request,
	const struct plist *args, const struct catalogue_options *options, struct plist **keys,
	struct err *err);

/* ---- and the device ---- */

enum catalogue_known { CATALOGUE_UNKNOWN, CATALOGUE_NO, CATALOGUE_YES };

/* What is known of an enrollment (mdm/target.h finds it out); what is not known refuses nothing. */
struct catalogue_target {
	bool has_os;
	enum catalogue_os os;
	int version; /* CATALOGUE_VERSION(), 0: not known */
	int channel; /* CATALOGUE_CHANNEL_DEVICE or _USER */
	enum catalogue_known supervised, automated, user_approved, user_enrollment, shared_ipad;
};

/*
 * Checks whether the device takes such a command: its OS and version, channel, supervision, kind of
 * enrollment; the command's and those of each key in ARGS (which catalogue_check_args() has found
 * right).  ERR_BAD_INPUT with the reason.  REMARKS (may be NULL) gets what will have no effect, or
 * will be gone with a coming OS: so do values that the device does not know, as it leaves them out.
 */
enum err_kind catalogue_check_target(struct arena *arena, const struct catalogue_request *request,
	const struct plist *args, const struct catalogue_target *target,
	struct catalogue_remarks *remarks, struct err *err);

#endif
