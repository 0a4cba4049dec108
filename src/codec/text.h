/*
 * text - base64, hex and URL escapes, UTF-8.
 *
 * Results are in the arena and have a NUL behind them.
 */
#ifndef POMONA_CODEC_TEXT_H
#define POMONA_CODEC_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"

/* Standard alphabet with padding, no line breaks (RFC 4648). */
char *text_base64_encode(struct arena *arena, const void *bytes, size_t len);
void text_base64_append(struct buf *buf, const void *bytes, size_t len);

/*
 * White space between the characters is passed over; missing padding is taken, as what is meant is
 * clear. Any other character, or a length that no encoder makes, gives NULL.
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

/* Well-formed UTF-8 without U+0000? */
bool text_is_utf8(const char *text, size_t len);

#endif
