/*
 * Who is pushed and when: the rows' way through claims and answers, with the clock held still.
 */
#include "unit.h"
#include "unit_store.h"

#include "base/clock.h"
#include "mdm/push.h"

enum { NOW = 1000000, SECOND = 1000, DAY = 24 * 3600 * SECOND };

static const char topic[] = "com.apple.mgmt.test";
static const struct push_policy policy = {.lease = 30 * SECOND,
	.retry = 300 * SECOND,
	.backoff = 900 * SECOND,
	.backoff_429 = 30 * SECOND};

static struct unit_store unit;
static struct push_job jobs[10];

/* Enrollments 1, 2 … with ids "D1", "D2" …; each has one command waiting. */
static void
add_device(int no)
{
	char *place = arena_printf(&unit.arena, "enrollment/push_magic/D%d", no), *hex;
	unsigned char *closed;
	size_t len;

	closed = seal_close(&unit.key, &unit.arena, place, "magic", 5, &len);
	hex = arena_alloc(&unit.arena, len * 2 + 1);
	for (size_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", closed[i]);
	unit_sql(
		&unit, arena_printf(&unit.arena,
			       "INSERT INTO enrollment (no, id, kind, state, topic, push_token, "
			       "push_magic, "
			       "token_at) VALUES (%d, 'D%d', 'device', 'enrolled', '%s', x'0%d', "
			       "x'%s', 500);"
			       "INSERT INTO payload (no, uuid, request, origin, created_at) "
			       "VALUES (%d, 'U%d', 'ProfileList', 'cli', 1);"
			       "INSERT INTO delivery (enrollment_no, payload_no, state, queued_at) "
			       "VALUES (%d, %d, 'queued', %d);",
			       no, no, topic, no, hex, no, no, no, no, NOW));
}

static int
setup(void **state)
{
	(void)state;
	unit_store_open(&unit);
	unit.mdm.push_retry = policy.retry;
	clock_fake(NOW);
	add_device(1);
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

static size_t
claim(size_t most)
{
	size_t count;

	unit_begin(&unit, DB_WRITE);
	if (push_claim(&unit.mdm, &policy, topic, jobs, most, &count, &unit.err) != ERR_OK)
		fail_msg("%s", unit.err.message);
	unit_commit(&unit);
	return count;
}

static bool
record(const struct push_job *job, struct push_answer answer)
{
	bool stopped;

	unit_begin(&unit, DB_WRITE);
	if (push_record(&unit.mdm, &policy, job, &answer, &stopped, &unit.err) != ERR_OK)
		fail_msg("%s", unit.err.message);
	unit_commit(&unit);
	return stopped;
}

static void
came(bool more, bool begins)
{
	unit_begin(&unit, DB_WRITE);
	if (push_device_came(&unit.mdm, 1, more, begins, &unit.err) != ERR_OK)
		fail_msg("%s", unit.err.message);
	unit_commit(&unit);
}

/* Milliseconds from now until the row of D1 is due; -1: never. */
static long long
due_in(void)
{
	const char *due = unit_sql_text(&unit, "SELECT due_at FROM push WHERE enrollment_no = 1");

	return due[0] == '\0' ? -1 : strtoll(due, NULL, 10) - clock_now();
}

static void
test_claim(void **state)
{
	int64_t due;

	(void)state;
	add_device(2);
	add_device(3);
	assert_int_equal(claim(2), 2);
	assert_string_equal(jobs[0].id, "D1");
	assert_string_equal(jobs[0].magic, "magic");
	assert_int_equal(jobs[0].token_len, 1);
	assert_int_equal(jobs[0].wanted, 1);
	assert_int_equal(due_in(), policy.lease);
	assert_int_equal(claim(10), 1);
	assert_string_equal(jobs[0].id, "D3");
	assert_int_equal(claim(10), 0);

	/* A worker that was killed: the end of the lease brings them again. */
	unit_begin(&unit, DB_READ);
	assert_int_equal(push_next_due(&unit.mdm, topic, &due, &unit.err), ERR_OK);
	assert_int_equal(due, NOW + policy.lease);
	assert_int_equal(push_next_due(&unit.mdm, "another", &due, &unit.err), ERR_OK);
	assert_int_equal(due, 0);
	db_rollback(unit.mdm.db);
	clock_fake(NOW + policy.lease);
	assert_int_equal(claim(10), 3);
}

static void
test_what_is_put_aside(void **state)
{
	static const struct {
		const char *sql, *reason;
	} cases[] = {
		{"UPDATE enrollment SET state = 'checked_out'", "not enrolled"},
		{"UPDATE enrollment SET blocked = 1", "not enrolled"},
		{"UPDATE enrollment SET push_token = NULL", "not enrolled"},
		{"UPDATE enrollment SET push_magic = x'00'",
			"PushMagic cannot be opened with this master key"},
		{"UPDATE enrollment SET push_magic = NULL",
			"PushMagic cannot be opened with this master key"},
		{"UPDATE push SET served = wanted; UPDATE delivery SET ended_at = 1", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (i > 0) {
			unit_sql(&unit,
				"DELETE FROM push; DELETE FROM delivery; DELETE FROM payload; "
				"DELETE FROM enrollment");
			add_device(1);
		}
		unit_sql(&unit, cases[i].sql);
		assert_int_equal(claim(10), 0);
		assert_int_equal(due_in(), -1);
		assert_string_equal(
			unit_sql_text(&unit, "SELECT reason FROM push"), cases[i].reason);
	}
}

static void
test_a_push_that_was_taken(void **state)
{
	(void)state;
	assert_int_equal(claim(1), 1);
	assert_false(record(&jobs[0], (struct push_answer){.status = 200, .apns_id = "ID"}));
	assert_int_equal(due_in(), policy.retry);
	assert_string_equal(unit_sql_text(&unit, "SELECT apns_id FROM push"), "ID");
	assert_int_equal(unit_sql_int(&unit, "SELECT wanted - served FROM push"), 0);

	/* It does not come: three times as long each time, a day at most. */
	for (int64_t wait = policy.retry, next; wait < DAY; wait = next) {
		next = wait * 3 < DAY ? wait * 3 : DAY;
		clock_fake(clock_now() + wait);
		assert_int_equal(claim(1), 1);
		record(&jobs[0], (struct push_answer){.status = 200});
		assert_int_equal(due_in(), next);
	}

	/* It came, and took its command: the count begins anew; then nothing is left. */
	came(true, true);
	assert_int_equal(due_in(), policy.retry);
	unit_sql(&unit, "UPDATE delivery SET ended_at = 1");
	came(false, false);
	assert_int_equal(due_in(), -1);
	assert_int_equal(unit_sql_int(&unit, "SELECT attempts FROM push"), 0);
}

static void
test_wishes_merge_while_a_push_is_under_way(void **state)
{
	(void)state;
	assert_int_equal(claim(1), 1);
	for (int i = 2; i <= 4; i++)
		unit_sql(&unit,
			arena_printf(&unit.arena,
				"INSERT INTO payload (no, uuid, request, origin, created_at) "
				"VALUES "
				"(%d, 'V%d', 'ProfileList', 'cli', 1); INSERT INTO delivery "
				"(enrollment_no, payload_no, state, queued_at) VALUES (1, %d, "
				"'queued', %d)",
				i, i, i, NOW));
	assert_int_equal(claim(10), 0);
	record(&jobs[0], (struct push_answer){.status = 200});
	assert_int_equal(due_in(), 0);
	assert_int_equal(claim(10), 1);
	record(&jobs[0], (struct push_answer){.status = 200});
	assert_int_equal(due_in(), policy.retry);
}

static void
test_later_commands(void **state)
{
	(void)state;
	unit_sql(&unit, "UPDATE delivery SET not_before = 1090000");
	assert_int_equal(claim(1), 1);
	record(&jobs[0], (struct push_answer){.status = 200});
	assert_int_equal(due_in(), 90 * SECOND);
}

static void
test_failures(void **state)
{
	static const struct {
		struct push_answer answer;
		int64_t least, most; /* until the next push; -1: none until the TokenUpdate */
	} cases[] = {
		{{.status = 500, .reason = "InternalServerError"}, 720 * SECOND, 1080 * SECOND},
		{{.status = 503}, 720 * SECOND, 1080 * SECOND},
		{{.status = 400, .reason = "PayloadEmpty"}, 720 * SECOND, 1080 * SECOND},
		{{.status = 429, .reason = "TooManyRequests"}, 24 * SECOND, 36 * SECOND},
		{{.status = 429, .retry_after = 5 * SECOND}, 5 * SECOND, 7 * SECOND},
		{{.status = 410, .reason = "Unregistered"}, -1, -1},
		{{.status = 410, .reason = "Unregistered", .timestamp = 600}, -1, -1},
		{{.status = 410, .reason = "Unregistered", .timestamp = 400}, 720 * SECOND,
			1080 * SECOND},
		{{.status = 400, .reason = "BadDeviceToken"}, -1, -1},
		{{.status = 400, .reason = "DeviceTokenNotForTopic"}, -1, -1},
		{{.status = 413, .reason = "PayloadTooLarge"}, -1, -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		unit_sql(&unit,
			"UPDATE push SET due_at = 1, under_way = 0, failures = 0, stopped = NULL");
		assert_int_equal(claim(1), 1);
		assert_int_equal(record(&jobs[0], cases[i].answer), cases[i].least < 0);
		assert_in_range(due_in() + 1, cases[i].least + 1, cases[i].most + 1);
		assert_int_equal(
			unit_sql_int(&unit, "SELECT status FROM push"), cases[i].answer.status);
		assert_int_equal(unit_sql_int(&unit, "SELECT stopped IS NOT NULL FROM push"),
			cases[i].least < 0);
	}
	assert_int_equal(
		unit_sql_int(&unit, "SELECT COUNT(*) FROM event WHERE kind = 'push_stopped'"), 5);
}

static void
test_failures_in_a_row_wait_longer(void **state)
{
	long long before = 0;

	(void)state;
	for (int i = 0; i < 20; i++) {
		unit_sql(&unit, "UPDATE push SET due_at = 1");
		assert_int_equal(claim(1), 1);
		record(&jobs[0], (struct push_answer){.status = 503});
		assert_true(due_in() >= before * 12 / 10 || due_in() >= DAY * 8LL / 10);
		assert_true(due_in() <= DAY * 12LL / 10);
		before = due_in();
	}
}

static void
test_answers_about_an_old_token(void **state)
{
	static const struct push_answer answers[] = {{.status = 200},
		{.status = 410, .reason = "Unregistered"},
		{.status = 400, .reason = "BadDeviceToken"}};

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		unit_sql(&unit, "UPDATE push SET due_at = 1, under_way = 0");
		assert_int_equal(claim(1), 1);
		unit_sql(&unit, "UPDATE enrollment SET token_at = token_at + 1");
		assert_false(record(&jobs[0], answers[i]));
		assert_int_equal(due_in(), 0);
		assert_string_equal(unit_sql_text(&unit, "SELECT stopped FROM push"), "");
	}
}

static void
test_lost_and_refused(void **state)
{
	(void)state;
	assert_int_equal(claim(1), 1);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(push_give_back(&unit.mdm, &jobs[0], &unit.err), ERR_OK);
	unit_commit(&unit);
	assert_int_equal(due_in(), 0);
	assert_int_equal(unit_sql_int(&unit, "SELECT failures + attempts FROM push"), 0);

	assert_int_equal(claim(1), 1);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(push_refuse(&unit.mdm, &jobs[0], "too long", &unit.err), ERR_OK);
	unit_commit(&unit);
	assert_int_equal(due_in(), -1);
	assert_string_equal(unit_sql_text(&unit, "SELECT push_state FROM device"), "stopped");

	/* New commands do not wake it; a new token does. */
	unit_sql(&unit, "INSERT INTO queue(device, request) VALUES ('D1', 'SecurityInfo')");
	assert_int_equal(due_in(), -1);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(push_token_updated(&unit.mdm, 1, &unit.err), ERR_OK);
	unit_commit(&unit);
	assert_int_equal(due_in(), 0);
}

static void
test_wishes_of_the_operator(void **state)
{
	static const struct {
		const char *sql, *message;
	} cases[] = {
		{"SELECT 1", ""},
		{"UPDATE enrollment SET state = 'checked_out'", "D1 is not enrolled (checked_out)"},
		{"UPDATE enrollment SET state = 'enrolled', blocked = 1", "D1 is blocked"},
		{"UPDATE enrollment SET blocked = 0; UPDATE push SET stopped = 'Unregistered'",
			"D1: APNs said Unregistered; it is pushed again after its next "
			"TokenUpdate"},
	};

	(void)state;
	unit_sql(&unit, "DELETE FROM push");
	for (size_t i = 0; i < COUNT(cases); i++) {
		enum err_kind kind;

		unit_sql(&unit, cases[i].sql);
		unit_begin(&unit, DB_WRITE);
		err_clear(&unit.err);
		kind = push_want_id(&unit.mdm, "D1", &unit.err);
		unit_commit(&unit);
		assert_int_equal(kind, i == 0 ? ERR_OK : ERR_CONFLICT);
		assert_string_equal(unit.err.message, cases[i].message);
	}
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(push_want_id(&unit.mdm, "D9", &unit.err), ERR_NOT_FOUND);
	db_rollback(unit.mdm.db);
}

/* Apple's devices come by themselves when they are free: pushing a sleeping Mac every five minutes
 * would wake it all night. */
static void
test_a_device_that_says_not_now(void **state)
{
	(void)state;
	for (int64_t wait = policy.retry; wait < DAY; wait = wait * 3 < DAY ? wait * 3 : DAY) {
		assert_int_equal(claim(1), 1);
		record(&jobs[0], (struct push_answer){.status = 200});
		came(true, true);
		assert_int_equal(due_in(), policy.retry);
		came(false, false);
		assert_int_equal(due_in(), wait);
		clock_fake(clock_now() + wait);
	}
}

static void
add_command(int no)
{
	unit_sql(
		&unit, arena_printf(&unit.arena,
			       "INSERT INTO payload (no, uuid, request, origin, created_at) VALUES "
			       "(%d, 'V%d', 'ProfileList', 'cli', 1); INSERT INTO delivery "
			       "(enrollment_no, "
			       "payload_no, state, queued_at) VALUES (1, %d, 'queued', %lld)",
			       no, no, no, (long long)clock_now()));
}

static void
test_new_commands_and_the_waits(void **state)
{
	(void)state;
	/* A new command is a new wish: the growing of the intervals begins anew. */
	for (int i = 2; i < 8; i++) {
		assert_int_equal(claim(1), 1);
		record(&jobs[0], (struct push_answer){.status = 200});
		assert_int_equal(due_in(), policy.retry);
		add_command(i);
		assert_int_equal(due_in(), 0);
	}
	/* The wait that APNs has asked for is kept, however many commands come. */
	assert_int_equal(claim(1), 1);
	record(&jobs[0], (struct push_answer){.status = 503});
	for (int i = 8; i < 12; i++) {
		add_command(i);
		assert_true(due_in() >= 720 * SECOND);
	}
	assert_int_equal(claim(1), 0);
}

static void
test_not_before_is_no_matter_of_the_others(void **state)
{
	(void)state;
	assert_int_equal(claim(1), 1);
	record(&jobs[0], (struct push_answer){.status = 200});
	add_command(2);
	record(&jobs[0], (struct push_answer){.status = 200});
	unit_sql(&unit, "UPDATE queue SET not_before = '2100-01-01T00:00:00Z' WHERE uuid = 'V2'");
	assert_true(due_in() <= policy.retry);
}

static void
test_unblocked_it_is_pushed(void **state)
{
	(void)state;
	unit_sql(&unit, "UPDATE device SET state = 'blocked' WHERE id = 'D1'");
	assert_int_equal(claim(1), 0);
	assert_int_equal(due_in(), -1);
	unit_sql(&unit, "UPDATE device SET state = 'enrolled' WHERE id = 'D1'");
	assert_string_not_equal(unit_sql_text(&unit, "SELECT due_at FROM push"), "");
}

/* The answer is recorded late (a full disk): the device came for that push when there was nothing
 * yet. */
static void
test_not_before_passes_while_a_push_is_under_way(void **state)
{
	(void)state;
	unit_sql(&unit, "UPDATE queue SET not_before = '1970-01-01T00:16:42Z' WHERE uuid = 'U1'");
	unit_sql(&unit, "UPDATE push SET due_at = 1");
	assert_int_equal(claim(10), 1);
	came(false, true);
	clock_fake(NOW + 5 * SECOND); /* the command may go for 3 s */
	record(&jobs[0], (struct push_answer){.status = 200});
	assert_in_range(due_in() + 10 * SECOND, 0, 10 * SECOND); /* at once */
	assert_int_equal(claim(10), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_claim, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_put_aside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_push_that_was_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_wishes_merge_while_a_push_is_under_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_later_commands, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_failures_in_a_row_wait_longer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers_about_an_old_token, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_and_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wishes_of_the_operator, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_device_that_says_not_now, setup, teardown),
		cmocka_unit_test_setup_teardown(test_new_commands_and_the_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_not_before_is_no_matter_of_the_others, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_not_before_passes_while_a_push_is_under_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unblocked_it_is_pushed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
