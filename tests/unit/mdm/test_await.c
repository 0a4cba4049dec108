/*
 * A device that waits to be configured: what it gets, and when it is let go.
 */
#include "mdm/await.h"

#include "base/clock.h"
#include "mdm/command_secret.h"
#include "unit.h"
#include "unit_device.h"

static struct unit_store unit;

static const char *const AWAITING = "<key>AwaitingConfiguration</key><true/>";
static const int64_t T0 = 1800000000000, MINUTE = 60 * 1000;

static int
setup(void **state)
{
	(void)state;
	clock_fake(T0);
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

/* Setup commands, in an order that is not that of their numbers. */
static void
two_steps(void)
{
	unit_sql(&unit, "INSERT INTO setup_command (request, position) VALUES ('SecurityInfo', 2), "
			"('ProfileList', 1)");
}

static const char *
report(const char *id, const char *status, const char **uuid)
{
	return unit_report(&unit, id, status, strcmp(status, "Idle") == 0 ? NULL : *uuid, "", uuid);
}

static const char *
events(void)
{
	return unit_sql_text(&unit,
		"SELECT group_concat(json_extract(detail, '$.reason') || '/' || "
		"json_extract(detail, '$.open')) FROM event WHERE kind = 'await_released'");
}

static int64_t
work(void)
{
	int64_t count;

	unit_begin(&unit, DB_WRITE);
	assert_int_equal(await_release_due(&unit.mdm, 10, &count, &unit.err), ERR_OK);
	unit_commit(&unit);
	return count;
}

static bool
waits(const char *id)
{
	char sql[100];

	snprintf(sql, sizeof(sql), "SELECT awaiting FROM device WHERE id = '%s'", id);
	return unit_sql_int(&unit, sql) == 1;
}

static long long
configured(void)
{
	return unit_sql_int(
		&unit, "SELECT count(*) FROM command WHERE request = 'DeviceConfigured'");
}

/* ---- cases ---- */

static void
test_nothing_to_set_up(void **state)
{
	const char *uuid = NULL;

	(void)state;
	unit_enroll(&unit, "A", AWAITING);
	assert_true(waits("A"));
	assert_string_equal(events(), "there are no setup commands/0");
	assert_string_equal(report("A", "Idle", &uuid), "DeviceConfigured");
	assert_string_equal(report("A", "Acknowledged", &uuid), "");
	assert_false(waits("A"));
}

static void
test_a_device_that_does_not_wait(void **state)
{
	const char *uuid = NULL;

	(void)state;
	two_steps();
	unit_enroll(&unit, "A", "");
	unit_enroll(&unit, "A", "<key>AwaitingConfiguration</key><false/>");
	assert_false(waits("A"));
	assert_string_equal(report("A", "Idle", &uuid), "");
	assert_int_equal(work(), 0);
}

/* A secret among the arguments is sealed, shown by nobody, and reaches the device. */
static void
test_a_secret_of_a_setup_command(void **state)
{
	static const char args[] =
		"{\"SkipPrimarySetupAccountCreation\":true,\"AutoSetupAdminAccounts\":"
		"[{\"shortName\":\"admin\",\"passwordHash\":\"UzNDUkVU\"}]}";
	struct await_step step = {.channel = "device", .request = "AccountConfiguration"};
	const struct plist *keys, *account;
	struct plist *given;
	int64_t no;

	(void)state;
	assert_int_equal(plist_read_json(plist_limits_default(), &unit.arena, args, strlen(args),
				 &given, &unit.err),
		ERR_OK);
	step.args = given;
	unit_begin(&unit, DB_WRITE);
	if (await_step_add(&unit.mdm, &step, &no, &unit.err) != ERR_OK)
		fail_msg("%s", unit.err.message);
	unit_commit(&unit);
	assert_string_equal(unit_sql_text(&unit, "SELECT args FROM setup_step"),
		"{\"SkipPrimarySetupAccountCreation\":true,\"AutoSetupAdminAccounts\":"
		"[{\"shortName\":\"admin\",\"passwordHash\":\"(secret)\"}]}");
	assert_int_equal(
		unit_sql_int(&unit, "SELECT instr(sealed_args, 'UzNDUkVU') FROM setup_step"), 0);
	unit_enroll(&unit, "A", AWAITING);
	unit_begin(&unit, DB_READ);
	if (command_secret_keys(&unit.mdm, 1, "AccountConfiguration", &keys, &unit.err) != ERR_OK)
		fail_msg("%s", unit.err.message);
	db_rollback(unit.mdm.db);
	account = plist_get(keys, "AutoSetupAdminAccounts")->as.items.first;
	assert_string_equal(plist_get_string(account, "shortName"), "admin");
	assert_string_equal(plist_get_string(account, "passwordHash"), "UzNDUkVU");
}

static void
test_setup_commands_go_first_and_alone(void **state)
{
	const char *uuid = NULL;

	(void)state;
	two_steps();
	unit_enroll(&unit, "A", AWAITING);
	unit_sql(&unit, "INSERT INTO queue (device, request, priority) VALUES ('A', "
			"'CertificateList', 9)");
	unit_sql(&unit, "INSERT INTO queue (device, request, setup) VALUES ('A', "
			"'ProvisioningProfileList', 1)");
	assert_string_equal(report("A", "Idle", &uuid), "ProfileList");
	assert_string_equal(report("A", "Acknowledged", &uuid), "SecurityInfo");
	assert_string_equal(report("A", "Error", &uuid), "ProvisioningProfileList");
	assert_int_equal(configured(), 0);
	assert_string_equal(report("A", "CommandFormatError", &uuid), "DeviceConfigured");
	assert_string_equal(events(), "the setup commands have ended/0");
	/* It is offered until it is answered. */
	assert_string_equal(report("A", "Idle", &uuid), "DeviceConfigured");
	assert_true(waits("A"));
	assert_string_equal(report("A", "Acknowledged", &uuid), "CertificateList");
	assert_false(waits("A"));
	assert_string_equal(report("A", "Acknowledged", &uuid), "");
	assert_int_equal(configured(), 1);
	assert_int_equal(work(), 0);
}

/* Whatever becomes of them, however it becomes so. */
static void
test_all_ends_count(void **state)
{
	static const struct {
		const char *sql; /* ends the setup command */
		bool worker;     /* and the worker is first to see it */
	} cases[] = {
		{"DELETE FROM queue WHERE request = 'ProfileList'", true},
		{"DELETE FROM queue WHERE request = 'ProfileList'", false},
		{"UPDATE delivery SET state = 'expired', ended_at = 1", true},
		{"UPDATE payload SET request = 'ClearPasscode' WHERE request = 'ProfileList'",
			false}, /* cannot be built */
	};
	const char *uuid = NULL;

	(void)state;
	unit_sql(&unit, "INSERT INTO setup_command (request) VALUES ('ProfileList')");
	for (size_t i = 0; i < COUNT(cases); i++) {
		unit_enroll(&unit, "A", AWAITING);
		assert_int_equal(work(), 0);
		unit_sql(&unit, cases[i].sql);
		if (cases[i].worker)
			assert_int_equal(work(), 1);
		assert_string_equal(report("A", "Idle", &uuid), "DeviceConfigured");
		assert_int_equal(work(), 0);
		assert_int_equal(configured(), (int)i + 1);
	}
}

/* NotNow, or no answer at all, holds nobody for ever. */
static void
test_time_out(void **state)
{
	static const struct {
		const char *answer; /* to the setup command; NULL: none */
		bool worker;
	} cases[] = {{"NotNow", true}, {"NotNow", false}, {NULL, true}, {NULL, false}};
	const char *uuid = NULL;

	(void)state;
	unit_sql(&unit, "INSERT INTO setup_command (request) VALUES ('ProfileList')");
	for (size_t i = 0; i < COUNT(cases); i++) {
		clock_fake(T0);
		unit_enroll(&unit, "A", AWAITING);
		assert_string_equal(report("A", "Idle", &uuid), "ProfileList");
		if (cases[i].answer != NULL)
			assert_string_equal(report("A", cases[i].answer, &uuid), "");
		clock_fake(T0 + 15 * MINUTE - 1);
		assert_int_equal(work(), 0);
		clock_fake(T0 + 15 * MINUTE);
		if (cases[i].worker)
			assert_int_equal(work(), 1);
		assert_string_equal(report("A", "Idle", &uuid), "DeviceConfigured");
		assert_int_equal(work(), 0);
		/* What did not make it comes behind. */
		assert_string_equal(report("A", "Acknowledged", &uuid), "ProfileList");
		assert_false(waits("A"));
		unit_sql(&unit, "DELETE FROM queue");
	}
	assert_string_equal(events(), "time-out/1,time-out/1,time-out/1,time-out/1");
}

static void
test_the_worker_wakes_it(void **state)
{
	(void)state;
	two_steps();
	unit_enroll(&unit, "A", AWAITING);
	unit_sql(&unit, "UPDATE push SET due_at = NULL, served = wanted");
	clock_fake(T0 + 15 * MINUTE);
	assert_int_equal(work(), 1);
	assert_int_equal(unit_sql_int(&unit, "SELECT due_at FROM push"), T0 + 15 * MINUTE);
}

static void
test_setting_await_timeout(void **state)
{
	(void)state;
	two_steps();
	unit_sql(&unit, "INSERT INTO setting (name, value) VALUES ('await_timeout', '3')");
	unit_enroll(&unit, "A", AWAITING);
	assert_string_equal(
		unit_sql_text(&unit, "SELECT await_until FROM device"), "2027-01-15T08:03:00.000Z");
}

/* A device that says it again (its token is new, or the answer was lost) gets nothing twice. */
static void
test_said_again(void **state)
{
	const char *uuid = NULL;

	(void)state;
	two_steps();
	unit_enroll(&unit, "A", AWAITING);
	assert_int_equal(unit_say(&unit, "TokenUpdate", "A", AWAITING, NULL), ERR_OK);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM queue"), 2);
	assert_string_equal(report("A", "Idle", &uuid), "ProfileList");
	/* A renewal that says nothing of it leaves it as it is. */
	assert_int_equal(unit_say(&unit, "TokenUpdate", "A", "", NULL), ERR_OK);
	assert_true(waits("A"));
	assert_string_equal(report("A", "Acknowledged", &uuid), "SecurityInfo");
	assert_string_equal(report("A", "Acknowledged", &uuid), "DeviceConfigured");
	assert_int_equal(unit_say(&unit, "TokenUpdate", "A", AWAITING, NULL), ERR_OK);
	assert_int_equal(configured(), 1);
	assert_string_equal(report("A", "Acknowledged", &uuid), "");
	assert_int_equal(unit_say(&unit, "TokenUpdate", "A", "", NULL), ERR_OK);
	assert_false(waits("A"));
	/* One that still waits afterwards is not left alone. */
	assert_int_equal(unit_say(&unit, "TokenUpdate", "A", AWAITING, NULL), ERR_OK);
	assert_true(waits("A"));
	assert_string_equal(report("A", "Idle", &uuid), "ProfileList");
}

static void
test_re_enrollment_begins_anew(void **state)
{
	const char *uuid = NULL;

	(void)state;
	two_steps();
	for (int i = 0; i < 2; i++) {
		unit_enroll(&unit, "A", AWAITING);
		assert_string_equal(report("A", "Idle", &uuid), "ProfileList");
		assert_string_equal(report("A", "Acknowledged", &uuid), "SecurityInfo");
	}
	assert_int_equal(unit_say(&unit, "Authenticate", "A", "", NULL), ERR_OK);
	assert_false(waits("A"));
	assert_int_equal(work(), 0);
	assert_int_equal(configured(), 0);
}

/* The operator may let it go himself; once is enough. */
static void
test_operator_lets_it_go(void **state)
{
	const char *uuid = NULL;

	(void)state;
	unit_sql(&unit, "INSERT INTO setup_command (request) VALUES ('ProfileList')");
	unit_enroll(&unit, "A", AWAITING);
	assert_string_equal(report("A", "Idle", &uuid), "ProfileList");
	assert_string_equal(report("A", "NotNow", &uuid), "");
	unit_sql(&unit, "INSERT INTO queue (device, request, priority) VALUES ('A', "
			"'DeviceConfigured', 1)");
	assert_string_equal(report("A", "NotNow", &uuid), "DeviceConfigured");
	clock_fake(T0 + 15 * MINUTE);
	assert_int_equal(work(), 1);
	assert_int_equal(configured(), 1);
	assert_string_equal(report("A", "Acknowledged", &uuid), "");
	assert_false(waits("A"));
	assert_string_equal(report("A", "Idle", &uuid), "ProfileList");
}

static void
test_two_that_let_go_are_one(void **state)
{
	const char *uuid = NULL;

	(void)state;
	unit_enroll(&unit, "A", AWAITING);
	unit_sql(&unit, "INSERT INTO queue (device, request) VALUES ('A', 'DeviceConfigured')");
	assert_string_equal(report("A", "Idle", &uuid), "DeviceConfigured");
	assert_string_equal(report("A", "Acknowledged", &uuid), "");
	assert_string_equal(
		unit_sql_text(&unit, "SELECT group_concat(state) FROM (SELECT state FROM command "
				     "ORDER BY state)"),
		"acknowledged,cancelled");
}

/* With a cleared queue nobody is left waiting. */
static void
test_what_lets_it_go_was_cancelled(void **state)
{
	const char *uuid = NULL;

	(void)state;
	for (int i = 0; i < 2; i++) {
		unit_enroll(&unit, "A", AWAITING);
		unit_sql(&unit, "DELETE FROM queue");
		if (i == 0)
			assert_int_equal(work(), 1);
		assert_string_equal(report("A", "Idle", &uuid), "DeviceConfigured");
		assert_int_equal(work(), 0);
		assert_string_equal(report("A", "Acknowledged", &uuid), "");
		assert_int_equal(work(), 0);
	}
	assert_string_equal(
		unit_sql_text(&unit, "SELECT json_extract(detail, '$.reason') FROM event WHERE "
				     "kind = 'await_released' ORDER BY id DESC LIMIT 1"),
		"what lets it go was cancelled");
}

static void
test_users_wait_too(void **state)
{
	const char *uuid = NULL;

	(void)state;
	unit_sql(&unit,
		"INSERT INTO setup_command (request, channel) VALUES ('ProfileList', 'user'), "
		"('SecurityInfo', 'device')");
	unit_enroll(&unit, "A", "");
	assert_int_equal(unit_say(&unit, "TokenUpdate", "A:U1", AWAITING, NULL), ERR_OK);
	assert_true(waits("A:U1"));
	assert_false(waits("A"));
	assert_string_equal(report("A:U1", "Idle", &uuid), "ProfileList");
	assert_string_equal(report("A:U1", "Acknowledged", &uuid), "UserConfigured");
	assert_string_equal(report("A:U1", "Acknowledged", &uuid), "");
	assert_false(waits("A:U1"));
	assert_string_equal(report("A", "Idle", &uuid), "");
}

/* One that cannot be queued is left out, and says so. */
static void
test_a_wrong_setup_command_holds_nobody(void **state)
{
	const char *uuid = NULL;

	(void)state;
	unit_sql(&unit,
		"INSERT INTO setup_step (channel, position, request, args) VALUES ('device', 1, "
		"'NoSuchThing', NULL), ('device', 2, 'DeviceLock', '[1]')");
	unit_enroll(&unit, "A", AWAITING);
	assert_string_equal(report("A", "Idle", &uuid), "DeviceConfigured");
	assert_int_equal(
		unit_sql_int(&unit, "SELECT count(*) FROM event WHERE kind = 'command_invalid' AND "
				    "json_extract(detail, '$.setup')"),
		2);
}

static void
test_check_out_ends_the_wait(void **state)
{
	(void)state;
	two_steps();
	unit_enroll(&unit, "A", AWAITING);
	assert_int_equal(unit_say(&unit, "CheckOut", "A", "", NULL), ERR_OK);
	assert_false(waits("A"));
	clock_fake(T0 + 60 * MINUTE);
	assert_int_equal(work(), 0);
	assert_int_equal(configured(), 0);
}

/* ---- the list ---- */

static void
test_the_list_in_sql(void **state)
{
	static const struct {
		const char *sql, *error;
	} cases[] = {
		{"INSERT INTO setup_command (channel) VALUES ('user')",
			"setup_command: request is missing"},
		{"INSERT INTO setup_command (request, channel) VALUES ('ProfileList', 'tv')",
			"setup_command: channel is device or user"},
		{"INSERT INTO setup_command (request, position) VALUES ('ProfileList', 'x')",
			"setup_command: position must be an integer"},
		{"INSERT INTO setup_command (request, args) VALUES ('ProfileList', '{')",
			"setup_command: args is not valid JSON"},
		{"INSERT INTO setup_command (request, args) VALUES ('ProfileList', '[]')",
			"setup_command: args must be a JSON object"},
		{"INSERT INTO setup_command (request) VALUES ('EraseDevice')",
			"setup_command: EraseDevice sets nothing up"},
		{"INSERT INTO setup_command (request) VALUES ('DeviceConfigured')",
			"setup_command: DeviceConfigured and UserConfigured go out by themselves"},
		{"INSERT INTO setup_command (request) VALUES ('RemoveProfile')",
			"RemoveProfile: the required key Identifier is missing"},
		{"UPDATE setup_command SET request = 'ProfileList'",
			"setup_command: only position can be changed"},
		{"INSERT INTO setup_command (request, args) VALUES ('AccountConfiguration', "
		 "'{\"AutoSetupAdminAccounts\":[]}')",
			"setup_command: args hold a secret, which would lie open in the store; "
			"pomona setup add seals it"},
	};

	(void)state;
	unit_sql(&unit, "INSERT INTO setup_command (request, args) VALUES ('DeviceLock', "
			"'{\"PIN\":\"123456\"}')");
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(unit_sql_error(&unit, cases[i].sql), cases[i].error);
	unit_sql(&unit, "INSERT INTO setup_command (request) VALUES ('ProfileList')");
	unit_sql(&unit, "UPDATE setup_command SET position = -1 WHERE request = 'ProfileList'");
	assert_string_equal(
		unit_sql_text(&unit, "SELECT group_concat(request || position) FROM (SELECT * FROM "
				     "setup_command ORDER BY position)"),
		"ProfileList-1,DeviceLock1");
	/* Nothing is left of the check. */
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM payload"), 0);
	unit_sql(&unit, "DELETE FROM setup_command");
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM setup_step"), 0);
}

static void
test_the_list_in_c(void **state)
{
	static const struct {
		const char *request;
		enum err_kind kind;
	} cases[] = {{"ProfileList", ERR_OK}, {"DeviceLock", ERR_OK}, {"NoSuch", ERR_BAD_INPUT},
		{"EraseDevice", ERR_BAD_INPUT}, {"DeviceConfigured", ERR_BAD_INPUT},
		{"UserConfigured", ERR_BAD_INPUT}, {"RemoveProfile", ERR_BAD_INPUT}};
	int64_t no;

	(void)state;
	unit_begin(&unit, DB_WRITE);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct await_step step = {.channel = "device", .request = cases[i].request};

		assert_int_equal(await_step_add(&unit.mdm, &step, &no, &unit.err), cases[i].kind);
		assert_int_equal(no != 0, cases[i].kind == ERR_OK);
	}
	assert_int_equal(await_step_remove(&unit.mdm, 1, &unit.err), ERR_OK);
	assert_int_equal(await_step_remove(&unit.mdm, 1, &unit.err), ERR_NOT_FOUND);
	unit_commit(&unit);
	assert_string_equal(unit_sql_text(&unit, "SELECT request || position FROM setup_command"),
		"DeviceLock2");
}

#define AWAIT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		AWAIT_TEST(test_nothing_to_set_up),
		AWAIT_TEST(test_a_device_that_does_not_wait),
		AWAIT_TEST(test_a_secret_of_a_setup_command),
		AWAIT_TEST(test_setup_commands_go_first_and_alone),
		AWAIT_TEST(test_all_ends_count),
		AWAIT_TEST(test_time_out),
		AWAIT_TEST(test_the_worker_wakes_it),
		AWAIT_TEST(test_setting_await_timeout),
		AWAIT_TEST(test_said_again),
		AWAIT_TEST(test_re_enrollment_begins_anew),
		AWAIT_TEST(test_operator_lets_it_go),
		AWAIT_TEST(test_two_that_let_go_are_one),
		AWAIT_TEST(test_what_lets_it_go_was_cancelled),
		AWAIT_TEST(test_users_wait_too),
		AWAIT_TEST(test_a_wrong_setup_command_holds_nobody),
		AWAIT_TEST(test_check_out_ends_the_wait),
		AWAIT_TEST(test_the_list_in_sql),
		AWAIT_TEST(test_the_list_in_c),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
