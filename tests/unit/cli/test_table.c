/*
 * What is printed: columns, JSON, and that nothing but text reaches the terminal.
 */
#include "cli/table.h"

#include "base/clock.h"
#include "cli/escape.h"
#include "unit.h"

/* ---- escaping ---- */

static const struct {
	const char *text, *shown, *json;
	size_t width; /* of what is shown */
} texts[] = {
	{"plain", "plain", "\"plain\"", 5},
	{"a\"b\\c", "a\"b\\c", "\"a\\\"b\\\\c\"", 5},
	{"\x1b[31mred", "\\x1b[31mred", "\"\\u001b[31mred\"", 11},
	{"bell\a\x7f", "bell\\x07\\x7f", "\"bell\\u0007\\u007f\"", 12},
	{"line\nline\ttab", "line\\x0aline\\x09tab", "\"line\\nline\\u0009tab\"", 19},
	/* U+009B is CSI in one character */
	{"\xc2\x9b"
	 "31m",
		"\\x9b31m", "\"\\u009b31m\"", 7},
	/* right-to-left override, isolates, line separator */
	{"\xe2\x80\xae"
	 "abc",
		"\\u202eabc", "\"\\u202eabc\"", 9},
	{"\xe2\x81\xa6\xe2\x80\xa8", "\\u2066\\u2028", "\"\\u2066\\u2028\"", 12},
	/* a tag character, beyond the basic plane */
	{"\xf3\xa0\x80\x81", "\\U000e0001", "\"\\udb40\\udc01\"", 10},
	/* bytes that are not UTF-8: alone, cut short, over-long, a surrogate */
	{"a\xff"
	 "b",
		"a\\xffb", "\"a\\ufffdb\"", 6},
	{"\xe2\x82", "\\xe2\\x82", "\"\\ufffd\\ufffd\"", 8},
	{"\xc0\xaf", "\\xc0\\xaf", "\"\\ufffd\\ufffd\"", 8},
	{"\xed\xa0\x80", "\\xed\\xa0\\x80", "\"\\ufffd\\ufffd\\ufffd\"", 12},
	/* widths: precomposed, combining, wide, emoji */
	{"caf\xc3\xa9", "caf\xc3\xa9", "\"caf\xc3\xa9\"", 4},
	{"cafe\xcc\x81", "cafe\xcc\x81", "\"cafe\xcc\x81\"", 4},
	{"\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac", "\"\xe6\x97\xa5\xe6\x9c\xac\"", 4},
	{"\xf0\x9f\x93\xb1", "\xf0\x9f\x93\xb1", "\"\xf0\x9f\x93\xb1\"", 2},
	{"", "", "\"\"", 0},
};

static void
test_escape(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct arena arena;
		struct buf shown, json;

		arena_init(&arena);
		buf_init(&shown, &arena, 1000);
		buf_init(&json, &arena, 1000);
		escape_text(&shown, texts[i].text, strlen(texts[i].text), false);
		escape_json(&json, texts[i].text, strlen(texts[i].text));
		assert_string_equal(shown.bytes, texts[i].shown);
		assert_string_equal(json.bytes, texts[i].json);
		assert_int_equal(escape_width(shown.bytes), texts[i].width);
		arena_release(&arena);
	}
}

static void
test_escape_lines(void **state)
{
	struct arena arena;
	struct buf buf;

	(void)state;
	arena_init(&arena);
	buf_init(&buf, &arena, 1000);
	escape_text(&buf, "a\tb\n\x1b\r", 6, true);
	assert_string_equal(buf.bytes, "a\tb\n\\x1b\\x0d");
	buf_init(&buf, &arena, 1000);
	escape_json_again(&buf, "{\"a\":\"\xc2\x9b\\n\x7f\"}\n", 15);
	assert_string_equal(buf.bytes, "{\"a\":\"\\u009b\\n\\u007f\"}\n");
	arena_release(&arena);
}

static void
test_fit(void **state)
{
	(void)state;
	assert_int_equal(escape_fit("abcdef", 3), 3);
	assert_int_equal(escape_fit("abc", 9), 3);
	assert_int_equal(
		escape_fit("\xe6\x97\xa5\xe6\x9c\xac", 3), 3); /* one wide one and a half */
	assert_int_equal(escape_fit("e\xcc\x81"
				    "f",
				 1),
		3); /* with its accent */
	assert_int_equal(escape_fit("abc", 0), 0);
}

/* ---- tables ---- */

static const struct table_column columns[] = {
	{"id", "ID", TABLE_TEXT, 0},
	{"name", "NAME", TABLE_TEXT, 6},
	{"count", "COUNT", TABLE_INTEGER, 0},
	{"seen_at", "SEEN", TABLE_TIME, 0},
	{NULL, "AGE", TABLE_SPAN, 0},
	{"well", "WELL", TABLE_BOOL, 0},
	{"args", NULL, TABLE_JSON, 0},
	{"note", "NOTE", TABLE_TEXT, 0},
};

/* The table of these rows, as one text that the caller frees. */
static char *
render(bool json, const struct db_value (*rows)[COUNT(columns)], size_t count)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct table table;

	assert_non_null(out);
	table_init(&table, out, json, columns, COUNT(columns));
	for (size_t i = 0; i < count; i++)
		table_add(&table, rows[i]);
	table_release(&table, true);
	fclose(out);
	return text;
}

static void
test_list(void **state)
{
	const struct db_value rows[][COUNT(columns)] = {
		{DB_TEXT("a"), DB_TEXT("short"), DB_INT(7), DB_INT(1500), DB_INT(90), DB_INT(1),
			DB_TEXT("{\"k\":[1,2]}"), DB_TEXT("x\x1by")},
		{DB_TEXT("bb"), DB_TEXT("much too long"), DB_INT(12345678),
			DB_TEXT("2026-11-24T08:15:30.123Z"), DB_INT(7200), DB_INT(0), DB_NULL(),
			DB_NULL()},
	};
	char *people = render(false, rows, 2), *json = render(true, rows, 2);

	(void)state;
	assert_string_equal(people,
		"ID  NAME       COUNT  SEEN                  AGE  WELL  NOTE\n"
		"a   short          7  1970-01-01T00:00:01Z  90s  yes   x\\x1by\n"
		"bb  much \xe2\x80\xa6  12345678  2026-11-24T08:15:30Z  2h   no    -\n");
	assert_string_equal(json, "[\n{\"id\":\"a\",\"name\":\"short\",\"count\":7,\"seen_at\":"
				  "\"1970-01-01T00:00:01.500Z\","
				  "\"well\":true,\"args\":{\"k\":[1,2]},\"note\":\"x\\u001by\"},\n"
				  "{\"id\":\"bb\",\"name\":\"much too long\",\"count\":12345678,"
				  "\"seen_at\":\"2026-11-24T08:15:30.123Z\",\"well\":false,"
				  "\"args\":null,\"note\":null}"
				  "\n]\n");
	free(people);
	free(json);
}

static void
test_empty_list(void **state)
{
	char *people = render(false, NULL, 0), *json = render(true, NULL, 0);

	(void)state;
	assert_string_equal(people, "ID  NAME  COUNT  SEEN  AGE  WELL  NOTE\n");
	assert_string_equal(json, "[]\n");
	for (int as_json = 0; as_json < 2; as_json++) {
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);
		struct table table;

		table_init(&table, out, as_json != 0, columns, COUNT(columns));
		table_release(&table, false); /* something failed */
		fclose(out);
		assert_string_equal(text, "");
		free(text);
	}
	free(people);
	free(json);
}

/* More than a page: one heading, all rows, nothing held back. */
static void
test_pages(void **state)
{
	static const struct table_column one[] = {{"n", "N", TABLE_INTEGER, 0}};
	char *text = NULL, *line, *rest;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct table table;
	int expected = 0;

	(void)state;
	table_init(&table, out, false, one, 1);
	for (int i = 0; i < 1000; i++)
		table_add(&table, (const struct db_value[]){DB_INT(i)});
	table_release(&table, true);
	fclose(out);
	line = strtok_r(text, "\n", &rest);
	assert_string_equal(line, "  N"); /* as wide as the first page wants it */
	while ((line = strtok_r(NULL, "\n", &rest)) != NULL)
		assert_int_equal(strtol(line, NULL, 10), expected++);
	assert_int_equal(expected, 1000);
	free(text);
}

static void
test_show(void **state)
{
	const struct db_value values[COUNT(columns)] = {DB_TEXT("a"), DB_TEXT("n"), DB_INT(1),
		DB_NULL(), DB_INT(86400 * 3), DB_INT(1), DB_TEXT("[]"), DB_TEXT("\x1b")};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	table_show(out, false, columns, COUNT(columns), values);
	table_show(out, true, columns, COUNT(columns), values);
	fclose(out);
	assert_string_equal(text,
		"ID     a\nNAME   n\nCOUNT  1\nSEEN   -\nAGE    3d\nWELL   yes\nNOTE   \\x1b\n"
		"{\"id\":\"a\",\"name\":\"n\",\"count\":1,\"seen_at\":null,\"well\":true,\"args\":["
		"],"
		"\"note\":\"\\u001b\"}\n");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_escape_lines),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_empty_list),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
