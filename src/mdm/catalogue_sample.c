/*
 * Walks the tree of keys, and makes up a value where there is none.
 */
#include "mdm/catalogue_sample.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SAMPLE_TIME INT64_C(1795507200000) /* 2026-11-24T08:00:00Z */

/* ---- a single value ---- */

/* By the end of a key's name, in any case; the first that fits. */
static const struct {
	const char *end, *text;
} texts[] = {
	{"MetadataURL", "https://swdist.example.com/content/update.smd"},
	{"URL", "https://www.example.com/manifest.plist"},
	{"UUID", "5F1C9A34-7B42-4E0D-9C61-2D8E3B7A4F10"},
	{"GUID", "5F1C9A34-7B42-4E0D-9C61-2D8E3B7A4F10"},
	{"BundleID", "org.example.app"},
	{"DeviceID", "02:00:00:12:34:56"},
	{"PersistentID", "org.example.book"},
	{"AppIdentifiersToClose", "org.example.app"},
	{"Identifier", "org.example.app"},
	{"Identifiers", "org.example.app"},
	{"ExtensionPoint", "com.apple.Safari.extension"},
	{"ExtensionPoints", "com.apple.Safari.extension"},
	{"ProductKey", "iOSUpdate22D72"},
	{"ProductVersion", "18.3.1"},
	{"Version", "1.0"},
	{"Build", "22D72"},
	{"Locale", "en_US"},
	{"UserName", "jane"},
	{"ShortName", "jane"},
	{"FullName", "Jane Doe"},
	{"DNSName", "mac.example.com"},
	{"HostName", "mac.example.com"},
	{"Name", "Example"},
	{"Title", "Handbook"},
	{"Author", "Jane Doe"},
	{"PhoneNumber", "+1 408 555 0100"},
	{"Message", "Please call IT"},
	{"Footnote", "Property of Example"},
	{"Path", "/Applications/Example.app"},
	{"Paths", "/Library/Extensions/Example.kext"},
	{"PIN", "123456"},
	{"Password", "correct horse"},
	{"IPv6AddressList", "2001:db8::10"},
	{"Address", "192.0.2.10"},
	{"Addresses", "192.0.2.10"},
	{"TimeZone", "Europe/Berlin"},
	{"Language", "en"},
	{"AssociatedDomains", "applinks:www.example.com"},
	{"Domains", "example.com"},
	{"domain", "NSCocoaErrorDomain"},
	{"RedemptionCode", "ABCD1234EFGH"},
	{"Timestamp", "2026-11-24T08:00:00Z"},
	{"DownloadPercentComplete", "0"},
};

static bool
ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len >= end_len && strcasecmp(name + len - end_len, end) == 0;
}

static const char *
text_for(const char *name)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (ends_in(name, texts[i].end))
			return texts[i].text;
	return "example";
}

static double
number_for(const struct catalogue_key *key)
{
	if (key->has_min)
		return key->min;
	return key->has_max && key->max < 1 ? key->max : 1;
}

static struct plist *
integer_for(struct arena *arena, const struct catalogue_key *key)
{
	if (key->value_count > 0)
		return plist_integer(arena, strtoll(key->values[0].text, NULL, 10));
	return plist_integer(arena, (int64_t)number_for(key));
}

static struct plist *
string_for(struct arena *arena, const struct catalogue_key *key, const char *name)
{
	return plist_string(arena, key->value_count > 0 ? key->values[0].text : text_for(name));
}

static struct plist *
scalar(struct arena *arena, const struct catalogue_sample_place *place)
{
	const struct catalogue_key *key = place->key;

	switch (key->any ? PLIST_STRING : key->type) {
	case PLIST_INTEGER:
		return integer_for(arena, key);
	case PLIST_REAL:
		return plist_real(arena, number_for(key));
	case PLIST_BOOLEAN:
		return plist_boolean(arena, true);
	case PLIST_DATE:
		return plist_date(arena, SAMPLE_TIME);
	case PLIST_DATA:
		return plist_data(arena, "example", strlen("example"));
	default:
		return string_for(arena, key, place->name);
	}
}

/* ---- a tree ---- */

static struct catalogue_sample_place
below(const struct catalogue_sample_place *place, const struct catalogue_key *key)
{
	return (struct catalogue_sample_place){
		.key = key, .name = key->name[0] != '\0' ? key->name : place->name, .above = place};
}

static void complete_dict(const struct catalogue_sampler *sampler,
	const struct catalogue_sample_place *place, struct plist *dict);

/* An element of each shape that is wanted. */
static struct plist *
array_for(const struct catalogue_sampler *sampler, const struct catalogue_sample_place *place)
{
	struct plist *array = plist_array(sampler->arena);

	for (const struct catalogue_key *item = catalogue_first(place->key);
		item != catalogue_end(place->key); item = catalogue_next(item)) {
		struct catalogue_sample_place inner = below(place, item);

		if (sampler->wants(sampler, &inner))
			plist_append(array, catalogue_sample(sampler, &inner));
	}
	return array;
}

struct plist *
catalogue_sample(
	const struct catalogue_sampler *sampler, const struct catalogue_sample_place *place)
{
	struct plist *value = NULL;

	if (sampler->value != NULL)
		value = sampler->value(sampler, place);
	if (value != NULL)
		return value;
	if (!place->key->any && place->key->type == PLIST_ARRAY)
		return array_for(sampler, place);
	if (place->key->any || place->key->type != PLIST_DICT)
		return scalar(sampler->arena, place);
	value = plist_dict(sampler->arena);
	complete_dict(sampler, place, value);
	return value;
}

/* The shape of an array's element. */
static const struct catalogue_key *
shape_of(const struct catalogue_key *array, const struct plist *element)
{
	const struct catalogue_key *item = catalogue_first(array);
	const char *variant = array->by != NULL ? plist_get_string(element, array->by) : NULL;

	if (item == catalogue_end(array))
		return NULL;
	for (; variant != NULL && item != catalogue_end(array); item = catalogue_next(item))
		if (item->variant != NULL && strcmp(item->variant, variant) == 0)
			return item;
	return array->by == NULL ? item : NULL;
}

static struct plist *
member(const struct plist *dict, const char *name)
{
	for (struct plist *value = dict->as.items.first; value != NULL; value = value->next)
		if (strcmp(value->key, name) == 0)
			return value;
	return NULL;
}

/* Keys of any other name: those that are there, or one. */
static void
complete_others(const struct catalogue_sampler *sampler, const struct catalogue_sample_place *place,
	struct plist *dict)
{
	struct catalogue_sample_place parent = *place->above;

	if (dict->as.items.count == 0) {
		const char *label = place->key->label;

		plist_set(sampler->arena, dict, label == NULL ? "Example" : text_for(label),
			catalogue_sample(sampler, place));
		return;
	}
	for (struct plist *value = dict->as.items.first; value != NULL; value = value->next)
		if (catalogue_subkey(parent.key, value->key) == NULL)
			catalogue_sample_complete(sampler, place, value);
}

static void
complete_dict(const struct catalogue_sampler *sampler, const struct catalogue_sample_place *place,
	struct plist *dict)
{
	for (const struct catalogue_key *key = catalogue_first(place->key);
		key != catalogue_end(place->key); key = catalogue_next(key)) {
		struct catalogue_sample_place inner = below(place, key);
		struct plist *value;

		if (!sampler->wants(sampler, &inner))
			continue;
		if (strcmp(key->name, "*") == 0)
			complete_others(sampler, &inner, dict);
		else if ((value = member(dict, key->name)) != NULL)
			catalogue_sample_complete(sampler, &inner, value);
		else
			plist_set(
				sampler->arena, dict, key->name, catalogue_sample(sampler, &inner));
	}
	if (sampler->complete != NULL)
		sampler->complete(sampler, place, dict);
}

void
catalogue_sample_complete(const struct catalogue_sampler *sampler,
	const struct catalogue_sample_place *place, struct plist *value)
{
	if (place->key->any || value->type != place->key->type)
		return;
	if (value->type == PLIST_DICT)
		complete_dict(sampler, place, value);
	if (value->type != PLIST_ARRAY)
		return;
	for (struct plist *item = value->as.items.first; item != NULL; item = item->next) {
		const struct catalogue_key *shape = shape_of(place->key, item);
		struct catalogue_sample_place inner;

		if (shape == NULL)
			continue;
		inner = below(place, shape);
		catalogue_sample_complete(sampler, &inner, item);
	}
}
