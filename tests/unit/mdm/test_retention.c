/*
 * What has been kept long enough goes, and nothing else: tables of cases, at noon of day 100 with
 * ten days kept.
 */
#include "mdm/retention.h"

#include "unit.h"
#include "unit_store.h"

#include "base/clock.h"
#include "mdm/setting.h"

#define DAY(n) #n " * 86400000"

enum { DAY_MS = 86400000 };

static struct unit_store unit;

static int
setup(void **state)
{
	(void)state;
	unit_store_open(&unit);
	clock_fake(100LL * DAY_MS);
	unit_sql(&unit, "INSERT INTO setting (name, value) VALUES ('keep_results', 10), "
			"('keep_events', 10);"
			"DELETE FROM event_log;"
			"INSERT INTO enrollment (no, id, kind, state) VALUES (1, 'A', 'device', "
			"'enrolled'), "
			"(2, 'B', 'device', 'enrolled')");
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

/* One step as the worker does it; true when it had to write. */
static bool
step(struct retention *pass)
{
	struct retention from = *pass;
	enum err_kind kind;

	unit_begin(&unit, DB_READ);
	kind = retention_step(&unit.mdm, pass, &unit.err);
	db_rollback(unit.mdm.db);
	if (kind == ERR_OK)
		return false;
	assert_int_equal(kind, ERR_NEEDS_WRITE);
	*pass = from;
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(retention_step(&unit.mdm, pass, &unit.err), ERR_OK);
	unit_commit(&unit);
	arena_reset(&unit.arena);
	return true;
}

/* A whole pass; gives its number of steps. */
static int
run(struct retention *pass)
{
	int steps = 0;

	*pass = (struct retention){0};
	while (!retention_is_done(pass)) {
		step(pass);
		assert_true(++steps < 1000);
	}
	return steps;
}

/* Payloads / deliveries (enrollment:payload) / answers that are there. */
static const char *
left(void)
{
	return unit_sql_text(&unit,
		"SELECT COALESCE((SELECT group_concat(no) FROM payload), '-') || ' / ' || "
		"COALESCE((SELECT group_concat(enrollment_no || ':' || payload_no) FROM (SELECT * "
		"FROM delivery ORDER BY payload_no, enrollment_no)), '-') || ' / ' || "
		"COALESCE((SELECT group_concat(enrollment_no || ':' || payload_no) FROM answer), "
		"'-')");
}

/* ---- commands ---- */

#define PAYLOAD(no, day)                                                                           \
	"INSERT INTO payload (no, uuid, request, origin, created_at) VALUES (" #no ", 'U" #no      \
	"', 'ProfileList', 'cli', " DAY(day) ");"
#define OPEN(enrollment, payload, day)                                                             \
	"INSERT INTO delivery (enrollment_no, payload_no, state, queued_at) VALUES (" #enrollment  \
	", " #payload ", 'queued', " DAY(day) ");"
#define ENDED(enrollment, payload, day)                                                            \
	"INSERT INTO delivery (enrollment_no, payload_no, state, queued_at, ended_at) VALUES "     \
	"(" #enrollment ", " #payload ", 'acknowledged', 0, " DAY(day) ");"
#define ANSWER(enrollment, payload, day)                                                           \
	"INSERT INTO answer (enrollment_no, payload_no, status, received_at, response, raw) "      \
	"VALUES (" #enrollment ", " #payload ", 'Acknowledged', " DAY(day) ", '{}', x'00');"

static const struct {
	const char *what, *sql, *left;
} commands[] = {
	{"answered long ago", PAYLOAD(1, 10) ENDED(1, 1, 80) ANSWER(1, 1, 80), "- / - / -"},
	{"ended without an answer", PAYLOAD(1, 10) ENDED(1, 1, 80), "- / - / -"},
	{"queued long ago, answered lately", PAYLOAD(1, 10) ENDED(1, 1, 95) ANSWER(1, 1, 95),
		"1 / 1:1 / 1:1"},
	{"to the day", PAYLOAD(1, 10) ENDED(1, 1, 90) ANSWER(1, 1, 90), "1 / 1:1 / 1:1"},
	{"open, however old", PAYLOAD(1, 10) OPEN(1, 1, 10), "1 / 1:1 / -"},
	{"one device has answered, one has not",
		PAYLOAD(1, 10) ENDED(1, 1, 80) ANSWER(1, 1, 80) OPEN(2, 1, 10), "1 / 2:1 / -"},
	{"both have", PAYLOAD(1, 10) ENDED(1, 1, 80) ANSWER(1, 1, 80) ENDED(2, 1, 81), "- / - / -"},
	{"cancelled long ago, answered lately all the same",
		PAYLOAD(1, 10) ENDED(1, 1, 80) ANSWER(1, 1, 95), "1 / 1:1 / 1:1"},
	{"for a device of which nothing is known", PAYLOAD(1, 10) ENDED(99, 1, 80), "- / - / -"},
	{"open for such a device", PAYLOAD(1, 10) OPEN(99, 1, 80), "1 / 99:1 / -"},
	{"a payload for nobody", PAYLOAD(1, 10), "- / - / -"},
	{"a young payload for nobody", PAYLOAD(1, 95), "1 / - / -"},
	{"behind an open one", PAYLOAD(1, 10) OPEN(1, 1, 10) PAYLOAD(2, 11) ENDED(1, 2, 80),
		"1 / 1:1 / -"},
	{"behind one of the future",
		PAYLOAD(1, 5000) OPEN(1, 1, 5000) PAYLOAD(2, 10) ENDED(1, 2, 80), "1 / 1:1 / -"},
	{"all of it once",
		PAYLOAD(1, 10) ENDED(1, 1, 11) ENDED(2, 1, 95) PAYLOAD(2, 10) PAYLOAD(3, 50) OPEN(
			1, 3, 50) ENDED(2, 3, 51) ANSWER(2, 3, 51) PAYLOAD(4, 95) ENDED(1, 4, 96),
		"1,3,4 / 2:1,1:3,1:4 / -"},
};

static void
test_commands(void **state)
{
	struct retention pass;

	(void)state;
	for (size_t i = 0; i < COUNT(commands); i++) {
		unit_sql(&unit, "DELETE FROM payload; DELETE FROM delivery; DELETE FROM answer");
		unit_sql(&unit, commands[i].sql);
		run(&pass);
		if (strcmp(left(), commands[i].left) != 0)
			fail_msg("%s: %s", commands[i].what, left());
	}
}

static void
test_kept_forever(void **state)
{
	static const char *const values[] = {"forever", "some time", "0", "36500"};
	struct retention pass;
	char sql[200];

	(void)state;
	unit_sql(&unit, PAYLOAD(1, 10) ENDED(1, 1, 80) ANSWER(1, 1, 80));
	unit_sql(&unit, "INSERT INTO event_log (no, at, kind) VALUES (1, 0, 'x'), (2, 0, 'x')");
	for (size_t i = 0; i < COUNT(values); i++) {
		snprintf(sql, sizeof(sql), "UPDATE setting_value SET value = '%s'", values[i]);
		unit_sql(&unit, sql);
		run(&pass);
		assert_string_equal(left(), "1 / 1:1 / 1:1");
		assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM event_log"), 2);
	}
}

/* ---- what the views need ---- */

static const struct {
	const char *request, *response, *view, *shown;
} lists[] = {
	{"InstalledApplicationList",
		"{\"InstalledApplicationList\":[{\"Identifier\":\"a\"},{\"Identifier\":\"b\"}]}",
		"SELECT group_concat(identifier) FROM installed_app", "a,b"},
	{"ProfileList", "{\"ProfileList\":[{\"PayloadIdentifier\":\"p\"}]}",
		"SELECT group_concat(identifier) FROM installed_profile", "p"},
	{"ProvisioningProfileList", "{\"ProvisioningProfileList\":[{\"UUID\":\"u\"}]}",
		"SELECT group_concat(uuid) FROM installed_provisioning_profile", "u"},
	{"CertificateList", "{\"CertificateList\":[{\"CommonName\":\"c\"}]}",
		"SELECT group_concat(common_name) FROM installed_certificate", "c"},
	{"Restrictions",
		"{\"GlobalRestrictions\":{\"restrictedBool\":{\"allowCamera\":{\"value\":true}}}}",
		"SELECT group_concat(name) FROM restriction", "allowCamera"},
};

static void
test_views_keep_what_they_show(void **state)
{
	struct retention pass;
	char sql[600];

	(void)state;
	for (size_t i = 0; i < COUNT(lists); i++) {
		snprintf(sql, sizeof(sql),
			"INSERT INTO payload (no, uuid, request, origin, created_at) VALUES (%zu, "
			"'U%zu', '%s', 'cli', 0);"
			"INSERT INTO delivery (enrollment_no, payload_no, state, queued_at, "
			"ended_at) "
			"VALUES (1, %zu, 'acknowledged', 0, 0);"
			"INSERT INTO answer (enrollment_no, payload_no, status, received_at, "
			"response, "
			"raw) VALUES (1, %zu, 'Acknowledged', 0, '%s', x'00');"
			"INSERT INTO inventory (enrollment_no, request, payload_no, seen_at) "
			"VALUES (1, '%s', %zu, 7)",
			i + 1, i + 1, lists[i].request, i + 1, i + 1, lists[i].response,
			lists[i].request, i + 1);
		unit_sql(&unit, sql);
		assert_string_equal(unit_sql_text(&unit, lists[i].view), lists[i].shown);
	}
	run(&pass);
	assert_int_equal(pass.commands, COUNT(lists));
	assert_string_equal(left(), "- / - / -");
	for (size_t i = 0; i < COUNT(lists); i++)
		assert_string_equal(unit_sql_text(&unit, lists[i].view), lists[i].shown);
	assert_int_equal(unit_sql_int(&unit, "SELECT sum(seen_at) FROM inventory"), 35);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(payload_no) FROM inventory"), 0);
}

/* A newer answer takes the place of what was moved. */
static void
test_a_newer_answer_counts(void **state)
{
	(void)state;
	unit_sql(&unit,
		"INSERT INTO inventory (enrollment_no, request, document, seen_at) VALUES "
		"(1, 'ProfileList', '{\"ProfileList\":[{\"PayloadIdentifier\":\"old\"}]}', 0)");
	unit_sql(&unit, PAYLOAD(7, 99) ENDED(1, 7, 99));
	unit_sql(&unit,
		"INSERT INTO answer (enrollment_no, payload_no, status, received_at, response, "
		"raw) VALUES (1, 7, 'Acknowledged', 0, "
		"'{\"ProfileList\":[{\"PayloadIdentifier\":\"new\"}]}', x'00')");
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(db_run(unit.mdm.db, SQL_INVENTORY_REPLACE,
				 DB_ARGS(DB_INT(1), DB_TEXT("ProfileList"), DB_INT(7), DB_INT(1)),
				 NULL, &unit.err),
		ERR_OK);
	unit_commit(&unit);
	assert_string_equal(
		unit_sql_text(&unit, "SELECT group_concat(identifier) FROM installed_profile"),
		"new");
}

/* ---- steps ---- */

/* One command for many devices; each third is open, each fifth has answered lately. */
static void
test_many(void **state)
{
	struct retention pass = {0};
	int64_t before = 0;
	int writes = 0;

	(void)state;
	unit_sql(&unit, PAYLOAD(1, 10) PAYLOAD(2, 10));
	unit_sql(&unit,
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
		"INSERT INTO delivery (enrollment_no, payload_no, state, queued_at, ended_at) "
		"SELECT i, 1 + i % 2, 'x', 0, CASE WHEN i % 3 = 0 THEN NULL WHEN i % 5 = 0 THEN "
		"95 * 86400000 ELSE 20 * 86400000 END FROM n");
	while (!retention_is_done(&pass)) {
		writes += step(&pass);
		assert_in_range(pass.commands - before, 0, 100);
		before = pass.commands;
	}
	assert_int_equal(pass.commands, 1600);
	assert_int_equal(writes, 16);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM delivery"), 1400);
	assert_int_equal(
		unit_sql_int(&unit, "SELECT count(*) FROM delivery WHERE ended_at IS NULL"), 1000);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM payload"), 2);
}

/* Large answers go by few at a time. */
static void
test_large_answers(void **state)
{
	struct retention pass;

	(void)state;
	unit_sql(&unit, PAYLOAD(1, 10));
	unit_sql(&unit,
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12) "
		"INSERT INTO answer (enrollment_no, payload_no, status, received_at, response, "
		"raw) "
		"SELECT i, 1, 'Acknowledged', 0, '{}', zeroblob(200000) FROM n;"
		"INSERT INTO delivery (enrollment_no, payload_no, state, queued_at, ended_at) "
		"SELECT enrollment_no, 1, 'acknowledged', 0, 0 FROM answer");
	/* One for the events, four of three answers, one that finds nothing more, two for the
	 * rest. */
	assert_int_equal(run(&pass), 8);
	assert_int_equal(pass.commands, 12);
	assert_string_equal(left(), "- / - / -");
}

/* However much is young: the first row of each table ends it. */
static void
test_young_rows_cost_nothing(void **state)
{
	struct retention pass = {0};

	(void)state;
	unit_sql(&unit,
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
		"INSERT INTO payload (no, uuid, request, origin, created_at) "
		"SELECT i, i, 'x', 'cli', 95 * 86400000 FROM n;"
		"INSERT INTO delivery (enrollment_no, payload_no, state, queued_at, ended_at) "
		"SELECT 1, no, 'x', 0, 95 * 86400000 FROM payload;"
		"INSERT INTO event_log (no, at, kind) SELECT no, created_at, 'x' FROM payload");
	for (int i = 0; i < 4; i++)
		assert_false(step(&pass));
	assert_true(retention_is_done(&pass));
	assert_int_equal(pass.event_no + pass.payload_no, 0);
}

/* ---- events ---- */

static const struct {
	const char *what, *sql, *left;
} events[] = {
	{"old and young", "(1, " DAY(10) ", 'x'), (2, " DAY(89) ", 'x'), (3, " DAY(90) ", 'x')",
		"3"},
	{"all old: the newest stays", "(1, " DAY(10) ", 'x'), (5, " DAY(11) ", 'x')", "5"},
	{"one alone", "(1, " DAY(10) ", 'x')", "1"},
	{"of the future", "(1, " DAY(5000) ", 'x'), (2, " DAY(10) ", 'x'), (3, " DAY(95) ", 'x')",
		"1,3"},
	{"the clock was set back",
		"(1, " DAY(10) ", 'x'), (2, " DAY(95) ", 'x'), (3, " DAY(10) ", 'x'), (4, " DAY(
			96) ", 'x')",
		"2,3,4"},
};

static void
test_events(void **state)
{
	struct retention pass;

	(void)state;
	for (size_t i = 0; i < COUNT(events); i++) {
		char sql[400];

		snprintf(sql, sizeof(sql),
			"DELETE FROM event_log; INSERT INTO event_log (no, at, kind) VALUES %s",
			events[i].sql);
		unit_sql(&unit, sql);
		run(&pass);
		if (strcmp(unit_sql_text(&unit, "SELECT group_concat(no) FROM event_log"),
			    events[i].left) != 0)
			fail_msg("%s: %s", events[i].what,
				unit_sql_text(&unit, "SELECT group_concat(no) FROM event_log"));
	}
}

static void
test_many_events(void **state)
{
	struct retention pass = {0};
	int64_t before = 0;

	(void)state;
	unit_sql(&unit,
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
		"INSERT INTO event_log (no, at, kind) SELECT i, 0, 'x' FROM n");
	while (!retention_is_done(&pass)) {
		step(&pass);
		assert_in_range(pass.events - before, 0, 500);
		before = pass.events;
	}
	assert_int_equal(pass.events, 2999);
	assert_int_equal(unit_sql_int(&unit, "SELECT max(no) FROM event_log"), 3000);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM event_log"), 1);
}

/* ---- how facts have changed, and what was a secret ---- */

static void
test_changes(void **state)
{
	struct retention pass;

	(void)state;
	unit_sql(&unit, "INSERT INTO setting (name, value) VALUES ('keep_history', 10);"
			"INSERT INTO fact_change (no, enrollment_no, request, name, old, new, at) "
			"VALUES (1, 1, 'x', 'n', '1', '2', " DAY(
				10) "), "
				    "(2, 1, 'x', 'n', '1', '2', " DAY(
					    89) "), (3, 1, 'x', 'n', '1', "
						"'2', " DAY(90) "), (4, 1, 'x', "
								"'n', '1', "
								"'2', " DAY(95) ")");
	run(&pass);
	assert_int_equal(pass.changes, 2);
	assert_string_equal(
		unit_sql_text(&unit, "SELECT group_concat(no) FROM fact_change"), "3,4");
	unit_sql(&unit, "UPDATE setting SET value = 'forever' WHERE name = 'keep_history'");
	unit_sql(&unit, "UPDATE fact_change SET at = 1");
	run(&pass);
	assert_int_equal(pass.changes, 0);
}

static void
test_secrets(void **state)
{
	struct retention pass;

	(void)state;
	unit_sql(&unit,
		"INSERT INTO secret (no, enrollment_no, kind, value, since, replaced_at) VALUES "
		"(1, 1, 'k', x'00', " DAY(1) ", " DAY(10) "), (2, 1, 'k', x'00', " DAY(10) ", " DAY(
			95) "), (3, 1, 'k', x'00', " DAY(1) ", NULL)");
	/* Unless somebody wants it otherwise, they stay. */
	run(&pass);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM secret"), 3);
	unit_sql(&unit, "INSERT INTO setting (name, value) VALUES ('keep_secrets', 10)");
	run(&pass);
	assert_int_equal(pass.secrets, 1);
	assert_string_equal(unit_sql_text(&unit, "SELECT group_concat(no) FROM secret"), "2,3");
}

/* A message that was sealed goes with its answer. */
static void
test_sealed_messages(void **state)
{
	struct retention pass;

	(void)state;
	unit_sql(&unit, PAYLOAD(1, 10) ENDED(1, 1, 10) PAYLOAD(2, 99) ENDED(1, 2, 99));
	unit_sql(&unit,
		"INSERT INTO answer (enrollment_no, payload_no, status, received_at, "
		"response, raw) VALUES (1, 1, 'x', 0, '{}', x'00'), (1, 2, 'x', " DAY(
			99) ", '{}', x'00');"
			    "INSERT INTO answer_secret (enrollment_no, payload_no, raw) VALUES "
			    "(1, 1, x'00'), (1, 2, x'00')");
	run(&pass);
	assert_string_equal(
		unit_sql_text(&unit, "SELECT group_concat(payload_no) FROM answer_secret"), "2");
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_commands),
		STORE_TEST(test_kept_forever),
		STORE_TEST(test_views_keep_what_they_show),
		STORE_TEST(test_a_newer_answer_counts),
		STORE_TEST(test_many),
		STORE_TEST(test_large_answers),
		STORE_TEST(test_young_rows_cost_nothing),
		STORE_TEST(test_events),
		STORE_TEST(test_many_events),
		STORE_TEST(test_changes),
		STORE_TEST(test_secrets),
		STORE_TEST(test_sealed_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
