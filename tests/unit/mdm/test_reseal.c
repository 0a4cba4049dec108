/*
 * reseal: all that is sealed goes to the new master key; and nothing that is sealed is forgotten.
 */
#include "unit.h"

#include <sqlite3.h>
#include <unistd.h>

#include "mdm/ca.h"
#include "mdm/event.h"
#include "mdm/push_request.h"
#include "mdm/reseal.h"
#include "unit_store.h"

static struct unit_store unit;
static char key_path[128];

static int
setup(void **state)
{
	(void)state;
	unit_store_open(&unit);
	snprintf(key_path, sizeof(key_path), "%s/master.key", unit.dir);
	assert_int_equal(seal_key_create(&unit.key, key_path, &unit.err), ERR_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(key_path);
	unit_store_close(&unit);
	return 0;
}

/* ---- every column is looked after ---- */

/* BLOBs that are not sealed, and why not. */
static const struct {
	const char *table, *column;
} in_the_clear[] = {
	{"enrollment", "push_token"},   /* an address, and no secret without PushMagic */
	{"payload", "body"},            /* as the operator queued it */
	{"answer", "raw"},              /* as the device answered */
	{"scep_issued", "certificate"}, /* no secret */
};

static bool
is_in_the_clear(const char *table, const char *column)
{
	for (size_t i = 0; i < COUNT(in_the_clear); i++)
		if (strcmp(in_the_clear[i].table, table) == 0 &&
			strcmp(in_the_clear[i].column, column) == 0)
			return true;
	return false;
}

static bool
is_resealed(const char *table, const char *column)
{
	char wanted[200];

	snprintf(wanted, sizeof(wanted), "UPDATE %s SET %s = $2 ", table, column);
	for (int i = 0; i < SQL_COUNT; i++)
		if (strncmp(statement_name((enum statement)i), "reseal_", 7) == 0 &&
			strstr(statement_text((enum statement)i), wanted) != NULL)
			return true;
	return false;
}

static void
test_no_sealed_column_is_forgotten(void **state)
{
	static const char blobs[] =
		"SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c "
		"WHERE t.type = 'table' AND c.type = 'BLOB'";
	sqlite3 *sqlite;
	sqlite3_stmt *stmt;
	int count = 0;

	(void)state;
	assert_int_equal(sqlite3_open(unit.path, &sqlite), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(sqlite, blobs, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		const char *table = (const char *)sqlite3_column_text(stmt, 0);
		const char *column = (const char *)sqlite3_column_text(stmt, 1);

		if (is_in_the_clear(table, column) == is_resealed(table, column))
			fail_msg("%s.%s: a row in mdm/reseal.c, or one here?", table, column);
		count++;
	}
	sqlite3_finalize(stmt);
	sqlite3_close(sqlite);
	assert_true(count >= 10);
}

/* ---- what it does ---- */

static void
add_device(int n)
{
	struct db_value magic, unlock;
	char id[16], sql[200];

	snprintf(id, sizeof(id), "D%d", n);
	snprintf(sql, sizeof(sql),
		"INSERT INTO enrollment (id, kind, state) VALUES ('%s', 'device', 'enrolled')", id);
	unit_sql(&unit, sql);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(
		mdm_seal(&unit.mdm, arena_printf(&unit.arena, "enrollment/push_magic/%s", id),
			"magic", 5, &magic, &unit.err),
		ERR_OK);
	assert_int_equal(
		mdm_seal(&unit.mdm, arena_printf(&unit.arena, "enrollment/unlock_token/%s", id), id,
			strlen(id), &unlock, &unit.err),
		ERR_OK);
	assert_int_equal(db_run(unit.mdm.db, SQL_ENROLLMENT_TOKEN_UPDATE,
				 DB_ARGS(DB_INT(n), DB_BLOB("t", 1), magic, unlock, DB_TEXT("T"),
					 DB_INT(1), DB_INT(0), DB_NULL(), DB_NULL()),
				 NULL, &unit.err),
		ERR_OK);
	assert_int_equal(
		event_add(&unit.mdm, EVENT_TOKEN_UPDATE, n, NULL, "raw", 3, &unit.err), ERR_OK);
	unit_commit(&unit);
}

static void
assert_unlock_token(int n)
{
	struct db_row row;
	unsigned char *token;
	const void *sealed;
	size_t len;
	char id[16];

	snprintf(id, sizeof(id), "D%d", n);
	unit_begin(&unit, DB_READ);
	assert_int_equal(db_first(unit.mdm.db, SQL_ENROLLMENT_UNLOCK_TOKEN, DB_ARGS(DB_INT(n)),
				 &row, &unit.err),
		ERR_OK);
	sealed = db_blob(&row, 1, &len);
	if (seal_open(&unit.key, &unit.arena,
		    arena_printf(&unit.arena, "enrollment/unlock_token/%s", id), sealed, len,
		    &token, &len, &unit.err) != ERR_OK)
		fail_msg("%s", unit.err.message);
	assert_string_equal((char *)token, id);
	unit_commit(&unit);
}

enum { DEVICES = 250 }; /* more than two pages */

static void
fill(void)
{
	struct push_request request;

	for (int n = 1; n <= DEVICES; n++)
		add_device(n);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(ca_create(&unit.mdm, "CA", NULL, &unit.err), ERR_OK);
	assert_int_equal(push_request_make(&unit.mdm, "r", NULL,
				 &(struct x509_subject){.common_name = "x"}, &request, &unit.err),
		ERR_OK);
	unit_commit(&unit);
}

static void
test_all_is_sealed_anew(void **state)
{
	struct push_request request;
	struct reseal reseal;
	const char *key_pem;

	(void)state;
	fill();
	for (int number = 2; number <= 3; number++) {
		if (reseal_run(&unit.mdm, &reseal, &unit.err) != ERR_OK)
			fail_msg("%s", unit.err.message);
		assert_int_equal(reseal.resealed, 3 * DEVICES + 2);
		assert_int_equal(reseal.lost, 0);
		assert_false(reseal.resumed);
		assert_int_equal(seal_key_number(&unit.key), number);
		assert_false(seal_key_is_rotating(&unit.key));
	}
	for (int n = 1; n <= DEVICES; n++)
		assert_unlock_token(n);
	unit_begin(&unit, DB_READ);
	assert_int_equal(ca_check_key(&unit.mdm, &unit.err), ERR_OK);
	assert_int_equal(push_request_find(&unit.mdm, "r", &request, &unit.err), ERR_OK);
	assert_int_equal(
		push_request_by_key(&unit.mdm, request.key_hash, &request, &key_pem, &unit.err),
		ERR_OK);
	assert_non_null(strstr(key_pem, "PRIVATE KEY"));
	unit_commit(&unit);
}

/* Interrupted behind the first step, with some values done and some not. */
static void
test_it_goes_on(void **state)
{
	struct reseal reseal;
	bool resumed;

	(void)state;
	fill();
	assert_int_equal(seal_key_begin_rotation(&unit.key, &resumed, &unit.err), ERR_OK);
	add_device(DEVICES + 1);
	assert_unlock_token(1);
	assert_unlock_token(DEVICES + 1);
	assert_int_equal(reseal_run(&unit.mdm, &reseal, &unit.err), ERR_OK);
	assert_true(reseal.resumed);
	assert_int_equal(reseal.resealed, 3 * DEVICES + 2);
	assert_int_equal(seal_key_number(&unit.key), 2);
	assert_unlock_token(1);
	assert_unlock_token(DEVICES + 1);
}

static void
test_what_does_not_open_stays(void **state)
{
	struct reseal reseal;

	(void)state;
	add_device(1);
	add_device(2);
	unit_sql(&unit, "UPDATE enrollment SET unlock_token = zeroblob(60) WHERE no = 1;"
			"UPDATE enrollment SET push_magic = (SELECT push_magic FROM enrollment "
			"WHERE no = 1) "
			"WHERE no = 2");
	assert_int_equal(reseal_run(&unit.mdm, &reseal, &unit.err), ERR_OK);
	assert_int_equal(reseal.lost, 2);
	assert_int_equal(reseal.resealed, 4);
	assert_unlock_token(2);
	assert_string_equal(
		unit_sql_text(&unit, "SELECT hex(unlock_token) FROM enrollment WHERE no = 1"),
		"0000000000000000000000000000000000000000000000000000000000000000000000000000000000"
		"00000000000000000000000000000000000000");
}

static void
test_without_a_key(void **state)
{
	struct reseal reseal;

	(void)state;
	seal_key_release(&unit.key);
	assert_int_equal(reseal_run(&unit.mdm, &reseal, &unit.err), ERR_BUSY);
	assert_non_null(strstr(unit.err.message, "no master key"));
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_no_sealed_column_is_forgotten),
		STORE_TEST(test_all_is_sealed_anew),
		STORE_TEST(test_it_goes_on),
		STORE_TEST(test_what_does_not_open_stays),
		STORE_TEST(test_without_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
