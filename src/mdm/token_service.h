/*
 * token_service - who makes the tokens that devices ask for with GetToken, one row a service type.
 *
 * Apple: "Get Token".  com.apple.maid: a JSON Web Token with claims iss (the server_uuid of the MDM
 * server in Apple Business or School Manager), iat, jti, service_type, signed (RS256) with the
 * private key whose certificate is registered there.  Any other type, com.apple.watch.pairing among
 * them, has a hook: an HTTP back-end that makes the token.  A type without a row is unknown, which
 * is a 400 to the device.
 */
#ifndef POMONA_MDM_TOKEN_SERVICE_H
#define POMONA_MDM_TOKEN_SERVICE_H

#include "mdm/mdm.h"

#define TOKEN_SERVICE_MAID "com.apple.maid"
#define TOKEN_SERVICE_WATCH "com.apple.watch.pairing"

struct token_service {
	const char *url; /* of the hook; NULL: the token is made here */
	const char *issuer;
	const void *key; /* sealed */
	size_t key_len;
};

/* A file with the private key of com.apple.maid. */
struct token_service_key {
	const void *bytes;
	size_t len;
	const char *password; /* or NULL */
	const char *issuer;
};

/* ERR_NOT_FOUND when there is none of that type. */
enum err_kind token_service_find(
	struct mdm *mdm, const char *type, struct token_service *service, struct err *err);

/* The token of com.apple.maid, new each time. */
enum err_kind token_service_make(
	struct mdm *mdm, const struct token_service *service, const char **token, struct err *err);

/*
 * Has com.apple.maid made here.  ERR_BAD_INPUT when the file holds no RSA key that will do or the
 * issuer is no UUID.
 */
enum err_kind token_service_set_maid(
	struct mdm *mdm, const struct token_service_key *key, struct err *err);

/* Has TYPE made by the back-end at URL.  ERR_BAD_INPUT when either will not do. */
enum err_kind token_service_set_hook(
	struct mdm *mdm, const char *type, const char *url, struct err *err);

/* ERR_NOT_FOUND when there is none of that type. */
enum err_kind token_service_remove(struct mdm *mdm, const char *type, struct err *err);

#endif
