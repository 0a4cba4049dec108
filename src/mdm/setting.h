/*
 * setting - what the operator configured, in the store; the view `setting` is its SQL face.
 *
 * Names, and what their values may be, are rows of one table in setting.c: server_url,
 * organization, keep_results, keep_events, keep_history and keep_secrets (days, or "forever"; see
 * mdm/retention.h), enroll_topics
 * ("imported" (the default): the topics of the push certificates; "any"; or a list, separated by
 * blanks), enroll_devices ("any" (the default): all but those blocked in table admission; "listed":
 * those allowed there), scep_challenge (a secret, see mdm/challenge.h), scep_days (how long an
 * identity is good for), scep_legacy ("on" (the default) or "off": SCEP with SHA-1 and single DES),
 * signature_sha1 ("accept" (the default) or "refuse": an Mdm-Signature with SHA-1, as old devices
 * make it), pin_unknown ("on" or "off" (the default); see mdm/pin.h), user_authenticate ("decline"
 * (the default), "accept" or "digest": what comes of a user who logs in at a Mac; see
 * mdm/login.h), user_realm ("Pomona"; see mdm/user.h), await_timeout ("15": the minutes after which
 * a device that waits to be configured is let go; see mdm/await.h).
 *
 * Of the enrollment profile (mdm/profile.h): scep_url (server_url and /scep), enroll_topic (that of
 * the one push certificate), enroll_description, enroll_consent, enroll_access_rights ("8191"),
 * enroll_sign_message ("off"), enroll_apns ("production" or "development"); of the enrollment page:
 * enroll_open ("links", "person" or "open": who gets a profile), enroll_ota ("off" or "on": by the
 * over-the-air profile service).
 *
 * Of HTTP back-ends: ddm_url (mdm/ddm.h).  Of devices that return to service
 * (mdm/return_to_service.h): return_to_service, return_to_service_plan, return_to_service_retry.
 *
 * A secret is kept sealed; what is shown of it is that it is set.
 */
#ifndef POMONA_MDM_SETTING_H
#define POMONA_MDM_SETTING_H

#include "mdm/mdm.h"

/* The value, or the name's default, or NULL when it has none. */
enum err_kind setting_get(struct mdm *mdm, const char *name, const char **value, struct err *err);

/* May URL be a back-end's?  What it should be, for a message. */
bool setting_is_backend_url(const char *url);
#define SETTING_BACKEND_URL "an http:// or https:// URL, without a query, a user or a password"

/* What stands for a secret, and what takes it away. */
#define SETTING_SECRET_SHOWN "(set)"
#define SETTING_NO_SECRET "none"

/* Is it one whose value is a secret?  To set it, the master key is needed. */
bool setting_is_secret(const char *name);

/* The secret itself, or NULL when there is none; needs the master key. */
enum err_kind setting_get_secret(
	struct mdm *mdm, const char *name, const char **value, struct err *err);

/* ERR_BAD_INPUT for an unknown name or a value that it cannot have. */
enum err_kind setting_check(const char *name, const char *value, struct err *err);

/* Sets it, after setting_check(). */
enum err_kind setting_set(struct mdm *mdm, const char *name, const char *value, struct err *err);

/* Gives it its default again, or none: the row goes.  ERR_BAD_INPUT for an unknown name. */
enum err_kind setting_unset(struct mdm *mdm, const char *name, struct err *err);

/* The number of days (1 to 36500) that VALUE stands for, 0 for "forever"; false: it is neither. */
bool setting_days(const char *value, int64_t *days);

/* Row N of the table of names (from 0), or NULL behind the last. */
const char *setting_name(size_t n);

#endif
