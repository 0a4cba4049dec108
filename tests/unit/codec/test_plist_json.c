/*
 * The JSON form: what is read and as what, what is refused and why, what is written.
 */
#include "unit.h"

#include <math.h>

#include "plist_data.h"

static struct plist *
read_json_bytes(const char *bytes, size_t len)
{
	struct err err = {0};
	struct plist *plist = NULL;

	if (plist_read_json(plist_limits_default(), &arena, bytes, len, &plist, &err) != ERR_OK)
		fail_msg("%s\nin %.200s", err.message, bytes);
	assert_non_null(plist);
	return plist;
}

static struct plist *
read_json(const char *json)
{
	return read_json_bytes(json, strlen(json));
}

static void
assert_json_refused(const char *bytes, size_t len, enum err_kind kind, const char *says)
{
	struct plist *plist = plist_dict(&arena);
	struct err err = {0};

	if (plist_read_json(plist_limits_default(), &arena, bytes, len, &plist, &err) == ERR_OK)
		fail_msg("taken: %.200s", bytes);
	if (strncmp(err.message, says, strlen(says)) != 0)
		fail_msg("\"%s\" and not \"%s\"\nfor %.200s", err.message, says, bytes);
	assert_int_equal(err.kind, kind);
	assert_null(plist);
}

/* ---- reading ---- */

static const struct {
	const char *json;
	enum plist_type type;
	const char *again; /* as it is written; NULL: as it is */
} values[] = {
	{"\"\"", PLIST_STRING, NULL},
	{" \"a\"\r\n\t", PLIST_STRING, "\"a\""},
	{"\"\\\"\\\\\\/\\n\\r\\t\"", PLIST_STRING, "\"\\\"\\\\/\\n\\r\\t\""},
	{"\"\\u0041\\u00e9\\u65e5\\ud83c\\udf4E\"", PLIST_STRING,
		"\"A\xc3\xa9\xe6\x97\xa5\xf0\x9f\x8d\x8e\""},
	{"\"\xc3\xa9\xe6\x97\xa5\xf0\x9f\x8d\x8e\x7f\"", PLIST_STRING, NULL},
	{"\"\\\\u0000\"", PLIST_STRING, NULL}, /* no escape */
	{"\"\\\\\\\\u0000\"", PLIST_STRING, NULL},
	{"\"18446744073709551615\"", PLIST_STRING, NULL},
	{"\"[{,\"", PLIST_STRING, NULL},
	{"0", PLIST_INTEGER, NULL},
	{"-0", PLIST_INTEGER, "0"},
	{"-1", PLIST_INTEGER, NULL},
	{"9223372036854775807", PLIST_INTEGER, NULL},
	{"9223372036854775808", PLIST_INTEGER, NULL},
	{"18446744073709551615", PLIST_INTEGER, NULL},
	{" 18446744073709551615\n", PLIST_INTEGER, "18446744073709551615"},
	{"-9223372036854775808", PLIST_INTEGER, NULL},
	{"0.0", PLIST_REAL, NULL},
	{"-0.0", PLIST_REAL, NULL},
	{"1.0", PLIST_REAL, NULL},
	{"0.1", PLIST_REAL, NULL},
	{"1e2", PLIST_REAL, "100.0"},
	{"1E+2", PLIST_REAL, "100.0"},
	{"-1.5e-7", PLIST_REAL, "-1.5e-07"},
	{"1e21", PLIST_REAL, "1e+21"},
	{"99999999999999999999.0", PLIST_REAL, "1e+20"},
	{"99999999999999999999e0", PLIST_REAL, "1e+20"},
	{"1.7976931348623157e+308", PLIST_REAL, NULL},
	{"true", PLIST_BOOLEAN, NULL},
	{"false", PLIST_BOOLEAN, NULL},
	{"[]", PLIST_ARRAY, NULL},
	{"[ [ ] , { } ]", PLIST_ARRAY, "[[],{}]"},
	{"[18446744073709551615,-1,18446744073709551614]", PLIST_ARRAY, NULL},
	{"{}", PLIST_DICT, NULL},
	{"{\"b\":1,\"a\":{\"b\":[true,\"\"]},\"\":0.5,\"A\":\"\"}", PLIST_DICT, NULL},
	{"{\"a\\n\\\"\\u00e9\":18446744073709551615}", PLIST_DICT,
		"{\"a\\n\\\"\xc3\xa9\":18446744073709551615}"},
	{"[{\"a\":1},{\"a\":1}]", PLIST_ARRAY, NULL},
};

static void
test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		const char *again = values[i].again == NULL ? values[i].json : values[i].again;
		struct plist *plist = read_json(values[i].json);

		assert_string_equal(as_json(plist), again);
		assert_int_equal(plist->type, values[i].type);
		assert_null(plist->key);
		assert_true(plist_equal(read_json(again), plist));
	}
}

/* A string that looks like an integer that has been marked is none. */
static void
test_large_integers(void **state)
{
	struct plist *plist = read_json("[9223372036854775808, \"9223372036854775808\"]");

	(void)state;
	assert_true(plist->as.items.first->as.integer.magnitude == UINT64_C(1) << 63);
	assert_false(plist->as.items.first->as.integer.negative);
	assert_int_equal(plist->as.items.last->type, PLIST_STRING);
}

static void
test_tree_stands_alone(void **state)
{
	char json[] = "{\"key\":[\"text\",18446744073709551615]}";
	char *copy = arena_strdup(&arena, json);
	struct plist *plist = read_json(json);

	(void)state;
	memset(json, 'x', sizeof(json) - 1);
	assert_string_equal(as_json(plist), copy);
}

#define BAD_INTEGER "an integer is outside of -2^63 to 2^64-1"
#define UNFIT "a character that a plist cannot hold"

static const struct {
	const char *bytes;
	size_t len;
	const char *says;
} refused[] = {
	/* what JSON has and a plist has not */
	{BYTES("null"), "the root: null is no value of a plist"},
	{BYTES("[1,null]"), "[1]: null is no value of a plist"},
	{BYTES("{\"a\":[{\"b\":null}]}"), "a[0].b: null is no value of a plist"},
	{BYTES("\"\\u0001\""), "the root: " UNFIT},
	{BYTES("\"\\b\""), "the root: " UNFIT},
	{BYTES("\"\\f\""), "the root: " UNFIT},
	{BYTES("[\"\",\"\\u001F\"]"), "[1]: " UNFIT},
	{BYTES("{\"a\":\"\\ufffe\"}"), "a: " UNFIT},
	{BYTES("{\"a\":{\"b\":\"\xef\xbf\xbf\"}}"), "a.b: " UNFIT},
	{BYTES("{\"a\":{\"\\u0001\":1}}"), "a: " UNFIT},
	{BYTES("\n\"\\u0000\""), "line 2: U+0000"},
	{BYTES("[1,\n\n\"a\\\\\\u0000\"]"), "line 3: U+0000"},
	{BYTES("{\"\\u0000\":1}"), "line 1: U+0000"},
	{BYTES("\"\\u000018446744073709551615\""), "line 1: U+0000"}, /* as the mark is */
	{BYTES("\"a\0b\""), "line 1: U+0000"},
	{BYTES("[1]\n\0"), "line 2: U+0000"},
	{BYTES("\0"), "line 1: U+0000"},
	/* keys */
	{BYTES("{\"a\":1,\n\"a\":1}"), "line 2: "},
	{BYTES("{\"a\":1,\"\\u0061\":1}"), "line 1: "},
	{BYTES("{1:1}"), "line 1: "},
	{BYTES("{\"a\"}"), "line 1: "},
	{BYTES("{\"a\":}"), "line 1: "},
	/* numbers */
	{BYTES("18446744073709551616"), "line 1: " BAD_INTEGER},
	{BYTES("[\n-9223372036854775809]"), "line 2: " BAD_INTEGER},
	{BYTES("99999999999999999999999999999999999999999999999999999999"), "line 1: " BAD_INTEGER},
	{BYTES("1e309"), "line 1: "},
	{BYTES("-1e999"), "line 1: "},
	{BYTES("01"), "line 1: "},
	{BYTES("00000000000000000000000"), "line 1: "},
	{BYTES("+1"), "line 1: "},
	{BYTES("1."), "line 1: "},
	{BYTES(".5"), "line 1: "},
	{BYTES("0x10"), "line 1: "},
	{BYTES("1e"), "line 1: "},
	{BYTES("NaN"), "line 1: "},
	{BYTES("-Infinity"), "line 1: "},
	{BYTES("18446744073709551615x"), "line 1: "},
	{BYTES("1 18446744073709551615"), "line 1: "},
	/* bytes */
	{BYTES(""), "line 1: "},
	{BYTES(" \n "), "line "},
	{BYTES("\"\xff\""), "line 1: "},
	{BYTES("\"\xc0\x80\""), "line 1: "},
	{BYTES("\"\xed\xa0\x80\""), "line 1: "},
	{BYTES("\"\\ud800\""), "line 1: "},
	{BYTES("\"\\udc00\\ud800\""), "line 1: "},
	{BYTES("\xef\xbb\xbf{}"), "line 1: "},
	/* neither JSON nor whole */
	{BYTES("[1] 2"), "line 1: "},
	{BYTES("{}\n{}"), "line 2: "},
	{BYTES("[1,]"), "line 1: "},
	{BYTES("[1 2]"), "line 1: "},
	{BYTES("['a']"), "line 1: "},
	{BYTES("[// a\n1]"), "line 1: "},
	{BYTES("\"a\nb\""), "line "},
	{BYTES("\"a\tb\""), "line 1: "},
	{BYTES("\"\\x\""), "line 1: "},
	{BYTES("\"\\"), "line 1: "},
	{BYTES("\"\\u00"), "line 1: "},
	{BYTES("True"), "line 1: "},
	{BYTES("]"), "line 1: "},
	{BYTES("<plist/>"), "line 1: "},
};

static void
test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++)
		assert_json_refused(
			refused[i].bytes, refused[i].len, ERR_BAD_INPUT, refused[i].says);
}

static void
test_truncated(void **state)
{
	size_t len;
	char *whole = data_read(&arena, "plist/types.json", &len);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		char *bytes = malloc(n + 1); /* its end is the end, for AddressSanitizer */

		memcpy(bytes, whole, n);
		bytes[n] = '\0';
		assert_json_refused(bytes, n, ERR_BAD_INPUT, "line 1: ");
		free(bytes);
	}
}

/* The text an error is near to may be a secret. */
static void
test_no_value_in_a_message(void **state)
{
	static const char *const secrets[] = {
		"s3cret",
		"\"s3cret",
		"\"s3cret\\u0001\"",
		"\"s3cret\" \"s3cret\"",
		"{\"a\":\"s3cret\",\"a\":\"s3cret\"}",
		"{\"a\" \"s3cret\"}",
		"[\"s3cret\" \"s3cret\"]",
		"[\"s3cret\\q\"]",
		"[\"s3cret near 's3cret\\q\"]",
		"[\"s3cret\xff\"]",
		"[\"s3cret\ns3cret\"]",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(secrets); i++) {
		struct plist *plist;
		struct err err = {0};

		assert_int_equal(plist_read_json(plist_limits_default(), &arena, secrets[i],
					 strlen(secrets[i]), &plist, &err),
			ERR_BAD_INPUT);
		if (strstr(err.message, "s3cret") != NULL)
			fail_msg("\"%s\" for %s", err.message, secrets[i]);
	}
}

/* ---- caps ---- */

static struct buf
deep(int depth)
{
	struct buf buf = empty_buf();

	for (int i = 0; i < depth; i++)
		buf_str(&buf, i % 2 ? "{\"a\":" : "[");
	buf_byte(&buf, '1');
	for (int i = depth - 1; i >= 0; i--)
		buf_byte(&buf, i % 2 ? '}' : ']');
	return buf;
}

static void
test_default_caps(void **state)
{
	enum { BYTES_MOST = 16 << 20, NODES_MOST = 500000, DEPTH_MOST = 64 };
	struct buf buf = deep(DEPTH_MOST);

	(void)state;
	read_json_bytes(buf.bytes, buf.len);
	buf = deep(DEPTH_MOST + 1);
	assert_json_refused(buf.bytes, buf.len, ERR_BAD_INPUT, "line 1: too many levels");
	buf = deep(100000);
	assert_json_refused(buf.bytes, buf.len, ERR_BAD_INPUT, "line 1: too many levels");

	buf = empty_buf();
	buf_byte(&buf, '[');
	for (int i = 1; i < NODES_MOST; i++)
		buf_str(&buf, i == 1 ? "1" : ",1");
	buf_byte(&buf, ']');
	assert_int_equal(read_json_bytes(buf.bytes, buf.len)->as.items.count, NODES_MOST - 1);
	buf.len--;
	buf_str(&buf, ",1]");
	assert_json_refused(buf.bytes, buf.len, ERR_TOO_LARGE, "line 1: too many values");

	buf = empty_buf();
	buf_str(&buf, "true");
	while (buf.len < BYTES_MOST)
		buf_byte(&buf, ' ');
	read_json_bytes(buf.bytes, buf.len);
	buf_byte(&buf, ' ');
	assert_json_refused(buf.bytes, buf.len, ERR_TOO_LARGE, "line 1: too many bytes");
}

static void
test_own_caps(void **state)
{
	static const struct {
		const char *json;
		enum err_kind kind;
	} rows[] = {
		{"[]", ERR_OK},
		{"[[],[]]", ERR_OK},
		{"[[1]]", ERR_OK},
		{"{\"a\":1,\"b\":2}", ERR_OK},
		{"[\"a,b,c,[[[\",{}]", ERR_OK},
		{"[1,2,3]", ERR_TOO_LARGE},
		{"[[1],2]", ERR_TOO_LARGE},
		{"{\"a\":1,\"b\":2,\"c\":3}", ERR_TOO_LARGE},
		{"[[[]]]", ERR_BAD_INPUT},
		{"{\"a\":{\"b\":{}}}", ERR_BAD_INPUT},
		{"\"0123456789012345678\"", ERR_TOO_LARGE},
		{"18446744073709551615", ERR_OK},
		{"\"012345678901234567\"", ERR_OK},
	};
	const struct plist_limits small = {.max_bytes = 20, .max_nodes = 3, .max_depth = 2};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct plist *plist;
		struct err err = {0};
		enum err_kind kind = plist_read_json(
			small, &arena, rows[i].json, strlen(rows[i].json), &plist, &err);

		if (kind != rows[i].kind)
			fail_msg("%s: %s", rows[i].json, err.message);
		assert_int_equal(plist == NULL, kind != ERR_OK);
	}
}

/* ---- writing ---- */

static void
test_written(void **state)
{
	const struct {
		struct plist *plist;
		const char *json;
	} rows[] = {
		{plist_string(&arena, "\b\t\n\f\r\"\\/"), "\"\\b\\t\\n\\f\\r\\\"\\\\/\""},
		{plist_string(&arena, "\x01\x1f\x7f"), "\"\\u0001\\u001f\x7f\""},
		{plist_string(&arena, "\xff\xc3\xa9\xc3"), "\"\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\""},
		{plist_integer(&arena, INT64_MIN), "-9223372036854775808"},
		{plist_unsigned(&arena, UINT64_MAX), "18446744073709551615"},
		{plist_real(&arena, 0), "0.0"},
		{plist_real(&arena, -0.0), "-0.0"},
		{plist_real(&arena, 0.1 + 0.2), "0.30000000000000004"},
		{plist_real(&arena, 1e15), "1e+15"},
		{plist_real(&arena, 123456789), "123456789.0"},
		{plist_real(&arena, NAN), "\"nan\""},
		{plist_real(&arena, INFINITY), "\"inf\""},
		{plist_real(&arena, -INFINITY), "\"-inf\""},
		{plist_boolean(&arena, true), "true"},
		{plist_date(&arena, 0), "\"1970-01-01T00:00:00Z\""},
		{plist_date(&arena, -1), "\"1969-12-31T23:59:59.999Z\""},
		{plist_date(&arena, INT64_MIN), "\"0001-01-01T00:00:00Z\""},
		{plist_date(&arena, INT64_MAX), "\"9999-12-31T23:59:59.999Z\""},
		{plist_data(&arena, "", 0), "\"\""},
		{plist_data(&arena, "\0\xff", 2), "\"AP8=\""},
		{plist_dict(&arena), "{}"},
		{plist_array(&arena), "[]"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(as_json(rows[i].plist), rows[i].json);
}

static void
test_sorted(void **state)
{
	const char *json =
		"{\"b\":{\"z\":1,\"y\":[{\"d\":1,\"c\":2}]},\"\xc3\xa9\":1,\"B\":2,\"\":3}";
	struct plist *plist = read_json(json);
	struct buf buf = empty_buf();

	(void)state;
	plist_write_json(&buf, plist, true);
	assert_string_equal(buf.bytes,
		"{\"\":3,\"B\":2,\"b\":{\"y\":[{\"c\":2,\"d\":1}],\"z\":1},\"\xc3\xa9\":1}");
	assert_true(plist_equal(read_json(buf.bytes), plist));
	assert_string_equal(as_json(plist), json); /* the tree has kept its order */
}

/* The path of a value goes only to where the value is. */
static void
test_long_path(void **state)
{
	struct buf json = empty_buf();

	(void)state;
	for (int i = 0; i < 30; i++)
		buf_str(&json, "{\"a key that is rather long, as keys go; nobody would want to "
			       "read this\":");
	buf_str(&json, "null");
	for (int i = 0; i < 30; i++)
		buf_byte(&json, '}');
	assert_json_refused(json.bytes, json.len, ERR_BAD_INPUT, "a key that is rather long");
}

static void
test_writer_keeps_the_cap(void **state)
{
	struct plist *types = read_file("types.plist");
	size_t whole = strlen(as_json(types));
	struct buf buf;

	(void)state;
	for (size_t cap = 0; cap < whole; cap += 37) {
		buf_init(&buf, &arena, cap);
		plist_write_json(&buf, types, false);
		assert_true(buf.full);
		assert_true(buf.len <= cap);
	}
	buf_init(&buf, &arena, whole);
	plist_write_json(&buf, types, false);
	assert_false(buf.full);
}

/* ---- there and back ---- */

/* All but data and dates, which become strings. */
static void
test_files(void **state)
{
	static const char *const names[] = {"plist/types.json", "plist/odd.json"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		size_t len;
		char *bytes = data_read(&arena, names[i], &len);
		struct plist *plist = read_json_bytes(bytes, len);

		assert_true(plist_equal(read_json(as_json(plist)), plist));
		assert_true(plist_equal(read_text(as_xml(plist, false)), plist));
		if (i == 0)
			assert_string_equal(as_json(plist), bytes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large_integers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tree_stands_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_value_in_a_message, setup, teardown),
		cmocka_unit_test_setup_teardown(test_default_caps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_own_caps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_written, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sorted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_path, setup, teardown),
		cmocka_unit_test_setup_teardown(test_writer_keeps_the_cap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
