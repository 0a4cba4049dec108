/*
 * ca_files - the web server's files, for commands that change whom to believe.
 */
#ifndef POMONA_CLI_CA_FILES_H
#define POMONA_CLI_CA_FILES_H

#include "cli/cli.h"
#include "mdm/ca_files.h"

/* Brings them to what the store says, and complains when it cannot: what was changed stays so, and
 * the worker will try, too.  Outside a transaction. */
void cli_refresh_ca_files(struct cli *cli);

#endif
