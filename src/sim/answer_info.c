/*
 * DeviceInformation: what a device tells of itself when asked.
 *
 * A value is that of the factory, unless Settings or another command has changed it (`changed`
 * below); a query that is not in the table at all is made up from the catalogue.
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
is_multi_user(struct arena *arena, const struct persona *persona)
{
	return plist_boolean(arena, persona_is_shared(persona));
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

int64_t
answer_past(const struct persona *persona, const char *label)
{
	int64_t minutes = TIME_BASE_MINUTES + persona_pick(persona, label, 700 * DAY_MINUTES);

	return minutes * 60 * 1000;
}

static struct plist *
last_backup(struct arena *arena, const struct persona *persona)
{
	return plist_date(arena, answer_past(persona, "backup"));
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

static struct plist *
meid(struct arena *arena, const struct persona *persona)
{
	return plist_string(
		arena, arena_printf(arena, "35%06u%06u", persona_pick(persona, "type", 1000000),
			       persona_pick(persona, "imei", 1000000)));
}

static struct plist *
carrier_settings(struct arena *arena, const struct persona *persona)
{
	(void)persona;
	return plist_string(arena, "56.0");
}

static struct plist *
nothing(struct arena *arena, const struct persona *persona)
{
	(void)persona;
	return plist_string(arena, "");
}

static struct plist *
preflight(struct arena *arena, const struct persona *persona)
{
	(void)persona;
	return plist_string(arena, "success");
}

static struct plist *
resident_users(struct arena *arena, const struct persona *persona)
{
	(void)persona;
	return plist_integer(arena, 3);
}

static struct plist *
quota(struct arena *arena, const struct persona *persona)
{
	(void)persona;
	return plist_integer(arena, 2048);
}

static struct plist *
zero(struct arena *arena, const struct persona *persona)
{
	(void)persona;
	return plist_integer(arena, 0);
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
	{"CarrierSettingsVersion", IPHONE, carrier_settings},
	{"CellularTechnology", MOBILE, cellular_technology},
	{"CurrentCarrierNetwork", IPHONE, carrier},
	{"CurrentMCC", IPHONE, mobile_country},
	{"CurrentMNC", IPHONE, mobile_network},
	{"DataRoamingEnabled", IPHONE, no},
	{"DeviceCapacity", ANY, device_capacity},
	{"DeviceName", ANY, device_name},
	{"DiagnosticSubmissionEnabled", MOBILE, no},
	{"EACSPreflight", MAC, preflight},
	{"EASDeviceIdentifier", MOBILE, eas_identifier},
	{"EstimatedResidentUsers", IPAD, resident_users},
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
	{"IsMultiUser", IPAD, is_multi_user},
	{"IsNetworkTethered", MOBILE, no},
	{"IsRoaming", IPHONE, no},
	{"IsSupervised", ANY, no}, /* see changed_otherwise() */
	{"LastCloudBackupDate", MOBILE, last_backup},
	{"LocalHostName", MAC, local_host_name},
	{"MDMOptions", ANY, mdm_options},
	{"MEID", IPHONE, meid},
	{"ManagedAppleIDDefaultDomains", IPAD, empty},
	{"MaximumResidentUsers", IPAD, resident_users},
	{"Model", ANY, model},
	{"ModelName", ANY, model_name},
	{"ModelNumber", ANY, model_number},
	{"ModemFirmwareVersion", IPHONE, modem_firmware},
	{"OSUpdateSettings", MAC, os_update_settings},
	{"OSVersion", ANY, os_version},
	{"OnlineAuthenticationGracePeriod", IPAD, zero},
	{"OrganizationInfo", ANY, organization_info},
	{"PINRequiredForDeviceLock", MAC, no},
	{"PINRequiredForEraseDevice", MAC, no},
	{"PersonalHotspotEnabled", IPHONE, no},
	{"PhoneNumber", IPHONE, phone_number},
	{"ProductName", ANY, product_name},
	{"ProvisioningUDID", MAC, provisioning_udid},
	{"PushToken", ANY, push_token},
	{"QuotaSize", IPAD, quota},
	{"ResidentUsers", IPAD, resident_users},
	{"SIMCarrierNetwork", IPHONE, carrier},
	{"SIMMCC", IPHONE, mobile_country},
	{"SIMMNC", IPHONE, mobile_network},
	{"SerialNumber", ANY, serial_number},
	{"ServiceSubscriptions", IPHONE, service_subscriptions},
	{"SkipLanguageAndLocaleSetupForNewUsers", IPAD, no},
	{"SoftwareUpdateDeviceID", ANY, software_update_id},
	{"SoftwareUpdateSettings", MOBILE, software_update_settings},
	{"SubscriberCarrierNetwork", IPHONE, carrier},
	{"SubscriberMCC", IPHONE, mobile_country},
	{"SubscriberMNC", IPHONE, mobile_network},
	{"SupplementalBuildVersion", ANY, build_version},
	{"SupplementalOSVersionExtra", ANY, nothing},
	{"SupportsLOMDevice", MAC, no},
	{"SupportsiOSAppInstalls", MAC, yes},
	{"SystemIntegrityProtectionEnabled", MAC, yes},
	{"TemporarySessionOnly", IPAD, no},
	{"TemporarySessionTimeout", IPAD, zero},
	{"TimeZone", MOBILE, time_zone},
	{"UDID", ANY, udid},
	{"UserSessionTimeout", IPAD, zero},
	{"VoiceRoamingEnabled", IPHONE, no},
	{"WiFiMAC", ANY, wifi_mac},
	{"iTunesStoreAccountHash", ANY, store_account_hash},
	{"iTunesStoreAccountIsActive", ANY, yes},
};

static const struct query *
find_query(const char *name)
{
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
		if (strcmp(queries[i].name, name) == 0)
			return &queries[i];
	return NULL;
}

/* ---- what commands have changed ---- */

/* What Settings has set: the element of this Item, whole or its key. */
static const struct {
	const char *query, *item, *key; /* KEY NULL: all but Item */
} changed[] = {
	{"AccessibilitySettings", "AccessibilitySettings", NULL},
	{"AppAnalyticsEnabled", "AppAnalytics", "Enabled"},
	{"DataRoamingEnabled", "DataRoaming", "Enabled"},
	{"DeviceName", "DeviceName", "DeviceName"},
	{"DiagnosticSubmissionEnabled", "DiagnosticSubmission", "Enabled"},
	{"HostName", "HostName", "HostName"},
	{"MDMOptions", "MDMOptions", "MDMOptions"},
	{"ManagedAppleIDDefaultDomains", "SharedDeviceConfiguration",
		"ManagedAppleIDDefaultDomains"},
	{"MaximumResidentUsers", "MaximumResidentUsers", "MaximumResidentUsers"},
	{"OnlineAuthenticationGracePeriod", "SharedDeviceConfiguration",
		"OnlineAuthenticationGracePeriod"},
	{"OrganizationInfo", "OrganizationInfo", "OrganizationInfo"},
	{"PersonalHotspotEnabled", "PersonalHotspot", "Enabled"},
	{"QuotaSize", "SharedDeviceConfiguration", "QuotaSize"},
	{"ResidentUsers", "SharedDeviceConfiguration", "ResidentUsers"},
	{"SkipLanguageAndLocaleSetupForNewUsers", "SharedDeviceConfiguration",
		"SkipLanguageAndLocaleSetupForNewUsers"},
	{"SoftwareUpdateSettings", "SoftwareUpdateSettings", NULL},
	{"TemporarySessionOnly", "SharedDeviceConfiguration", "TemporarySessionOnly"},
	{"TemporarySessionTimeout", "SharedDeviceConfiguration", "TemporarySessionTimeout"},
	{"TimeZone", "TimeZone", "TimeZone"},
	{"UserSessionTimeout", "SharedDeviceConfiguration", "UserSessionTimeout"},
	{"VoiceRoamingEnabled", "VoiceRoaming", "Enabled"},
};

/* NULL: it is as it was. */
static struct plist *
changed_setting(struct answer_work *work, const char *query)
{
	const struct plist *value;
	struct plist *element;

	for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
		if (strcmp(changed[i].query, query) != 0)
			continue;
		element = answer_recall(work, answer_memo_name(work, "setting", changed[i].item));
		if (element == NULL || changed[i].key == NULL) {
			if (element != NULL)
				plist_remove(element, "Item");
			return element;
		}
		value = plist_get(element, changed[i].key);
		return value != NULL ? plist_copy(work->arena, value) : NULL;
	}
	return NULL;
}

static struct plist *
admin_accounts(struct answer_work *work)
{
	struct plist *list = plist_array(work->arena), *account;
	const struct device_memo *memo = NULL;
	const char *name;

	while ((memo = answer_memo_next(work, "admin", memo, &name)) != NULL)
		if ((account = answer_memo_read(work, memo)) != NULL)
			plist_append(list, account);
	return list;
}

static struct plist *
changed_otherwise(struct answer_work *work, const char *query)
{
	if (strcmp(query, "AwaitingConfiguration") == 0)
		return plist_boolean(work->arena, work->device->awaiting);
	if (strcmp(query, "IsSupervised") == 0)
		return plist_boolean(work->arena, answer_is_supervised(work));
	if (strcmp(query, "IsMDMLostModeEnabled") == 0)
		return plist_boolean(work->arena, answer_is_lost(work));
	if (strcmp(query, "AutoSetupAdminAccounts") == 0)
		return admin_accounts(work);
	return NULL;
}

/* ---- the command ---- */

/* The query's key among those of QueryResponses; NULL: there is none, or not on this OS. */
static const struct catalogue_key *
listed_key(const struct answer_work *work, const char *query)
{
	const struct catalogue_key *responses =
		catalogue_subkey(work->request->response, "QueryResponses");
	const struct catalogue_key *key = catalogue_subkey(responses, query);

	return key != NULL && answer_has_on_os(work, key) ? key : NULL;
}

/* NULL: the device does not have it. */
static struct plist *
query_value(struct answer_work *work, const char *name)
{
	const struct query *query = find_query(name);
	const struct catalogue_key *key;
	struct plist *value;

	if (query != NULL && (query->kinds & (1u << work->persona->model->kind)) == 0)
		return NULL;
	value = changed_otherwise(work, name);
	if (value == NULL)
		value = changed_setting(work, name);
	if (value != NULL)
		return value;
	if (query != NULL)
		value = query->value(work->arena, work->persona);
	key = listed_key(work, name);
	return key != NULL ? answer_made_up(work, key, value) : value;
}

static void
add_value(struct answer_work *work, struct plist *responses, const char *name)
{
	struct plist *value = query_value(work, name);

	if (value != NULL)
		plist_set(work->arena, responses, name, value);
}

/* Two that nobody can ask for: they come with what they are the older names of. */
static void
add_old_names(struct answer_work *work, struct plist *responses, const char *name)
{
	if (strcmp(name, "SubscriberMCC") == 0)
		add_value(work, responses, "SIMMCC");
	if (strcmp(name, "SubscriberMNC") == 0)
		add_value(work, responses, "SIMMNC");
}

/* A query that the device does not know is passed over, as devices do. */
void
answer_device_information(struct answer_work *work)
{
	struct plist *responses = plist_dict(work->arena);
	const struct plist *query = plist_get(work->args, "Queries")->as.items.first;

	for (; query != NULL; query = query->next) {
		if (query->type != PLIST_STRING) {
			answer_malformed(work);
			return;
		}
		add_value(work, responses, query->as.string.bytes);
		add_old_names(work, responses, query->as.string.bytes);
	}
	answer_set(work, "QueryResponses", responses);
}
