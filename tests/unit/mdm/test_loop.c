/*
 * Check-ins and reports against a store: a device's life without a web server.  Each case is a
 * script of messages.
 */
#include "unit.h"
#include "unit_device.h"

#include "base/clock.h"
#include "mdm/checkin.h"
#include "mdm/connect.h"
#include "mdm/queue.h"

static struct unit_store unit;

#define CERT_A UNIT_CERTIFICATE
static const char *const CERT_B =
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static int
setup(void **state)
{
	(void)state;
	unit_store_open(&unit);
	unit_device_topic(&unit);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	clock_fake(-1);
	unit_store_close(&unit);
	return 0;
}

static enum err_kind
check_in(const char *inner, const char *certificate)
{
	return unit_check_in(&unit, inner, certificate, NULL);
}

static enum err_kind
authenticate(const char *udid, const char *certificate)
{
	return check_in(
		arena_printf(&unit.arena,
			"<key>MessageType</key><string>Authenticate</string><key>Topic</key>"
			"<string>com.apple.mgmt.test</string><key>UDID</key><string>%s</string>"
			"<key>SerialNumber</key><string>S-%s</string><key>OSVersion</"
			"key><string>17.1</string>",
			udid, udid),
		certificate);
}

static enum err_kind
token_update(const char *udid, const char *more, const char *certificate)
{
	return check_in(
		arena_printf(&unit.arena,
			"<key>MessageType</key><string>TokenUpdate</string><key>Topic</key>"
			"<string>com.apple.mgmt.test</string><key>UDID</key><string>%s</string>"
			"<key>PushMagic</key><string>MAGIC</string><key>Token</key><data>AQID</"
			"data>%s",
			udid, more),
		certificate);
}

static void
enroll(const char *udid, const char *certificate)
{
	assert_int_equal(authenticate(udid, certificate), ERR_OK);
	assert_int_equal(token_update(udid, "", certificate), ERR_OK);
}

/* The RequestType of the command that comes back, "" for none, "!" for an error. */
static const char *
report(const char *udid, const char *status, const char *uuid, const char *more)
{
	return unit_report(&unit, udid, status, uuid, more, NULL);
}

static const char *
uuid_of(const char *request)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "SELECT uuid FROM command WHERE request = '%s'", request);
	return arena_strdup(&unit.arena, unit_sql_text(&unit, sql));
}

static const char *
state_of(const char *request)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "SELECT state FROM command WHERE request = '%s'", request);
	return unit_sql_text(&unit, sql);
}

static void
queue(const char *request, int priority)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		"INSERT INTO queue (device, request, priority) VALUES ('A', '%s', %d)", request,
		priority);
	unit_sql(&unit, sql);
}

/* ---- check-ins ---- */

static void
test_enrollment(void **state)
{
	(void)state;
	assert_int_equal(authenticate("A", CERT_A), ERR_OK);
	assert_string_equal(unit_sql_text(&unit, "SELECT state FROM device"), "authenticating");
	assert_int_equal(token_update("A", "", CERT_A), ERR_OK);
	assert_string_equal(unit_sql_text(&unit, "SELECT state || serial || os_major FROM device"),
		"enrolledS-A17");
	assert_int_equal(unit_sql_int(&unit, "SELECT token_tally FROM enrollment"), 1);
	assert_string_equal(unit_sql_text(&unit, "SELECT group_concat(kind) FROM event"),
		"setting,authenticate,token_update");
}

static void
test_bad_messages(void **state)
{
	static const struct {
		const char *inner, *error;
	} cases[] = {
		{"<key>MessageType</key><string>Sing</string><key>UDID</key><string>A</string>",
			"unknown MessageType \"Sing\""},
		{"<key>MessageType</key><integer>1</integer>", "MessageType must be a string"},
		{"<key>MessageType</key><string>Authenticate</string>",
			"the message has neither UDID nor EnrollmentID"},
		{"<key>MessageType</key><string>Authenticate</string><key>UDID</key><string></"
		 "string>",
			"UDID must have 1 to 255 bytes"},
		{"<key>MessageType</key><string>Authenticate</string><key>UDID</key><string>A</"
		 "string>",
			"Topic is missing"},
		{"<key>MessageType</key><string>TokenUpdate</string><key>UDID</key><string>A</"
		 "string>"
		 "<key>Topic</key><string>t</string><key>PushMagic</key><string>m</string>",
			"Token is missing"},
		{"<key>MessageType</key><string>TokenUpdate</string><key>UDID</key><string>A</"
		 "string>"
		 "<key>Topic</key><string>t</string><key>PushMagic</key><string>m</"
		 "string><key>Token</key><string>x</string>",
			"Token must be data of at most 256 bytes"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(check_in(cases[i].inner, CERT_A), ERR_BAD_INPUT);
		assert_string_equal(unit.err.message, cases[i].error);
	}
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM enrollment"), 0);
}

static void
test_pinning(void **state)
{
	(void)state;
	enroll("A", CERT_A);
	enroll("B", CERT_B);
	/* Another device's certificate speaks for nobody else. */
	assert_int_equal(authenticate("A", CERT_B), ERR_FORBIDDEN);
	assert_int_equal(token_update("A", "", CERT_B), ERR_FORBIDDEN);
	assert_int_equal(token_update("C", "", CERT_B), ERR_FORBIDDEN);
	/* A re-enrollment with a new certificate: the newest pin alone counts. */
	assert_int_equal(authenticate("A", "cccc"), ERR_OK);
	assert_int_equal(token_update("A", "", CERT_A), ERR_FORBIDDEN);
	assert_int_equal(token_update("A", "", "cccc"), ERR_OK);
}

static void
test_rules(void **state)
{
	(void)state;
	unit_sql(&unit,
		"UPDATE setting SET value = 'com.example.other' WHERE name = 'enroll_topics'");
	assert_int_equal(authenticate("A", CERT_A), ERR_FORBIDDEN);
	unit_sql(&unit, "UPDATE setting SET value = 'any' WHERE name = 'enroll_topics'");
	unit_sql(&unit,
		"INSERT INTO admission VALUES ('serial', 'S-A', 'block'), ('udid', 'B', 'allow')");
	assert_int_equal(authenticate("A", CERT_A), ERR_FORBIDDEN);
	unit_sql(&unit, "INSERT INTO setting (name, value) VALUES ('enroll_devices', 'listed')");
	assert_int_equal(authenticate("C", "cccc"), ERR_FORBIDDEN);
	assert_int_equal(authenticate("B", CERT_B), ERR_OK);
}

static void
test_token_update_keeps_the_unlock_token(void **state)
{
	(void)state;
	assert_int_equal(authenticate("A", CERT_A), ERR_OK);
	assert_int_equal(
		token_update("A", "<key>UnlockToken</key><data>c2VjcmV0</data>", CERT_A), ERR_OK);
	assert_int_equal(token_update("A", "", CERT_A), ERR_OK);
	assert_int_equal(unit_sql_int(&unit, "SELECT unlock_token IS NOT NULL FROM enrollment"), 1);
	assert_int_equal(
		unit_sql_int(&unit,
			"SELECT instr(unlock_token, CAST('secret' AS BLOB)) FROM enrollment"),
		0);
	assert_int_equal(authenticate("A", CERT_A), ERR_OK);
	assert_int_equal(unit_sql_int(&unit, "SELECT unlock_token IS NULL FROM enrollment"), 1);
}

static void
test_user_channels(void **state)
{
	static const struct {
		const char *more, *id, *kind;
	} cases[] = {
		{"<key>UserID</key><string>U1</string><key>UserShortName</key><string>ann</string>",
			"A:U1", "user"},
		{"<key>UserID</key><string>FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF</string>"
		 "<key>UserShortName</key><string>ben</string>",
			"A:ben", "shared_ipad"},
	};
	char sql[200];

	(void)state;
	assert_int_equal(token_update("A", cases[0].more, CERT_A), ERR_FORBIDDEN);
	enroll("A", CERT_A);
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(token_update("A", cases[i].more, CERT_A), ERR_OK);
		snprintf(sql, sizeof(sql),
			"SELECT kind || device_id || state FROM device WHERE id = '%s'",
			cases[i].id);
		assert_string_equal(unit_sql_text(&unit, sql),
			arena_printf(&unit.arena, "%sAenrolled", cases[i].kind));
	}
	/* A re-enrollment ends them, and their commands. */
	unit_sql(&unit, "INSERT INTO queue (device, request) VALUES ('A:ben', 'ProfileList')");
	assert_int_equal(authenticate("A", CERT_A), ERR_OK);
	assert_string_equal(
		unit_sql_text(&unit, "SELECT state FROM device WHERE id = 'A:ben'"), "checked_out");
	assert_string_equal(state_of("ProfileList"), "cleared");
}

static void
test_user_enrollment(void **state)
{
	static const char *const head =
		"<key>Topic</key><string>com.apple.mgmt.test</string><key>EnrollmentID</key>"
		"<string>E1</string>";

	(void)state;
	assert_int_equal(
		check_in(arena_printf(&unit.arena,
				 "<key>MessageType</key><string>Authenticate</string>%s", head),
			CERT_A),
		ERR_OK);
	assert_int_equal(check_in(arena_printf(&unit.arena,
					  "<key>MessageType</key><string>TokenUpdate</"
					  "string>%s<key>PushMagic</key>"
					  "<string>M</string><key>Token</key><data>AQ==</data>"
					  "<key>EnrollmentUserID</key><string>EU</string>",
					  head),
				 CERT_A),
		ERR_OK);
	assert_string_equal(
		unit_sql_text(
			&unit, "SELECT group_concat(id || '=' || kind) FROM device ORDER BY id"),
		"E1=user_enrollment_device,E1:EU=user_enrollment");
}

static void
test_check_out(void **state)
{
	static const char *const check_out_a =
		"<key>MessageType</key><string>CheckOut</string><key>UDID</key>"
		"<string>A</string><key>Topic</key><string>com.apple.mgmt.test</string>";

	(void)state;
	enroll("A", CERT_A);
	queue("ProfileList", 0);
	assert_int_equal(check_in(check_out_a, CERT_B), ERR_FORBIDDEN);
	assert_int_equal(check_in(check_out_a, CERT_A), ERR_OK);
	assert_string_equal(
		unit_sql_text(&unit, "SELECT state || push_state FROM device"), "checked_outnone");
	assert_string_equal(state_of("ProfileList"), "cleared");
	assert_int_equal(
		unit_sql_int(&unit, "SELECT count(*) FROM push WHERE due_at IS NOT NULL"), 0);
	assert_string_equal(report("A", "Idle", NULL, ""), "!");
	assert_int_equal(unit.err.kind, ERR_FORBIDDEN);
}

/* ---- reports ---- */

static void
test_order(void **state)
{
	(void)state;
	enroll("A", CERT_A);
	queue("ProfileList", 0);
	queue("SecurityInfo", 0);
	queue("CertificateList", 5);
	assert_string_equal(report("A", "Idle", NULL, ""), "CertificateList");
	/* Not answered: an Idle gets it again. */
	assert_string_equal(report("A", "Idle", NULL, ""), "CertificateList");
	assert_string_equal(
		report("A", "Acknowledged", uuid_of("CertificateList"), ""), "ProfileList");
	assert_string_equal(
		report("A", "Acknowledged", uuid_of("ProfileList"), ""), "SecurityInfo");
	assert_string_equal(report("A", "Acknowledged", uuid_of("SecurityInfo"), ""), "");
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM queue"), 0);
	assert_int_equal(
		unit_sql_int(&unit, "SELECT count(*) FROM result WHERE status = 'Acknowledged'"),
		3);
}

static void
test_not_now(void **state)
{
	(void)state;
	enroll("A", CERT_A);
	queue("ProfileList", 0);
	queue("SecurityInfo", 0);
	assert_string_equal(report("A", "Idle", NULL, ""), "ProfileList");
	/* In the same connection only others are offered … */
	assert_string_equal(report("A", "NotNow", uuid_of("ProfileList"), ""), "SecurityInfo");
	assert_string_equal(state_of("ProfileList"), "not_now");
	assert_string_equal(report("A", "NotNow", uuid_of("SecurityInfo"), ""), "");
	/* … and on the next Idle the deferred one comes first, */
	queue("CertificateList", 9);
	assert_string_equal(report("A", "Idle", NULL, ""), "ProfileList");
	/* … and behind it, in the same session, the others that were deferred. */
	assert_string_equal(
		report("A", "Acknowledged", uuid_of("ProfileList"), ""), "SecurityInfo");
	assert_string_equal(
		report("A", "Acknowledged", uuid_of("SecurityInfo"), ""), "CertificateList");
	assert_string_equal(report("A", "Acknowledged", uuid_of("CertificateList"), ""), "");
	assert_int_equal(
		unit_sql_int(
			&unit, "SELECT not_now_count FROM command WHERE request = 'SecurityInfo'"),
		1);
}

static void
test_errors(void **state)
{
	(void)state;
	enroll("A", CERT_A);
	queue("ProfileList", 0);
	queue("SecurityInfo", 0);
	report("A", "Idle", NULL, "");
	assert_string_equal(report("A", "Error", uuid_of("ProfileList"),
				    "<key>ErrorChain</key><array><dict><key>ErrorCode</"
				    "key><integer>12021</integer>"
				    "<key>ErrorDomain</key><string>MCMDMErrorDomain</"
				    "string><key>LocalizedDescription</key>"
				    "<string>Nein</string><key>USEnglishDescription</"
				    "key><string>No</string></dict></array>"),
		"SecurityInfo");
	assert_string_equal(state_of("ProfileList"), "error");
	assert_string_equal(
		unit_sql_text(&unit, "SELECT reason FROM command WHERE request = 'ProfileList'"),
		"MCMDMErrorDomain 12021: No");
	assert_string_equal(
		unit_sql_text(&unit, "SELECT json_extract(error, '$[0].ErrorCode') FROM result"),
		"12021");
	report("A", "CommandFormatError", uuid_of("SecurityInfo"), "");
	assert_string_equal(state_of("SecurityInfo"), "format_error");
}

static void
test_repeats_and_strangers(void **state)
{
	(void)state;
	enroll("A", CERT_A);
	queue("ProfileList", 0);
	queue("SecurityInfo", 0);
	report("A", "Idle", NULL, "");
	assert_string_equal(
		report("A", "Acknowledged", uuid_of("ProfileList"), ""), "SecurityInfo");
	assert_string_equal(
		report("A", "Acknowledged", uuid_of("ProfileList"), "<key>Again</key><true/>"),
		"SecurityInfo");
	assert_string_equal(report("A", "Acknowledged", "no-such-command", ""), "SecurityInfo");
	assert_string_equal(report("A", "NotNow", uuid_of("ProfileList"), ""), "SecurityInfo");
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM result"), 1);
	assert_int_equal(unit_sql_int(&unit, "SELECT response LIKE '%Again%' FROM result"), 0);
	assert_string_equal(state_of("ProfileList"), "acknowledged");
	assert_string_equal(report("A", "Acknowledged", NULL, ""), "!");
	assert_string_equal(unit.err.message, "CommandUUID is missing");
	assert_string_equal(report("A", "Sleeping", NULL, ""), "!");
	assert_string_equal(unit.err.message, "unknown Status \"Sleeping\"");
}

static void
test_a_late_answer_is_kept(void **state)
{
	(void)state;
	enroll("A", CERT_A);
	queue("ProfileList", 0);
	report("A", "Idle", NULL, "");
	unit_sql(&unit, "DELETE FROM queue");
	assert_string_equal(report("A", "Acknowledged", uuid_of("ProfileList"), ""), "");
	assert_string_equal(state_of("ProfileList"), "cancelled");
	assert_string_equal(unit_sql_text(&unit, "SELECT status FROM result"), "Acknowledged");
}

static void
test_an_invalid_command_blocks_nobody(void **state)
{
	(void)state;
	enroll("A", CERT_A);
	unit_sql(&unit, "INSERT INTO queue (device, request, args) VALUES "
			"('A', 'DeviceInformation', '{\"Queries\":[\"Colour\"]}'), ('A', "
			"'ClearPasscode', NULL)");
	queue("ProfileList", 0);
	assert_string_equal(report("A", "Idle", NULL, ""), "ProfileList");
	assert_string_equal(state_of("DeviceInformation"), "invalid");
	assert_string_equal(
		unit_sql_text(
			&unit, "SELECT reason FROM command WHERE request = 'DeviceInformation'"),
		"DeviceInformation: Queries[0] cannot be \"Colour\"");
	assert_string_equal(
		unit_sql_text(&unit, "SELECT reason FROM command WHERE request = 'ClearPasscode'"),
		"the device has given no UnlockToken");
}

static void
test_expiry_and_not_before(void **state)
{
	(void)state;
	enroll("A", CERT_A);
	unit_sql(&unit, "INSERT INTO queue (device, request, expires) VALUES ('A', 'ProfileList', "
			"'2001-01-01T00:00:00Z')");
	unit_sql(&unit, "INSERT INTO queue (device, request, not_before) "
			"VALUES ('A', 'SecurityInfo', '2100-01-01T00:00:00Z')");
	assert_string_equal(report("A", "Idle", NULL, ""), "");
	clock_fake(4102444800001);
	assert_string_equal(report("A", "Idle", NULL, ""), "SecurityInfo");
	{
		int64_t count;

		unit_begin(&unit, DB_WRITE);
		assert_int_equal(queue_expire(&unit.mdm, 10, &count, &unit.err), ERR_OK);
		unit_commit(&unit);
		assert_int_equal(count, 1);
	}
	assert_string_equal(state_of("ProfileList"), "expired");
}

static void
test_inventory(void **state)
{
	(void)state;
	enroll("A", CERT_A);
	queue("DeviceInformation", 0);
	queue("InstalledApplicationList", 0);
	report("A", "Idle", NULL, "");
	report("A", "Acknowledged", uuid_of("DeviceInformation"),
		"<key>QueryResponses</key><dict><key>DeviceName</key><string>Ann's iPad</string>"
		"<key>OSVersion</key><string>18.2</string></dict>");
	report("A", "Acknowledged", uuid_of("InstalledApplicationList"),
		"<key>InstalledApplicationList</key><array><dict><key>Identifier</"
		"key><string>com.example.a</string>"
		"<key>Name</key><string>A</string></dict></array>");
	assert_string_equal(
		unit_sql_text(&unit, "SELECT name || os_version || os_major FROM device"),
		"Ann's iPad18.218");
	assert_string_equal(
		unit_sql_text(&unit, "SELECT value FROM device_info WHERE name = 'OSVersion'"),
		"18.2");
	assert_string_equal(unit_sql_text(&unit, "SELECT identifier || name FROM installed_app"),
		"com.example.aA");
	/* A filtered list does not replace the whole one. */
	unit_sql(&unit, "UPDATE payload SET request = 'Old' WHERE request = "
			"'InstalledApplicationList'; INSERT "
			"INTO queue (device, request, args) "
			"VALUES ('A', 'InstalledApplicationList', "
			"'{\"Identifiers\":[\"com.example.b\"]}')");
	report("A", "Idle", NULL, "");
	report("A", "Acknowledged", uuid_of("InstalledApplicationList"),
		"<key>InstalledApplicationList</key><array/>");
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM inventory WHERE request = "
					     "'InstalledApplicationList'"),
		1);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM installed_app"), 1);
}

static void
test_clear_passcode_takes_the_stored_token(void **state)
{
	struct connect_note note;
	struct buf reply;
	char *idle = "<key>UDID</key><string>A</string><key>Status</key><string>Idle</string>";
	struct connect connect = {
		.raw = idle, .raw_len = strlen(idle), .caller.certificate = CERT_A};

	(void)state;
	assert_int_equal(authenticate("A", CERT_A), ERR_OK);
	assert_int_equal(
		token_update("A", "<key>UnlockToken</key><data>c2VjcmV0</data>", CERT_A), ERR_OK);
	queue("ClearPasscode", 0);
	connect.message = unit_message(&unit, idle);
	buf_init(&reply, &unit.arena, 100000);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(connect_handle(&unit.mdm, &connect, &reply, &note, &unit.err), ERR_OK);
	unit_commit(&unit);
	assert_non_null(strstr(reply.bytes, "c2VjcmV0"));
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(test_enrollment),
		LOOP_TEST(test_bad_messages),
		LOOP_TEST(test_pinning),
		LOOP_TEST(test_rules),
		LOOP_TEST(test_token_update_keeps_the_unlock_token),
		LOOP_TEST(test_user_channels),
		LOOP_TEST(test_user_enrollment),
		LOOP_TEST(test_check_out),
		LOOP_TEST(test_order),
		LOOP_TEST(test_not_now),
		LOOP_TEST(test_errors),
		LOOP_TEST(test_repeats_and_strangers),
		LOOP_TEST(test_a_late_answer_is_kept),
		LOOP_TEST(test_an_invalid_command_blocks_nobody),
		LOOP_TEST(test_expiry_and_not_before),
		LOOP_TEST(test_inventory),
		LOOP_TEST(test_clear_passcode_takes_the_stored_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
