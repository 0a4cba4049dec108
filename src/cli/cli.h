/*
 * cli - one run of `pomona`: a command is found, gets what it needs, and is run.
 *
 * A command is a row of the table in commands.c.  What it needs (the store, the master key) is open
 * when its function is called, and so is the transaction it asked for, which is committed when the
 * function gives ERR_OK and rolled back when not.
 *
 * A function prints its outcome on `out` and gives an error when it failed: cli_run() prints
 * "pomona: MESSAGE" on `errors` and makes the exit code of it.  An error whose message is empty has
 * been told about already.
 */
#ifndef POMONA_CLI_CLI_H
#define POMONA_CLI_CLI_H

#include <stdio.h>

#include "base/conf.h"
#include "cli/table.h"
#include "cli/words.h"
#include "mdm/mdm.h"

enum { CLI_EXIT_OK = 0, CLI_EXIT_FAILED = 1, CLI_EXIT_USAGE = 2 };

/* Each level has all that is before it. */
enum cli_needs {
	CLI_NEEDS_NOTHING,
	CLI_NEEDS_STORE, /* the configuration file and the store */
	CLI_NEEDS_KEY,   /* the master key */
};

enum cli_transaction {
	CLI_OWN, /* none, or the function's own ones */
	CLI_READ,
	CLI_WRITE,
};

struct cli {
	FILE *out, *errors;
	struct arena arena;
	struct words words;
	bool json;
	bool usage; /* what failed is how the command was called */

	/* as far as the command needs it */
	struct conf conf;
	struct seal_key key;
	struct db_store *store;
	struct mdm mdm;
};

enum { CLI_ANY = 1000000 /* words */ };

struct cli_command {
	const char *noun, *verb; /* verb NULL: the noun is all */
	const char *usage;       /* the words behind them, as help shows them */
	const char *summary;     /* one line; NULL: not for people, no help shows it */
	size_t least, most;      /* how many words */
	enum cli_needs needs;
	enum cli_transaction transaction;
	const struct words_option *options; /* besides the global ones; NULL: none */
	enum err_kind (*run)(struct cli *cli, struct err *err);
	const char *more; /* what else help tells; NULL: nothing */
};

/* The table; a row without a noun ends it. */
extern const struct cli_command cli_commands[];

/* The whole program; gives the exit code. */
int cli_run(int argc, const char *const *argv, FILE *out, FILE *errors);

/* ---- for the commands ---- */

/* The value of an option, "" when it takes none, NULL when it was not given. */
const char *cli_option(const struct cli *cli, const char *name);

/* The command was called in a wrong way: exit code 2. */
enum err_kind cli_wrong_usage(struct cli *cli, struct err *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Prints "pomona: MESSAGE" (escaped). */
void cli_complain(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ERR_NOT_FOUND of a statement gets its message here. */
enum err_kind cli_not_found(enum err_kind kind, struct err *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The number of an enrollment, read in a transaction of its own. */
enum err_kind cli_enrollment_no(struct cli *cli, const char *id, int64_t *no, struct err *err);

/* Bytes as they are into a file or a pipe; on a terminal with control characters escaped. */
void cli_write_raw(struct cli *cli, const void *bytes, size_t len);

/* Opens store and session of cli->conf; CREATE: makes the store.  cli_run() closes them. */
enum err_kind cli_open_store(struct cli *cli, bool create, struct err *err);

/*
 * A list, page by page, each in a read transaction of its own: a reader who waits at his pager
 * holds nothing up.  The statement's first KEYS parameters are the key behind which it starts, its
 * last parameter how many rows it may give; the last KEYS columns of a row are its key.
 */
struct cli_list {
	enum statement statement;
	const struct db_value *args; /* the key to start with, and the others but the last */
	size_t count;
	size_t keys;
	int64_t limit; /* most rows in all; 0: no limit */
};

enum err_kind cli_list(struct cli *cli, const struct cli_list *list, db_each_fn each, void *context,
	struct err *err);

/* The same with the rows as a table; a row has the table's columns first. */
enum err_kind cli_list_table(struct cli *cli, const struct cli_list *list,
	const struct table_column *columns, size_t column_count, struct err *err);

/* All rows of a statement without parameters, in the open transaction: for short lists. */
enum err_kind cli_table(struct cli *cli, enum statement statement,
	const struct table_column *columns, size_t column_count, struct err *err);

/* A db_each_fn that adds the row to a struct table. */
enum err_kind cli_table_row(const struct db_row *row, void *table, struct err *err);

/* --limit N */
#define CLI_OPTION_LIMIT                                                                           \
	{                                                                                          \
		"limit", "N", "show no more than N"                                                \
	}
enum err_kind cli_limit(struct cli *cli, int64_t *limit, struct err *err);

#endif
