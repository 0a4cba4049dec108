/*
 * Challenges: who has one is let in, as often and as long as it says, and the store does not know
 * it.
 */
#include "mdm/challenge.h"

#include "base/clock.h"
#include "mdm/setting.h"
#include "unit.h"
#include "unit_store.h"

enum { NOW = 1800000000 };

static const char *
create(struct unit_store *unit, struct challenge_terms terms)
{
	const char *secret;

	unit_begin(unit, DB_WRITE);
	assert_int_equal(challenge_create(&unit->mdm, &terms, &secret, &unit->err), ERR_OK);
	unit_commit(unit);
	assert_int_equal(strlen(secret), CHALLENGE_SIZE - 1);
	return secret;
}

/* Takes it; what challenge_check() says must be the same. */
static enum err_kind
take(struct unit_store *unit, const char *secret, const char *for_id)
{
	struct challenge_grant grant, taken;
	enum err_kind kind;

	unit_begin(unit, DB_WRITE);
	kind = challenge_check(&unit->mdm, secret, &grant, &unit->err);
	assert_int_equal(challenge_take(&unit->mdm, secret, &taken, &unit->err), kind);
	unit_commit(unit);
	if (kind != ERR_OK || for_id == NULL) {
		assert_null(grant.for_id);
		assert_null(taken.for_id);
	} else {
		assert_string_equal(grant.for_id, for_id);
		assert_string_equal(taken.for_id, for_id);
	}
	return kind;
}

static void
refused(struct unit_store *unit, const char *secret, const char *why)
{
	assert_int_equal(take(unit, secret, NULL), ERR_FORBIDDEN);
	assert_non_null(strstr(unit->err.message, why));
}

static void
test_uses(void **state)
{
	static const struct {
		struct challenge_terms terms;
		int uses;
	} cases[] = {
		{{NULL, 0, 0}, 1},
		{{"ABCD-1", 1, 60000}, 1},
		{{"ABCD-1", 3, 60000}, 3},
	};
	struct unit_store unit;

	(void)state;
	unit_store_open(&unit);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *secret = create(&unit, cases[i].terms);

		for (int use = 0; use < cases[i].uses; use++)
			assert_int_equal(take(&unit, secret, cases[i].terms.for_id), ERR_OK);
		refused(&unit, secret, "used");
	}
	refused(&unit, "0123456789abcdef0123456789abcdef", "not known");
	refused(&unit, "", "not known");
	unit_store_close(&unit);
}

/* What is rolled back is not used. */
static void
test_rollback(void **state)
{
	struct challenge_grant grant;
	struct unit_store unit;
	const char *secret;

	(void)state;
	unit_store_open(&unit);
	secret = create(&unit, (struct challenge_terms){0});
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(challenge_take(&unit.mdm, secret, &grant, &unit.err), ERR_OK);
	db_rollback(unit.mdm.db);
	assert_int_equal(take(&unit, secret, NULL), ERR_OK);
	unit_store_close(&unit);
}

static void
test_expires(void **state)
{
	const int64_t start = NOW * (int64_t)1000, week = 7 * 24 * 60 * 60 * (int64_t)1000;
	struct unit_store unit;
	const char *secret, *day;

	(void)state;
	unit_store_open(&unit);
	clock_fake(start);
	secret = create(&unit, (struct challenge_terms){.lifetime_ms = 5000, .uses = 2});
	day = create(&unit, (struct challenge_terms){0});
	clock_fake(start + 4999);
	assert_int_equal(take(&unit, secret, NULL), ERR_OK);
	clock_fake(start + 5000);
	refused(&unit, secret, "expired");
	clock_fake(start + CHALLENGE_LIFETIME_S * (int64_t)1000);
	refused(&unit, day, "expired");
	clock_fake(start + 2 * week);
	create(&unit, (struct challenge_terms){0});
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM scep_challenge"), 1);
	clock_fake(-1);
	unit_store_close(&unit);
}

static void
test_terms(void **state)
{
	static const struct challenge_terms bad[] = {
		{.for_id = ""},
		{.for_id = "\xff"},
		{.for_id = "12345678901234567890123456789012345678901234567890123456789012345"},
		{.uses = -1},
		{.uses = CHALLENGE_USES_MOST + 1},
		{.lifetime_ms = -1},
		{.lifetime_ms = (CHALLENGE_LIFETIME_MOST_S + 1) * (int64_t)1000},
	};
	struct unit_store unit;
	const char *secret;

	(void)state;
	unit_store_open(&unit);
	unit_begin(&unit, DB_WRITE);
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(
			challenge_create(&unit.mdm, &bad[i], &secret, &unit.err), ERR_BAD_INPUT);
		assert_null(secret);
	}
	unit_commit(&unit);
	unit_store_close(&unit);
}

static void
set_static(struct unit_store *unit, const char *value)
{
	unit_begin(unit, DB_WRITE);
	if (setting_set(&unit->mdm, "scep_challenge", value, &unit->err) != ERR_OK)
		fail_msg("%s", unit->err.message);
	unit_commit(unit);
}

/* The operator's own: always good, never to be seen. */
static void
test_static(void **state)
{
	static const char secret[] = "correct-horse-battery";
	struct unit_store unit;
	const char *value;

	(void)state;
	unit_store_open(&unit);
	refused(&unit, secret, "not known");
	set_static(&unit, secret);
	assert_int_equal(take(&unit, secret, NULL), ERR_OK);
	assert_int_equal(take(&unit, secret, NULL), ERR_OK);
	refused(&unit, "correct-horse-batterz", "not known");
	refused(&unit, SETTING_SECRET_SHOWN, "not known");
	refused(&unit, "", "not known");
	unit_begin(&unit, DB_READ);
	assert_int_equal(setting_get(&unit.mdm, "scep_challenge", &value, &unit.err), ERR_OK);
	assert_string_equal(value, SETTING_SECRET_SHOWN);
	unit_commit(&unit);
	assert_string_equal(unit_sql_text(&unit, "SELECT value FROM setting"), "(set)");
	assert_int_equal(unit_sql_int(&unit, "SELECT instr(sealed, CAST('horse' AS BLOB)) "
					     "FROM setting_value"),
		0);
	set_static(&unit, "none");
	refused(&unit, secret, "not known");
	refused(&unit, "none", "not known");
	assert_non_null(strstr(unit_sql_error(&unit, "INSERT INTO setting(name, value) "
						     "VALUES ('scep_challenge', 'correct-horse')"),
		"pomona setting set"));
	unit_store_close(&unit);
}

/* A stolen store lets nobody in. */
static void
test_not_in_clear(void **state)
{
	struct unit_store unit;
	const char *secret;
	char sql[200];

	(void)state;
	unit_store_open(&unit);
	secret = create(&unit, (struct challenge_terms){.for_id = "X"});
	snprintf(sql, sizeof(sql),
		"SELECT count(*) FROM scep_challenge WHERE hash = '%s' OR for_id = '%s'", secret,
		secret);
	assert_int_equal(unit_sql_int(&unit, sql), 0);
	unit_store_close(&unit);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_rollback),
		cmocka_unit_test(test_expires),
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_static),
		cmocka_unit_test(test_not_in_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
