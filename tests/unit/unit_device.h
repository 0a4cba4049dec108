/*
 * unit_device - messages of devices, handed to mdm as the responder does, each in a transaction of
 * its own.  Messages are the inside of a dict, in XML; "A:U1" as an id is user U1 of device A.
 */
#ifndef POMONA_TESTS_UNIT_DEVICE_H
#define POMONA_TESTS_UNIT_DEVICE_H

#include "unit_store.h"

/* What every device here shows; a test that cares gives its own. */
extern const char *const UNIT_CERTIFICATE;

/* Lets the topic of these messages in. */
void unit_device_topic(struct unit_store *unit);

/* The dict; fails the test when it is no plist. */
struct plist *unit_message(struct unit_store *unit, const char *inner);

/* A check-in with that certificate; *REPLY (may be NULL) is the answer's plist, or NULL. */
enum err_kind unit_check_in(
	struct unit_store *unit, const char *inner, const char *certificate, struct plist **reply);

/* The same, of one message; MORE is what it holds besides. */
enum err_kind unit_say(struct unit_store *unit, const char *message_type, const char *id,
	const char *more, struct plist **reply);

/* Authenticate and TokenUpdate; fails the test when they are refused. */
void unit_enroll(struct unit_store *unit, const char *id, const char *more);

/* A report; the RequestType that comes back, "" for none, "!" for an error.  MORE is what it holds
 * besides; *NEXT (may be NULL) the UUID of what comes back. */
const char *unit_report(struct unit_store *unit, const char *id, const char *status,
	const char *uuid, const char *more, const char **next);

#endif
