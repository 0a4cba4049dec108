/*
 * A command comes in as a plist, and goes out as the device's answer.
 */
#include "sim/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/answer_work.h"

/* ---- the table ---- */

/*
 * Commands that are more than an empty answer or what answer_complete() makes up.  Which keys they
 * have, and which devices know them, says the catalogue.
 */
static const struct answer_row {
	const char *request_type;
	void (*build)(struct answer_work *work);
} rows[] = {
	{"AccountConfiguration", answer_account_configuration},
	{"ActivationLockBypassCode", answer_activation_lock_bypass_code},
	{"ApplyRedemptionCode", answer_apply_redemption_code},
	{"AvailableOSUpdates", answer_available_os_updates},
	{"CertificateList", answer_certificate_list},
	{"ClearActivationLockBypassCode", answer_clear_activation_lock_bypass_code},
	{"ClearPasscode", answer_clear_passcode},
	{"DeleteUser", answer_delete_user},
	{"DeviceConfigured", answer_configured},
	{"DeviceInformation", answer_device_information},
	{"DeviceLocation", answer_device_location},
	{"DeviceLock", answer_device_lock},
	{"DisableLostMode", answer_disable_lost_mode},
	{"DisableRemoteDesktop", answer_disable_remote_desktop},
	{"EnableLostMode", answer_enable_lost_mode},
	{"EnableRemoteDesktop", answer_enable_remote_desktop},
	{"EraseDevice", answer_erase_device},
	{"InstallApplication", answer_install_application},
	{"InstallEnterpriseApplication", answer_install_enterprise_application},
	{"InstallMedia", answer_install_media},
	{"InstallProfile", answer_install_profile},
	{"InstallProvisioningProfile", answer_install_provisioning_profile},
	{"InstalledApplicationList", answer_installed_application_list},
	{"ManagedApplicationAttributes", answer_managed_application_attributes},
	{"ManagedApplicationConfiguration", answer_managed_application_configuration},
	{"ManagedApplicationFeedback", answer_managed_application_feedback},
	{"ManagedApplicationList", answer_managed_application_list},
	{"ManagedMediaList", answer_managed_media_list},
	{"OSUpdateStatus", answer_os_update_status},
	{"PlayLostModeSound", answer_play_lost_mode_sound},
	{"ProfileList", answer_profile_list},
	{"ProvisioningProfileList", answer_provisioning_profile_list},
	{"RemoveApplication", answer_remove_application},
	{"RemoveMedia", answer_remove_media},
	{"RemoveProfile", answer_remove_profile},
	{"RemoveProvisioningProfile", answer_remove_provisioning_profile},
	{"RequestUnlockToken", answer_request_unlock_token},
	{"Restrictions", answer_restrictions},
	{"RotateFileVaultKey", answer_rotate_filevault_key},
	{"ScheduleOSUpdate", answer_schedule_os_update},
	{"SecurityInfo", answer_security_info},
	{"SetAutoAdminPassword", answer_set_auto_admin_password},
	{"SetFirmwarePassword", answer_set_firmware_password},
	{"SetRecoveryLock", answer_set_recovery_lock},
	{"Settings", answer_settings},
	{"UnlockUserAccount", answer_unlock_user_account},
	{"UserConfigured", answer_configured},
	{"UserList", answer_user_list},
	{"VerifyFirmwarePassword", answer_verify_firmware_password},
	{"VerifyRecoveryLock", answer_verify_recovery_lock},
};

/* What a device in Lost Mode does not do. */
static const char *const not_when_lost[] = {
	"ClearPasscode", "InstallApplication", "InstallMedia", "RequestMirroring", "StopMirroring"};

static int
compare_row(const void *request_type, const void *row)
{
	return strcmp(request_type, ((const struct answer_row *)row)->request_type);
}

/* ---- what the functions of the table use ---- */

void
answer_set(struct answer_work *work, const char *key, struct plist *value)
{
	plist_set(work->arena, work->answer->message, key, value);
}

static void
set_status(struct answer_work *work, const char *status)
{
	work->answer->status = status;
	answer_set(work, "Status", plist_string(work->arena, status));
}

struct plist *
answer_error(struct arena *arena, const char *domain, int64_t code, const char *text)
{
	struct plist *link = plist_dict(arena);

	plist_set(arena, link, "ErrorCode", plist_integer(arena, code));
	plist_set(arena, link, "ErrorDomain", plist_string(arena, domain));
	plist_set(arena, link, "LocalizedDescription", plist_string(arena, text));
	plist_set(arena, link, "USEnglishDescription", plist_string(arena, text));
	return link;
}

void
answer_fail(struct answer_work *work, const char *domain, int64_t code, const char *text)
{
	struct arena *arena = work->arena;
	const struct plist *chain = plist_get(work->answer->message, "ErrorChain");
	struct plist *links = chain != NULL ? plist_copy(arena, chain) : plist_array(arena);

	plist_append(links, answer_error(arena, domain, code, text));
	answer_set(work, "ErrorChain", links);
	set_status(work, "Error");
}

void
answer_malformed(struct answer_work *work)
{
	set_status(work, "CommandFormatError");
}

struct device_state *
answer_state(struct answer_work *work)
{
	struct device_state **state = work->device->state;

	if (*state == NULL && (*state = calloc(1, sizeof(**state))) == NULL) {
		fputs("level=error msg=\"out of memory\"\n", stderr);
		abort();
	}
	return *state;
}

/* ---- the command ---- */

/* What RULE wants; false: the true answer. */
static bool
answer_as_told(struct answer_work *work, const struct rule *rule)
{
	if (rule == NULL)
		return false;
	switch (rule->action) {
	case RULE_NOT_NOW:
		set_status(work, "NotNow");
		return true;
	case RULE_ERROR:
		answer_fail(work, "MCMDMErrorDomain",
			rule->error_code >= 0 ? rule->error_code : 12010,
			"The command failed, as it was told to.");
		return true;
	case RULE_FORMAT_ERROR:
		answer_malformed(work);
		return true;
	default:
		return false;
	}
}

/* To a command it does not know a Mac gives the empty dictionaries of Restrictions all the same. */
static bool
knows(const struct answer_work *work)
{
	const struct catalogue_request *request = work->request;

	return request != NULL &&
	       (answer_is_known_here(work, request->facts, request->fact_count, false) ||
		       strcmp(request->name, "Restrictions") == 0);
}

static bool
is_refused_when_lost(const struct answer_work *work)
{
	for (size_t i = 0; i < sizeof(not_when_lost) / sizeof(not_when_lost[0]); i++)
		if (strcmp(not_when_lost[i], work->answer->request_type) == 0)
			return answer_is_lost(work);
	return false;
}

static void
answer_known(struct answer_work *work)
{
	const struct answer_row *row = bsearch(work->answer->request_type, rows,
		sizeof(rows) / sizeof(rows[0]), sizeof(rows[0]), compare_row);

	if (row != NULL)
		row->build(work);
	if (strcmp(work->answer->status, "Acknowledged") == 0 && !work->complete)
		answer_complete(work);
}

static void
answer_truly(struct answer_work *work)
{
	const char *request_type = work->answer->request_type;

	if (request_type[0] == '\0')
		answer_malformed(work);
	else if (!knows(work))
		answer_fail(work, "MCMDMErrorDomain", 12021,
			arena_printf(
				work->arena, "“%.80s” is not a valid request type.", request_type));
	else if (!answer_keys_fit(work, work->request->payload, work->args))
		answer_malformed(work);
	else if (is_refused_when_lost(work))
		answer_fail(work, "MCMDMErrorDomain", 12078,
			"The command is not valid while the device is in Lost Mode.");
	else
		answer_known(work);
}

void
answer_peek(const struct plist *command, const char **uuid, const char **request_type)
{
	const char *type = plist_get_string(plist_get(command, "Command"), "RequestType");

	*uuid = plist_get_string(command, "CommandUUID");
	*request_type = type != NULL ? type : "";
}

enum err_kind
answer_command(struct answer *answer, struct arena *arena, const struct answer_device *device,
	const struct plist *command, const struct rule *rule, struct err *err)
{
	struct answer_work work = {.arena = arena,
		.device = device,
		.persona = device->persona,
		.args = plist_get_typed(command, "Command", PLIST_DICT),
		.answer = answer};

	*answer = (struct answer){.message = plist_dict(arena)};
	answer_peek(command, &answer->uuid, &answer->request_type);
	work.request = catalogue_find(answer->request_type);
	if (answer->uuid == NULL)
		return err_set(err, ERR_BAD_INPUT, "a command without CommandUUID");
	answer_set(&work, "CommandUUID", plist_string(arena, answer->uuid));
	if (device->persona->model->kind == PERSONA_MAC && answer->request_type[0] != '\0')
		answer_set(&work, "RequestType", plist_string(arena, answer->request_type));
	set_status(&work, "Acknowledged");
	answer_set(&work, "UDID", plist_string(arena, device->persona->udid));
	if (!answer_as_told(&work, rule))
		answer_truly(&work);
	return ERR_OK;
}

/* ---- what a device says of itself ---- */

static struct plist *
checkin(struct arena *arena, const struct persona *persona, const char *topic, const char *type)
{
	struct plist *message = plist_dict(arena);

	plist_set(arena, message, "MessageType", plist_string(arena, type));
	plist_set(arena, message, "Topic", plist_string(arena, topic));
	plist_set(arena, message, "UDID", plist_string(arena, persona->udid));
	return message;
}

struct plist *
answer_authenticate(struct arena *arena, const struct persona *persona, const char *topic)
{
	struct plist *message = checkin(arena, persona, topic, "Authenticate");
	const struct persona_model *model = persona->model;

	plist_set(arena, message, "OSVersion", plist_string(arena, persona->os->version));
	plist_set(arena, message, "BuildVersion", plist_string(arena, persona->os->build));
	plist_set(arena, message, "ProductName", plist_string(arena, model->product_name));
	plist_set(arena, message, "SerialNumber", plist_string(arena, persona->serial));
	if (model->kind == PERSONA_MAC) {
		plist_set(arena, message, "DeviceName", plist_string(arena, persona->device_name));
		plist_set(arena, message, "Model", plist_string(arena, model->model));
		plist_set(arena, message, "ModelName", plist_string(arena, model->model_name));
	}
	return message;
}

struct plist *
answer_token_update(
	struct arena *arena, const struct persona *persona, const char *topic, bool awaiting)
{
	struct plist *message = checkin(arena, persona, topic, "TokenUpdate");
	unsigned char unlock[PERSONA_UNLOCK_SIZE];

	plist_set(arena, message, "AwaitingConfiguration", plist_boolean(arena, awaiting));
	plist_set(arena, message, "PushMagic", plist_string(arena, persona->push_magic));
	plist_set(
		arena, message, "Token", plist_data(arena, persona->token, sizeof(persona->token)));
	if (persona->model->kind != PERSONA_MAC) {
		persona_unlock_token(persona, unlock);
		plist_set(arena, message, "UnlockToken", plist_data(arena, unlock, sizeof(unlock)));
	}
	return message;
}

struct plist *
answer_check_out(struct arena *arena, const struct persona *persona, const char *topic)
{
	return checkin(arena, persona, topic, "CheckOut");
}

struct plist *
answer_idle(struct arena *arena, const struct persona *persona)
{
	struct plist *message = plist_dict(arena);

	plist_set(arena, message, "Status", plist_string(arena, "Idle"));
	plist_set(arena, message, "UDID", plist_string(arena, persona->udid));
	return message;
}
