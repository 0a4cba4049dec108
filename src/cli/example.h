/*
 * example - arguments of a command, made up from the catalogue, that pass its check.
 */
#ifndef POMONA_CLI_EXAMPLE_H
#define POMONA_CLI_EXAMPLE_H

#include "mdm/catalogue.h"

/* The least that is needed, or (FULL) every key that goes together with the others.  A dict with
 * the types of the wire; keys that the server fills in are left out. */
struct plist *example_args(struct arena *arena, const struct catalogue_request *request, bool full);

#endif
