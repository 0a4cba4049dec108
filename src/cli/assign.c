/*
 * The arguments of `pomona queue add`, from the words of a shell to values.
 */
#include "cli/assign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "cli/file.h"
#include "codec/text.h"

enum { FILE_MOST = 16 * 1024 * 1024 };

/* A value on its way: its place in the catalogue and its text. */
struct assignment {
	struct arena *arena;
	const struct catalogue_key *key, *end; /* END: behind its subkeys */
	const char *path;                      /* for messages */
	const char *text;
	const char *request; /* for messages, too */
	struct catalogue_remarks *remarks;
	struct err *err;
};

static enum err_kind
wrong(const struct assignment *a, const char *should_be)
{
	return err_set(
		a->err, ERR_BAD_INPUT, "%s must be %s, not \"%.60s\"", a->path, should_be, a->text);
}

/* ---- one value ---- */

static enum err_kind take_value(const struct assignment *a, struct plist **value);

static enum err_kind
take_string(const struct assignment *a, struct plist **value)
{
	if (!text_is_utf8(a->text, strlen(a->text)))
		return wrong(a, "UTF-8 text");
	*value = plist_string(a->arena, a->text);
	return ERR_OK;
}

static enum err_kind
take_integer(const struct assignment *a, struct plist **value)
{
	unsigned long long magnitude;
	long long number;
	char *end;

	errno = 0;
	number = strtoll(a->text, &end, 10);
	if (errno == 0 && end != a->text && *end == '\0') {
		*value = plist_integer(a->arena, number);
		return ERR_OK;
	}
	errno = 0;
	magnitude = strtoull(a->text, &end, 10);
	if (errno != 0 || end == a->text || *end != '\0' || a->text[0] == '-')
		return wrong(a, "a whole number");
	*value = plist_unsigned(a->arena, magnitude);
	return ERR_OK;
}

static enum err_kind
take_real(const struct assignment *a, struct plist **value)
{
	char *end;
	double number = strtod(a->text, &end);

	if (end == a->text || *end != '\0')
		return wrong(a, "a number");
	*value = plist_real(a->arena, number);
	return ERR_OK;
}

static enum err_kind
take_boolean(const struct assignment *a, struct plist **value)
{
	bool yes = strcmp(a->text, "true") == 0;

	if (!yes && strcmp(a->text, "false") != 0)
		return wrong(a, "true or false");
	*value = plist_boolean(a->arena, yes);
	return ERR_OK;
}

static enum err_kind
take_date(const struct assignment *a, struct plist **value)
{
	int64_t ms;

	if (clock_parse_iso(a->text, &ms) != 0)
		return wrong(a, "a time like 2026-11-24T08:00:00Z");
	*value = plist_string(a->arena, a->text);
	return ERR_OK;
}

/* Is it the name of a file whose @ was forgotten? */
static bool
is_file(const char *text)
{
	struct stat about;

	return stat(text, &about) == 0 && S_ISREG(about.st_mode);
}

static enum err_kind
take_data(const struct assignment *a, struct plist **value)
{
	const char *base64 = a->text;
	size_t len;
	char *bytes;

	if (a->text[0] == '@') {
		if (file_read(a->arena, a->text + 1, FILE_MOST, &bytes, &len, a->err) != ERR_OK)
			return a->err->kind;
		base64 = text_base64_encode(a->arena, bytes, len);
	} else if (text_base64_decode(a->arena, a->text, strlen(a->text), &len) == NULL)
		return is_file(a->text)
			       ? err_set(a->err, ERR_BAD_INPUT,
					 "%s must be @FILE or base64: the file is %s=@%.200s",
					 a->path, a->path, a->text)
			       : wrong(a, "@FILE or base64");
	else if (a->text[0] != '\0' && is_file(a->text))
		catalogue_remark_add(a->remarks, a->arena,
			arena_printf(a->arena,
				"%s: %s is taken as base64; the file of this name is %s=@%.200s",
				a->request, a->path, a->path, a->text));
	*value = plist_string(a->arena, base64);
	return ERR_OK;
}

static enum err_kind
take_json(const struct assignment *a, struct plist **value)
{
	enum err_kind kind = plist_read_json(
		plist_limits_default(), a->arena, a->text, strlen(a->text), value, a->err);

	if (kind != ERR_OK)
		err_prefix(a->err, "%s", a->path);
	else if ((*value)->type != a->key->type)
		return wrong(a, a->key->type == PLIST_DICT ? "a JSON object" : "a JSON array");
	return kind;
}

/* An array's text: JSON, or elements with commas between them. */
static enum err_kind
take_array(const struct assignment *a, struct plist **value)
{
	struct assignment item = *a;
	bool known = a->key + 1 < a->end; /* is it told what the elements are? */

	if (a->text[0] == '[' || (known && a->key[1].type == PLIST_DICT))
		return take_json(a, value);
	*value = plist_array(a->arena);
	item.key = a->key + 1;
	for (const char *text = a->text; *text != '\0';) {
		size_t len = strcspn(text, ",");
		struct plist *element = NULL;
		enum err_kind kind;

		item.text = arena_memdup(a->arena, text, len);
		kind = known ? take_value(&item, &element) : take_string(&item, &element);
		if (kind != ERR_OK)
			return kind;
		plist_append(*value, element);
		text += len;
		text += *text == ',';
	}
	return ERR_OK;
}

static enum err_kind
take_value(const struct assignment *a, struct plist **value)
{
	static enum err_kind (*const takers[])(const struct assignment *a, struct plist **value) = {
		[PLIST_DICT] = take_json,
		[PLIST_ARRAY] = take_array,
		[PLIST_STRING] = take_string,
		[PLIST_INTEGER] = take_integer,
		[PLIST_REAL] = take_real,
		[PLIST_BOOLEAN] = take_boolean,
		[PLIST_DATE] = take_date,
		[PLIST_DATA] = take_data,
	};

	return a->key->any ? take_json(a, value) : takers[a->key->type](a, value);
}

/* ---- its place ---- */

static const struct catalogue_key *
skip_subkeys(const struct catalogue_key *key, const struct catalogue_key *end)
{
	const struct catalogue_key *next = key + 1;

	while (next < end && next->depth > key->depth)
		next++;
	return next;
}

/* The key of that name among those from FIRST on, and the end of its subkeys. */
static bool
find_key(struct assignment *a, const struct catalogue_key *first, const struct catalogue_key *end,
	const char *name)
{
	for (a->key = first; a->key < end; a->key = a->end) {
		a->end = skip_subkeys(a->key, end);
		if (strcmp(a->key->name, name) == 0)
			return true;
	}
	return false;
}

/* No key of those from FIRST on has that name: perhaps one has it but for its capitals. */
static enum err_kind
refuse_key(const struct assignment *a, const struct catalogue_key *first,
	const struct catalogue_key *end, const char *name)
{
	for (const struct catalogue_key *key = first; key < end; key = skip_subkeys(key, end))
		if (strcasecmp(key->name, name) == 0 && strcmp(key->name, name) != 0)
			return err_set(a->err, ERR_BAD_INPUT, "%s: \"%.200s\" is spelt %s",
				a->request, name, key->name);
	return err_set(a->err, ERR_BAD_INPUT,
		"%s has no key %.100s (one that is not in the catalogue goes in --args)",
		a->request, a->path);
}

static struct plist *
member(const struct plist *dict, const char *key)
{
	for (struct plist *value = dict->as.items.first; value != NULL; value = value->next)
		if (strcmp(value->key, key) == 0)
			return value;
	return NULL;
}

static void
append_all(struct arena *arena, struct plist *array, const struct plist *more)
{
	for (const struct plist *value = more->as.items.first; value != NULL; value = value->next)
		plist_append(array, plist_copy(arena, value));
}

/* Puts the value into DICT; the same array again is added to. */
static enum err_kind
put(const struct assignment *a, struct plist *dict)
{
	struct plist *old = member(dict, a->key->name), *value = NULL;
	enum err_kind kind;

	if (old != NULL && a->key->type != PLIST_ARRAY)
		return err_set(a->err, ERR_BAD_INPUT, "%s is given twice", a->path);
	kind = take_value(a, &value);
	if (kind != ERR_OK)
		return kind;
	if (old != NULL)
		append_all(a->arena, old, value);
	else
		plist_set(a->arena, dict, a->key->name, value);
	return ERR_OK;
}

enum err_kind
assign_word(struct arena *arena, const struct catalogue_request *request, struct plist *args,
	const char *word, struct catalogue_remarks *remarks, struct err *err)
{
	const char *equals = strchr(word, '=');
	struct assignment a = {
		.arena = arena, .request = request->name, .remarks = remarks, .err = err};
	const struct catalogue_key *first = request->keys,
				   *end = request->keys + request->key_count;
	char *name, *dot;

	if (equals == NULL || equals == word)
		return err_set(err, ERR_BAD_INPUT, "\"%.60s\" is not of the form KEY=VALUE", word);
	a.path = name = arena_memdup(arena, word, (size_t)(equals - word));
	a.text = equals + 1;
	name = arena_strdup(arena, name);
	while ((dot = strchr(name, '.')) != NULL) {
		struct plist *inner;

		*dot = '\0';
		if (!find_key(&a, first, end, name) || a.key->type != PLIST_DICT)
			break;
		inner = member(args, name);
		if (inner == NULL) {
			inner = plist_dict(arena);
			plist_set(arena, args, name, inner);
		}
		args = inner;
		first = a.key + 1;
		end = a.end;
		name = dot + 1;
	}
	if (dot != NULL || !find_key(&a, first, end, name))
		return refuse_key(&a, first, end, name);
	return put(&a, args);
}
