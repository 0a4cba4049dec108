/*
 * facts - a device's answer as tables for people.
 *
 * What all answers have (UDID, Status, CommandUUID, …) is left out.  A dictionary becomes lines of
 * name and value, with dots into what is inside; an array of dictionaries (profiles, apps,
 * certificates) a table; of data only the size is shown.
 */
#ifndef POMONA_CLI_FACTS_H
#define POMONA_CLI_FACTS_H

#include <stdio.h>

#include "codec/plist.h"

void facts_print(FILE *out, struct arena *arena, const struct plist *answer);

#endif
