/*
 * answer_work - inside answers: a command while it is being answered, and the functions of the
 * table.
 *
 * What a command leaves behind on the device is a memo, a plist under a name:
 *
 *	app/ID			an app that came through MDM: a row of ManagedApplicationList
 *	app-gone/ID		one that was there from the start, and is no more
 *	app-configuration/ID	as Settings or InstallApplication gave it; app-attributes/ID
 *likewise book/ID			a row of ManagedMediaList setting/ITEM		the element
 *of Settings lost			Lost Mode: the command that turned it on update/KEY
 *a row of OSUpdateStatus user-gone/NAME		a user that was deleted admin/NAME
 *an element of AutoSetupAdminAccounts, as DeviceInformation tells it firmware-password,
 *recovery-lock, filevault-key, filevault-escrow, remote-desktop, bypass-code-gone, configured
 */
#ifndef POMONA_SIM_ANSWER_WORK_H
#define POMONA_SIM_ANSWER_WORK_H

#include "mdm/catalogue.h"
#include "sim/answers.h"

struct answer_work {
	struct arena *arena;
	const struct answer_device *device;
	const struct persona *persona;
	const struct catalogue_request *request; /* NULL: none that is known */
	const struct plist *args;                /* the Command dict */
	struct answer *answer;                   /* its message is filled in */
	bool complete;                           /* nothing is to be added to the answer */
};

/* Sets KEY of the answer. */
void answer_set(struct answer_work *work, const char *key, struct plist *value);

/* Makes it an Error; called again, the next link of the ErrorChain. */
void answer_fail(struct answer_work *work, const char *domain, int64_t code, const char *text);

/* The link of an ErrorChain. */
struct plist *answer_error(struct arena *arena, const char *domain, int64_t code, const char *text);

/* Makes it a CommandFormatError. */
void answer_malformed(struct answer_work *work);

/* The device's state, made if there is none yet. */
struct device_state *answer_state(struct answer_work *work);

/* ---- memos (answer_memo.c) ---- */

/* NAME/KEY in the answer's arena, as memos are called. */
const char *answer_memo_name(struct answer_work *work, const char *kind, const char *key);

/* NULL: there is none. */
struct plist *answer_recall(const struct answer_work *work, const char *name);
void answer_keep(struct answer_work *work, const char *name, const struct plist *value);
bool answer_forget(struct answer_work *work, const char *name); /* false: there was none */

/* The first memo whose name begins with KIND and a slash, or the next one after LAST; NULL: that
 * was all.  *KEY is what follows the slash. */
const struct device_memo *answer_memo_next(const struct answer_work *work, const char *kind,
	const struct device_memo *last, const char **key);
struct plist *answer_memo_read(const struct answer_work *work, const struct device_memo *memo);

/* ---- the catalogue (answer_catalogue.c) ---- */

/* Those that enrolled by themselves are; of the others some. */
bool answer_is_supervised(const struct answer_work *work);

/* Facts of OS and version leave room for it on this device. */
bool answer_is_known_here(const struct answer_work *work, const struct catalogue_fact *facts,
	size_t count, bool unsaid);

/* The key of an answer is one of this device's OS. */
bool answer_has_on_os(const struct answer_work *work, const struct catalogue_key *key);

/* The keys that DICT has to have are there, and all are of their types. */
bool answer_keys_fit(const struct answer_work *work, const struct catalogue_key *parent,
	const struct plist *dict);

/* Adds to the answer what the catalogue lists and nobody has set. */
void answer_complete(struct answer_work *work);

/* A value for a key of the catalogue's answers, that fits this device; or (VALUE not NULL) what
 * that lacks inside is added to it. */
struct plist *answer_made_up(
	struct answer_work *work, const struct catalogue_key *key, struct plist *value);

/* ---- the functions of the table ---- */

/* answer_access.c */
void answer_activation_lock_bypass_code(struct answer_work *work);
void answer_clear_activation_lock_bypass_code(struct answer_work *work);
void answer_clear_passcode(struct answer_work *work);
void answer_disable_remote_desktop(struct answer_work *work);
void answer_enable_remote_desktop(struct answer_work *work);
void answer_request_unlock_token(struct answer_work *work);
void answer_set_firmware_password(struct answer_work *work);
void answer_set_recovery_lock(struct answer_work *work);
void answer_verify_firmware_password(struct answer_work *work);
void answer_verify_recovery_lock(struct answer_work *work);
/* answer_apps.c */
void answer_installed_application_list(struct answer_work *work);
/* answer_certificates.c */
void answer_certificate_list(struct answer_work *work);
struct plist *answer_identity_der(struct answer_work *work); /* data; NULL: cannot be read */
/* answer_filevault.c */
void answer_rotate_filevault_key(struct answer_work *work);
void answer_add_filevault(struct answer_work *work, struct plist *security_info);
/* A profile was put on, or is gone, that may have said for whom the recovery key is encrypted. */
void answer_take_escrow(struct answer_work *work, const struct plist *profile);
void answer_drop_escrow(struct answer_work *work, const char *identifier);
/* answer_info.c */
void answer_device_information(struct answer_work *work);
/* answer_lost.c */
void answer_device_location(struct answer_work *work);
void answer_device_lock(struct answer_work *work);
void answer_disable_lost_mode(struct answer_work *work);
void answer_enable_lost_mode(struct answer_work *work);
void answer_erase_device(struct answer_work *work);
void answer_play_lost_mode_sound(struct answer_work *work);
bool answer_is_lost(const struct answer_work *work);
/* answer_managed.c */
void answer_apply_redemption_code(struct answer_work *work);
void answer_install_application(struct answer_work *work);
void answer_install_enterprise_application(struct answer_work *work);
void answer_install_media(struct answer_work *work);
void answer_managed_application_attributes(struct answer_work *work);
void answer_managed_application_configuration(struct answer_work *work);
void answer_managed_application_feedback(struct answer_work *work);
void answer_managed_application_list(struct answer_work *work);
void answer_managed_media_list(struct answer_work *work);
void answer_remove_application(struct answer_work *work);
void answer_remove_media(struct answer_work *work);
/* answer_profiles.c */
void answer_profile_list(struct answer_work *work);
void answer_install_profile(struct answer_work *work);
void answer_remove_profile(struct answer_work *work);
/* answer_provisions.c */
void answer_provisioning_profile_list(struct answer_work *work);
void answer_install_provisioning_profile(struct answer_work *work);
void answer_remove_provisioning_profile(struct answer_work *work);
/* answer_security.c */
void answer_security_info(struct answer_work *work);
void answer_restrictions(struct answer_work *work);
/* answer_settings.c */
void answer_settings(struct answer_work *work);
/* answer_updates.c */
void answer_available_os_updates(struct answer_work *work);
void answer_os_update_status(struct answer_work *work);
void answer_schedule_os_update(struct answer_work *work);
/* answer_users.c */
void answer_account_configuration(struct answer_work *work);
void answer_configured(struct answer_work *work);
void answer_delete_user(struct answer_work *work);
void answer_set_auto_admin_password(struct answer_work *work);
void answer_unlock_user_account(struct answer_work *work);
void answer_user_list(struct answer_work *work);

/* ---- between them ---- */

/* An app that was there from the start: answer_apps.c. */
struct answer_app {
	const char *name, *identifier;
	const char *short_version, *version;
	uint32_t size; /* KB */
};
/* App N of this device; NULL behind the last. */
const struct answer_app *answer_app_at(const struct answer_work *work, size_t n);
bool answer_app_is_managed(const struct answer_app *app);
bool answer_app_is_gone(struct answer_work *work, const char *identifier);

/* Is TEXT one of the strings of ARRAY? */
bool answer_has(const struct plist *array, const char *text);

/* A time that is always the same for this device and LABEL, in the past; ms since 1970. */
int64_t answer_past(const struct persona *persona, const char *label);

#endif
