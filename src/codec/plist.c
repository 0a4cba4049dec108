/*
 * The tree itself: what a message becomes when it has been read, and what a reply is before it is
 * written.
 */
#include "codec/plist.h"

#include <math.h>
#include <string.h>

#include "codec/plist_parts.h"

struct plist_limits
plist_limits_default(void)
{
	return (struct plist_limits){
		.max_bytes = 16 << 20, .max_nodes = 500 * 1000, .max_depth = 64};
}

/* ---- building ---- */

static struct plist *
node_new(struct arena *arena, enum plist_type type)
{
	struct plist *node = arena_alloc(arena, sizeof(*node));

	*node = (struct plist){.type = type};
	return node;
}

struct plist *
plist_dict(struct arena *arena)
{
	return node_new(arena, PLIST_DICT);
}

struct plist *
plist_array(struct arena *arena)
{
	return node_new(arena, PLIST_ARRAY);
}

struct plist *
plist_string(struct arena *arena, const char *string)
{
	return plist_string_len(arena, string, strlen(string));
}

static struct plist *
bytes_new(struct arena *arena, enum plist_type type, const void *bytes, size_t len)
{
	struct plist *node = node_new(arena, type);

	node->as.string.bytes = arena_memdup(arena, bytes, len);
	node->as.string.len = len;
	return node;
}

struct plist *
plist_string_len(struct arena *arena, const char *bytes, size_t len)
{
	return bytes_new(arena, PLIST_STRING, bytes, len);
}

struct plist *
plist_data(struct arena *arena, const void *bytes, size_t len)
{
	return bytes_new(arena, PLIST_DATA, bytes, len);
}

struct plist *
plist_unsigned(struct arena *arena, uint64_t value)
{
	struct plist *node = node_new(arena, PLIST_INTEGER);

	node->as.integer.magnitude = value;
	return node;
}

struct plist *
plist_integer(struct arena *arena, int64_t value)
{
	/* -INT64_MIN is not an int64_t: negate as unsigned. */
	struct plist *node =
		plist_unsigned(arena, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);

	node->as.integer.negative = value < 0;
	return node;
}

struct plist *
plist_real(struct arena *arena, double value)
{
	struct plist *node = node_new(arena, PLIST_REAL);

	node->as.real = value;
	return node;
}

struct plist *
plist_boolean(struct arena *arena, bool value)
{
	struct plist *node = node_new(arena, PLIST_BOOLEAN);

	node->as.boolean = value;
	return node;
}

struct plist *
plist_date(struct arena *arena, int64_t ms)
{
	struct plist *node = node_new(arena, PLIST_DATE);

	node->as.date = ms;
	return node;
}

void
plist_append(struct plist *array, struct plist *value)
{
	value->next = NULL;
	if (array->as.items.last != NULL)
		array->as.items.last->next = value;
	else
		array->as.items.first = value;
	array->as.items.last = value;
	array->as.items.count++;
}

/* The pointer that points to KEY's item, or to the NULL at the end; *PREVIOUS is the item before.
 */
static struct plist **
find_link(struct plist *dict, const char *key, struct plist **previous)
{
	struct plist **link = &dict->as.items.first;

	*previous = NULL;
	while (*link != NULL && strcmp((*link)->key, key) != 0) {
		*previous = *link;
		link = &(*link)->next;
	}
	return link;
}

void
plist_set(struct arena *arena, struct plist *dict, const char *key, struct plist *value)
{
	struct plist *previous, **link = find_link(dict, key, &previous);
	struct plist *old = *link;

	value->key = arena_strdup(arena, key);
	if (old == NULL) {
		plist_append(dict, value);
		return;
	}
	value->next = old->next;
	*link = value;
	if (dict->as.items.last == old)
		dict->as.items.last = value;
}

bool
plist_remove(struct plist *dict, const char *key)
{
	struct plist *previous, **link = find_link(dict, key, &previous);
	struct plist *old = *link;

	if (old == NULL)
		return false;
	*link = old->next;
	if (dict->as.items.last == old)
		dict->as.items.last = previous;
	dict->as.items.count--;
	return true;
}

/* ---- copying ---- */

/* A container that has been copied but still has the items of the original. */
struct unfinished {
	struct unfinished *next;
	struct plist *container;
};

/* The node alone; a container still points to the items of the original, and waits in TODO. */
static struct plist *
copy_node(struct arena *arena, const struct plist *node, struct unfinished **todo)
{
	struct plist *copy = arena_alloc(arena, sizeof(*copy));

	*copy = *node;
	copy->next = NULL;
	if (node->type == PLIST_STRING || node->type == PLIST_DATA)
		copy->as.string.bytes =
			arena_memdup(arena, node->as.string.bytes, node->as.string.len);
	if (node->type == PLIST_DICT || node->type == PLIST_ARRAY) {
		struct unfinished *entry = arena_alloc(arena, sizeof(*entry));

		*entry = (struct unfinished){.next = *todo, .container = copy};
		*todo = entry;
	}
	return copy;
}

struct plist *
plist_copy(struct arena *arena, const struct plist *plist)
{
	struct unfinished *todo = NULL;
	struct plist *root = copy_node(arena, plist, &todo);

	root->key = NULL;
	while (todo != NULL) {
		struct plist *container = todo->container;
		const struct plist *item = container->as.items.first;

		todo = todo->next;
		memset(&container->as, 0, sizeof(container->as));
		for (; item != NULL; item = item->next) {
			struct plist *copy = copy_node(arena, item, &todo);

			copy->key = arena_strdup(arena, item->key);
			plist_append(container, copy);
		}
	}
	return root;
}

/* ---- reading ---- */

const struct plist *
plist_get(const struct plist *dict, const char *key)
{
	const struct plist *item;

	if (dict == NULL || dict->type != PLIST_DICT)
		return NULL;
	for (item = dict->as.items.first; item != NULL; item = item->next)
		if (strcmp(item->key, key) == 0)
			break;
	return item;
}

const struct plist *
plist_get_typed(const struct plist *dict, const char *key, enum plist_type type)
{
	const struct plist *value = plist_get(dict, key);

	return value != NULL && value->type == type ? value : NULL;
}

const char *
plist_get_string(const struct plist *dict, const char *key)
{
	const struct plist *value = plist_get_typed(dict, key, PLIST_STRING);

	return value == NULL ? NULL : value->as.string.bytes;
}

bool
plist_get_boolean(const struct plist *dict, const char *key, bool otherwise)
{
	const struct plist *value = plist_get_typed(dict, key, PLIST_BOOLEAN);

	return value == NULL ? otherwise : value->as.boolean;
}

bool
plist_get_int64(const struct plist *dict, const char *key, int64_t *value)
{
	const struct plist *item = plist_get_typed(dict, key, PLIST_INTEGER);

	if (item == NULL)
		return false;
	if (item->as.integer.negative) /* at least 1, at most 2^63 */
		*value = -(int64_t)(item->as.integer.magnitude - 1) - 1;
	else if (item->as.integer.magnitude <= INT64_MAX)
		*value = (int64_t)item->as.integer.magnitude;
	else
		return false;
	return true;
}

static bool
leaves_equal(const struct plist *a, const struct plist *b)
{
	switch (a->type) {
	case PLIST_STRING:
	case PLIST_DATA:
		return a->as.string.len == b->as.string.len &&
		       memcmp(a->as.string.bytes, b->as.string.bytes, a->as.string.len) == 0;
	case PLIST_INTEGER:
		return a->as.integer.negative == b->as.integer.negative &&
		       a->as.integer.magnitude == b->as.integer.magnitude;
	case PLIST_REAL:
		return a->as.real == b->as.real || (isnan(a->as.real) && isnan(b->as.real));
	case PLIST_BOOLEAN:
		return a->as.boolean == b->as.boolean;
	case PLIST_DATE:
		return a->as.date == b->as.date;
	case PLIST_DICT:
	case PLIST_ARRAY:
		break;
	}
	return a->as.items.count == b->as.items.count;
}

bool
plist_equal(const struct plist *a, const struct plist *b)
{
	struct arena arena;
	struct plist_walk x = {.arena = &arena, .root = a, .sorted = true};
	struct plist_walk y = {.arena = &arena, .root = b, .sorted = true};
	enum plist_event event;
	bool equal = true;

	arena_init(&arena);
	while (equal && (event = plist_walk_next(&x)) != PLIST_WALK_END) {
		equal = plist_walk_next(&y) == event && x.node->type == y.node->type &&
			leaves_equal(x.node, y.node) &&
			(x.key == NULL || strcmp(x.key, y.key) == 0);
	}
	arena_release(&arena);
	return equal;
}

const char *
plist_type_name(enum plist_type type)
{
	static const char *const names[] = {
		[PLIST_DICT] = "dictionary",
		[PLIST_ARRAY] = "array",
		[PLIST_STRING] = "string",
		[PLIST_INTEGER] = "integer",
		[PLIST_REAL] = "real",
		[PLIST_BOOLEAN] = "boolean",
		[PLIST_DATE] = "date",
		[PLIST_DATA] = "data",
	};

	return (size_t)type < sizeof(names) / sizeof(names[0]) ? names[type] : "unknown";
}
