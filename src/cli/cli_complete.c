/*
 * pomona complete -- WORD…: the shell's completion (completions/) asks here.
 *
 * A line for each possibility: the word, a tab, a few words on it.  A line that begins with a tab
 * wants file names: behind the tab is what the word begins with before the file.
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/complete.h"
#include "cli/escape.h"

enum { IDS_MOST = 200, LINE_MOST = 1024 * 1024 };

/* A word with control characters would be more than one: it is not offered. */
static void
print_line(const char *word, const char *about, void *context)
{
	struct cli *cli = context;
	struct buf shown;

	buf_init(&shown, &cli->arena, LINE_MOST);
	escape_text(&shown, word, strlen(word), false);
	if (about == NULL)
		fprintf(cli->out, "\t%s\n", word);
	else if (strcmp(shown.bytes, word) == 0)
		fprintf(cli->out, "%s\t%s\n", word, about);
}

struct listing {
	struct completion *completion;
	const char *lead;
};

static enum err_kind
offer_id(const struct db_row *row, void *context, struct err *err)
{
	const struct listing *listing = context;

	(void)err;
	complete_offer(listing->completion, listing->lead, db_text(row, 0), db_text(row, 1));
	return ERR_OK;
}

/* The configuration file that the line names; else the usual one. */
static const char *
typed_config(const struct cli *cli)
{
	const char *found = cli_option(cli, "config");
	static const char option[] = "--config";
	size_t len = sizeof(option) - 1;

	for (size_t i = 0; i + 1 < cli->words.count; i++) {
		const char *word = cli->words.words[i];

		if (strcmp(word, option) == 0 && i + 2 < cli->words.count)
			found = cli->words.words[i + 1];
		else if (strncmp(word, option, len) == 0 && word[len] == '=')
			found = word + len + 1;
	}
	return found;
}

/* Where there is no store, or it cannot be read, there are none: nobody wants an error here. */
static void
offer_stored(struct completion *completion, const char *lead, const char *prefix,
	enum statement statement)
{
	struct listing listing = {.completion = completion, .lead = lead};
	struct cli *cli = completion->store;
	struct err err = {0};

	if (cli->store == NULL &&
		(conf_read(&cli->conf, typed_config(cli), &cli->arena, &err) != ERR_OK ||
			cli_open_store(cli, false, &err) != ERR_OK))
		return;
	if (cli->mdm.db == NULL || db_begin(cli->mdm.db, DB_READ, &err) != ERR_OK)
		return;
	db_each(cli->mdm.db, statement, DB_ARGS(DB_TEXT(prefix), DB_INT(IDS_MOST)), offer_id,
		&listing, &err);
	db_rollback(cli->mdm.db);
}

static void
offer_ids(struct completion *completion, const char *lead, const char *prefix)
{
	offer_stored(completion, lead, prefix, SQL_CLI_DEVICE_IDS);
}

static void
offer_groups(struct completion *completion, const char *lead, const char *prefix)
{
	offer_stored(completion, lead, prefix, SQL_CLI_GROUP_NAMES);
}

enum err_kind
cli_complete(struct cli *cli, struct err *err)
{
	static const char *const nothing[] = {""};
	struct completion completion = {.arena = &cli->arena,
		.each = print_line,
		.context = cli,
		.ids = offer_ids,
		.groups = offer_groups,
		.store = cli};

	(void)err;
	if (cli->words.count == 0)
		complete_words(&completion, nothing, 1);
	else
		complete_words(&completion, cli->words.words, cli->words.count);
	return ERR_OK;
}
