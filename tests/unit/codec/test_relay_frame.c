/*
 * The relay's frames: what is written is read, what is none or could become another HTTP request is
 * refused.
 */
#include "codec/relay_frame.h"

#include "unit.h"

static struct arena arena;
static struct err err;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static struct buf
new_frame(void)
{
	struct buf frame;

	buf_init(&frame, &arena, RELAY_FRAME_MOST);
	return frame;
}

static void
test_a_request_comes_through(void **state)
{
	const struct relay_request sent = {.service = "ddm",
		.method = "PUT",
		.url = "https://127.0.0.1:9002/status",
		.headers = {{"X-Enrollment-ID", "D:\"ü\""}, {"Content-Type", "application/json"}},
		.header_count = 2,
		.body = "{\0}",
		.body_len = 3};
	struct buf frame = new_frame();
	struct relay_request got;
	size_t whole;

	(void)state;
	relay_write_request(&frame, &sent);
	assert_false(frame.full);
	assert_int_equal(relay_frame_size(frame.bytes, frame.len, &whole, &err), ERR_OK);
	assert_int_equal(whole, frame.len);
	assert_int_equal(relay_read_request(&arena, frame.bytes, frame.len, &got, &err), ERR_OK);
	assert_string_equal(got.service, "ddm");
	assert_string_equal(got.method, "PUT");
	assert_string_equal(got.url, sent.url);
	assert_int_equal(got.header_count, 2);
	assert_string_equal(got.headers[0].name, "X-Enrollment-ID");
	assert_string_equal(got.headers[0].value, "D:\"ü\"");
	assert_string_equal(got.headers[1].value, "application/json");
	assert_int_equal(got.body_len, 3);
	assert_memory_equal(got.body, "{\0}", 3);
}

static void
test_answers_come_through(void **state)
{
	static const struct relay_answer sent[] = {
		{.status = 200, .content_type = "application/json", .body = "{}", .body_len = 2},
		{.status = 404},
		{.error = "it is down"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(sent); i++) {
		struct buf frame = new_frame();
		struct relay_answer got;

		relay_write_answer(&frame, &sent[i]);
		assert_int_equal(
			relay_read_answer(&arena, frame.bytes, frame.len, &got, &err), ERR_OK);
		assert_int_equal(got.status, sent[i].status);
		assert_int_equal(got.body_len, sent[i].body_len);
		assert_int_equal(got.error == NULL, sent[i].error == NULL);
		if (sent[i].error != NULL)
			assert_string_equal(got.error, sent[i].error);
		if (sent[i].content_type != NULL)
			assert_string_equal(got.content_type, sent[i].content_type);
	}
}

static void
test_a_part_of_a_frame(void **state)
{
	const struct relay_answer answer = {.status = 200, .body = "0123456789", .body_len = 10};
	struct buf frame = new_frame();
	struct relay_answer got;
	size_t whole;

	(void)state;
	relay_write_answer(&frame, &answer);
	for (size_t len = 0; len < frame.len; len++) {
		assert_int_equal(relay_frame_size(frame.bytes, len, &whole, &err), ERR_OK);
		assert_int_equal(whole, len < RELAY_PREFIX_SIZE ? 0 : frame.len);
		assert_int_equal(
			relay_read_answer(&arena, frame.bytes, len, &got, &err), ERR_BAD_INPUT);
	}
	buf_byte(&frame, 'x');
	assert_int_equal(
		relay_read_answer(&arena, frame.bytes, frame.len, &got, &err), ERR_BAD_INPUT);
}

static void
test_no_frames(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum err_kind kind;
	} cases[] = {
		{"G", 1, ERR_BAD_INPUT},
		{"PmR2", 4, ERR_BAD_INPUT},
		{"GET / HTTP/1.1\r\n\r\n", 18, ERR_BAD_INPUT},
		{"PmR1\0\0\x40\x01\0\0\0\0", 12, ERR_TOO_LARGE},
		{"PmR1\0\0\0\0\0\x40\0\x01", 12, ERR_TOO_LARGE},
		{"PmR1\xff\xff\xff\xff\xff\xff\xff\xff", 12, ERR_TOO_LARGE},
		{"PmR1\0\0\x40\0\0\x40\0\0", 12, ERR_OK},
	};
	size_t whole;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(relay_frame_size(cases[i].bytes, cases[i].len, &whole, &err),
			cases[i].kind);
}

/* A frame with this head and no body. */
static struct buf
with_head(const char *head)
{
	struct buf frame = new_frame();
	size_t len = strlen(head);
	const char prefix[RELAY_PREFIX_SIZE] = {
		'P', 'm', 'R', '1', 0, 0, (char)(len >> 8), (char)(len & 0xff), 0, 0, 0, 0};

	buf_add(&frame, prefix, sizeof(prefix));
	buf_add(&frame, head, len);
	return frame;
}

#define GOOD "\"service\":\"s\",\"method\":\"GET\",\"url\":\"http://h/\""

static void
test_heads_of_requests(void **state)
{
	static const struct {
		const char *head;
		enum err_kind kind;
	} cases[] = {
		{"{" GOOD ",\"headers\":{}}", ERR_OK},
		{"{" GOOD ",\"headers\":{\"X-A\":\"\"}}", ERR_OK},
		{"{" GOOD "}", ERR_BAD_INPUT},
		{"{" GOOD ",\"headers\":[]}", ERR_BAD_INPUT},
		{"{" GOOD ",\"headers\":{\"\":\"x\"}}", ERR_BAD_INPUT},
		{"{" GOOD ",\"headers\":{\"X A\":\"x\"}}", ERR_BAD_INPUT},
		{"{" GOOD ",\"headers\":{\"X:A\":\"x\"}}", ERR_BAD_INPUT},
		{"{" GOOD ",\"headers\":{\"X\":1}}", ERR_BAD_INPUT},
		{"{" GOOD ",\"headers\":{\"X\":\"a\\r\\nY: b\"}}", ERR_BAD_INPUT},
		{"{" GOOD ",\"headers\":{\"X\":\"a\\nb\"}}", ERR_BAD_INPUT},
		{"{" GOOD ",\"headers\":{\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\",\"5\":\"\","
		 "\"6\":\"\",\"7\":\"\",\"8\":\"\",\"9\":\"\"}}",
			ERR_TOO_LARGE},
		{"{\"method\":\"GET\",\"url\":\"http://h/\",\"headers\":{}}", ERR_BAD_INPUT},
		{"{\"service\":\"s\",\"method\":\"DELETE\",\"url\":\"http://h/\",\"headers\":{}}",
			ERR_BAD_INPUT},
		{"{\"service\":\"s\",\"method\":\"GET\",\"url\":\"file:///etc/passwd\","
		 "\"headers\":{}}",
			ERR_BAD_INPUT},
		{"{\"service\":\"s\",\"method\":\"GET\",\"url\":\"http://h/ HTTP/1.1\","
		 "\"headers\":{}}",
			ERR_BAD_INPUT},
		{"{\"service\":\"s\",\"method\":\"GET\",\"url\":\"http://h/\\n\",\"headers\":{}}",
			ERR_BAD_INPUT},
		{"[]", ERR_BAD_INPUT},
		{"", ERR_BAD_INPUT},
		{"{", ERR_BAD_INPUT},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf frame = with_head(cases[i].head);
		struct relay_request got;
		enum err_kind kind = relay_read_request(&arena, frame.bytes, frame.len, &got, &err);

		if (kind != cases[i].kind)
			fail_msg("%s: %s", cases[i].head, err_kind_name(kind));
	}
}

static void
test_heads_of_answers(void **state)
{
	static const struct {
		const char *head;
		enum err_kind kind;
	} cases[] = {
		{"{\"status\":599}", ERR_OK},
		{"{\"status\":99}", ERR_BAD_INPUT},
		{"{\"status\":600}", ERR_BAD_INPUT},
		{"{\"status\":\"200\"}", ERR_BAD_INPUT},
		{"{}", ERR_BAD_INPUT},
		{"{\"error\":\"\"}", ERR_OK},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf frame = with_head(cases[i].head);
		struct relay_answer got;

		assert_int_equal(relay_read_answer(&arena, frame.bytes, frame.len, &got, &err),
			cases[i].kind);
	}
}

static void
test_what_is_too_large_is_not_written(void **state)
{
	static char much[RELAY_BODY_MOST + 1];
	struct relay_answer answer = {.status = 200, .body = much, .body_len = RELAY_BODY_MOST};
	struct buf frame = new_frame();

	(void)state;
	relay_write_answer(&frame, &answer);
	assert_false(frame.full);
	frame = new_frame();
	answer.body_len++;
	relay_write_answer(&frame, &answer);
	assert_true(frame.full);
	memset(much, 'x', RELAY_HEAD_MOST);
	much[RELAY_HEAD_MOST] = '\0';
	frame = new_frame();
	relay_write_answer(&frame, &(struct relay_answer){.error = much});
	assert_true(frame.full);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_request_comes_through, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers_come_through, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_part_of_a_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(test_heads_of_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_heads_of_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_what_is_too_large_is_not_written, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
