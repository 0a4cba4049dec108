/*
 * rules - how a test tells the simulator to behave otherwise: a file with a JSON array, read again
 * whenever it changes.
 *
 * The first rule that matches wins.  A rule with "times" is used up after so many matches; a file
 * that changes starts counting anew.  pomona-sim(1) lists the keys of both kinds.
 */
#ifndef POMONA_SIM_RULES_H
#define POMONA_SIM_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum rules_kind {
	RULES_APNS,   /* token -> what the stand-in answers */
	RULES_DEVICE, /* device, request -> what the device answers */
};

enum rule_action {
	RULE_NORMAL, /* as without a rule, but for the delay */
	RULE_DROP,   /* closes the connection instead of answering */
	/* the stand-in's */
	RULE_STATUS, /* status, reason, timestamp, retry_after */
	RULE_GOAWAY, /* with the reason */
	RULE_HANG,   /* never answers */
	/* the devices' */
	RULE_NOT_NOW,
	RULE_ERROR, /* error_code */
	RULE_FORMAT_ERROR,
	RULE_REPEAT, /* sends its answer twice, as after a lost reply */
};

struct rule {
	const char *subject; /* token or device; "*" is any; capitals do not count */
	const char *request; /* RequestType; "*" is any; NULL in the stand-in's rules */
	enum rule_action action;
	int status;          /* HTTP */
	const char *reason;  /* APNs's word; NULL: the one that goes with the status */
	int64_t timestamp;   /* ms since 1970; -1: none given */
	int64_t retry_after; /* seconds; -1: no such header */
	int64_t error_code;  /* -1: none given */
	int64_t delay_ms;
	int64_t times; /* matches left; -1: always */
};

struct rules;

/*
 * Rules without a file, to be filled by rules_parse(); or those of the file at PATH (not copied),
 * which need not be there yet.  A file that is there but is wrong is an error now; later it is
 * logged, and the rules stay as they were.
 */
struct rules *rules_new(enum rules_kind kind);
enum err_kind rules_open(
	struct rules **rules, enum rules_kind kind, const char *path, struct err *err);
void rules_free(struct rules *rules);

/* Takes TEXT in the place of the rules there are, unless it is wrong. */
enum err_kind rules_parse(struct rules *rules, const char *text, size_t len, struct err *err);

/*
 * The rule for this case, counted as used; NULL when there is none, or RULES is NULL.  It is good
 * until the next call.
 */
const struct rule *rules_match(struct rules *rules, const char *subject, const char *request);

#endif
