/*
 * identity_find - which identity an operator means.
 */
#ifndef POMONA_CLI_IDENTITY_FIND_H
#define POMONA_CLI_IDENTITY_FIND_H

#include "cli/cli.h"

/*
 * WORD is a SHA-256, a serial number, the id of a device (its pin), or a common name.  In a
 * transaction.  ERR_NOT_FOUND; ERR_CONFLICT when several are meant.
 */
enum err_kind identity_which(
	struct cli *cli, const char *word, const char **sha256, struct err *err);

#endif
