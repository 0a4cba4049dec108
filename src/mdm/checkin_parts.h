/*
 * checkin_parts - what the files of mdm/checkin share: a message on its way, its keys, and the
 * function of each message.
 */
#ifndef POMONA_MDM_CHECKIN_PARTS_H
#define POMONA_MDM_CHECKIN_PARTS_H

#include "mdm/checkin.h"
#include "mdm/event.h"

enum { CHECKIN_SECRET_MOST = 64 * 1024 /* bytes of a token */ };

/* One message on its way. */
struct checkin_visit {
	struct mdm *mdm;
	const struct checkin *checkin;
	const struct plist *message;
	struct enrollment_ids ids;
	struct buf *reply;
	struct checkin_after *after;
	struct err *err;
};

/* ---- the messages, each a row of the table in checkin.c ---- */

enum err_kind checkin_authenticate(struct checkin_visit *visit);
enum err_kind checkin_token_update(struct checkin_visit *visit);
enum err_kind checkin_check_out(struct checkin_visit *visit);
enum err_kind checkin_set_bootstrap_token(struct checkin_visit *visit);
enum err_kind checkin_get_bootstrap_token(struct checkin_visit *visit);
enum err_kind checkin_user_authenticate(struct checkin_visit *visit);
enum err_kind checkin_declarative_management(struct checkin_visit *visit);
enum err_kind checkin_get_token(struct checkin_visit *visit);
enum err_kind checkin_return_to_service(struct checkin_visit *visit);

/* ---- their keys ---- */

/* A string of at most 1024 bytes; NULL when it is not there and not REQUIRED.  ERR_BAD_INPUT names
 * the key. */
enum err_kind checkin_string(
	struct checkin_visit *visit, const char *key, bool required, const char **value);

/* Data of at most MOST bytes, likewise. */
enum err_kind checkin_data(struct checkin_visit *visit, const char *key, bool required, size_t most,
	const struct plist **value);

/* ---- what they do ---- */

/* Is it from a user channel? */
bool checkin_is_user(const struct checkin_visit *visit);

/* The enrollment it is from, with its pin checked; ERR_FORBIDDEN also when it has checked out. */
enum err_kind checkin_bind(struct checkin_visit *visit, struct enrollment *enrollment);

/* The enrollment's bootstrap token, opened; *TOKEN is NULL when none is stored. */
enum err_kind checkin_bootstrap_token(struct checkin_visit *visit, int64_t enrollment_no,
	const unsigned char **token, size_t *len);
/* The device it is from, also when it comes on a user channel; likewise. */
enum err_kind checkin_bind_device(struct checkin_visit *visit, struct enrollment *device);

/*
 * The user channel it is from, of DEVICE; USER gets its number, and whether it is blocked.  When it
 * is not there it begins now, as authenticating.  ERR_FORBIDDEN when it is another device's, or
 * blocked.
 */
enum err_kind checkin_add_user(struct checkin_visit *visit, const struct enrollment *device,
	const char *topic, struct enrollment *user);

/* The value sealed for its column of the enrollment; NULL stays NULL. */
enum err_kind checkin_seal(struct checkin_visit *visit, const char *column, const void *bytes,
	size_t len, struct db_value *value);

/* The detail of an event: these keys of the message, as JSON.  None of them may be a secret. */
const char *checkin_detail(struct checkin_visit *visit, const char *const *keys);

/* Notes what happened, with the message as it came. */
enum err_kind checkin_event(struct checkin_visit *visit, enum event_kind kind,
	int64_t enrollment_no, const char *detail);

#endif
