/*
 * The XML form on the way in: bytes -> libxml2's push parser -> its events -> a tree.  Read from
 * the end: one message, the events, placing a value, its keys, its text.
 *
 * libxml2 is kept on a short rope.  It never sees a declared encoding (XML_PARSE_IGNORE_ENC): that
 * has been settled before, in plist_source.c.  It is stopped at the first '[' of a DOCTYPE, before
 * an entity can be declared.  Its messages come here and not to stderr.
 */
#include <libxml/SAX2.h>
#include <libxml/catalog.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>

#include <openssl/rand.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "codec/plist_parts.h"
#include "codec/text.h"

enum {
	CHUNK = 4096, /* libxml2 looks through what it has been given more than once */

	/* Caps that only a message made to hurt comes near: the cost grows with the
	 * square. */
	AHEAD_MOST = 1 << 20,    /* bytes of what is read as a whole: a comment, CDATA */
	TAG_MOST = 16 * 1024,    /* bytes of a tag */
	NAMES_MOST = 256 * 1024, /* bytes of different names (of processing instructions) */

	/* What is larger than this is not kept for the next message. */
	TEXT_KEPT = 64 * 1024,
	MESSAGE_KEPT = 256 * 1024,
	NAMES_KEPT = 16 * 1024,
};

/* What an element is in the grammar. */
enum place { PLACE_PLIST, PLACE_KEY, PLACE_CONTAINER, PLACE_LEAF };

struct element {
	const char *name;
	enum place place;
	enum plist_type type;
	/* For a leaf: makes a value of the text; says what is wrong otherwise. */
	const char *(*take)(struct plist_reader *reader, struct plist *value);
};

/* A dict or an array that is open. */
struct frame {
	struct frame *up;
	struct plist *container;
	const char *key; /* in a dict: read, and still without its value */
	struct plist_keys keys;
};

struct plist_reader {
	struct plist_limits limits;
	xmlParserCtxtPtr parser; /* NULL: to be made */
	uint32_t hash_point;
	char *text; /* of the leaf or key that is open, with a NUL behind it */
	size_t text_len, text_size;

	/* the message that is being read */
	struct arena *arena;
	struct err *err;
	enum err_kind kind; /* not ERR_OK: it has been refused */
	struct plist *root;
	struct frame *top, *spare;
	unsigned depth;
	size_t nodes;
	enum { BEFORE_PLIST, IN_PLIST, BEHIND_PLIST } stage;
	const struct element *leaf; /* the leaf or key that is open */
	int leaf_line;
};

/* ---- refusing ---- */

static int
current_line(const struct plist_reader *reader)
{
	int line = reader->parser == NULL ? 0 : xmlSAX2GetLineNumber(reader->parser);

	return line > 0 ? line : 1;
}

/* The first reason is the one that is told. */
static void
refuse_va(
	struct plist_reader *reader, enum err_kind kind, int line, const char *format, va_list args)
{
	char reason[300];

	if (reader->kind != ERR_OK)
		return;
	vsnprintf(reason, sizeof(reason), format, args);
	reader->kind = err_set(reader->err, kind, "line %d: %s", line, reason);
}

static void refuse(struct plist_reader *reader, enum err_kind kind, int line, const char *format,
	...) __attribute__((format(printf, 4, 5)));
static void
refuse(struct plist_reader *reader, enum err_kind kind, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	refuse_va(reader, kind, line, format, args);
	va_end(args);
}

/* For the events: nothing comes after this one. */
static void stop(struct plist_reader *reader, enum err_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void
stop(struct plist_reader *reader, enum err_kind kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	refuse_va(reader, kind, current_line(reader), format, args);
	va_end(args);
	xmlStopParser(reader->parser);
}

/* ---- the text of a leaf ---- */

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_blank(const char *text, size_t len)
{
	while (len > 0 && is_space(text[len - 1]))
		len--;
	return len == 0;
}

static void
text_append(struct plist_reader *reader, const char *bytes, size_t len)
{
	if (reader->text_size - reader->text_len <= len) {
		size_t size = (reader->text_len + len) * 2 + 1024;
		char *text = realloc(reader->text, size);

		if (text == NULL) {
			stop(reader, ERR_TOO_LARGE, "no memory for this much text");
			return;
		}
		reader->text = text;
		reader->text_size = size;
	}
	memcpy(reader->text + reader->text_len, bytes, len);
	reader->text_len += len;
	reader->text[reader->text_len] = '\0';
}

/* The text without white space around it. */
static const char *
trimmed_text(struct plist_reader *reader)
{
	char *text = reader->text;

	while (reader->text_len > 0 && is_space(text[reader->text_len - 1]))
		reader->text_len--;
	text[reader->text_len] = '\0';
	while (is_space(*text))
		text++;
	return text;
}

static const char *
take_string(struct plist_reader *reader, struct plist *value)
{
	value->as.string.bytes = arena_memdup(reader->arena, reader->text, reader->text_len);
	value->as.string.len = reader->text_len;
	return NULL;
}

static const char *
take_data(struct plist_reader *reader, struct plist *value)
{
	value->as.string.bytes = (const char *)text_base64_decode(
		reader->arena, reader->text, reader->text_len, &value->as.string.len);
	return value->as.string.bytes == NULL ? "<data> is not base64" : NULL;
}

static const char *
take_integer(struct plist_reader *reader, struct plist *value)
{
	switch (plist_parse_integer(trimmed_text(reader), value)) {
	case PLIST_NUMBER_BAD:
		return "<integer> is not an integer";
	case PLIST_NUMBER_RANGE:
		return "<integer> is outside of -2^63 to 2^64-1";
	case PLIST_NUMBER_OK:
		break;
	}
	return NULL;
}

static const char *
take_real(struct plist_reader *reader, struct plist *value)
{
	switch (plist_parse_real(trimmed_text(reader), &value->as.real)) {
	case PLIST_NUMBER_BAD:
		return "<real> is not a number";
	case PLIST_NUMBER_RANGE:
		return "<real> is too large";
	case PLIST_NUMBER_OK:
		break;
	}
	return NULL;
}

/* Apple's dates end in Z; clock_parse_iso() would take other time zones too. */
static const char *
take_date(struct plist_reader *reader, struct plist *value)
{
	const char *text = trimmed_text(reader);

	if (strchr(text, 'Z') == NULL || clock_parse_iso(text, &value->as.date) != 0)
		return "<date> is not a date like 2026-11-24T08:15:30Z";
	return NULL;
}

static const char *
take_true(struct plist_reader *reader, struct plist *value)
{
	value->as.boolean = true;
	return is_blank(reader->text, reader->text_len) ? NULL : "text inside <true>";
}

static const char *
take_false(struct plist_reader *reader, struct plist *value)
{
	value->as.boolean = false;
	return is_blank(reader->text, reader->text_len) ? NULL : "text inside <false>";
}

/* ---- placing a value ---- */

static void
take_key(struct plist_reader *reader)
{
	struct frame *frame = reader->top;
	const char *key = arena_memdup(reader->arena, reader->text, reader->text_len);

	if (plist_keys_add(&frame->keys, reader->arena, frame->container, key))
		frame->key = key;
	else
		stop(reader, ERR_BAD_INPUT, "the key \"%.100s\" occurs twice", key);
}

static void
push_frame(struct plist_reader *reader, struct plist *container)
{
	struct frame *frame = reader->spare;

	if (frame != NULL)
		reader->spare = frame->up;
	else
		frame = arena_alloc(reader->arena, sizeof(*frame));
	*frame = (struct frame){.up = reader->top, .container = container};
	frame->keys.point = reader->hash_point;
	reader->top = frame;
	reader->depth++;
}

static void
pop_frame(struct plist_reader *reader)
{
	struct frame *frame = reader->top;

	if (frame->key != NULL) {
		stop(reader, ERR_BAD_INPUT, "the key \"%.100s\" has no value", frame->key);
		return;
	}
	reader->top = frame->up;
	frame->up = reader->spare;
	reader->spare = frame;
	reader->depth--;
}

static void
place_value(struct plist_reader *reader, struct plist *value)
{
	struct frame *frame = reader->top;

	if (frame == NULL) {
		reader->root = value;
		return;
	}
	plist_append(frame->container, value);
	value->key = frame->key;
	frame->key = NULL;
}

/* May a value begin here?  Says what is wrong otherwise. */
static bool
value_may_begin(struct plist_reader *reader, const char *name)
{
	const struct frame *frame = reader->top;

	if (frame == NULL && reader->root != NULL)
		stop(reader, ERR_BAD_INPUT, "<%s> is a second root", name);
	else if (frame != NULL && frame->container->type == PLIST_DICT && frame->key == NULL)
		stop(reader, ERR_BAD_INPUT, "<%s> has no key", name);
	else if (reader->nodes >= reader->limits.max_nodes)
		stop(reader, ERR_TOO_LARGE, "more than %zu values", reader->limits.max_nodes);
	else {
		reader->nodes++;
		return true;
	}
	return false;
}

static void
begin_container(struct plist_reader *reader, const struct element *element)
{
	struct plist *container;

	if (!value_may_begin(reader, element->name))
		return;
	if (reader->depth >= reader->limits.max_depth) {
		stop(reader, ERR_BAD_INPUT, "more than %u levels", reader->limits.max_depth);
		return;
	}
	container = element->type == PLIST_DICT ? plist_dict(reader->arena)
						: plist_array(reader->arena);
	place_value(reader, container);
	push_frame(reader, container);
}

static void
begin_leaf(struct plist_reader *reader, const struct element *element)
{
	const struct frame *frame = reader->top;

	if (element->place == PLACE_LEAF) {
		if (!value_may_begin(reader, element->name))
			return;
	} else if (frame == NULL || frame->container->type != PLIST_DICT) {
		stop(reader, ERR_BAD_INPUT, "<key> outside of a <dict>");
		return;
	} else if (frame->key != NULL) {
		stop(reader, ERR_BAD_INPUT, "the key \"%.100s\" has no value", frame->key);
		return;
	}
	reader->leaf = element;
	reader->leaf_line = current_line(reader);
	reader->text_len = 0;
	text_append(reader, "", 0);
}

static void
end_leaf(struct plist_reader *reader)
{
	const struct element *leaf = reader->leaf;
	struct plist value = {.type = leaf->type}, *kept;
	const char *wrong;

	reader->leaf = NULL;
	if (leaf->place == PLACE_KEY) {
		take_key(reader);
		return;
	}
	wrong = leaf->take(reader, &value);
	if (wrong != NULL) {
		refuse(reader, ERR_BAD_INPUT, reader->leaf_line, "%s", wrong);
		xmlStopParser(reader->parser);
		return;
	}
	kept = arena_alloc(reader->arena, sizeof(*kept));
	*kept = value;
	place_value(reader, kept);
}

/* ---- the events ---- */

/* Ordered by how often they occur in what devices send. */
static const struct element elements[] = {
	{"key", PLACE_KEY, PLIST_STRING, NULL},
	{"string", PLACE_LEAF, PLIST_STRING, take_string},
	{"dict", PLACE_CONTAINER, PLIST_DICT, NULL},
	{"integer", PLACE_LEAF, PLIST_INTEGER, take_integer},
	{"true", PLACE_LEAF, PLIST_BOOLEAN, take_true},
	{"false", PLACE_LEAF, PLIST_BOOLEAN, take_false},
	{"array", PLACE_CONTAINER, PLIST_ARRAY, NULL},
	{"data", PLACE_LEAF, PLIST_DATA, take_data},
	{"date", PLACE_LEAF, PLIST_DATE, take_date},
	{"real", PLACE_LEAF, PLIST_REAL, take_real},
	{"plist", PLACE_PLIST, PLIST_DICT, NULL},
};

static const struct element *
find_element(const char *name)
{
	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
		if (strcmp(elements[i].name, name) == 0)
			return &elements[i];
	return NULL;
}

/* Is the element one of ours, in its place, and without what it must not have? */
static const struct element *
check_element(struct plist_reader *reader, const char *name, const char *prefix, bool namespaces)
{
	const struct element *element = find_element(name);

	if (prefix != NULL)
		stop(reader, ERR_BAD_INPUT, "<%.50s:%.50s> is in a namespace", prefix, name);
	else if (element == NULL)
		stop(reader, ERR_BAD_INPUT, "<%.100s> is no element of a plist", name);
	else if (namespaces)
		stop(reader, ERR_BAD_INPUT, "<%s> declares a namespace", name);
	else if (reader->leaf != NULL)
		stop(reader, ERR_BAD_INPUT, "<%s> inside <%s>", name, reader->leaf->name);
	else if (element->place == PLACE_PLIST && reader->stage == IN_PLIST)
		stop(reader, ERR_BAD_INPUT, "<plist> inside <plist>");
	else if (element->place != PLACE_PLIST && reader->stage == BEFORE_PLIST)
		stop(reader, ERR_BAD_INPUT, "the root is <%s> and not <plist>", name);
	else
		return element;
	return NULL;
}

/* <plist> may have a version; nothing else may have anything. */
static bool
check_attributes(struct plist_reader *reader, const struct element *element, int count,
	const xmlChar **attributes)
{
	enum { NAME, PREFIX, ATTRIBUTE_SIZE = 5 };

	for (int i = 0; i < count; i++, attributes += ATTRIBUTE_SIZE) {
		const char *name = (const char *)attributes[NAME];

		if (element->place == PLACE_PLIST && attributes[PREFIX] == NULL &&
			strcmp(name, "version") == 0)
			continue;
		stop(reader, ERR_BAD_INPUT, "<%s> has an attribute \"%.100s\"", element->name,
			name);
		return false;
	}
	return true;
}

static void
on_start(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int namespace_count, const xmlChar **namespaces, int attribute_count, int defaulted_count,
	const xmlChar **attributes)
{
	struct plist_reader *reader = user;
	const struct element *element;

	(void)uri, (void)namespaces, (void)defaulted_count;
	if (reader->kind != ERR_OK)
		return;
	element = check_element(
		reader, (const char *)name, (const char *)prefix, namespace_count > 0);
	if (element == NULL || !check_attributes(reader, element, attribute_count, attributes))
		return;
	switch (element->place) {
	case PLACE_PLIST:
		reader->stage = IN_PLIST;
		break;
	case PLACE_CONTAINER:
		begin_container(reader, element);
		break;
	case PLACE_KEY:
	case PLACE_LEAF:
		begin_leaf(reader, element);
		break;
	}
}

/* That the tags match is libxml2's business. */
static void
on_end(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct plist_reader *reader = user;

	(void)name, (void)prefix, (void)uri;
	if (reader->kind != ERR_OK)
		return;
	if (reader->leaf != NULL)
		end_leaf(reader);
	else if (reader->top != NULL)
		pop_frame(reader);
	else if (reader->root == NULL)
		stop(reader, ERR_BAD_INPUT, "<plist> holds no value");
	else
		reader->stage = BEHIND_PLIST;
}

static void
on_text(void *user, const xmlChar *text, int len)
{
	struct plist_reader *reader = user;

	if (reader->kind != ERR_OK)
		return;
	if (reader->leaf != NULL)
		text_append(reader, (const char *)text, (size_t)len);
	else if (!is_blank((const char *)text, (size_t)len))
		stop(reader, ERR_BAD_INPUT, "text between elements");
}

static const char has_subset[] = "the DOCTYPE has an internal subset";

/*
 * A DOCTYPE, as far as its external reference.  What it refers to is not asked for: there is no
 * handler that could.  If there is more, it is the internal subset; and libxml2 takes a '[' behind
 * the '>' for one, too.
 */
static void
on_doctype(void *user, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id)
{
	struct plist_reader *reader = user;
	const xmlChar *at;

	(void)name, (void)public_id, (void)system_id;
	at = reader->parser->input == NULL ? NULL : reader->parser->input->cur;
	if (at == NULL || at[0] == '[' || (at[0] == '>' && at[1] == '['))
		stop(reader, ERR_BAD_INPUT, "%s", has_subset);
}

/* Behind a DOCTYPE.  Should a '[' have slipped through: libxml2 thinks that it is in a subset. */
static void
on_doctype_end(void *user, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id)
{
	struct plist_reader *reader = user;

	(void)name, (void)public_id, (void)system_id;
	if (reader->parser->instate == XML_PARSER_DTD)
		stop(reader, ERR_BAD_INPUT, "%s", has_subset);
}

/* An entity that is none of XML's five. */
static xmlEntityPtr
on_entity(void *user, const xmlChar *name)
{
	struct plist_reader *reader = user;

	stop(reader, ERR_BAD_INPUT, "the entity \"%.100s\" is none of the five of XML", name);
	return NULL;
}

/* Where libxml2's own words are of no help. */
static const struct {
	int code;
	const char *words;
} better_words[] = {
	{XML_ERR_DOCUMENT_EMPTY, "this is not XML"},
	{XML_ERR_INVALID_CHAR, "a character that XML does not allow"},
	{XML_ERR_INVALID_CHARREF, "a character that XML does not allow"},
	{XML_ERR_INVALID_ENCODING, "this is not UTF-8"},
	{XML_I18N_CONV_FAILED, "this is not UTF-16"},
};

/* What libxml2 itself finds wrong. */
static void
on_error(void *user, xmlErrorPtr error)
{
	struct plist_reader *reader = user;
	const char *words = error->message == NULL ? "this is not XML" : error->message;

	if (error->level < XML_ERR_ERROR)
		return;
	for (size_t i = 0; i < sizeof(better_words) / sizeof(better_words[0]); i++)
		if (error->code == better_words[i].code)
			words = better_words[i].words;
	/* It has the same words for too much and for too little. */
	if (error->code == XML_ERR_DOCUMENT_END && reader->stage != BEHIND_PLIST)
		words = "the document ends too early";
	refuse(reader, ERR_BAD_INPUT, error->line > 0 ? error->line : current_line(reader), "%.*s",
		(int)strcspn(words, "\n"), words);
}

/* Some of libxml2's complaints about encodings go this way only. */
static void
on_complaint(void *user, const char *format, ...)
{
	struct plist_reader *reader = user;

	(void)format;
	refuse(reader, ERR_BAD_INPUT, current_line(reader), "this is not UTF-16");
}

/* ---- one message ---- */

static void
prepare_libxml(void)
{
	xmlInitParser();
	/* <?oasis-xml-catalog?> in a message would be followed. */
	xmlCatalogSetDefaults(XML_CATA_ALLOW_NONE);
}

struct plist_reader *
plist_reader_new(struct plist_limits limits)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct plist_reader *reader = calloc(1, sizeof(*reader));

	if (reader == NULL ||
		RAND_bytes((unsigned char *)&reader->hash_point, sizeof(reader->hash_point)) != 1) {
		fputs("level=error msg=\"no memory or no random numbers to be had\"\n", stderr);
		abort();
	}
	pthread_once(&once, prepare_libxml);
	reader->limits = limits;
	return reader;
}

static void
parser_drop(struct plist_reader *reader)
{
	/* It may have kept entities, which no handler asked it to, and leaves them to us. */
	if (reader->parser != NULL)
		xmlFreeDoc(reader->parser->myDoc);
	xmlFreeParserCtxt(reader->parser);
	reader->parser = NULL;
}

void
plist_reader_free(struct plist_reader *reader)
{
	if (reader == NULL)
		return;
	parser_drop(reader);
	free(reader->text);
	free(reader);
}

/* A parser at the beginning of a document; false when there is no memory. */
static bool
parser_prepare(struct plist_reader *reader, const char *encoding)
{
	static const xmlSAXHandler handlers = {
		.initialized = XML_SAX2_MAGIC,
		.internalSubset = on_doctype,
		.externalSubset = on_doctype_end,
		.getEntity = on_entity,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_text,
		.ignorableWhitespace = on_text,
		.cdataBlock = on_text,
		.serror = on_error,
	};
	xmlSAXHandler sax = handlers;

	if (reader->parser == NULL)
		reader->parser = xmlCreatePushParserCtxt(&sax, reader, NULL, 0, NULL);
	if (reader->parser == NULL)
		return false;
	/* Without a name it takes the bytes for UTF-8. */
	if (strcmp(encoding, "UTF-8") == 0)
		encoding = NULL;
	if (xmlCtxtResetPush(reader->parser, NULL, 0, NULL, encoding) != 0)
		return false;
	xmlCtxtUseOptions(reader->parser, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
	return true;
}

/* Has libxml2 taken in more than an honest message needs? */
static void
check_appetite(struct plist_reader *reader)
{
	const xmlParserCtxt *parser = reader->parser;
	long ahead = parser->input == NULL ? 0 : parser->input->end - parser->input->cur;
	int line = current_line(reader);

	if (ahead > TAG_MOST && parser->instate == XML_PARSER_START_TAG)
		refuse(reader, ERR_TOO_LARGE, line, "a tag is too long");
	if (ahead > AHEAD_MOST)
		refuse(reader, ERR_TOO_LARGE, line,
			"a comment, CDATA section or entity is too long");
	if (xmlDictGetUsage(parser->dict) > NAMES_MOST)
		refuse(reader, ERR_TOO_LARGE, line, "too many names");
}

static void
parse(struct plist_reader *reader, const struct plist_source *source)
{
	size_t done = 0;

	if (!parser_prepare(reader, source->encoding)) {
		refuse(reader, ERR_INTERNAL, 1, "no memory for a parser");
		return;
	}
	while (reader->kind == ERR_OK && done < source->len) {
		size_t n = source->len - done < CHUNK ? source->len - done : CHUNK;
		bool last = done + n == source->len;

		if (xmlParseChunk(reader->parser, source->bytes + done, (int)n, last) != 0)
			refuse(reader, ERR_BAD_INPUT, current_line(reader), "not XML");
		done += n;
		check_appetite(reader);
	}
	if (reader->kind == ERR_OK && (!reader->parser->wellFormed || reader->root == NULL))
		refuse(reader, ERR_BAD_INPUT, current_line(reader), "not a plist");
}

/* With libxml2's own messages, which are a setting of the thread, turned this way. */
static void
parse_quietly(struct plist_reader *reader, const struct plist_source *source)
{
	xmlStructuredErrorFunc old_structured = xmlStructuredError;
	void *old_structured_context = xmlStructuredErrorContext;
	xmlGenericErrorFunc old_generic = xmlGenericError;
	void *old_generic_context = xmlGenericErrorContext;

	xmlSetStructuredErrorFunc(reader, on_error);
	xmlSetGenericErrorFunc(reader, on_complaint);
	parse(reader, source);
	xmlSetGenericErrorFunc(old_generic_context, old_generic);
	xmlSetStructuredErrorFunc(old_structured_context, old_structured);
}

/* A message may leave behind names in the parser's dictionary and large buffers, and a bad one who
 * knows what: what would grow from message to message is given up. */
static void
tidy(struct plist_reader *reader, size_t len)
{
	if (reader->parser != NULL && (reader->kind != ERR_OK || len > MESSAGE_KEPT ||
					      xmlDictGetUsage(reader->parser->dict) > NAMES_KEPT))
		parser_drop(reader);
	if (reader->text_size > TEXT_KEPT) {
		free(reader->text);
		reader->text = NULL;
		reader->text_size = 0;
	}
}

enum err_kind
plist_read_xml(struct plist_reader *reader, struct arena *arena, const char *bytes, size_t len,
	struct plist **plist, struct err *err)
{
	struct plist_source source;

	reader->arena = arena;
	reader->err = err;
	reader->root = NULL;
	reader->top = reader->spare = NULL;
	reader->depth = 0;
	reader->nodes = 0;
	reader->stage = BEFORE_PLIST;
	reader->leaf = NULL;

	reader->kind = plist_source_open(&source, bytes, len, reader->limits.max_bytes, err);
	if (reader->kind == ERR_OK)
		parse_quietly(reader, &source);
	*plist = reader->kind == ERR_OK ? reader->root : NULL;
	tidy(reader, len);
	return reader->kind;
}
