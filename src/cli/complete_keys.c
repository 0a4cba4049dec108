/*
 * From "Return" to "ReturnToService.", from "ReturnToService.En" to "ReturnToService.Enabled=", and
 * on to true and false.
 */
#include "cli/complete_keys.h"

#include <string.h>

#include "cli/command_facts.h"

/* Has it been given, in a word before?  An array may come again. */
static bool
is_given(const struct completion *completion, const char *path, const struct catalogue_key *key)
{
	size_t len = strlen(path);

	if (key->type == PLIST_ARRAY)
		return false;
	for (size_t i = 0; i < completion->count; i++)
		if (strncmp(completion->words[i], path, len) == 0 &&
			completion->words[i][len] == '=')
			return true;
	return false;
}

static bool
has_named_keys(const struct catalogue_key *key)
{
	return key->type == PLIST_DICT && catalogue_first(key) != catalogue_end(key) &&
	       strcmp(catalogue_first(key)->name, "*") != 0;
}

static void
offer_keys(struct completion *completion, const struct catalogue_key *parent, const char *lead)
{
	for (const struct catalogue_key *key = catalogue_first(parent);
		key != catalogue_end(parent); key = catalogue_next(key)) {
		const char *path = arena_printf(completion->arena, "%s%s", lead, key->name);

		if (key->name[0] == '\0' || strcmp(key->name, "*") == 0 ||
			is_given(completion, path, key))
			continue;
		complete_offer(completion, "",
			arena_printf(
				completion->arena, "%s%s", path, has_named_keys(key) ? "." : "="),
			arena_printf(completion->arena, "%s, %s", command_type_word(key),
				command_presence_word(key->presence)));
	}
}

/* Is it one of the elements that are there already, between commas? */
static bool
is_listed(const char *list, size_t list_len, const char *text)
{
	size_t len = strlen(text);

	while (list_len > 0) {
		const char *comma = memchr(list, ',', list_len);
		size_t piece = comma == NULL ? list_len : (size_t)(comma - list);

		if (piece == len && strncmp(list, text, len) == 0)
			return true;
		if (comma == NULL)
			return false;
		list += piece + 1;
		list_len -= piece + 1;
	}
	return false;
}

/* An array's values come with commas between them; the last one is being typed. */
static void
offer_elements(struct completion *completion, const struct catalogue_key *array, const char *lead)
{
	const char *typed = completion->typed + strlen(lead), *comma = strrchr(typed, ',');
	size_t before = comma == NULL ? 0 : (size_t)(comma + 1 - typed);
	const struct catalogue_key *element = catalogue_first(array);

	if (element == catalogue_end(array))
		return;
	for (size_t i = 0; i < element->value_count; i++)
		if (!is_listed(typed, before, element->values[i].text))
			complete_offer(completion,
				arena_printf(completion->arena, "%s%.*s", lead, (int)before, typed),
				element->values[i].text, "");
}

static void
offer_values(struct completion *completion, const struct catalogue_key *key, const char *lead)
{
	if (key->type == PLIST_BOOLEAN && !key->any) {
		complete_offer(completion, lead, "true", "");
		complete_offer(completion, lead, "false", "");
	}
	for (size_t i = 0; i < key->value_count; i++)
		complete_offer(completion, lead, key->values[i].text, "");
	if (key->type == PLIST_ARRAY)
		offer_elements(completion, key, lead);
	if (key->type == PLIST_DATA && completion->typed[strlen(lead)] == '@')
		completion->each(
			arena_printf(completion->arena, "%s@", lead), NULL, completion->context);
	else if (key->type == PLIST_DATA)
		complete_offer(completion, lead, "@", "from a file");
}

/* The dictionary that the dots before the end of PATH lead to; NULL: to none. */
static const struct catalogue_key *
find_parent(struct arena *arena, const struct catalogue_key *root, const char *path)
{
	const char *dot;

	while (root != NULL && (dot = strchr(path, '.')) != NULL) {
		root = catalogue_subkey(root, arena_memdup(arena, path, (size_t)(dot - path)));
		path = dot + 1;
	}
	return root;
}

void
complete_keys(struct completion *completion, const struct catalogue_request *request)
{
	const char *typed = completion->typed, *equals = strchr(typed, '='), *dot;
	size_t len = equals == NULL ? strlen(typed) : (size_t)(equals - typed);
	const char *path = arena_memdup(completion->arena, typed, len), *lead;
	const struct catalogue_key *parent = find_parent(completion->arena, request->payload, path),
				   *key;

	if (request->confirm && equals != NULL && strcmp(path, "confirm") == 0 &&
		completion->count > 0 && catalogue_find(completion->words[0]) == NULL)
		complete_offer(completion, "confirm=", completion->words[0], "");
	if (parent == NULL)
		return;
	dot = strrchr(path, '.');
	if (equals == NULL) {
		if (request->confirm && dot == NULL &&
			strstr(completion->command->usage, "ID") != NULL)
			complete_offer(completion, "", "confirm=", "the device's id");
		lead = dot == NULL
			       ? ""
			       : arena_memdup(completion->arena, path, (size_t)(dot + 1 - path));
		offer_keys(completion, parent, lead);
		return;
	}
	key = catalogue_subkey(parent, dot == NULL ? path : dot + 1);
	if (key != NULL)
		offer_values(completion, key,
			arena_memdup(completion->arena, typed, (size_t)(equals + 1 - typed)));
}
