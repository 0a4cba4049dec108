/*
 * user - who may log in at a Mac, where setting user_authenticate is "digest".
 *
 * A user is known by the short name.  What is kept of the password is what HTTP digest needs of it,
 * sealed: it is good for one realm (setting user_realm), and has to be set again when that changes.
 */
#ifndef POMONA_MDM_USER_H
#define POMONA_MDM_USER_H

#include "codec/digest.h"
#include "mdm/mdm.h"

/* ERR_BAD_INPUT when name (1 to 100 bytes, no colon) or password (1 to 256 bytes) will not do,
 * ERR_CONFLICT when there is such a user. */
enum err_kind user_add(struct mdm *mdm, const char *name, const char *password, struct err *err);

/* ERR_NOT_FOUND: there is no such user. */
enum err_kind user_set_password(
	struct mdm *mdm, const char *name, const char *password, struct err *err);
enum err_kind user_remove(struct mdm *mdm, const char *name, struct err *err);

/* The realm and what stands for the password in it.  ERR_NOT_FOUND: there is no such user. */
enum err_kind user_find(struct mdm *mdm, const char *name, const char **realm, const char **secret,
	struct err *err);

#endif
