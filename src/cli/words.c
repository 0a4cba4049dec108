/*
 * From argv to a command and its options, by the table of commands.
 */
#include "cli/words.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"

const struct words_option words_global_options[] = {
	{"config", "FILE", "the configuration file (else $POMONA_CONF, else the system's)"},
	{"json", NULL, "print JSON, for programs"},
	{"help", NULL, "say how it is used"},
	{NULL, NULL, NULL},
};

static const struct words_option *
find_in(const struct words_option *options, const char *name, size_t len)
{
	for (; options != NULL && options->name != NULL; options++)
		if (strlen(options->name) == len && memcmp(options->name, name, len) == 0)
			return options;
	return NULL;
}

/* One reading of argv, under the options of one command. */
struct reading {
	struct words *words;
	const struct words_option *options;
	int argc;
	const char *const *argv;
	struct err problem; /* the first one */
};

static void
note_problem(struct reading *reading, const char *what, const char *option)
{
	if (reading->problem.kind == ERR_OK)
		err_set(&reading->problem, ERR_BAD_INPUT, what, option);
}

/* Takes the option in argv[*AT], and its value. */
static void
take_option(struct reading *reading, int *at)
{
	const char *text = reading->argv[*at], *name = text + 2;
	const char *equals = strchr(name, '='), *value = "";
	size_t len = equals == NULL ? strlen(name) : (size_t)(equals - name);
	const struct words_option *option = find_in(words_global_options, name, len);

	if (option == NULL)
		option = find_in(reading->options, name, len);
	if (option == NULL) {
		note_problem(reading, "there is no option %.100s here", text);
		return;
	}
	if (option->value == NULL && equals != NULL)
		note_problem(reading, "--%s takes no value", option->name);
	else if (option->value != NULL && equals != NULL)
		value = equals + 1;
	else if (option->value != NULL && *at + 1 == reading->argc)
		note_problem(reading, "--%s wants a value", option->name);
	else if (option->value != NULL)
		value = reading->argv[++*at];
	reading->words->given[reading->words->given_count++] =
		(struct words_given){.name = option->name, .value = value};
}

static void
read_all(struct reading *reading)
{
	struct words *words = reading->words;
	bool ended = false;

	words->count = words->given_count = 0;
	reading->problem.kind = ERR_OK;
	for (int at = 0; at < reading->argc; at++) {
		const char *text = reading->argv[at];

		if (ended || text[0] != '-' || text[1] == '\0')
			words->words[words->count++] = text;
		else if (strcmp(text, "--") == 0)
			ended = true;
		else if (strcmp(text, "-h") == 0)
			words->given[words->given_count++] = (struct words_given){"help", ""};
		else if (text[1] == '-')
			take_option(reading, &at);
		else
			note_problem(reading, "there is no option %.100s here", text);
	}
}

static bool
begins_with(const struct words *words, const struct cli_command *command)
{
	if (words->count < 1 || strcmp(words->words[0], command->noun) != 0)
		return false;
	return command->verb == NULL ||
	       (words->count > 1 && strcmp(words->words[1], command->verb) == 0);
}

static enum err_kind
check_count(const struct words *words, struct err *err)
{
	const struct cli_command *command = words->command;

	if (words->count < command->least)
		return err_set(err, ERR_BAD_INPUT, "something is missing: %s%s%s %s", command->noun,
			command->verb == NULL ? "" : " ",
			command->verb == NULL ? "" : command->verb, command->usage);
	if (words->count > command->most)
		return err_set(err, ERR_BAD_INPUT, "too many words: \"%.100s\" is not understood",
			words->words[command->most]);
	return ERR_OK;
}

static enum err_kind
fail_unknown(const struct words *words, const struct cli_command *commands, struct err *err)
{
	if (words->count == 0)
		return err_set(err, ERR_BAD_INPUT, "which command?");
	for (; commands->noun != NULL; commands++)
		if (strcmp(commands->noun, words->words[0]) == 0)
			return words->count == 1 ? err_set(err, ERR_BAD_INPUT, "%s: which command?",
							   commands->noun)
						 : err_set(err, ERR_BAD_INPUT,
							   "there is no command \"%s %.100s\"",
							   commands->noun, words->words[1]);
	return err_set(err, ERR_BAD_INPUT, "there is no command \"%.100s\"", words->words[0]);
}

enum err_kind
words_parse(struct words *words, struct arena *arena, const struct cli_command *commands, int argc,
	const char *const *argv, struct err *err)
{
	struct reading reading = {.words = words, .argc = argc, .argv = argv};
	size_t verb_words;

	*words = (struct words){
		.words = arena_calloc(arena, (size_t)argc + 1, sizeof(*words->words)),
		.given = arena_calloc(arena, (size_t)argc + 1, sizeof(*words->given)),
	};
	for (const struct cli_command *command = commands; command->noun != NULL; command++) {
		reading.options = command->options;
		read_all(&reading);
		if (begins_with(words, command)) {
			words->command = command;
			break;
		}
	}
	if (words->command == NULL) {
		reading.options = NULL;
		read_all(&reading);
		if (words_option(words, "help") != NULL)
			return ERR_OK;
		if (words->count == 0 && reading.problem.kind != ERR_OK)
			return err_set(err, ERR_BAD_INPUT, "%s", reading.problem.message);
		return fail_unknown(words, commands, err);
	}
	verb_words = words->command->verb == NULL ? 1 : 2;
	words->words += verb_words;
	words->count -= verb_words;
	if (words_option(words, "help") != NULL)
		return ERR_OK;
	if (reading.problem.kind != ERR_OK)
		return err_set(err, ERR_BAD_INPUT, "%s", reading.problem.message);
	return check_count(words, err);
}

const char *
words_option(const struct words *words, const char *name)
{
	for (size_t i = words->given_count; i > 0; i--)
		if (strcmp(words->given[i - 1].name, name) == 0)
			return words->given[i - 1].value;
	return NULL;
}

/* ---- values ---- */

static bool
parse_integer(const char *text, const char **end, int64_t *value)
{
	char *stop;

	errno = 0;
	*value = strtoll(text, &stop, 10);
	*end = stop;
	return errno == 0 && stop != text;
}

enum err_kind
words_integer(const struct words *words, const char *name, int64_t least, int64_t most,
	int64_t otherwise, int64_t *value, struct err *err)
{
	const char *text = words_option(words, name), *end;

	*value = otherwise;
	if (text == NULL)
		return ERR_OK;
	if (!parse_integer(text, &end, value) || *end != '\0' || *value < least || *value > most)
		return err_set(err, ERR_BAD_INPUT, "--%s wants a whole number from %lld to %lld",
			name, (long long)least, (long long)most);
	return ERR_OK;
}

enum err_kind
words_choice(const struct words *words, const char *name, const char *choices, struct err *err)
{
	const char *given = words_option(words, name), *word = choices;

	if (given == NULL)
		return ERR_OK;
	while (*word != '\0') {
		size_t len = strcspn(word, " ");

		if (strlen(given) == len && strncmp(given, word, len) == 0)
			return ERR_OK;
		word += len + (word[len] == ' ');
	}
	return err_set(err, ERR_BAD_INPUT, "--%s wants one of: %s", name, choices);
}

/* +2h: the letter's seconds; 0 for no such letter. */
static int64_t
seconds_of(const char *unit)
{
	static const struct {
		const char *letter;
		int64_t seconds;
	} units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(unit, units[i].letter) == 0)
			return units[i].seconds;
	return 0;
}

/* An amount of time, 2h, in milliseconds. */
static bool
parse_span(const char *text, int64_t *ms)
{
	const int64_t most = 100000; /* of a unit */
	const char *unit;
	int64_t amount;

	if (!parse_integer(text, &unit, &amount) || amount < 0 || amount > most ||
		seconds_of(unit) == 0)
		return false;
	*ms = amount * seconds_of(unit) * 1000;
	return true;
}

enum err_kind
words_time(const struct words *words, const char *name, int64_t *ms, struct err *err)
{
	const char *text = words_option(words, name);
	int64_t span;

	*ms = 0;
	if (text == NULL)
		return ERR_OK;
	if (text[0] == '+' && parse_span(text + 1, &span)) {
		*ms = clock_now() + span;
		return ERR_OK;
	}
	if (clock_parse_iso(text, ms) == 0)
		return ERR_OK;
	return err_set(err, ERR_BAD_INPUT,
		"--%s wants a time like 2026-11-24T08:00:00Z, or +30s, +15m, +2h, +7d from now",
		name);
}

enum err_kind
words_since(const struct words *words, const char *name, int64_t *ms, struct err *err)
{
	const char *text = words_option(words, name);
	int64_t span;

	*ms = 0;
	if (text == NULL || clock_parse_iso(text, ms) == 0)
		return ERR_OK;
	if (text[0] == '+' || !parse_span(text, &span))
		return err_set(err, ERR_BAD_INPUT,
			"--%s wants a time like 2026-11-24T08:00:00Z, or 30s, 15m, 2h, 7d (ago)",
			name);
	*ms = clock_now() - span;
	return ERR_OK;
}

enum err_kind
words_span(const struct words *words, const char *name, int64_t *seconds, struct err *err)
{
	const char *text = words_option(words, name);
	int64_t span = 0;

	*seconds = 0;
	if (text != NULL &&
		(!isdigit((unsigned char)*text) || !parse_span(text, &span) || span == 0))
		return err_set(
			err, ERR_BAD_INPUT, "--%s wants an interval like 30m, 24h or 7d", name);
	*seconds = span / 1000;
	return ERR_OK;
}
