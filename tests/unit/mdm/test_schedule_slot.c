/*
 * Whose turn it is: rounds, slots, windows.
 */
#include "mdm/schedule_slot.h"

#include "unit.h"
#include "unit_store.h"

enum { HOUR = 3600, DAY = 24 * 3600 };

/* The beginning of a round of a day, in seconds. */
static const int64_t T0 = (int64_t)20834 * DAY;

static void
test_slots_are_the_stores(void **state)
{
	static const int64_t numbers[] = {
		1, 2, 3, 1000, 123456789, 2147483647, 2147483648, 5000000000};
	struct unit_store unit;
	char sql[200];

	(void)state;
	unit_store_open(&unit);
	for (size_t i = 0; i < COUNT(numbers); i++) {
		snprintf(sql, sizeof(sql),
			"SELECT (((%lld & 2147483647) * 2654435769) & 4294967295)",
			(long long)numbers[i]);
		assert_int_equal(schedule_slot_of(numbers[i]), unit_sql_int(&unit, sql));
	}
	unit_store_close(&unit);
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* However many there are, and whichever: the widest gap is a few of the mean. */
static void
test_slots_lie_evenly(void **state)
{
	static const struct {
		int64_t first, stride, count;
	} cases[] = {{1, 1, 10}, {1, 1, 1000}, {1, 1, 200000}, {77777, 1, 1000}, {1, 2, 1000},
		{5, 7, 1000}, {1, 10, 1000}, {3, 64, 1000}, {1, 1000, 1000}};
	int64_t *slots = calloc(200001, sizeof(*slots));

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t count = cases[i].count, widest = 0;

		for (int64_t n = 0; n < count; n++)
			slots[n] = schedule_slot_of(cases[i].first + n * cases[i].stride);
		qsort(slots, (size_t)count, sizeof(*slots), compare);
		slots[count] = slots[0] + ((int64_t)1 << 32);
		for (int64_t n = 0; n < count; n++)
			if (slots[n + 1] - slots[n] > widest)
				widest = slots[n + 1] - slots[n];
		assert_in_range(widest * count / ((int64_t)1 << 32), 1, 5);
	}
	free(slots);
}

static void
test_windows(void **state)
{
	static const struct {
		int64_t every, done_to, now; /* behind T0 */
		int64_t first, last, round;  /* first 0: nothing; round behind T0's */
	} cases[] = {
		{DAY, 0, 0, 0, 0, 0}, {DAY, 0, 1, 1, 1, 0}, {DAY, 10, 500, 11, 500, 0},
		{DAY, -1, 5, 0, 5, 0},    /* a round's first second */
		{DAY, -2, 5, -1, -1, -1}, /* the rest of the former round comes first */
		{DAY, DAY - 2, DAY - 1, DAY - 1, DAY - 1, 0},
		{DAY, -DAY, 10, 10 - DAY + 1, -1, -1}, /* more than a round is past */
		{DAY, -100 * DAY, 10, 10 - DAY + 1, -1, -1},
		{HOUR, -DAY, HOUR / 2, 1 - HOUR / 2, -1, -1}, {60, 0, 59, 1, 59, 0},
		{60, 59, 200, 141, 179, 2},
		{DAY, 50, 0, 0, 0, 0}, /* the clock was set back a little: wait */
		{DAY, 61, 0, 0, 0, 0}, /* and by more (below) */
	};
	struct schedule_window window;

	(void)state;
	for (size_t i = 0; i < COUNT(cases) - 1; i++) {
		int64_t rounds = T0 / cases[i].every;
		bool any = schedule_window_find(
			&window, cases[i].every, T0 + cases[i].done_to, T0 + cases[i].now);

		if (cases[i].last == 0 && cases[i].first == 0) {
			assert_false(any);
			continue;
		}
		assert_true(any);
		assert_int_equal(window.first - T0, cases[i].first);
		assert_int_equal(window.last - T0, cases[i].last);
		assert_int_equal(window.round - rounds, cases[i].round);
	}
	assert_true(schedule_window_find(&window, DAY, T0 + 61, T0));
	assert_int_equal(window.first, T0);
	assert_int_equal(window.last, T0);
}

/* The windows of a round, however it is cut, hold each slot once. */
static void
test_windows_hold_all_slots(void **state)
{
	static const int64_t every[] = {60, 61, 3600, DAY, 366 * DAY};

	(void)state;
	for (size_t i = 0; i < COUNT(every); i++) {
		struct schedule_window window;
		int64_t start = (T0 / every[i] + 1) * every[i], at = start - 1, slot = 0;

		while (at < start + every[i] - 1) {
			int64_t until = at + 1 + (at * 7919) % (every[i] / 5);

			assert_true(schedule_window_find(&window, every[i], at, until));
			assert_int_equal(window.first_slot, slot);
			assert_int_equal(schedule_slot_second(window.first_slot, every[i]),
				window.first - start);
			assert_int_equal(schedule_slot_second(window.last_slot, every[i]),
				window.last - start);
			slot = window.last_slot + 1;
			at = window.last;
		}
		assert_int_equal(slot, (int64_t)1 << 32);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots_are_the_stores),
		cmocka_unit_test(test_slots_lie_evenly),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_windows_hold_all_slots),
	};

	return cmocka_run_group_tests_name("schedule_slot", tests, NULL, NULL);
}
