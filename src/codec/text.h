/*
 * text - base64, hex and URL escapes, UTF-8.
 *
 * Results are in the arena and have a NUL behind them.
 */
#ifndef POMONA_CODEC_TEXT_H
#define POMONA_CODEC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

/* Standard alphabet with padding, no line breaks (RFC 4648). */
char *text_base64_encode(struct arena *arena, const void *bytes, size_t len);
void text_base64_append(struct buf *buf, const void *bytes, size_t len);

/* The alphabet for URLs, without padding (RFC 4648, section 5). */
void text_base64url_append(struct buf *buf, const void *bytes, size_t len);

/*
 * White space between the characters is passed over; padding that is missing in whole or in part is
 * taken, and so are bits behind the last byte that are not zero, as what is meant is clear.  Any
 * other character, too much padding, something behind it, or a length that no encoder makes, gives
 * NULL.  An empty text is no bytes, and not NULL.
 */
unsigned char *text_base64_decode(
	struct arena *arena, const char *text, size_t len, size_t *out_len);

/* Lower-case hex. */
char *text_hex_encode(struct arena *arena, const void *bytes, size_t len);

/* NULL when LEN is odd or a character is no hex digit. */
unsigned char *text_hex_decode(struct arena *arena, const char *text, size_t len, size_t *out_len);

/* Undoes %XX (and, in a query, +); a broken escape gives NULL.  The result may hold NULs: look at
 * OUT_LEN. */
char *text_url_decode(
	struct arena *arena, const char *text, size_t len, bool plus_is_space, size_t *out_len);

/* Escapes as %XX, in capitals, all bytes but letters, digits, "-._~" and those of PLAIN. */
void text_url_append(struct buf *buf, const char *text, size_t len, const char *plain);

/* Well-formed UTF-8 without U+0000? */
bool text_is_utf8(const char *text, size_t len);

/*
 * How many bytes the character has that TEXT begins with, and which one it is; 0 when TEXT is empty
 * or does not begin with well-formed UTF-8 (RFC 3629: no surrogates, nothing longer than needed).
 */
size_t text_utf8_next(const char *text, size_t len, uint32_t *code);

/* May the character stand in an XML 1.0 document (production 2, Char)?  No escape helps one that
 * may not: U+0001 cannot be said in XML at all. */
bool text_is_xml_char(uint32_t code);

#endif
