/*
 * What `pomona queue add` and `pomona command check` are given, before anything is done with it.
 */
#include "cli/arguments.h"

#include <string.h>

#include "cli/assign.h"
#include "cli/file.h"
#include "mdm/command.h"

enum { ARGS_MOST = 16 * 1024 * 1024 };

enum err_kind
arguments_take_plist(struct arguments *arguments, struct err *err)
{
	struct cli *cli = arguments->cli;
	const char *path = cli_option(cli, "plist");
	struct command_head head;
	struct plist *plist;
	enum err_kind kind;
	char *bytes;
	size_t len;

	if (path == NULL)
		return ERR_OK;
	if (cli->mdm.reader == NULL) { /* no store is open */
		cli->mdm.reader = plist_reader_new(plist_limits_default());
		cli->mdm.arena = &cli->arena;
	}
	kind = file_read(&cli->arena, path, COMMAND_BYTES_MOST, &bytes, &len, err);
	if (kind != ERR_OK)
		return kind;
	kind = command_inspect(&cli->mdm, bytes, len, &head, &plist, err);
	if (kind != ERR_OK) {
		err_prefix(err, "%s", path);
		return kind;
	}
	arguments->body = bytes;
	arguments->body_len = len;
	arguments->command = plist_get(plist, "Command");
	arguments_take_request(arguments, head.request);
	return ERR_OK;
}

void
arguments_take_request(struct arguments *arguments, const char *request)
{
	arguments->request = request;
	arguments->known = catalogue_find(request);
}

enum err_kind
arguments_unknown(const char *request, const char *more, enum err_kind kind, struct err *err)
{
	const struct catalogue_request *meant = catalogue_spelling(request);

	if (meant != NULL)
		return err_set(err, kind, "\"%.100s\" is spelt %s", request, meant->name);
	return err_set(err, kind, "unknown request %.100s (pomona command list names them%s)",
		request, more == NULL ? "" : more);
}

/* ---- the keys ---- */

static enum err_kind
take_json(struct arguments *arguments, const char *json, struct err *err)
{
	struct arena *arena = &arguments->cli->arena;
	size_t len = strlen(json);
	enum err_kind kind;
	char *bytes;

	if (json[0] == '@') {
		if (file_read(arena, json + 1, ARGS_MOST, &bytes, &len, err) != ERR_OK)
			return err->kind;
		json = bytes;
	}
	kind = plist_read_json(plist_limits_default(), arena, json, len, &arguments->args, err);
	if (kind != ERR_OK)
		err_prefix(err, "--args");
	else if (arguments->args->type != PLIST_DICT)
		return err_set(err, ERR_BAD_INPUT, "--args wants a JSON object");
	return kind;
}

static bool
is_confirmation(const char *word)
{
	return strncmp(word, "confirm=", strlen("confirm=")) == 0;
}

static enum err_kind
take_word(struct arguments *arguments, const char *word, bool others, struct err *err)
{
	struct cli *cli = arguments->cli;

	if (is_confirmation(word)) {
		plist_set(&cli->arena, arguments->args, "confirm",
			plist_string(&cli->arena, word + strlen("confirm=")));
		return ERR_OK;
	}
	if (others)
		return cli_wrong_usage(cli, err, "KEY=VALUE, --args or --plist: one of them");
	if (strchr(word, '=') == NULL)
		return cli_wrong_usage(cli, err, "\"%.100s\" is not of the form KEY=VALUE", word);
	return assign_word(
		&cli->arena, arguments->known, arguments->args, word, arguments->remarks, err);
}

enum err_kind
arguments_take(struct arguments *arguments, const char *const *words, size_t count, struct err *err)
{
	const char *json = cli_option(arguments->cli, "args");
	bool others = json != NULL || arguments->body != NULL;
	enum err_kind kind = ERR_OK;

	if (json != NULL && arguments->body != NULL)
		return cli_wrong_usage(arguments->cli, err, "--args or --plist, not both");
	arguments->args = plist_dict(&arguments->cli->arena);
	if (json != NULL)
		kind = take_json(arguments, json, err);
	for (size_t i = 0; i < count && kind == ERR_OK; i++)
		kind = take_word(arguments, words[i], others, err);
	return kind;
}

/* ---- their check ---- */

enum err_kind
arguments_check(const struct arguments *arguments, bool strict, struct catalogue_remarks *remarks,
	const struct plist **keys, struct err *err)
{
	struct arena *arena = &arguments->cli->arena;
	const struct catalogue_options options = {
		.strict = strict, .wire = arguments->body != NULL, .remarks = remarks};
	struct plist *given = arguments->args, *taken = NULL;
	enum err_kind kind;

	if (arguments->body != NULL) {
		given = plist_copy(arena, arguments->command);
		plist_remove(given, "RequestType");
	}
	kind = catalogue_check_args(arena, arguments->known, given, &options, &taken, err);
	if (keys != NULL)
		*keys = taken;
	return kind;
}

void
arguments_warn(struct cli *cli, const struct catalogue_remarks *remarks)
{
	size_t shown = 0;

	for (const struct catalogue_remark *remark = remarks->first; remark != NULL;
		remark = remark->next, shown++)
		cli_complain(cli, "warning: %s", remark->text);
	if (shown < remarks->count)
		cli_complain(cli, "warning: … and %zu more", remarks->count - shown);
}
