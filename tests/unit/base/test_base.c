/*
 * The base room: memory, bytes, errors, time.
 */
#include "unit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

static void
test_arena_keeps_pieces_apart(void **state)
{
	struct arena arena;
	char *pieces[200];

	(void)state;
	arena_init(&arena);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < COUNT(pieces); i++) {
			pieces[i] = arena_alloc(&arena, i * 7 + 1);
			assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
			memset(pieces[i], (int)i, i * 7 + 1);
		}
		for (size_t i = 0; i < COUNT(pieces); i++)
			for (size_t j = 0; j < i * 7 + 1; j++)
				assert_int_equal((unsigned char)pieces[i][j], (unsigned char)i);
		arena_reset(&arena);
		assert_int_equal(arena.used, 0);
	}
	arena_release(&arena);
}

static void
test_arena_takes_large_pieces(void **state)
{
	struct arena arena;
	char *small, *large;

	(void)state;
	arena_init(&arena);
	small = arena_strdup(&arena, "small");
	large = arena_calloc(&arena, 1000, 1000);
	assert_int_equal(large[999999], 0);
	assert_string_equal(arena_printf(&arena, "%s-%d", small, 7), "small-7");
	assert_null(arena_strdup(&arena, NULL));
	arena_release(&arena);
}

static void
test_buf_stops_at_its_cap(void **state)
{
	struct arena arena;
	struct buf buf;

	(void)state;
	arena_init(&arena);
	buf_init(&buf, &arena, 10);
	buf_str(&buf, "12345");
	buf_printf(&buf, "%d", 67890);
	assert_false(buf.full);
	assert_string_equal(buf.bytes, "1234567890");
	buf_byte(&buf, 'x');
	assert_true(buf.full);
	assert_string_equal(buf.bytes, "1234567890");
	assert_int_equal(buf.len, 10);
	arena_release(&arena);
}

static void
test_buf_grows(void **state)
{
	struct arena arena;
	struct buf buf;

	(void)state;
	arena_init(&arena);
	buf_init(&buf, &arena, 1000000);
	for (int i = 0; i < 100000; i++)
		buf_byte(&buf, (char)('a' + i % 26));
	assert_int_equal(buf.len, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf.bytes[i], 'a' + i % 26);
	assert_int_equal(buf.bytes[100000], '\0');
	arena_release(&arena);
}

static void
test_err(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(err_set(&err, ERR_BUSY, "late by %d s", 3), ERR_BUSY);
	assert_string_equal(err.message, "late by 3 s");
	assert_int_equal(err_prefix(&err, "store"), ERR_BUSY);
	assert_string_equal(err.message, "store: late by 3 s");
	assert_int_equal(err_set(NULL, ERR_IO, "nobody listens"), ERR_IO);
	assert_string_equal(err_kind_name(ERR_BAD_INPUT), "bad_input");
}

static void
test_clock_iso(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{0, "1970-01-01T00:00:00Z"},
		{1, "1970-01-01T00:00:00.001Z"},
		{-1, "1969-12-31T23:59:59.999Z"},
		{951782400000, "2000-02-29T00:00:00Z"},
		{1795508130123, "2026-11-24T08:15:30.123Z"},
		{253402300799000, "9999-12-31T23:59:59Z"},
	};
	char text[CLOCK_ISO_SIZE];
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_string_equal(clock_iso(cases[i].ms, text), cases[i].text);
		assert_int_equal(clock_parse_iso(cases[i].text, &ms), 0);
		assert_int_equal(ms, cases[i].ms);
	}
}

static void
test_clock_parse_iso(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} cases[] = {
		{"1970-01-01T01:00:00+01:00", 0},
		{"1969-12-31T19:00:00-05:00", 0},
		{"1970-01-01T00:00:00.5Z", 500},
		{"1970-01-01T00:00:00.123456Z", 123},
		{"1970-01-01", -1},
		{"1970-01-01T00:00:00", -1},
		{"1970-01-01 00:00:00Z", -1},
		{"1970-02-29T00:00:00Z", -1},
		{"1970-13-01T00:00:00Z", -1},
		{"1970-01-01T24:00:00Z", -1},
		{"1970-01-01T00:60:00Z", -1},
		{"1970-01-01T00:00:00.Z", -1},
		{"1970-01-01T00:00:00Zx", -1},
		{"1970-01-01T00:00:00+25:00", -1},
		{"", -1},
		{"now", -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t ms = 0;
		int got = clock_parse_iso(cases[i].text, &ms);

		assert_int_equal(got, cases[i].ms == -1 ? -1 : 0);
		if (got == 0)
			assert_int_equal(ms, cases[i].ms);
	}
}

static void
test_clock_uuid(void **state)
{
	char a[CLOCK_UUID_SIZE], b[CLOCK_UUID_SIZE];

	(void)state;
	clock_uuid(a);
	clock_uuid(b);
	assert_int_equal(strlen(a), 36);
	assert_string_not_equal(a, b);
	assert_int_equal(a[14], '4');
	assert_non_null(strchr("89AB", a[19]));
	assert_int_equal(strspn(a, "0123456789ABCDEF-"), 36);
}

static void
test_clock_fake(void **state)
{
	(void)state;
	clock_fake(1234);
	assert_int_equal(clock_now(), 1234);
	clock_fake(-1);
	assert_true(clock_now() > 1700000000000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena_keeps_pieces_apart),
		cmocka_unit_test(test_arena_takes_large_pieces),
		cmocka_unit_test(test_buf_stops_at_its_cap),
		cmocka_unit_test(test_buf_grows),
		cmocka_unit_test(test_err),
		cmocka_unit_test(test_clock_iso),
		cmocka_unit_test(test_clock_parse_iso),
		cmocka_unit_test(test_clock_uuid),
		cmocka_unit_test(test_clock_fake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
