/*
 * Conditions of groups: what is read and what is refused (and where), and what holds for which row.
 */
#include "mdm/condition.h"

#include "base/buf.h"
#include "unit.h"

/* ---- rows ---- */

/* 2026-11-24T00:00:00Z */
static const int64_t now = INT64_C(1795478400000);

static struct db_value
text(const char *bytes)
{
	return (struct db_value){DB_TYPE_TEXT, 0, bytes, strlen(bytes)};
}

static struct db_value
number(int64_t integer)
{
	return (struct db_value){DB_TYPE_INTEGER, integer, NULL, 0};
}

/* An iPad of which nearly all is known. */
static void
make_ipad(struct db_value row[CONDITION_COLUMNS])
{
	memset(row, 0, CONDITION_COLUMNS * sizeof(*row));
	row[CONDITION_ID] = text("7B1C-99");
	row[CONDITION_KIND] = text("device");
	row[CONDITION_SERIAL] = text("C02X1234");
	row[CONDITION_NAME] = text("Zoë's 100% iPad");
	row[CONDITION_MODEL] = text("iPad13,4");
	row[CONDITION_OS_VERSION] = text("17.10.1");
	row[CONDITION_OS_MAJOR] = number(17);
	row[CONDITION_STATE] = text("enrolled");
	row[CONDITION_ENROLLED_AT] = text("2026-11-01T10:00:00.000Z");
	row[CONDITION_LAST_SEEN] = text("2026-11-20T23:59:59.999Z");
	row[CONDITION_SUPERVISED] = number(1);
	row[CONDITION_ENROLLED_VIA_DEP] = number(0);
}

static const struct {
	const char *text;
	bool holds;
} held[] = {
	{"id = '7B1C-99'", true},
	{"serial = 'c02x1234'", false},
	{"serial <> 'other'", true},
	{"serial != 'C02X1234'", false},
	{"SERIAL == 'C02X1234'", true},
	{"model LIKE 'iPad%'", true},
	{"model like 'IPAD13,_'", true},
	{"model LIKE 'iPad'", false},
	{"model LIKE '%'", true},
	{"model LIKE '%4'", true},
	{"model LIKE '%d1%,%4'", true},
	{"model LIKE '%d1%,%5'", false},
	{"model LIKE '_____'", false},
	{"name LIKE 'Zo__s%'", true},
	{"name LIKE 'zo_''s 100% ipad'", true},
	{"name = 'Zoë''s 100% iPad'", true},
	{"model NOT LIKE 'iPhone%'", true},
	{"os_version LIKE '17.%'", true},
	/* versions */
	{"os_version > '17.9'", true},
	{"os_version > 17.9", true},
	{"os_version < '17.10.2'", true},
	{"os_version < '17.10'", false},
	{"os_version >= '17.10.1.0'", true},
	{"os_version = '17.10.01'", true},
	{"os_version <= '17'", false},
	{"os_version < '100'", true},
	{"os_version IN ('16', '17.10.1')", true},
	/* numbers, truth */
	{"os_major = 17", true},
	{"os_major < '18'", true},
	{"os_major IN (15, 16)", false},
	{"os_major NOT IN (15, 16)", true},
	{"supervised", true},
	{"NOT supervised", false},
	{"supervised = TRUE", true},
	{"supervised <> 1", false},
	{"enrolled_via_dep = false", true},
	/* times */
	{"last_seen < '2026-11-21'", true},
	{"last_seen >= '2026-11-21'", false},
	{"last_seen > '2026-11-20T23:59:59Z'", true},
	{"last_seen < '3 days ago'", true},
	{"last_seen < '4 days ago'", false},
	{"last_seen > '1 week ago'", true},
	{"enrolled_at < '21 DAYS AGO'", true},
	{"enrolled_at < 'now'", true},
	{"enrolled_at > '1 second ago'", false},
	/* what is not known */
	{"build IS NULL", true},
	{"build IS NOT NULL", false},
	{"serial IS NOT NULL", true},
	{"build = ''", false},
	{"build <> 'x'", false},
	{"NOT build = 'x'", false},
	{"build LIKE '%'", false},
	{"build NOT LIKE 'x'", false},
	{"build IN ('x')", false},
	{"build NOT IN ('x')", false},
	{"user_approved", false},
	{"NOT user_approved", false},
	{"user_approved OR supervised", true},
	{"user_approved AND NOT supervised", false},
	{"NOT (user_approved AND NOT supervised)", true},
	/* together */
	{"os_version < '17' AND model LIKE 'iPad%'", false},
	{"os_major = 17 AND model LIKE 'iPad%' AND supervised", true},
	{"os_major = 1 OR os_major = 2 AND supervised OR os_major = 17", true},
	{"(os_major = 17 OR os_major = 18) AND enrolled_via_dep", false},
	{"os_major = 17 OR os_major = 18 AND enrolled_via_dep", true},
	{"NOT os_major = 16 AND supervised", true},
	{"not not (supervised)", true},
	{"\n\tos_major=17\r\nand(supervised)", true},
};

static void
test_holds(void **state)
{
	struct db_value row[CONDITION_COLUMNS];
	struct arena arena;

	(void)state;
	make_ipad(row);
	arena_init(&arena);
	for (size_t i = 0; i < COUNT(held); i++) {
		struct condition *condition;
		struct err err = {0};

		if (condition_parse(&arena, held[i].text, &condition, &err) != ERR_OK)
			fail_msg("%s: %s", held[i].text, err.message);
		if (condition_matches(condition, row, now) != held[i].holds)
			fail_msg("%s is not %d", held[i].text, held[i].holds);
	}
	arena_release(&arena);
}

/* ---- what is refused ---- */

static void
test_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"", "at 1: a column is wanted, not the end"},
		{"  ", "at 3: a column is wanted, not the end"},
		{"colour = 'red'", "at 1: there is no column colour"},
		{"push_magic IS NULL", "at 1: there is no column push_magic"},
		{"serial", "at 7: an operator is wanted behind serial, not the end"},
		{"serial 'x'", "at 8: an operator is wanted behind serial, not 'x'"},
		{"serial =", "at 9: serial wants a text in single quotes, not the end"},
		{"serial = x", "at 10: serial wants a text in single quotes, not x"},
		{"serial = \"x\"", "at 10: text stands in single quotes"},
		{"serial = 'x", "at 10: the text that begins here has no end"},
		{"serial = 'x''", "at 10: the text that begins here has no end"},
		{"serial = 'x'; DROP TABLE payload", "at 13: unexpected ;"},
		{"serial = 'x' OR", "at 16: a column is wanted, not the end"},
		{"serial = 'x' serial", "at 14: AND, OR or the end is wanted, not serial"},
		{"serial = lower('x')", "at 10: serial wants a text in single quotes, not lower"},
		{"(serial = 'x'", "at 14: ) is wanted, not the end"},
		{"serial = 'x')", "at 13: AND, OR or the end is wanted, not )"},
		{"'x' = serial", "at 1: a column is wanted, not 'x'"},
		{"1 = 1", "at 1: a column is wanted, not 1"},
		{"serial -- x", "at 8: unexpected -"},
		{"serial = 'x' AND name = (SELECT 1)",
			"at 25: name wants a text in single quotes, not ("},
		{"serial IN 'x'", "at 11: ( is wanted, not 'x'"},
		{"serial IN ()", "at 12: serial wants a text in single quotes, not )"},
		{"serial IN ('x' 'y')", "at 16: ) is wanted, not 'y'"},
		{"serial IS 'x'", "at 11: null is wanted, not 'x'"},
		{"serial NOT 'x'", "at 12: LIKE or IN is wanted, not 'x'"},
		{"serial LIKE", "at 12: serial wants a text in single quotes, not the end"},
		{"os_major LIKE '1%'", "at 10: os_major is no text: LIKE is not for it"},
		{"last_seen LIKE '2026%'", "at 11: last_seen is no text: LIKE is not for it"},
		{"os_version < 'new'", "at 14: os_version wants a version like '17.4', not 'new'"},
		{"os_major = 17.4", "at 12: os_major wants a whole number, not 17.4"},
		{"os_major = 'x'", "at 12: os_major wants a whole number, not 'x'"},
		{"os_major = 99999999999999999999", "at 12: os_major wants a whole number"},
		{"supervised = 'yes'", "at 14: supervised wants TRUE or FALSE, not 'yes'"},
		{"supervised = 2", "at 14: supervised wants TRUE or FALSE, not 2"},
		{"supervised < 1", "at 12: supervised is true or false: = or <> is wanted"},
		{"last_seen < 'yesterday'", "at 13: last_seen wants a time like '2026-11-24'"},
		{"last_seen < '7 days'", "at 13: last_seen wants a time"},
		{"last_seen < '7 moons ago'", "at 13: last_seen wants a time"},
		{"last_seen < '2026-13-40'", "at 13: last_seen wants a time"},
		{"last_seen < 7", "at 13: last_seen wants a time"},
		{"\x80", "at 1: unexpected byte"},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct condition *condition;
		struct err err = {0};

		if (condition_parse(&arena, cases[i].text, &condition, &err) != ERR_BAD_INPUT)
			fail_msg("%s is taken", cases[i].text);
		if (strstr(err.message, cases[i].message) == NULL)
			fail_msg("%s: %s", cases[i].text, err.message);
	}
	arena_release(&arena);
}

/* COUNT times WHAT, with BEFORE and BEHIND around it. */
static char *
repeated(
	struct arena *arena, const char *before, const char *what, size_t count, const char *behind)
{
	struct buf buf;

	buf_init(&buf, arena, 100000);
	buf_str(&buf, before);
	for (size_t i = 0; i < count; i++)
		buf_str(&buf, what);
	buf_str(&buf, behind);
	return buf.bytes;
}

static enum err_kind
parse(struct arena *arena, const char *text_of_it, struct err *err)
{
	struct condition *condition;

	return condition_parse(arena, text_of_it, &condition, err);
}

static void
test_limits(void **state)
{
	struct err err = {0};
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_int_equal(parse(&arena, repeated(&arena, "", "(", 50, "supervised"), &err),
		ERR_BAD_INPUT); /* no ) */
	assert_non_null(strstr(err.message, ") is wanted"));
	assert_int_equal(
		parse(&arena, repeated(&arena, "", "(", 51, "supervised"), &err), ERR_BAD_INPUT);
	assert_non_null(strstr(err.message, "at 51: it is nested deeper than 50"));
	assert_int_equal(
		parse(&arena, repeated(&arena, "", "NOT ", 50, "supervised"), &err), ERR_OK);
	assert_int_equal(parse(&arena, repeated(&arena, "", "NOT ", 900, "supervised"), &err),
		ERR_BAD_INPUT);
	assert_int_equal(
		parse(&arena, repeated(&arena, "os_major IN (1", ",1", 497, ")"), &err), ERR_OK);
	assert_int_equal(parse(&arena, repeated(&arena, "os_major IN (1", ",1", 500, ")"), &err),
		ERR_BAD_INPUT);
	assert_non_null(strstr(err.message, "more than 500 parts"));
	assert_int_equal(parse(&arena, repeated(&arena, "name = '", "x", 3991, "'"), &err), ERR_OK);
	assert_int_equal(
		parse(&arena, repeated(&arena, "name = '", "x", 3992, "'"), &err), ERR_BAD_INPUT);
	assert_non_null(strstr(err.message, "longer than 4000 bytes"));
	arena_release(&arena);
}

/* ---- the rest ---- */

static void
test_versions(void **state)
{
	static const struct {
		const char *version, *other;
		int order;
	} cases[] = {
		{"17", "17.0", 0},
		{"17.0.0", "17", 0},
		{"17.10", "17.9", 1},
		{"9.3.5", "10", -1},
		{"17.4.1 (a)", "17.4.1", 0},
		{"007.01", "7.1", 0},
		{"0", "0.0", 0},
		{"99999999999999999999999.1", "99999999999999999999999.2", -1},
		{"99999999999999999999999", "100000000000000000000000", -1},
		{"17.", "17", 0},
	};
	int order;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_true(condition_compare_versions(cases[i].version, cases[i].other, &order));
		assert_int_equal((order > 0) - (order < 0), cases[i].order);
		assert_true(condition_compare_versions(cases[i].other, cases[i].version, &order));
		assert_int_equal((order > 0) - (order < 0), -cases[i].order);
	}
	assert_false(condition_compare_versions("", "17", &order));
	assert_false(condition_compare_versions("17", "beta", &order));
}

static void
test_timed(void **state)
{
	static const struct {
		const char *text;
		bool timed, kind;
	} cases[] = {
		{"os_major = 17", false, false},
		{"enrolled_at < '2026-01-01'", false, false},
		{"enrolled_at < '3 days ago'", true, false},
		{"last_seen < '2026-01-01'", true, false},
		{"os_major = 17 AND (kind = 'user' OR last_seen IS NULL)", true, true},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct condition *condition;

		assert_int_equal(condition_parse(&arena, cases[i].text, &condition, NULL), ERR_OK);
		assert_int_equal(condition_is_timed(condition), cases[i].timed);
		assert_int_equal(condition_names(condition, CONDITION_KIND), cases[i].kind);
	}
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_timed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
