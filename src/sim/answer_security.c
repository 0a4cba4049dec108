/*
 * SecurityInfo and Restrictions: how well the device is protected, and what it may not do.
 */
#include "sim/answer_work.h"

/* ---- SecurityInfo ---- */

static void
set_boolean(struct answer_work *work, struct plist *dict, const char *key, bool value)
{
	plist_set(work->arena, dict, key, plist_boolean(work->arena, value));
}

static void
set_string(struct answer_work *work, struct plist *dict, const char *key, const char *value)
{
	plist_set(work->arena, dict, key, plist_string(work->arena, value));
}

static void
add_mobile_security(struct answer_work *work, struct plist *info)
{
	const struct device_state *state = *work->device->state;
	bool passcode = persona_pick(work->persona, "passcode", 8) != 0 &&
			(state == NULL || !state->passcode_cleared);

	plist_set(work->arena, info, "HardwareEncryptionCaps", plist_integer(work->arena, 3));
	set_boolean(work, info, "PasscodePresent", passcode);
	set_boolean(work, info, "PasscodeCompliant", passcode);
	set_boolean(work, info, "PasscodeCompliantWithProfiles", passcode);
	plist_set(work->arena, info, "PasscodeLockGracePeriod", plist_integer(work->arena, 0));
	plist_set(work->arena, info, "PasscodeLockGracePeriodEnforced",
		plist_integer(work->arena, 0));
	plist_set(work->arena, info, "AutoLockTime", plist_integer(work->arena, 120));
}

static struct plist *
firewall(struct answer_work *work)
{
	struct plist *settings = plist_dict(work->arena);

	set_boolean(work, settings, "FirewallEnabled", true);
	set_boolean(work, settings, "BlockAllIncoming", false);
	set_boolean(work, settings, "StealthMode", persona_pick(work->persona, "stealth", 2) != 0);
	set_boolean(work, settings, "LoggingEnabled", true);
	set_string(work, settings, "LoggingOption", "throttled");
	plist_set(work->arena, settings, "Applications", plist_array(work->arena));
	return settings;
}

static struct plist *
secure_boot(struct answer_work *work)
{
	struct plist *boot = plist_dict(work->arena);

	set_string(work, boot, "SecureBootLevel", "full");
	set_string(work, boot, "ExternalBootLevel", "not supported");
	plist_set(work->arena, boot, "ReducedSecurity", plist_array(work->arena));
	return boot;
}

static void
add_mac_security(struct answer_work *work, struct plist *info)
{
	bool encrypted = persona_pick(work->persona, "filevault", 4) != 0;
	struct plist *firmware = plist_dict(work->arena);

	if (encrypted)
		answer_add_filevault(work, info);
	set_boolean(work, info, "FDE_Enabled", encrypted);
	set_boolean(work, info, "FDE_HasPersonalRecoveryKey", encrypted);
	set_boolean(work, info, "FDE_HasInstitutionalRecoveryKey", false);
	set_boolean(work, info, "SystemIntegrityProtectionEnabled", true);
	plist_set(work->arena, info, "FirewallSettings", firewall(work));
	set_boolean(
		work, firmware, "PasswordExists", answer_recall(work, "firmware-password") != NULL);
	set_boolean(work, firmware, "ChangePending", false);
	set_boolean(work, firmware, "AllowOroms", false);
	plist_set(work->arena, info, "FirmwarePasswordStatus", firmware);
	plist_set(work->arena, info, "SecureBoot", secure_boot(work));
	set_boolean(
		work, info, "RemoteDesktopEnabled", answer_recall(work, "remote-desktop") != NULL);
	set_boolean(work, info, "AuthenticatedRootVolumeEnabled", true);
	set_string(work, info, "BootstrapTokenAllowedForAuthentication", "allowed");
	set_boolean(work, info, "BootstrapTokenRequiredForSoftwareUpdate", true);
	set_boolean(work, info, "BootstrapTokenRequiredForKernelExtensionApproval", true);
	set_boolean(
		work, info, "IsRecoveryLockEnabled", answer_recall(work, "recovery-lock") != NULL);
}

void
answer_security_info(struct answer_work *work)
{
	struct plist *info = plist_dict(work->arena), *management = plist_dict(work->arena);

	set_boolean(work, management, "IsUserEnrollment", false);
	if (work->persona->model->kind == PERSONA_MAC) {
		add_mac_security(work, info);
		set_boolean(work, management, "EnrolledViaDEP", answer_is_supervised(work));
		set_boolean(work, management, "UserApprovedEnrollment", true);
		set_boolean(work, management, "IsActivationLockManageable", false);
	} else {
		add_mobile_security(work, info);
	}
	plist_set(work->arena, info, "ManagementStatus", management);
	answer_set(work, "SecurityInfo", info);
}

/* ---- Restrictions ---- */

static void
restrict_to(struct answer_work *work, struct plist *dict, const char *name, struct plist *value)
{
	struct plist *restriction = plist_dict(work->arena);

	plist_set(work->arena, restriction, "value", value);
	plist_set(work->arena, dict, name, restriction);
}

/* {NAME: {values: [VALUE]}} */
static struct plist *
lists(struct answer_work *work, const char *name, const char *value)
{
	struct plist *dict = plist_dict(work->arena), *list = plist_dict(work->arena);
	struct plist *values = plist_array(work->arena);

	plist_append(values, plist_string(work->arena, value));
	plist_set(work->arena, list, "values", values);
	plist_set(work->arena, dict, name, list);
	return dict;
}

static struct plist *
restrictions(struct answer_work *work)
{
	static const char *const names[] = {"allowAirDrop", "allowAppInstallation", "allowCamera",
		"allowCloudBackup", "allowEraseContentAndSettings", "allowScreenShot",
		"forceEncryptedBackup"};
	struct plist *all = plist_dict(work->arena), *flags = plist_dict(work->arena);
	struct plist *numbers = plist_dict(work->arena);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		restrict_to(work, flags, names[i],
			plist_boolean(work->arena, persona_pick(work->persona, names[i], 3) != 0));
	restrict_to(work, numbers, "maxInactivity", plist_integer(work->arena, 5));
	restrict_to(work, numbers, "minLength", plist_integer(work->arena, 6));
	plist_set(work->arena, all, "restrictedBool", flags);
	plist_set(work->arena, all, "restrictedValue", numbers);
	plist_set(work->arena, all, "intersection",
		lists(work, "whitelistedAppBundleIDs", "org.example.timesheets"));
	plist_set(work->arena, all, "union",
		lists(work, "blacklistedAppBundleIDs", "org.example.games"));
	return all;
}

/* A Mac answers with an empty dictionary. */
void
answer_restrictions(struct answer_work *work)
{
	bool mac = work->persona->model->kind == PERSONA_MAC;
	struct plist *by_profile = plist_dict(work->arena);

	answer_set(work, "GlobalRestrictions", mac ? plist_dict(work->arena) : restrictions(work));
	if (!plist_get_boolean(work->args, "ProfileRestrictions", false))
		return;
	if (!mac)
		plist_set(work->arena, by_profile, "org.example.restrictions", restrictions(work));
	answer_set(work, "ProfileRestrictions", by_profile);
}
