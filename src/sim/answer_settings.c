/*
 * Settings: each element is carried out, and answered, for itself.
 *
 * What is set is kept as a memo; DeviceInformation and the lists of managed apps look there.
 */
#include <string.h>

#include "sim/answer_work.h"

static void
set_status(struct answer_work *work, struct plist *row, const char *status)
{
	plist_set(work->arena, row, "Status", plist_string(work->arena, status));
}

static void
set_error(struct answer_work *work, struct plist *row, const char *text)
{
	struct plist *chain = plist_array(work->arena);

	plist_append(chain, answer_error(work->arena, "MCSettingsErrorDomain", 23000, text));
	plist_set(work->arena, row, "ErrorChain", chain);
	set_status(work, row, "Error");
}

/* The element's shape in the catalogue; NULL: there is no such setting, or not on this device. */
static const struct catalogue_key *
shape_of(const struct answer_work *work, const char *item)
{
	const struct catalogue_key *settings = catalogue_subkey(work->request->payload, "Settings");

	for (const struct catalogue_key *shape = catalogue_first(settings);
		shape != catalogue_end(settings); shape = catalogue_next(shape))
		if (strcmp(shape->variant, item) == 0)
			return answer_is_known_here(work, shape->facts, shape->fact_count, true)
				       ? shape
				       : NULL;
	return NULL;
}

/* ApplicationConfiguration and ApplicationAttributes are of an app, and go where they are left out.
 */
static bool
keep_of_app(struct answer_work *work, const char *item, const struct plist *element)
{
	static const struct {
		const char *item, *key, *memo;
	} kinds[] = {
		{"ApplicationConfiguration", "Configuration", "app-configuration"},
		{"ApplicationAttributes", "Attributes", "app-attributes"},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct plist *value = plist_get_typed(element, kinds[i].key, PLIST_DICT);
		const char *name;

		if (strcmp(kinds[i].item, item) != 0)
			continue;
		name = answer_memo_name(
			work, kinds[i].memo, plist_get_string(element, "Identifier"));
		if (value != NULL)
			answer_keep(work, name, value);
		else
			answer_forget(work, name);
		return true;
	}
	return false;
}

static struct plist *
set_one(struct answer_work *work, const struct plist *element)
{
	const char *item = plist_get_string(element, "Item");
	const char *identifier = plist_get_string(element, "Identifier");
	struct plist *row = plist_dict(work->arena);
	const struct catalogue_key *shape;

	if (item == NULL) {
		set_status(work, row, "CommandFormatError");
		return row;
	}
	plist_set(work->arena, row, "Item", plist_string(work->arena, item));
	if (identifier != NULL)
		plist_set(work->arena, row, "Identifier", plist_string(work->arena, identifier));
	shape = shape_of(work, item);
	if (shape == NULL)
		set_error(work, row, "The device does not have this setting.");
	else if (!answer_keys_fit(work, shape, element))
		set_status(work, row, "CommandFormatError");
	else {
		set_status(work, row, "Acknowledged");
		if (!keep_of_app(work, item, element))
			answer_keep(work, answer_memo_name(work, "setting", item), element);
	}
	return row;
}

void
answer_settings(struct answer_work *work)
{
	const struct plist *settings = plist_get(work->args, "Settings");
	struct plist *rows = plist_array(work->arena);

	for (const struct plist *element = settings->as.items.first; element != NULL;
		element = element->next)
		plist_append(rows, set_one(work, element));
	answer_set(work, "Settings", rows);
}
