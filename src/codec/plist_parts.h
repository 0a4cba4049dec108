/*
 * plist_parts - what the XML and the JSON form of a plist share: walking the tree, numbers, dates,
 * text.  Not for use outside of codec/.
 */
#ifndef POMONA_CODEC_PLIST_PARTS_H
#define POMONA_CODEC_PLIST_PARTS_H

#include "codec/plist.h"

/* ---- walking ---- */

/*
 * A walk visits a tree in the order in which it is written, without recursion, so that no tree is
 * too deep for it:
 *
 *	struct plist_walk walk = {.arena = arena, .root = plist};
 *	while ((event = plist_walk_next(&walk)) != PLIST_WALK_END)
 */
enum plist_event {
	PLIST_WALK_END,
	PLIST_WALK_ENTER, /* node is a dict or an array; what is in it follows, then LEAVE */
	PLIST_WALK_LEAVE,
	PLIST_WALK_LEAF,
};

struct plist_level;

struct plist_walk {
	/* set by who walks */
	struct arena *arena;
	const struct plist *root;
	bool sorted; /* dicts by their keys */

	/* of the event */
	const struct plist *node;
	const char *key; /* of the node, when it stands in a dict of this walk */
	bool first;      /* it is the first one in its dict or array */
	unsigned depth;  /* dicts and arrays around it */

	/* of the walk itself */
	struct plist_level *top, *spare;
	bool begun;
};

enum plist_event plist_walk_next(struct plist_walk *walk);

/* ---- the bytes of an XML document (plist_source.c) ---- */

struct plist_source {
	const char *bytes; /* behind the BOM */
	size_t len;
	const char *encoding; /* "UTF-8", "UTF-16LE", "UTF-16BE" */
	size_t unit;          /* bytes of the smallest character: 1 or 2 */
	size_t low;           /* which of them is the lower one */
};

/*
 * Finds out which encoding BYTES are in.  Refuses what need not be parsed to be refused: too many
 * bytes or none, a binary plist, U+0000, UTF-16 cut off within a character, a declaration that
 * names another encoding.
 */
enum err_kind plist_source_open(struct plist_source *source, const char *bytes, size_t len,
	size_t max_bytes, struct err *err);

/* ---- the keys of a dict that is being read (plist_keys.c) ---- */

/*
 * Set POINT to a random number, the rest to zero.  Keys that make the table slow cannot be found by
 * one who does not know it.
 */
struct plist_keys {
	uint32_t point;
	const char **slots;
	size_t slot_count;
};

/*
 * Is KEY new to DICT?  To be asked for every key, before its value is appended; KEY must stay where
 * it is.  The cost does not grow with the dict.
 */
bool plist_keys_add(
	struct plist_keys *keys, struct arena *arena, const struct plist *dict, const char *key);

/* ---- values ---- */

enum plist_number {
	PLIST_NUMBER_OK,
	PLIST_NUMBER_BAD,   /* not a number */
	PLIST_NUMBER_RANGE, /* a number, too large or too small */
};

/* An optional sign, then decimal digits or 0x and hex digits; nothing else, no white space. */
enum plist_number plist_parse_integer(const char *text, struct plist *value);

/* Decimal, with a '.'; or nan, inf, infinity. */
enum plist_number plist_parse_real(const char *text, double *value);

enum { PLIST_NUMBER_SIZE = 32 };

/* The shortest text that reads back as the same value.  It must be finite.  Returns TEXT. */
char *plist_real_text(double value, char text[PLIST_NUMBER_SIZE]);
char *plist_integer_text(const struct plist *integer, char text[PLIST_NUMBER_SIZE]);

/* The nearest date that has a year of four digits, which is what both forms can say. */
int64_t plist_date_sayable(int64_t ms);

/*
 * Appends TEXT.  ESCAPE is asked for each character that may need one (", &, <, >, \, all control
 * characters, all outside of ASCII): it returns what is written instead, in SPACE or elsewhere, or
 * NULL when the character may stay.  What is not UTF-8 becomes U+FFFD.
 */
enum { PLIST_ESCAPE_SIZE = 16 };
typedef const char *plist_escape(uint32_t code, char space[PLIST_ESCAPE_SIZE]);
void plist_write_text(struct buf *buf, const char *text, size_t len, plist_escape *escape);

#endif
