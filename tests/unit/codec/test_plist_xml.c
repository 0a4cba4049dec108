/*
 * The XML form: what is read and as what, and what is written.
 */
#include "unit.h"

#include <math.h>

#include "codec/text.h"

#include "plist_data.h"

/* ---- values ---- */

#define S(text) PLIST("<string>" text "</string>"), PLIST_STRING
#define I(text) PLIST("<integer>" text "</integer>"), PLIST_INTEGER
#define R(text) PLIST("<real>" text "</real>"), PLIST_REAL
#define D(text) PLIST("<date>" text "</date>"), PLIST_DATE
#define B(text) PLIST("<data>" text "</data>"), PLIST_DATA

static const struct {
	const char *xml;
	enum plist_type type;
	const char *json;
} values[] = {
	{S(""), "\"\""},
	{PLIST("<string/>"), PLIST_STRING, "\"\""},
	{S(" \tkept\n "), "\" \\tkept\\n \""},
	{S("a\r\nb\rc\n"), "\"a\\nb\\nc\\n\""},
	{S("&#13;&#xD;\n"), "\"\\r\\r\\n\""},
	{S("&amp;&lt;&gt;&quot;&apos;"), "\"&<>\\\"'\""},
	{S("&amp;amp;"), "\"&amp;\""},
	{S("<![CDATA[<a>&amp;]]>]]&gt;<![CDATA[]]>"), "\"<a>&amp;]]>\""},
	{S("a<!-- no <text> -->b<?x y?>c"), "\"abc\""},
	{S("&#x1F34E;&#233;\xc3\xa9\xe2\x82\xac\xf0\x9f\x8d\x8e"),
		"\"\xf0\x9f\x8d\x8e\xc3\xa9\xc3\xa9\xe2\x82\xac\xf0\x9f\x8d\x8e\""},
	{S("\xef\xbf\xbd\xf4\x8f\xbf\xbf\x7f\xc2\x80"),
		"\"\xef\xbf\xbd\xf4\x8f\xbf\xbf\x7f\xc2\x80\""},
	{I("0"), "0"},
	{I("-0"), "0"},
	{I("+7"), "7"},
	{I("007"), "7"},
	{I(" \n\t42\r\n "), "42"},
	{I("<!-- four -->4<![CDATA[2]]>"), "42"},
	{I("9223372036854775807"), "9223372036854775807"},
	{I("9223372036854775808"), "9223372036854775808"},
	{I("18446744073709551615"), "18446744073709551615"},
	{I("-9223372036854775808"), "-9223372036854775808"},
	{I("0x0"), "0"},
	{I("0xfF"), "255"},
	{I("0XffffFFFFffffFFFF"), "18446744073709551615"},
	{I("-0x8000000000000000"), "-9223372036854775808"},
	{R("0"), "0.0"},
	{R("-0"), "-0.0"},
	{R(" 1\n"), "1.0"},
	{R("+.5"), "0.5"},
	{R("5."), "5.0"},
	{R("1E3"), "1000.0"},
	{R("0.1"), "0.1"},
	{R("1.7976931348623157e308"), "1.7976931348623157e+308"},
	{R("4.9e-324"), "4.94065645841247e-324"},
	{R("1e-999"), "0.0"},
	{R("nan"), "\"nan\""},
	{R("-NaN"), "\"nan\""},
	{R("inf"), "\"inf\""},
	{R("+Infinity"), "\"inf\""},
	{R("-INF"), "\"-inf\""},
	{R(" -infinity "), "\"-inf\""},
	{PLIST("<true/>"), PLIST_BOOLEAN, "true"},
	{PLIST("<true></true>"), PLIST_BOOLEAN, "true"},
	{PLIST("<false>\n</false>"), PLIST_BOOLEAN, "false"},
	{D("1970-01-01T00:00:00Z"), "\"1970-01-01T00:00:00Z\""},
	{D("\n2024-02-29T23:59:59Z\n"), "\"2024-02-29T23:59:59Z\""},
	{D("1969-12-31T23:59:59.5Z"), "\"1969-12-31T23:59:59.500Z\""},
	{D("2024-02-29T00:00:00.1239999999999999999999999Z"), "\"2024-02-29T00:00:00.123Z\""},
	{D("0001-01-01T00:00:00Z"), "\"0001-01-01T00:00:00Z\""},
	{D("9999-12-31T23:59:59Z"), "\"9999-12-31T23:59:59Z\""},
	{B(""), "\"\""},
	{PLIST("<data/>"), PLIST_DATA, "\"\""},
	{B(" \r\n\t"), "\"\""},
	{B("\n\tZm 9v\n\tYg==\n\t"), "\"Zm9vYg==\""},
	{B("Zm9vYg"), "\"Zm9vYg==\""},
	{B("AAEC/+8="), "\"AAEC/+8=\""},
	{PLIST("<dict/>"), PLIST_DICT, "{}"},
	{PLIST("<dict> </dict>"), PLIST_DICT, "{}"},
	{PLIST("<array/>"), PLIST_ARRAY, "[]"},
	{PLIST("\n<array>\n</array>\n"), PLIST_ARRAY, "[]"},
	{PLIST("<array><array><dict/></array><true/><string/></array>"), PLIST_ARRAY,
		"[[{}],true,\"\"]"},
	{DICT("<key>b</key><true/><key>a</key><false/>"), PLIST_DICT, "{\"b\":true,\"a\":false}"},
	{DICT("<key/><array/><key> k\n</key><dict/>"), PLIST_DICT, "{\"\":[],\" k\\n\":{}}"},
	{DICT("<key>&lt;<![CDATA[&]]>\xc3\xa9</key><dict/>"), PLIST_DICT, "{\"<&\xc3\xa9\":{}}"},
	/* The same key, but not in one dict; keys that look the same. */
	{DICT("<key>k</key><dict><key>k</key><dict><key>k</key><true/></dict></dict>"), PLIST_DICT,
		"{\"k\":{\"k\":{\"k\":true}}}"},
	{PLIST("<array><dict><key>k</key><true/></dict><dict><key>k</key><true/></dict></array>"),
		PLIST_ARRAY, "[{\"k\":true},{\"k\":true}]"},
	{DICT("<key>k</key><true/><key>K</key><true/><key>k </key><true/>"), PLIST_DICT,
		"{\"k\":true,\"K\":true,\"k \":true}"},
	/* What may be around the root. */
	{"<plist version=\"1.0\"><true/></plist>", PLIST_BOOLEAN, "true"},
	{"<plist version='9'><true/></plist>\n\n", PLIST_BOOLEAN, "true"},
	{"\xef\xbb\xbf<plist><true/></plist>", PLIST_BOOLEAN, "true"},
	{"<!-- a --><?b?>\n<plist><!-- c --><true/><?d?></plist><?e?><!-- f -->", PLIST_BOOLEAN,
		"true"},
	{"<?xml version='1.0' standalone='yes'?><plist><true/></plist>", PLIST_BOOLEAN, "true"},
	{APPLES "<plist><true/></plist>", PLIST_BOOLEAN, "true"},
	{"<!DOCTYPE plist><plist><true/></plist>", PLIST_BOOLEAN, "true"},
	{"<!DOCTYPE plist SYSTEM 'file:///etc/passwd'><plist><true/></plist>", PLIST_BOOLEAN,
		"true"},
	{"<!DOCTYPE plist PUBLIC 'p' 'http://127.0.0.1:9/'><plist><true/></plist>", PLIST_BOOLEAN,
		"true"},
	{"<?oasis-xml-catalog catalog='file:///etc/passwd'?><plist><true/></plist>", PLIST_BOOLEAN,
		"true"},
};

static void
test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		struct plist *plist = read_text(values[i].xml);

		assert_string_equal(as_json(plist), values[i].json);
		assert_int_equal(plist->type, values[i].type);
		assert_null(plist->key);
		assert_null(plist->next);
	}
}

static void
test_values_below_json(void **state)
{
	struct plist *plist = read_text(PLIST("<data>AGEA</data>"));

	(void)state;
	assert_int_equal(plist->as.string.len, 3);
	assert_memory_equal(plist->as.string.bytes, "\0a\0\0", 4);
	plist = read_text(PLIST("<string>\xc3\xa9</string>"));
	assert_int_equal(plist->as.string.len, 2);
	assert_string_equal(plist->as.string.bytes, "\xc3\xa9");
	plist = read_text(PLIST("<integer>-0</integer>"));
	assert_false(plist->as.integer.negative);
	plist = read_text(PLIST("<date>1969-12-31T23:59:59.5Z</date>"));
	assert_int_equal(plist->as.date, -500);
	plist = read_text(DICT("<key>a</key><true/><key>b</key><true/>"));
	assert_int_equal(plist->as.items.count, 2);
	assert_ptr_equal(plist->as.items.last, plist_get(plist, "b"));
}

/* What is read stands alone: the bytes, and the reader, may go. */
static void
test_tree_stands_alone(void **state)
{
	char xml[] = DICT("<key>key</key><string>text</string>");
	struct plist *plist = read_text(xml);

	(void)state;
	memset(xml, 'x', sizeof(xml) - 1);
	assert_reader_is_usable();
	plist_reader_free(reader);
	reader = NULL;
	assert_string_equal(as_json(plist), "{\"key\":\"text\"}");
}

static void
test_files(void **state)
{
	static const char *const same[] = {
		"types-bom.plist",
		"types-sorted.plist",
		"types-utf16-undeclared.plist",
		"types-utf16be-bom.plist",
		"types-utf16be.plist",
		"types-utf16le-bom.plist",
		"types-utf16le.plist",
		"types.plist",
	};
	struct plist *types = read_file("types.plist");
	size_t len;

	(void)state;
	assert_string_equal(as_json(types), data_read(&arena, "plist/types.json", &len));
	for (size_t i = 0; i < COUNT(same); i++)
		if (!plist_equal(read_file(same[i]), types))
			fail_msg("%s", same[i]);
	assert_string_equal(as_json(read_file("idle.plist")),
		"{\"Status\":\"Idle\",\"UDID\":\"7B0C7A0E-6C1D-4A53-9B0C-0D4F5B1E7A11\"}");
}

/* What no program of Apple's writes; odd.json has a line for each key. */
static void
test_odd_file(void **state)
{
	struct buf lines = empty_buf();
	size_t len;

	(void)state;
	for (const char *p = data_read(&arena, "plist/odd.json", &len); *p != '\0'; p++)
		if (*p != '\n')
			buf_byte(&lines, *p);
	assert_string_equal(as_json(read_file("odd.plist")), lines.bytes);
}

/* ---- encodings ---- */

enum encoding { UTF8, UTF16LE, UTF16BE };

/* UTF-16 of TEXT, which is in UTF-8; UTF-8 stays. */
static struct buf
encode(const char *text, enum encoding encoding, bool bom)
{
	struct buf buf = empty_buf();

	if (bom)
		text = arena_printf(&arena, "\xef\xbb\xbf%s", text);
	for (size_t n, left = strlen(text); left > 0; text += n, left -= n) {
		uint32_t code, units[2];

		n = text_utf8_next(text, left, &code);
		assert_true(n > 0);
		if (encoding == UTF8) {
			buf_add(&buf, text, n);
			continue;
		}
		units[0] = code < 0x10000 ? code : 0xd800 + ((code - 0x10000) >> 10);
		units[1] = 0xdc00 + (code & 0x3ff);
		for (int i = 0; i < (code < 0x10000 ? 1 : 2); i++) {
			buf_byte(&buf, (char)(encoding == UTF16LE ? units[i] : units[i] >> 8));
			buf_byte(&buf, (char)(encoding == UTF16LE ? units[i] >> 8 : units[i]));
		}
	}
	return buf;
}

static const struct {
	enum encoding encoding;
	bool bom;
	const char *declared; /* "": a declaration without an encoding; NULL: no declaration */
	const char *refused;  /* the reason; NULL: it is taken */
} encodings[] = {
	{UTF8, false, NULL, NULL},
	{UTF8, false, "", NULL},
	{UTF8, false, "UTF-8", NULL},
	{UTF8, false, "utf-8", NULL},
	{UTF8, true, NULL, NULL},
	{UTF8, true, "UTF-8", NULL},
	{UTF8, false, "UTF-16", "the declaration names another encoding than UTF-8"},
	{UTF8, true, "UTF-16LE", "the declaration names another encoding than UTF-8"},
	{UTF8, false, "ISO-8859-1", "the declaration names another encoding than UTF-8"},
	{UTF8, false, "UTF-7", "the declaration names another encoding than UTF-8"},
	{UTF8, false, "no-such", "the declaration names another encoding than UTF-8"},
	{UTF16LE, false, NULL, "U+0000"}, /* nothing tells what it is */
	{UTF16LE, false, "", NULL},
	{UTF16LE, false, "UTF-16", NULL},
	{UTF16LE, false, "utf-16le", NULL},
	{UTF16LE, false, "UTF-16BE", "the declaration names another encoding than UTF-16LE"},
	{UTF16LE, false, "UTF-8", "the declaration names another encoding than UTF-16LE"},
	{UTF16LE, true, NULL, NULL},
	{UTF16LE, true, "", NULL},
	{UTF16LE, true, "UTF-16", NULL},
	{UTF16LE, true, "UTF-16LE", NULL},
	{UTF16LE, true, "UTF-16BE", "the declaration names another encoding than UTF-16LE"},
	{UTF16LE, true, "UTF-8", "the declaration names another encoding than UTF-16LE"},
	{UTF16BE, false, NULL, "U+0000"},
	{UTF16BE, false, "", NULL},
	{UTF16BE, false, "UTF-16", NULL},
	{UTF16BE, false, "UTF-16BE", NULL},
	{UTF16BE, false, "UTF-16LE", "the declaration names another encoding than UTF-16BE"},
	{UTF16BE, true, NULL, NULL},
	{UTF16BE, true, "Utf-16", NULL},
	{UTF16BE, true, "UTF-16BE", NULL},
	{UTF16BE, true, "UCS-2", "the declaration names another encoding than UTF-16BE"},
};

/* A document in the encoding of the row, with what is in <string> given. */
static struct buf
encoded(size_t row, const char *string)
{
	const char *declared = encodings[row].declared, *declaration = "";

	if (declared != NULL && declared[0] == '\0')
		declaration = "<?xml version=\"1.0\"?>";
	else if (declared != NULL)
		declaration =
			arena_printf(&arena, "<?xml version=\"1.0\" encoding=\"%s\"?>", declared);
	return encode(
		arena_printf(&arena, "%s<plist><string>%s</string></plist>", declaration, string),
		encodings[row].encoding, encodings[row].bom);
}

static void
test_encodings(void **state)
{
	const char *string = "a\xc3\xa9\xe6\x97\xa5\xef\xbf\xbd\xf0\x9f\x8d\x8ez";

	(void)state;
	for (size_t i = 0; i < COUNT(encodings); i++) {
		struct buf buf = encoded(i, string);

		if (encodings[i].refused != NULL) {
			assert_refused(buf.bytes, buf.len, ERR_BAD_INPUT, 1, encodings[i].refused);
			continue;
		}
		assert_string_equal(read_bytes(buf.bytes, buf.len)->as.string.bytes, string);
		assert_reader_is_usable();
	}
}

static void
test_lines_of_utf16(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(encodings); i++) {
		struct buf buf = encoded(i, "\n\n</string>\n<true/><string>");

		if (encodings[i].refused == NULL)
			assert_refused(
				buf.bytes, buf.len, ERR_BAD_INPUT, 4, "<true> is a second root");
	}
}

/* ---- writing ---- */

#define WRITTEN(root) APPLES "<plist version=\"1.0\">\n" root "</plist>\n"

/* As Apple's plutil and Python's plistlib write it. */
static void
test_layout(void **state)
{
	static const char unsorted[] = WRITTEN("<dict>\n"
					       "\t<key>b</key>\n"
					       "\t<string>&lt;&amp;&gt;\"'\n</string>\n"
					       "\t<key>a&amp;</key>\n"
					       "\t<array>\n"
					       "\t\t<true/>\n"
					       "\t\t<false/>\n"
					       "\t\t<integer>-5</integer>\n"
					       "\t\t<real>0.5</real>\n"
					       "\t\t<date>1970-01-01T00:00:01Z</date>\n"
					       "\t\t<data>\n"
					       "\t\tAAE=\n"
					       "\t\t</data>\n"
					       "\t\t<array/>\n"
					       "\t</array>\n"
					       "\t<key></key>\n"
					       "\t<dict/>\n"
					       "</dict>\n");
	static const char sorted[] = WRITTEN("<dict>\n"
					     "\t<key></key>\n"
					     "\t<dict/>\n"
					     "\t<key>a</key>\n"
					     "\t<true/>\n"
					     "\t<key>b</key>\n"
					     "\t<string></string>\n"
					     "\t<key>\xc3\xa9</key>\n"
					     "\t<data>\n"
					     "\t</data>\n"
					     "</dict>\n");
	struct plist *dict = plist_dict(&arena), *array = plist_array(&arena);

	(void)state;
	plist_append(array, plist_boolean(&arena, true));
	plist_append(array, plist_boolean(&arena, false));
	plist_append(array, plist_integer(&arena, -5));
	plist_append(array, plist_real(&arena, 0.5));
	plist_append(array, plist_date(&arena, 1999));
	plist_append(array, plist_data(&arena, "\0\1", 2));
	plist_append(array, plist_array(&arena));
	plist_set(&arena, dict, "b", plist_string(&arena, "<&>\"'\n"));
	plist_set(&arena, dict, "a&", array);
	plist_set(&arena, dict, "", plist_dict(&arena));
	assert_string_equal(as_xml(dict, false), unsorted);

	dict = plist_dict(&arena);
	plist_set(&arena, dict, "\xc3\xa9", plist_data(&arena, "", 0));
	plist_set(&arena, dict, "b", plist_string(&arena, ""));
	plist_set(&arena, dict, "", plist_dict(&arena));
	plist_set(&arena, dict, "a", plist_boolean(&arena, true));
	assert_string_equal(as_xml(dict, true), sorted);
}

/* What Python's plistlib has written, byte for byte. */
static void
test_layout_of_files(void **state)
{
	struct plist *types = read_file("types.plist"), *idle = read_file("idle.plist");
	size_t len;

	(void)state;
	assert_string_equal(as_xml(types, false), data_read(&arena, "plist/types.plist", &len));
	assert_string_equal(
		as_xml(types, true), data_read(&arena, "plist/types-sorted.plist", &len));
	assert_string_equal(as_xml(idle, false), data_read(&arena, "plist/idle.plist", &len));
}

/* What XML cannot say. */
static void
test_written_instead(void **state)
{
	static const struct {
		const char *string, *xml;
	} rows[] = {
		{"a\rb\r\n", "a&#13;b&#13;\n"},
		{"\t\x01\x1f\x7f", "\t\xef\xbf\xbd\xef\xbf\xbd\x7f"},
		{"\xef\xbf\xbe\xef\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xff \xc3", "\xef\xbf\xbd \xef\xbf\xbd"},
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *xml = as_xml(plist_string(&arena, rows[i].string), false);

		assert_string_equal(
			xml, arena_printf(&arena, WRITTEN("<string>%s</string>\n"), rows[i].xml));
		read_text(xml);
	}
}

static void
test_written_dates(void **state)
{
	static const struct {
		int64_t ms;
		const char *xml;
	} rows[] = {
		{0, "1970-01-01T00:00:00Z"},
		{999, "1970-01-01T00:00:00Z"},
		{-1, "1969-12-31T23:59:59Z"},
		{-1000, "1969-12-31T23:59:59Z"},
		{-1001, "1969-12-31T23:59:58Z"},
		{INT64_C(253402300799999), "9999-12-31T23:59:59Z"},
		{INT64_C(253402300800000), "9999-12-31T23:59:59Z"},
		{INT64_MAX, "9999-12-31T23:59:59Z"},
		{INT64_C(-62135596800000), "0001-01-01T00:00:00Z"},
		{INT64_C(-62135596800001), "0001-01-01T00:00:00Z"},
		{INT64_MIN, "0001-01-01T00:00:00Z"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(as_xml(plist_date(&arena, rows[i].ms), false),
			arena_printf(&arena, WRITTEN("<date>%s</date>\n"), rows[i].xml));
}

static void
test_written_reals(void **state)
{
	static const struct {
		double value;
		const char *xml;
	} rows[] = {
		{0, "0"},
		{-0.0, "-0"},
		{1, "1"},
		{0.1, "0.1"},
		{1.0 / 3, "0.3333333333333333"},
		{0.1 + 0.2, "0.30000000000000004"},
		{1e21, "1e+21"},
		{NAN, "nan"},
		{INFINITY, "+infinity"},
		{-INFINITY, "-infinity"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct plist *real = plist_real(&arena, rows[i].value);
		const char *xml = as_xml(real, false);

		assert_string_equal(
			xml, arena_printf(&arena, WRITTEN("<real>%s</real>\n"), rows[i].xml));
		assert_true(plist_equal(read_text(xml), real));
	}
}

/* Lines of base64 become shorter with the indentation, down to 16 columns. */
static void
test_written_data(void **state)
{
	static const int columns[] = {76, 68, 60, 52, 44, 36, 28, 20, 16, 16, 16, 16};

	(void)state;
	for (int depth = 0; depth < (int)COUNT(columns); depth++) {
		struct plist *root = plist_data(&arena,
			"0123456789012345678901234567890123456789"
			"01234567890123456789",
			60);
		const char *line;

		for (int i = 0; i < depth; i++) {
			struct plist *outer = plist_array(&arena);

			plist_append(outer, root);
			root = outer;
		}
		line = strstr(as_xml(root, false), "<data>\n") + strlen("<data>\n");
		assert_int_equal(strspn(line, "\t"), depth);
		assert_int_equal(strcspn(line + depth, "\n"), columns[depth]);
		assert_true(plist_equal(read_text(as_xml(root, false)), root));
	}
}

static void
test_writer_keeps_the_cap(void **state)
{
	struct plist *types = read_file("types.plist");
	size_t whole = strlen(as_xml(types, false));
	struct buf buf;

	(void)state;
	for (size_t cap = 0; cap <= whole; cap += 97) {
		buf_init(&buf, &arena, cap);
		plist_write_xml(&buf, types, true);
		assert_true(buf.full);
		assert_true(buf.len <= cap);
	}
	buf_init(&buf, &arena, whole);
	plist_write_xml(&buf, types, true);
	assert_false(buf.full);
}

/* ---- there and back ---- */

static void
test_round_trip(void **state)
{
	struct plist *trees[COUNT(values)];

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		struct plist *back;

		trees[i] = read_text(values[i].xml);
		if (trees[i]->type == PLIST_DATE)
			trees[i]->as.date -= (trees[i]->as.date % 1000 + 1000) % 1000;
		back = read_text(as_xml(trees[i], false));
		assert_true(plist_equal(back, trees[i]));
		assert_string_equal(as_xml(back, false), as_xml(trees[i], false));
		assert_true(plist_equal(read_text(as_xml(trees[i], true)), trees[i]));
	}
}

static void
add_utf8(struct buf *buf, uint32_t code)
{
	static const uint32_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};
	int n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	buf_byte(buf, (char)(first[n] | code >> (6 * (n - 1))));
	for (int shift = 6 * (n - 2); shift >= 0; shift -= 6)
		buf_byte(buf, (char)(0x80 | (code >> shift & 0x3f)));
}

static void
test_round_trip_of_all_characters(void **state)
{
	struct buf text = empty_buf();
	struct plist *string, *back;

	(void)state;
	for (uint32_t code = 1; code < 0x110000; code++)
		if (text_is_xml_char(code))
			add_utf8(&text, code);
	string = plist_string_len(&arena, text.bytes, text.len);
	back = read_text(as_xml(string, false));
	assert_int_equal(back->as.string.len, text.len);
	assert_true(plist_equal(back, string));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_values_below_json, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tree_stands_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_odd_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_encodings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lines_of_utf16, setup, teardown),
		cmocka_unit_test_setup_teardown(test_layout, setup, teardown),
		cmocka_unit_test_setup_teardown(test_layout_of_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_written_instead, setup, teardown),
		cmocka_unit_test_setup_teardown(test_written_dates, setup, teardown),
		cmocka_unit_test_setup_teardown(test_written_reals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_written_data, setup, teardown),
		cmocka_unit_test_setup_teardown(test_writer_keeps_the_cap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_round_trip_of_all_characters, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
