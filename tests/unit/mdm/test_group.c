/*
 * Groups: who is meant by a word, and the table of members that the SQL interface shows.
 */
#include "mdm/group.h"

#include "base/buf.h"
#include "base/clock.h"
#include "mdm/group_refresh.h"
#include "mdm/selection.h"
#include "unit.h"
#include "unit_store.h"

/* Devices A to D, a user of A, and one that has left. */
static const char devices[] =
	"INSERT INTO enrollment (no, id, kind, state, model, os_version, os_major, supervised, "
	"last_seen, enrolled_at) VALUES"
	" (1, 'A', 'device', 'enrolled', 'iPad13,4', '16.9', 16, 1, 1000, 1000),"
	" (2, 'B', 'device', 'enrolled', 'iPad13,4', '17.10', 17, 0, 2000, 1000),"
	" (3, 'C', 'device', 'enrolled', 'iPhone14,2', '17.9', 17, NULL, 3000, 1000),"
	" (4, 'D', 'device', 'enrolled', 'iPhone14,2', NULL, NULL, 1, 4000, 1000),"
	" (5, 'OUT', 'device', 'checked_out', 'iPad13,4', '16.1', 16, 1, 5000, 1000);"
	"INSERT INTO enrollment (no, id, kind, device_no, state) VALUES"
	" (6, 'A:U', 'user', 1, 'enrolled');";

static void
setup(struct unit_store *unit)
{
	unit_store_open(unit);
	unit_sql(unit, devices);
}

/* ---- who is meant ---- */

static enum err_kind
join(const char *id, void *context, struct err *err)
{
	struct buf *buf = context;

	(void)err;
	if (buf->len > 0)
		buf_byte(buf, ' ');
	buf_str(buf, id);
	return ERR_OK;
}

/* The ids that WORD means, by pages of MOST. */
static const char *
meant(struct unit_store *unit, const char *word, int64_t most)
{
	struct selection_at at = {0};
	struct buf buf;
	enum err_kind kind = ERR_OK;

	buf_init(&buf, &unit->arena, 10000);
	while (kind == ERR_OK && !at.done) {
		unit_begin(unit, DB_READ);
		kind = selection_page(&unit->mdm, word, &at, most, join, &buf, &unit->err);
		db_rollback(unit->mdm.db);
	}
	return kind == ERR_OK ? buf.bytes : unit->err.message;
}

static void
add(struct unit_store *unit, const char *name, const char *condition)
{
	unit_begin(unit, DB_WRITE);
	assert_int_equal(group_add(&unit->mdm, name, condition, &unit->err), ERR_OK);
	unit_commit(unit);
}

static void
test_meant(void **state)
{
	static const struct {
		const char *condition, *ids;
	} cases[] = {
		{"os_version < '17.10'", "A C"},
		{"os_version < '17' AND model LIKE 'iPad%'", "A"},
		{"state = 'checked_out' AND model LIKE 'iPad%'", "OUT"},
		{"state IS NOT NULL AND os_major = 16", "A OUT"},
		{"kind IS NOT NULL AND os_major = 16", "A A:U"},
		{"kind = 'user'", "A:U"},
		{"id IN ('B', 'A', 'A:U', 'OUT')", "A B"},
		{"supervised IS NULL", "C"},
		{"NOT supervised", "B"},
		{"os_version IS NULL", "D"},
		{"serial IS NOT NULL", ""},
		{"last_seen < '1970-01-01T00:00:03Z'", "A B"},
	};
	struct unit_store unit;
	struct selection_at at = {0};
	struct buf buf;

	(void)state;
	setup(&unit);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *name = arena_printf(&unit.arena, "g%zu", i);
		const char *word = arena_printf(&unit.arena, "group:%s", name);

		add(&unit, name, cases[i].condition);
		assert_string_equal(meant(&unit, word, 1000), cases[i].ids);
		for (int64_t most = 1; most < 8; most++)
			assert_string_equal(meant(&unit, word, most), cases[i].ids);
	}
	assert_string_equal(meant(&unit, "all", 2), "A B C D");
	assert_string_equal(meant(&unit, "B", 2), "B");
	assert_string_equal(meant(&unit, "nobody", 2), "nobody");
	assert_string_equal(meant(&unit, "group:none", 2), "there is no group \"none\"");

	/* A page may hold none, and is not the last. */
	unit_begin(&unit, DB_READ);
	buf_init(&buf, &unit.arena, 100);
	assert_int_equal(selection_page(&unit.mdm, "group:g9", &at, 2, join, &buf, NULL), ERR_OK);
	db_rollback(unit.mdm.db);
	assert_false(at.done);
	assert_int_equal(at.no, 2);
	assert_int_equal(buf.len, 0);
	unit_store_close(&unit);
}

static enum err_kind
check(struct unit_store *unit, const char *word)
{
	enum err_kind kind;

	unit_begin(unit, DB_READ);
	kind = selection_check(&unit->mdm, word, &unit->err);
	db_rollback(unit->mdm.db);
	return kind;
}

static enum err_kind
stop(const char *id, void *context, struct err *err)
{
	int *left = context;

	(void)id;
	return --*left == 0 ? err_set(err, ERR_BUSY, "enough") : ERR_OK;
}

static void
test_check_and_stop(void **state)
{
	struct unit_store unit;
	int left = 3;

	(void)state;
	setup(&unit);
	add(&unit, "fixed", NULL);
	unit_sql(
		&unit, "INSERT INTO device_group (name, condition) VALUES ('wrong', 'colour = 1')");
	assert_int_equal(check(&unit, "A"), ERR_OK);
	assert_int_equal(check(&unit, "all"), ERR_OK);
	assert_int_equal(check(&unit, "group:fixed"), ERR_OK);
	assert_int_equal(check(&unit, ""), ERR_BAD_INPUT);
	assert_int_equal(check(&unit, "group:none"), ERR_NOT_FOUND);
	assert_int_equal(check(&unit, "group:"), ERR_NOT_FOUND);
	assert_int_equal(check(&unit, "group:wrong"), ERR_BAD_INPUT);
	assert_string_equal(unit.err.message,
		"the condition of the group \"wrong\" is wrong: at 1: there is no column colour");
	assert_string_equal(meant(&unit, "group:wrong", 10), unit.err.message);
	unit_begin(&unit, DB_READ);
	assert_int_equal(selection_each(&unit.mdm, "all", stop, &left, &unit.err), ERR_BUSY);
	assert_int_equal(left, 0);
	db_rollback(unit.mdm.db);
	unit_store_close(&unit);
}

/* ---- changes ---- */

static enum err_kind
member(struct unit_store *unit, const char *name, const char *id,
	enum err_kind (*what)(struct mdm *, const struct group *, const char *, struct err *))
{
	struct group group;
	enum err_kind kind;

	unit_begin(unit, DB_WRITE);
	kind = group_find(&unit->mdm, name, &group, &unit->err);
	if (kind == ERR_OK)
		kind = what(&unit->mdm, &group, id, &unit->err);
	unit_commit(unit);
	return kind;
}

static void
test_members(void **state)
{
	struct unit_store unit;
	struct group group;

	(void)state;
	setup(&unit);
	add(&unit, "list", NULL);
	add(&unit, "found", "supervised");
	assert_string_equal(meant(&unit, "group:list", 10), "");
	assert_int_equal(member(&unit, "list", "B", group_add_member), ERR_OK);
	assert_int_equal(member(&unit, "list", "OUT", group_add_member), ERR_OK);
	assert_int_equal(member(&unit, "list", "A:U", group_add_member), ERR_OK);
	assert_int_equal(member(&unit, "list", "B", group_add_member), ERR_OK);
	assert_int_equal(member(&unit, "list", "X", group_add_member), ERR_NOT_FOUND);
	assert_string_equal(meant(&unit, "group:list", 1), "B OUT A:U");
	assert_int_equal(member(&unit, "list", "OUT", group_remove_member), ERR_OK);
	assert_int_equal(member(&unit, "list", "OUT", group_remove_member), ERR_OK);
	assert_string_equal(meant(&unit, "group:list", 2), "B A:U");
	assert_int_equal(member(&unit, "found", "B", group_add_member), ERR_CONFLICT);
	assert_int_equal(member(&unit, "found", "A", group_remove_member), ERR_CONFLICT);

	unit_begin(&unit, DB_WRITE);
	assert_int_equal(group_add(&unit.mdm, "list", NULL, &unit.err), ERR_CONFLICT);
	assert_int_equal(group_add(&unit.mdm, "", NULL, &unit.err), ERR_BAD_INPUT);
	assert_int_equal(group_add(&unit.mdm, "two words", NULL, &unit.err), ERR_BAD_INPUT);
	assert_int_equal(group_add(&unit.mdm, "-x", NULL, &unit.err), ERR_BAD_INPUT);
	assert_int_equal(group_add(&unit.mdm, "ok", "supervised =", &unit.err), ERR_BAD_INPUT);
	assert_string_equal(unit.err.message,
		"the condition is wrong: at 13: supervised wants TRUE "
		"or FALSE, not the end");
	assert_int_equal(group_find(&unit.mdm, "list", &group, &unit.err), ERR_OK);
	assert_int_equal(group_change(&unit.mdm, &group, "supervised", &unit.err), ERR_CONFLICT);
	assert_int_equal(group_remove(&unit.mdm, &group, &unit.err), ERR_OK);
	assert_int_equal(group_find(&unit.mdm, "list", &group, &unit.err), ERR_NOT_FOUND);
	unit_commit(&unit);
	assert_int_equal(unit_sql_int(&unit, "SELECT COUNT(*) FROM named_group_member"), 0);
	unit_store_close(&unit);
}

/* ---- the table of members ---- */

/* Steps until there is nothing to do; gives how many wrote something. */
static int
refresh(struct unit_store *unit, struct group_refresh *at, bool timed)
{
	int writes = 0;

	at->timed = timed;
	for (int steps = 0; steps < 1000; steps++) {
		struct group_refresh next = *at;
		enum err_kind kind;

		unit_begin(unit, DB_READ);
		kind = group_refresh_step(&unit->mdm, &next, &unit->err);
		db_rollback(unit->mdm.db);
		if (kind == ERR_NEEDS_WRITE) {
			next = *at;
			unit_begin(unit, DB_WRITE);
			kind = group_refresh_step(&unit->mdm, &next, &unit->err);
			unit_commit(unit);
			writes++;
		}
		assert_int_equal(kind, ERR_OK);
		*at = next;
		if (at->idle)
			return writes;
	}
	fail_msg("it does not come to an end");
	return 0;
}

static const char *
members(struct unit_store *unit, const char *name)
{
	return unit_sql_text(unit,
		arena_printf(&unit->arena,
			"SELECT COALESCE(group_concat(device, ' '), '') FROM (SELECT device FROM "
			"group_member WHERE name = '%s' ORDER BY device)",
			name));
}

static void
test_table(void **state)
{
	struct group_refresh at = {0};
	struct unit_store unit;

	(void)state;
	setup(&unit);
	assert_int_equal(refresh(&unit, &at, true), 0);
	/* Without a condition nobody is looked at. */
	assert_int_equal(unit_sql_int(&unit, "SELECT COUNT(*) FROM group_look"), 0);
	unit_sql(&unit, "INSERT INTO device_group (name, condition) VALUES"
			" ('old', 'os_version < ''17'''), ('wrong', 'os_version < 17 AND'),"
			" ('mine', 'kind = ''user''')");
	assert_string_equal(members(&unit, "old"), "");
	assert_int_equal(unit_sql_int(&unit, "SELECT SUM(ready) FROM device_group"), 0);
	assert_true(refresh(&unit, &at, false) > 0);
	assert_string_equal(members(&unit, "old"), "A");
	assert_string_equal(members(&unit, "mine"), "A:U");
	assert_string_equal(members(&unit, "wrong"), "");
	assert_string_equal(
		unit_sql_text(&unit, "SELECT problem FROM device_group WHERE name = 'wrong'"),
		"at 20: a column is wanted, not the end");
	assert_int_equal(unit_sql_int(&unit, "SELECT SUM(ready) FROM device_group"), 3);
	/* Nothing changed: nothing is written. */
	assert_int_equal(refresh(&unit, &at, true), 0);

	/* What changes is looked at; a device's change is its users'. */
	unit_sql(&unit, "INSERT INTO device_group (name, condition) VALUES"
			" ('pads', 'model LIKE ''iPad%'' AND kind IS NOT NULL')");
	refresh(&unit, &at, false);
	assert_string_equal(members(&unit, "pads"), "A A:U B");
	unit_sql(&unit, "UPDATE enrollment SET os_version = '17.1', model = 'Mac' WHERE id = 'A';"
			"UPDATE enrollment SET os_version = '16.7.10' WHERE id IN ('C', 'D')");
	assert_int_equal(unit_sql_int(&unit, "SELECT COUNT(*) FROM group_look"), 3);
	assert_int_equal(refresh(&unit, &at, false), 1);
	assert_string_equal(members(&unit, "old"), "C D");
	assert_string_equal(members(&unit, "pads"), "B");
	assert_int_equal(unit_sql_int(&unit, "SELECT COUNT(*) FROM group_look"), 0);
	/* What is the same is no change. */
	unit_sql(&unit, "UPDATE enrollment SET os_version = '17.1', last_seen = 9 WHERE id = 'A'");
	assert_int_equal(refresh(&unit, &at, false), 0);
	/* Blocked, and another one comes. */
	unit_sql(&unit, "UPDATE device SET state = 'blocked' WHERE id = 'C';"
			"INSERT INTO enrollment (id, kind, state, os_version) VALUES"
			" ('E', 'device', 'enrolled', '9.3')");
	refresh(&unit, &at, false);
	assert_string_equal(members(&unit, "old"), "D E");
	unit_store_close(&unit);
}

static void
test_another_condition(void **state)
{
	struct group_refresh at = {0};
	struct unit_store unit;

	(void)state;
	setup(&unit);
	add(&unit, "g", "os_major = 17");
	refresh(&unit, &at, false);
	assert_string_equal(members(&unit, "g"), "B C");
	unit_sql(&unit, "UPDATE device_group SET condition = 'supervised' WHERE name = 'g'");
	/* Who is in it is not known yet. */
	assert_string_equal(members(&unit, "g"), "");
	refresh(&unit, &at, false);
	assert_string_equal(members(&unit, "g"), "A D");
	unit_sql(&unit, "UPDATE device_group SET condition = 'nonsense' WHERE name = 'g'");
	refresh(&unit, &at, false);
	assert_string_equal(members(&unit, "g"), "");
	assert_int_equal(unit_sql_int(&unit, "SELECT members FROM device_group"), 0);
	unit_sql(&unit, "UPDATE enrollment SET supervised = 1 WHERE id = 'B'");
	refresh(&unit, &at, true);
	assert_string_equal(members(&unit, "g"), "");
	unit_sql(&unit, "UPDATE device_group SET condition = 'supervised AND os_major = 17'");
	refresh(&unit, &at, false);
	assert_string_equal(members(&unit, "g"), "B");
	/* A list begins empty. */
	unit_sql(&unit, "UPDATE device_group SET condition = NULL");
	assert_string_equal(members(&unit, "g"), "");
	unit_sql(&unit, "INSERT INTO group_member (name, device) VALUES ('g', 'OUT')");
	refresh(&unit, &at, true);
	assert_string_equal(members(&unit, "g"), "OUT");
	unit_sql(&unit, "UPDATE device_group SET condition = 'os_major = 16'");
	refresh(&unit, &at, true);
	assert_string_equal(members(&unit, "g"), "A");
	unit_sql(&unit, "DELETE FROM device_group");
	refresh(&unit, &at, true);
	assert_int_equal(unit_sql_int(&unit, "SELECT COUNT(*) FROM named_group_member"), 0);
	unit_store_close(&unit);
}

/* Changes while a group is gone through are not lost. */
static void
test_midway(void **state)
{
	struct group_refresh at = {0};
	struct unit_store unit;

	(void)state;
	setup(&unit);
	unit_sql(&unit, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
			"1200) INSERT INTO enrollment (id, kind, state, os_major) SELECT 'N' || i, "
			"'device', 'enrolled', 15 FROM n");
	add(&unit, "g", "os_major = 15");
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(group_refresh_step(&unit.mdm, &at, &unit.err), ERR_OK);
	unit_commit(&unit);
	assert_int_not_equal(at.group_no, 0);
	assert_int_equal(at.after, 500);
	unit_sql(&unit, "UPDATE enrollment SET os_major = 14 WHERE id IN ('N1', 'N1200')");
	refresh(&unit, &at, false);
	assert_int_equal(unit_sql_int(&unit, "SELECT members FROM device_group"), 1198);

	/* Another condition: from the start. */
	unit_sql(&unit, "UPDATE device_group SET condition = 'os_major >= 14'");
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(group_refresh_step(&unit.mdm, &at, &unit.err), ERR_OK);
	unit_commit(&unit);
	unit_sql(&unit, "UPDATE device_group SET condition = 'os_major = 17'");
	refresh(&unit, &at, false);
	assert_string_equal(members(&unit, "g"), "B C");
	/* It goes: so does the work. */
	unit_sql(&unit, "UPDATE device_group SET condition = 'os_major = 16'");
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(group_refresh_step(&unit.mdm, &at, &unit.err), ERR_OK);
	unit_commit(&unit);
	unit_sql(&unit, "DELETE FROM device_group");
	refresh(&unit, &at, false);
	unit_store_close(&unit);
}

static void
test_time(void **state)
{
	struct group_refresh at = {0};
	struct unit_store unit;

	(void)state;
	clock_fake(3000 + 1000);
	setup(&unit);
	add(&unit, "away", "last_seen < '2 seconds ago'");
	add(&unit, "old", "os_major < 17");
	refresh(&unit, &at, false);
	assert_string_equal(members(&unit, "away"), "A");
	clock_fake(6000);
	assert_int_equal(refresh(&unit, &at, false), 0);
	assert_string_equal(members(&unit, "away"), "A");
	assert_int_equal(refresh(&unit, &at, true), 1);
	assert_false(at.timed);
	assert_string_equal(members(&unit, "away"), "A B C");
	unit_sql(&unit, "UPDATE enrollment SET last_seen = 6000 WHERE id = 'A'");
	assert_int_equal(refresh(&unit, &at, true), 1);
	assert_string_equal(members(&unit, "away"), "B C");
	assert_int_equal(refresh(&unit, &at, true), 0);
	clock_fake(-1);
	unit_store_close(&unit);
}

/* Each column that a condition may name but last_seen is one whose change is noted. */
static void
test_columns(void **state)
{
	static const char *const updates[CONDITION_COLUMNS] = {
		[CONDITION_KIND] = "kind = 'user'",
		[CONDITION_UDID] = "udid = 'x'",
		[CONDITION_SERIAL] = "serial = 'x'",
		[CONDITION_NAME] = "name = 'x'",
		[CONDITION_MODEL] = "model = 'x'",
		[CONDITION_MODEL_NAME] = "model_name = 'x'",
		[CONDITION_PRODUCT] = "product = 'x'",
		[CONDITION_OS_VERSION] = "os_version = '1'",
		[CONDITION_OS_MAJOR] = "os_major = 1",
		[CONDITION_BUILD] = "build = 'x'",
		[CONDITION_TOPIC] = "topic = 'x'",
		[CONDITION_STATE] = "blocked = 1",
		[CONDITION_ENROLLED_AT] = "enrolled_at = 2",
		[CONDITION_SUPERVISED] = "supervised = 0",
		[CONDITION_ENROLLED_VIA_DEP] = "enrolled_via_dep = 0",
		[CONDITION_USER_APPROVED] = "user_approved = 0",
		[CONDITION_USER_SHORT_NAME] = "user_short_name = 'x'",
	};
	struct unit_store unit;

	(void)state;
	setup(&unit);
	add(&unit, "g", "id = 'A'");
	for (unsigned i = 0; i < CONDITION_COLUMNS; i++) {
		if (i == CONDITION_ID || i == CONDITION_DEVICE_ID || i == CONDITION_LAST_SEEN)
			continue;
		if (updates[i] == NULL)
			fail_msg("%s: its change has no test",
				condition_column_name((enum condition_column)i));
		unit_sql(&unit,
			arena_printf(&unit.arena,
				"DELETE FROM group_look; UPDATE enrollment SET %s WHERE id = 'A'",
				updates[i]));
		if (unit_sql_int(&unit, "SELECT COUNT(*) FROM group_look") != 1)
			fail_msg("%s: its change is not noted",
				condition_column_name((enum condition_column)i));
	}
	unit_store_close(&unit);
}

/* What SQL is refused. */
static void
test_sql(void **state)
{
	static const struct {
		const char *sql, *message;
	} cases[] = {
		{"INSERT INTO device_group (name) VALUES ('list')",
			"there is a group of this name"},
		{"INSERT INTO device_group (name) VALUES (NULL)", "name is 1 to 64 letters"},
		{"INSERT INTO device_group (name) VALUES ('')", "name is 1 to 64 letters"},
		{"INSERT INTO device_group (name) VALUES ('a b')", "name is 1 to 64 letters"},
		{"INSERT INTO device_group (name) VALUES ('.a')", "name is 1 to 64 letters"},
		{"INSERT INTO device_group (name, condition) VALUES ('x', 5)",
			"condition must be a text"},
		{"INSERT INTO device_group (name, condition) VALUES ('x', printf('%4001d', 1))",
			"condition must be a text of up to 4000 bytes"},
		{"INSERT INTO device_group (name, problem) VALUES ('x', 'y')", "only name and"},
		{"UPDATE device_group SET name = 'other'", "only condition can be changed"},
		{"UPDATE device_group SET members = 7", "only condition can be changed"},
		{"UPDATE device_group SET condition = printf('%4001d', 1)", "up to 4000 bytes"},
		{"INSERT INTO group_member (name, device) VALUES ('none', 'A')", "unknown group"},
		{"INSERT INTO group_member (name, device) VALUES ('list', 'X')", "unknown device"},
		{"INSERT INTO group_member (name, device) VALUES ('list', NULL)", "unknown device"},
		{"INSERT INTO group_member (name, device) VALUES ('found', 'A')",
			"are found by its condition"},
		{"DELETE FROM group_member WHERE name = 'found'", "are found by its condition"},
	};
	struct group_refresh at = {0};
	struct unit_store unit;

	(void)state;
	setup(&unit);
	unit_sql(&unit, "INSERT INTO device_group (name, condition) VALUES ('list', NULL),"
			" ('found', 'supervised')");
	refresh(&unit, &at, false);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *message = unit_sql_error(&unit, cases[i].sql);

		if (strstr(message, cases[i].message) == NULL)
			fail_msg("%s: \"%s\"", cases[i].sql, message);
	}
	unit_sql(&unit,
		"INSERT INTO group_member (name, device) SELECT 'list', id FROM device WHERE "
		"os_major = 17;"
		"INSERT INTO group_member (name, device) VALUES ('list', 'B')");
	assert_string_equal(members(&unit, "list"), "B C");
	unit_sql(&unit, "DELETE FROM group_member WHERE name = 'list' AND device = 'B'");
	assert_string_equal(members(&unit, "list"), "C");
	unit_sql(&unit, "INSERT INTO queue (device, request) SELECT device, 'SecurityInfo' FROM "
			"group_member WHERE name = 'found'");
	assert_int_equal(unit_sql_int(&unit, "SELECT COUNT(*) FROM queue"), 2);
	assert_int_equal(unit_sql_int(&unit, "SELECT COUNT(DISTINCT uuid) FROM queue"), 1);
	unit_store_close(&unit);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meant),
		cmocka_unit_test(test_check_and_stop),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_another_condition),
		cmocka_unit_test(test_midway),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_sql),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
