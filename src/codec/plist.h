/*
 * plist - a property list as one typed tree; its XML and JSON forms.
 *
 * The tree is plain data in an arena: read it, build it, never free a node.  Strings and keys are
 * UTF-8 without U+0000, with a NUL behind them.  A dict keeps the order in which its keys came.
 *
 * Formats: Apple's PropertyList-1.0.dtd; man 5 plist.  What is refused, each with a message that
 * names the line: DTDs with an internal subset, entities but the five of XML, anything external,
 * duplicate keys, stray text or elements, a second root, missing values, numbers out of range,
 * broken base64 and dates, U+0000, input that is over-deep or over-large, binary plists (they are
 * recognised, and the message says so).
 *
 * Messages name lines, elements and keys, and never show a value: they go into the log, and a value
 * may be a secret.
 *
 * Reals are read and written with a '.', as the programs never call setlocale().
 */
#ifndef POMONA_CODEC_PLIST_H
#define POMONA_CODEC_PLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum plist_type {
	PLIST_DICT,
	PLIST_ARRAY,
	PLIST_STRING,
	PLIST_INTEGER,
	PLIST_REAL,
	PLIST_BOOLEAN,
	PLIST_DATE,
	PLIST_DATA,
};

struct plist {
	enum plist_type type;
	const char *key;    /* in a dict; else NULL */
	struct plist *next; /* the next one of the same dict or array */
	union {
		struct {
			struct plist *first, *last;
			size_t count;
		} items; /* dict, array */
		struct {
			const char *bytes;
			size_t len;
		} string; /* string, data */
		struct {
			bool negative;      /* the value is -magnitude */
			uint64_t magnitude; /* -2^63 to 2^64-1 in all */
		} integer;
		double real;
		bool boolean;
		int64_t date; /* milliseconds since 1970; XML has whole seconds */
	} as;
};

/* Caps of a reader; plist_limits_default() are those of a device's message. */
struct plist_limits {
	size_t max_bytes;   /* of the input */
	size_t max_nodes;   /* values; keys are not counted, as each has its value */
	unsigned max_depth; /* of dicts and arrays within each other; a root dict is 1 */
};

struct plist_limits plist_limits_default(void); /* 16 MiB, 500,000 values, depth 64 */

/* ---- building ---- */

struct plist *plist_dict(struct arena *arena);
struct plist *plist_array(struct arena *arena);
struct plist *plist_string(struct arena *arena, const char *string); /* copies */
struct plist *plist_string_len(struct arena *arena, const char *bytes, size_t len);
struct plist *plist_integer(struct arena *arena, int64_t value);
struct plist *plist_unsigned(struct arena *arena, uint64_t value);
struct plist *plist_real(struct arena *arena, double value);
struct plist *plist_boolean(struct arena *arena, bool value);
struct plist *plist_date(struct arena *arena, int64_t ms);
struct plist *plist_data(struct arena *arena, const void *bytes, size_t len); /* copies */

/* A deep copy, without the key. */
struct plist *plist_copy(struct arena *arena, const struct plist *plist);

/* Appends; VALUE must not be in a tree yet. */
void plist_append(struct plist *array, struct plist *value);

/* Sets KEY (copied): in its old place if the dict has it, else at the end. */
void plist_set(struct arena *arena, struct plist *dict, const char *key, struct plist *value);

/* Takes the key out; false when it was not there. */
bool plist_remove(struct plist *dict, const char *key);

/* ---- reading ---- */

/* NULL when DICT is NULL, is no dict, or does not have the key. */
const struct plist *plist_get(const struct plist *dict, const char *key);

/* The same, but only of the type asked for; a value of another type counts as not there. */
const struct plist *plist_get_typed(
	const struct plist *dict, const char *key, enum plist_type type);
const char *plist_get_string(const struct plist *dict, const char *key); /* NULL when not there */
bool plist_get_boolean(const struct plist *dict, const char *key, bool otherwise);
bool plist_get_int64(const struct plist *dict, const char *key,
	int64_t *value); /* false: not there, or too large */

/* Values are equal; the order of a dict's keys does not count. */
bool plist_equal(const struct plist *a, const struct plist *b);

/* "dictionary", "array", "string", "integer", "real", "boolean", "date", "data": Apple's words. */
const char *plist_type_name(enum plist_type type);

/* ---- XML (plist_xml.c) ---- */

/*
 * A reader is made once per thread and used for many messages, good and bad; what it gives is in
 * the arena of the call.  It opens no file and no connection, whatever a message says.
 */
struct plist_reader;

struct plist_reader *plist_reader_new(struct plist_limits limits); /* never NULL */
void plist_reader_free(struct plist_reader *reader);

/*
 * On failure: ERR_BAD_INPUT ("line 7: …"), or ERR_TOO_LARGE when it has too many bytes or values or
 * a part of it is too long; and *PLIST is NULL.  Over-deep is ERR_BAD_INPUT: such a message is not
 * large, it is made to hurt.
 *
 * UTF-8 and UTF-16 (of both orders, with a BOM or a declaration) are read; another declared
 * encoding, or one that is not the one used, is refused.  A missing DOCTYPE or <plist> version is
 * taken; a reference to an external DTD is never followed.  Comments and processing instructions
 * are passed over, CDATA is text; one that is longer than 1 MiB is refused.
 *
 * Around a number or a date white space does not count.  Integers may be hex (0xff).  Reals may be
 * nan, inf or infinity, in any case, with a sign.  Dates are YYYY-MM-DDTHH:MM:SSZ; a fraction of a
 * second is taken.  Data as in text_base64_decode().  Strings and keys keep every character (but
 * XML itself makes a CR LF one LF).
 */
enum err_kind plist_read_xml(struct plist_reader *reader, struct arena *arena, const char *bytes,
	size_t len, struct plist **plist, struct err *err);

/*
 * Appends the document in Apple's layout: declaration, DOCTYPE, tabs, base64 in lines of 76 columns
 * less the indentation (a tab counts for 8; 16 at least).  Keys come in the order of the dict, or
 * SORTED by their bytes.  Reals are as short as reads back exactly.  Dates lose what is below a
 * second, and those outside of the years 1 to 9999 become the nearest that is in.
 *
 * A CR is written as &#13;, as it would be read back as LF.  What XML cannot hold, such as U+0001,
 * becomes U+FFFD: no reader of ours gives it, so it can only come from a tree that a program built.
 */
void plist_write_xml(struct buf *buf, const struct plist *plist, bool sorted);

/* ---- JSON (plist_json.c) ---- */

/*
 * Without white space.  Data as base64, dates as ISO 8601 in UTC (1 to 9999, as in XML), integers
 * exact, reals with a fraction or an exponent (so that they stay reals); a real that JSON cannot
 * say (NaN, infinite) as a string ("nan", "inf", "-inf").  What is not UTF-8 in a string becomes
 * U+FFFD.
 */
void plist_write_json(struct buf *buf, const struct plist *plist, bool sorted);

/*
 * JSON has no data and no dates: both stay strings, and who knows the types (mdm/catalogue)
 * converts them.  The root may be any value.  Refused: null, duplicate keys, integers outside -2^63
 * to 2^64-1, reals too large, characters that a plist in XML cannot hold (U+0000, most other
 * control characters, U+FFFE, U+FFFF), over-deep or over-large input.  The message names the line,
 * or the path of the value.
 */
enum err_kind plist_read_json(struct plist_limits limits, struct arena *arena, const char *bytes,
	size_t len, struct plist **plist, struct err *err);

#endif
