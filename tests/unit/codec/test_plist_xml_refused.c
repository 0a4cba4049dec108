/*
 * The XML form: what is refused, and why; after each the reader is as good as new.
 */
#include "unit.h"

#include "plist_data.h"

/* ---- not in a shape to be parsed ---- */

static const struct {
	const char *bytes;
	size_t len;
	int line;
	const char *says;
} bad_bytes[] = {
	{BYTES(PLIST("\n<string>\xff</string>")), 2, NULL},
	{BYTES(PLIST("\n<string>\xc3(</string>")), 2, NULL},
	{BYTES(PLIST("\n<string>\xc0\x80</string>")), 2, NULL},
	{BYTES(PLIST("\n<string>\xed\xa0\x80</string>")), 2, NULL},
	{BYTES(PLIST("\n<string>\xf4\x90\x80\x80</string>")), 2, NULL},
	{BYTES(PLIST("\n<string>\xef\xbf\xbe</string>")), 2, "a character that XML does not allow"},
	{BYTES(PLIST("\n<string>\x01</string>")), 2, "a character that XML does not allow"},
	{BYTES(PLIST("\n<string>a\0b</string>")), 2, "U+0000"},
	{BYTES("\0"), 1, "U+0000"},
	{BYTES(PLIST("<true/>") "\n\n\0"), 3, "U+0000"},
	{BYTES("\xff\xfe<\0p\0\n\0\0\0"), 2, "U+0000"},
	{BYTES("\xff\xfe\0\0<\0\0\0"), 1, "U+0000"}, /* UTF-32 */
	{BYTES("\xff\xfe<\0p\0l"), 1, "UTF-16 that ends in a character"},
	{BYTES("\xfe\xff\0<\xd8\x3c"), 1, "UTF-16 that ends in a character"},
	{BYTES("\xff\xfe\x3c\xd8"), 1, "UTF-16 that ends in a character"},
	{BYTES("\xff\xfe<\0p\0l\0i\0s\0t\0>\0<\0\x3c\xd8<\0/\0"), 1, NULL}, /* half a pair */
	{BYTES(""), 1, "there is nothing"},
	{BYTES("\xef\xbb\xbf"), 1, "there is nothing"},
	{BYTES("\xff\xfe"), 1, "there is nothing"},
	{BYTES("bplist00\xd0\x08\0\0"), 1, "a binary plist; only XML is read"},
	{BYTES("bplist"), 1, "a binary plist; only XML is read"},
	{BYTES("\xef\xbb\xbf"
	       "bplist00"),
		1, "a binary plist; only XML is read"},
};

static void
test_bad_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad_bytes); i++)
		assert_refused(bad_bytes[i].bytes, bad_bytes[i].len, ERR_BAD_INPUT,
			bad_bytes[i].line, bad_bytes[i].says);
}

/* ---- what is refused ---- */

static const struct {
	const char *xml;
	int line;
	const char *says; /* NULL: in libxml2's words */
} refused[] = {
	/* DTDs, entities */
	{"\n<!DOCTYPE plist [\n]><plist><true/></plist>", 2, "the DOCTYPE has an internal subset"},
	{"<!DOCTYPE plist []><plist><true/></plist>", 1, "the DOCTYPE has an internal subset"},
	{"<!DOCTYPE plist SYSTEM 'x' [ <!ENTITY a 'b'> ]><plist><string>&a;</string></plist>", 1,
		"the DOCTYPE has an internal subset"},
	{"<!DOCTYPE plist PUBLIC 'x' 'y'\n[<!ATTLIST dict a CDATA 'b'>]><plist><dict/></plist>", 2,
		"the DOCTYPE has an internal subset"},
	/* libxml2 itself takes this for a subset, although the DOCTYPE ends before */
	{"<!DOCTYPE plist>[]><plist><true/></plist>", 1, "the DOCTYPE has an internal subset"},
	{"<!DOCTYPE plist SYSTEM 'x'>[<!ENTITY a 'b'>]><plist><true/></plist>", 1,
		"the DOCTYPE has an internal subset"},
	{PLIST("\n<string>&nbsp;</string>"), 2, "the entity \"nbsp\" is none of the five of XML"},
	{PLIST("\n\n&other;<true/>"), 3, "the entity \"other\" is none of the five of XML"},
	{"<!DOCTYPE plist SYSTEM 'file:///e.dtd'>\n" PLIST("<string>&e;</string>"), 2,
		"the entity \"e\" is none of the five of XML"},
	{PLIST("<string>&#0;</string>"), 1, "a character that XML does not allow"},
	{PLIST("<string>\n&#x1;</string>"), 2, "a character that XML does not allow"},
	{PLIST("<string>&#xD800;</string>"), 1, "a character that XML does not allow"},
	{PLIST("<string>&#x110000;</string>"), 1, "a character that XML does not allow"},
	{PLIST("<string>a & b</string>"), 1, NULL},
	/* elements */
	{PLIST("\n<null/>"), 2, "<null> is no element of a plist"},
	{PLIST("<Dict/>"), 1, "<Dict> is no element of a plist"},
	{"<html/>", 1, "<html> is no element of a plist"},
	{"<dict/>", 1, "the root is <dict> and not <plist>"},
	{PLIST("<plist><true/></plist>"), 1, "<plist> inside <plist>"},
	{PLIST("<array>\n<plist/></array>"), 2, "<plist> inside <plist>"},
	{PLIST("<string>\n<true/></string>"), 2, "<true> inside <string>"},
	{DICT("<key>a<string/></key>"), 1, "<string> inside <key>"},
	{PLIST("<true><true/></true>"), 1, "<true> inside <true>"},
	{PLIST("<key>a</key>"), 1, "<key> outside of a <dict>"},
	{PLIST("<array><key>a</key></array>"), 1, "<key> outside of a <dict>"},
	{PLIST("<dict a='b'/>"), 1, "<dict> has an attribute \"a\""},
	{"<plist\nencoding='x'><true/></plist>", 2, "<plist> has an attribute \"encoding\""},
	{PLIST("<p:dict xmlns:p='x'/>"), 1, "<p:dict> is in a namespace"},
	{PLIST("<dict xmlns='x'/>"), 1, "<dict> declares a namespace"},
	{"<plist xmlns:p='x' p:version='1.0'><true/></plist>", 1, "<plist> declares a namespace"},
	/* text where none belongs */
	{PLIST("stray<true/>"), 1, "text between elements"},
	{PLIST("<true/>\nstray"), 2, "text between elements"},
	{PLIST("<array>\n<true/>,<true/></array>"), 2, "text between elements"},
	{DICT("<key>a</key>=<true/>"), 1, "text between elements"},
	{PLIST("<dict><![CDATA[x]]></dict>"), 1, "text between elements"},
	{PLIST("&#160;<true/>"), 1, "text between elements"},
	{"stray" PLIST("<true/>"), 1, "this is not XML"},
	{PLIST("<true/>") "\nstray", 2, NULL},
	{PLIST("<true>yes</true>"), 1, "text inside <true>"},
	{PLIST("\n<false>\nno\n</false>"), 2, "text inside <false>"},
	/* roots */
	{PLIST("<true/>\n<false/>"), 2, "<false> is a second root"},
	{PLIST("<dict/><dict/>"), 1, "<dict> is a second root"},
	{PLIST("<true/>") "\n" PLIST("<true/>"), 2, NULL},
	{PLIST("<true/>") "<!-- "
			  "\n-"
			  "- -->",
		2, NULL},
	{"<plist/>", 1, "<plist> holds no value"},
	{"\n<plist>\n</plist>", 3, "<plist> holds no value"},
	/* keys */
	{DICT("<key>a</key>"), 1, "the key \"a\" has no value"},
	{DICT("<key>a</key>\n<key>b</key><true/>"), 2, "the key \"a\" has no value"},
	{DICT("<true/>"), 1, "<true> has no key"},
	{DICT("<key>a</key><true/>\n<dict/>"), 2, "<dict> has no key"},
	{DICT("<key>a</key><true/>\n<key>a</key><true/>"), 2, "the key \"a\" occurs twice"},
	{DICT("<key/><true/><key></key><true/>"), 1, "the key \"\" occurs twice"},
	{DICT("<key>&lt;</key><true/><key><![CDATA[<]]></key><true/>"), 1,
		"the key \"<\" occurs twice"},
	/* not of the type */
	{PLIST("\n<integer>\n\n</integer>"), 2, "<integer> is not an integer"},
	{PLIST("<integer/>"), 1, "<integer> is not an integer"},
	{PLIST("<integer>1.0</integer>"), 1, "<integer> is not an integer"},
	{PLIST("<integer>1 2</integer>"), 1, "<integer> is not an integer"},
	{PLIST("<integer>- 1</integer>"), 1, "<integer> is not an integer"},
	{PLIST("<integer>+-1</integer>"), 1, "<integer> is not an integer"},
	{PLIST("<integer>0x</integer>"), 1, "<integer> is not an integer"},
	{PLIST("<integer>0xg</integer>"), 1, "<integer> is not an integer"},
	{PLIST("<integer>ff</integer>"), 1, "<integer> is not an integer"},
	{PLIST("<integer>\xd9\xa1</integer>"), 1, "<integer> is not an integer"},
	{PLIST("<integer>18446744073709551616</integer>"), 1,
		"<integer> is outside of -2^63 to 2^64-1"},
	{PLIST("<integer>-9223372036854775809</integer>"), 1,
		"<integer> is outside of -2^63 to 2^64-1"},
	{PLIST("<integer>0x10000000000000000</integer>"), 1,
		"<integer> is outside of -2^63 to 2^64-1"},
	{PLIST("<integer>99999999999999999999999999999999999999999</integer>"), 1,
		"<integer> is outside of -2^63 to 2^64-1"},
	{PLIST("<real/>"), 1, "<real> is not a number"},
	{PLIST("<real>.</real>"), 1, "<real> is not a number"},
	{PLIST("<real>1e</real>"), 1, "<real> is not a number"},
	{PLIST("<real>1,5</real>"), 1, "<real> is not a number"},
	{PLIST("<real>0x1p3</real>"), 1, "<real> is not a number"},
	{PLIST("<real>nan(1)</real>"), 1, "<real> is not a number"},
	{PLIST("<real>infinite</real>"), 1, "<real> is not a number"},
	{PLIST("<real>1e309</real>"), 1, "<real> is too large"},
	{PLIST("<real>-1e999</real>"), 1, "<real> is too large"},
	{PLIST("\n<date>\nnow</date>"), 2, "<date> is not a date like 2026-11-24T08:15:30Z"},
	{PLIST("<date/>"), 1, "<date> is not a date"},
	{PLIST("<date>2026-11-24</date>"), 1, "<date> is not a date"},
	{PLIST("<date>2026-11-24T08:15:30</date>"), 1, "<date> is not a date"},
	{PLIST("<date>2026-11-24T08:15:30+00:00</date>"), 1, "<date> is not a date"},
	{PLIST("<date>2026-11-24 08:15:30Z</date>"), 1, "<date> is not a date"},
	{PLIST("<date>2026-11-24T08:15:30.Z</date>"), 1, "<date> is not a date"},
	{PLIST("<date>2026-11-24T08:15:30ZZ</date>"), 1, "<date> is not a date"},
	{PLIST("<date>2025-02-29T00:00:00Z</date>"), 1, "<date> is not a date"},
	{PLIST("<date>2026-13-01T00:00:00Z</date>"), 1, "<date> is not a date"},
	{PLIST("<date>2026-01-01T24:00:00Z</date>"), 1, "<date> is not a date"},
	{PLIST("<date>0000-01-01T00:00:00Z</date>"), 1, "<date> is not a date"},
	{PLIST("<date>10000-01-01T00:00:00Z</date>"), 1, "<date> is not a date"},
	{PLIST("\n\n<data>\n!</data>"), 3, "<data> is not base64"},
	{PLIST("<data>Z</data>"), 1, "<data> is not base64"},
	{PLIST("<data>Zg==Zg==</data>"), 1, "<data> is not base64"},
	{PLIST("<data>Zm9-</data>"), 1, "<data> is not base64"},
	/* cut off, or not XML at all */
	{"<", 1, NULL},
	{" \n", 2, "the document ends too early"},
	{"<!DOCTYPE plist", 1, NULL},
	{"<plist>\n<dict>\n", 2, "the document ends too early"},
	{"<plist>\n<string>abc", 2, "the document ends too early"},
	{PLIST("\n<dict></array>"), 2, NULL},
	{PLIST("<string><![CDATA[a</string>"), 1, NULL},
	{"\n<?xml version=\"1.0\"?>" PLIST("<true/>"), 2, NULL},
	{"<?xml version=\"1.0\" encoding=\"UTF-8?>" PLIST("<true/>"), 1, "the declaration names"},
	{"{\"a\": 1}", 1, "this is not XML"},
};

static void
test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++)
		assert_refused(refused[i].xml, strlen(refused[i].xml), ERR_BAD_INPUT,
			refused[i].line, refused[i].says);
}

static void
test_refused_files(void **state)
{
	static const char *const names[] = {"plist/bomb.plist", "plist/external.plist"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		size_t len;
		char *bytes = data_read(&arena, names[i], &len);

		assert_refused(bytes, len, ERR_BAD_INPUT, 2, "the DOCTYPE has an internal subset");
	}
}

/* The same, wherever it falls in what libxml2 is given at once. */
static void
test_subset_behind_the_doctype(void **state)
{
	(void)state;
	for (int pad = 3900; pad < 4200; pad++) {
		const char *xml = arena_printf(&arena,
			"<!--%*s--><!DOCTYPE plist>[<!ENTITY a 'b'>]>" PLIST("<true/>"), pad, "");

		assert_refused(xml, strlen(xml), ERR_BAD_INPUT, 1, NULL);
	}
}

/* Each begin of a document is too little of it, but for the one without the last line feed. */
static void
test_truncated(void **state)
{
	static const char *const names[] = {"plist/types.plist", "plist/types-utf16be.plist"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		size_t len;
		char *whole = data_read(&arena, names[i], &len);
		struct arena kept = arena;

		arena_init(&arena);
		for (size_t n = 0; n < len - i - 1; n++) {
			char *bytes = malloc(n + 1); /* its end is the end, for AddressSanitizer */

			memcpy(bytes, whole, n);
			bytes[n] = '\0';
			assert_refused(bytes, n, ERR_BAD_INPUT, 0, NULL);
			free(bytes);
			arena_reset(&arena);
		}
		read_bytes(whole, len - i - 1);
		arena_release(&arena);
		arena = kept;
	}
}

/* ---- keys ---- */

/* COUNT keys, a line for each, and then the one of number AGAIN once more. */
static struct buf
dict_with_twins(int count, int again)
{
	struct buf buf = empty_buf();

	buf_str(&buf, "<plist><dict>\n");
	for (int i = 0; i < count; i++)
		buf_printf(&buf, "<key>key %d</key><true/>\n", i);
	if (again >= 0)
		buf_printf(&buf, "<key>key %d</key><true/>\n", again);
	buf_str(&buf, "</dict></plist>\n");
	return buf;
}

/* Counts around those at which the table of keys begins and grows. */
static void
test_twin_keys(void **state)
{
	static const int counts[] = {
		1, 2, 14, 15, 16, 17, 18, 31, 32, 33, 63, 64, 65, 66, 127, 128, 129, 1000, 20000};

	(void)state;
	for (size_t i = 0; i < COUNT(counts); i++) {
		int again[] = {0, 14, 15, 16, counts[i] / 2, counts[i] - 1};
		struct buf buf = dict_with_twins(counts[i], -1);

		assert_int_equal(read_bytes(buf.bytes, buf.len)->as.items.count, counts[i]);
		for (size_t j = 0; j < COUNT(again); j++) {
			if (again[j] >= counts[i])
				continue;
			buf = dict_with_twins(counts[i], again[j]);
			assert_refused(buf.bytes, buf.len, ERR_BAD_INPUT, counts[i] + 2,
				arena_printf(&arena, "the key \"key %d\" occurs twice", again[j]));
		}
	}
}

/* ---- caps ---- */

/* BEFORE, INSIDE so many times, BEHIND. */
static struct buf
repeated(const char *before, const char *inside, int times, const char *behind)
{
	struct buf buf = empty_buf();

	buf_str(&buf, before);
	for (int i = 0; i < times; i++)
		buf_str(&buf, inside);
	buf_str(&buf, behind);
	return buf;
}

/* DEPTH arrays within each other. */
static struct buf
deep(int depth)
{
	struct buf buf = repeated("<plist>", "<array>", depth, "");

	for (int i = 0; i < depth; i++)
		buf_str(&buf, "</array>");
	buf_str(&buf, "</plist>");
	return buf;
}

static void
test_default_caps(void **state)
{
	enum { BYTES_MOST = 16 << 20, NODES_MOST = 500000, DEPTH_MOST = 64 };
	struct buf buf = deep(DEPTH_MOST);

	(void)state;
	read_bytes(buf.bytes, buf.len);
	buf = deep(DEPTH_MOST + 1);
	assert_refused(buf.bytes, buf.len, ERR_BAD_INPUT, 1, "more than 64 levels");
	buf = deep(100000);
	assert_refused(buf.bytes, buf.len, ERR_BAD_INPUT, 1, "more than 64 levels");

	buf = repeated("<plist><array>", "<true/>", NODES_MOST - 1, "</array></plist>");
	assert_int_equal(read_bytes(buf.bytes, buf.len)->as.items.count, NODES_MOST - 1);
	buf = repeated("<plist><array>\n", "<true/>", NODES_MOST, "</array></plist>");
	assert_refused(buf.bytes, buf.len, ERR_TOO_LARGE, 2, "more than 500000 values");

	buf = repeated(PLIST("<true/>"), " ", BYTES_MOST - (int)strlen(PLIST("<true/>")), "");
	read_bytes(buf.bytes, buf.len);
	buf_byte(&buf, '\n');
	assert_refused(buf.bytes, buf.len, ERR_TOO_LARGE, 1, "more than 16777216 bytes");
}

static void
test_own_caps(void **state)
{
	static const struct {
		const char *xml;
		enum err_kind kind;
		const char *says; /* NULL: it is taken */
	} rows[] = {
		{PLIST("<true/>"), ERR_OK, NULL},
		{PLIST("<array><array/></array>"), ERR_OK, NULL},
		{PLIST("<array><array/><array/></array>"), ERR_OK, NULL},
		{DICT("<key>a</key><true/><key>b</key><dict/>"), ERR_OK, NULL},
		{PLIST("<array><array><true/></array></array>"), ERR_OK, NULL},
		{PLIST("<array><array><dict/></array></array>"), ERR_BAD_INPUT,
			"more than 2 levels"},
		{PLIST("<array><true/><true/><true/></array>"), ERR_TOO_LARGE,
			"more than 3 values"},
		{DICT("<key>a</key><true/><key>b</key><true/><key>c</key><true/>"), ERR_TOO_LARGE,
			"more than 3 values"},
		{APPLES PLIST("<string>0123456789</string>"), ERR_TOO_LARGE, "more than 100 bytes"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *xml = rows[i].xml;
		struct plist_reader *small = plist_reader_new(
			(struct plist_limits){.max_bytes = 100, .max_nodes = 3, .max_depth = 2});
		struct plist *plist;
		struct err err = {0};

		for (int again = 0; again < 2; again++) {
			assert_int_equal(
				plist_read_xml(small, &arena, xml, strlen(xml), &plist, &err),
				rows[i].kind);
			if (rows[i].says != NULL)
				assert_string_equal(err.message,
					arena_printf(&arena, "line 1: %s", rows[i].says));
		}
		plist_reader_free(small);
	}
}

/* What is read as a whole has a cap of its own; text, which is not, has none but the message's. */
static void
test_long_parts(void **state)
{
	enum { MEGA = 1 << 20 };
	struct buf buf =
		repeated("<plist><string>", "0123456789abcde\n", MEGA / 4, "</string></plist>");

	(void)state;
	assert_int_equal(read_bytes(buf.bytes, buf.len)->as.string.len, 4 * MEGA);
	buf = repeated("<!-- ", "0123456789abcde\n", MEGA / 32, "-->" PLIST("<true/>"));
	read_bytes(buf.bytes, buf.len);

	buf = repeated("<!-- ", "0123456789abcdef", MEGA / 8, "-->" PLIST("<true/>"));
	assert_refused(buf.bytes, buf.len, ERR_TOO_LARGE, 1, "a comment, CDATA section or entity");
	buf = repeated("<plist", " ", 40000, "><true/></plist>");
	assert_refused(buf.bytes, buf.len, ERR_TOO_LARGE, 1, "a tag is too long");
	buf = repeated("<", "plist", 10000, "/>");
	assert_refused(buf.bytes, buf.len, ERR_TOO_LARGE, 1, "a tag is too long");
	buf = repeated("<?x ", "0123456789abcdef", MEGA / 8, "?>" PLIST("<true/>"));
	assert_refused(buf.bytes, buf.len, ERR_TOO_LARGE, 1, "a comment, CDATA section or entity");

	buf = empty_buf();
	for (int i = 0; i < 100000; i++)
		buf_printf(&buf, "<?name-%d?>", i);
	assert_refused(buf.bytes, buf.len, ERR_TOO_LARGE, 1, "too many names");
}

/* The line counts far into a message, too. */
static void
test_far_lines(void **state)
{
	struct buf buf =
		repeated("<plist><array>\n", "<true/>\n", 100000, "<null/></array></plist>");

	(void)state;
	assert_refused(buf.bytes, buf.len, ERR_BAD_INPUT, 100002, "<null> is no element");
}

/* ---- messages ---- */

/* A message goes into the log, and what is refused may hold a secret. */
static void
test_no_value_in_a_message(void **state)
{
	static const char *const secrets[] = {
		PLIST("<integer>s3cret</integer>"),
		PLIST("<real>s3cret</real>"),
		PLIST("<date>s3cret</date>"),
		PLIST("<data>!s3cret</data>"),
		PLIST("<true>s3cret</true>"),
		PLIST("<string>s3cret<true/></string>"),
		PLIST("<string>s3cret & s3cret</string>"),
		PLIST("<string>s3cret\x01s3cret</string>"),
		PLIST("<string>s3cret\xff</string>"),
		PLIST("<string>s3cret&#1;</string>"),
		PLIST("<string>s3cret"),
		PLIST("<string>s3cret</data>"),
		PLIST("<string>s3cret ]]> s3cret</string>"),
		PLIST("<array><string>s3cret</string>s3cret</array>"),
		DICT("<string>s3cret</string>"),
		PLIST("<string a='s3cret'>s3cret</string>"),
		PLIST("<string>s3cret</string><string>s3cret</string>"),
		"s3cret",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(secrets); i++) {
		struct plist *plist;
		struct err err = {0};

		assert_int_not_equal(plist_read_xml(reader, &arena, secrets[i], strlen(secrets[i]),
					     &plist, &err),
			ERR_OK);
		if (strstr(err.message, "s3cret") != NULL)
			fail_msg("\"%s\" for %s", err.message, secrets[i]);
	}
}

/* A key is told, but only so much of it; and nobody needs to want to know. */
static void
test_message_is_short(void **state)
{
	struct buf buf =
		repeated("<plist><dict><key>", "0123456789", 10000, "</key></dict></plist>");
	struct plist *plist;
	struct err err = {0};

	(void)state;
	assert_int_equal(
		plist_read_xml(reader, &arena, buf.bytes, buf.len, &plist, &err), ERR_BAD_INPUT);
	assert_int_equal(strlen(err.message), strlen("line 1: the key \"\" has no value") + 100);
	assert_int_equal(
		plist_read_xml(reader, &arena, buf.bytes, buf.len, &plist, NULL), ERR_BAD_INPUT);
	assert_null(plist);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bad_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_subset_behind_the_doctype, setup, teardown),
		cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_twin_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_default_caps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_own_caps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_parts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_far_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_value_in_a_message, setup, teardown),
		cmocka_unit_test_setup_teardown(test_message_is_short, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
