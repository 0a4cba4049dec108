/*
 * help - what `pomona --help`, `pomona NOUN --help` and `pomona NOUN VERB --help` print, out of the
 * table of commands.
 */
#ifndef POMONA_CLI_HELP_H
#define POMONA_CLI_HELP_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/words.h"

/* How the command (or the noun's commands, or the program) is called, in a few lines. */
void help_short(FILE *out, const struct words *words);

/* All there is to tell; false (and the short form) when the words name nothing. */
bool help_show(FILE *out, const struct words *words);

#endif
