/*
 * arguments - a command and its keys, from the words and options of a command line: --plist FILE,
 * --args JSON, or KEY=VALUE words.
 */
#ifndef POMONA_CLI_ARGUMENTS_H
#define POMONA_CLI_ARGUMENTS_H

#include "cli/cli.h"
#include "mdm/catalogue_check.h"

struct arguments {
	struct cli *cli;
	const char *request;                   /* NULL until it is known */
	const struct catalogue_request *known; /* NULL: the catalogue does not have it */
	struct plist *args;                    /* of --args and words: a dict, as from JSON */
	const void *body;                      /* of --plist, byte for byte; NULL: there is none */
	size_t body_len;
	const struct plist *command;       /* the dictionary Command in it */
	struct catalogue_remarks *remarks; /* gets what is odd of the words; or NULL */
};

/* --plist FILE, if it is given; its request is then the one.  ERR_BAD_INPUT: it is no command. */
enum err_kind arguments_take_plist(struct arguments *arguments, struct err *err);

/* The word that names the request. */
void arguments_take_request(struct arguments *arguments, const char *request);

/*
 * KIND, with a message for a request that the catalogue does not know: how it is spelt when only
 * its capitals are wrong.  MORE: what else can be done, in the same brackets; or NULL.
 */
enum err_kind arguments_unknown(
	const char *request, const char *more, enum err_kind kind, struct err *err);

/*
 * --args and the words KEY=VALUE behind the request (cli/assign.h); confirm=VALUE is put beside
 * them as a key of its own.  Not both of them, nor with a plist: usage.
 */
enum err_kind arguments_take(
	struct arguments *arguments, const char *const *words, size_t count, struct err *err);

/* Checks them against the catalogue, which has to know the request; *KEYS as they go on the wire.
 */
enum err_kind arguments_check(const struct arguments *arguments, bool strict,
	struct catalogue_remarks *remarks, const struct plist **keys, struct err *err);

/* "pomona: warning: …" for each remark. */
void arguments_warn(struct cli *cli, const struct catalogue_remarks *remarks);

#endif
