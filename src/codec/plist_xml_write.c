/*
 * The XML form on the way out: a walk over the tree that writes what plutil would.
 */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "codec/plist_parts.h"
#include "codec/text.h"

static const char *
escape_xml(uint32_t code, char space[PLIST_ESCAPE_SIZE])
{
	(void)space;
	switch (code) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '\r':
		return "&#13;";
	default:
		return text_is_xml_char(code) ? NULL : "\xef\xbf\xbd";
	}
}

static void
write_indent(struct buf *buf, unsigned depth)
{
	while (depth-- > 0)
		buf_byte(buf, '\t');
}

/* <NAME>TEXT</NAME>, the text as it is. */
static void
write_element(struct buf *buf, const char *name, const char *text)
{
	buf_byte(buf, '<');
	buf_str(buf, name);
	buf_byte(buf, '>');
	buf_str(buf, text);
	buf_str(buf, "</");
	buf_str(buf, name);
	buf_str(buf, ">\n");
}

static void
write_key(struct buf *buf, unsigned depth, const char *key)
{
	write_indent(buf, depth);
	buf_str(buf, "<key>");
	plist_write_text(buf, key, strlen(key), escape_xml);
	buf_str(buf, "</key>\n");
}

static void
write_data(struct buf *buf, unsigned depth, const char *bytes, size_t len)
{
	size_t columns = depth < 8 ? 76 - depth * 8 : 12;
	size_t a_line;

	if (columns < 16)
		columns = 16;
	a_line = columns / 4 * 3;
	buf_str(buf, "<data>\n");
	for (size_t i = 0; i < len; i += a_line) {
		write_indent(buf, depth);
		text_base64_append(buf, bytes + i, len - i < a_line ? len - i : a_line);
		buf_byte(buf, '\n');
	}
	write_indent(buf, depth);
	buf_str(buf, "</data>\n");
}

static void
write_real(struct buf *buf, double value)
{
	char text[PLIST_NUMBER_SIZE];

	if (isnan(value))
		write_element(buf, "real", "nan");
	else if (isinf(value))
		write_element(buf, "real", value < 0 ? "-infinity" : "+infinity");
	else
		write_element(buf, "real", plist_real_text(value, text));
}

static void
write_date(struct buf *buf, int64_t ms)
{
	char text[CLOCK_ISO_SIZE];

	ms = plist_date_sayable(ms);
	ms -= (ms % 1000 + 1000) % 1000; /* down, before 1970 too */
	write_element(buf, "date", clock_iso(ms, text));
}

static void
write_leaf(struct buf *buf, unsigned depth, const struct plist *leaf)
{
	char number[PLIST_NUMBER_SIZE];

	switch (leaf->type) {
	case PLIST_STRING:
		buf_str(buf, "<string>");
		plist_write_text(buf, leaf->as.string.bytes, leaf->as.string.len, escape_xml);
		buf_str(buf, "</string>\n");
		break;
	case PLIST_INTEGER:
		write_element(buf, "integer", plist_integer_text(leaf, number));
		break;
	case PLIST_REAL:
		write_real(buf, leaf->as.real);
		break;
	case PLIST_BOOLEAN:
		buf_str(buf, leaf->as.boolean ? "<true/>\n" : "<false/>\n");
		break;
	case PLIST_DATE:
		write_date(buf, leaf->as.date);
		break;
	case PLIST_DATA:
		write_data(buf, depth, leaf->as.string.bytes, leaf->as.string.len);
		break;
	case PLIST_DICT:
	case PLIST_ARRAY:
		break; /* no leaves */
	}
}

/* The tag of a container at an event; one that is empty has but one tag. */
static void
write_container(struct buf *buf, const struct plist *container, enum plist_event event)
{
	bool empty = container->as.items.first == NULL;

	buf_str(buf, event == PLIST_WALK_LEAVE ? "</" : "<");
	buf_str(buf, container->type == PLIST_DICT ? "dict" : "array");
	buf_str(buf, empty ? "/>\n" : ">\n");
}

void
plist_write_xml(struct buf *buf, const struct plist *plist, bool sorted)
{
	struct plist_walk walk = {.arena = buf->arena, .root = plist, .sorted = sorted};
	enum plist_event event;

	buf_str(buf, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		     "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\""
		     " \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
		     "<plist version=\"1.0\">\n");
	while (!buf->full && (event = plist_walk_next(&walk)) != PLIST_WALK_END) {
		if (event == PLIST_WALK_LEAVE && walk.node->as.items.first == NULL)
			continue;
		if (event != PLIST_WALK_LEAVE && walk.key != NULL)
			write_key(buf, walk.depth, walk.key);
		write_indent(buf, walk.depth);
		if (event == PLIST_WALK_LEAF)
			write_leaf(buf, walk.depth, walk.node);
		else
			write_container(buf, walk.node, event);
	}
	buf_str(buf, "</plist>\n");
}
