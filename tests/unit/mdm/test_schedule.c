/*
 * Recurring work: whose turn it is, what is queued, what is refused.
 */
#include "mdm/schedule.h"

#include "base/clock.h"
#include "unit.h"
#include "unit_device.h"

static struct unit_store unit;

enum { SECOND = 1000, HOUR = 3600, DAY = 24 * 3600 };

/* The beginning of a round of a day, in seconds. */
static const int64_t T0 = (int64_t)20834 * DAY;

static int64_t now;

/* ---- a clock, devices, a worker ---- */

static void
clock_at(int64_t seconds)
{
	now = seconds;
	clock_fake(now * SECOND);
}

static int
setup(void **state)
{
	(void)state;
	clock_at(T0);
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

static void
add_devices(int count)
{
	char sql[400];

	snprintf(sql, sizeof(sql),
		"INSERT INTO enrollment (id, kind, state, product, os_version, enrolled_at) "
		"WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
		"SELECT printf('D%%05d', i), 'device', 'enrolled', 'iPhone15,2', '17.5', %lld FROM "
		"n",
		count, (long long)(T0 - 1000 * (int64_t)DAY) * SECOND);
	unit_sql(&unit, sql);
}

static enum err_kind
add(const char *name, const char *request, int64_t every, const char *target)
{
	const struct schedule schedule = {
		.name = name, .request = request, .every = every, .target = target};
	enum err_kind kind;

	unit_begin(&unit, DB_WRITE);
	kind = schedule_add(&unit.mdm, &schedule, &unit.err);
	if (kind == ERR_OK)
		unit_commit(&unit);
	else
		db_rollback(unit.mdm.db);
	return kind;
}

static void
add_daily(void)
{
	assert_int_equal(add("daily", "SecurityInfo", DAY, "all"), ERR_OK);
}

/* Read first, as the worker does: the disk is slow. */
static void
transact(enum err_kind (*work)(void *context), void *context)
{
	enum err_kind kind;

	unit_begin(&unit, DB_READ);
	kind = work(context);
	db_rollback(unit.mdm.db);
	if (kind == ERR_NEEDS_WRITE) {
		unit_begin(&unit, DB_WRITE);
		kind = work(context);
		unit_commit(&unit);
	}
	if (kind != ERR_OK)
		fail_msg("%s", unit.err.message);
}

struct stepping {
	int64_t after;
	struct schedule_step done;
};

static enum err_kind
step(void *context)
{
	struct stepping *stepping = context;

	stepping->done = (struct schedule_step){.no = stepping->after};
	return schedule_step(&unit.mdm, &stepping->done, &unit.err);
}

static enum err_kind
greet(void *context)
{
	return schedule_greet(&unit.mdm, 100, context, &unit.err);
}

/* What the worker does each time; how many commands that queues, but for newcomers. */
static int64_t
look(void)
{
	struct stepping stepping = {0};
	int64_t queued = 0, greeted;

	do {
		transact(step, &stepping);
		queued += stepping.done.queued;
		stepping.after = stepping.done.no;
	} while (stepping.after != 0);
	transact(greet, &greeted);
	arena_reset(&unit.arena);
	return queued;
}

/* The worker for some time, as often as it can: each two seconds would take long. */
static int64_t
work(int64_t seconds, int64_t each)
{
	int64_t queued = 0, until = now + seconds;

	while (now < until) {
		clock_at(now + each < until ? now + each : until);
		queued += look();
	}
	return queued;
}

/* All devices have answered. */
static void
answer_all(void)
{
	unit_sql(&unit, "UPDATE delivery SET state = 'acknowledged', ended_at = queued_at + 1 "
			"WHERE ended_at IS NULL");
}

static long long
commands(const char *where)
{
	char sql[300];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM command WHERE %s", where);
	return unit_sql_int(&unit, sql);
}

/* ---- what may be one ---- */

static void
test_refused(void **state)
{
	static const struct {
		const char *name, *request;
		int64_t every;
		const char *target, *args;
		enum err_kind kind;
		const char *message;
	} cases[] = {
		{"", "SecurityInfo", DAY, "all", NULL, ERR_BAD_INPUT, "the name has 1 to 64"},
		{"a b", "SecurityInfo", DAY, "all", NULL, ERR_BAD_INPUT, "the name has 1 to 64"},
		{"x", "SecurityInfo", 59, "all", NULL, ERR_BAD_INPUT, "the interval"},
		{"x", "SecurityInfo", 366 * DAY + 1, "all", NULL, ERR_BAD_INPUT, "the interval"},
		{"x", "NoSuch", DAY, "all", NULL, ERR_BAD_INPUT, "unknown request NoSuch"},
		{"x", "EraseDevice", DAY, "all", NULL, ERR_BAD_INPUT, "destroys data"},
		{"x", "DeviceConfigured", DAY, "all", NULL, ERR_BAD_INPUT, "by itself"},
		{"x", "InstallProfile", DAY, "all", NULL, ERR_BAD_INPUT, "Payload is missing"},
		{"x", "DeviceInformation", DAY, "all", "{\"Queries\":[7]}", ERR_BAD_INPUT,
			"Queries[0]"},
		{"x", "VerifyRecoveryLock", DAY, "all", "{\"Password\":\"1\"}", ERR_BAD_INPUT,
			"hold a secret"},
		{"x", "SecurityInfo", DAY, "D00009", NULL, ERR_NOT_FOUND, "unknown device D00009"},
		{"there", "SecurityInfo", DAY, "all", NULL, ERR_CONFLICT, "a schedule there"},
	};

	(void)state;
	add_devices(1);
	assert_int_equal(add("there", "SecurityInfo", DAY, "D00001"), ERR_OK);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct schedule schedule = {.name = cases[i].name,
			.request = cases[i].request,
			.every = cases[i].every,
			.target = cases[i].target};
		struct plist *args = NULL;

		if (cases[i].args != NULL)
			assert_int_equal(
				plist_read_json(plist_limits_default(), &unit.arena, cases[i].args,
					strlen(cases[i].args), &args, &unit.err),
				ERR_OK);
		schedule.args = args;
		unit_begin(&unit, DB_WRITE);
		assert_int_equal(schedule_add(&unit.mdm, &schedule, &unit.err), (int)cases[i].kind);
		db_rollback(unit.mdm.db);
		if (strstr(unit.err.message, cases[i].message) == NULL)
			fail_msg("%s", unit.err.message);
	}
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM schedule"), 1);
}

static void
test_refused_in_sql(void **state)
{
	static const struct {
		const char *sql, *message;
	} cases[] = {
		{"INSERT INTO schedule (every, request) VALUES ('24h', 'SecurityInfo')",
			"name has"},
		{"INSERT INTO schedule (name, every, request) VALUES ('a b', '24h', "
		 "'SecurityInfo')",
			"name has"},
		{"INSERT INTO schedule (name, every, request) VALUES ('there', '24h', "
		 "'SecurityInfo')",
			"with that name already"},
		{"INSERT INTO schedule (name, request) VALUES ('x', 'SecurityInfo')", "every is"},
		{"INSERT INTO schedule (name, every, request) VALUES ('x', 86400, 'SecurityInfo')",
			"every is"},
		{"INSERT INTO schedule (name, every, request) VALUES ('x', '59s', 'SecurityInfo')",
			"every is"},
		{"INSERT INTO schedule (name, every, request) VALUES ('x', '367d', 'SecurityInfo')",
			"every is"},
		{"INSERT INTO schedule (name, every, request) VALUES ('x', '1e3h', 'SecurityInfo')",
			"every is"},
		{"INSERT INTO schedule (name, every, request) VALUES ('x', '24 h', 'SecurityInfo')",
			"every is"},
		{"INSERT INTO schedule (name, every, request, target) VALUES ('x', '24h', "
		 "'SecurityInfo', 'nobody')",
			"target is"},
		{"INSERT INTO schedule (name, every) VALUES ('x', '24h')", "request is missing"},
		{"INSERT INTO schedule (name, every, request) VALUES ('x', '24h', 'NoSuch')",
			"unknown request"},
		{"INSERT INTO schedule (name, every, request) VALUES ('x', '24h', 'EraseDevice')",
			"destroys data"},
		{"INSERT INTO schedule (name, every, request) VALUES ('x', '24h', "
		 "'UserConfigured')",
			"by themselves"},
		{"INSERT INTO schedule (name, every, request) VALUES ('x', '24h', "
		 "'InstallProfile')",
			"Payload is missing"},
		{"INSERT INTO schedule (name, every, request, args) VALUES ('x', '24h', "
		 "'ProfileList', '{')",
			"not valid JSON"},
		{"INSERT INTO schedule (name, every, request, args) VALUES ('x', '24h', "
		 "'ProfileList', '[]')",
			"JSON object"},
		{"INSERT INTO schedule (name, every, request, args) VALUES ('x', '24h', "
		 "'VerifyRecoveryLock', '{\"Password\":\"1\"}')",
			"hold a secret"},
		{"INSERT INTO schedule (name, every, request, paused) VALUES ('x', '24h', "
		 "'ProfileList', 2)",
			"paused is"},
		{"INSERT INTO schedule (name, every, request, queued) VALUES ('x', '24h', "
		 "'ProfileList', 2)",
			"can be given"},
		{"UPDATE schedule SET name = 'other'", "can be changed"},
		{"UPDATE schedule SET state = 'paused'", "can be changed"},
		{"UPDATE schedule SET every = 'often'", "every is"},
		{"UPDATE schedule SET request = 'NoSuch'", "unknown request"},
	};

	(void)state;
	add_devices(1);
	assert_int_equal(add("there", "SecurityInfo", DAY, "all"), ERR_OK);
	for (size_t i = 0; i < COUNT(cases); i++)
		if (strstr(unit_sql_error(&unit, cases[i].sql), cases[i].message) == NULL)
			fail_msg("%s: %s", cases[i].sql, unit_sql_error(&unit, cases[i].sql));
	assert_string_equal(unit_sql_text(&unit, "SELECT group_concat(name || every || target || "
						 "request || paused || state) FROM schedule"),
		"there24hallSecurityInfo0active");
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM payload"), 0);
}

/* What a trigger cannot see the worker sees; a change is looked at anew. */
static void
test_wrong_in_sql(void **state)
{
	static const char *const shown =
		"SELECT state || ' ' || COALESCE(reason, '') FROM schedule";

	(void)state;
	add_devices(2);
	unit_sql(&unit, "INSERT INTO schedule (name, every, request, args) "
			"VALUES ('x', '24h', 'DeviceInformation', '{\"Queries\":[7]}')");
	assert_string_equal(unit_sql_text(&unit, shown), "new ");
	look();
	assert_non_null(
		strstr(unit_sql_text(&unit, shown), "invalid DeviceInformation: Queries[0]"));
	assert_int_equal(work(2 * (int64_t)DAY, HOUR), 0);
	unit_sql(&unit, "UPDATE schedule SET args = '{\"Queries\":[\"UDID\"]}'");
	assert_string_equal(unit_sql_text(&unit, shown), "new ");
	look();
	assert_string_equal(unit_sql_text(&unit, shown), "active ");
	assert_int_equal(work(DAY, HOUR), 2);
	/* Another program may know better, or not so well. */
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(schedule_recheck(&unit.mdm, false, &unit.err), ERR_OK);
	unit_commit(&unit);
	assert_string_equal(unit_sql_text(&unit, shown), "new ");
}

static void
test_intervals_are_shown(void **state)
{
	static const struct {
		const char *given, *shown;
	} cases[] = {{"60s", "1m"}, {"90s", "90s"}, {"90m", "90m"}, {"120m", "2h"}, {"24h", "24h"},
		{"1d", "24h"}, {"48h", "2d"}, {"366d", "366d"}};
	char sql[200];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(sql, sizeof(sql),
			"INSERT INTO schedule (name, every, request) VALUES ('x', '%s', "
			"'ProfileList')",
			cases[i].given);
		unit_sql(&unit, sql);
		assert_string_equal(
			unit_sql_text(&unit, "SELECT every FROM schedule"), cases[i].shown);
		unit_sql(&unit, "DELETE FROM schedule");
	}
}

/* ---- the work ---- */

/* Each once a day, at a time of its own, which stays. */
static void
test_each_has_its_time(void **state)
{
	char first[64];

	(void)state;
	add_devices(50);
	add_daily();
	assert_int_equal(look(), 0);
	assert_int_equal(work(DAY, 600), 50);
	assert_int_equal(commands("request = 'SecurityInfo'"), 50);
	/* In ten minutes there are no more than a few of them. */
	assert_in_range(
		unit_sql_int(&unit, "SELECT max(n) FROM (SELECT count(*) AS n FROM delivery "
				    "GROUP BY queued_at / 1800000)"),
		1, 2);
	snprintf(first, sizeof(first), "%s",
		unit_sql_text(&unit,
			"SELECT queued_at % 86400000 FROM delivery WHERE enrollment_no = 7"));
	answer_all();
	assert_int_equal(work(DAY, 600), 50);
	assert_string_equal(
		first, unit_sql_text(&unit,
			       "SELECT queued_at % 86400000 FROM delivery WHERE enrollment_no = 7 "
			       "AND ended_at IS NULL"));
	/* One command a day, for all. */
	assert_in_range(unit_sql_int(&unit, "SELECT count(*) FROM payload"), 2, 6);
	assert_string_equal(unit_sql_text(&unit, "SELECT origin FROM payload"), "schedule");
	assert_int_equal(unit_sql_int(&unit, "SELECT queued FROM schedule"), 100);
}

/* Two rules with the same interval wake a device once. */
static void
test_rules_meet(void **state)
{
	(void)state;
	add_devices(20);
	add_daily();
	assert_int_equal(add("more", "DeviceInformation", DAY, "all"), ERR_OK);
	assert_int_equal(work(DAY, 600), 40);
	assert_int_equal(
		unit_sql_int(&unit, "SELECT count(DISTINCT enrollment_no || '/' || queued_at) "
				    "FROM delivery"),
		20);
}

static void
test_never_a_second_one(void **state)
{
	(void)state;
	add_devices(3);
	add_daily();
	assert_int_equal(work(DAY, HOUR), 3);
	assert_int_equal(work(3 * (int64_t)DAY, HOUR), 0);
	unit_sql(&unit, "UPDATE delivery SET state = 'not_now' WHERE enrollment_no = 1");
	unit_sql(&unit, "UPDATE delivery SET state = 'sent' WHERE enrollment_no = 2");
	unit_sql(
		&unit, "UPDATE delivery SET state = 'error', ended_at = 1 WHERE enrollment_no = 3");
	assert_int_equal(work(DAY, HOUR), 1);
	/* The same command from elsewhere is another matter. */
	answer_all();
	unit_sql(
		&unit, "INSERT INTO queue (device, request) SELECT id, 'SecurityInfo' FROM device");
	assert_int_equal(work(DAY, HOUR), 3);
}

static void
test_who_gets_none(void **state)
{
	(void)state;
	add_devices(5);
	add_daily();
	unit_sql(&unit, "UPDATE enrollment SET state = 'checked_out' WHERE no = 1");
	unit_sql(&unit, "UPDATE enrollment SET state = 'authenticating' WHERE no = 2");
	unit_sql(&unit, "UPDATE enrollment SET blocked = 1 WHERE no = 3");
	unit_sql(&unit, "UPDATE enrollment SET device_no = 5 WHERE no = 4"); /* a user channel */
	assert_int_equal(work(DAY, HOUR), 1);
	assert_int_equal(commands("device = 'D00005'"), 1);
}

static void
test_one_enrollment(void **state)
{
	(void)state;
	add_devices(5);
	unit_sql(&unit, "UPDATE enrollment SET device_no = 5 WHERE no = 4");
	assert_int_equal(add("user", "ProfileList", DAY, "D00004"), ERR_OK);
	assert_int_equal(work(DAY, HOUR), 1);
	assert_int_equal(commands("device = 'D00004'"), 1);
	/* That of a blocked device is blocked. */
	answer_all();
	unit_sql(&unit, "UPDATE enrollment SET blocked = 1 WHERE no = 5");
	assert_int_equal(work(DAY, HOUR), 0);
}

/* Whoever is in the group when it is his turn; one that is gone is told of, until there is one
 * again. */
static void
test_group(void **state)
{
	static const char *const shown =
		"SELECT state || ' ' || COALESCE(reason, '') FROM schedule";

	(void)state;
	add_devices(5);
	assert_int_equal(add("some", "ProfileList", DAY, "group:some"), ERR_NOT_FOUND);
	unit_sql(&unit, "INSERT INTO device_group (name) VALUES ('some')");
	unit_sql(&unit, "INSERT INTO group_member (name, device) VALUES ('some', 'D00002'), "
			"('some', 'D00004')");
	assert_int_equal(add("some", "ProfileList", DAY, "group:some"), ERR_OK);
	assert_int_equal(work(DAY, HOUR), 2);
	assert_int_equal(commands("device IN ('D00002', 'D00004')"), 2);
	answer_all();
	unit_sql(&unit, "DELETE FROM group_member WHERE device = 'D00002'");
	unit_sql(&unit, "INSERT INTO group_member (name, device) VALUES ('some', 'D00005')");
	assert_int_equal(work(DAY, HOUR), 2);
	assert_int_equal(commands("device = 'D00005'"), 1);
	unit_sql(&unit, "DELETE FROM device_group");
	look();
	assert_non_null(strstr(unit_sql_text(&unit, shown), "invalid there is no group"));
	unit_sql(&unit, "INSERT INTO device_group (name) VALUES ('some')");
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(schedule_recheck(&unit.mdm, true, &unit.err), ERR_OK);
	unit_commit(&unit);
	look();
	assert_string_equal(unit_sql_text(&unit, shown), "active ");
	/* Until it is known whom a condition finds, nobody's turn is passed over. */
	answer_all();
	unit_sql(&unit, "DELETE FROM device_group");
	unit_sql(&unit,
		"INSERT INTO device_group (name, condition) VALUES ('some', 'os_major = 17')");
	assert_int_equal(work(DAY / 2, HOUR), 0);
	unit_sql(&unit, "INSERT INTO named_group_member (group_no, enrollment_no) "
			"SELECT g.no, e.no FROM named_group g, enrollment e");
	unit_sql(&unit, "UPDATE named_group SET found = edition");
	assert_in_range(work(DAY / 2, HOUR), 4, 5);
}

/* A device that does not take the command is passed over, and nothing is left of it. */
static void
test_not_for_this_device(void **state)
{
	(void)state;
	add_devices(3);
	unit_sql(&unit, "UPDATE enrollment SET product = 'MacBookPro18,3' WHERE no = 2");
	assert_int_equal(add("mac", "RotateFileVaultKey", DAY, "all"), ERR_BAD_INPUT);
	assert_int_equal(add("mac", "LOMSetupRequest", DAY, "all"), ERR_OK);
	assert_int_equal(work(DAY, HOUR), 1);
	assert_int_equal(commands("device = 'D00002'"), 1);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM payload"), 1);
}

/* ---- a worker that was down ---- */

static void
test_no_storm(void **state)
{
	int64_t most = 0, queued = 0, one;

	(void)state;
	add_devices(1000);
	add_daily();
	assert_int_equal(work(DAY, HOUR), 1000);
	answer_all();
	clock_at(now + 10 * (int64_t)DAY);
	for (int i = 0; i < 60; i++) {
		clock_at(now + 1);
		one = look();
		queued += one;
		most = one > most ? one : most;
	}
	/* In a minute all have had one, and no more; at most some 50 at once. */
	assert_in_range(queued, 1000, 1002);
	assert_in_range(most, 25, 60);
	answer_all();
	assert_in_range(work(DAY, HOUR), 997, 1000);
}

/* A short time down is no matter: those in it come at once, the others at their time. */
static void
test_short_time_down(void **state)
{
	int64_t queued;

	(void)state;
	add_devices(100);
	add_daily();
	queued = work(DAY / 2, 600);
	assert_in_range(queued, 45, 55);
	clock_at(now + DAY / 4);
	assert_in_range(look(), 20, 30);
	assert_in_range(work(DAY / 4, 600), 20, 30);
	assert_int_equal(commands("1"), 100);
}

/* Many and often: it keeps up. */
static void
test_keeps_up(void **state)
{
	int64_t queued;

	(void)state;
	add_devices(5000);
	assert_int_equal(add("often", "SecurityInfo", 60, "all"), ERR_OK);
	queued = work(10, 1);
	assert_in_range(queued, 800, 870);
}

static void
test_clock_set_back(void **state)
{
	(void)state;
	add_devices(10);
	add_daily();
	assert_int_equal(work(DAY, HOUR), 10);
	answer_all();
	clock_at(now - 100 * (int64_t)DAY);
	assert_in_range(work(DAY, HOUR), 9, 10);
}

/* What is old may have been removed meanwhile. */
static void
test_command_is_gone(void **state)
{
	(void)state;
	add_devices(10);
	assert_int_equal(add("yearly", "SecurityInfo", 366 * DAY, "all"), ERR_OK);
	assert_in_range(work(100 * (int64_t)DAY, DAY), 1, 9);
	unit_sql(&unit, "DELETE FROM delivery");
	unit_sql(&unit, "DELETE FROM payload");
	assert_in_range(work(300 * (int64_t)DAY, DAY), 1, 9);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM delivery d WHERE NOT EXISTS "
					     "(SELECT 1 FROM payload WHERE no = d.payload_no)"),
		0);
}

/* ---- newcomers ---- */

static void
test_newcomers(void **state)
{
	(void)state;
	add_daily();
	look();
	unit_enroll(&unit, "A", "");
	look();
	assert_int_equal(commands("device = 'A' AND state = 'queued'"), 1);
	/* It has had one: its time in this round is passed over if that is near. */
	answer_all();
	work(DAY / 2 - HOUR, 600);
	assert_int_equal(commands("device = 'A'"), 1);
	work(DAY + HOUR, 600);
	answer_all();
	assert_in_range(commands("device = 'A'"), 2, 2);
	/* More TokenUpdates are nothing new; another enrollment is. */
	assert_int_equal(unit_say(&unit, "TokenUpdate", "A", "", NULL), ERR_OK);
	look();
	assert_int_equal(commands("device = 'A'"), 2);
	unit_enroll(&unit, "A", "");
	look();
	assert_int_equal(commands("device = 'A'"), 3);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM schedule_newcomer"), 0);
}

/* Without a schedule nobody waits to be looked at. */
static void
test_no_newcomers(void **state)
{
	(void)state;
	unit_enroll(&unit, "A", "");
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM schedule_newcomer"), 0);
	unit_sql(&unit, "INSERT INTO schedule (name, every, request, paused) "
			"VALUES ('x', '24h', 'ProfileList', 1)");
	unit_enroll(&unit, "A", "");
	look();
	assert_int_equal(commands("1"), 0);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM schedule_newcomer"), 0);
}

/* ---- an operator's hand ---- */

static enum err_kind
pause_it(bool paused)
{
	enum err_kind kind;

	unit_begin(&unit, DB_WRITE);
	kind = schedule_pause(&unit.mdm, "daily", paused, &unit.err);
	unit_commit(&unit);
	return kind;
}

static void
test_pause(void **state)
{
	(void)state;
	add_devices(100);
	assert_int_equal(pause_it(true), ERR_NOT_FOUND);
	add_daily();
	assert_int_equal(pause_it(true), ERR_OK);
	assert_int_equal(pause_it(true), ERR_OK);
	assert_int_equal(work(DAY / 2, HOUR), 0);
	/* Nothing was missed. */
	assert_int_equal(pause_it(false), ERR_OK);
	assert_int_equal(look(), 0);
	assert_in_range(work(DAY / 2, HOUR), 45, 55);
	/* Nor in SQL. */
	answer_all();
	unit_sql(&unit, "UPDATE schedule SET paused = 1");
	assert_int_equal(work(DAY, HOUR), 0);
}

static int64_t
run(int64_t most)
{
	struct schedule_run run = {.name = "daily"};

	while (!run.at.done) {
		unit_begin(&unit, DB_WRITE);
		assert_int_equal(schedule_run(&unit.mdm, &run, most, &unit.err), ERR_OK);
		unit_commit(&unit);
	}
	return run.queued;
}

static void
test_run(void **state)
{
	struct schedule_run nobody = {.name = "nobody"};

	(void)state;
	add_devices(25);
	unit_sql(&unit, "UPDATE enrollment SET blocked = 1 WHERE no = 3");
	add_daily();
	assert_int_equal(pause_it(true), ERR_OK);
	assert_int_equal(run(10), 24);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM payload"), 1);
	assert_int_equal(run(10), 0);
	unit_sql(&unit, "DELETE FROM queue WHERE device = 'D00020'");
	assert_int_equal(run(10), 1);
	assert_int_equal(pause_it(false), ERR_OK);
	assert_int_equal(work(DAY, HOUR), 0);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(schedule_run(&unit.mdm, &nobody, 10, &unit.err), ERR_NOT_FOUND);
	db_rollback(unit.mdm.db);
}

/* What was queued stays; another rule of that name begins anew. */
static void
test_remove(void **state)
{
	(void)state;
	add_devices(3);
	add_daily();
	assert_int_equal(work(DAY, HOUR), 3);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(schedule_remove(&unit.mdm, "daily", &unit.err), ERR_OK);
	assert_int_equal(schedule_remove(&unit.mdm, "daily", &unit.err), ERR_NOT_FOUND);
	unit_commit(&unit);
	assert_int_equal(commands("state = 'queued'"), 3);
	assert_int_equal(work(DAY, HOUR), 0);
	add_daily();
	assert_int_equal(work(DAY, HOUR), 3);
	unit_sql(&unit, "DELETE FROM schedule WHERE name = 'daily'");
	assert_int_equal(
		unit_sql_int(&unit, "SELECT count(*) FROM payload WHERE schedule_no IS NOT NULL"),
		0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_in_sql, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_in_sql, setup, teardown),
		cmocka_unit_test_setup_teardown(test_intervals_are_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_has_its_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rules_meet, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_a_second_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_who_gets_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_enrollment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_group, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_for_this_device, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_storm, setup, teardown),
		cmocka_unit_test_setup_teardown(test_short_time_down, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keeps_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock_set_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_command_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newcomers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_newcomers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pause, setup, teardown),
		cmocka_unit_test_setup_teardown(test_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
	};

	return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
