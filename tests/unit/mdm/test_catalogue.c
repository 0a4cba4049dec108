/*
 * The catalogue: its table, its check, its triggers.
 */
#include "unit.h"
#include "unit_store.h"

#include "mdm/catalogue.h"

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

/* The requests that Pomona promises to know. */
static const char *const requests[] = {"DeviceLock", "EraseDevice", "ClearPasscode", "SecurityInfo",
	"InstalledApplicationList", "DeviceInformation", "CertificateList", "ProfileList",
	"ProvisioningProfileList", "Restrictions", "InstallProfile", "RemoveProfile",
	"InstallProvisioningProfile", "RemoveProvisioningProfile"};

static void
test_find(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(requests); i++) {
		const struct catalogue_request *row = catalogue_find(requests[i]);

		assert_non_null(row);
		assert_string_equal(row->name, requests[i]);
	}
	assert_string_equal(catalogue_find("RestrictionsList")->name, "Restrictions");
	assert_null(catalogue_find("restrictions"));
	assert_null(catalogue_find(""));
}

static const struct {
	const char *request, *args;
	const char *error; /* NULL: it is right */
} checks[] = {
	{"SecurityInfo", NULL, NULL},
	{"SecurityInfo", "{}", NULL},
	{"SecurityInfo", "{\"Unlisted\":[1,{\"a\":true}]}", NULL},
	{"DeviceLock", "{\"Message\":\"Hi\",\"PIN\":\"123456\"}", NULL},
	{"DeviceLock", "{\"PIN\":123456}", "DeviceLock: PIN must be a string"},
	{"DeviceLock", "{\"PIN\":\"1\"}", "DeviceLock: PIN must have 6 characters"},
	{"DeviceLock", "{\"Message\":true}", "DeviceLock: Message must be a string"},
	{"EraseDevice", "{\"PreserveDataPlan\":1}",
		"EraseDevice: PreserveDataPlan must be a boolean"},
	{"EraseDevice", "{\"ObliterationBehavior\":\"Always\"}", NULL},
	{"EraseDevice", "{\"ObliterationBehavior\":\"always\"}",
		"EraseDevice: ObliterationBehavior cannot be \"always\"; it is one of Default, "
		"DoNotObliterate, ObliterateWithWarning, Always"},
	{"EraseDevice", "{\"ReturnToService\":{\"Enabled\":true}}", NULL},
	{"EraseDevice", "{\"ReturnToService\":{}}",
		"EraseDevice: the required key ReturnToService.Enabled is missing"},
	{"EraseDevice", "{\"ReturnToService\":{\"Enabled\":\"yes\"}}",
		"EraseDevice: ReturnToService.Enabled must be a boolean"},
	{"EraseDevice", "{\"ReturnToService\":true}",
		"EraseDevice: ReturnToService must be a dictionary"},
	{"EraseDevice", "{\"ReturnToService\":{\"Enabled\":true,\"WiFiProfileData\":\"%\"}}",
		"EraseDevice: ReturnToService.WiFiProfileData must be data (base64 in JSON)"},
	{"InstallProfile", NULL, "InstallProfile: the required key Payload is missing"},
	{"InstallProfile", "{\"Payload\":\"YXBwbGU=\"}", NULL},
	{"InstallProfile", "{\"Payload\":\"!\"}",
		"InstallProfile: Payload must be data (base64 in JSON)"},
	{"DeviceInformation", NULL, NULL},
	{"DeviceInformation", "{\"Queries\":[\"OSVersion\",\"UDID\"]}", NULL},
	{"DeviceInformation", "{\"Queries\":[\"OSVersion\",\"Colour\"]}",
		"DeviceInformation: Queries[1] cannot be \"Colour\""},
	{"DeviceInformation", "{\"Queries\":[\"OSVersion\",7]}",
		"DeviceInformation: Queries[1] must be a string"},
	{"DeviceInformation", "{\"Queries\":\"OSVersion\"}",
		"DeviceInformation: Queries must be an array"},
	{"InstalledApplicationList", "{\"Identifiers\":[\"com.example.app\"]}", NULL},
	{"RemoveProfile", "{\"Identifier\":\"com.example\"}", NULL},
	{"ClearPasscode", NULL, NULL},
};

static void
test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(checks); i++) {
		struct plist *args = NULL, *keys = NULL;
		struct err err = {0};
		const char *json = checks[i].args;
		enum err_kind kind;

		if (json != NULL)
			assert_int_equal(plist_read_json(plist_limits_default(), &arena, json,
						 strlen(json), &args, &err),
				ERR_OK);
		kind = catalogue_check(
			&arena, catalogue_find(checks[i].request), args, &keys, &err);
		if (checks[i].error == NULL) {
			if (kind != ERR_OK)
				fail_msg("%s %s: %s", checks[i].request, json == NULL ? "" : json,
					err.message);
		} else {
			assert_int_equal(kind, ERR_BAD_INPUT);
			assert_string_equal(err.message, checks[i].error);
		}
	}
}

static void
test_check_converts(void **state)
{
	const char *json = "{\"Payload\":\"YXBw\\nbGU=\"}";
	struct plist *args, *keys;
	const struct plist *payload;
	struct err err;

	(void)state;
	assert_int_equal(
		plist_read_json(plist_limits_default(), &arena, json, strlen(json), &args, &err),
		ERR_OK);
	assert_int_equal(
		catalogue_check(&arena, catalogue_find("InstallProfile"), args, &keys, &err),
		ERR_OK);
	payload = plist_get_typed(keys, "Payload", PLIST_DATA);
	assert_non_null(payload);
	assert_int_equal(payload->as.string.len, 5);
	assert_memory_equal(payload->as.string.bytes, "apple", 5);
}

/* ---- the SQL interface says the same ---- */

static struct unit_store unit;

static int
setup_store(void **state)
{
	(void)state;
	unit_store_open(&unit);
	unit_sql(&unit, "INSERT INTO enrollment (id, kind, state, os_major, push_token) VALUES "
			"('AAA', 'device', 'enrolled', 16, x'01'), ('BBB', 'device', 'enrolled', "
			"17, x'02')");
	return 0;
}

static int
teardown_store(void **state)
{
	(void)state;
	unit_store_close(&unit);
	return 0;
}

static const struct {
	const char *columns, *values, *error;
} sql_cases[] = {
	{"device, request", "'AAA', 'DeviceInformation'", ""},
	{"device, request, args", "'AAA', 'DeviceLock', json_object('Message', 'Call IT')", ""},
	{"request", "'DeviceInformation'", "queue: device is missing"},
	{"device", "'AAA'", "queue: request is missing"},
	{"device, request", "'ZZZ', 'DeviceInformation'", "queue: unknown device"},
	{"device, request", "'AAA', 'MakeCoffee'",
		"queue: unknown request (any can be queued with column plist)"},
	{"device, request, args", "'AAA', 'DeviceLock', '{'", "queue: args is not valid JSON"},
	{"device, request, args", "'AAA', 'DeviceLock', '[1]'",
		"queue: args must be a JSON object"},
	{"device, request, args", "'AAA', 'DeviceLock', '{\"PIN\":1}'",
		"DeviceLock: PIN must be a string"},
	{"device, request, args", "'AAA', 'DeviceLock', '{\"PIN\":null}'",
		"DeviceLock: PIN must be a string"},
	{"device, request, args", "'AAA', 'DeviceLock', '{\"PIN\":\"1\"}'",
		"DeviceLock: PIN must have 6 characters"},
	{"device, request", "'AAA', 'InstallProfile'",
		"InstallProfile: the required key Payload is missing"},
	{"device, request, args", "'AAA', 'InstallProfile', '{\"Payload\":\"a*b\"}'",
		"InstallProfile: Payload must be base64 text"},
	{"device, request, args", "'AAA', 'DeviceInformation', '{\"Queries\":\"UDID\"}'",
		"DeviceInformation: Queries must be an array"},
	{"device, request, args", "'AAA', 'ProfileList', '{\"ManagedOnly\":1}'",
		"ProfileList: ManagedOnly must be true or false"},
	{"device, request", "'AAA', 'EraseDevice'",
		"EraseDevice: confirm must be the id of the device, as in "
		"json_object('confirm', '<device id>')"},
	/* A plist behind it would be sent as EraseDevice. */
	{"device, request, plist", "'AAA', 'EraseDevice' || char(0), '<plist/>'",
		"queue: request must be a text without U+0000"},
	{"device, request, plist", "'AAA', CAST('EraseDevice' AS BLOB), '<plist/>'",
		"queue: request must be a text without U+0000"},
	{"device, request, args", "'AAA', 'EraseDevice', '{\"confirm\":\"BBB\"}'",
		"EraseDevice: confirm must be the id of the device, as in "
		"json_object('confirm', '<device id>')"},
	{"device, request, args", "'AAA', 'EraseDevice', '{\"confirm\":\"AAA\"}'", ""},
	{"device, request", "'AAA', 'InstallApplication'",
		"InstallApplication: exactly one of iTunesStoreID, Identifier, ManifestURL "
		"must be given"},
	{"device, request, args",
		"'AAA', 'InstallApplication', '{\"iTunesStoreID\":1,\"Identifier\":\"a\"}'",
		"InstallApplication: exactly one of iTunesStoreID, Identifier, ManifestURL "
		"must be given"},
	{"device, request, args", "'AAA', 'InstallApplication', '{\"ManifestURL\":\"http://a\"}'",
		"InstallApplication: ManifestURL must begin with https:"},
	{"device, request", "'AAA', 'EnableLostMode'",
		"EnableLostMode: at least one of Message, PhoneNumber must be given"},
	{"device, request", "'AAA', 'DeleteUser'",
		"DeleteUser: the required key UserName is missing (DeleteAllUsers is not "
		"true)"},
	{"device, request, args",
		"'AAA', 'RequestMirroring', '{\"DestinationName\":\"TV\",\"ScanTime\":9}'",
		"RequestMirroring: ScanTime must be from 10 to 300"},
	{"device, request, args",
		"'AAA', 'RotateFileVaultKey', '{\"KeyType\":\"institutional\","
		"\"FileVaultUnlock\":{}}'",
		"RotateFileVaultKey: the required key NewCertificate is missing (KeyType "
		"is "
		"institutional)"},
	{"device, request, args",
		"'AAA', 'DeviceInformation', '{\"Queries\":[\"UDID\"],"
		"\"DeviceAttestationNonce\":\"AAEC\"}'",
		"DeviceInformation: DeviceAttestationNonce wants "
		"DevicePropertiesAttestation in Queries"},
	{"device, request, args",
		"'AAA', 'DeviceInformation', '{\"DeviceAttestationNonce\":"
		"\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}'",
		"DeviceInformation: DeviceAttestationNonce must have 32 bytes at most"},
	{"device, request, priority", "'AAA', 'ProfileList', 'high'",
		"queue: priority must be an integer"},
	{"device, request, expires", "'AAA', 'ProfileList', 'soon'",
		"queue: expires must be a time like 2026-11-24T08:00:00Z"},
	{"device, request, not_before", "'AAA', 'ProfileList', 7",
		"queue: not_before must be a time like 2026-11-24T08:00:00Z"},
	{"device, request, uuid", "'AAA', 'ProfileList', 'mine'",
		"queue: uuid, state, created_at and age are given by the store"},
};

static void
test_triggers_refuse(void **state)
{
	char sql[500];

	(void)state;
	for (size_t i = 0; i < COUNT(sql_cases); i++) {
		snprintf(sql, sizeof(sql), "INSERT INTO queue (%s) VALUES (%s)",
			sql_cases[i].columns, sql_cases[i].values);
		assert_string_equal(unit_sql_error(&unit, sql), sql_cases[i].error);
	}
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM queue"), 3);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM payload"), 3);
	assert_string_equal(
		unit_sql_text(&unit, "SELECT args FROM queue WHERE request = 'EraseDevice'"), "");
}

static void
test_one_statement_one_payload(void **state)
{
	(void)state;
	unit_sql(
		&unit, "INSERT INTO queue (device, request) SELECT id, 'SecurityInfo' FROM device");
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM queue"), 2);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(DISTINCT uuid) FROM queue"), 1);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM payload"), 1);
	/* The same again for the same device is a command of its own, in one statement too. */
	unit_sql(&unit, "INSERT INTO queue (device, request) VALUES ('AAA', 'ProfileList'), "
			"('AAA', 'ProfileList')");
	assert_int_equal(
		unit_sql_int(&unit,
			"SELECT count(DISTINCT uuid) FROM queue WHERE request = 'ProfileList'"),
		2);
	/* Other arguments are another command. */
	unit_sql(&unit, "INSERT INTO queue (device, request, args) "
			"SELECT id, 'DeviceLock', json_object('Message', id) FROM device");
	assert_int_equal(
		unit_sql_int(&unit,
			"SELECT count(DISTINCT uuid) FROM queue WHERE request = 'DeviceLock'"),
		2);
}

static void
test_queue_asks_for_a_push(void **state)
{
	(void)state;
	unit_sql(
		&unit, "INSERT INTO queue (device, request) SELECT id, 'SecurityInfo' FROM device");
	unit_sql(&unit, "INSERT INTO queue (device, request) VALUES ('AAA', 'ProfileList')");
	assert_int_equal(
		unit_sql_int(&unit, "SELECT count(*) FROM push WHERE due_at IS NOT NULL"), 2);
	assert_int_equal(unit_sql_int(&unit, "SELECT wanted FROM push ORDER BY enrollment_no"), 2);
	/* One that may not go yet wants its push then, unless there is an earlier wish. */
	unit_sql(&unit, "UPDATE push SET due_at = NULL");
	unit_sql(&unit, "INSERT INTO queue (device, request, not_before) "
			"VALUES ('AAA', 'ProfileList', '2100-01-01T00:00:00Z')");
	assert_string_equal(unit_sql_text(&unit, "SELECT due_at FROM push ORDER BY enrollment_no"),
		"4102444800000");
}

static void
test_cancel_and_change(void **state)
{
	(void)state;
	unit_sql(
		&unit, "INSERT INTO queue (device, request) SELECT id, 'SecurityInfo' FROM device");
	unit_sql(&unit, "UPDATE queue SET priority = 7 WHERE device = 'BBB'");
	assert_int_equal(unit_sql_int(&unit, "SELECT priority FROM queue WHERE device = 'BBB'"), 7);
	assert_string_equal(unit_sql_error(&unit, "UPDATE queue SET state = 'sent'"),
		"queue: only priority, not_before and expires can be changed");
	unit_sql(&unit, "DELETE FROM queue WHERE device = 'AAA'");
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM queue"), 1);
	assert_string_equal(unit_sql_text(&unit, "SELECT state FROM command WHERE device = 'AAA'"),
		"cancelled");
}

static void
test_views_hide_the_unlock_token(void **state)
{
	(void)state;
	unit_sql(&unit, "INSERT INTO queue (device, request, args) VALUES ('AAA', 'ClearPasscode', "
			"json_object('UnlockToken', 'c2VjcmV0'))");
	assert_string_equal(
		unit_sql_text(&unit, "SELECT args FROM queue"), "{\"UnlockToken\":\"(secret)\"}");
	assert_string_equal(
		unit_sql_text(&unit, "SELECT args FROM command"), "{\"UnlockToken\":\"(secret)\"}");
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown_store)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test_setup_teardown(test_check, setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_converts, setup, teardown),
		STORE_TEST(test_triggers_refuse),
		STORE_TEST(test_one_statement_one_payload),
		STORE_TEST(test_queue_asks_for_a_push),
		STORE_TEST(test_cancel_and_change),
		STORE_TEST(test_views_hide_the_unlock_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
