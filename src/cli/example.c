/*
 * Makes up a value for each key, then mends each dictionary until its rules are kept.
 */
#include "cli/example.h"

#include <string.h>

#include "mdm/catalogue_sample.h"

struct example {
	bool full;
};

static bool
wants(const struct catalogue_sampler *sampler, const struct catalogue_sample_place *place)
{
	const struct example *example = sampler->context;
	const struct catalogue_key *key = place->key;

	if (key->name[0] == '\0') /* an element: with one the array says what it is about */
		return example->full || key->variant == NULL ||
		       key == catalogue_first(place->above->key);
	if (key->presence == CATALOGUE_FILLED)
		return false;
	return example->full || key->presence == CATALOGUE_REQUIRED;
}

/* ---- mending ---- */

struct mending {
	const struct catalogue_sampler *sampler;
	const struct catalogue_sample_place *place;
	struct plist *dict;
};

static bool
has(const struct mending *mending, const char *name)
{
	return plist_get(mending->dict, name) != NULL;
}

static void
add(const struct mending *mending, const char *name)
{
	const struct catalogue_key *key = catalogue_subkey(mending->place->key, name);
	struct catalogue_sample_place place = {.key = key, .name = name, .above = mending->place};

	if (key != NULL && !has(mending, name))
		plist_set(mending->sampler->arena, mending->dict, name,
			catalogue_sample(mending->sampler, &place));
}

static bool
holds(const struct mending *mending, const struct catalogue_rule *rule)
{
	const struct plist *other = plist_get(mending->dict, rule->other);
	const char *text = plist_get_string(mending->dict, rule->other);
	bool equals = text != NULL && rule->value != NULL && strcmp(text, rule->value) == 0;
	bool is_true = plist_get_boolean(mending->dict, rule->other, false);

	switch (rule->when) {
	case CATALOGUE_WHEN_EQUALS:
		return equals;
	case CATALOGUE_WHEN_NOT_EQUALS:
		return !equals;
	case CATALOGUE_WHEN_TRUE:
		return is_true;
	case CATALOGUE_WHEN_NOT_TRUE:
		return !is_true;
	case CATALOGUE_WHEN_ABSENT:
		return other == NULL;
	case CATALOGUE_WHEN_PRESENT:
		return other != NULL;
	}
	return false;
}

/* The first of the group is there; with ONLY none of the others. */
static void
keep_one(const struct mending *mending, const struct catalogue_rule *rule, bool only)
{
	const char *kept = NULL;

	for (size_t i = 0; rule->keys[i] != NULL; i++) {
		if (kept == NULL && has(mending, rule->keys[i]))
			kept = rule->keys[i];
		else if (kept != NULL && only)
			plist_remove(mending->dict, rule->keys[i]);
	}
	if (kept == NULL)
		add(mending, rule->keys[0]);
}

static void
make_contain(const struct mending *mending, const struct catalogue_rule *rule)
{
	struct arena *arena = mending->sampler->arena;
	struct plist *array = plist_array(arena);

	if (!has(mending, rule->keys[0]))
		return;
	plist_append(array, plist_string(arena, rule->value));
	plist_set(arena, mending->dict, rule->other, array);
}

/* A string of that many digits. */
static void
make_long(const struct mending *mending, const struct catalogue_rule *rule)
{
	struct arena *arena = mending->sampler->arena;
	struct buf digits;

	if (!has(mending, rule->keys[0]))
		return;
	buf_init(&digits, arena, 4096);
	for (size_t i = 0; i < (size_t)rule->max; i++)
		buf_byte(&digits, (char)('0' + (i + 1) % 10));
	plist_set(arena, mending->dict, rule->keys[0], plist_string(arena, digits.bytes));
}

static void
make_begin(const struct mending *mending, const struct catalogue_rule *rule)
{
	struct arena *arena = mending->sampler->arena;
	const char *text = plist_get_string(mending->dict, rule->keys[0]);

	if (text != NULL && strncmp(text, rule->value, strlen(rule->value)) != 0)
		plist_set(arena, mending->dict, rule->keys[0],
			plist_string(arena, arena_printf(arena, "%s%s", rule->value, text)));
}

static void
make_fit(const struct mending *mending, const struct catalogue_rule *rule)
{
	if (has(mending, rule->keys[0]) && rule->has_min)
		plist_set(mending->sampler->arena, mending->dict, rule->keys[0],
			plist_integer(mending->sampler->arena, (int64_t)rule->min));
}

static void
mend(const struct mending *mending, const struct catalogue_rule *rule)
{
	switch (rule->kind) {
	case CATALOGUE_RULE_EXACTLY_ONE_OF:
		keep_one(mending, rule, true);
		break;
	case CATALOGUE_RULE_AT_LEAST_ONE_OF:
		keep_one(mending, rule, false);
		break;
	case CATALOGUE_RULE_REQUIRED_IF:
		if (holds(mending, rule))
			add(mending, rule->keys[0]);
		break;
	case CATALOGUE_RULE_FORBIDDEN_IF:
		if (holds(mending, rule))
			plist_remove(mending->dict, rule->keys[0]);
		break;
	case CATALOGUE_RULE_CONTAINS_IF:
		make_contain(mending, rule);
		break;
	case CATALOGUE_RULE_LENGTH:
		make_long(mending, rule);
		break;
	case CATALOGUE_RULE_PREFIX:
		make_begin(mending, rule);
		break;
	case CATALOGUE_RULE_RANGE:
		make_fit(mending, rule);
		break;
	case CATALOGUE_RULE_MAX_BYTES: /* what is made up is short and plain */
	case CATALOGUE_RULE_PATTERN:
	case CATALOGUE_RULE_DEFAULT:
	case CATALOGUE_RULE_DEPENDS:
		break;
	}
}

static void
complete(const struct catalogue_sampler *sampler, const struct catalogue_sample_place *place,
	struct plist *dict)
{
	const struct mending mending = {.sampler = sampler, .place = place, .dict = dict};

	for (size_t i = 0; i < place->key->rule_count; i++)
		mend(&mending, &place->key->rules[i]);
}

struct plist *
example_args(struct arena *arena, const struct catalogue_request *request, bool full)
{
	struct example example = {.full = full};
	const struct catalogue_sampler sampler = {
		.arena = arena, .wants = wants, .complete = complete, .context = &example};
	const struct catalogue_sample_place root = {.key = request->payload, .name = ""};

	return catalogue_sample(&sampler, &root);
}
