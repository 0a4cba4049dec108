/*
 * words - the command line, taken apart: which command, its options, its words.
 *
 *	pomona [OPTION…] NOUN [VERB] [WORD…] [OPTION…]
 *
 * Options are --name, --name VALUE or --name=VALUE, before, between or behind the words; -- ends
 * them.  One name may take a value in one command and none in another: the command is the row of
 * the table under whose options the words begin with its noun and verb.
 */
#ifndef POMONA_CLI_WORDS_H
#define POMONA_CLI_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct cli_command;

struct words_option {
	const char *name;  /* without the dashes; NULL ends a list */
	const char *value; /* what its value is called; NULL: it takes none */
	const char *help;
};

/* An option that was given. */
struct words_given {
	const char *name, *value; /* value is "" when it takes none */
};

struct words {
	const struct cli_command *command; /* NULL: the words name none */
	const char **words;                /* behind noun and verb; all of them without a command */
	size_t count;
	struct words_given *given;
	size_t given_count;
};

/* Those every command takes: --config FILE, --json, --help. */
extern const struct words_option words_global_options[];

/*
 * COMMANDS is a table that ends with a row without a noun; ARGV the words behind the program's
 * name. ERR_BAD_INPUT: no such command, an option the command does not have, a value that is
 * missing or too much, too few or too many words (but not when help is asked for).  WORDS is filled
 * in as far as it goes then too.
 */
enum err_kind words_parse(struct words *words, struct arena *arena,
	const struct cli_command *commands, int argc, const char *const *argv, struct err *err);

/* The option's value, the last one when it was given more than once; NULL when it was not given. */
const char *words_option(const struct words *words, const char *name);

/* ---- values ---- */

/* ERR_BAD_INPUT, with the option's name, when it is no whole number from LEAST to MOST. */
enum err_kind words_integer(const struct words *words, const char *name, int64_t least,
	int64_t most, int64_t otherwise, int64_t *value, struct err *err);

/* ERR_BAD_INPUT, with the CHOICES (blanks between them), when it is given and none of them. */
enum err_kind words_choice(
	const struct words *words, const char *name, const char *choices, struct err *err);

/*
 * A time: ISO 8601 (2026-11-24T08:00:00Z), or from now on: +30s, +15m, +2h, +7d.  0 when the option
 * is not given.
 */
enum err_kind words_time(const struct words *words, const char *name, int64_t *ms, struct err *err);

/* A time that has been: ISO 8601, or so long ago: 30s, 15m, 2h, 7d.  0 when it is not given. */
enum err_kind words_since(
	const struct words *words, const char *name, int64_t *ms, struct err *err);

/* How long: 90s, 30m, 24h, 7d; 0 when the option is not given. */
enum err_kind words_span(
	const struct words *words, const char *name, int64_t *seconds, struct err *err);

#endif
