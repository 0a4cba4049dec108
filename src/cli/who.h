/*
 * who - the enrollments that the words of a command mean: ids, and groups (group:NAME).
 */
#ifndef POMONA_CLI_WHO_H
#define POMONA_CLI_WHO_H

#include "cli/cli.h"

struct who {
	const char **ids; /* each once, in the order of the words */
	size_t count;
};

/*
 * In a transaction.  An id is taken as it is, known or not.  ERR_NOT_FOUND: there is no such group,
 * or nobody is meant at all.  `all` is an id here: commands have an option for it.
 */
enum err_kind who_find(
	struct cli *cli, const char *const *words, size_t count, struct who *who, struct err *err);

/* The same in a read transaction of its own. */
enum err_kind who_read(
	struct cli *cli, const char *const *words, size_t count, struct who *who, struct err *err);

/* Of one group, in a read transaction of its own; there may be none. */
enum err_kind who_members(struct cli *cli, const char *word, struct who *who, struct err *err);

/*
 * A list (cli.h) for the one WORD means, or for each member of a group, in turn: where bit N of
 * NUMBERS is set, ARGS[N], which are the list's, gets the enrollment's number.
 */
enum err_kind who_list(struct cli *cli, const char *word, struct cli_list *list,
	struct db_value *args, unsigned numbers, db_each_fn each, void *context, struct err *err);

/* Is the word a group? */
bool who_is_group(const char *word);

#endif
