/*
 * plist_data - for the tests of the plist's forms: an arena, a reader, and each in one call.
 */
#ifndef POMONA_TESTS_PLIST_DATA_H
#define POMONA_TESTS_PLIST_DATA_H

#include <libxml/parser.h>

#include "codec/plist.h"

#include "codec_data.h"

#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define APPLES                                                                                     \
	DECLARATION "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\""                       \
		    " \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
#define PLIST(inside) "<plist>" inside "</plist>"
#define DICT(inside) PLIST("<dict>" inside "</dict>")
#define BYTES(literal) literal, sizeof(literal) - 1

static struct arena arena;
static struct plist_reader *reader; /* one for all that a test reads, good and bad */

static inline xmlParserInputPtr
open_nothing(const char *url, const char *id, xmlParserCtxtPtr context)
{
	(void)id, (void)context;
	fail_msg("it would open %s", url);
	return NULL;
}

static inline int
setup(void **state)
{
	(void)state;
	arena_init(&arena);
	reader = plist_reader_new(plist_limits_default());
	xmlSetExternalEntityLoader(open_nothing);
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	plist_reader_free(reader);
	arena_release(&arena);
	return 0;
}

static inline struct plist *
read_bytes(const char *bytes, size_t len)
{
	struct err err = {0};
	struct plist *plist = NULL;

	if (plist_read_xml(reader, &arena, bytes, len, &plist, &err) != ERR_OK)
		fail_msg("%s\nin %.200s", err.message, bytes);
	assert_non_null(plist);
	return plist;
}

static inline struct plist *
read_text(const char *xml)
{
	return read_bytes(xml, strlen(xml));
}

static inline struct plist *
read_file(const char *name)
{
	size_t len;
	char *bytes = data_read(&arena, arena_printf(&arena, "plist/%s", name), &len);

	return read_bytes(bytes, len);
}

static inline struct buf
empty_buf(void)
{
	struct buf buf;

	buf_init(&buf, &arena, (size_t)64 << 20);
	return buf;
}

static inline const char *
as_json(const struct plist *plist)
{
	struct buf buf = empty_buf();

	plist_write_json(&buf, plist, false);
	return buf.bytes;
}

static inline const char *
as_xml(const struct plist *plist, bool sorted)
{
	struct buf buf = empty_buf();

	plist_write_xml(&buf, plist, sorted);
	assert_false(buf.full);
	return buf.bytes;
}

/* What came before, refused or not, must not show. */
static inline void
assert_reader_is_usable(void)
{
	const char *json = as_json(
		read_text(APPLES PLIST("<dict><key>a</key>\n<array><true/></array></dict>")));

	assert_string_equal(json, "{\"a\":[true]}");
}

/* Refused in this line (0: in any), for the reason that SAYS is the beginning of (NULL: for any).
 */
static inline void
assert_refused(const char *bytes, size_t len, enum err_kind kind, int line, const char *says)
{
	struct plist *plist = plist_dict(&arena);
	struct err err = {0};
	const char *expected = "line ";

	if (line > 0)
		expected = arena_printf(&arena, "line %d: %s", line, says == NULL ? "" : says);
	if (plist_read_xml(reader, &arena, bytes, len, &plist, &err) == ERR_OK)
		fail_msg("taken: %.200s", bytes);
	if (strncmp(err.message, expected, strlen(expected)) != 0)
		fail_msg("\"%s\" and not \"%s\"\nfor %.200s", err.message, expected, bytes);
	assert_int_equal(err.kind, kind);
	assert_null(plist);
	assert_reader_is_usable();
}

#endif
