/*
 * actor - who runs `pomona`, for the audit trail.
 *
 * The user is the one who called sudo, or who has logged in on this terminal, or whom the process
 * runs as; when these are two, "alice as root".  The place is the host and the terminal.  A user
 * who may write the store can also make others of himself: the trail is no proof against root.
 */
#ifndef POMONA_CLI_ACTOR_H
#define POMONA_CLI_ACTOR_H

#include "mdm/mdm.h"

struct mdm_actor actor_of_process(struct arena *arena);

#endif
