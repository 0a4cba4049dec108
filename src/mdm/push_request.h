/*
 * push_request - requests for push certificates: keys that wait for the certificate Apple makes of
 * them.
 *
 * The key is made here, kept sealed, and never leaves the store: the import of Apple's certificate
 * finds it by its public half.  Several requests may wait side by side.
 */
#ifndef POMONA_MDM_PUSH_REQUEST_H
#define POMONA_MDM_PUSH_REQUEST_H

#include "codec/x509_request.h"
#include "mdm/mdm.h"

enum { PUSH_REQUEST_NAME_MOST = 64 };

struct push_request {
	const char *name;
	const char *request; /* PEM */
	const char *key_hash;
	const char *topic; /* it is to renew the certificate of this one; NULL: a new one */
	int64_t created_at;
};

/*
 * Makes and keeps one under NAME.  ERR_BAD_INPUT for a name that is empty, too long or holds
 * control characters, and for the subject; ERR_CONFLICT when there is one of that name;
 * ERR_NOT_FOUND when TOPIC (may be NULL) has no certificate to be renewed.
 */
enum err_kind push_request_make(struct mdm *mdm, const char *name, const char *topic,
	const struct x509_subject *subject, struct push_request *request, struct err *err);

/* ERR_NOT_FOUND. */
enum err_kind push_request_find(
	struct mdm *mdm, const char *name, struct push_request *request, struct err *err);

/*
 * The one whose key has this public half, and the key itself (KEY_PEM may be NULL: not wanted);
 * ERR_NOT_FOUND, with no message.
 */
enum err_kind push_request_by_key(struct mdm *mdm, const char *key_hash,
	struct push_request *request, const char **key_pem, struct err *err);

/* Calls EACH for every one, by name. */
enum err_kind push_request_each(struct mdm *mdm,
	enum err_kind (*each)(const struct push_request *request, void *context, struct err *err),
	void *context, struct err *err);

/* The key is gone then, and a certificate for it good for nothing.  ERR_NOT_FOUND. */
enum err_kind push_request_remove(struct mdm *mdm, const char *name, struct err *err);

/* The same when its certificate has come. */
enum err_kind push_request_end(struct mdm *mdm, const char *name, struct err *err);

#endif
