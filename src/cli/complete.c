/*
 * Where the cursor is, and what the table of commands says may stand there; the keys of a command
 * are complete_keys.c's.
 */
#include "cli/complete.h"

#include <string.h>

#include "cli/complete_keys.h"
#include "mdm/catalogue.h"
#include "mdm/setting.h"

void
complete_offer(struct completion *completion, const char *lead, const char *word, const char *about)
{
	const char *whole = arena_printf(completion->arena, "%s%s", lead, word);

	if (strncmp(whole, completion->typed, strlen(completion->typed)) == 0)
		completion->each(whole, about == NULL ? "" : about, completion->context);
}

/* ---- where it comes from ---- */

static void
offer_files(struct completion *completion, const char *lead, const char *token)
{
	(void)token;
	completion->each(lead, NULL, completion->context);
}

static void
offer_ids(struct completion *completion, const char *lead, const char *token)
{
	size_t len = strlen(lead);

	(void)token;
	if (completion->ids != NULL && strncmp(completion->typed, lead, len) == 0)
		completion->ids(completion, lead, completion->typed + len);
}

static void
offer_groups(struct completion *completion, const char *lead, const char *token)
{
	size_t len = strlen(lead);

	(void)token;
	if (completion->groups != NULL && strncmp(completion->typed, lead, len) == 0)
		completion->groups(completion, lead, completion->typed + len);
}

static void
offer_requests(struct completion *completion, const char *lead, const char *token)
{
	const struct catalogue_request *request;

	(void)token;
	for (size_t i = 0; (request = catalogue_row(i)) != NULL; i++)
		complete_offer(completion, lead, request->name, request->about);
}

static void
offer_settings(struct completion *completion, const char *lead, const char *token)
{
	const char *name;

	(void)token;
	for (size_t i = 0; (name = setting_name(i)) != NULL; i++)
		complete_offer(completion, lead, name, "");
}

static void
offer_systems(struct completion *completion, const char *lead, const char *token)
{
	(void)token;
	for (size_t i = 0; i < CATALOGUE_OS_COUNT; i++)
		complete_offer(completion, lead, catalogue_os_name((enum catalogue_os)i), "");
}

/* What a word of a usage line, or the name of an option's value, stands for. */
static const struct {
	const char *token;
	void (*offer)(struct completion *completion, const char *lead, const char *token);
} sources[] = {
	{"FILE", offer_files},
	{"DIR", offer_files},
	{"ID", offer_ids},
	{"group:NAME", offer_groups},
	{"REQUEST", offer_requests},
	{"SETTING", offer_settings},
	{"OS", offer_systems},
};

/* ONE of some, or alone; an option among them is offered where options are. */
static void
offer_one(struct completion *completion, const char *lead, const char *one, bool alone)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (strcmp(sources[i].token, one) == 0) {
			sources[i].offer(completion, lead, one);
			return;
		}
	if (!alone && one[0] != '-')
		complete_offer(completion, lead, one, "");
}

/* "ID", "udid|serial", "ID|group:NAME" */
static void
offer_token(struct completion *completion, const char *lead, const char *token)
{
	bool alone = strchr(token, '|') == NULL;

	while (*token != '\0') {
		size_t len = strcspn(token, "|");

		offer_one(completion, lead, arena_memdup(completion->arena, token, len), alone);
		token += len;
		token += *token == '|';
	}
}

/* ---- options ---- */

static const struct words_option *
find_option(const struct words_option *options, const char *name, size_t len)
{
	for (; options != NULL && options->name != NULL; options++)
		if (strlen(options->name) == len && strncmp(options->name, name, len) == 0)
			return options;
	return NULL;
}

/* The option that WORD is; NULL: it is none that is known. */
static const struct words_option *
option_of(const struct completion *completion, const char *word)
{
	size_t len = strcspn(word + 2, "=");
	const struct words_option *option = find_option(words_global_options, word + 2, len);

	if (option == NULL && completion->command != NULL)
		option = find_option(completion->command->options, word + 2, len);
	return option;
}

static void
offer_options(struct completion *completion, const struct words_option *options)
{
	for (; options != NULL && options->name != NULL; options++)
		complete_offer(completion, "--", options->name, options->help);
}

static bool
is_option(const char *word)
{
	return word[0] == '-' && word[1] == '-' && word[2] != '\0';
}

/* ---- words ---- */

/* Takes the options, and their values, out of WORDS; gives the one whose value is being typed. */
static const struct words_option *
drop_options(struct completion *completion, const char **words, size_t *count)
{
	const struct words_option *waiting = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++) {
		const struct words_option *option;

		if (waiting != NULL) { /* this is its value */
			waiting = NULL;
			continue;
		}
		if (!is_option(words[i])) {
			words[kept++] = words[i];
			continue;
		}
		option = option_of(completion, words[i]);
		if (option != NULL && option->value != NULL && strchr(words[i], '=') == NULL)
			waiting = option;
	}
	*count = kept;
	return waiting;
}

/* The row whose noun and verb the words begin with. */
static const struct cli_command *
find_command(const char *const *words, size_t count)
{
	for (const struct cli_command *row = cli_commands; row->noun != NULL; row++)
		if (count > 0 && row->summary != NULL && strcmp(row->noun, words[0]) == 0 &&
			(row->verb == NULL || (count > 1 && strcmp(row->verb, words[1]) == 0)))
			return row;
	return NULL;
}

static void
offer_nouns(struct completion *completion)
{
	const char *last = "";

	for (const struct cli_command *row = cli_commands; row->noun != NULL; row++) {
		if (row->summary == NULL || strcmp(row->noun, last) == 0)
			continue;
		last = row->noun;
		complete_offer(completion, "", row->noun, row->verb == NULL ? row->summary : "");
	}
}

static void
offer_verbs(struct completion *completion, const char *noun)
{
	for (const struct cli_command *row = cli_commands; row->noun != NULL; row++)
		if (row->summary != NULL && row->verb != NULL && strcmp(row->noun, noun) == 0)
			complete_offer(completion, "", row->verb, row->summary);
}

/* The request among the words, behind which its keys come. */
static const struct catalogue_request *
request_among(const struct completion *completion)
{
	const struct catalogue_request *request = NULL;

	for (size_t i = 0; i < completion->count && request == NULL; i++)
		request = catalogue_find(completion->words[i]);
	return request;
}

/* "ID…|--all": the bare token, "ID|--all", and whether it may come again. */
static char *
bare_token(struct completion *completion, const char *usage, size_t len, bool *repeats)
{
	static const char dots[] = "…";
	char *token = arena_memdup(completion->arena, usage, len), *end;

	if (token[0] == '[')
		token++;
	end = strchr(token, ']');
	if (end != NULL)
		*end = '\0';
	end = strstr(token, dots);
	*repeats = end != NULL;
	if (end != NULL)
		memmove(end, end + sizeof(dots) - 1, strlen(end + sizeof(dots) - 1) + 1);
	return token;
}

/* By the usage line: the word of that place, and where that one may come again, the next too. */
static void
offer_by_usage(struct completion *completion)
{
	const char *usage = completion->command->usage;
	size_t at = 0;

	while (*usage != '\0') {
		size_t len = strcspn(usage, " ");
		bool repeats;
		char *token = bare_token(completion, usage, len, &repeats);

		usage += len;
		usage += *usage == ' ';
		if (at == completion->count || repeats)
			offer_token(completion, "", token);
		if (at == completion->count && !repeats)
			return;
		if (!repeats || at < completion->count)
			at++;
	}
}

static void
offer_words(struct completion *completion)
{
	const char *usage = completion->command->usage;
	const struct catalogue_request *request = request_among(completion);

	if (strstr(usage, "KEY=VALUE") != NULL && request != NULL)
		complete_keys(completion, request);
	else
		offer_by_usage(completion);
}

/* "--state=enr": the value alone is what the table knows. */
static void
offer_option_value(struct completion *completion)
{
	const struct words_option *option = option_of(completion, completion->typed);
	const char *equals = strchr(completion->typed, '=');

	if (option != NULL && option->value != NULL)
		offer_token(completion,
			arena_memdup(completion->arena, completion->typed,
				(size_t)(equals + 1 - completion->typed)),
			option->value);
}

void
complete_words(struct completion *completion, const char *const *words, size_t count)
{
	const char **plain = arena_calloc(completion->arena, count + 1, sizeof(*plain));
	size_t plain_count = count - 1;
	const struct words_option *waiting;

	completion->typed = words[count - 1];
	completion->command = NULL;
	memcpy(plain, words, plain_count * sizeof(*plain));
	drop_options(completion, plain, &plain_count);
	completion->command = find_command(plain, plain_count);
	plain_count = count - 1;
	memcpy(plain, words, plain_count * sizeof(*plain));
	waiting = drop_options(completion, plain, &plain_count);
	if (waiting != NULL) {
		offer_token(completion, "", waiting->value);
	} else if (is_option(completion->typed) && strchr(completion->typed, '=') != NULL) {
		offer_option_value(completion);
	} else if (completion->typed[0] == '-') {
		if (completion->command != NULL)
			offer_options(completion, completion->command->options);
		offer_options(completion, words_global_options);
	} else if (completion->command != NULL) {
		size_t own = completion->command->verb == NULL ? 1 : 2;

		completion->words = plain + own;
		completion->count = plain_count - own;
		offer_words(completion);
	} else if (plain_count == 0) {
		offer_nouns(completion);
	} else if (plain_count == 1) {
		offer_verbs(completion, plain[0]);
	}
}
