/*
 * DeviceInformation, SecurityInfo and Restrictions: what a device tells of itself when asked.
 */
#include "sim/answer_work.h"

#include <string.h>

#include "codec/text.h"

#define IPHONE (1u << PERSONA_IPHONE)
#define IPAD (1u << PERSONA_IPAD)
#define MAC (1u << PERSONA_MAC)
#define MOBILE (IPHONE | IPAD)
#define ANY (MOBILE | MAC)

enum { TIME_BASE_MINUTES = 28000000, DAY_MINUTES = 1440 }; /* early 2023, since 1970 */

/* ---- the values of queries ---- */

static struct plist *
no(struct arena *arena, const struct persona *persona)
{
	(void)persona;
	return plist_boolean(arena, false);
}

static struct plist *
yes(struct arena *arena, const struct persona *persona)
{
	(void)persona;
	return plist_boolean(arena, true);
}

static struct plist *
empty(struct arena *arena, const struct persona *persona)
{
	(void)persona;
	return plist_array(arena);
}

static struct plist *
udid(struct arena *arena, const struct persona *persona)
{
	return plist_string(arena, persona->udid);
}

/* An Apple silicon Mac is provisioned under another id than its UDID. */
static struct plist *
provisioning_udid(struct arena *arena, const struct persona *persona)
{
	unsigned char b[12];

	persona_bytes(persona->name, "provisioning", b, sizeof(b));
	return plist_string(
		arena, arena_printf(arena, "0000%02X%02X-%02X%02X%02X%02X%02X%02X%02X%02X", b[0],
			       b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9]));
}

static struct plist *
device_name(struct arena *arena, const struct persona *persona)
{
	return plist_string(arena, persona->device_name);
}

static struct plist *
os_version(struct arena *arena, const struct persona *persona)
{
	return plist_string(arena, persona->os->version);
}

static struct plist *
build_version(struct arena *arena, const struct persona *persona)
{
	return plist_string(arena, persona->os->build);
}

static struct plist *
model_name(struct arena *arena, const struct persona *persona)
{
	return plist_string(arena, persona->model->model_name);
}

static struct plist *
model(struct arena *arena, const struct persona *persona)
{
	return plist_string(arena, persona->model->model);
}

static struct plist *
model_number(struct arena *arena, const struct persona *persona)
{
	return plist_string(arena, persona->model->model_number);
}

static struct plist *
product_name(struct arena *arena, const struct persona *persona)
{
	return plist_string(arena, persona->model->product_name);
}

static struct plist *
serial_number(struct arena *arena, const struct persona *persona)
{
	return plist_string(arena, persona->serial);
}

static struct plist *
device_capacity(struct arena *arena, const struct persona *persona)
{
	return plist_real(arena, persona->model->capacity * 0.931322);
}

static struct plist *
available_capacity(struct arena *arena, const struct persona *persona)
{
	uint32_t percent = 10 + persona_pick(persona, "capacity", 80);

	return plist_real(arena, persona->model->capacity * 0.931322 * percent / 100);
}

static struct plist *
battery_level(struct arena *arena, const struct persona *persona)
{
	return plist_real(arena, (5 + persona_pick(persona, "battery", 96)) / 100.0);
}

static struct plist *
has_battery(struct arena *arena, const struct persona *persona)
{
	return plist_boolean(arena, strcmp(persona->model->model_name, "Mac mini") != 0);
}

static struct plist *
is_supervised(struct arena *arena, const struct persona *persona)
{
	return plist_boolean(arena, persona_pick(persona, "supervised", 4) != 0);
}

/* 15 digits, the last a checksum (Luhn). */
static struct plist *
imei(struct arena *arena, const struct persona *persona)
{
	char *digits = arena_printf(arena, "35%06u%06u0", persona_pick(persona, "type", 1000000),
		persona_pick(persona, "imei", 1000000));
	int sum = 0;

	for (int i = 0; i < 14; i++) {
		int digit = (digits[i] - '0') * (i % 2 == 1 ? 2 : 1);

		sum += digit > 9 ? digit - 9 : digit;
	}
	digits[14] = (char)('0' + (10 - sum % 10) % 10);
	return plist_string(arena, digits);
}

static struct plist *
modem_firmware(struct arena *arena, const struct persona *persona)
{
	return plist_string(
		arena, arena_printf(arena, "%u.%02u.%02u", 1 + persona_pick(persona, "modem", 5),
			       persona_pick(persona, "modem minor", 80), 1u));
}

static struct plist *
cellular_technology(struct arena *arena, const struct persona *persona)
{
	return plist_integer(arena, persona->model->kind == PERSONA_IPHONE ? 3 : 0);
}

static struct plist *
iccid(struct arena *arena, const struct persona *persona)
{
	return plist_string(arena,
		arena_printf(arena, "8949 0200 %04u %04u %03u", persona_pick(persona, "sim", 10000),
			persona_pick(persona, "card", 10000),
			persona_pick(persona, "check", 1000)));
}

static struct plist *
phone_number(struct arena *arena, const struct persona *persona)
{
	return plist_string(
		arena, arena_printf(arena, "+4930%08u", persona_pick(persona, "phone", 100000000)));
}

static struct plist *
carrier(struct arena *arena, const struct persona *persona)
{
	(void)persona;
	return plist_string(arena, "Example Mobile");
}

static struct plist *
mobile_country(struct arena *arena, const struct persona *persona)
{
	(void)persona;
	return plist_string(arena, "262");
}

static struct plist *
mobile_network(struct arena *arena, const struct persona *persona)
{
	(void)persona;
	return plist_string(arena, "99");
}

static struct plist *
service_subscriptions(struct arena *arena, const struct persona *persona)
{
	struct plist *list = plist_array(arena), *slot = plist_dict(arena);

	plist_set(arena, slot, "CarrierSettingsVersion", plist_string(arena, "56.0"));
	plist_set(arena, slot, "CurrentCarrierNetwork", carrier(arena, persona));
	plist_set(arena, slot, "ICCID", iccid(arena, persona));
	plist_set(arena, slot, "IMEI", imei(arena, persona));
	plist_set(arena, slot, "IsDataPreferred", plist_boolean(arena, true));
	plist_set(arena, slot, "IsRoaming", plist_boolean(arena, false));
	plist_set(arena, slot, "IsVoicePreferred", plist_boolean(arena, true));
	plist_set(arena, slot, "Label", plist_string(arena, "Business"));
	plist_set(arena, slot, "LabelID", plist_string(arena, "1"));
	plist_set(arena, slot, "PhoneNumber", phone_number(arena, persona));
	plist_set(arena, slot, "Slot", plist_string(arena, "CTSubscriptionSlotOne"));
	plist_append(list, slot);
	return list;
}

static struct plist *
hardware_address(struct arena *arena, const struct persona *persona, const char *label)
{
	unsigned char b[6];

	persona_bytes(persona->name, label, b, sizeof(b));
	return plist_string(arena, arena_printf(arena, "%02x:%02x:%02x:%02x:%02x:%02x",
					   (b[0] & 0xfcu) | 2u, b[1], b[2], b[3], b[4], b[5]));
}

static struct plist *
bluetooth_mac(struct arena *arena, const struct persona *persona)
{
	return hardware_address(arena, persona, "bluetooth");
}

static struct plist *
wifi_mac(struct arena *arena, const struct persona *persona)
{
	return hardware_address(arena, persona, "wifi");
}

static struct plist *
ethernet_mac(struct arena *arena, const struct persona *persona)
{
	return hardware_address(arena, persona, "ethernet");
}

static struct plist *
push_token(struct arena *arena, const struct persona *persona)
{
	return plist_data(arena, persona->token, sizeof(persona->token));
}

static struct plist *
host_name(struct arena *arena, const struct persona *persona)
{
	return plist_string(arena, arena_printf(arena, "%s.example.com", persona->serial));
}

static struct plist *
local_host_name(struct arena *arena, const struct persona *persona)
{
	return plist_string(arena, persona->serial);
}

static struct plist *
time_zone(struct arena *arena, const struct persona *persona)
{
	static const char *const zones[] = {
		"Europe/Berlin", "America/Los_Angeles", "Asia/Tokyo", "Europe/London"};

	return plist_string(arena, zones[persona_pick(persona, "zone", 4)]);
}

static struct plist *
eas_identifier(struct arena *arena, const struct persona *persona)
{
	unsigned char b[8];

	persona_bytes(persona->name, "eas", b, sizeof(b));
	return plist_string(arena, arena_printf(arena, "APPL%02X%02X%02X%02X%02X%02X%02X%02X", b[0],
					   b[1], b[2], b[3], b[4], b[5], b[6], b[7]));
}

static struct plist *
software_update_id(struct arena *arena, const struct persona *persona)
{
	return plist_string(arena, persona->model->product_name);
}

static struct plist *
last_backup(struct arena *arena, const struct persona *persona)
{
	int64_t minutes = TIME_BASE_MINUTES + persona_pick(persona, "backup", 700 * DAY_MINUTES);

	return plist_date(arena, minutes * 60 * 1000);
}

static struct plist *
store_account_hash(struct arena *arena, const struct persona *persona)
{
	unsigned char b[20];

	persona_bytes(persona->name, "store", b, sizeof(b));
	return plist_string(arena, text_hex_encode(arena, b, sizeof(b)));
}

static struct plist *
organization_info(struct arena *arena, const struct persona *persona)
{
	struct plist *info = plist_dict(arena);

	(void)persona;
	plist_set(arena, info, "OrganizationName", plist_string(arena, "Example Organization"));
	return info;
}

static struct plist *
mdm_options(struct arena *arena, const struct persona *persona)
{
	struct plist *options = plist_dict(arena);

	(void)persona;
	plist_set(arena, options, "ActivationLockAllowedWhileSupervised",
		plist_boolean(arena, false));
	return options;
}

static struct plist *
os_update_settings(struct arena *arena, const struct persona *persona)
{
	static const char *const on[] = {"IsDefaultCatalog", "AutoCheckEnabled",
		"BackgroundDownloadEnabled", "AutomaticAppInstallationEnabled",
		"AutomaticSecurityUpdatesEnabled", "PerformPeriodicCheck"};
	struct plist *settings = plist_dict(arena);

	for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++)
		plist_set(arena, settings, on[i], plist_boolean(arena, true));
	plist_set(arena, settings, "AutomaticOSInstallationEnabled",
		plist_boolean(arena, persona_pick(persona, "updates", 2) != 0));
	plist_set(arena, settings, "CatalogURL", plist_string(arena, ""));
	plist_set(arena, settings, "PreviousScanDate", last_backup(arena, persona));
	return settings;
}

static struct plist *
software_update_settings(struct arena *arena, const struct persona *persona)
{
	struct plist *settings = plist_dict(arena);

	(void)persona;
	plist_set(arena, settings, "RecommendationCadence", plist_integer(arena, 0));
	return settings;
}

static struct plist *
accessibility_settings(struct arena *arena, const struct persona *persona)
{
	static const char *const off[] = {"BoldTextEnabled", "IncreaseContrastEnabled",
		"ReduceMotionEnabled", "ReduceTransparencyEnabled", "TouchAccommodationsEnabled",
		"VoiceOverEnabled", "ZoomEnabled"};
	struct plist *settings = plist_dict(arena);

	(void)persona;
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++)
		plist_set(arena, settings, off[i], plist_boolean(arena, false));
	plist_set(arena, settings, "TextSize", plist_integer(arena, 3));
	return settings;
}

/* ---- DeviceInformation ---- */

static const struct query {
	const char *name;
	unsigned kinds; /* of devices that have it */
	struct plist *(*value)(struct arena *arena, const struct persona *persona);
} queries[] = {
	{"AccessibilitySettings", MOBILE, accessibility_settings},
	{"ActiveManagedUsers", MAC, empty},
	{"AppAnalyticsEnabled", MOBILE, no},
	{"AutoSetupAdminAccounts", MAC, empty},
	{"AvailableDeviceCapacity", ANY, available_capacity},
	{"AwaitingConfiguration", ANY, no},
	{"BatteryLevel", ANY, battery_level},
	{"BluetoothMAC", ANY, bluetooth_mac},
	{"BuildVersion", ANY, build_version},
	{"CellularTechnology", MOBILE, cellular_technology},
	{"CurrentCarrierNetwork", IPHONE, carrier},
	{"CurrentMCC", IPHONE, mobile_country},
	{"CurrentMNC", IPHONE, mobile_network},
	{"DataRoamingEnabled", IPHONE, no},
	{"DeviceCapacity", ANY, device_capacity},
	{"DeviceName", ANY, device_name},
	{"DiagnosticSubmissionEnabled", MOBILE, no},
	{"EASDeviceIdentifier", MOBILE, eas_identifier},
	{"EthernetMAC", MAC, ethernet_mac},
	{"HasBattery", MAC, has_battery},
	{"HostName", MAC, host_name},
	{"ICCID", IPHONE, iccid},
	{"IMEI", IPHONE, imei},
	{"IsActivationLockEnabled", ANY, no},
	{"IsActivationLockSupported", MAC, yes},
	{"IsAppleSilicon", MAC, yes},
	{"IsCloudBackupEnabled", MOBILE, yes},
	{"IsDeviceLocatorServiceEnabled", MOBILE, no},
	{"IsDoNotDisturbInEffect", MOBILE, no},
	{"IsMDMLostModeEnabled", MOBILE, no},
	{"IsMultiUser", IPAD, no},
	{"IsNetworkTethered", MOBILE, no},
	{"IsRoaming", IPHONE, no},
	{"IsSupervised", ANY, is_supervised},
	{"LastCloudBackupDate", MOBILE, last_backup},
	{"LocalHostName", MAC, local_host_name},
	{"MDMOptions", ANY, mdm_options},
	{"Model", ANY, model},
	{"ModelName", ANY, model_name},
	{"ModelNumber", ANY, model_number},
	{"ModemFirmwareVersion", IPHONE, modem_firmware},
	{"OSUpdateSettings", MAC, os_update_settings},
	{"OSVersion", ANY, os_version},
	{"OrganizationInfo", ANY, organization_info},
	{"PINRequiredForDeviceLock", MAC, no},
	{"PINRequiredForEraseDevice", MAC, no},
	{"PersonalHotspotEnabled", IPHONE, no},
	{"PhoneNumber", IPHONE, phone_number},
	{"ProductName", ANY, product_name},
	{"ProvisioningUDID", MAC, provisioning_udid},
	{"PushToken", ANY, push_token},
	{"SIMCarrierNetwork", IPHONE, carrier},
	{"SerialNumber", ANY, serial_number},
	{"ServiceSubscriptions", IPHONE, service_subscriptions},
	{"SoftwareUpdateDeviceID", ANY, software_update_id},
	{"SoftwareUpdateSettings", MOBILE, software_update_settings},
	{"SubscriberCarrierNetwork", IPHONE, carrier},
	{"SubscriberMCC", IPHONE, mobile_country},
	{"SubscriberMNC", IPHONE, mobile_network},
	{"SupportsLOMDevice", MAC, no},
	{"SupportsiOSAppInstalls", MAC, yes},
	{"SystemIntegrityProtectionEnabled", MAC, yes},
	{"TimeZone", MOBILE, time_zone},
	{"UDID", ANY, udid},
	{"VoiceRoamingEnabled", IPHONE, no},
	{"WiFiMAC", ANY, wifi_mac},
	{"iTunesStoreAccountHash", ANY, store_account_hash},
	{"iTunesStoreAccountIsActive", ANY, yes},
};

static const struct query *
find_query(const char *name, enum persona_kind kind)
{
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
		if (strcmp(queries[i].name, name) == 0)
			return (queries[i].kinds & (1u << kind)) != 0 ? &queries[i] : NULL;
	return NULL;
}

/* A query that the device does not know is passed over, as devices do. */
void
answer_device_information(struct answer_work *work)
{
	struct plist *responses = plist_dict(work->arena);
	const struct plist *query = plist_get(work->args, "Queries")->as.items.first;

	for (; query != NULL; query = query->next) {
		const struct query *found;

		if (query->type != PLIST_STRING) {
			answer_malformed(work);
			return;
		}
		found = find_query(query->as.string.bytes, work->persona->model->kind);
		if (found != NULL)
			plist_set(work->arena, responses, found->name,
				found->value(work->arena, work->persona));
	}
	answer_set(work, "QueryResponses", responses);
}

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

	set_boolean(work, info, "FDE_Enabled", encrypted);
	set_boolean(work, info, "FDE_HasPersonalRecoveryKey", encrypted);
	set_boolean(work, info, "FDE_HasInstitutionalRecoveryKey", false);
	set_boolean(work, info, "SystemIntegrityProtectionEnabled", true);
	plist_set(work->arena, info, "FirewallSettings", firewall(work));
	set_boolean(work, firmware, "PasswordExists", false);
	set_boolean(work, firmware, "ChangePending", false);
	set_boolean(work, firmware, "AllowOroms", false);
	plist_set(work->arena, info, "FirmwarePasswordStatus", firmware);
	plist_set(work->arena, info, "SecureBoot", secure_boot(work));
	set_boolean(work, info, "RemoteDesktopEnabled", false);
	set_boolean(work, info, "AuthenticatedRootVolumeEnabled", true);
	set_string(work, info, "BootstrapTokenAllowedForAuthentication", "allowed");
	set_boolean(work, info, "BootstrapTokenRequiredForSoftwareUpdate", true);
	set_boolean(work, info, "BootstrapTokenRequiredForKernelExtensionApproval", true);
	set_boolean(work, info, "IsRecoveryLockEnabled", false);
}

void
answer_security_info(struct answer_work *work)
{
	struct plist *info = plist_dict(work->arena), *management = plist_dict(work->arena);

	set_boolean(work, management, "IsUserEnrollment", false);
	if (work->persona->model->kind == PERSONA_MAC) {
		add_mac_security(work, info);
		set_boolean(work, management, "EnrolledViaDEP", false);
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
	plist_set(work->arena, all, "intersection", plist_dict(work->arena));
	plist_set(work->arena, all, "union", plist_dict(work->arena));
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
