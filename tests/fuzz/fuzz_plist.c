/*
 * Whatever bytes come, the plist codec takes or refuses them in the way its header says; and what
 * it has taken, it writes so that it is read again as the same.  A broken promise is an abort().
 *
 * With driver.c it is a test of `make check`; with clang's libFuzzer, after a build with clang:
 *
 *	clang -fsanitize=fuzzer,address -I$srcdir/src $srcdir/tests/fuzz/fuzz_plist.c \
 *		libcodec.a libbase.a -lxml2 -ljansson -lcrypto
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/plist.h"
#include "codec/text.h"

const char *const fuzz_files[] = {"tests/data/plist/*.plist", "tests/data/plist/*.json", NULL};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What is written may be longer than what has been read, but neither deeper nor more. */
static const struct plist_limits taken = {
	.max_bytes = 1 << 20, .max_nodes = 20000, .max_depth = 64};
static const struct plist_limits again = {
	.max_bytes = 64 << 20, .max_nodes = 20000, .max_depth = 64};

static struct arena arena;
static struct plist_reader *reader, *second_reader;

static void
promise(bool kept, const char *which)
{
	if (kept)
		return;
	fprintf(stderr, "broken: %s\n", which);
	abort();
}

static struct buf
empty_buf(void)
{
	struct buf buf;

	buf_init(&buf, &arena, again.max_bytes);
	return buf;
}

/* ---- what a reader gives ---- */

static void
check_text(const char *text, size_t len)
{
	uint32_t code;

	promise(text[len] == '\0', "a string has a NUL behind it");
	for (size_t n; len > 0; text += n, len -= n) {
		n = text_utf8_next(text, len, &code);
		promise(n > 0 && text_is_xml_char(code), "a string holds what XML can hold");
	}
}

/* How many values, with those inside. */
static size_t
check_tree(const struct plist *plist, unsigned depth)
{
	const struct plist *last = NULL;
	size_t count = 0, all = 1;

	switch (plist->type) {
	case PLIST_STRING:
		check_text(plist->as.string.bytes, plist->as.string.len);
		return 1;
	case PLIST_DATA:
		promise(plist->as.string.bytes[plist->as.string.len] == '\0', "data have a NUL");
		return 1;
	case PLIST_INTEGER:
		promise(!plist->as.integer.negative || plist->as.integer.magnitude - 1 <= INT64_MAX,
			"an integer is in its range, and 0 has no sign");
		return 1;
	case PLIST_DICT:
	case PLIST_ARRAY:
		break;
	case PLIST_REAL:
	case PLIST_BOOLEAN:
	case PLIST_DATE:
		return 1;
	}
	promise(depth < taken.max_depth, "a tree is not too deep");
	for (const struct plist *item = plist->as.items.first; item != NULL; item = item->next) {
		promise((item->key != NULL) == (plist->type == PLIST_DICT), "keys are in dicts");
		if (item->key != NULL) {
			check_text(item->key, strlen(item->key));
			promise(plist_get(plist, item->key) == item, "a key occurs once");
		}
		all += check_tree(item, depth + 1);
		last = item;
		count++;
	}
	promise(count == plist->as.items.count && last == plist->as.items.last,
		"a container knows its items");
	return all;
}

static void
check_outcome(enum err_kind kind, const struct plist *plist, const struct err *err)
{
	promise((kind == ERR_OK) == (plist != NULL), "there is a tree, or a reason");
	if (plist != NULL) {
		promise(plist->key == NULL && plist->next == NULL, "a root stands alone");
		promise(check_tree(plist, 0) <= taken.max_nodes, "a tree has not too many values");
		return;
	}
	promise(kind == err->kind && err->message[0] != '\0', "a refusal has a message");
	promise(kind == ERR_BAD_INPUT || kind == ERR_TOO_LARGE, "it is the input's fault");
}

/* ---- there and back ---- */

/* XML has whole seconds. */
static void
cut_dates(struct plist *plist)
{
	if (plist->type == PLIST_DATE)
		plist->as.date -= (plist->as.date % 1000 + 1000) % 1000;
	if (plist->type == PLIST_DICT || plist->type == PLIST_ARRAY)
		for (struct plist *item = plist->as.items.first; item != NULL; item = item->next)
			cut_dates(item);
}

/* JSON has strings for data, dates, and reals that are no numbers. */
static void
make_strings(struct plist *plist)
{
	struct buf buf = empty_buf();

	if (plist->type == PLIST_DATA || plist->type == PLIST_DATE ||
		(plist->type == PLIST_REAL && !isfinite(plist->as.real))) {
		plist_write_json(&buf, plist, false);
		promise(buf.len >= 2, "it is written in quotes");
		plist->type = PLIST_STRING;
		plist->as.string.bytes = arena_memdup(&arena, buf.bytes + 1, buf.len - 2);
		plist->as.string.len = buf.len - 2;
	}
	if (plist->type == PLIST_DICT || plist->type == PLIST_ARRAY)
		for (struct plist *item = plist->as.items.first; item != NULL; item = item->next)
			make_strings(item);
}

static void
check_xml_again(const struct plist *plist)
{
	struct plist *expected = plist_copy(&arena, plist), *back;
	struct err err = {0};

	cut_dates(expected);
	for (int sorted = 0; sorted < 2; sorted++) {
		struct buf first = empty_buf(), second = empty_buf();

		plist_write_xml(&first, plist, sorted);
		promise(!first.full, "there is room for the XML");
		plist_read_xml(second_reader, &arena, first.bytes, first.len, &back, &err);
		promise(back != NULL, "XML that was written is read");
		promise(plist_equal(back, expected), "XML is read as what was written");
		plist_write_xml(&second, back, sorted);
		promise(strcmp(first.bytes, second.bytes) == 0, "XML is written the same again");
	}
}

static void
check_json_again(const struct plist *plist)
{
	struct plist *expected = plist_copy(&arena, plist), *back;
	struct err err = {0};

	make_strings(expected);
	for (int sorted = 0; sorted < 2; sorted++) {
		struct buf first = empty_buf(), second = empty_buf();

		plist_write_json(&first, plist, sorted);
		promise(!first.full, "there is room for the JSON");
		plist_read_json(again, &arena, first.bytes, first.len, &back, &err);
		promise(back != NULL, "JSON that was written is read");
		promise(plist_equal(back, expected), "JSON is read as what was written");
		plist_write_json(&second, back, sorted);
		promise(strcmp(first.bytes, second.bytes) == 0, "JSON is written the same again");
	}
}

/* ---- one input ---- */

static void
check_as_xml(const char *bytes, size_t len)
{
	static const char good[] = "<plist><array><true/>\n</array></plist>";
	struct plist *plist, *after;
	struct err err = {0};
	enum err_kind kind = plist_read_xml(reader, &arena, bytes, len, &plist, &err);

	check_outcome(kind, plist, &err);
	if (plist != NULL) {
		check_xml_again(plist);
		check_json_again(plist);
	} else {
		promise(strncmp(err.message, "line ", 5) == 0, "a refusal names the line");
	}
	plist_read_xml(reader, &arena, good, sizeof(good) - 1, &after, &err);
	promise(after != NULL && after->as.items.count == 1, "a reader can be used again");
}

static void
check_as_json(const char *bytes, size_t len)
{
	struct plist *plist;
	struct err err = {0};
	enum err_kind kind = plist_read_json(taken, &arena, bytes, len, &plist, &err);

	check_outcome(kind, plist, &err);
	if (plist != NULL) {
		check_xml_again(plist);
		check_json_again(plist);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (reader == NULL) {
		reader = plist_reader_new(taken);
		second_reader = plist_reader_new(again);
	}
	check_as_xml((const char *)bytes, len);
	check_as_json((const char *)bytes, len);
	arena_reset(&arena);
	return 0;
}
