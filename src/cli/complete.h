/*
 * complete - what may stand where a shell's cursor is: made from the table of commands, the
 * catalogue and the names of settings, the same that the commands themselves go by.
 *
 * For each possibility EACH gets the whole word and a few words on it (""), or a lead and NULL: the
 * rest of the word is the name of a file, which the shell knows better.
 */
#ifndef POMONA_CLI_COMPLETE_H
#define POMONA_CLI_COMPLETE_H

#include "cli/cli.h"

typedef void (*complete_each_fn)(const char *word, const char *about, void *context);

struct completion {
	struct arena *arena;
	complete_each_fn each;
	void *context; /* of each */
	/* Where ids, and names of groups as group:NAME, come from; NULL: nowhere. */
	void (*ids)(struct completion *completion, const char *lead, const char *prefix);
	void (*groups)(struct completion *completion, const char *lead, const char *prefix);
	void *store; /* of both */

	/* while it is at work */
	const char *typed; /* the word under the cursor */
	const struct cli_command *command;
	const char *const *words; /* behind noun and verb */
	size_t count;
};

/* WORDS are those behind the program's name; the last one is being typed, and may be empty. */
void complete_words(struct completion *completion, const char *const *words, size_t count);

/* Offers LEAD and WORD together, if what is typed begins so. */
void complete_offer(
	struct completion *completion, const char *lead, const char *word, const char *about);

#endif
