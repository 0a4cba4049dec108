/*
 * The check of a command, by hand: what it says, what it only remarks, and what a device takes.
 */
#include "unit.h"

#include "mdm/catalogue_check.h"
#include "mdm/target.h"

static struct arena arena;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static struct plist *
read_json(const char *json)
{
	struct plist *args;
	struct err err;

	if (plist_read_json(plist_limits_default(), &arena, json, strlen(json), &args, &err) !=
		ERR_OK)
		fail_msg("%s: %s", json, err.message);
	return args;
}

/* ---- arguments ---- */

static const struct {
	const char *request, *args;
	const char *error;  /* NULL: it is right */
	const char *remark; /* NULL: there is none */
} cases[] = {
	{"DeviceLock", "{\"PIN\":\"12345\xc3\xa9\"}", NULL, NULL},
	{"DeviceLock", "{\"PIN\":\"12345\"}", "DeviceLock: PIN must have 6 characters", NULL},
	{"DeviceLock", "{\"Massage\":\"x\"}", NULL,
		"DeviceLock: Massage is no key that is known here"},
	{"DeviceLock", "{\"message\":\"x\"}", "DeviceLock: \"message\" is spelt Message", NULL},
	{"InstallApplication", "{}",
		"InstallApplication: exactly one of iTunesStoreID, Identifier, ManifestURL must be "
		"given",
		NULL},
	{"InstallApplication", "{\"iTunesStoreID\":1,\"Identifier\":\"a\"}",
		"InstallApplication: exactly one of iTunesStoreID, Identifier, ManifestURL must be "
		"given",
		NULL},
	{"InstallApplication", "{\"ManifestURL\":\"http://example.com\"}",
		"InstallApplication: ManifestURL must begin with https:", NULL},
	{"InstallApplication", "{\"ManifestURL\":\"HTTPS://example.com\"}", NULL, NULL},
	{"InstallApplication", "{\"Identifier\":\"a\",\"ManagementFlags\":5}", NULL, NULL},
	{"InstallApplication", "{\"Identifier\":\"a\",\"ManagementFlags\":2}",
		"InstallApplication: ManagementFlags cannot be 2; it is one of 1, 4, 5", NULL},
	{"InstallApplication", "{\"Identifier\":\"a\",\"Configuration\":{\"x\":[1,{\"y\":true}]}}",
		NULL, NULL},
	{"InstallApplication", "{\"Identifier\":\"a\",\"Configuration\":7}",
		"InstallApplication: Configuration must be a dictionary", NULL},
	{"DeleteUser", NULL,
		"DeleteUser: the required key UserName is missing (DeleteAllUsers is not true)",
		NULL},
	{"DeleteUser", "{\"DeleteAllUsers\":false}",
		"DeleteUser: the required key UserName is missing (DeleteAllUsers is not true)",
		NULL},
	{"DeleteUser", "{\"DeleteAllUsers\":true}", NULL, NULL},
	{"RequestMirroring", "{\"DestinationName\":\"TV\",\"ScanTime\":9}",
		"RequestMirroring: ScanTime must be from 10 to 300", NULL},
	{"RequestMirroring", "{\"DestinationName\":\"TV\",\"ScanTime\":300}", NULL, NULL},
	{"RequestMirroring", "{\"DestinationName\":\"TV\",\"ScanTime\":18446744073709551615}",
		"RequestMirroring: ScanTime must be from 10 to 300", NULL},
	{"RestartDevice", "{\"KextPaths\":[\"/x\"]}", NULL,
		"RestartDevice: KextPaths takes no effect when RebuildKernelCache is not true"},
	{"SetFirmwarePassword", "{\"NewPassword\":\"a b~\"}", NULL, NULL},
	{"SetFirmwarePassword", "{\"NewPassword\":\"\"}", NULL, NULL},
	{"SetFirmwarePassword", "{\"NewPassword\":\"gr\xc3\xbcn\"}",
		"SetFirmwarePassword: NewPassword must match ^[ -~]*$", NULL},
	{"SetFirmwarePassword", "{\"NewPassword\":\"a\\nb\"}",
		"SetFirmwarePassword: NewPassword must match ^[ -~]*$", NULL},
	{"DeviceInformation", "{\"DeviceAttestationNonce\":\"AAEC\"}", NULL, NULL},
	{"DeviceInformation", "{\"DeviceAttestationNonce\":\"AAEC\",\"Queries\":[\"UDID\"]}",
		"DeviceInformation: DeviceAttestationNonce wants DevicePropertiesAttestation in "
		"Queries",
		NULL},
	{"ScheduleOSUpdate", "{\"Updates\":[{\"InstallAction\":\"Default\"}]}",
		"ScheduleOSUpdate: at least one of Updates[0].ProductKey, "
		"Updates[0].ProductVersion "
		"must be given",
		NULL},
	{"ScheduleOSUpdate",
		"{\"Updates\":[{\"InstallAction\":\"Default\",\"ProductKey\":\"a\","
		"\"MaxUserDeferrals\":1}]}",
		NULL,
		"ScheduleOSUpdate: Updates[0].MaxUserDeferrals takes no effect when "
		"Updates[0].InstallAction is not InstallLater"},
	{"Settings", "{\"Settings\":[]}", NULL, NULL},
	{"Settings", "{\"Settings\":[{\"Item\":\"DeviceName\",\"DeviceName\":\"x\"},{}]}",
		"Settings: the required key Settings[1].Item is missing", NULL},
	{"Settings", "{\"Settings\":[7]}", "Settings: Settings[0] must be a dictionary", NULL},
	{"Settings", "{\"Settings\":[{\"Item\":7}]}", "Settings: Settings[0].Item must be a string",
		NULL},
	{"Settings", "{\"Settings\":[{\"Item\":\"Colour\"}]}",
		"Settings: Settings[0].Item cannot be \"Colour\"", NULL},
	{"Settings", "{\"Settings\":[{\"Item\":\"DeviceName\"}]}",
		"Settings: the required key Settings[0].DeviceName is missing", NULL},
	{"Settings",
		"{\"Settings\":[{\"Item\":\"SharedDeviceConfiguration\",\"UserSessionTimeout\":0}]"
		"}",
		NULL, NULL},
	{"Settings",
		"{\"Settings\":[{\"Item\":\"SharedDeviceConfiguration\",\"UserSessionTimeout\":29}]"
		"}",
		"Settings: Settings[0].UserSessionTimeout must be 30 or more, or 0", NULL},
	{"Settings",
		"{\"Settings\":[{\"Item\":\"SharedDeviceConfiguration\",\"PasscodePolicy\":"
		"{\"AutoLockTime\":119}}]}",
		"Settings: Settings[0].PasscodePolicy.AutoLockTime must be 120 or more", NULL},
	{"RotateFileVaultKey",
		"{\"KeyType\":\"institutional\",\"FileVaultUnlock\":{\"Password\":\"a\"}}",
		"RotateFileVaultKey: the required key NewCertificate is missing (KeyType is "
		"institutional)",
		NULL},
	{"RotateFileVaultKey", "{\"KeyType\":\"personal\",\"FileVaultUnlock\":{}}",
		"RotateFileVaultKey: the required key FileVaultUnlock.Password is missing "
		"(FileVaultUnlock.PrivateKeyExport is missing)",
		NULL},
};

static void
test_arguments(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct catalogue_remarks remarks = {0};
		const struct catalogue_options options = {.remarks = &remarks};
		const struct catalogue_request *request = catalogue_find(cases[i].request);
		const struct plist *args = cases[i].args == NULL ? NULL : read_json(cases[i].args);
		struct err err = {0};

		catalogue_check_args(&arena, request, args, &options, NULL, &err);
		assert_string_equal(err.message, cases[i].error == NULL ? "" : cases[i].error);
		assert_int_equal(remarks.count, cases[i].remark != NULL);
		if (cases[i].remark != NULL)
			assert_string_equal(remarks.first->text, cases[i].remark);
		/* Nobody has to want the remarks. */
		err_clear(&err);
		catalogue_check_args(&arena, request, args, NULL, NULL, &err);
		assert_string_equal(err.message, cases[i].error == NULL ? "" : cases[i].error);
	}
}

static void
test_strict(void **state)
{
	const struct catalogue_options options = {.strict = true};
	struct err err = {0};

	(void)state;
	assert_int_equal(catalogue_check_args(&arena, catalogue_find("EraseDevice"),
				 read_json("{\"ReturnToService\":{\"Enabled\":true,\"Soon\":1}}"),
				 &options, NULL, &err),
		ERR_BAD_INPUT);
	assert_string_equal(
		err.message, "EraseDevice: ReturnToService.Soon is no key that is known here");
	/* Any key is known where keys may have any name. */
	assert_int_equal(catalogue_check_args(&arena, catalogue_find("InstallApplication"),
				 read_json("{\"Identifier\":\"a\",\"Configuration\":{\"Soon\":1}}"),
				 &options, NULL, &err),
		ERR_OK);
}

static void
test_wire(void **state)
{
	const struct catalogue_options options = {.wire = true};
	struct plist *args = plist_dict(&arena);
	struct err err = {0};

	(void)state;
	plist_set(&arena, args, "Payload", plist_string(&arena, "YXBw"));
	assert_int_equal(catalogue_check_args(
				 &arena, catalogue_find("InstallProfile"), args, NULL, NULL, &err),
		ERR_OK);
	assert_int_equal(catalogue_check_args(&arena, catalogue_find("InstallProfile"), args,
				 &options, NULL, &err),
		ERR_BAD_INPUT);
	assert_string_equal(err.message, "InstallProfile: Payload must be data");
	plist_set(&arena, args, "Payload", plist_data(&arena, "app", 3));
	assert_int_equal(catalogue_check_args(&arena, catalogue_find("InstallProfile"), args,
				 &options, NULL, &err),
		ERR_OK);
}

/* Large, deep and odd arguments: nothing is slow, nothing is lost. */
static void
test_huge(void **state)
{
	enum { MANY = 100000, DEEP = 60 };
	struct catalogue_remarks remarks = {0};
	const struct catalogue_options options = {.remarks = &remarks};
	struct plist *args = plist_dict(&arena), *names = plist_array(&arena), *keys;
	struct plist *inner = plist_dict(&arena);

	(void)state;
	for (int i = 0; i < MANY; i++)
		plist_append(names, plist_string(&arena, "com.example.app"));
	for (int i = 0; i < DEEP; i++) {
		struct plist *outer = plist_dict(&arena);

		plist_set(&arena, outer, "Inner", inner);
		inner = outer;
	}
	plist_set(&arena, args, "Identifiers", names);
	plist_set(&arena, args, "Unknown", inner);
	for (int i = 0; i < MANY; i++) {
		struct plist *value = plist_boolean(&arena, true);

		value->key = arena_printf(&arena, "Key%d", i);
		plist_append(args, value);
	}
	assert_int_equal(catalogue_check_args(&arena, catalogue_find("InstalledApplicationList"),
				 args, &options, &keys, NULL),
		ERR_OK);
	assert_int_equal(remarks.count, MANY + 1);
	assert_int_equal(keys->as.items.count, MANY + 2);
	size_t kept = 0;
	for (const struct catalogue_remark *remark = remarks.first; remark != NULL;
		remark = remark->next)
		kept++;
	assert_int_equal(kept, CATALOGUE_REMARKS_MOST);
}

static void
test_no_dictionary(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(catalogue_check_args(&arena, catalogue_find("DeviceLock"), read_json("[]"),
				 NULL, NULL, &err),
		ERR_BAD_INPUT);
	assert_string_equal(err.message, "DeviceLock: the arguments must be a dictionary");
}

/* ---- the device ---- */

#define UNKNOWN CATALOGUE_UNKNOWN
#define NO CATALOGUE_NO
#define YES CATALOGUE_YES
#define DEVICE CATALOGUE_CHANNEL_DEVICE
#define USER CATALOGUE_CHANNEL_USER
#define V(major, minor) CATALOGUE_VERSION(major, minor, 0)

/* os, version, channel, supervised, automated, user-approved, User Enrollment, Shared iPad */
static const struct catalogue_target
	phone = {true, CATALOGUE_IOS, V(17, 4), DEVICE, UNKNOWN, UNKNOWN, UNKNOWN, NO, UNKNOWN},
	loose_phone = {true, CATALOGUE_IOS, V(17, 4), DEVICE, NO, NO, UNKNOWN, NO, NO},
	old_phone = {true, CATALOGUE_IOS, V(8, 0), DEVICE, YES, YES, UNKNOWN, NO, NO},
	new_phone = {true, CATALOGUE_IOS, V(27, 0), DEVICE, YES, YES, UNKNOWN, NO, NO},
	ageless_phone = {true, CATALOGUE_IOS, 0, DEVICE, UNKNOWN, UNKNOWN, UNKNOWN, NO, UNKNOWN},
	own_phone = {true, CATALOGUE_IOS, V(17, 4), DEVICE, NO, NO, UNKNOWN, YES, NO},
	shared = {true, CATALOGUE_IOS, V(17, 4), DEVICE, YES, YES, UNKNOWN, NO, YES},
	shared_user = {true, CATALOGUE_IOS, V(17, 4), USER, YES, YES, UNKNOWN, NO, YES},
	mac = {true, CATALOGUE_MACOS, V(14, 5), DEVICE, YES, YES, YES, NO, NO},
	loose_mac = {true, CATALOGUE_MACOS, V(14, 5), DEVICE, NO, NO, NO, NO, NO},
	mac_user = {true, CATALOGUE_MACOS, V(14, 5), USER, YES, YES, YES, NO, NO},
	tv = {true, CATALOGUE_TVOS, V(17, 0), DEVICE, UNKNOWN, UNKNOWN, UNKNOWN, NO, NO},
	unknown = {false, CATALOGUE_IOS, 0, DEVICE, NO, NO, NO, YES, NO};

static const struct {
	const struct catalogue_target *target;
	const char *request, *args;
	const char *error;  /* NULL: it takes it */
	const char *remark; /* a part of the first one; NULL: there is none */
} devices[] = {
	{&phone, "DeviceLock", "{\"Message\":\"x\"}", NULL, NULL},
	{&mac, "DeviceLock", "{\"Message\":\"x\",\"PIN\":\"123456\"}", NULL, NULL},
	{&phone, "DeviceLock", "{\"PIN\":\"123456\"}", "DeviceLock: PIN is not for iOS", NULL},
	{&tv, "DeviceLock", NULL, "DeviceLock is not for tvOS", NULL},
	{&mac, "ClearPasscode", NULL, "ClearPasscode is not for macOS", NULL},
	/* what is not known refuses nothing */
	{&phone, "EnableLostMode", "{\"Message\":\"x\"}", NULL, NULL},
	{&unknown, "EnableLostMode", "{\"Message\":\"x\"}", NULL, NULL},
	{&ageless_phone, "TriggerEnhancedLogCollection", NULL, NULL, NULL},
	/* versions */
	{&old_phone, "EnableLostMode", "{\"Message\":\"x\"}",
		"EnableLostMode needs iOS 9.3; the device has 8.0", NULL},
	{&new_phone, "AvailableOSUpdates", NULL,
		"AvailableOSUpdates is gone since iOS 27.0; the device has 27.0", NULL},
	{&old_phone, "Settings", "{\"Settings\":[{\"Item\":\"Bluetooth\",\"Enabled\":true}]}",
		"Settings: Settings[0] needs iOS 11.3; the device has 8.0", NULL},
	/* supervision, Automated Device Enrollment */
	{&loose_phone, "EnableLostMode", "{\"Message\":\"x\"}",
		"EnableLostMode needs a supervised device", NULL},
	{&loose_mac, "AccountConfiguration", "{}",
		"AccountConfiguration needs a device enrolled by Automated Device Enrollment",
		NULL},
	{&loose_phone, "Settings",
		"{\"Settings\":[{\"Item\":\"DeviceName\",\"DeviceName\":\"x\"}]}",
		"Settings: Settings[0] needs a supervised device", NULL},
	{&loose_mac, "Settings", "{\"Settings\":[{\"Item\":\"DeviceName\",\"DeviceName\":\"x\"}]}",
		NULL, NULL},
	/* User Enrollment */
	{&own_phone, "ClearPasscode", NULL, "ClearPasscode is not for a User Enrollment", NULL},
	{&own_phone, "Settings", "{\"Settings\":[{\"Item\":\"DataRoaming\",\"Enabled\":true}]}",
		"Settings: Settings[0] is not for a User Enrollment", NULL},
	/* channels */
	{&mac_user, "DeviceLock", NULL,
		"DeviceLock cannot be sent on a user channel, only to the device", NULL},
	{&mac, "ActiveNSExtensions", NULL,
		"ActiveNSExtensions cannot be sent to the device, only on a user channel", NULL},
	{&mac_user, "ActiveNSExtensions", NULL, NULL, NULL},
	{&mac_user, "Settings", "{\"Settings\":[{\"Item\":\"Bluetooth\",\"Enabled\":true}]}",
		"Settings: Settings[0] cannot be sent on a user channel, only to the device", NULL},
	/* Shared iPad */
	{&shared, "ClearPasscode", NULL, "ClearPasscode is not for a Shared iPad", NULL},
	{&loose_phone, "LogOutUser", NULL, "LogOutUser needs a Shared iPad", NULL},
	{&phone, "LogOutUser", NULL, NULL, NULL},
	{&shared, "LogOutUser", NULL, NULL, NULL},
	{&shared_user, "LogOutUser", NULL,
		"LogOutUser cannot be sent on a user channel, only to the device", NULL},
	{&shared_user, "UserConfigured", NULL, NULL, NULL},
	{&shared, "UserConfigured", NULL,
		"UserConfigured cannot be sent to the device, only on a user channel", NULL},
	{&shared, "DeviceLock", "{\"Message\":\"x\"}", NULL,
		"DeviceLock: Message takes no effect on a Shared iPad"},
	/* a value that is not known there is left out by the device */
	{&mac, "DeviceInformation", "{\"Queries\":[\"OSVersion\",\"IMEI\"]}", NULL,
		"DeviceInformation: Queries[1] (IMEI) is not for macOS"},
	{&phone, "DeviceInformation", "{\"Queries\":[\"OSVersion\",\"BatteryLevel\"]}", NULL, NULL},
	{&phone, "Settings", "{\"Settings\":[{\"Item\":\"VoiceRoaming\",\"Enabled\":true}]}", NULL,
		"Settings: Settings[0] is deprecated since iOS 16.0"},
};

static void
test_devices(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(devices); i++) {
		const struct catalogue_request *request = catalogue_find(devices[i].request);
		const struct plist *args =
			devices[i].args == NULL ? NULL : read_json(devices[i].args);
		struct catalogue_remarks remarks = {0};
		struct err err = {0};
		enum err_kind kind = catalogue_check_target(
			&arena, request, args, devices[i].target, &remarks, &err);

		assert_string_equal(err.message, devices[i].error == NULL ? "" : devices[i].error);
		assert_int_equal(kind, devices[i].error == NULL ? ERR_OK : ERR_BAD_INPUT);
		if (devices[i].remark == NULL && remarks.count > 0)
			fail_msg("%s", remarks.first->text);
		if (devices[i].remark != NULL) {
			assert_int_equal(remarks.count, 1);
			assert_string_equal(remarks.first->text, devices[i].remark);
		}
		assert_int_equal(catalogue_check_target(
					 &arena, request, args, devices[i].target, NULL, NULL),
			kind);
	}
}

static void
test_families(void **state)
{
	static const struct {
		const char *product, *model;
		int os; /* -1: it cannot be told */
	} names[] = {
		{"iPhone14,7", NULL, CATALOGUE_IOS},
		{"iPad13,4", NULL, CATALOGUE_IOS},
		{"iPod9,1", NULL, CATALOGUE_IOS},
		{"MacBookPro18,3", NULL, CATALOGUE_MACOS},
		{"Mac14,2", NULL, CATALOGUE_MACOS},
		{"iMac21,1", NULL, CATALOGUE_MACOS},
		{"Macmini9,1", NULL, CATALOGUE_MACOS},
		{"VirtualMac2,1", NULL, CATALOGUE_MACOS},
		{"AppleTV11,1", NULL, CATALOGUE_TVOS},
		{"RealityDevice14,1", NULL, CATALOGUE_VISIONOS},
		{"Watch6,1", NULL, CATALOGUE_WATCHOS},
		{NULL, "Apple Watch Series 9", CATALOGUE_WATCHOS},
		{"Unheard1,1", "MacBook Pro", CATALOGUE_MACOS},
		{"Unheard1,1", NULL, -1},
		{NULL, NULL, -1},
		{"", "", -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		enum catalogue_os os = CATALOGUE_IOS;
		bool found = target_os_of(names[i].product, names[i].model, &os);

		assert_int_equal(found ? (int)os : -1, names[i].os);
	}
}

static void
test_versions(void **state)
{
	static const struct {
		const char *text;
		int version;
	} versions[] = {
		{"17.5.1", CATALOGUE_VERSION(17, 5, 1)},
		{"10.13.4", CATALOGUE_VERSION(10, 13, 4)},
		{"18", CATALOGUE_VERSION(18, 0, 0)},
		{"26.1 (a)", CATALOGUE_VERSION(26, 1, 0)},
		{"", 0},
		{"x", 0},
		{"-1.0", 0},
		{"17.", 0},
		{"999.1", 0},
		{"99999999999999999999", 0},
	};
	char text[CATALOGUE_VERSION_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(versions); i++)
		assert_int_equal(catalogue_version_of(versions[i].text), versions[i].version);
	assert_string_equal(catalogue_version_text(CATALOGUE_VERSION(10, 13, 4), text), "10.13.4");
	assert_string_equal(catalogue_version_text(CATALOGUE_VERSION(18, 0, 0), text), "18.0");
}

#define ARENA_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ARENA_TEST(test_arguments),
		ARENA_TEST(test_strict),
		ARENA_TEST(test_wire),
		ARENA_TEST(test_huge),
		ARENA_TEST(test_no_dictionary),
		ARENA_TEST(test_devices),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
