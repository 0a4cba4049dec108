/*
 * The last step before anything is shown: every text a command prints goes through here.
 *
 * The C library's wcwidth() knows only the locale's characters, and the locale may be C: the widths
 * are a table of our own.
 */
#include "cli/escape.h"

#include <stdint.h>
#include <string.h>

enum { NOT_UTF8 = 0x110000 };

struct range {
	uint32_t first, last;
};

/* Control characters, and those that change how the text around them is shown. */
static const struct range hostile[] = {
	{0x0000, 0x001f},
	{0x007f, 0x009f},
	{0x061c, 0x061c},
	{0x200e, 0x200f},
	{0x2028, 0x202e},
	{0x2066, 0x2069},
	{0xfeff, 0xfeff},
	{0xe0000, 0xe007f},
};

static const struct range zero_width[] = {
	{0x0300, 0x036f},
	{0x0483, 0x0489},
	{0x0591, 0x05c7},
	{0x0610, 0x061a},
	{0x064b, 0x065f},
	{0x0e31, 0x0e31},
	{0x0e34, 0x0e3a},
	{0x0e47, 0x0e4e},
	{0x1ab0, 0x1aff},
	{0x1dc0, 0x1dff},
	{0x200b, 0x200d},
	{0x20d0, 0x20ff},
	{0xfe00, 0xfe0f},
	{0xfe20, 0xfe2f},
	{0xe0100, 0xe01ef},
};

static const struct range double_width[] = {
	{0x1100, 0x115f},
	{0x2e80, 0x303e},
	{0x3041, 0xa4cf},
	{0xa960, 0xa97f},
	{0xac00, 0xd7a3},
	{0xf900, 0xfaff},
	{0xfe30, 0xfe6f},
	{0xff00, 0xff60},
	{0xffe0, 0xffe6},
	{0x1f300, 0x1f64f},
	{0x1f680, 0x1f6ff},
	{0x1f900, 0x1f9ff},
	{0x1fa70, 0x1faff},
	{0x20000, 0x3fffd},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool
is_in(const struct range *ranges, size_t count, uint32_t character)
{
	for (size_t i = 0; i < count && character >= ranges[i].first; i++)
		if (character <= ranges[i].last)
			return true;
	return false;
}

/* Takes one character off the front; NOT_UTF8 for a byte that belongs to none (1 byte is taken). */
static uint32_t
next(const char **text, size_t *len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *bytes = (const unsigned char *)*text;
	unsigned char lead = bytes[0];
	size_t size = lead < 0x80             ? 1
		      : (lead & 0xe0) == 0xc0 ? 2
		      : (lead & 0xf0) == 0xe0 ? 3
		      : (lead & 0xf8) == 0xf0 ? 4
					      : 0;
	uint32_t character = size == 1 ? lead : lead & (0x7fu >> size);
	bool valid = size != 0 && size <= *len;

	for (size_t i = 1; valid && i < size; i++) {
		valid = (bytes[i] & 0xc0) == 0x80;
		character = character << 6 | (bytes[i] & 0x3f);
	}
	if (!valid || character < least[size] || character > 0x10ffff ||
		(character >= 0xd800 && character <= 0xdfff)) {
		size = 1;
		character = NOT_UTF8;
	}
	*text += size;
	*len -= size;
	return character;
}

void
escape_text(struct buf *buf, const char *bytes, size_t len, bool lines)
{
	while (len > 0) {
		const char *start = bytes;
		uint32_t character = next(&bytes, &len);

		if (character == NOT_UTF8)
			buf_printf(buf, "\\x%02x", (unsigned char)*start);
		else if (!is_in(hostile, COUNT(hostile), character) ||
			 (lines && (character == '\n' || character == '\t')))
			buf_add(buf, start, (size_t)(bytes - start));
		else if (character < 0x100)
			buf_printf(buf, "\\x%02x", (unsigned)character);
		else
			buf_printf(buf, character < 0x10000 ? "\\u%04x" : "\\U%08x",
				(unsigned)character);
	}
}

/* \n, or \uXXXX, in two halves above U+FFFF. */
static void
add_json_escape(struct buf *buf, uint32_t character)
{
	if (character == '\n') {
		buf_str(buf, "\\n");
		return;
	}
	if (character == NOT_UTF8)
		character = 0xfffd;
	if (character > 0xffff) {
		buf_printf(buf, "\\u%04x", (unsigned)(0xd800 + ((character - 0x10000) >> 10)));
		character = 0xdc00 + ((character - 0x10000) & 0x3ff);
	}
	buf_printf(buf, "\\u%04x", (unsigned)character);
}

void
escape_json(struct buf *buf, const char *bytes, size_t len)
{
	buf_byte(buf, '"');
	while (len > 0) {
		const char *start = bytes;
		uint32_t character = next(&bytes, &len);

		if (character == NOT_UTF8 || is_in(hostile, COUNT(hostile), character)) {
			add_json_escape(buf, character);
			continue;
		}
		if (character == '"' || character == '\\')
			buf_byte(buf, '\\');
		buf_add(buf, start, (size_t)(bytes - start));
	}
	buf_byte(buf, '"');
}

void
escape_json_again(struct buf *buf, const char *json, size_t len)
{
	while (len > 0) {
		const char *start = json;
		uint32_t character = next(&json, &len);

		if (character == NOT_UTF8 ||
			(character >= 0x7f && is_in(hostile, COUNT(hostile), character)))
			add_json_escape(buf, character);
		else
			buf_add(buf, start, (size_t)(json - start));
	}
}

static size_t
cells(uint32_t character)
{
	if (is_in(zero_width, COUNT(zero_width), character))
		return 0;
	return is_in(double_width, COUNT(double_width), character) ? 2 : 1;
}

size_t
escape_width(const char *text)
{
	size_t len = strlen(text), width = 0;

	while (len > 0)
		width += cells(next(&text, &len));
	return width;
}

size_t
escape_fit(const char *text, size_t width)
{
	const char *start = text;
	size_t len = strlen(text);

	while (len > 0) {
		const char *here = text;
		size_t more = cells(next(&text, &len));

		if (more > width)
			return (size_t)(here - start);
		width -= more;
	}
	return (size_t)(text - start);
}
