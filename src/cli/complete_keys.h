/*
 * complete_keys - KEY=VALUE where the cursor is: keys of a command, with dots into dictionaries,
 * and what is allowed of their values.
 */
#ifndef POMONA_CLI_COMPLETE_KEYS_H
#define POMONA_CLI_COMPLETE_KEYS_H

#include "cli/complete.h"
#include "mdm/catalogue.h"

void complete_keys(struct completion *completion, const struct catalogue_request *request);

#endif
