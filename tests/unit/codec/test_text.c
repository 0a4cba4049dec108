/*
 * text: each coding, both ways, and what is refused.
 */
#include "unit.h"

#include "codec/text.h"

static struct arena arena;

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

/* RFC 4648, section 10, and then some. */
static const struct {
	const char *bytes, *base64;
} base64_both[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"\xfb\xff\xbf", "+/+/"},
};

static void
test_base64(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(base64_both); i++) {
		const char *bytes = base64_both[i].bytes, *base64 = base64_both[i].base64;
		size_t len;
		unsigned char *decoded = text_base64_decode(&arena, base64, strlen(base64), &len);

		assert_string_equal(text_base64_encode(&arena, bytes, strlen(bytes)), base64);
		assert_non_null(decoded);
		assert_int_equal(len, strlen(bytes));
		assert_string_equal(decoded, bytes);
	}
}

static const struct {
	const char *base64, *bytes; /* NULL: refused */
} base64_odd[] = {
	{" Z m\n9\tv\r\n", "foo"}, {"Zg", "f"}, {"Zg=", "f"}, {"Zm8", "fo"}, {"Z g = = ", "f"},
	{"Zh==", "f"}, /* bits behind the last byte */
	{"   ", ""}, {"Z", NULL}, {"Zm9vY", NULL}, {"=", NULL}, {"====", NULL}, {"Z===", NULL},
	{"Zg===", NULL}, {"Zm8==", NULL}, {"Zm9v=", NULL}, {"Zg==Zg==", NULL}, {"Zg=v", NULL},
	{"Zm9-", NULL}, /* the alphabet of URLs */
	{"Zm9_", NULL}, {"Zm9.", NULL}, {"Zm\xc3\xa9", NULL},
	{"Zm\f9v", NULL}, /* no white space of XML */
};

static void
test_for_urls(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, &arena, 100);
	buf_str(&buf, "+/=.");
	text_base64url_append(&buf, "\xfb\xff\xfe", 3);
	text_base64url_append(&buf, "\xff", 1);
	text_base64url_append(&buf, "", 0);
	assert_string_equal(buf.bytes, "+/=.-__-_w");
	assert_int_equal(buf.len, strlen(buf.bytes));
	buf_init(&buf, &arena, 100);
	text_url_append(&buf, "aZ09-._~/ %\xc3\0?", 14, "/");
	assert_string_equal(buf.bytes, "aZ09-._~/%20%25%C3%00%3F");
}

static void
test_base64_odd(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(base64_odd); i++) {
		const char *base64 = base64_odd[i].base64, *bytes = base64_odd[i].bytes;
		size_t len = 99;
		unsigned char *decoded = text_base64_decode(&arena, base64, strlen(base64), &len);

		if ((decoded == NULL) != (bytes == NULL))
			fail_msg("\"%s\"", base64);
		if (bytes != NULL) {
			assert_int_equal(len, strlen(bytes));
			assert_string_equal(decoded, bytes);
		}
	}
	assert_null(text_base64_decode(&arena, "Zm9\0", 4, &(size_t){0}));
}

static void
test_base64_of_all_lengths(void **state)
{
	unsigned char bytes[300];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7);
	for (size_t i = 0; i <= sizeof(bytes); i++) {
		char *base64 = text_base64_encode(&arena, bytes, i);
		size_t len;
		unsigned char *back = text_base64_decode(&arena, base64, strlen(base64), &len);

		assert_int_equal(len, i);
		assert_memory_equal(back, bytes, i);
	}
}

static void
test_base64_keeps_the_cap(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, &arena, 8);
	text_base64_append(&buf, "foobar", 6);
	assert_false(buf.full);
	assert_string_equal(buf.bytes, "Zm9vYmFy");
	text_base64_append(&buf, "f", 1);
	assert_true(buf.full);
	assert_int_equal(buf.len, 8);
}

static const struct {
	const char *hex, *bytes; /* NULL: refused */
	size_t len;
} hexes[] = {
	{"", "", 0},
	{"00ff7f", "\x00\xff\x7f", 3},
	{"DeadBEEF", "\xde\xad\xbe\xef", 4},
	{"0", NULL, 0},
	{"0g", NULL, 0},
	{" 0", NULL, 0},
	{"0x00", NULL, 0},
};

static void
test_hex(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(hexes); i++) {
		size_t len;
		unsigned char *bytes =
			text_hex_decode(&arena, hexes[i].hex, strlen(hexes[i].hex), &len);

		assert_int_equal(bytes == NULL, hexes[i].bytes == NULL);
		if (bytes == NULL)
			continue;
		assert_int_equal(len, hexes[i].len);
		assert_memory_equal(bytes, hexes[i].bytes, len);
	}
	assert_string_equal(text_hex_encode(&arena, "\x00\xde\xad\xff", 4), "00deadff");
	assert_string_equal(text_hex_encode(&arena, "", 0), "");
}

static const struct {
	const char *url;
	bool plus;
	const char *bytes; /* NULL: refused */
	size_t len;
} urls[] = {
	{"", false, "", 0},
	{"a%20b", false, "a b", 3},
	{"a+b", false, "a+b", 3},
	{"a+b", true, "a b", 3},
	{"%2B+%2b", true, "+ +", 3},
	{"UDID%3AUser", false, "UDID:User", 9},
	{"%00", false, "\0", 1},
	{"%c3%A9", false, "\xc3\xa9", 2},
	{"%", false, NULL, 0},
	{"%4", false, NULL, 0},
	{"a%4", false, NULL, 0},
	{"%4g", false, NULL, 0},
	{"%%41", false, NULL, 0},
};

static void
test_url(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(urls); i++) {
		size_t len;
		char *bytes = text_url_decode(
			&arena, urls[i].url, strlen(urls[i].url), urls[i].plus, &len);

		assert_int_equal(bytes == NULL, urls[i].bytes == NULL);
		if (bytes == NULL)
			continue;
		assert_int_equal(len, urls[i].len);
		assert_memory_equal(bytes, urls[i].bytes, len);
		assert_int_equal(bytes[len], '\0');
	}
}

static const struct {
	const char *text;
	uint32_t code; /* 0: not well-formed */
} characters[] = {
	{"a", 'a'},
	{"\x7f", 0x7f},
	{"\xc2\x80", 0x80},
	{"\xdf\xbf", 0x7ff},
	{"\xe0\xa0\x80", 0x800},
	{"\xed\x9f\xbf", 0xd7ff},
	{"\xee\x80\x80", 0xe000},
	{"\xef\xbf\xbf", 0xffff},
	{"\xf0\x90\x80\x80", 0x10000},
	{"\xf4\x8f\xbf\xbf", 0x10ffff},
	{"\x80", 0},
	{"\xc0\x80", 0}, /* longer than needed */
	{"\xc1\xbf", 0},
	{"\xe0\x9f\xbf", 0},
	{"\xf0\x8f\xbf\xbf", 0},
	{"\xed\xa0\x80", 0}, /* half a surrogate pair */
	{"\xed\xbf\xbf", 0},
	{"\xf4\x90\x80\x80", 0},
	{"\xf5\x80\x80\x80", 0},
	{"\xff", 0},
	{"\xc3", 0}, /* cut off */
	{"\xe2\x82", 0},
	{"\xf0\x9f\x8d", 0},
	{"\xc3(", 0},
	{"\xe2\x28\xa1", 0},
};

static void
test_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(characters); i++) {
		const char *text = characters[i].text;
		uint32_t code = 0;
		size_t len = text_utf8_next(text, strlen(text), &code);

		if (characters[i].code == 0) {
			assert_int_equal(len, 0);
			assert_false(text_is_utf8(text, strlen(text)));
		} else {
			assert_int_equal(len, strlen(text));
			assert_int_equal(code, characters[i].code);
			assert_true(text_is_utf8(text, strlen(text)));
		}
	}
	assert_int_equal(text_utf8_next("", 0, &(uint32_t){0}), 0);
	assert_true(text_is_utf8("", 0));
	assert_false(text_is_utf8("a\0b", 3));
	assert_false(text_is_utf8("good\xc3", 5));
}

static void
test_xml_characters(void **state)
{
	static const struct {
		uint32_t code;
		bool allowed;
	} cases[] = {
		{0, false},
		{1, false},
		{8, false},
		{'\t', true},
		{'\n', true},
		{0xb, false},
		{'\r', true},
		{0x1f, false},
		{' ', true},
		{0x7f, true},
		{0xd7ff, true},
		{0xd800, false},
		{0xdfff, false},
		{0xe000, true},
		{0xfffd, true},
		{0xfffe, false},
		{0xffff, false},
		{0x10000, true},
		{0x10ffff, true},
		{0x110000, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(text_is_xml_char(cases[i].code), cases[i].allowed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_base64, setup, teardown),
		cmocka_unit_test_setup_teardown(test_for_urls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_base64_odd, setup, teardown),
		cmocka_unit_test_setup_teardown(test_base64_of_all_lengths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_base64_keeps_the_cap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hex, setup, teardown),
		cmocka_unit_test_setup_teardown(test_url, setup, teardown),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_xml_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
