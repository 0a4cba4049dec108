/*
 * text - the small codings that messages, arguments and the web server's parameters come in.
 *
 * Encoding base64 is OpenSSL's.  Decoding is not: EVP_DecodeBlock() takes characters behind the
 * padding and counts the padding as bytes, EVP_DecodeUpdate() stops at a '-' as if that were the
 * end, and neither takes a text whose padding is missing.
 */
#include "codec/text.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <string.h>

/* ---- base64 ---- */

void
text_base64_append(struct buf *buf, const void *bytes, size_t len)
{
	enum { PIECE = 3 << 20 }; /* EVP_EncodeBlock() takes an int */
	const unsigned char *p = bytes;

	while (len > 0) {
		int n = len < PIECE ? (int)len : PIECE;
		char *room = buf_room(buf, ((size_t)n + 2) / 3 * 4);

		if (room == NULL)
			return;
		buf->len += (size_t)EVP_EncodeBlock((unsigned char *)room, p, n);
		p += n;
		len -= (size_t)n;
	}
}

char *
text_base64_encode(struct arena *arena, const void *bytes, size_t len)
{
	size_t out_len = (len + 2) / 3 * 4;
	struct buf buf = {.arena = arena, .size = out_len + 1, .cap = out_len};

	buf.bytes = arena_alloc(arena, buf.size); /* in one piece: buf_init() would begin small */
	buf.bytes[0] = '\0';
	text_base64_append(&buf, bytes, len);
	return buf.bytes;
}

void
text_base64url_append(struct buf *buf, const void *bytes, size_t len)
{
	size_t begin = buf->len;

	text_base64_append(buf, bytes, len);
	while (buf->len > begin && buf->bytes[buf->len - 1] == '=')
		buf->bytes[--buf->len] = '\0';
	for (char *p = buf->bytes + begin; p < buf->bytes + buf->len; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
}

/* What a character of base64 stands for: its six bits, or one of these. */
enum { NO = 64, SP = 65, PAD = 66 };

/* Sixteen a row, as in a table of ASCII. */
static const unsigned char base64_value[128] = {
	/* clang-format off */
	NO, NO, NO, NO, NO, NO, NO, NO, NO, SP, SP, NO, NO, SP, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	SP, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 62, NO, NO, NO, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, PAD, NO, NO,
	NO,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NO, NO, NO, NO, NO,
	NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NO, NO, NO, NO, NO,
	/* clang-format on */
};

unsigned char *
text_base64_decode(struct arena *arena, const char *text, size_t len, size_t *out_len)
{
	unsigned char *out = arena_alloc(arena, len / 4 * 3 + 4), *o = out;
	uint32_t bits = 0;
	unsigned count = 0, pads = 0; /* COUNT: characters of the group of four */

	*out_len = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		unsigned value = c < sizeof(base64_value) ? base64_value[c] : NO;

		if (value == SP)
			continue;
		if (value == PAD && ++pads <= 2)
			continue;
		if (value >= NO || pads > 0)
			return NULL;
		bits = bits << 6 | value;
		if (++count == 4) {
			*o++ = (unsigned char)(bits >> 16);
			*o++ = (unsigned char)(bits >> 8);
			*o++ = (unsigned char)bits;
			count = 0;
		}
	}
	if (count == 1 || (count == 0 && pads > 0) || count + pads > 4)
		return NULL;
	if (count >= 2)
		*o++ = (unsigned char)(count == 2 ? bits >> 4 : bits >> 10);
	if (count == 3)
		*o++ = (unsigned char)(bits >> 2);
	*o = '\0';
	*out_len = (size_t)(o - out);
	return out;
}

/* ---- hex, and the escapes of a URL ---- */

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Two digits as a byte; -1 when they are not. */
static int
hex_byte(const char *digits)
{
	int high = hex_value(digits[0]), low = hex_value(digits[1]);

	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

char *
text_hex_encode(struct arena *arena, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;
	char *out = arena_alloc(arena, len * 2 + 1);

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * len] = '\0';
	return out;
}

unsigned char *
text_hex_decode(struct arena *arena, const char *text, size_t len, size_t *out_len)
{
	unsigned char *out = arena_alloc(arena, len / 2 + 1);

	*out_len = 0;
	if (len % 2 != 0)
		return NULL;
	for (size_t i = 0; i < len; i += 2) {
		int byte = hex_byte(text + i);

		if (byte < 0)
			return NULL;
		out[i / 2] = (unsigned char)byte;
	}
	out[len / 2] = '\0';
	*out_len = len / 2;
	return out;
}

char *
text_url_decode(
	struct arena *arena, const char *text, size_t len, bool plus_is_space, size_t *out_len)
{
	char *out = arena_alloc(arena, len + 1), *o = out;

	*out_len = 0;
	for (size_t i = 0; i < len; i++) {
		int byte = (unsigned char)text[i];

		if (byte == '%') {
			byte = len - i > 2 ? hex_byte(text + i + 1) : -1;
			if (byte < 0)
				return NULL;
			i += 2;
		} else if (byte == '+' && plus_is_space)
			byte = ' ';
		*o++ = (char)byte;
	}
	*o = '\0';
	*out_len = (size_t)(o - out);
	return out;
}

void
text_url_append(struct buf *buf, const char *text, size_t len, const char *plain)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x80 && isalnum(c)) || (c != 0 && strchr("-._~", c) != NULL) ||
			(c != 0 && strchr(plain, c) != NULL))
			buf_byte(buf, text[i]);
		else
			buf_printf(buf, "%%%02X", c);
	}
}

/* ---- UTF-8 ---- */

size_t
text_utf8_next(const char *text, size_t len, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)text;
	size_t n;

	if (len == 0)
		return 0;
	if (p[0] < 0x80) {
		*code = p[0];
		return 1;
	}
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;
	if (n == 0 || p[0] > 0xf4 || len < n)
		return 0;
	*code = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (p[i] & 0x3fu);
	}
	if (*code < least[n] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return n;
}

bool
text_is_utf8(const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t code = 0;
		size_t n = text_utf8_next(text + i, len - i, &code);

		if (n == 0 || code == 0)
			return false;
		i += n;
	}
	return true;
}

bool
text_is_xml_char(uint32_t code)
{
	if (code < 0x20)
		return code == '\t' || code == '\n' || code == '\r';
	return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) ||
	       (code >= 0x10000 && code <= 0x10ffff);
}
