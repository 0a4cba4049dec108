/*
 * The JSON form: operators' arguments on the way in, views and reports on the way out.
 *
 * Reading is jansson's, with two things before it.  jansson builds all values before we could count
 * them, and has no integers above 2^63-1; so a scan of the tokens counts values and levels, and
 * makes a string of each larger integer, marked with a U+0000 that no string of the input can hold.
 */
#include <jansson.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "codec/plist_parts.h"
#include "codec/text.h"

/* ---- writing ---- */

static const char *
escape_json(uint32_t code, char space[PLIST_ESCAPE_SIZE])
{
	static const char short_form[] = {['\b'] = 'b',
		['\t'] = 't',
		['\n'] = 'n',
		['\f'] = 'f',
		['\r'] = 'r',
		['"'] = '"',
		['\\'] = '\\'};

	if (code < sizeof(short_form) && short_form[code] != 0)
		snprintf(space, PLIST_ESCAPE_SIZE, "\\%c", short_form[code]);
	else if (code < 0x20)
		snprintf(space, PLIST_ESCAPE_SIZE, "\\u%04x", (unsigned)code);
	else
		return NULL;
	return space;
}

static void
write_string(struct buf *buf, const char *text, size_t len)
{
	buf_byte(buf, '"');
	plist_write_text(buf, text, len, escape_json);
	buf_byte(buf, '"');
}

static void
write_quoted(struct buf *buf, const char *plain)
{
	buf_byte(buf, '"');
	buf_str(buf, plain);
	buf_byte(buf, '"');
}

static void
write_real(struct buf *buf, double value)
{
	char text[PLIST_NUMBER_SIZE];

	if (isnan(value))
		write_quoted(buf, "nan");
	else if (isinf(value))
		write_quoted(buf, value < 0 ? "-inf" : "inf");
	else {
		buf_str(buf, plist_real_text(value, text));
		if (strpbrk(text, ".e") == NULL)
			buf_str(buf, ".0");
	}
}

static void
write_leaf(struct buf *buf, const struct plist *leaf)
{
	char number[PLIST_NUMBER_SIZE], date[CLOCK_ISO_SIZE];

	switch (leaf->type) {
	case PLIST_STRING:
		write_string(buf, leaf->as.string.bytes, leaf->as.string.len);
		break;
	case PLIST_INTEGER:
		buf_str(buf, plist_integer_text(leaf, number));
		break;
	case PLIST_REAL:
		write_real(buf, leaf->as.real);
		break;
	case PLIST_BOOLEAN:
		buf_str(buf, leaf->as.boolean ? "true" : "false");
		break;
	case PLIST_DATE:
		write_quoted(buf, clock_iso(plist_date_sayable(leaf->as.date), date));
		break;
	case PLIST_DATA:
		buf_byte(buf, '"');
		text_base64_append(buf, leaf->as.string.bytes, leaf->as.string.len);
		buf_byte(buf, '"');
		break;
	case PLIST_DICT:
	case PLIST_ARRAY:
		break; /* no leaves */
	}
}

void
plist_write_json(struct buf *buf, const struct plist *plist, bool sorted)
{
	struct plist_walk walk = {.arena = buf->arena, .root = plist, .sorted = sorted};
	enum plist_event event;

	while (!buf->full && (event = plist_walk_next(&walk)) != PLIST_WALK_END) {
		bool dict = walk.node->type == PLIST_DICT;

		if (event == PLIST_WALK_LEAVE) {
			buf_byte(buf, dict ? '}' : ']');
			continue;
		}
		if (!walk.first)
			buf_byte(buf, ',');
		if (walk.key != NULL) {
			write_string(buf, walk.key, strlen(walk.key));
			buf_byte(buf, ':');
		}
		if (event == PLIST_WALK_ENTER)
			buf_byte(buf, dict ? '{' : '[');
		else
			write_leaf(buf, walk.node);
	}
}

/* ---- the scan before reading ---- */

struct scan {
	const struct plist_limits *limits;
	struct arena *arena;
	struct err *err;
	const char *p, *end;
	int line;
	unsigned depth;
	size_t nodes;
	char before; /* the last character between strings that was not white space */

	bool marked; /* an integer has been marked: OUT holds the input up to COPIED */
	struct buf out;
	const char *copied;
};

static enum err_kind
scan_refuse(struct scan *scan, enum err_kind kind, const char *what)
{
	return err_set(scan->err, kind, "line %d: %s", scan->line, what);
}

/* P is behind the opening quote, and goes behind the closing one. */
static enum err_kind
scan_string(struct scan *scan)
{
	for (; scan->p < scan->end && *scan->p != '"'; scan->p++) {
		size_t left = (size_t)(scan->end - scan->p);

		if (*scan->p == '\0' || (left >= 6 && memcmp(scan->p, "\\u0000", 6) == 0))
			return scan_refuse(scan, ERR_BAD_INPUT, "U+0000");
		if (*scan->p == '\n')
			scan->line++; /* jansson will refuse it, but not here */
		if (*scan->p == '\\' && left >= 2 && (scan->p[1] == '"' || scan->p[1] == '\\'))
			scan->p++;
	}
	if (scan->p < scan->end)
		scan->p++;
	return ERR_OK;
}

/* The integer becomes a string that begins with U+0000. */
static void
mark_integer(struct scan *scan, const char *integer, size_t len)
{
	if (!scan->marked)
		buf_init(&scan->out, scan->arena, 2 * scan->limits->max_bytes + 100);
	scan->marked = true;
	buf_add(&scan->out, scan->copied, (size_t)(integer - scan->copied));
	buf_str(&scan->out, "\"\\u0000");
	buf_add(&scan->out, integer, len);
	buf_byte(&scan->out, '"');
	scan->copied = integer + len;
}

/* Looks at integers only; what is no number at all is left to jansson. */
static enum err_kind
scan_number(struct scan *scan)
{
	const char *begin = scan->p;
	size_t len = 0;
	char digits[PLIST_NUMBER_SIZE];
	struct plist value;

	while (scan->p < scan->end && *scan->p != '\0' && strchr("0123456789+-.eE", *scan->p))
		scan->p++;
	len = (size_t)(scan->p - begin);
	for (size_t i = *begin == '-'; i < len; i++)
		if (begin[i] < '0' || begin[i] > '9')
			return ERR_OK;
	if (len < 19 || begin[*begin == '-'] == '0') /* it has room, or is no number */
		return ERR_OK;
	snprintf(digits, sizeof(digits), "%.*s", (int)(len < sizeof(digits) ? len : 0), begin);
	if (plist_parse_integer(digits, &value) != PLIST_NUMBER_OK)
		return scan_refuse(scan, ERR_BAD_INPUT, "an integer is outside of -2^63 to 2^64-1");
	if (!value.as.integer.negative && value.as.integer.magnitude > INT64_MAX)
		mark_integer(scan, begin, len);
	return ERR_OK;
}

static bool
is_in(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* One token at P, or white space. */
static enum err_kind
scan_token(struct scan *scan)
{
	char c = *scan->p;

	if (is_in(c, " \t\r\n")) {
		scan->line += c == '\n';
		scan->p++;
		return ERR_OK;
	}
	if (c == ',' || (is_in(scan->before, "[{") && !is_in(c, "]}")))
		scan->nodes++;
	if (is_in(c, "[{"))
		scan->depth++;
	if (is_in(c, "]}") && scan->depth > 0)
		scan->depth--;
	scan->before = c;
	if (c == '\0')
		return scan_refuse(scan, ERR_BAD_INPUT, "U+0000");
	if (scan->nodes > scan->limits->max_nodes)
		return scan_refuse(scan, ERR_TOO_LARGE, "too many values");
	if (scan->depth > scan->limits->max_depth)
		return scan_refuse(scan, ERR_BAD_INPUT, "too many levels");
	if (is_in(c, "-0123456789"))
		return scan_number(scan);
	scan->p++;
	return c == '"' ? scan_string(scan) : ERR_OK;
}

/* Gives the text for jansson: the input, or a copy in which integers are marked. */
static enum err_kind
scan_all(struct scan *scan, const char **text, size_t *len)
{
	enum err_kind kind = ERR_OK;

	if (*len > scan->limits->max_bytes)
		return scan_refuse(scan, ERR_TOO_LARGE, "too many bytes");
	scan->p = scan->copied = *text;
	scan->end = *text + *len;
	while (kind == ERR_OK && scan->p < scan->end)
		kind = scan_token(scan);
	if (scan->marked) {
		buf_add(&scan->out, scan->copied, (size_t)(scan->end - scan->copied));
		*text = scan->out.bytes;
		*len = scan->out.len;
	}
	return kind;
}

/* ---- reading ---- */

/* The way to a value, for messages. */
struct step {
	const struct step *up;
	const char *key; /* in an object; else NULL */
	size_t index;
};

static void
write_path(struct buf *buf, const struct step *step)
{
	if (step == NULL)
		return;
	write_path(buf, step->up);
	if (step->key == NULL)
		buf_printf(buf, "[%zu]", step->index);
	else
		buf_printf(buf, "%s%.60s", buf->len > 0 ? "." : "", step->key);
}

struct reading {
	struct arena *arena;
	struct err *err;
};

static enum err_kind
reading_refuse(const struct reading *reading, const struct step *step, const char *what)
{
	struct buf path;

	buf_init(&path, reading->arena, 200);
	write_path(&path, step);
	return err_set(reading->err, ERR_BAD_INPUT, "%s: %s",
		path.len == 0 ? "the root" : path.bytes, what);
}

/* jansson has seen to it that it is UTF-8. */
static bool
fits_xml(const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t code = 0;
		size_t n = text_utf8_next(text + i, len - i, &code);

		if (n == 0 || !text_is_xml_char(code))
			return false;
		i += n;
	}
	return true;
}

static const char unfit[] = "a character that a plist cannot hold";

static enum err_kind
take_string(const struct reading *reading, const json_t *json, const struct step *step,
	struct plist **plist)
{
	const char *text = json_string_value(json);
	size_t len = json_string_length(json);

	if (len > 0 && text[0] == '\0') { /* a marked integer */
		*plist = plist_unsigned(reading->arena, 0);
		plist_parse_integer(text + 1, *plist);
		return ERR_OK;
	}
	if (!fits_xml(text, len))
		return reading_refuse(reading, step, unfit);
	*plist = plist_string_len(reading->arena, text, len);
	return ERR_OK;
}

static enum err_kind take_value(const struct reading *reading, const json_t *json,
	const struct step *step, struct plist **plist);

static enum err_kind
take_array(const struct reading *reading, const json_t *json, const struct step *up,
	struct plist *array)
{
	enum err_kind kind = ERR_OK;

	for (size_t i = 0; i < json_array_size(json) && kind == ERR_OK; i++) {
		struct step step = {.up = up, .index = i};
		struct plist *value = NULL;

		kind = take_value(reading, json_array_get(json, i), &step, &value);
		if (kind == ERR_OK)
			plist_append(array, value);
	}
	return kind;
}

static enum err_kind
take_object(const struct reading *reading, json_t *json, const struct step *up, struct plist *dict)
{
	enum err_kind kind = ERR_OK;

	for (void *i = json_object_iter(json); i != NULL && kind == ERR_OK;
		i = json_object_iter_next(json, i)) {
		struct step step = {.up = up, .key = json_object_iter_key(i)};
		struct plist *value = NULL;

		if (!fits_xml(step.key, strlen(step.key)))
			return reading_refuse(reading, up, unfit);
		kind = take_value(reading, json_object_iter_value(i), &step, &value);
		if (kind != ERR_OK)
			break;
		value->key = arena_strdup(reading->arena, step.key);
		plist_append(dict, value);
	}
	return kind;
}

/* Recursion: the scan has counted the levels. */
static enum err_kind
take_value(const struct reading *reading, const json_t *json, const struct step *step,
	struct plist **plist)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		*plist = plist_dict(reading->arena);
		return take_object(reading, (json_t *)json, step, *plist);
	case JSON_ARRAY:
		*plist = plist_array(reading->arena);
		return take_array(reading, json, step, *plist);
	case JSON_STRING:
		return take_string(reading, json, step, plist);
	case JSON_INTEGER:
		*plist = plist_integer(reading->arena, json_integer_value(json));
		break;
	case JSON_REAL:
		*plist = plist_real(reading->arena, json_real_value(json));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		*plist = plist_boolean(reading->arena, json_is_true(json));
		break;
	case JSON_NULL:
		return reading_refuse(reading, step, "null is no value of a plist");
	}
	return ERR_OK;
}

/* Without the text it was near to, which may be a secret. */
static enum err_kind
syntax_error(struct err *err, const json_error_t *error)
{
	const char *near = strstr(error->text, " near '");
	size_t len = near == NULL ? strlen(error->text) : (size_t)(near - error->text);

	return err_set(err, ERR_BAD_INPUT, "line %d: %.*s", error->line > 0 ? error->line : 1,
		(int)len, error->text);
}

enum err_kind
plist_read_json(struct plist_limits limits, struct arena *arena, const char *bytes, size_t len,
	struct plist **plist, struct err *err)
{
	struct scan scan = {.limits = &limits, .arena = arena, .err = err, .line = 1, .nodes = 1};
	struct reading reading = {.arena = arena, .err = err};
	json_t *json = NULL;
	json_error_t error;
	enum err_kind kind;

	*plist = NULL;
	kind = scan_all(&scan, &bytes, &len);
	if (kind != ERR_OK)
		return kind;
	json = json_loadb(
		bytes, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (json == NULL)
		return syntax_error(err, &error);
	kind = take_value(&reading, json, NULL, plist);
	if (kind != ERR_OK)
		*plist = NULL;
	json_decref(json);
	return kind;
}
