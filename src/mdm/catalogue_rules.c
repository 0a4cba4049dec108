/*
 * The rules about the keys of one dictionary: which go together, and what their values must be.
 */
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "mdm/catalogue_parts.h"

enum { TEXT_MOST = 4096 };

/* ---- values ---- */

const char *
catalogue_join(struct arena *arena, const char *const *texts)
{
	struct buf buf;

	buf_init(&buf, arena, TEXT_MOST);
	for (size_t i = 0; texts[i] != NULL; i++)
		buf_printf(&buf, "%s%s", i == 0 ? "" : ", ", texts[i]);
	return buf.full || buf.len == 0 ? "…" : buf.bytes;
}

double
catalogue_number(const struct plist *value)
{
	double magnitude;

	if (value->type == PLIST_REAL)
		return value->as.real;
	if (value->type != PLIST_INTEGER)
		return 0;
	magnitude = (double)value->as.integer.magnitude;
	return value->as.integer.negative ? -magnitude : magnitude;
}

bool
catalogue_is(const struct plist *value, const char *text)
{
	char digits[32];

	if (value->type == PLIST_STRING)
		return strcmp(value->as.string.bytes, text) == 0;
	if (value->type != PLIST_INTEGER)
		return false;
	snprintf(digits, sizeof(digits), "%s%llu", value->as.integer.negative ? "-" : "",
		(unsigned long long)value->as.integer.magnitude);
	return strcmp(digits, text) == 0;
}

bool
catalogue_matches(const char *regex, const char *text)
{
	regex_t compiled;
	bool matches;

	if (regcomp(&compiled, regex, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	matches = regexec(&compiled, text, 0, NULL, 0) == 0;
	regfree(&compiled);
	return matches;
}

static size_t
characters(const struct plist *value)
{
	size_t count = 0;

	for (size_t i = 0; i < value->as.string.len; i++)
		count += ((unsigned char)value->as.string.bytes[i] & 0xc0) != 0x80;
	return count;
}

bool
catalogue_in_range(const struct plist *value, bool has_min, double min, bool has_max, double max)
{
	double number = catalogue_number(value);

	if (value->type != PLIST_INTEGER && value->type != PLIST_REAL)
		return true;
	/* Written so that a NaN is in no range. */
	return (!has_min || number >= min) && (!has_max || number <= max);
}

/* ---- what a rule says ---- */

const char *
catalogue_range_text(struct arena *arena, bool has_min, double min, bool has_max, double max)
{
	if (has_min && has_max)
		return arena_printf(arena, "must be from %g to %g", min, max);
	return has_min ? arena_printf(arena, "must be %g or more", min)
		       : arena_printf(arena, "must be %g or less", max);
}

/* "Updates[0].ProductKey, Updates[0].ProductVersion" */
static const char *
join_keys(
	struct arena *arena, const struct catalogue_rule *rule, const struct catalogue_place *place)
{
	struct buf buf;

	buf_init(&buf, arena, TEXT_MOST);
	for (size_t i = 0; rule->keys[i] != NULL; i++)
		buf_printf(&buf, "%s%s", i == 0 ? "" : ", ",
			catalogue_path(arena, place, rule->keys[i]));
	return buf.full || buf.len == 0 ? "…" : buf.bytes;
}

/* "SkipPrimarySetupAccountCreation is true" */
static const char *
describe(
	struct arena *arena, const struct catalogue_rule *rule, const struct catalogue_place *place)
{
	static const char *const texts[] = {
		[CATALOGUE_WHEN_EQUALS] = "is ",
		[CATALOGUE_WHEN_NOT_EQUALS] = "is not ",
		[CATALOGUE_WHEN_TRUE] = "is true",
		[CATALOGUE_WHEN_NOT_TRUE] = "is not true",
		[CATALOGUE_WHEN_ABSENT] = "is missing",
		[CATALOGUE_WHEN_PRESENT] = "is given",
	};

	return arena_printf(arena, "%s %s%s", catalogue_path(arena, place, rule->other),
		texts[rule->when], rule->value == NULL ? "" : rule->value);
}

static const char *
range_rule_text(struct arena *arena, const struct catalogue_rule *rule)
{
	const char *text =
		catalogue_range_text(arena, rule->has_min, rule->min, rule->has_max, rule->max);

	return rule->also == NULL
		       ? text
		       : arena_printf(arena, "%s, or %s", text, catalogue_join(arena, rule->also));
}

const char *
catalogue_rule_text(
	struct arena *arena, const struct catalogue_rule *rule, const struct catalogue_place *place)
{
	const char *key = rule->keys == NULL ? "" : catalogue_path(arena, place, rule->keys[0]);

	switch (rule->kind) {
	case CATALOGUE_RULE_EXACTLY_ONE_OF:
		return arena_printf(
			arena, "exactly one of %s must be given", join_keys(arena, rule, place));
	case CATALOGUE_RULE_AT_LEAST_ONE_OF:
		return arena_printf(
			arena, "at least one of %s must be given", join_keys(arena, rule, place));
	case CATALOGUE_RULE_REQUIRED_IF:
		return arena_printf(arena, "the required key %s is missing (%s)", key,
			describe(arena, rule, place));
	case CATALOGUE_RULE_FORBIDDEN_IF:
		return arena_printf(arena, "%s %s when %s", key,
			rule->advisory ? "takes no effect" : "cannot be given",
			describe(arena, rule, place));
	case CATALOGUE_RULE_CONTAINS_IF:
		return arena_printf(arena, "%s wants %s in %s", key, rule->value,
			catalogue_path(arena, place, rule->other));
	case CATALOGUE_RULE_RANGE:
		return arena_printf(arena, "%s %s", key, range_rule_text(arena, rule));
	case CATALOGUE_RULE_LENGTH:
		return arena_printf(arena, "%s must have %g characters", key, rule->max);
	case CATALOGUE_RULE_MAX_BYTES:
		return arena_printf(arena, "%s must have %g bytes at most", key, rule->max);
	case CATALOGUE_RULE_PATTERN:
		return arena_printf(arena, "%s must match %s", key, rule->value);
	case CATALOGUE_RULE_PREFIX:
		return arena_printf(arena, "%s must begin with %s", key, rule->value);
	case CATALOGUE_RULE_DEFAULT:
		return arena_printf(arena, "%s is %s when it is left out", key, rule->value);
	case CATALOGUE_RULE_DEPENDS:
		break;
	}
	return rule->value;
}

/* ---- each kind of rule ---- */

/* What a rule looks at. */
struct look {
	const struct catalogue_check *check;
	const struct catalogue_key *parent;
	const struct plist *dict;
	const struct catalogue_place *place;
};

static bool
is_given(const struct look *look, const char *key)
{
	return plist_get(look->dict, key) != NULL;
}

static bool
holds(const struct look *look, const struct catalogue_rule *rule)
{
	const struct plist *other = plist_get(look->dict, rule->other);
	bool is_true = other != NULL && other->type == PLIST_BOOLEAN && other->as.boolean;

	switch (rule->when) {
	case CATALOGUE_WHEN_EQUALS:
		return other != NULL && catalogue_is(other, rule->value);
	case CATALOGUE_WHEN_NOT_EQUALS:
		return other == NULL || !catalogue_is(other, rule->value);
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

static bool
keeps_group(const struct look *look, const struct catalogue_rule *rule)
{
	size_t given = 0;

	for (size_t i = 0; rule->keys[i] != NULL; i++)
		given += is_given(look, rule->keys[i]);
	return given == 1 || (given > 1 && rule->kind == CATALOGUE_RULE_AT_LEAST_ONE_OF);
}

static bool
keeps_required_if(const struct look *look, const struct catalogue_rule *rule)
{
	return is_given(look, rule->keys[0]) || !holds(look, rule);
}

static bool
keeps_forbidden_if(const struct look *look, const struct catalogue_rule *rule)
{
	return !is_given(look, rule->keys[0]) || !holds(look, rule);
}

static bool
keeps_contains_if(const struct look *look, const struct catalogue_rule *rule)
{
	const struct plist *array = plist_get_typed(look->dict, rule->other, PLIST_ARRAY);
	const struct catalogue_key *key = catalogue_subkey(look->parent, rule->other);

	if (!is_given(look, rule->keys[0]))
		return true;
	/* An array that the server fills in holds all there is. */
	if (array == NULL || array->as.items.count == 0)
		return key != NULL && key->presence == CATALOGUE_FILLED;
	for (const struct plist *item = array->as.items.first; item != NULL; item = item->next)
		if (catalogue_is(item, rule->value))
			return true;
	return false;
}

static bool
keeps_range(const struct look *look, const struct catalogue_rule *rule)
{
	const struct plist *value = plist_get(look->dict, rule->keys[0]);

	if (value == NULL ||
		catalogue_in_range(value, rule->has_min, rule->min, rule->has_max, rule->max))
		return true;
	for (size_t i = 0; rule->also != NULL && rule->also[i] != NULL; i++)
		if (catalogue_is(value, rule->also[i]))
			return true;
	return false;
}

static bool
keeps_max_bytes(const struct look *look, const struct catalogue_rule *rule)
{
	const struct plist *value = plist_get(look->dict, rule->keys[0]);

	return value == NULL || (value->type != PLIST_STRING && value->type != PLIST_DATA) ||
	       (double)value->as.string.len <= rule->max;
}

/* Length, pattern, prefix. */
static bool
keeps_text(const struct look *look, const struct catalogue_rule *rule)
{
	const struct plist *value = plist_get_typed(look->dict, rule->keys[0], PLIST_STRING);

	if (value == NULL)
		return true;
	if (rule->kind == CATALOGUE_RULE_LENGTH)
		return (double)characters(value) == rule->max;
	if (rule->kind == CATALOGUE_RULE_PATTERN)
		return catalogue_matches(rule->value, value->as.string.bytes);
	return strncasecmp(value->as.string.bytes, rule->value, strlen(rule->value)) == 0;
}

static enum err_kind
break_rule(const struct look *look, const struct catalogue_rule *rule)
{
	const struct catalogue_check *check = look->check;
	const char *text;

	if (rule->advisory && check->options.remarks == NULL)
		return ERR_OK;
	text = arena_printf(check->arena, "%s: %s", check->request->name,
		catalogue_rule_text(check->arena, rule, look->place));
	if (!rule->advisory)
		return err_set(check->err, ERR_BAD_INPUT, "%s", text);
	catalogue_remark_add(check->options.remarks, check->arena, text);
	return ERR_OK;
}

enum err_kind
catalogue_check_rules(const struct catalogue_check *check, const struct catalogue_key *parent,
	const struct plist *dict, const struct catalogue_place *place)
{
	/* NULL: a rule for people. */
	static bool (*const keeps[])(const struct look *look, const struct catalogue_rule *rule) = {
		[CATALOGUE_RULE_EXACTLY_ONE_OF] = keeps_group,
		[CATALOGUE_RULE_AT_LEAST_ONE_OF] = keeps_group,
		[CATALOGUE_RULE_REQUIRED_IF] = keeps_required_if,
		[CATALOGUE_RULE_FORBIDDEN_IF] = keeps_forbidden_if,
		[CATALOGUE_RULE_CONTAINS_IF] = keeps_contains_if,
		[CATALOGUE_RULE_RANGE] = keeps_range,
		[CATALOGUE_RULE_LENGTH] = keeps_text,
		[CATALOGUE_RULE_MAX_BYTES] = keeps_max_bytes,
		[CATALOGUE_RULE_PATTERN] = keeps_text,
		[CATALOGUE_RULE_PREFIX] = keeps_text,
		[CATALOGUE_RULE_DEFAULT] = NULL,
		[CATALOGUE_RULE_DEPENDS] = NULL,
	};
	const struct look look = {check, parent, dict, place};
	enum err_kind kind = ERR_OK;

	for (size_t i = 0; i < parent->rule_count && kind == ERR_OK; i++) {
		const struct catalogue_rule *rule = &parent->rules[i];

		if (keeps[rule->kind] != NULL && !keeps[rule->kind](&look, rule))
			kind = break_rule(&look, rule);
	}
	return kind;
}
