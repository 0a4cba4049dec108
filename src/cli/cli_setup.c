/*
 * pomona setup list|add|remove
 */
#include "cli/commands.h"

#include <errno.h>
#include <stdlib.h>

#include "cli/arguments.h"
#include "mdm/await.h"

enum { POSITION_MOST = 1000000 };

static const struct table_column columns[] = {
	{"id", "NUMBER", TABLE_INTEGER, 0},
	{"channel", "CHANNEL", TABLE_TEXT, 0},
	{"position", "POSITION", TABLE_INTEGER, 0},
	{"request", "REQUEST", TABLE_TEXT, 0},
	{"args", "ARGUMENTS", TABLE_JSON, 60},
};

enum err_kind
cli_setup_list(struct cli *cli, struct err *err)
{
	const struct db_value start[] = {DB_INT(0)};
	struct cli_list list = {
		.statement = SQL_AWAIT_STEP_LIST, .args = start, .count = 1, .keys = 1};

	if (cli_limit(cli, &list.limit, err) != ERR_OK)
		return err->kind;
	return cli_list_table(cli, &list, columns, sizeof(columns) / sizeof(columns[0]), err);
}

/* ---- add ---- */

enum err_kind
cli_setup_add(struct cli *cli, struct err *err)
{
	const char *channel = cli_option(cli, "channel");
	struct catalogue_remarks remarks = {0};
	struct arguments given = {.cli = cli, .remarks = &remarks};
	struct await_step step = {.request = cli->words.words[0]};
	int64_t position, no;
	enum err_kind kind = words_choice(&cli->words, "channel", "device user", err);

	if (kind == ERR_OK)
		kind = words_integer(
			&cli->words, "position", -POSITION_MOST, POSITION_MOST, 0, &position, err);
	if (kind != ERR_OK) {
		cli->usage = true;
		return kind;
	}
	arguments_take_request(&given, step.request);
	if (given.known == NULL)
		return arguments_unknown(step.request, NULL, ERR_BAD_INPUT, err);
	kind = arguments_take(&given, cli->words.words + 1, cli->words.count - 1, err);
	step.channel = channel == NULL ? "device" : channel;
	step.position = cli_option(cli, "position") == NULL ? NULL : &position;
	step.args = given.args;
	if (kind == ERR_OK)
		kind = await_step_add(&cli->mdm, &step, &no, err);
	if (kind != ERR_OK)
		return kind;
	arguments_warn(cli, &remarks);
	if (cli->json)
		fprintf(cli->out, "{\"id\":%lld}\n", (long long)no);
	else
		fprintf(cli->out, "%lld\n", (long long)no);
	return ERR_OK;
}

enum err_kind
cli_setup_remove(struct cli *cli, struct err *err)
{
	const char *word = cli->words.words[0];
	long long no;
	char *end;

	errno = 0;
	no = strtoll(word, &end, 10);
	if (end == word || *end != '\0' || errno != 0)
		return cli_wrong_usage(cli, err, "\"%.60s\" is no number", word);
	return await_step_remove(&cli->mdm, no, err);
}
