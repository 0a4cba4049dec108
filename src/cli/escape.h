/*
 * escape - text that came from outside, made safe for a terminal and for JSON.
 *
 * Device names, subjects of certificates and messages of errors are written by strangers.  Control
 * characters, the marks that turn the direction of writing, and bytes that are not UTF-8 come out
 * as \x1b or \u202e, so that nothing but its text reaches the terminal.
 */
#ifndef POMONA_CLI_ESCAPE_H
#define POMONA_CLI_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Appends the text; LINES: new lines and tabs stay as they are. */
void escape_text(struct buf *buf, const char *bytes, size_t len, bool lines);

/* Appends the text as a JSON string, in quotes; bytes that are not UTF-8 become U+FFFD. */
void escape_json(struct buf *buf, const char *bytes, size_t len);

/*
 * Appends what is JSON already: the same value, but with the characters above as \uXXXX.  (Outside
 * of strings JSON has none of them.)
 */
void escape_json_again(struct buf *buf, const char *json, size_t len);

/* How many cells of a terminal the text takes: 2 for a wide character, 0 for a combining one. */
size_t escape_width(const char *text);

/* The bytes of TEXT that fit into WIDTH cells. */
size_t escape_fit(const char *text, size_t width);

#endif
