/*
 * Checks a command's arguments against the catalogue, on their way from the operator into the queue
 * and, for what came through SQL, from the queue to the device.
 */
#include "mdm/catalogue_check.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "codec/text.h"
#include "mdm/catalogue_parts.h"

enum { PATH_MOST = 4096, LISTED_MOST = 12 /* allowed values that a message lists */ };

static enum err_kind check_value(const struct catalogue_check *check,
	const struct catalogue_key *key, const struct plist *value,
	const struct catalogue_place *place, struct plist **out);

/* ---- messages ---- */

void
catalogue_remark_add(struct catalogue_remarks *remarks, struct arena *arena, const char *text)
{
	struct catalogue_remark *remark;

	if (remarks == NULL || remarks->count++ >= CATALOGUE_REMARKS_MOST)
		return;
	remark = arena_calloc(arena, 1, sizeof(*remark));
	remark->text = text;
	if (remarks->last != NULL)
		remarks->last->next = remark;
	else
		remarks->first = remark;
	remarks->last = remark;
}

static void
write_path(struct buf *buf, const struct catalogue_place *place)
{
	if (place->up == NULL)
		return;
	write_path(buf, place->up);
	if (place->name == NULL)
		buf_printf(buf, "[%zu]", place->index);
	else
		buf_printf(buf, "%s%s", buf->len == 0 ? "" : ".", place->name);
}

const char *
catalogue_path(struct arena *arena, const struct catalogue_place *place, const char *name)
{
	struct catalogue_place child = {.up = place, .name = name};
	struct buf buf;

	buf_init(&buf, arena, PATH_MOST);
	write_path(&buf, name == NULL ? place : &child);
	return buf.full ? "…" : buf.len == 0 ? "it" : buf.bytes;
}

static const char *
message(const struct catalogue_check *check, const struct catalogue_place *place, const char *name,
	const char *text)
{
	return arena_printf(check->arena, "%s: %.200s %s", check->request->name,
		catalogue_path(check->arena, place, name), text);
}

enum err_kind
catalogue_refuse(const struct catalogue_check *check, const struct catalogue_place *place,
	const char *name, const char *text)
{
	return err_set(check->err, ERR_BAD_INPUT, "%s", message(check, place, name, text));
}

void
catalogue_remark(const struct catalogue_check *check, const struct catalogue_place *place,
	const char *name, const char *text)
{
	if (check->options.remarks != NULL)
		catalogue_remark_add(
			check->options.remarks, check->arena, message(check, place, name, text));
}

/* ---- dictionaries ---- */

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
take_unknown(const struct catalogue_check *check, const struct catalogue_key *parent,
	const struct catalogue_place *place, const struct plist *value, struct plist **out)
{
	const struct catalogue_key *meant = find_spelling(parent, value->key);

	if (meant != NULL)
		return err_set(check->err, ERR_BAD_INPUT, "%s: \"%.200s\" is spelt %s",
			check->request->name, catalogue_path(check->arena, place, NULL),
			meant->name);
	if (check->options.strict)
		return catalogue_refuse(check, place, NULL, "is no key that is known here");
	catalogue_remark(check, place, NULL, "is no key that is known here");
	*out = plist_copy(check->arena, value);
	return ERR_OK;
}

static enum err_kind
check_required(const struct catalogue_check *check, const struct catalogue_key *parent,
	const struct plist *dict, const struct catalogue_place *place)
{
	for (const struct catalogue_key *key = catalogue_first(parent);
		key != catalogue_end(parent); key = catalogue_next(key))
		if (key->presence == CATALOGUE_REQUIRED && strcmp(key->name, "*") != 0 &&
			plist_get(dict, key->name) == NULL)
			return err_set(check->err, ERR_BAD_INPUT,
				"%s: the required key %s is missing", check->request->name,
				catalogue_path(check->arena, place, key->name));
	return ERR_OK;
}

static enum err_kind
check_dict(const struct catalogue_check *check, const struct catalogue_key *parent,
	const struct plist *dict, const struct catalogue_place *place, struct plist **out)
{
	const struct catalogue_key *wildcard = catalogue_wildcard(parent);
	enum err_kind kind = ERR_OK;

	*out = plist_dict(check->arena);
	for (const struct plist *value = dict->as.items.first; value != NULL && kind == ERR_OK;
		value = value->next) {
		const struct catalogue_place child = {.up = place, .name = value->key};
		const struct catalogue_key *key = catalogue_subkey(parent, value->key);
		struct plist *taken = NULL;

		if (key == NULL)
			key = wildcard;
		kind = key == NULL ? take_unknown(check, parent, &child, value, &taken)
				   : check_value(check, key, value, &child, &taken);
		if (kind != ERR_OK)
			break;
		/* No key comes twice: the readers have seen to that. */
		taken->key = arena_strdup(check->arena, value->key);
		plist_append(*out, taken);
	}
	if (kind == ERR_OK)
		kind = check_required(check, parent, dict, place);
	return kind == ERR_OK ? catalogue_check_rules(check, parent, *out, place) : kind;
}

/* ---- arrays ---- */

const struct catalogue_key *
catalogue_shape(const struct catalogue_key *array, const struct plist *element)
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

/* An element of none of the shapes. */
static enum err_kind
refuse_shape(const struct catalogue_check *check, const struct catalogue_key *array,
	const struct plist *element, const struct catalogue_place *place)
{
	const struct plist *kind = plist_get(element, array->by);

	if (element->type != PLIST_DICT)
		return catalogue_refuse(check, place, NULL, "must be a dictionary");
	if (kind == NULL)
		return err_set(check->err, ERR_BAD_INPUT, "%s: the required key %s is missing",
			check->request->name, catalogue_path(check->arena, place, array->by));
	return catalogue_refuse(check, place, array->by,
		kind->type != PLIST_STRING
			? "must be a string"
			: arena_printf(check->arena, "cannot be \"%.60s\"", kind->as.string.bytes));
}

static enum err_kind
check_array(const struct catalogue_check *check, const struct catalogue_key *key,
	const struct plist *array, const struct catalogue_place *place, struct plist **out)
{
	struct catalogue_place child = {.up = place};

	*out = plist_array(check->arena);
	for (const struct plist *value = array->as.items.first; value != NULL;
		value = value->next, child.index++) {
		const struct catalogue_key *item = catalogue_shape(key, value);
		struct plist *taken = NULL;

		if (item == NULL && key->by != NULL)
			return refuse_shape(check, key, value, &child);
		if (item == NULL)
			taken = plist_copy(check->arena, value);
		else if (check_value(check, item, value, &child, &taken) != ERR_OK)
			return check->err->kind;
		plist_append(*out, taken);
	}
	return ERR_OK;
}

/* ---- single values ---- */

static enum err_kind
refuse_value(const struct catalogue_check *check, const struct catalogue_key *key,
	const struct plist *value, const struct catalogue_place *place)
{
	const char *texts[LISTED_MOST + 1] = {0};
	struct buf shown;

	buf_init(&shown, check->arena, PATH_MOST);
	if (value->type == PLIST_STRING)
		buf_printf(&shown, "cannot be \"%.60s\"", value->as.string.bytes);
	else
		buf_printf(&shown, "cannot be %s%llu", value->as.integer.negative ? "-" : "",
			(unsigned long long)value->as.integer.magnitude);
	if (key->value_count <= LISTED_MOST) {
		for (size_t i = 0; i < key->value_count; i++)
			texts[i] = key->values[i].text;
		buf_printf(&shown, key->value_count == 1 ? ", only %s" : "; it is one of %s",
			catalogue_join(check->arena, texts));
	}
	return catalogue_refuse(check, place, NULL, shown.bytes);
}

static enum err_kind
check_plain(const struct catalogue_check *check, const struct catalogue_key *key,
	const struct plist *value, const struct catalogue_place *place)
{
	bool allowed = key->values == NULL;

	for (size_t i = 0; i < key->value_count && !allowed; i++)
		allowed = catalogue_is(value, key->values[i].text);
	if (!allowed)
		return refuse_value(check, key, value, place);
	if (key->format != NULL && value->type == PLIST_STRING &&
		!catalogue_matches(key->format, value->as.string.bytes))
		return catalogue_refuse(check, place, NULL,
			arena_printf(check->arena, "must match %s", key->format));
	if (!catalogue_in_range(value, key->has_min, key->min, key->has_max, key->max))
		return catalogue_refuse(check, place, NULL,
			catalogue_range_text(
				check->arena, key->has_min, key->min, key->has_max, key->max));
	return ERR_OK;
}

static enum err_kind
wrong_type(const struct catalogue_check *check, const struct catalogue_key *key,
	const struct catalogue_place *place)
{
	static const char *const texts[] = {
		[PLIST_DICT] = "must be a dictionary",
		[PLIST_ARRAY] = "must be an array",
		[PLIST_STRING] = "must be a string",
		[PLIST_INTEGER] = "must be an integer",
		[PLIST_REAL] = "must be a number",
		[PLIST_BOOLEAN] = "must be a boolean",
		[PLIST_DATE] = "must be a date like 2026-11-24T08:00:00Z",
		[PLIST_DATA] = "must be data (base64 in JSON)",
	};

	return catalogue_refuse(check, place, NULL,
		key->type == PLIST_DATA && check->options.wire ? "must be data" : texts[key->type]);
}

/* Data and dates come as strings when they come from JSON; an integer will do for a real. */
static struct plist *
convert(const struct catalogue_check *check, enum plist_type type, const struct plist *value)
{
	unsigned char *bytes;
	int64_t date;
	size_t len;

	if (type == PLIST_REAL && value->type == PLIST_INTEGER)
		return plist_real(check->arena, catalogue_number(value));
	if (value->type != PLIST_STRING || check->options.wire)
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
check_value(const struct catalogue_check *check, const struct catalogue_key *key,
	const struct plist *value, const struct catalogue_place *place, struct plist **out)
{
	if (!key->any && value->type == key->type && key->type == PLIST_DICT)
		return check_dict(check, key, value, place, out);
	if (!key->any && value->type == key->type && key->type == PLIST_ARRAY)
		return check_array(check, key, value, place, out);
	*out = key->any || value->type == key->type ? plist_copy(check->arena, value)
						    : convert(check, key->type, value);
	if (*out == NULL)
		return wrong_type(check, key, place);
	return key->any ? ERR_OK : check_plain(check, key, *out, place);
}

enum err_kind
catalogue_check_args(struct arena *arena, const struct catalogue_request *request,
	const struct plist *args, const struct catalogue_options *options, struct plist **keys,
	struct err *err)
{
	struct err local;
	struct catalogue_check check = {
		.arena = arena, .request = request, .err = err != NULL ? err : &local};
	const struct catalogue_place root = {0};
	struct plist *taken;

	if (options != NULL)
		check.options = *options;
	if (args == NULL)
		args = plist_dict(arena);
	if (args->type != PLIST_DICT)
		return err_set(err, ERR_BAD_INPUT, "%s: the arguments must be a dictionary",
			request->name);
	return check_dict(&check, request->payload, args, &root, keys != NULL ? keys : &taken);
}

enum err_kind
catalogue_check(struct arena *arena, const struct catalogue_request *request,
	const struct plist *args, struct plist **keys, struct err *err)
{
	return catalogue_check_args(arena, request, args, NULL, keys, err);
}
