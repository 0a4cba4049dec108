/*
 * Beside plist_xml.c: finds a key that occurs twice.  Most dicts are small, and need no table.
 */
#include <string.h>

#include "codec/plist_parts.h"

enum { SMALL = 16 }; /* up to so many keys are compared one by one */

/* The key as a polynomial over the point, modulo a prime: two keys of n bytes fall together for n
 * points at most. */
static size_t
hash_key(uint32_t point, const char *key)
{
	const uint64_t prime = (UINT64_C(1) << 31) - 1;
	uint64_t x = point % prime, hash = 1;

	for (; *key != '\0'; key++)
		hash = (hash * x + (unsigned char)*key) % prime;
	return (size_t)hash;
}

/* The slot KEY is in, or the free one where it belongs. */
static const char **
find_slot(const struct plist_keys *keys, const char *key)
{
	size_t mask = keys->slot_count - 1, i = hash_key(keys->point, key) & mask;

	while (keys->slots[i] != NULL && strcmp(keys->slots[i], key) != 0)
		i = (i + 1) & mask;
	return &keys->slots[i];
}

/* At most a quarter is taken after this, and at most half before the next time. */
static void
make_slots(struct plist_keys *keys, struct arena *arena, const struct plist *dict)
{
	const struct plist *item = dict->as.items.first;

	keys->slot_count = SMALL * 4;
	while (keys->slot_count < dict->as.items.count * 4)
		keys->slot_count *= 2;
	keys->slots = arena_calloc(arena, keys->slot_count, sizeof(*keys->slots));
	for (; item != NULL; item = item->next)
		*find_slot(keys, item->key) = item->key;
}

bool
plist_keys_add(
	struct plist_keys *keys, struct arena *arena, const struct plist *dict, const char *key)
{
	const char **slot;

	if (dict->as.items.count < SMALL)
		return plist_get(dict, key) == NULL;
	if (dict->as.items.count * 2 >= keys->slot_count)
		make_slots(keys, arena, dict);
	slot = find_slot(keys, key);
	if (*slot != NULL)
		return false;
	*slot = key;
	return true;
}
