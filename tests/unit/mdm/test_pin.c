/*
 * Who may speak for a device, by rows that are made by hand: what the whole-server tests do with
 * certificates, here with all the ways it can turn out; and what ends soon.
 */
#include "base/clock.h"
#include "mdm/enrollment.h"
#include "mdm/expiry.h"
#include "mdm/identity.h"

#include "unit.h"
#include "unit_store.h"

#define NOW INT64_C(1800000000000)
#define DAY INT64_C(86400000)

static struct unit_store unit;

/*
 * D1 has A (good for a year), which B renews, which C renews; D2 has X; D3 has no pin; D4 had R,
 * revoked, which S renews; D5 is blocked and has K; U belongs to D1.  N is nobody's yet, O was
 * issued for D2, E has expired, F was D1's before.
 */
static const char rows[] =
	"INSERT INTO enrollment (no, id, device_no, kind, state, blocked, certificate, "
	"identity_expires) VALUES "
	"(1, 'D1', NULL, 'device', 'enrolled', 0, 'A', 1831536000000),"
	"(2, 'D2', NULL, 'device', 'enrolled', 0, 'X', NULL),"
	"(3, 'D3', NULL, 'device', 'enrolled', 0, NULL, NULL),"
	"(4, 'D4', NULL, 'device', 'enrolled', 0, NULL, NULL),"
	"(5, 'D5', NULL, 'device', 'enrolled', 1, 'K', NULL),"
	"(6, 'D6', NULL, 'device', 'checked_out', 0, NULL, NULL),"
	"(7, 'D1:U', 1, 'user', 'enrolled', 0, NULL, NULL);"
	"INSERT INTO former_pin (certificate, enrollment_no, replaced_at, reason) VALUES "
	"('F', 1, 1, NULL), ('R', 4, 1, 'keyCompromise');"
	"INSERT INTO issued_identity (sha256, serial, authority, subject, not_before, not_after, "
	"issued_at, origin, enrollment_no, replaces, revoked_at) VALUES "
	"('A', '01', 'CA', 'a', 1, 1831536000000, 1, 'scep', 1, NULL, NULL),"
	"('B', '02', 'CA', 'b', 1, 1831536000001, 1, 'scep', 1, 'A', NULL),"
	"('C', '03', 'CA', 'c', 1, 1831536000002, 1, 'scep', 1, 'B', NULL),"
	"('N', '04', 'CA', 'n', 1, 1831536000003, 1, 'scep', NULL, NULL, NULL),"
	"('O', '05', 'CA', 'o', 1, 1831536000004, 1, 'scep', 2, NULL, NULL),"
	"('E', '06', 'CA', 'e', 1, 1799999999999, 1, 'scep', NULL, NULL, NULL),"
	"('R', '07', 'CA', 'r', 1, 1831536000005, 1, 'scep', 4, NULL, 1),"
	"('S', '08', 'CA', 's', 1, 1831536000006, 1, 'scep', 4, 'R', NULL),"
	"('EB', '09', 'CA', 'eb', 1, 1799999999999, 1, 'scep', 1, 'A', NULL),"
	"('FB', '0A', 'CA', 'fb', 1, 1831536000007, 1, 'scep', 1, 'F', NULL);";

static int
setup(void **state)
{
	(void)state;
	unit_store_open(&unit);
	unit_sql(&unit, rows);
	clock_fake(NOW);
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
bind_as(const char *id, const char *certificate)
{
	const struct enrollment_ids ids = {.id = id, .device_id = id};
	const struct pin_caller caller = {.certificate = certificate};
	struct enrollment enrollment;
	enum err_kind kind;

	unit_begin(&unit, DB_WRITE);
	kind = enrollment_bind(&unit.mdm, &ids, &caller, &enrollment, &unit.err);
	if (kind == ERR_OK)
		unit_commit(&unit);
	else
		db_rollback(unit.mdm.db);
	return kind;
}

static enum err_kind
claim(const char *id, const char *certificate)
{
	const struct pin_caller caller = {.certificate = certificate};
	int64_t expires;
	enum err_kind kind;

	unit_begin(&unit, DB_WRITE);
	kind = pin_claim(&unit.mdm, id, &caller, &expires, &unit.err);
	db_rollback(unit.mdm.db);
	return kind;
}

static void
test_bind(void **state)
{
	static const struct {
		const char *id, *certificate;
		enum err_kind kind;
		const char *reason;
	} cases[] = {
		{"D1", "A", ERR_OK, ""},
		{"D1:U", "A", ERR_OK, ""},
		{"D2", "X", ERR_OK, ""},
		{"D2", "A", ERR_FORBIDDEN, "not the one pinned"},
		{"D2", "B", ERR_FORBIDDEN, "not the one pinned"},
		{"D2", "O", ERR_FORBIDDEN, "not the one pinned"},
		{"D1", "F", ERR_FORBIDDEN, "not the one pinned"},
		{"D1", "FB", ERR_FORBIDDEN, "not the one pinned"},
		{"D1", "EB", ERR_FORBIDDEN, "expired"},
		{"D1", "foreign", ERR_FORBIDDEN, "not the one pinned"},
		{"D3", "N", ERR_FORBIDDEN, "not the one pinned"},
		{"D4", "R", ERR_FORBIDDEN, "revoked"},
		{"D4", "S", ERR_FORBIDDEN, "not the one pinned"},
		{"D5", "K", ERR_FORBIDDEN, "blocked"},
		{"D5", "N", ERR_FORBIDDEN, "blocked"},
		{"none", "A", ERR_FORBIDDEN, "unknown"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		err_clear(&unit.err);
		if (bind_as(cases[i].id, cases[i].certificate) != cases[i].kind ||
			strstr(unit.err.message, cases[i].reason) == NULL)
			fail_msg("%s as %s: \"%s\"", cases[i].id, cases[i].certificate,
				unit.err.message);
	}
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM former_pin"), 2);
}

/* With pin_unknown at on. */
static void
test_first_certificate(void **state)
{
	static const struct {
		const char *id, *certificate, *reason;
	} cases[] = {
		{"D3", "A", "another device"},
		{"D3", "F", "replaced"},
		{"D3", "R", "revoked"},
		{"D3", "O", "issued for another"},
		{"D3", "E", "expired"},
		{"D4", "N", "enroll anew"},
		{"D4", "S", "enroll anew"},
		{"D6", "N", "not the one pinned"},
	};

	(void)state;
	unit_sql(&unit, "INSERT INTO setting(name, value) VALUES ('pin_unknown', 'on')");
	for (size_t i = 0; i < COUNT(cases); i++)
		if (bind_as(cases[i].id, cases[i].certificate) != ERR_FORBIDDEN ||
			strstr(unit.err.message, cases[i].reason) == NULL)
			fail_msg("%s as %s: \"%s\"", cases[i].id, cases[i].certificate,
				unit.err.message);
	assert_int_equal(bind_as("D3", "N"), ERR_OK);
	assert_string_equal(unit_sql_text(&unit, "SELECT certificate || identity_expires FROM "
						 "enrollment WHERE id = 'D3'"),
		"N1831536000003");
	assert_int_equal(
		unit_sql_int(&unit, "SELECT enrollment_no FROM issued_identity WHERE sha256 = 'N'"),
		3);
	assert_int_equal(bind_as("D3", "foreign"), ERR_FORBIDDEN);
}

static void
test_renewal(void **state)
{
	(void)state;
	/* a read transaction is told that it has to be a writing one */
	unit_begin(&unit, DB_READ);
	assert_int_equal(enrollment_bind(&unit.mdm,
				 &(struct enrollment_ids){.id = "D1:U", .device_id = "D1"},
				 &(struct pin_caller){.certificate = "C"}, &(struct enrollment){0},
				 &unit.err),
		ERR_NEEDS_WRITE);
	db_rollback(unit.mdm.db);
	assert_int_equal(bind_as("D1:U", "C"), ERR_OK);
	assert_string_equal(unit_sql_text(&unit, "SELECT certificate || identity_expires FROM "
						 "enrollment WHERE id = 'D1'"),
		"C1831536000002");
	assert_string_equal(
		unit_sql_text(&unit, "SELECT group_concat(certificate, '') FROM (SELECT "
				     "certificate FROM former_pin WHERE enrollment_no = 1 "
				     "ORDER BY certificate)"),
		"ABF");
	assert_int_equal(bind_as("D1", "C"), ERR_OK);
	assert_int_equal(bind_as("D1", "A"), ERR_FORBIDDEN);
	assert_int_equal(bind_as("D1", "B"), ERR_FORBIDDEN);
	assert_int_equal(claim("D1", "B"), ERR_FORBIDDEN);
	assert_int_equal(claim("D1", "C"), ERR_OK);
}

static void
test_claim(void **state)
{
	static const struct {
		const char *id, *certificate, *reason; /* NULL: it may */
	} cases[] = {
		{"D1", "A", NULL},
		{"D1", "B", NULL},
		{"D1", "N", NULL},
		{"D1", "foreign", NULL},
		{"new", "N", NULL},
		{"D4", "N", NULL},
		{"D2", "O", NULL},
		{"D1", "O", "issued for another"},
		{"new", "O", "issued for another"},
		{"new", "B", "issued for another"},
		{"D2", "A", "pinned to another"},
		{"new", "A", "pinned to another"},
		{"D1", "F", "replaced"},
		{"D1", "E", "expired"},
		{"D4", "R", "revoked"},
		{"D4", "S", "renews one that was revoked"},
		{"D5", "N", "blocked"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		enum err_kind kind = claim(cases[i].id, cases[i].certificate);

		if (kind != (cases[i].reason == NULL ? ERR_OK : ERR_FORBIDDEN) ||
			(kind != ERR_OK && strstr(unit.err.message, cases[i].reason) == NULL))
			fail_msg("%s as %s: \"%s\"", cases[i].id, cases[i].certificate,
				kind == ERR_OK ? "it may" : unit.err.message);
	}
}

static void
test_expired(void **state)
{
	(void)state;
	clock_fake(INT64_C(1831536000000) - 1);
	assert_int_equal(bind_as("D1", "A"), ERR_OK);
	clock_fake(INT64_C(1831536000000));
	assert_int_equal(bind_as("D1", "A"), ERR_FORBIDDEN);
	assert_non_null(strstr(unit.err.message, "expired"));
	assert_int_equal(bind_as("D1:U", "A"), ERR_FORBIDDEN);
}

static enum err_kind
revoke(const char *sha256)
{
	enum err_kind kind;

	unit_begin(&unit, DB_WRITE);
	kind = identity_revoke(&unit.mdm, sha256, "superseded", &unit.err);
	if (kind == ERR_OK)
		unit_commit(&unit);
	else
		db_rollback(unit.mdm.db);
	return kind;
}

static void
test_revoke(void **state)
{
	(void)state;
	assert_int_equal(revoke("A"), ERR_OK);
	assert_int_equal(bind_as("D1", "A"), ERR_FORBIDDEN);
	assert_int_equal(bind_as("D1", "B"), ERR_FORBIDDEN);
	assert_int_equal(claim("D1", "B"), ERR_FORBIDDEN);
	assert_int_equal(revoke("A"), ERR_CONFLICT);
	assert_int_equal(revoke("X"), ERR_OK); /* pinned, and not from here */
	assert_int_equal(bind_as("D2", "X"), ERR_FORBIDDEN);
	assert_int_equal(claim("D2", "X"), ERR_FORBIDDEN);
	assert_int_equal(revoke("N"), ERR_OK); /* from here, and not pinned */
	assert_int_equal(claim("new", "N"), ERR_FORBIDDEN);
	assert_int_equal(revoke("nothing"), ERR_NOT_FOUND);
	assert_int_equal(unit_sql_int(&unit, "SELECT revision FROM ca_revision"), 3);
}

/* ---- what ends soon ---- */

static enum err_kind
note(const struct expiry *expiry, void *context, struct err *err)
{
	struct buf *told = context;

	(void)err;
	buf_printf(told, "%s %d;", expiry->whose, expiry->days);
	return ERR_OK;
}

static const char *
warnings_on(int64_t now)
{
	struct buf *told = arena_calloc(&unit.arena, 1, sizeof(*told));
	int64_t count;

	clock_fake(now);
	buf_init(told, &unit.arena, 10000);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(expiry_warn(&unit.mdm, 100, &count, note, told, &unit.err), ERR_OK);
	unit_commit(&unit);
	return told->len == 0 ? "" : told->bytes;
}

static void
test_warnings(void **state)
{
	const int64_t end = INT64_C(1831536000000);

	(void)state;
	assert_string_equal(warnings_on(end - 60 * DAY - 1), "");
	assert_string_equal(warnings_on(end - 60 * DAY), "D1 60;");
	assert_string_equal(warnings_on(end - 59 * DAY), "");
	assert_string_equal(warnings_on(end - 30 * DAY - 1), "");
	assert_string_equal(warnings_on(end - 30 * DAY), "D1 30;");
	assert_string_equal(warnings_on(end - 8 * DAY), "");
	assert_string_equal(warnings_on(end - 3 * DAY), "D1 7;");
	assert_string_equal(warnings_on(end - 1), "");
	assert_string_equal(warnings_on(end), "");
	assert_int_equal(
		unit_sql_int(&unit, "SELECT count(*) FROM event WHERE kind = 'expires' AND "
				    "device = 'D1'"),
		3);
	/* a push certificate that was renewed begins anew */
	unit_sql(&unit, "INSERT INTO push_certificate (topic, certificate, key, not_after, "
			"imported_at) VALUES ('T', '', x'', 1840000000000, 1)");
	assert_string_equal(warnings_on(INT64_C(1840000000000) - DAY), "T 7;");
	unit_sql(&unit, "UPDATE push_certificate SET not_after = 1842000000000");
	assert_string_equal(warnings_on(INT64_C(1840000000000)), "T 30;");
	assert_string_equal(warnings_on(INT64_C(1840000000000)), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bind, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_certificate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_renewal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_claim, setup, teardown),
		cmocka_unit_test_setup_teardown(test_expired, setup, teardown),
		cmocka_unit_test_setup_teardown(test_revoke, setup, teardown),
		cmocka_unit_test_setup_teardown(test_warnings, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
