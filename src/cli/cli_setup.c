/*
 * pomona setup list|add|remove
 */
#include "cli/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/assign.h"
#include "cli/file.h"
#include "mdm/await.h"

enum { ARGS_MOST = 16 * 1024 * 1024, POSITION_MOST = 1000000 };

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

/* A JSON object, or @FILE with one. */
static enum err_kind
take_json(struct cli *cli, const char *json, struct plist **args, struct err *err)
{
	size_t len = strlen(json);
	enum err_kind kind;
	char *bytes;

	if (json[0] == '@') {
		kind = file_read(&cli->arena, json + 1, ARGS_MOST, &bytes, &len, err);
		if (kind != ERR_OK)
			return kind;
		json = bytes;
	}
	kind = plist_read_json(plist_limits_default(), &cli->arena, json, len, args, err);
	if (kind != ERR_OK)
		err_prefix(err, "--args");
	else if ((*args)->type != PLIST_DICT)
		return err_set(err, ERR_BAD_INPUT, "--args wants a JSON object");
	return kind;
}

static enum err_kind
take_arguments(struct cli *cli, const char *request, struct plist **args, struct err *err)
{
	const struct catalogue_request *known = catalogue_find(request);
	const char *json = cli_option(cli, "args");
	enum err_kind kind = ERR_OK;

	*args = plist_dict(&cli->arena);
	if (json != NULL && cli->words.count > 1)
		return cli_wrong_usage(cli, err, "KEY=VALUE or --args, not both");
	if (json != NULL)
		return take_json(cli, json, args, err);
	for (size_t i = 1; i < cli->words.count && known != NULL && kind == ERR_OK; i++) {
		if (strchr(cli->words.words[i], '=') == NULL)
			return cli_wrong_usage(cli, err, "\"%.100s\" is not of the form KEY=VALUE",
				cli->words.words[i]);
		kind = assign_word(&cli->arena, known, *args, cli->words.words[i], err);
	}
	return kind;
}

enum err_kind
cli_setup_add(struct cli *cli, struct err *err)
{
	const char *channel = cli_option(cli, "channel");
	struct await_step step = {.request = cli->words.words[0]};
	struct plist *args;
	int64_t position, no;
	enum err_kind kind = words_choice(&cli->words, "channel", "device user", err);

	if (kind == ERR_OK)
		kind = words_integer(
			&cli->words, "position", -POSITION_MOST, POSITION_MOST, 0, &position, err);
	if (kind != ERR_OK) {
		cli->usage = true;
		return kind;
	}
	kind = take_arguments(cli, step.request, &args, err);
	step.channel = channel == NULL ? "device" : channel;
	step.position = cli_option(cli, "position") == NULL ? NULL : &position;
	step.args = args;
	if (kind == ERR_OK)
		kind = await_step_add(&cli->mdm, &step, &no, err);
	if (kind != ERR_OK)
		return kind;
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
