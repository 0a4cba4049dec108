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

const char *
catalogue_range_broken(struct arena *arena, const struct plist *value, bool has_min, double min,
	bool has_max, double max, const char *const *also)
{
	double number = catalogue_number(value);
	const char *text;

	if (value->type != PLIST_INTEGER && value->type != PLIST_REAL)
		return NULL;
	/* Written so that a NaN is in no range. */
	if ((!has_min || number >= min) && (!has_max || number <= max))
		return NULL;
	for (size_t i = 0; also != NULL && also[i] != NULL; i++)
		if (catalogue_is(value, also[i]))
			return NULL;
	text = has_min && has_max ? arena_printf(arena, "must be from %g to %g", min, max)
	       : has_min          ? arena_printf(arena, "must be %g or more", min)
				  : arena_printf(arena, "must be %g or less", max);
	return also == NULL ? text
			    : arena_printf(arena, "%s, or %s", text, catalogue_join(arena, also));
}

/* ---- each kind of rule ---- */

/* What a rule looks at. */
struct look {
	const struct catalogue_check *check;
	const struct catalogue_key *parent;
	const struct plist *dict;
	const struct catalogue_place *place;
};

/* Is refused, or (an advisory rule) remarked. */
static enum err_kind
broken(const struct look *look, const struct catalogue_rule *rule, const char *key,
	const char *text)
{
	if (!rule->advisory)
		return catalogue_refuse(look->check, look->place, key, text);
	catalogue_remark(look->check, look->place, key, text);
	return ERR_OK;
}

/* The condition of the rule, for people. */
static const char *
describe(const struct look *look, const struct catalogue_rule *rule)
{
	static const char *const texts[] = {
		[CATALOGUE_WHEN_EQUALS] = "is ",
		[CATALOGUE_WHEN_NOT_EQUALS] = "is not ",
		[CATALOGUE_WHEN_TRUE] = "is true",
		[CATALOGUE_WHEN_NOT_TRUE] = "is not true",
		[CATALOGUE_WHEN_ABSENT] = "is missing",
		[CATALOGUE_WHEN_PRESENT] = "is given",
	};
	struct arena *arena = look->check->arena;

	return arena_printf(arena, "%s %s%s", catalogue_path(arena, look->place, rule->other),
		texts[rule->when], rule->value == NULL ? "" : rule->value);
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

/* The second one of the group that is there. */
static const char *
second_given(const struct look *look, const struct catalogue_rule *rule)
{
	const char *first = NULL;

	for (size_t i = 0; rule->keys[i] != NULL; i++) {
		if (plist_get(look->dict, rule->keys[i]) == NULL)
			continue;
		if (first != NULL)
			return rule->keys[i];
		first = rule->keys[i];
	}
	return first;
}

static enum err_kind
check_group(const struct look *look, const struct catalogue_rule *rule)
{
	struct arena *arena = look->check->arena;
	const char *first = rule->keys[0];
	size_t given = 0;

	for (size_t i = 0; rule->keys[i] != NULL; i++)
		given += plist_get(look->dict, rule->keys[i]) != NULL;
	if (given == 0)
		return broken(look, rule, first,
			arena_printf(arena, "is missing: %s of %s must be given",
				rule->kind == CATALOGUE_RULE_EXACTLY_ONE_OF ? "one"
									    : "at least one",
				catalogue_join(arena, rule->keys)));
	if (given == 1 || rule->kind != CATALOGUE_RULE_EXACTLY_ONE_OF)
		return ERR_OK;
	return broken(look, rule, second_given(look, rule),
		arena_printf(arena, "is one too many: only one of %s can be given",
			catalogue_join(arena, rule->keys)));
}

static enum err_kind
check_required_if(const struct look *look, const struct catalogue_rule *rule)
{
	if (plist_get(look->dict, rule->keys[0]) != NULL || !holds(look, rule))
		return ERR_OK;
	return broken(look, rule, rule->keys[0],
		arena_printf(look->check->arena, "is missing, which is required when %s",
			describe(look, rule)));
}

static enum err_kind
check_forbidden_if(const struct look *look, const struct catalogue_rule *rule)
{
	if (plist_get(look->dict, rule->keys[0]) == NULL || !holds(look, rule))
		return ERR_OK;
	return broken(look, rule, rule->keys[0],
		arena_printf(look->check->arena, "%s when %s",
			rule->advisory ? "takes no effect" : "cannot be given",
			describe(look, rule)));
}

/* An array that the server fills in holds all there is. */
static enum err_kind
check_contains_if(const struct look *look, const struct catalogue_rule *rule)
{
	const struct plist *array = plist_get_typed(look->dict, rule->other, PLIST_ARRAY);
	const struct catalogue_key *key = catalogue_subkey(look->parent, rule->other);

	if (plist_get(look->dict, rule->keys[0]) == NULL)
		return ERR_OK;
	if ((array == NULL || array->as.items.count == 0) && key != NULL &&
		key->presence == CATALOGUE_FILLED)
		return ERR_OK;
	for (const struct plist *item = array == NULL ? NULL : array->as.items.first; item != NULL;
		item = item->next)
		if (catalogue_is(item, rule->value))
			return ERR_OK;
	return broken(look, rule, rule->keys[0],
		arena_printf(look->check->arena, "wants %s in %s", rule->value,
			catalogue_path(look->check->arena, look->place, rule->other)));
}

static const char *
value_broken(struct arena *arena, const struct catalogue_rule *rule, const struct plist *value)
{
	bool text = value->type == PLIST_STRING;

	switch (rule->kind) {
	case CATALOGUE_RULE_RANGE:
		return catalogue_range_broken(arena, value, rule->has_min, rule->min, rule->has_max,
			rule->max, rule->also);
	case CATALOGUE_RULE_LENGTH:
		if (text && (double)characters(value) != rule->max)
			return arena_printf(arena, "must have %g characters", rule->max);
		break;
	case CATALOGUE_RULE_MAX_BYTES:
		if ((text || value->type == PLIST_DATA) && (double)value->as.string.len > rule->max)
			return arena_printf(arena, "must have %g bytes at most", rule->max);
		break;
	case CATALOGUE_RULE_PATTERN:
		if (text && !catalogue_matches(rule->value, value->as.string.bytes))
			return arena_printf(arena, "must match %s", rule->value);
		break;
	case CATALOGUE_RULE_PREFIX:
		if (text &&
			strncasecmp(value->as.string.bytes, rule->value, strlen(rule->value)) != 0)
			return arena_printf(arena, "must begin with %s", rule->value);
		break;
	default:
		break;
	}
	return NULL;
}

static enum err_kind
check_one_value(const struct look *look, const struct catalogue_rule *rule)
{
	const struct plist *value = plist_get(look->dict, rule->keys[0]);
	const char *text = value == NULL ? NULL : value_broken(look->check->arena, rule, value);

	return text == NULL ? ERR_OK : broken(look, rule, rule->keys[0], text);
}

enum err_kind
catalogue_check_rules(const struct catalogue_check *check, const struct catalogue_key *parent,
	const struct plist *dict, const struct catalogue_place *place)
{
	/* NULL: a rule for people. */
	static enum err_kind (*const checks[])(
		const struct look *look, const struct catalogue_rule *rule) = {
		[CATALOGUE_RULE_EXACTLY_ONE_OF] = check_group,
		[CATALOGUE_RULE_AT_LEAST_ONE_OF] = check_group,
		[CATALOGUE_RULE_REQUIRED_IF] = check_required_if,
		[CATALOGUE_RULE_FORBIDDEN_IF] = check_forbidden_if,
		[CATALOGUE_RULE_CONTAINS_IF] = check_contains_if,
		[CATALOGUE_RULE_RANGE] = check_one_value,
		[CATALOGUE_RULE_LENGTH] = check_one_value,
		[CATALOGUE_RULE_MAX_BYTES] = check_one_value,
		[CATALOGUE_RULE_PATTERN] = check_one_value,
		[CATALOGUE_RULE_PREFIX] = check_one_value,
		[CATALOGUE_RULE_DEFAULT] = NULL,
		[CATALOGUE_RULE_DEPENDS] = NULL,
	};
	const struct look look = {check, parent, dict, place};
	enum err_kind kind = ERR_OK;

	for (size_t i = 0; i < parent->rule_count && kind == ERR_OK; i++)
		if (checks[parent->rules[i].kind] != NULL)
			kind = checks[parent->rules[i].kind](&look, &parent->rules[i]);
	return kind;
}
