/*
 * Every --help, made of the rows in commands.c: a command is described in one place.
 */
#include "cli/help.h"

#include <string.h>

#include "cli/cli.h"

enum { COLUMN = 26 };

static const char *
verb_of(const struct cli_command *command)
{
	return command->verb == NULL ? "" : command->verb;
}

static void
write_usage(FILE *out, const char *lead, const struct cli_command *command)
{
	fprintf(out, "%s pomona %s%s%s%s%s%s\n", lead, command->noun,
		command->verb == NULL ? "" : " ", verb_of(command),
		command->usage[0] == '\0' ? "" : " ", command->usage,
		command->options == NULL ? "" : " [OPTION…]");
}

/* The commands of NOUN; false when there are none. */
static bool
write_usages(FILE *out, const char *noun)
{
	const char *lead = "usage:";

	for (const struct cli_command *command = cli_commands; command->noun != NULL; command++)
		if (strcmp(command->noun, noun) == 0) {
			write_usage(out, lead, command);
			lead = "      ";
		}
	return *lead == ' ';
}

void
help_short(FILE *out, const struct words *words)
{
	const struct cli_command *command = words->command;

	if (command != NULL)
		write_usage(out, "usage:", command);
	else if (words->count == 0 || !write_usages(out, words->words[0])) {
		fputs("usage: pomona NOUN [VERB] [WORD…] [--config FILE] [--json]\n", out);
		fputs("`pomona --help` lists the commands\n", out);
		return;
	}
	fprintf(out, "`pomona %s%s%s --help` tells more\n",
		command != NULL ? command->noun : words->words[0],
		command != NULL && command->verb != NULL ? " " : "",
		command != NULL ? verb_of(command) : "");
}

static void
write_option(FILE *out, const struct words_option *option)
{
	int width = fprintf(out, "  --%s%s%s", option->name, option->value == NULL ? "" : " ",
		option->value == NULL ? "" : option->value);

	fprintf(out, "%*s%s\n", width < COLUMN ? COLUMN - width : 2, "", option->help);
}

static void
write_options(FILE *out, const char *title, const struct words_option *options)
{
	if (options == NULL)
		return;
	fprintf(out, "\n%s\n", title);
	for (; options->name != NULL; options++)
		write_option(out, options);
}

static void
write_summaries(FILE *out, const char *noun)
{
	for (const struct cli_command *command = cli_commands; command->noun != NULL; command++) {
		int width;

		if (command->summary == NULL || (noun != NULL && strcmp(command->noun, noun) != 0))
			continue;
		width = fprintf(out, "  %s %s", command->noun, verb_of(command));
		fprintf(out, "%*s%s\n", width < COLUMN ? COLUMN - width : 2, "", command->summary);
	}
}

static void
show_command(FILE *out, const struct cli_command *command)
{
	write_usage(out, "usage:", command);
	if (command->summary != NULL)
		fprintf(out, "\n%s\n", command->summary);
	if (command->more != NULL)
		fprintf(out, "\n%s\n", command->more);
	write_options(out, "Options:", command->options);
	write_options(out, "Options of every command:", words_global_options);
}

static void
show_program(FILE *out)
{
	fputs("usage: pomona NOUN [VERB] [WORD…] [OPTION…]\n\n"
	      "Pomona's command line: works on the store directly, no server "
	      "needed.\n\nCommands:\n",
		out);
	write_summaries(out, NULL);
	write_options(out, "Options of every command:", words_global_options);
	fputs("\n`pomona NOUN VERB --help` tells about one command, pomona(1) about all.\n"
	      "Exit codes: 0 done, 1 failed, 2 called in a wrong way.\n",
		out);
}

bool
help_show(FILE *out, const struct words *words)
{
	if (words->command != NULL)
		show_command(out, words->command);
	else if (words->count == 0)
		show_program(out);
	else if (write_usages(out, words->words[0])) {
		fputs("\n", out);
		write_summaries(out, words->words[0]);
	} else {
		help_short(out, words);
		return false;
	}
	return true;
}
