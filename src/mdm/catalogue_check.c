/*
 * Checks a command's keys against the catalogue, on their way from the operator into the queue and,
 * for what came through SQL, from the queue to the device.
 */
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "codec/text.h"
#include "mdm/catalogue.h"

/* What is being checked: the request, the rest of its keys, and where in the value we are. */
struct check {
	struct arena *arena;
	const struct catalogue_request *request;
	struct err *err;
};

static enum err_kind
wrong_type(const struct check *check, const struct catalogue_key *key, const char *path)
{
	static const char *const texts[] = {
		[PLIST_DICT] = "a dictionary",
		[PLIST_ARRAY] = "an array",
		[PLIST_STRING] = "a string",
		[PLIST_INTEGER] = "an integer",
		[PLIST_REAL] = "a number",
		[PLIST_BOOLEAN] = "a boolean",
		[PLIST_DATE] = "a date like 2026-11-24T08:00:00Z",
		[PLIST_DATA] = "data (base64 in JSON)",
	};

	return err_set(check->err, ERR_BAD_INPUT, "%s: %s must be %s", check->request->name, path,
		texts[key->type]);
}

static enum err_kind check_value(const struct check *check, const struct catalogue_key *key,
	const struct plist *value, const char *path, struct plist **out);

/* The key that NAME is but for its capitals: a mistyped optional key would be sent, and the device
 * would act without it. */
static const struct catalogue_key *
find_spelling(const struct catalogue_key *parent, const char *name)
{
	for (const struct catalogue_key *key = catalogue_first(parent);
		key != catalogue_end(parent); key = catalogue_next(key))
		if (strcasecmp(key->name, name) == 0)
			return key;
	return NULL;
}

static enum err_kind
check_dict(const struct check *check, const struct catalogue_key *parent, const struct plist *dict,
	const char *path, struct plist **out)
{
	const char *dot = *path == '\0' ? "" : ".";

	*out = plist_dict(check->arena);
	for (const struct plist *value = dict->as.items.first; value != NULL; value = value->next) {
		const struct catalogue_key *key = catalogue_subkey(parent, value->key);
		struct plist *taken;

		if (key == NULL)
			key = catalogue_wildcard(parent);
		if (key == NULL && (key = find_spelling(parent, value->key)) != NULL)
			return err_set(check->err, ERR_BAD_INPUT, "%s: \"%s%s%s\" is spelt %s",
				check->request->name, path, dot, value->key, key->name);
		if (key == NULL)
			taken = plist_copy(check->arena, value);
		else if (check_value(check, key, value,
				 arena_printf(check->arena, "%s%s%s", path, dot, value->key),
				 &taken) != ERR_OK)
			return check->err->kind;
		plist_set(check->arena, *out, value->key, taken);
	}
	for (const struct catalogue_key *key = catalogue_first(parent);
		key != catalogue_end(parent); key = catalogue_next(key))
		if (key->presence == CATALOGUE_REQUIRED && plist_get(dict, key->name) == NULL)
			return err_set(check->err, ERR_BAD_INPUT,
				"%s: the required key %s%s%s is missing", check->request->name,
				path, dot, key->name);
	for (size_t i = 0; i < parent->rule_count; i++) {
		const struct catalogue_rule *rule = &parent->rules[i];
		const struct plist *value = plist_get(dict, rule->keys[0]);

		if (rule->kind == CATALOGUE_RULE_LENGTH && value != NULL &&
			(double)value->as.string.len != rule->max)
			return err_set(check->err, ERR_BAD_INPUT,
				"%s: %s%s%s must have %g characters", check->request->name, path,
				dot, rule->keys[0], rule->max);
	}
	return ERR_OK;
}

/* The shape of an element; NULL: any will do. */
static const struct catalogue_key *
shape_of(const struct catalogue_key *array, const struct plist *element)
{
	const char *kind;

	if (array->span == 0)
		return NULL;
	if (array->by == NULL)
		return catalogue_first(array);
	kind = plist_get_string(element, array->by);
	for (const struct catalogue_key *key = catalogue_first(array); key != catalogue_end(array);
		key = catalogue_next(key))
		if (kind != NULL && strcmp(key->variant, kind) == 0)
			return key;
	return NULL;
}

static enum err_kind
check_array(const struct check *check, const struct catalogue_key *key, const struct plist *array,
	const char *path, struct plist **out)
{
	size_t n = 0;

	*out = plist_array(check->arena);
	for (const struct plist *value = array->as.items.first; value != NULL;
		value = value->next, n++) {
		const struct catalogue_key *item = shape_of(key, value);
		struct plist *taken;

		if (item == NULL)
			taken = plist_copy(check->arena, value);
		else if (check_value(check, item, value,
				 arena_printf(check->arena, "%s[%zu]", path, n), &taken) != ERR_OK)
			return check->err->kind;
		plist_append(*out, taken);
	}
	return ERR_OK;
}

static enum err_kind
check_string(const struct check *check, const struct catalogue_key *key, const struct plist *value,
	const char *path)
{
	for (size_t i = 0; i < key->value_count; i++)
		if (strcmp(key->values[i].text, value->as.string.bytes) == 0)
			return ERR_OK;
	if (key->values != NULL)
		return err_set(check->err, ERR_BAD_INPUT, "%s: %s cannot be \"%.60s\"",
			check->request->name, path, value->as.string.bytes);
	return ERR_OK;
}

/* Data and dates come as strings when they come from JSON; an integer will do for a real. */
static struct plist *
convert(const struct check *check, enum plist_type type, const struct plist *value)
{
	unsigned char *bytes;
	int64_t date;
	size_t len;

	if (type == PLIST_REAL && value->type == PLIST_INTEGER) {
		double magnitude = (double)value->as.integer.magnitude;
		return plist_real(
			check->arena, value->as.integer.negative ? -magnitude : magnitude);
	}
	if (value->type != PLIST_STRING)
		return NULL;
	if (type == PLIST_DATE && clock_parse_iso(value->as.string.bytes, &date) == 0)
		return plist_date(check->arena, date);
	if (type != PLIST_DATA)
		return NULL;
	bytes = text_base64_decode(
		check->arena, value->as.string.bytes, value->as.string.len, &len);
	return bytes == NULL ? NULL : plist_data(check->arena, bytes, len);
}

static enum err_kind
check_value(const struct check *check, const struct catalogue_key *key, const struct plist *value,
	const char *path, struct plist **out)
{
	*out = NULL;
	if (!key->any && value->type != key->type) {
		*out = convert(check, key->type, value);
		return *out == NULL ? wrong_type(check, key, path) : ERR_OK;
	}
	switch (key->any ? PLIST_BOOLEAN : key->type) {
	case PLIST_DICT:
		return check_dict(check, key, value, path, out);
	case PLIST_ARRAY:
		return check_array(check, key, value, path, out);
	case PLIST_STRING:
		if (check_string(check, key, value, path) != ERR_OK)
			return check->err->kind;
		break;
	default:
		break;
	}
	*out = plist_copy(check->arena, value);
	return ERR_OK;
}

enum err_kind
catalogue_check(struct arena *arena, const struct catalogue_request *request,
	const struct plist *args, struct plist **keys, struct err *err)
{
	struct err local;
	struct check check = {
		.arena = arena, .request = request, .err = err != NULL ? err : &local};

	if (args == NULL)
		args = plist_dict(arena);
	if (args->type != PLIST_DICT)
		return err_set(err, ERR_BAD_INPUT, "%s: the arguments must be a dictionary",
			request->name);
	return check_dict(&check, request->payload, args, "", keys);
}
