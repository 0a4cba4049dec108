/*
 * challenge - the passwords that open SCEP: who has one gets an identity.
 *
 * They are random, good for one use (or a few), expire, and may be made for one enrollment, in
 * whose name the identity will then be.  The store holds their SHA-256 alone: 128 random bits need
 * no salt.
 *
 * Setting scep_challenge is one more, that is chosen by the operator, good for all and for ever;
 * there is none unless he sets it.
 */
#ifndef POMONA_MDM_CHALLENGE_H
#define POMONA_MDM_CHALLENGE_H

#include "mdm/mdm.h"

enum {
	CHALLENGE_SIZE = 33, /* 32 hex digits and the NUL */
	CHALLENGE_USES_MOST = 1000000,
	CHALLENGE_LIFETIME_S = 24 * 60 * 60, /* unless said otherwise */
	CHALLENGE_LIFETIME_MOST_S = 366 * 24 * 60 * 60,
	CHALLENGE_FOR_MOST = 64, /* bytes of the enrollment id: it becomes a CommonName */
};

struct challenge_terms {
	const char
		*for_id; /* the enrollment it is for, which need not be there yet; NULL: anybody */
	int uses;        /* 0: one */
	int64_t lifetime_ms; /* 0: a day */
};

/*
 * A new challenge, in the open write transaction; *SECRET is in the arena, and is to be had here
 * and never again.  ERR_BAD_INPUT when the terms will not do.
 */
enum err_kind challenge_create(
	struct mdm *mdm, const struct challenge_terms *terms, const char **secret, struct err *err);

/* Who a challenge lets in. */
struct challenge_grant {
	const char *for_id; /* NULL: anybody */
};

/*
 * Uses SECRET up, in the open write transaction in which the identity is issued: when that is
 * rolled back it is as good as before.  ERR_FORBIDDEN, with the reason, when it is unknown, used or
 * expired.
 */
enum err_kind challenge_take(
	struct mdm *mdm, const char *secret, struct challenge_grant *grant, struct err *err);

/*
 * The same answer without using it up; a read transaction is enough.  To refuse before the
 * expensive part.
 */
enum err_kind challenge_check(
	struct mdm *mdm, const char *secret, struct challenge_grant *grant, struct err *err);

#endif
