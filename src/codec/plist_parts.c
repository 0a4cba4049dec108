/*
 * Below plist.c, plist_xml.c and plist_json.c: the parts that do not depend on the form.
 */
#include "codec/plist_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "codec/text.h"

/* ---- walking ---- */

struct plist_level {
	struct plist_level *up;
	const struct plist *container;
	const struct plist *next;   /* in the order of the tree, */
	const struct plist **order; /* or, when not NULL, in this one */
	size_t done;
};

static int
compare_keys(const void *a, const void *b)
{
	const struct plist *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

/* NULL when the dict is in order already. */
static const struct plist **
sorted_order(struct arena *arena, const struct plist *dict)
{
	const struct plist **order, *item = dict->as.items.first;
	size_t n = 0;

	while (item != NULL && item->next != NULL && strcmp(item->key, item->next->key) < 0)
		item = item->next;
	if (item == NULL || item->next == NULL)
		return NULL;
	order = arena_calloc(arena, dict->as.items.count, sizeof(*order));
	for (item = dict->as.items.first; item != NULL; item = item->next)
		order[n++] = item;
	qsort(order, n, sizeof(*order), compare_keys);
	return order;
}

static void
push_level(struct plist_walk *walk, const struct plist *container)
{
	struct plist_level *level = walk->spare;

	if (level != NULL)
		walk->spare = level->up;
	else
		level = arena_alloc(walk->arena, sizeof(*level));
	*level = (struct plist_level){
		.up = walk->top, .container = container, .next = container->as.items.first};
	if (walk->sorted && container->type == PLIST_DICT)
		level->order = sorted_order(walk->arena, container);
	walk->top = level;
}

static void
pop_level(struct plist_walk *walk)
{
	struct plist_level *level = walk->top;

	walk->top = level->up;
	level->up = walk->spare;
	walk->spare = level;
}

static const struct plist *
next_item(struct plist_level *level)
{
	const struct plist *item = level->next;

	if (level->order != NULL)
		item = level->done < level->container->as.items.count ? level->order[level->done]
								      : NULL;
	else if (item != NULL)
		level->next = item->next;
	if (item != NULL)
		level->done++;
	return item;
}

enum plist_event
plist_walk_next(struct plist_walk *walk)
{
	struct plist_level *level = walk->top;
	const struct plist *node = walk->root;

	if (level == NULL && walk->begun)
		return PLIST_WALK_END;
	if (walk->node != NULL && level != NULL && walk->node == level->container)
		walk->depth++; /* the last event was ENTER */
	walk->begun = true;
	walk->key = NULL;
	walk->first = level == NULL || level->done == 0;
	if (level != NULL) {
		node = next_item(level);
		if (node == NULL) {
			walk->node = level->container;
			walk->depth--;
			pop_level(walk);
			return PLIST_WALK_LEAVE;
		}
		if (level->container->type == PLIST_DICT)
			walk->key = node->key;
	}
	walk->node = node;
	if (node->type != PLIST_DICT && node->type != PLIST_ARRAY)
		return PLIST_WALK_LEAF;
	push_level(walk, node);
	return PLIST_WALK_ENTER;
}

/* ---- integers ---- */

static unsigned
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A' + 10);
	return 99;
}

enum plist_number
plist_parse_integer(const char *text, struct plist *value)
{
	bool negative = *text == '-', over = false;
	uint64_t magnitude = 0;
	unsigned base = 10;

	if (*text == '-' || *text == '+')
		text++;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	if (*text == '\0')
		return PLIST_NUMBER_BAD;
	for (; *text != '\0'; text++) {
		unsigned digit = digit_value(*text);

		if (digit >= base)
			return PLIST_NUMBER_BAD;
		over = over || magnitude > (UINT64_MAX - digit) / base;
		magnitude = magnitude * base + digit;
	}
	if (over || (negative && magnitude > (uint64_t)1 << 63))
		return PLIST_NUMBER_RANGE;
	value->type = PLIST_INTEGER;
	value->as.integer.negative = negative && magnitude != 0;
	value->as.integer.magnitude = magnitude;
	return PLIST_NUMBER_OK;
}

char *
plist_integer_text(const struct plist *integer, char text[PLIST_NUMBER_SIZE])
{
	snprintf(text, PLIST_NUMBER_SIZE, "%s%" PRIu64, integer->as.integer.negative ? "-" : "",
		integer->as.integer.magnitude);
	return text;
}

/* ---- reals ---- */

enum plist_number
plist_parse_real(const char *text, double *value)
{
	/* The value of a double has 767 digits at most: what is much longer is no honest number. */
	enum { LONGEST = 2000 };
	const char *word = *text == '-' || *text == '+' ? text + 1 : text;
	size_t len = strlen(text);
	char *end;

	if (strcasecmp(word, "nan") == 0) {
		*value = NAN;
		return PLIST_NUMBER_OK;
	}
	if (strcasecmp(word, "inf") == 0 || strcasecmp(word, "infinity") == 0) {
		*value = *text == '-' ? -INFINITY : INFINITY;
		return PLIST_NUMBER_OK;
	}
	/* strtod() would take more: hex, white space, nan(…). */
	if (len == 0 || len > LONGEST || strspn(text, "0123456789.eE+-") != len)
		return PLIST_NUMBER_BAD;
	*value = strtod(text, &end);
	if (end != text + len)
		return PLIST_NUMBER_BAD;
	return isfinite(*value) ? PLIST_NUMBER_OK : PLIST_NUMBER_RANGE;
}

char *
plist_real_text(double value, char text[PLIST_NUMBER_SIZE])
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, PLIST_NUMBER_SIZE, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return text;
}

/* ---- dates, text ---- */

int64_t
plist_date_sayable(int64_t ms)
{
	const int64_t first = INT64_C(-62135596800000); /* 0001-01-01T00:00:00Z */
	const int64_t last = INT64_C(253402300799999);  /* 9999-12-31T23:59:59.999Z */

	return ms < first ? first : ms > last ? last : ms;
}

static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '&' && c != '<' && c != '>' && c != '\\';
}

void
plist_write_text(struct buf *buf, const char *text, size_t len, plist_escape *escape)
{
	size_t done = 0, i = 0;

	while (i < len) {
		char space[PLIST_ESCAPE_SIZE];
		const char *instead = "\xef\xbf\xbd"; /* U+FFFD */
		uint32_t code;
		size_t n;

		if (is_plain((unsigned char)text[i])) {
			i++;
			continue;
		}
		n = text_utf8_next(text + i, len - i, &code);
		if (n > 0)
			instead = escape(code, space);
		else
			n = 1;
		if (instead != NULL) {
			buf_add(buf, text + done, i - done);
			buf_str(buf, instead);
			done = i + n;
		}
		i += n;
	}
	buf_add(buf, text + done, len - done);
}
