/*
 * Facts, limits and rules of the catalogue, as people read them.
 */
#include "cli/command_facts.h"

#include <string.h>
#include <strings.h>

enum { WORDS_MOST = 64 * 1024 };

bool
command_os(const char *name, enum catalogue_os *os)
{
	if (strcasecmp(name, "iPadOS") == 0)
		name = "iOS";
	for (size_t i = 0; i < CATALOGUE_OS_COUNT; i++)
		if (strcasecmp(name, catalogue_os_name((enum catalogue_os)i)) == 0) {
			*os = (enum catalogue_os)i;
			return true;
		}
	return false;
}

const char *
command_channel_words(int channels)
{
	static const char *const words[] = {"", "device", "user", "device, user"};

	return words[channels & (CATALOGUE_CHANNEL_DEVICE | CATALOGUE_CHANNEL_USER)];
}

const char *
command_type_word(const struct catalogue_key *key)
{
	return key->any ? "any" : plist_type_name(key->type);
}

const char *
command_presence_word(enum catalogue_presence presence)
{
	static const char *const words[] = {
		[CATALOGUE_OPTIONAL] = "optional",
		[CATALOGUE_REQUIRED] = "required",
		[CATALOGUE_FILLED] = "filled in",
	};

	return words[presence];
}

const char *
command_mode_word(enum catalogue_mode mode)
{
	static const char *const words[] = {
		[CATALOGUE_MODE_UNSAID] = NULL,
		[CATALOGUE_MODE_ALLOWED] = "allowed",
		[CATALOGUE_MODE_FORBIDDEN] = "forbidden",
		[CATALOGUE_MODE_REQUIRED] = "required",
		[CATALOGUE_MODE_IGNORED] = "ignored",
	};

	return words[mode];
}

/* ---- facts ---- */

static void
add_part(struct buf *buf, const char *separator, const char *text)
{
	if (buf->len > 0)
		buf_str(buf, separator);
	buf_str(buf, text);
}

static void
add_version(struct buf *buf, const char *lead, int version)
{
	char text[CATALOGUE_VERSION_SIZE];

	if (version != 0)
		buf_printf(buf, "%s%s", lead, catalogue_version_text(version, text));
}

static void
add_fact(struct buf *buf, const struct catalogue_fact *fact)
{
	const char *user_enrollment = command_mode_word(fact->user_enrollment);
	const char *shared = command_mode_word(fact->shared_ipad);

	add_part(buf, "; ", catalogue_os_name(fact->os));
	add_version(buf, " ", fact->introduced);
	add_version(buf, ", deprecated ", fact->deprecated);
	add_version(buf, ", removed ", fact->removed);
	if (fact->channels != 0)
		buf_printf(buf, ", %s channel", command_channel_words(fact->channels));
	if (fact->supervised)
		buf_str(buf, ", supervised");
	if (fact->automated)
		buf_str(buf, ", by Automated Device Enrollment");
	if (fact->user_approved)
		buf_str(buf, ", approved by the user");
	if (user_enrollment != NULL)
		buf_printf(buf, ", user enrollment %s", user_enrollment);
	if (shared != NULL)
		buf_printf(buf, ", Shared iPad %s", shared);
}

const char *
command_fact_words(struct arena *arena, const struct catalogue_fact *facts, size_t count)
{
	struct buf buf, without;

	buf_init(&buf, arena, WORDS_MOST);
	buf_init(&without, arena, WORDS_MOST);
	for (size_t i = 0; i < count; i++)
		if (facts[i].unsupported)
			add_part(&without, ", ", catalogue_os_name(facts[i].os));
		else
			add_fact(&buf, &facts[i]);
	if (without.len > 0)
		add_part(&buf, "; ", arena_printf(arena, "not %s", without.bytes));
	return buf.bytes;
}

/* ---- limits ---- */

static const char *
range_words(struct arena *arena, bool has_min, double min, bool has_max, double max)
{
	if (has_min && has_max)
		return arena_printf(arena, "%g to %g", min, max);
	if (has_min)
		return arena_printf(arena, "%g or more", min);
	return has_max ? arena_printf(arena, "%g or less", max) : NULL;
}

static void
add_values(struct buf *buf, const struct catalogue_key *key, size_t most)
{
	if (key->value_count > most) {
		buf_printf(buf, "one of %zu values, see below", key->value_count);
		return;
	}
	for (size_t i = 0; i < key->value_count; i++)
		add_part(buf, i + 1 < key->value_count ? ", " : " or ", key->values[i].text);
}

const char *
command_limit_words(struct arena *arena, const struct catalogue_key *key, size_t most)
{
	const char *range = range_words(arena, key->has_min, key->min, key->has_max, key->max);
	struct buf buf;

	buf_init(&buf, arena, WORDS_MOST);
	add_values(&buf, key, most);
	if (range != NULL)
		add_part(&buf, "; ", range);
	if (key->format != NULL)
		add_part(&buf, "; ", arena_printf(arena, "matches %s", key->format));
	if (key->preset != NULL)
		add_part(&buf, "; ", arena_printf(arena, "default %s", key->preset));
	return buf.bytes;
}

/* ---- rules ---- */

static const char *
join(struct arena *arena, const char *const *words, const char *last)
{
	struct buf buf;

	buf_init(&buf, arena, WORDS_MOST);
	for (size_t i = 0; words[i] != NULL; i++)
		add_part(&buf, words[i + 1] == NULL ? last : ", ", words[i]);
	return buf.bytes;
}

static const char *
when_words(struct arena *arena, const struct catalogue_rule *rule)
{
	switch (rule->when) {
	case CATALOGUE_WHEN_EQUALS:
		return arena_printf(arena, "when %s is %s", rule->other, rule->value);
	case CATALOGUE_WHEN_NOT_EQUALS:
		return arena_printf(arena, "unless %s is %s", rule->other, rule->value);
	case CATALOGUE_WHEN_TRUE:
		return arena_printf(arena, "when %s is true", rule->other);
	case CATALOGUE_WHEN_NOT_TRUE:
		return arena_printf(arena, "unless %s is true", rule->other);
	case CATALOGUE_WHEN_ABSENT:
		return arena_printf(arena, "when %s is left out", rule->other);
	case CATALOGUE_WHEN_PRESENT:
		return arena_printf(arena, "with %s", rule->other);
	}
	return "";
}

static const char *
also_words(struct arena *arena, const struct catalogue_rule *rule)
{
	return rule->also == NULL ? ""
				  : arena_printf(arena, ", or %s", join(arena, rule->also, " or "));
}

static const char *
conditional_words(struct arena *arena, const struct catalogue_rule *rule)
{
	const char *keys = join(arena, rule->keys, " and ");
	const char *what = rule->kind == CATALOGUE_RULE_REQUIRED_IF ? "is required"
			   : rule->advisory                         ? "has no effect"
								    : "is not allowed";

	return arena_printf(arena, "%s %s %s", keys, what, when_words(arena, rule));
}

const char *
command_rule_words(struct arena *arena, const struct catalogue_rule *rule)
{
	const char *key = rule->keys[0];

	switch (rule->kind) {
	case CATALOGUE_RULE_EXACTLY_ONE_OF:
		return arena_printf(arena, "exactly one of %s", join(arena, rule->keys, " and "));
	case CATALOGUE_RULE_AT_LEAST_ONE_OF:
		return arena_printf(arena, "at least one of %s", join(arena, rule->keys, " and "));
	case CATALOGUE_RULE_REQUIRED_IF:
	case CATALOGUE_RULE_FORBIDDEN_IF:
		return conditional_words(arena, rule);
	case CATALOGUE_RULE_CONTAINS_IF:
		return arena_printf(
			arena, "with %s, %s contains %s", key, rule->other, rule->value);
	case CATALOGUE_RULE_RANGE:
		return arena_printf(arena, "%s is %s%s", key,
			range_words(arena, rule->has_min, rule->min, rule->has_max, rule->max),
			also_words(arena, rule));
	case CATALOGUE_RULE_LENGTH:
		return arena_printf(arena, "%s has exactly %g characters", key, rule->max);
	case CATALOGUE_RULE_MAX_BYTES:
		return arena_printf(arena, "%s has at most %g bytes", key, rule->max);
	case CATALOGUE_RULE_PATTERN:
		return arena_printf(arena, "%s matches %s", key, rule->value);
	case CATALOGUE_RULE_PREFIX:
		return arena_printf(arena, "%s begins with %s", key, rule->value);
	case CATALOGUE_RULE_DEFAULT:
		return arena_printf(arena, "%s is %s when it is left out", key, rule->value);
	case CATALOGUE_RULE_DEPENDS:
		return rule->value;
	}
	return "";
}
