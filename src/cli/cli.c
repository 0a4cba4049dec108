/*
 * What is common to all commands: find the command, open what it needs, run it, say what failed.
 */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/actor.h"
#include "cli/escape.h"
#include "cli/help.h"
#include "mdm/enrollment.h"

enum { BUSY_MS = 10 * 1000, PAGE_ROWS = 500, LIST_ARGS_MOST = 12, SHOWN_MOST = 64 * 1024 * 1024 };

/* ---- for the commands ---- */

const char *
cli_option(const struct cli *cli, const char *name)
{
	return words_option(&cli->words, name);
}

enum err_kind
cli_wrong_usage(struct cli *cli, struct err *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	err_set(err, ERR_BAD_INPUT, "%s", arena_vprintf(&cli->arena, format, args));
	va_end(args);
	cli->usage = true;
	return ERR_BAD_INPUT;
}

void
cli_complain(struct cli *cli, const char *format, ...)
{
	const char *message;
	struct buf buf;
	va_list args;

	va_start(args, format);
	message = arena_vprintf(&cli->arena, format, args);
	va_end(args);
	buf_init(&buf, &cli->arena, SHOWN_MOST);
	escape_text(&buf, message, strlen(message), false);
	fprintf(cli->errors, "pomona: %s\n", buf.bytes);
}

enum err_kind
cli_not_found(enum err_kind kind, struct err *err, const char *format, ...)
{
	char message[sizeof(err->message)];
	va_list args;

	if (kind != ERR_NOT_FOUND)
		return kind;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return err_set(err, kind, "%s", message);
}

enum err_kind
cli_enrollment_no(struct cli *cli, const char *id, int64_t *no, struct err *err)
{
	struct enrollment enrollment = {0};
	enum err_kind kind = db_begin(cli->mdm.db, DB_READ, err);

	if (kind != ERR_OK)
		return kind;
	kind = enrollment_find(&cli->mdm, id, &enrollment, err);
	db_rollback(cli->mdm.db);
	*no = enrollment.no;
	return cli_not_found(kind, err, "unknown device %s", id);
}

void
cli_write_raw(struct cli *cli, const void *bytes, size_t len)
{
	struct buf buf;

	if (!isatty(fileno(cli->out))) {
		fwrite(bytes, 1, len, cli->out);
		return;
	}
	buf_init(&buf, &cli->arena, SHOWN_MOST);
	escape_text(&buf, bytes, len, true);
	fwrite(buf.bytes, 1, buf.len, cli->out);
}

enum err_kind
cli_limit(struct cli *cli, int64_t *limit, struct err *err)
{
	enum err_kind kind = words_integer(&cli->words, "limit", 1, INT64_MAX, 0, limit, err);

	cli->usage = kind != ERR_OK;
	return kind;
}

/* ---- lists ---- */

struct page {
	const struct cli_list *list;
	struct arena *kept; /* for keys */
	db_each_fn each;
	void *context;
	struct db_value args[LIST_ARGS_MOST];
	int64_t rows;
};

/* Hands the row on; its key is where the next page starts. */
static enum err_kind
take_row(const struct db_row *row, void *context, struct err *err)
{
	struct page *page = context;
	size_t keys = page->list->keys;

	page->rows++;
	for (size_t i = 0; i < keys; i++)
		page->args[i] = row->values[row->count - keys + i];
	return page->each(row, page->context, err);
}

/* The key must outlive the arena of the page. */
static void
keep_key(struct page *page)
{
	for (size_t i = 0; i < page->list->keys; i++)
		if (page->args[i].bytes != NULL)
			page->args[i].bytes =
				arena_memdup(page->kept, page->args[i].bytes, page->args[i].len);
}

static enum err_kind
read_page(struct db *db, struct page *page, int64_t most, struct err *err)
{
	const struct cli_list *list = page->list;
	enum err_kind kind = db_begin(db, DB_READ, err);

	if (kind != ERR_OK)
		return kind;
	page->rows = 0;
	page->args[list->count] = DB_INT(most);
	kind = db_each(db, list->statement, page->args, list->count + 1, take_row, page, err);
	db_rollback(db);
	keep_key(page);
	arena_reset(db_arena(db));
	return kind;
}

enum err_kind
cli_list(struct cli *cli, const struct cli_list *list, db_each_fn each, void *context,
	struct err *err)
{
	struct page page = {.list = list, .kept = &cli->arena, .each = each, .context = context};
	int64_t left = list->limit == 0 ? INT64_MAX : list->limit, most;
	enum err_kind kind = ERR_OK;
	struct arena arena;
	struct db *db;

	if (list->count + 1 > LIST_ARGS_MOST)
		return err_set(err, ERR_INTERNAL, "too many parameters for a list");
	memcpy(page.args, list->args, list->count * sizeof(*list->args));
	arena_init(&arena);
	db = db_open(cli->store, &arena);
	do {
		most = left < PAGE_ROWS ? left : PAGE_ROWS;
		kind = read_page(db, &page, most, err);
		left -= page.rows;
	} while (kind == ERR_OK && page.rows == most && left > 0);
	db_close(db);
	arena_release(&arena);
	return kind;
}

enum err_kind
cli_table_row(const struct db_row *row, void *table, struct err *err)
{
	(void)err;
	table_add(table, row->values);
	return ERR_OK;
}

enum err_kind
cli_table(struct cli *cli, enum statement statement, const struct table_column *columns,
	size_t column_count, struct err *err)
{
	struct table table;
	enum err_kind kind;

	table_init(&table, cli->out, cli->json, columns, column_count);
	kind = db_each(cli->mdm.db, statement, DB_NONE, cli_table_row, &table, err);
	table_release(&table, kind == ERR_OK);
	return kind;
}

enum err_kind
cli_list_table(struct cli *cli, const struct cli_list *list, const struct table_column *columns,
	size_t column_count, struct err *err)
{
	struct table table;
	enum err_kind kind;

	table_init(&table, cli->out, cli->json, columns, column_count);
	kind = cli_list(cli, list, cli_table_row, &table, err);
	table_release(&table, kind == ERR_OK);
	return kind;
}

/* ---- a run ---- */

enum err_kind
cli_open_store(struct cli *cli, bool create, struct err *err)
{
	struct db_options options = {
		.database = cli->conf.database, .create = create, .busy_ms = BUSY_MS};
	enum err_kind kind;

	kind = db_store_open(&cli->store, &options, err);
	if (kind != ERR_OK)
		return kind;
	cli->mdm = (struct mdm){
		.db = db_open(cli->store, &cli->arena),
		.arena = &cli->arena,
		.key = &cli->key,
		.conf = &cli->conf,
		.reader = plist_reader_new(plist_limits_default()),
		.actor = actor_of_process(&cli->arena),
	};
	return mdm_prepare_store(cli->mdm.db, &cli->arena, create, err);
}

static enum err_kind
open_needs(struct cli *cli, enum cli_needs needs, struct err *err)
{
	enum err_kind kind = ERR_OK;

	if (needs >= CLI_NEEDS_STORE)
		kind = conf_read(&cli->conf, cli_option(cli, "config"), &cli->arena, err);
	if (kind == ERR_OK && needs >= CLI_NEEDS_KEY)
		kind = seal_key_read(&cli->key, cli->conf.key, err);
	if (kind == ERR_NOT_FOUND)
		err_prefix(err, "this needs the master key");
	if (kind == ERR_OK && needs >= CLI_NEEDS_STORE)
		kind = cli_open_store(cli, false, err);
	if (kind == ERR_OK && needs >= CLI_NEEDS_KEY)
		kind = mdm_start(&cli->mdm, err);
	return kind;
}

/* What it prints is held back until it is true: until the commit. */
static enum err_kind
run_in_transaction(struct cli *cli, enum db_mode mode, struct err *err)
{
	FILE *out = cli->out;
	char *text = NULL;
	size_t len = 0;
	enum err_kind kind = db_begin(cli->mdm.db, mode, err);

	if (kind != ERR_OK)
		return kind;
	cli->out = open_memstream(&text, &len);
	if (cli->out == NULL)
		abort();
	kind = cli->words.command->run(cli, err);
	fclose(cli->out);
	cli->out = out;
	if (kind == ERR_OK)
		kind = db_commit(cli->mdm.db, err);
	else
		db_rollback(cli->mdm.db);
	if (kind == ERR_OK)
		cli_write_raw(cli, text, len);
	free(text);
	return kind;
}

static enum err_kind
run_command(struct cli *cli, struct err *err)
{
	const struct cli_command *command = cli->words.command;
	enum err_kind kind = open_needs(cli, command->needs, err);

	if (kind != ERR_OK)
		return kind;
	kind = command->transaction == CLI_OWN
		       ? command->run(cli, err)
		       : run_in_transaction(
				 cli, command->transaction == CLI_READ ? DB_READ : DB_WRITE, err);
	if (kind == ERR_OK && (fflush(cli->out) != 0 || ferror(cli->out)))
		kind = err_set(err, ERR_IO, "the output cannot be written");
	return kind;
}

static void
release(struct cli *cli)
{
	db_close(cli->mdm.db);
	if (cli->mdm.reader != NULL)
		plist_reader_free(cli->mdm.reader);
	db_store_close(cli->store);
	seal_key_release(&cli->key);
	arena_release(&cli->arena);
}

/* What went before may have been printed; it comes first in a log that takes both streams. */
static int
report(struct cli *cli, const struct err *err)
{
	fflush(cli->out);
	if (err->message[0] != '\0')
		cli_complain(cli, "%s", err->message);
	if (!cli->usage)
		return CLI_EXIT_FAILED;
	help_short(cli->errors, &cli->words);
	return CLI_EXIT_USAGE;
}

/* What is typed out of habit, in our words: --version, and help with or without a command. */
static const char *const *
habitual(struct cli *cli, int argc, const char *const *argv)
{
	static const char *const version[] = {"version"};
	const char **words;

	if (argc == 1 && strcmp(argv[0], "--version") == 0)
		return version;
	if (argc == 0 || strcmp(argv[0], "help") != 0)
		return argv;
	words = arena_calloc(&cli->arena, (size_t)argc, sizeof(*words));
	memcpy(words, argv + 1, ((size_t)argc - 1) * sizeof(*words));
	words[argc - 1] = "--help";
	return words;
}

int
cli_run(int argc, const char *const *argv, FILE *out, FILE *errors)
{
	struct cli cli = {.out = out, .errors = errors};
	struct err err = {0};
	int code = CLI_EXIT_OK;

	log_init("pomona", LOG_WARNING);
	arena_init(&cli.arena);
	seal_key_init(&cli.key);
	argv = habitual(&cli, argc, argv);
	if (words_parse(&cli.words, &cli.arena, cli_commands, argc, argv, &err) != ERR_OK) {
		cli.usage = true;
		code = report(&cli, &err);
	} else if (words_option(&cli.words, "help") != NULL)
		code = help_show(out, &cli.words) ? CLI_EXIT_OK : CLI_EXIT_USAGE;
	else {
		cli.json = words_option(&cli.words, "json") != NULL;
		if (run_command(&cli, &err) != ERR_OK)
			code = report(&cli, &err);
	}
	release(&cli);
	return code;
}
