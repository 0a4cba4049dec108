/*
 * The store: verbs, transactions, group commit, the plan of every statement.
 */
#include "unit.h"
#include "unit_store.h"

#include "base/clock.h"
#include "store/dialect.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

static struct unit_store unit;

static int
setup(void **state)
{
	(void)state;
	unit_store_open(&unit);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unit_store_close(&unit);
	return 0;
}

static enum err_kind
set(struct db *db, const char *name, const char *value, struct err *err)
{
	return db_run(db, SQL_SCHEMA_STATE_SET, DB_ARGS(DB_TEXT(name), DB_TEXT(value)), NULL, err);
}

static void
test_write_and_read(void **state)
{
	struct db_row row;
	int64_t changed = 0;

	(void)state;
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(db_run(unit.mdm.db, SQL_SCHEMA_STATE_SET,
				 DB_ARGS(DB_TEXT("a"), DB_TEXT("1")), &changed, &unit.err),
		ERR_OK);
	assert_int_equal(changed, 1);
	unit_commit(&unit);
	unit_begin(&unit, DB_READ);
	assert_int_equal(
		db_first(unit.mdm.db, SQL_SCHEMA_STATE, DB_ARGS(DB_TEXT("a")), &row, &unit.err),
		ERR_OK);
	assert_string_equal(db_text(&row, 0), "1");
	assert_int_equal(
		db_first(unit.mdm.db, SQL_SCHEMA_STATE, DB_ARGS(DB_TEXT("b")), &row, &unit.err),
		ERR_NOT_FOUND);
	assert_null(db_text(&row, 0));
	unit_commit(&unit);
}

static void
test_rollback_undoes(void **state)
{
	(void)state;
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(set(unit.mdm.db, "a", "1", &unit.err), ERR_OK);
	db_rollback(unit.mdm.db);
	assert_int_equal(
		unit_sql_int(&unit, "SELECT count(*) FROM schema_state WHERE name = 'a'"), 0);
	db_rollback(unit.mdm.db); /* outside a transaction: nothing */
}

static void
test_a_write_in_a_read_transaction_asks_to_start_over(void **state)
{
	(void)state;
	unit_begin(&unit, DB_READ);
	assert_int_equal(set(unit.mdm.db, "a", "1", &unit.err), ERR_NEEDS_WRITE);
	db_rollback(unit.mdm.db);
	assert_int_equal(
		unit_sql_int(&unit, "SELECT count(*) FROM schema_state WHERE name = 'a'"), 0);
}

static void
test_statements_need_a_transaction(void **state)
{
	struct db_row row;

	(void)state;
	assert_int_equal(
		db_first(unit.mdm.db, SQL_SCHEMA_STATE, DB_ARGS(DB_TEXT("a")), &row, &unit.err),
		ERR_INTERNAL);
	assert_int_equal(db_commit(unit.mdm.db, &unit.err), ERR_INTERNAL);
	unit_begin(&unit, DB_READ);
	assert_int_equal(db_begin(unit.mdm.db, DB_READ, &unit.err), ERR_INTERNAL);
	db_rollback(unit.mdm.db);
}

static void
test_a_constraint_is_a_conflict(void **state)
{
	(void)state;
	unit_sql(&unit, "INSERT INTO payload (no, uuid, request, body, origin, created_at) "
			"VALUES (1, 'U', 'X', x'00', 'cli', 0)");
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(db_run(unit.mdm.db, SQL_QUEUE_PAYLOAD_ADD,
				 DB_ARGS(DB_TEXT("U"), DB_TEXT("X"), DB_NULL(), DB_NULL(),
					 DB_TEXT("cli"), DB_INT(0)),
				 NULL, &unit.err),
		ERR_CONFLICT);
	db_rollback(unit.mdm.db);
}

static void
test_a_held_lock_is_busy(void **state)
{
	sqlite3 *operator;

	(void)state;
	assert_int_equal(sqlite3_open(unit.path, &operator), SQLITE_OK);
	assert_int_equal(sqlite3_exec(operator, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(db_begin(unit.mdm.db, DB_WRITE, &unit.err), ERR_BUSY);
	unit_begin(&unit, DB_READ); /* reads go on */
	unit_commit(&unit);
	sqlite3_exec(operator, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(operator);
	unit_begin(&unit, DB_WRITE);
	unit_commit(&unit);
}

static void
test_changed_tells_of_others(void **state)
{
	(void)state;
	db_changed(unit.mdm.db);
	assert_false(db_changed(unit.mdm.db));
	unit_sql(&unit, "INSERT INTO schema_state VALUES ('x', 'y')");
	assert_true(db_changed(unit.mdm.db));
	assert_false(db_changed(unit.mdm.db));
}

static void
test_migrate_runs_once(void **state)
{
	char before[64];

	(void)state;
	snprintf(before, sizeof(before), "%s",
		unit_sql_text(&unit, "SELECT value FROM schema_state WHERE name = 'interface'"));
	assert_int_equal(mdm_prepare_store(unit.mdm.db, &unit.arena, false, &unit.err), ERR_OK);
	assert_string_equal(
		unit_sql_text(&unit, "SELECT value FROM schema_state WHERE name = 'interface'"),
		before);
	/* Another interface: views and triggers are made anew; the operator's own stay. */
	unit_sql(&unit,
		"UPDATE schema_state SET value = 'old' WHERE name = 'interface'; DROP VIEW queue;"
		"CREATE VIEW old_one AS SELECT 1; CREATE VIEW his_own AS SELECT id FROM device;"
		"UPDATE schema_state SET value = value || 'DROP VIEW IF EXISTS old_one;' "
		"WHERE name = 'interface_drops'");
	assert_int_equal(mdm_prepare_store(unit.mdm.db, &unit.arena, false, &unit.err), ERR_OK);
	assert_int_equal(
		unit_sql_int(&unit,
			"SELECT count(*) FROM sqlite_master WHERE name IN ('queue', 'old_one', "
			"'his_own')"),
		2);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM his_own"), 0);
	/* A store of a newer program is left alone. */
	unit_sql(&unit, "UPDATE schema_state SET value = '9999' WHERE name = 'step'");
	assert_int_equal(
		mdm_prepare_store(unit.mdm.db, &unit.arena, false, &unit.err), ERR_CONFLICT);
}

static void
test_other_databases_are_left_alone(void **state)
{
	(void)state;
	unit_sql(&unit,
		"DROP TABLE schema_state; CREATE TABLE x (y); DROP VIEW device; DROP VIEW queue");
	assert_int_equal(
		mdm_prepare_store(unit.mdm.db, &unit.arena, true, &unit.err), ERR_INTERNAL);
	assert_non_null(strstr(unit.err.message, "another program"));
	assert_int_equal(
		unit_sql_int(&unit, "SELECT count(*) FROM sqlite_master WHERE name IN ('queue', "
				    "'schema_state')"),
		0);
}

/* ---- group commit ---- */

enum { WRITERS = 16, ROUNDS = 50 };

struct writer {
	int number;
	int committed;
	bool failed;
};

struct round {
	struct db *db;
	const char *name;
	bool fails;
};

static enum err_kind
write_one(void *context, struct err *err)
{
	struct round *round = context;
	enum err_kind kind = set(round->db, round->name, "v", err);

	if (kind == ERR_OK && !db_may_write(round->db))
		return err_set(err, ERR_INTERNAL, "this is no write transaction");
	return kind == ERR_OK && round->fails ? err_set(err, ERR_GONE, "%s", round->name) : kind;
}

/* Every third takes a transaction of its own. */
static enum err_kind
write_alone(struct round *round, struct err *err)
{
	enum err_kind kind = db_begin(round->db, DB_WRITE, err);

	if (kind == ERR_OK)
		kind = write_one(round, err);
	if (kind == ERR_OK)
		return db_commit(round->db, err);
	db_rollback(round->db);
	return kind;
}

static void *
write_rounds(void *argument)
{
	struct writer *writer = argument;
	struct arena arena;
	struct db *db;
	struct err err;

	arena_init(&arena);
	db = db_open(unit.store, &arena);
	for (int i = 0; i < ROUNDS; i++) {
		char name[40];
		/* One that fails must not take its neighbours' work along, and hears of it. */
		struct round round = {.db = db, .name = name, .fails = i % 5 == 4};
		enum err_kind kind;

		snprintf(name, sizeof(name), "w%d-%d", writer->number, i);
		err_clear(&err);
		kind = i % 3 == 2 ? write_alone(&round, &err)
				  : db_transact(db, write_one, &round, &err);
		writer->committed += kind == ERR_OK;
		if (round.fails ? kind != ERR_GONE || strcmp(err.message, name) != 0
				: kind != ERR_OK)
			writer->failed = true;
		arena_reset(&arena);
	}
	db_close(db);
	arena_release(&arena);
	return NULL;
}

static void
test_writers_share_commits(void **state)
{
	struct writer writers[WRITERS];
	pthread_t threads[WRITERS];

	(void)state;
	for (int i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){.number = i};
		assert_int_equal(pthread_create(&threads[i], NULL, write_rounds, &writers[i]), 0);
	}
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], NULL);
		assert_false(writers[i].failed);
		assert_int_equal(writers[i].committed, ROUNDS - ROUNDS / 5);
	}
	assert_int_equal(
		unit_sql_int(&unit, "SELECT count(*) FROM schema_state WHERE name GLOB 'w*'"),
		WRITERS * (ROUNDS - ROUNDS / 5));
}

/* ---- a lock that others hold ---- */

enum { CROWD = 24, PATIENCE_US = 20 * 1000000 };

static atomic_bool sent_away, over;

/* Comes again and again, as devices do. */
static void *
want_to_write(void *argument)
{
	int64_t began = clock_ticks_us();
	struct arena arena;
	struct db *db;
	struct err err;

	(void)argument;
	arena_init(&arena);
	db = db_open(unit.store, &arena);
	while (!atomic_load(&over)) {
		struct round round = {.db = db, .name = "crowd"};

		err_clear(&err);
		if (db_transact(db, write_one, &round, &err) == ERR_BUSY &&
			strstr(err.message, "too many wait") != NULL)
			atomic_store(&sent_away, true);
		if (atomic_load(&sent_away) || clock_ticks_us() - began > PATIENCE_US)
			atomic_store(&over, true);
	}
	db_close(db);
	arena_release(&arena);
	return NULL;
}

/* One leader after the other does not get the lock: who comes then must not wait as well, and keep
 * a thread from those who only read. */
static void
test_a_crowd_is_sent_away(void **state)
{
	pthread_t threads[CROWD];
	sqlite3 *operator;

	(void)state;
	assert_int_equal(sqlite3_open(unit.path, &operator), SQLITE_OK);
	assert_int_equal(sqlite3_exec(operator, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, want_to_write, NULL), 0);
	for (int i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
	assert_true(atomic_load(&sent_away));
	sqlite3_exec(operator, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(operator);
	unit_begin(&unit, DB_WRITE);
	unit_commit(&unit);
}

/* ---- plans ---- */

/* Statements that may look at a whole table: they are for people, not for a device's request. */
static const char *const may_scan[] = {"push_certificate", "admission_", "setting_", "_list",
	"list_", "cli_", "authority_", "result_", "scep_", "queue_page_end", "heartbeat_",
	"doctor_", "escrow_certificates" /* a handful in all */,
	"group_refresh_stale" /* the groups */, "group_refresh_looks" /* a queue, its beginning */};

static bool
scan_is_allowed(const char *name)
{
	for (size_t i = 0; i < COUNT(may_scan); i++)
		if (strstr(name, may_scan[i]) != NULL)
			return true;
	return false;
}

static int
count_scans(void)
{
	sqlite3 *sqlite;
	int scans = 0;

	assert_int_equal(sqlite3_open(unit.path, &sqlite), SQLITE_OK);
	for (int i = 0; i < SQL_COUNT; i++) {
		char *sql = dialect_apply(
			sqlite3_mprintf("EXPLAIN QUERY PLAN %s", statement_text((enum statement)i)),
			"sqlite");
		sqlite3_stmt *stmt;

		if (sqlite3_prepare_v2(sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
			fail_msg("%s: %s", statement_name((enum statement)i),
				sqlite3_errmsg(sqlite));
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			const char *step = (const char *)sqlite3_column_text(stmt, 3);

			/* A device's whole history, for what is open of it. */
			if (strstr(step, "USING PRIMARY KEY (enrollment_no=?)") != NULL &&
				strncmp(step, "SEARCH inventory", 16) != 0 &&
				!scan_is_allowed(statement_name((enum statement)i))) {
				print_error("%s: %s\n", statement_name((enum statement)i), step);
				scans++;
			}
			if (strncmp(step, "SCAN ", 5) == 0 && strstr(step, "USING") == NULL &&
				strstr(step, "CONSTANT") == NULL && strstr(step, "page") == NULL &&
				!scan_is_allowed(statement_name((enum statement)i))) {
				print_error("%s: %s\n", statement_name((enum statement)i), step);
				scans++;
			}
		}
		sqlite3_finalize(stmt);
		sqlite3_free(sql);
	}
	sqlite3_close(sqlite);
	return scans;
}

static void
test_no_statement_scans_a_table(void **state)
{
	(void)state;
	assert_int_equal(count_scans(), 0);
}

/* Whatever the planner knows of the store: an operator may say ANALYZE at any time. */
static void
test_no_statement_scans_a_table_after_analyze(void **state)
{
	static const char *const open[] = {"0", "no <= 5", "1"};

	(void)state;
	unit_sql(&unit,
		"INSERT INTO enrollment (no, id, kind, state) WITH RECURSIVE n(i) AS "
		"(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
		"SELECT i, 'D' || i, 'device', 'enrolled' FROM n;"
		"INSERT INTO payload (no, uuid, request, origin, created_at) SELECT no, 'U' || no, "
		"'ProfileList', 'cli', 1 FROM enrollment;"
		"INSERT INTO delivery (enrollment_no, payload_no, state, queued_at, ended_at) "
		"SELECT e.no, p.no, 'acknowledged', 1, 1 FROM enrollment e, payload p;");
	for (size_t i = 0; i < COUNT(open); i++) {
		char *sql = sqlite3_mprintf("UPDATE delivery SET state = 'queued', ended_at = NULL "
					    "WHERE enrollment_no IN (SELECT no FROM enrollment "
					    "WHERE %s); ANALYZE",
			open[i]);

		unit_sql(&unit, sql);
		sqlite3_free(sql);
		assert_int_equal(count_scans(), 0);
	}
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_write_and_read),
		STORE_TEST(test_rollback_undoes),
		STORE_TEST(test_a_write_in_a_read_transaction_asks_to_start_over),
		STORE_TEST(test_statements_need_a_transaction),
		STORE_TEST(test_a_constraint_is_a_conflict),
		STORE_TEST(test_a_held_lock_is_busy),
		STORE_TEST(test_changed_tells_of_others),
		STORE_TEST(test_migrate_runs_once),
		STORE_TEST(test_other_databases_are_left_alone),
		STORE_TEST(test_writers_share_commits),
		STORE_TEST(test_a_crowd_is_sent_away),
		STORE_TEST(test_no_statement_scans_a_table),
		STORE_TEST(test_no_statement_scans_a_table_after_analyze),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
