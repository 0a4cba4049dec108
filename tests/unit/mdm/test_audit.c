/*
 * The audit trail: who acts, the canonical form, the chain and what breaks it, what the SQL shell
 * writes, what is refused.
 */
#include "mdm/audit.h"

#include "base/clock.h"
#include "mdm/queue.h"
#include "mdm/setting.h"
#include "unit.h"
#include "unit_store.h"

static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

enum { NOW = 1000000 };

static void
open_as(struct unit_store *unit, const char *source)
{
	unit_store_open(unit);
	unit->mdm.actor = (struct mdm_actor){
		.source = source, .name = "alice as root", .place = "host pts/3"};
	clock_fake(NOW);
}

static void
close_store(struct unit_store *unit)
{
	clock_fake(-1);
	unit_store_close(unit);
}

static void
add(struct unit_store *unit, enum audit_action action, const char *object, const char *device,
	const struct plist *detail)
{
	unit_begin(unit, DB_WRITE);
	assert_int_equal(audit_add(&unit->mdm, action, object, device, detail, &unit->err), ERR_OK);
	unit_commit(unit);
}

static struct audit_report
verify(struct unit_store *unit, const struct audit_head *expected)
{
	struct audit_report report;

	assert_int_equal(audit_verify(&unit->mdm, expected, &report, &unit->err), ERR_OK);
	return report;
}

static int64_t
chain(struct unit_store *unit, int64_t most)
{
	int64_t count;

	unit_begin(unit, DB_WRITE);
	assert_int_equal(audit_chain(&unit->mdm, most, &count, &unit->err), ERR_OK);
	unit_commit(unit);
	return count;
}

/* ---- a row ---- */

static void
test_names(void **state)
{
	(void)state;
	for (int i = 0; i < AUDIT_ACTIONS; i++) {
		assert_non_null(audit_action_name((enum audit_action)i));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(audit_action_name((enum audit_action)i),
				audit_action_name((enum audit_action)j));
	}
}

/* What is hashed, written out by hand. */
static void
test_canonical_form(void **state)
{
	char hash[X509_HASH_SIZE];
	struct unit_store unit;
	const char *text;

	(void)state;
	open_as(&unit, "cli");
	add(&unit, AUDIT_SETTING_SET, "organization", NULL,
		audit_detail(&unit.arena, "value", "Söhne"));
	text = arena_printf(&unit.arena,
		"pomona-audit-1\n64:%s\n1:1\n7:1000000\n3:cli\n13:alice as root\n10:host "
		"pts/3\n11:setting_set\n12:organization\n-\n18:{\"value\":\"Söhne\"}\n",
		zeros);
	x509_hash(text, strlen(text), hash);
	assert_string_equal(unit_sql_text(&unit, "SELECT hash FROM audit WHERE id = 1"), hash);
	assert_string_equal(unit_sql_text(&unit, "SELECT previous FROM audit WHERE id = 1"), zeros);
	assert_string_equal(
		unit_sql_text(&unit, "SELECT at FROM audit"), "1970-01-01T00:16:40.000Z");

	/* The second carries the hash of the first; what is empty is not what is not there. */
	unit.mdm.actor.name = "";
	unit.mdm.actor.place = NULL;
	add(&unit, AUDIT_KEY_ROTATE, NULL, "D", plist_dict(&unit.arena));
	text = arena_printf(&unit.arena,
		"pomona-audit-1\n64:%s\n1:2\n7:1000000\n3:cli\n0:\n-\n10:key_rotate\n-\n1:D\n-\n",
		hash);
	assert_string_equal(unit_sql_text(&unit, "SELECT previous FROM audit WHERE id = 2"), hash);
	x509_hash(text, strlen(text), hash);
	assert_string_equal(unit_sql_text(&unit, "SELECT hash FROM audit WHERE id = 2"), hash);
	close_store(&unit);
}

/* Devices and the server itself are no operators. */
static void
test_nobody_acts(void **state)
{
	struct unit_store unit;

	(void)state;
	open_as(&unit, NULL);
	add(&unit, AUDIT_QUEUE_CLEAR, NULL, "D", NULL);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(setting_set(&unit.mdm, "organization", "A", &unit.err), ERR_OK);
	unit_commit(&unit);
	assert_int_equal(unit_sql_int(&unit, "SELECT COUNT(*) FROM audit"), 0);
	unit.mdm.actor.source = "api";
	add(&unit, AUDIT_QUEUE_CLEAR, NULL, "D", NULL);
	assert_string_equal(
		unit_sql_text(&unit, "SELECT source || '|' || actor || '|' || place FROM audit"),
		"api|alice as root|host pts/3");
	close_store(&unit);
}

/* The row goes with the act that is undone, and wants a transaction that writes. */
static void
test_transaction(void **state)
{
	struct unit_store unit;

	(void)state;
	open_as(&unit, "cli");
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(
		audit_add(&unit.mdm, AUDIT_KEY_ROTATE, "2", NULL, NULL, &unit.err), ERR_OK);
	db_rollback(unit.mdm.db);
	assert_int_equal(unit_sql_int(&unit, "SELECT COUNT(*) FROM audit"), 0);
	unit_begin(&unit, DB_READ);
	assert_int_equal(audit_add(&unit.mdm, AUDIT_KEY_ROTATE, "2", NULL, NULL, &unit.err),
		ERR_NEEDS_WRITE);
	unit_commit(&unit);
	close_store(&unit);
}

/* ---- what the SQL shell writes is chained later, in its order, and once ---- */

static const char sql_row[] =
	"INSERT INTO audit_log (at, source, action) VALUES (5, 'sql', 'group_set')";

static void
test_chained_later(void **state)
{
	struct audit_report report;
	struct unit_store unit;

	(void)state;
	open_as(&unit, "cli");
	for (int i = 0; i < 5; i++)
		unit_sql(&unit, sql_row);
	report = verify(&unit, NULL);
	assert_int_equal(report.rows, 5);
	assert_int_equal(report.unchained, 5);
	assert_int_equal(report.head.no, 0);
	assert_int_equal(report.broken, 0);

	assert_int_equal(chain(&unit, 2), 2);
	report = verify(&unit, NULL);
	assert_int_equal(report.unchained, 3);
	assert_int_equal(report.head.no, 2);
	assert_int_equal(report.broken, 0);

	add(&unit, AUDIT_KEY_ROTATE, "2", NULL, NULL);
	report = verify(&unit, NULL);
	assert_int_equal(report.rows, 6);
	assert_int_equal(report.unchained, 0);
	assert_int_equal(report.head.no, 6);
	assert_int_equal(report.broken, 0);
	assert_int_equal(chain(&unit, 100), 0);
	close_store(&unit);
}

/* The worker asks in a read transaction first. */
static void
test_nothing_to_chain(void **state)
{
	struct unit_store unit;
	int64_t count;

	(void)state;
	open_as(&unit, "cli");
	unit_begin(&unit, DB_READ);
	assert_int_equal(audit_chain(&unit.mdm, 10, &count, &unit.err), ERR_OK);
	unit_commit(&unit);
	unit_sql(&unit, sql_row);
	unit_begin(&unit, DB_READ);
	assert_int_equal(audit_chain(&unit.mdm, 10, &count, &unit.err), ERR_NEEDS_WRITE);
	unit_commit(&unit);
	close_store(&unit);
}

/* An act does not wait for a heap of them. */
static void
test_many_unchained(void **state)
{
	struct audit_report report;
	struct unit_store unit;

	(void)state;
	open_as(&unit, "cli");
	unit_sql(&unit,
		"INSERT INTO audit_log (at, source, action) WITH RECURSIVE n(i) AS (SELECT 1 "
		"UNION ALL SELECT i + 1 FROM n WHERE i < 1200) SELECT i, 'sql', 'x' FROM n");
	add(&unit, AUDIT_KEY_ROTATE, "2", NULL, NULL);
	report = verify(&unit, NULL);
	assert_int_equal(report.rows, 1201);
	assert_in_range(report.unchained, 1, 1200);
	assert_int_equal(report.head.no, report.rows - report.unchained);
	assert_int_equal(chain(&unit, 5000), report.unchained);
	report = verify(&unit, NULL);
	assert_int_equal(report.head.no, 1201);
	assert_int_equal(report.broken, 0);
	close_store(&unit);
}

/* ---- append-only ---- */

static void
test_refused(void **state)
{
	static const struct {
		const char *sql, *message;
	} cases[] = {
		{"DELETE FROM audit", "audit: a row is never removed"},
		{"DELETE FROM audit_log WHERE no = 1", "audit: a row is never removed"},
		{"DELETE FROM audit_log WHERE no = 3", "audit: a row is never removed"},
		{"UPDATE audit SET actor = 'bob'", "audit: a row is never changed"},
		{"UPDATE audit_log SET actor = 'bob' WHERE no = 1",
			"audit: a row is never changed"},
		{"UPDATE audit_log SET actor = 'bob' WHERE no = 3",
			"audit: a row is never changed"},
		{"UPDATE audit_log SET actor = 'bob', previous = 'a', hash = 'b' WHERE no = 3",
			"audit: a row is never changed"},
		{"UPDATE audit_log SET hash = 'b' WHERE no = 3", "audit: a row is never changed"},
		{"UPDATE audit_log SET hash = NULL WHERE no = 1", "audit: a row is never changed"},
		{"UPDATE audit_log SET hash = 'b' WHERE no = 1", "audit: a row is never changed"},
		{"UPDATE OR REPLACE audit_log SET no = 1 WHERE no = 3",
			"audit: a row is never changed"},
		{"INSERT INTO audit (action) VALUES ('x')",
			"audit: rows are written by what they tell of"},
		{"INSERT OR REPLACE INTO audit_log (no, at, source, action) VALUES (1, 5, 'sql', "
		 "'x')",
			"audit: a row is never replaced"},
		{"INSERT INTO audit_log (no, at, source, action) VALUES (5, 5, 'sql', 'x')",
			"audit: rows are numbered 1, 2, 3, …"},
		{"INSERT INTO audit_log (no, at, source, action) VALUES (0, 5, 'sql', 'x')",
			"audit: rows are numbered 1, 2, 3, …"},
		{"INSERT INTO audit_log (at, source, action, hash) VALUES (5, 'sql', 'x', 'y')",
			"audit: a row is chained when it is there"},
		{"INSERT INTO audit_log (at, source, action) VALUES ('now', 'sql', 'x')",
			"audit: at is in milliseconds since 1970"},
	};
	struct audit_report report;
	struct unit_store unit;

	(void)state;
	open_as(&unit, "cli");
	add(&unit, AUDIT_KEY_ROTATE, "2", NULL, NULL);
	add(&unit, AUDIT_KEY_ROTATE, "3", NULL, NULL);
	unit_sql(&unit, sql_row);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *message = unit_sql_error(&unit, cases[i].sql);

		if (strcmp(message, cases[i].message) != 0)
			fail_msg("%s: %s", cases[i].sql, message);
	}
	report = verify(&unit, NULL);
	assert_int_equal(report.rows, 3);
	assert_int_equal(report.unchained, 1);
	assert_int_equal(report.broken, 0);
	close_store(&unit);
}

/* ---- what breaks the chain, once somebody has taken the triggers away ---- */

#define UNLOCK                                                                                     \
	"DROP TRIGGER audit_log_update; DROP TRIGGER audit_log_delete; DROP TRIGGER "              \
	"audit_log_insert; "

static const struct {
	const char *sql;
	int64_t broken;
	const char *reason;
} breaks[] = {
	{UNLOCK, 0, NULL},
	{UNLOCK "UPDATE audit_log SET actor = 'bob' WHERE no = 3", 3, "it was changed"},
	{UNLOCK "UPDATE audit_log SET at = at + 1 WHERE no = 1", 1, "it was changed"},
	{UNLOCK "UPDATE audit_log SET device = '' WHERE no = 6", 6, "it was changed"},
	{UNLOCK "UPDATE audit_log SET detail = detail || ' ' WHERE no = 4", 4, "it was changed"},
	{UNLOCK "UPDATE audit_log SET hash = 'x' WHERE no = 4", 4, "it was changed"},
	{UNLOCK "UPDATE audit_log SET object = action, action = object WHERE no = 2", 2,
		"it was changed"},
	{UNLOCK "UPDATE audit_log SET previous = 'x' WHERE no = 4", 4,
		"it is not chained to the row before it"},
	{UNLOCK "DELETE FROM audit_log WHERE no = 3", 3, "it is missing"},
	{UNLOCK "DELETE FROM audit_log WHERE no = 1", 1, "it is missing"},
	{UNLOCK "DELETE FROM audit_log WHERE no = 3; UPDATE audit_log SET no = no - 1 WHERE no > 3",
		3, "it is not chained to the row before it"},
	{UNLOCK "DELETE FROM audit_log WHERE no = 1; UPDATE audit_log SET no = no - 1 WHERE no > 1",
		1, "it is not chained to the row before it"},
	{UNLOCK "UPDATE audit_log SET no = 99 WHERE no = 3; UPDATE audit_log SET no = 3 WHERE no = "
		"4; UPDATE audit_log SET no = 4 WHERE no = 99",
		3, "it is not chained to the row before it"},
	{UNLOCK "INSERT INTO audit_log SELECT 7, at, source, actor, place, action, object, device, "
		"detail, previous, hash FROM audit_log WHERE no = 6",
		7, "it is not chained to the row before it"},
	{UNLOCK "UPDATE audit_log SET hash = NULL, previous = NULL WHERE no = 3", 3,
		"it is not chained, though rows behind it are"},
	/* Nobody can tell by the chain alone. */
	{UNLOCK "DELETE FROM audit_log WHERE no > 4", 0, NULL},
};

static void
test_breaks(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(breaks); i++) {
		struct audit_report report;
		struct unit_store unit;

		open_as(&unit, "cli");
		for (int n = 0; n < 6; n++)
			add(&unit, AUDIT_SETTING_SET, "scep_days", NULL,
				audit_detail(&unit.arena, "value", n % 2 == 0 ? "7" : "8"));
		unit_sql(&unit, breaks[i].sql);
		report = verify(&unit, NULL);
		if (report.broken != breaks[i].broken)
			fail_msg("%s: row %lld, %s", breaks[i].sql, (long long)report.broken,
				report.reason == NULL ? "" : report.reason);
		if (breaks[i].reason == NULL)
			assert_null(report.reason);
		else
			assert_string_equal(report.reason, breaks[i].reason);
		close_store(&unit);
	}
}

/* A head that was noted tells of what was cut off, also when other rows have come since. */
static void
test_expected_head(void **state)
{
	struct audit_head head;
	struct audit_report report;
	struct unit_store unit;

	(void)state;
	open_as(&unit, "cli");
	unit_begin(&unit, DB_READ);
	assert_int_equal(audit_head(&unit.mdm, &head, &unit.err), ERR_OK);
	unit_commit(&unit);
	assert_int_equal(head.no, 0);
	for (int i = 0; i < 3; i++)
		add(&unit, AUDIT_KEY_ROTATE, "2", NULL, NULL);
	unit_begin(&unit, DB_READ);
	assert_int_equal(audit_head(&unit.mdm, &head, &unit.err), ERR_OK);
	unit_commit(&unit);
	assert_int_equal(head.no, 3);
	add(&unit, AUDIT_KEY_ROTATE, "2", NULL, NULL);
	assert_int_equal(verify(&unit, &head).broken, 0);

	unit_sql(&unit, UNLOCK "DELETE FROM audit_log WHERE no > 1");
	report = verify(&unit, &head);
	assert_int_equal(report.broken, 2);
	assert_string_equal(report.reason, "it is missing, and so are all behind it");
	for (int i = 0; i < 3; i++)
		add(&unit, AUDIT_KEY_ROTATE, "9", NULL, NULL);
	assert_int_equal(verify(&unit, NULL).broken, 0);
	report = verify(&unit, &head);
	assert_int_equal(report.broken, 3);
	assert_string_equal(report.reason, "it is not the one whose hash was given");
	close_store(&unit);
}

/* ---- what is written of acts ---- */

static const char all_rows[] =
	"SELECT group_concat(line, x'0a') FROM (SELECT action || ' ' || coalesce(object, '-') || ' "
	"' "
	"|| coalesce(device, '-') || ' ' || coalesce(detail, '-') AS line FROM audit ORDER BY id)";

static void
set(struct unit_store *unit, const char *name, const char *value)
{
	unit_begin(unit, DB_WRITE);
	assert_int_equal(value == NULL ? setting_unset(&unit->mdm, name, &unit->err)
				       : setting_set(&unit->mdm, name, value, &unit->err),
		ERR_OK);
	unit_commit(unit);
}

/* With values, but of a secret without. */
static void
test_settings(void **state)
{
	struct unit_store unit;

	(void)state;
	open_as(&unit, "cli");
	set(&unit, "organization", "A");
	set(&unit, "organization", "A");
	set(&unit, "organization", "B");
	set(&unit, "organization", NULL);
	set(&unit, "organization", NULL);
	set(&unit, "scep_challenge", "abcdefghijklmnopqrstuvwxyz0123456789");
	set(&unit, "scep_challenge", SETTING_NO_SECRET);
	set(&unit, "scep_challenge", "abcdefghijklmnopqrstuvwxyz0123456789");
	set(&unit, "scep_challenge", NULL);
	assert_string_equal(unit_sql_text(&unit, all_rows),
		"setting_set organization - {\"value\":\"A\"}\n"
		"setting_set organization - {\"value\":\"B\",\"before\":\"A\"}\n"
		"setting_unset organization - {\"before\":\"B\"}\n"
		"setting_set scep_challenge - -\n"
		"setting_unset scep_challenge - -\n"
		"setting_set scep_challenge - -\n"
		"setting_unset scep_challenge - -");
	close_store(&unit);
}

static void
test_settings_in_sql(void **state)
{
	struct unit_store unit;

	(void)state;
	open_as(&unit, "cli");
	set(&unit, "scep_challenge", "abcdefghijklmnopqrstuvwxyz0123456789");
	unit_sql(&unit, "INSERT INTO setting (name, value) VALUES ('keep_events', 30)");
	unit_sql(&unit, "UPDATE setting SET value = 31 WHERE name = 'keep_events'");
	unit_sql(&unit, "DELETE FROM setting WHERE name = 'keep_events'");
	unit_sql(&unit, "DELETE FROM setting");
	assert_string_equal(unit_sql_text(&unit, all_rows),
		"setting_set scep_challenge - -\n"
		"setting_set keep_events - {\"value\":\"30\"}\n"
		"setting_set keep_events - {\"value\":\"31\",\"before\":\"30\"}\n"
		"setting_unset keep_events - {\"before\":\"31\"}\n"
		"setting_unset scep_challenge - {\"before\":\"(set)\"}");
	assert_string_equal(unit_sql_text(&unit,
				    "SELECT group_concat(DISTINCT source) FROM audit WHERE id > 1"),
		"sql");
	assert_int_equal(unit_sql_int(&unit, "SELECT COUNT(*) FROM audit WHERE id > 1 AND "
					     "(actor IS NOT NULL OR hash IS NOT NULL)"),
		0);
	assert_int_equal(chain(&unit, 10), 4);
	assert_int_equal(verify(&unit, NULL).broken, 0);
	close_store(&unit);
}

#define DEVICES                                                                                    \
	"INSERT INTO enrollment (id, kind, state) VALUES ('A', 'device', 'enrolled'), ('B', "      \
	"'device', 'enrolled'), ('C', 'device', 'enrolled'); "

/* One row for what one statement does with one command. */
static void
test_queue_in_sql(void **state)
{
	struct unit_store unit;

	(void)state;
	open_as(&unit, "cli");
	unit_sql(&unit, DEVICES);
	unit_sql(&unit,
		"INSERT INTO queue (device, request, args) SELECT id, 'DeviceLock', "
		"'{\"Message\":\"secret text\",\"PIN\":\"123456\"}' FROM device ORDER BY id");
	unit_sql(&unit, "UPDATE queue SET priority = 5");
	unit_sql(&unit, "DELETE FROM queue WHERE device > 'A'");
	unit_sql(&unit, "UPDATE device SET state = 'blocked' WHERE id = 'B'");
	unit_sql(&unit, "UPDATE device SET state = 'blocked' WHERE id = 'B'");
	unit_sql(&unit, "UPDATE device SET state = 'enrolled' WHERE id = 'B'");
	unit_sql(&unit, "INSERT INTO queue (device, request) VALUES ('C', 'ProfileList'), ('C', "
			"'ProfileList'), ('C', 'SecurityInfo'), ('A', 'ProfileList')");
	assert_string_equal(
		unit_sql_text(&unit,
			"SELECT group_concat(line, x'0a') FROM (SELECT action || ' ' || "
			"coalesce(device, '-') || ' ' || coalesce(detail, '-') AS line FROM audit "
			"ORDER BY id)"),
		"queue_add A {\"request\":\"DeviceLock\",\"keys\":[\"Message\",\"PIN\"]}\n"
		"queue_change A {\"request\":\"DeviceLock\",\"priority\":5}\n"
		"queue_cancel B {\"request\":\"DeviceLock\"}\n"
		"device_block B -\n"
		"device_unblock B -\n"
		"queue_add C {\"request\":\"ProfileList\"}\n"
		"queue_add C {\"request\":\"ProfileList\"}\n"
		"queue_add C {\"request\":\"SecurityInfo\"}");
	assert_int_equal(unit_sql_int(&unit, "SELECT COUNT(*) FROM audit a LEFT JOIN payload p ON "
					     "p.uuid = a.object WHERE a.action LIKE 'queue_%' AND "
					     "p.no IS NULL"),
		0);
	assert_int_equal(unit_sql_int(&unit, "SELECT COUNT(DISTINCT object) FROM audit"), 4);
	close_store(&unit);
}

static void
test_queue(void **state)
{
	static const char *const whom[] = {"A", "B"};
	struct queue_command command = {
		.request = "DeviceLock", .origin = "cli", .whom_count = 2, .whom = whom};
	struct queue_payload payload;
	struct unit_store unit;
	struct plist *args;
	int64_t count;

	(void)state;
	open_as(&unit, "cli");
	unit_sql(&unit, DEVICES);
	args = audit_detail(&unit.arena, "Message", "secret text");
	command.args = args;
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(queue_payload_add(&unit.mdm, &command, &payload, &unit.err), ERR_OK);
	assert_int_equal(queue_deliver(&unit.mdm, &command, &payload, "A", &unit.err), ERR_OK);
	assert_int_equal(queue_deliver(&unit.mdm, &command, &payload, "B", &unit.err), ERR_OK);
	unit_commit(&unit);
	assert_string_equal(unit_sql_text(&unit, "SELECT object FROM audit"), payload.uuid);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(
		queue_cancel(&unit.mdm, payload.uuid, "A", "r", &count, &unit.err), ERR_OK);
	/* There is nothing left. */
	assert_int_equal(
		queue_cancel(&unit.mdm, payload.uuid, "A", "r", &count, &unit.err), ERR_OK);
	assert_int_equal(queue_clear(&unit.mdm, "B", "r", &count, &unit.err), ERR_OK);
	command = (struct queue_command){.request = "ProfileList", .origin = "cli"};
	assert_int_equal(queue_payload_add(&unit.mdm, &command, &payload, &unit.err), ERR_OK);
	unit_commit(&unit);
	assert_string_equal(
		unit_sql_text(&unit,
			"SELECT group_concat(line, x'0a') FROM (SELECT action || ' ' || "
			"coalesce(device, '-') || ' ' || coalesce(detail, '-') AS line FROM audit "
			"ORDER BY id)"),
		"queue_add A "
		"{\"request\":\"DeviceLock\",\"keys\":[\"Message\"],\"for\":[\"A\",\"B\"]}\n"
		"queue_cancel A {\"count\":1}\n"
		"queue_clear B {\"count\":1}\n"
		"queue_add - {\"request\":\"ProfileList\",\"for\":\"all\"}");
	assert_int_equal(verify(&unit, NULL).broken, 0);
	close_store(&unit);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_canonical_form),
		cmocka_unit_test(test_nobody_acts),
		cmocka_unit_test(test_transaction),
		cmocka_unit_test(test_chained_later),
		cmocka_unit_test(test_nothing_to_chain),
		cmocka_unit_test(test_many_unchained),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_breaks),
		cmocka_unit_test(test_expected_head),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_settings_in_sql),
		cmocka_unit_test(test_queue_in_sql),
		cmocka_unit_test(test_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
