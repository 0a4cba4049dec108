/*
 * Before plist_xml.c: which encoding is a document in, and is it worth parsing at all?
 *
 * The question is settled here and not by libxml2, which would ask iconv for whatever a message
 * names, and iconv would load a module for it.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "codec/plist_parts.h"

static const struct signature {
	const char *bytes;
	size_t len, skipped; /* a BOM is not part of the document */
	struct plist_source source;
} signatures[] = {
	{"\xef\xbb\xbf", 3, 3, {.encoding = "UTF-8", .unit = 1}},
	{"\xff\xfe", 2, 2, {.encoding = "UTF-16LE", .unit = 2}},
	{"\xfe\xff", 2, 2, {.encoding = "UTF-16BE", .unit = 2, .low = 1}},
	{"<\0?\0", 4, 0, {.encoding = "UTF-16LE", .unit = 2}},
	{"\0<\0?", 4, 0, {.encoding = "UTF-16BE", .unit = 2, .low = 1}},
	{"", 0, 0, {.encoding = "UTF-8", .unit = 1}}, /* fits always */
};

static void
find_encoding(struct plist_source *source, const char *bytes, size_t len)
{
	const struct signature *s = signatures;

	while (len < s->len || memcmp(bytes, s->bytes, s->len) != 0)
		s++;
	*source = s->source;
	source->bytes = bytes + s->skipped;
	source->len = len - s->skipped;
}

/* The character at I; one that is not ASCII is 0xff. */
static unsigned char
ascii_at(const struct plist_source *source, size_t i)
{
	const unsigned char *p = (const unsigned char *)source->bytes + i;

	if (source->unit == 2 && p[1 - source->low] != 0)
		return 0xff;
	return p[source->low] < 0x80 ? p[source->low] : 0xff;
}

/* The line of the first U+0000; 0 when there is none. */
static int
find_nul(const struct plist_source *source)
{
	int line = 1;

	if (source->unit == 1 && memchr(source->bytes, '\0', source->len) == NULL)
		return 0;
	for (size_t i = 0; i + source->unit <= source->len; i += source->unit) {
		unsigned char c = ascii_at(source, i);

		if (c == '\0')
			return line;
		line += c == '\n';
	}
	return 0;
}

/* UTF-16 whose last unit is half a one, or the first half of a pair: libxml2 would wait for the
 * rest, and then forget that there was something. */
static bool
is_cut_off(const struct plist_source *source)
{
	const char *last = source->bytes + source->len - 2;

	if (source->unit == 1 || source->len == 0)
		return false;
	return source->len % 2 != 0 || ((unsigned char)last[1 - source->low] & 0xfc) == 0xd8;
}

/* The XML declaration, as far as it is ASCII, with a NUL behind it; empty when there is none. */
static void
copy_declaration(const struct plist_source *source, char *text, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i + source->unit <= source->len && n < size - 1; i += source->unit) {
		text[n] = (char)ascii_at(source, i);
		if (text[n++] == '>')
			break;
	}
	text[n] = '\0';
	if (strncmp(text, "<?xml", 5) != 0 || strchr(" \t\r\n", text[5]) == NULL)
		text[0] = '\0';
}

/*
 * Is the encoding that is declared the one that is used?  In a declaration that is well-formed,
 * "encoding" occurs once; one that is not, libxml2 refuses, so that it does not matter what is
 * found here.
 */
static bool
is_declared_right(const struct plist_source *source)
{
	char declaration[256], *name, *end;

	copy_declaration(source, declaration, sizeof(declaration));
	name = strstr(declaration, "encoding");
	if (name == NULL)
		return true;
	name += strcspn(name, "\"'");
	end = *name == '\0' ? NULL : strchr(name + 1, *name);
	if (end == NULL)
		return false;
	*end = '\0';
	return strcasecmp(name + 1, source->encoding) == 0 ||
	       (source->unit == 2 && strcasecmp(name + 1, "UTF-16") == 0);
}

enum err_kind
plist_source_open(struct plist_source *source, const char *bytes, size_t len, size_t max_bytes,
	struct err *err)
{
	int nul;

	find_encoding(source, bytes, len);
	if (len > max_bytes)
		return err_set(err, ERR_TOO_LARGE, "line 1: more than %zu bytes", max_bytes);
	if (source->len == 0)
		return err_set(err, ERR_BAD_INPUT, "line 1: there is nothing");
	if (source->len >= 6 && memcmp(source->bytes, "bplist", 6) == 0)
		return err_set(err, ERR_BAD_INPUT, "line 1: a binary plist; only XML is read");
	if (is_cut_off(source))
		return err_set(err, ERR_BAD_INPUT, "line 1: UTF-16 that ends in a character");
	nul = find_nul(source);
	if (nul > 0)
		return err_set(err, ERR_BAD_INPUT, "line %d: U+0000", nul);
	if (!is_declared_right(source))
		return err_set(err, ERR_BAD_INPUT,
			"line 1: the declaration names another encoding than %s", source->encoding);
	return ERR_OK;
}
