/*
 * Checks a command's keys against the catalogue, on their way from the operator into the queue and,
 * for what came through SQL, from the queue to the device.
 */
#include "mdm/catalogue.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "codec/text.h"
#include "mdm/catalogue_data.h"

/* What is being checked: the request, the rest of its keys, and where in the value we are. */
struct check {
	struct arena *arena;
	const struct catalogue_request *request;
	struct err *err;
};

const struct catalogue_request *
catalogue_row(size_t n)
{
	return n < catalogue_request_count ? &catalogue_requests[n] : NULL;
}

const struct catalogue_request *
catalogue_find(const char *request)
{
	for (size_t i = 0; i < catalogue_request_count; i++) {
		const struct catalogue_request *row = &catalogue_requests[i];

		if (strcmp(row->name, request) == 0 ||
			(row->alias != NULL && strcmp(row->alias, request) == 0))
			return row;
	}
	return NULL;
}

/* Is VALUE one of the words of LIST? */
static bool
has_word(const char *list, const char *value)
{
	size_t len = strlen(value);

	for (const char *word = list; *word != '\0';) {
		size_t word_len = strcspn(word, " ");

		if (word_len == len && memcmp(word, value, len) == 0)
			return true;
		word += word_len;
		word += *word == ' ';
	}
	return false;
}

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
	const struct catalogue_key *end, const struct plist *value, const char *path,
	struct plist **out);

/* The first key behind KEY that is not one of its subkeys. */
static const struct catalogue_key *
skip_subkeys(const struct catalogue_key *key, const struct catalogue_key *end)
{
	const struct catalogue_key *next = key + 1;

	while (next < end && next->depth > key->depth)
		next++;
	return next;
}

static const struct catalogue_key *
find_key(const struct catalogue_key *first, const struct catalogue_key *end, const char *name)
{
	for (const struct catalogue_key *key = first; key < end; key = skip_subkeys(key, end))
		if (strcmp(key->name, name) == 0)
			return key;
	return NULL;
}

/* The key that NAME is but for its capitals: a mistyped optional key would be sent, and the device
 * would act without it. */
static const struct catalogue_key *
find_spelling(const struct catalogue_key *first, const struct catalogue_key *end, const char *name)
{
	for (const struct catalogue_key *key = first; key < end; key = skip_subkeys(key, end))
		if (strcasecmp(key->name, name) == 0)
			return key;
	return NULL;
}

/* Checks the keys FIRST to END of one depth against DICT. */
static enum err_kind
check_dict(const struct check *check, const struct catalogue_key *first,
	const struct catalogue_key *end, const struct plist *dict, const char *path,
	struct plist **out)
{
	const char *dot = *path == '\0' ? "" : ".";

	*out = plist_dict(check->arena);
	for (const struct plist *value = dict->as.items.first; value != NULL; value = value->next) {
		const struct catalogue_key *key = find_key(first, end, value->key);
		struct plist *taken;

		if (key == NULL && (key = find_spelling(first, end, value->key)) != NULL)
			return err_set(check->err, ERR_BAD_INPUT, "%s: \"%s%s%s\" is spelt %s",
				check->request->name, path, dot, value->key, key->name);
		if (key == NULL)
			taken = plist_copy(check->arena, value);
		else if (check_value(check, key, skip_subkeys(key, end), value,
				 arena_printf(check->arena, "%s%s%s", path, dot, key->name),
				 &taken) != ERR_OK)
			return check->err->kind;
		plist_set(check->arena, *out, value->key, taken);
	}
	for (const struct catalogue_key *key = first; key < end; key = skip_subkeys(key, end))
		if (key->presence == CATALOGUE_REQUIRED && plist_get(dict, key->name) == NULL)
			return err_set(check->err, ERR_BAD_INPUT,
				"%s: the required key %s%s%s is missing", check->request->name,
				path, dot, key->name);
	return ERR_OK;
}

static enum err_kind
check_array(const struct check *check, const struct catalogue_key *key,
	const struct catalogue_key *end, const struct plist *array, const char *path,
	struct plist **out)
{
	const struct catalogue_key *item = key + 1 < end ? key + 1 : NULL;
	size_t n = 0;

	*out = plist_array(check->arena);
	for (const struct plist *value = array->as.items.first; value != NULL;
		value = value->next, n++) {
		struct plist *taken;

		if (item == NULL)
			taken = plist_copy(check->arena, value);
		else if (check_value(check, item, end, value,
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
	if (key->length != 0 && value->as.string.len != key->length)
		return err_set(check->err, ERR_BAD_INPUT, "%s: %s must have %u characters",
			check->request->name, path, key->length);
	if (key->values != NULL && !has_word(key->values, value->as.string.bytes))
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
check_value(const struct check *check, const struct catalogue_key *key,
	const struct catalogue_key *end, const struct plist *value, const char *path,
	struct plist **out)
{
	*out = NULL;
	if (value->type != key->type) {
		*out = convert(check, key->type, value);
		return *out == NULL ? wrong_type(check, key, path) : ERR_OK;
	}
	switch (key->type) {
	case PLIST_DICT:
		return check_dict(check, key + 1, end, value, path, out);
	case PLIST_ARRAY:
		return check_array(check, key, end, value, path, out);
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
	return check_dict(
		&check, request->keys, request->keys + request->key_count, args, "", keys);
}
