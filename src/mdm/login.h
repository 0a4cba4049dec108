/*
 * login - a user logs in at a Mac: a challenge, the digest that answers it, the token for the
 * session.
 *
 * Apple: "Enabling network and mobile user logins".  A challenge is for one user of one device,
 * good for one answer and a few minutes; it is in the store, so that any responder may be asked
 * next.  Wrong passwords are counted: after LOGIN_DEVICE_MOST in a row from one device, or
 * LOGIN_NAME_MOST under one name, nothing is taken from there for LOGIN_LOCKED_S after the last.
 *
 * All in the open write transaction, which is to be committed also when the answer is no.
 */
#ifndef POMONA_MDM_LOGIN_H
#define POMONA_MDM_LOGIN_H

#include "mdm/mdm.h"

enum {
	LOGIN_CHALLENGE_S = 5 * 60,
	LOGIN_CHALLENGES_MOST = 100, /* of one device at a time */
	LOGIN_DEVICE_MOST = 10,
	LOGIN_NAME_MOST = 5,
	LOGIN_LOCKED_S = 15 * 60,
};

/* A user channel that logs in. */
struct login {
	int64_t device_no, enrollment_no;
	const char *id;         /* the user channel's */
	const char *short_name; /* what the message says; may be NULL */
};

/* A DigestChallenge; no AuthToken is good for the channel from now on.  ERR_GONE when there were
 * too many wrong passwords. */
enum err_kind login_challenge(
	struct mdm *mdm, const struct login *login, const char **challenge, struct err *err);

/*
 * Is RESPONSE a good answer to the challenge?  *TOKEN is the AuthToken then, or "" with the reason
 * in *REFUSAL; *NAME is who it is about.  ERR_BAD_INPUT when RESPONSE is no digest.
 */
enum err_kind login_answer(struct mdm *mdm, const struct login *login, const char *response,
	const char **token, const char **name, const char **refusal, struct err *err);

/* No AuthToken is wanted of the channel. */
enum err_kind login_open(struct mdm *mdm, const struct login *login, struct err *err);

/*
 * May a message with AUTH_TOKEN (or NULL) speak for the channel that has HASH (column auth_token)
 * in its row?
 */
bool login_is_valid(const char *hash, const char *auth_token);

#endif
