/*
 * Settings: defaults, what a value may be, the event that a change leaves.
 */
#include "mdm/setting.h"

#include "unit.h"
#include "unit_store.h"

static const struct {
	const char *name, *value;
	bool good;
} cases[] = {
	{"server_url", "https://mdm.example.com", true},
	{"server_url", "https://mdm.example.com:8443/pomona", true},
	{"server_url", "https://127.0.0.1:8443", true},
	{"server_url", "http://mdm.example.com", false},
	{"server_url", "https://", false},
	{"server_url", "https:///mdm", false},
	{"server_url", "https://mdm.example.com/", false},
	{"server_url", "https://mdm.example.com?x", false},
	{"server_url", "https://mdm.example.com/a b", false},
	{"server_url", "https://mdm.example.com/\"", false},
	{"server_url", "", false},
	{"organization", "Obst & Söhne", true},
	{"organization", "", false},
	{"organization", "two\nlines", false},
	{"organization", "\xff", false},
	{"enroll_topics", "imported", true},
	{"enroll_topics", "any", true},
	{"enroll_topics", "com.apple.mgmt.External.a com.apple.mgmt.External.b", true},
	{"enroll_topics", "", false},
	{"enroll_topics", "  ", false},
	{"enroll_topics", "a;b", false},
	{"enroll_devices", "any", true},
	{"enroll_devices", "listed", true},
	{"enroll_devices", "some", false},
	{"keep_results", "1", true},
	{"keep_results", "36500", true},
	{"keep_results", "forever", true},
	{"keep_results", "36501", false},
	{"keep_results", "99999999999999999999", false},
	{"keep_results", "0", false},
	{"keep_results", "007", false},
	{"keep_results", "-1", false},
	{"keep_results", "+1", false},
	{"keep_results", "1.5", false},
	{"keep_results", "1 ", false},
	{"keep_results", " 1", false},
	{"keep_results", "1d", false},
	{"keep_results", "", false},
	{"keep_results", "Forever", false},
	{"keep_events", "90", true},
	{"keep_history", "1", true},
	{"keep_history", "0", false},
	{"keep_secrets", "forever", true},
	{"keep_secrets", "36501", false},
	{"keep_events", "forever", true},
	{"keep_events", "36501", false},
	{"keep_events", "never", false},
	{"signature_sha1", "accept", true},
	{"signature_sha1", "refuse", true},
	{"signature_sha1", "", false},
	{"signature_sha1", "no", false},
	{"scep_days", "1", true},
	{"scep_days", "36500", true},
	{"scep_days", "0", false},
	{"scep_days", "forever", false},
	{"scep_legacy", "off", true},
	{"scep_legacy", "on", true},
	{"scep_legacy", "yes", false},
	{"scep_url", "http://scep.example.com:8080/scep", true},
	{"scep_url", "https://scep.example.com/scep?x=1", true},
	{"scep_url", "https://", false},
	{"scep_url", "ftp://scep.example.com", false},
	{"scep_url", "https://scep.example.com/a b", false},
	{"ddm_url", "http://127.0.0.1:9002", true},
	{"ddm_url", "http://127.0.0.1:9002/", true},
	{"ddm_url", "https://ddm.example.com/dm/@x", true},
	{"ddm_url", "https://[::1]:9002/dm", true},
	{"ddm_url", "ftp://ddm.example.com", false},
	{"ddm_url", "http://", false},
	{"ddm_url", "http:///dm", false},
	{"ddm_url", "http://user@ddm.example.com/", false},
	{"ddm_url", "http://user:secret@ddm.example.com/dm", false},
	{"ddm_url", "http://user:secret@ddm.example.com", false},
	{"ddm_url", "http://ddm.example.com/?x", false},
	{"ddm_url", "http://ddm.example.com/#x", false},
	{"ddm_url", "http://ddm.example.com/a b", false},
	{"ddm_url", "", false},
	{"return_to_service", "off", true},
	{"return_to_service", "erase", true},
	{"return_to_service", "keep_apps", true},
	{"return_to_service", "on", false},
	{"return_to_service_plan", "on", true},
	{"return_to_service_plan", "yes", false},
	{"return_to_service_retry", "off", true},
	{"return_to_service_retry", "", false},
	{"enroll_open", "links", true},
	{"enroll_open", "person", true},
	{"enroll_open", "open", true},
	{"enroll_open", "closed", false},
	{"enroll_topic", "com.apple.mgmt.External.a", true},
	{"enroll_topic", "com.example.a", false},
	{"enroll_topic", "com.apple.mgmt.a com.apple.mgmt.b", false},
	{"enroll_description", "Für alle Geräte", true},
	{"enroll_description", "", false},
	{"enroll_description", "two\nlines", false},
	{"enroll_consent", "You agree.", true},
	{"enroll_consent", "", false},
	{"enroll_access_rights", "8191", true},
	{"enroll_access_rights", "3", true},
	{"enroll_access_rights", "1", true},
	{"enroll_access_rights", "192", true},
	{"enroll_access_rights", "2", false},
	{"enroll_access_rights", "128", false},
	{"enroll_access_rights", "0", false},
	{"enroll_access_rights", "8192", false},
	{"enroll_access_rights", "all", false},
	{"enroll_access_rights", "forever", false},
	{"enroll_sign_message", "on", true},
	{"enroll_sign_message", "yes", false},
	{"enroll_apns", "development", true},
	{"enroll_apns", "sandbox", false},
	{"enroll_ota", "on", true},
	{"enroll_ota", "1", false},
	{"scep_challenge", "too-short-1", false},
	{"scep_challenge", "with a blank in it", false},
	{"scep_challenge", "nicht-für-ASCII", false},
	{"pin_unknown", "on", true},
	{"pin_unknown", "off", true},
	{"pin_unknown", "yes", false},
	{"user_authenticate", "decline", true},
	{"user_authenticate", "accept", true},
	{"user_authenticate", "digest", true},
	{"user_authenticate", "on", false},
	{"user_realm", "Obst & Gem\xc3\xbcse", false},
	{"user_realm", "mdm.example.com", true},
	{"user_realm", "a \"b\"", false},
	{"user_realm", "a\\b", false},
	{"user_realm", "", false},
	{"await_timeout", "1", true},
	{"await_timeout", "1440", true},
	{"await_timeout", "1441", false},
	{"await_timeout", "0", false},
	{"await_timeout", "forever", false},
	{"await_timeout", "5m", false},
	{"no_such", "x", false},
};

static void
test_values(void **state)
{
	struct unit_store unit;

	(void)state;
	unit_store_open(&unit);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *value;

		unit_begin(&unit, DB_WRITE);
		assert_int_equal(
			setting_set(&unit.mdm, cases[i].name, cases[i].value, &unit.err) == ERR_OK,
			cases[i].good);
		if (cases[i].good) {
			assert_int_equal(
				setting_get(&unit.mdm, cases[i].name, &value, &unit.err), ERR_OK);
			assert_string_equal(value, cases[i].value);
		} else
			assert_non_null(strstr(unit.err.message, cases[i].name));
		unit_commit(&unit);
	}
	unit_store_close(&unit);
}

static void
test_defaults(void **state)
{
	static const struct {
		const char *name, *value;
	} defaults[] = {{"server_url", NULL}, {"organization", NULL}, {"enroll_topics", "imported"},
		{"enroll_devices", "any"}, {"keep_results", "365"}, {"keep_events", "90"},
		{"keep_history", "365"}, {"keep_secrets", "forever"}, {"scep_challenge", NULL},
		{"scep_days", "1825"}, {"scep_legacy", "on"}, {"scep_url", NULL},
		{"enroll_open", "links"}, {"enroll_topic", NULL}, {"enroll_description", NULL},
		{"enroll_consent", NULL}, {"enroll_access_rights", "8191"},
		{"enroll_sign_message", "off"}, {"enroll_apns", "production"},
		{"enroll_ota", "off"}, {"signature_sha1", "accept"}, {"pin_unknown", "off"},
		{"ddm_url", NULL}, {"return_to_service", "off"}, {"return_to_service_plan", "off"},
		{"return_to_service_retry", "off"}, {"user_authenticate", "decline"},
		{"user_realm", "Pomona"}, {"await_timeout", "15"}};
	struct unit_store unit;
	size_t count = 0;

	(void)state;
	unit_store_open(&unit);
	unit_begin(&unit, DB_READ);
	for (; setting_name(count) != NULL; count++) {
		const char *value;

		assert_string_equal(setting_name(count), defaults[count].name);
		assert_int_equal(
			setting_get(&unit.mdm, defaults[count].name, &value, &unit.err), ERR_OK);
		if (defaults[count].value == NULL)
			assert_null(value);
		else
			assert_string_equal(value, defaults[count].value);
	}
	assert_int_equal(count, COUNT(defaults));
	unit_commit(&unit);
	unit_store_close(&unit);
}

/* One event for a change, none for the same again; it tells the name, not the value. */
static void
test_events(void **state)
{
	struct unit_store unit;

	(void)state;
	unit_store_open(&unit);
	for (int i = 0; i < 2; i++) {
		unit_begin(&unit, DB_WRITE);
		assert_int_equal(
			setting_set(&unit.mdm, "organization", "Secret Lab", &unit.err), ERR_OK);
		unit_commit(&unit);
	}
	assert_int_equal(unit_sql_int(&unit, "SELECT COUNT(*) FROM event"), 1);
	assert_string_equal(unit_sql_text(&unit, "SELECT kind || ' ' || detail FROM event"),
		"setting {\"name\":\"organization\"}");
	assert_string_equal(
		unit_sql_text(&unit, "SELECT value FROM setting WHERE name = 'organization'"),
		"Secret Lab");
	unit_store_close(&unit);
}

/* The default is back, with an event; what is not set stays so, without one. */
static void
test_unset(void **state)
{
	struct unit_store unit;
	const char *value;

	(void)state;
	unit_store_open(&unit);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(setting_set(&unit.mdm, "enroll_consent", "Yes?", &unit.err), ERR_OK);
	assert_int_equal(setting_set(&unit.mdm, "scep_days", "7", &unit.err), ERR_OK);
	unit_commit(&unit);
	for (int i = 0; i < 2; i++) {
		unit_begin(&unit, DB_WRITE);
		assert_int_equal(setting_unset(&unit.mdm, "enroll_consent", &unit.err), ERR_OK);
		assert_int_equal(setting_unset(&unit.mdm, "scep_days", &unit.err), ERR_OK);
		unit_commit(&unit);
	}
	assert_int_equal(unit_sql_int(&unit, "SELECT COUNT(*) FROM event"), 4);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(setting_get(&unit.mdm, "enroll_consent", &value, &unit.err), ERR_OK);
	assert_null(value);
	assert_int_equal(setting_get(&unit.mdm, "scep_days", &value, &unit.err), ERR_OK);
	assert_string_equal(value, "1825");
	assert_int_equal(setting_unset(&unit.mdm, "no_such", &unit.err), ERR_BAD_INPUT);
	unit_commit(&unit);
	unit_store_close(&unit);
}

/* What is set in SQL is what the program sees. */
static void
test_sql_face(void **state)
{
	struct unit_store unit;
	const char *value;

	(void)state;
	unit_store_open(&unit);
	unit_sql(&unit, "INSERT INTO setting (name, value) VALUES ('enroll_devices', 'listed')");
	unit_begin(&unit, DB_READ);
	assert_int_equal(setting_get(&unit.mdm, "enroll_devices", &value, &unit.err), ERR_OK);
	assert_string_equal(value, "listed");
	unit_commit(&unit);
	unit_store_close(&unit);
}

/* The view refuses what the program refuses (of what can be typed there), and takes what it takes.
 */
static void
test_sql_checks(void **state)
{
	struct unit_store unit;

	(void)state;
	unit_store_open(&unit);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *value = cases[i].value;
		const char *error;
		char sql[300];

		if (strchr(value, '\n') != NULL || (unsigned char)value[0] == 0xff)
			continue;
		snprintf(sql, sizeof(sql), "INSERT INTO setting (name, value) VALUES ('%s', '%s')",
			cases[i].name, value);
		error = unit_sql_error(&unit, sql);
		if (cases[i].good != (*error == '\0'))
			fail_msg("%s: %s", sql, error);
		if (!cases[i].good)
			assert_non_null(strstr(error, "setting: "));
	}
	unit_sql(&unit, "INSERT INTO setting (name, value) VALUES ('keep_events', 30)");
	assert_string_equal(
		unit_sql_text(&unit, "SELECT value FROM setting WHERE name = 'keep_events'"), "30");
	assert_string_equal(
		unit_sql_error(&unit, "UPDATE setting SET value = 0 WHERE name = 'keep_events'"),
		"setting: keep_events is a whole number of days from 1 to 36500, or forever");
	unit_store_close(&unit);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_unset),
		cmocka_unit_test(test_sql_face),
		cmocka_unit_test(test_sql_checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
