/*
 * await - a device that waits in Setup Assistant to be configured, and is let go.
 *
 * Apple: AwaitingConfiguration of TokenUpdate; DeviceConfigured, and UserConfigured on a user
 * channel.  The device gets the setup commands (view `setup_command`, and those that are queued
 * with setup) and nothing else; when the last has ended, however it ended, or after so many minutes
 * as setting await_timeout says, it is told to go on, and the other commands follow.  With no setup
 * command it is told so at once.  It cannot be forgotten: when that command is cancelled another
 * one is queued.
 *
 * Whether it is time is looked at when the device comes, and by the worker; whoever is first lets
 * it go, in one transaction, once.
 */
#ifndef POMONA_MDM_AWAIT_H
#define POMONA_MDM_AWAIT_H

#include "mdm/enrollment.h"

/*
 * A TokenUpdate said that it waits.  While it is waited for already nothing begins anew.  A setup
 * command that it cannot be given is left out, with an event that says why.
 */
enum err_kind await_begin(struct mdm *mdm, int64_t enrollment_no, struct err *err);

/* Lets it go when it is time; ENROLLMENT follows.  Costs nothing for one that does not wait. */
enum err_kind await_look(struct mdm *mdm, struct enrollment *enrollment, struct err *err);

/* It has answered REQUEST: when that let it go the wait is over.  Likewise. */
enum err_kind await_answered(
	struct mdm *mdm, struct enrollment *enrollment, const char *request, struct err *err);

/* For the worker: lets up to LIMIT go for which it is time. */
enum err_kind await_release_due(struct mdm *mdm, int64_t limit, int64_t *count, struct err *err);

/* ---- the setup commands ---- */

/* Where the arguments of one that hold a secret are sealed for; its number follows. */
#define AWAIT_ARGS_PLACE "setup_step/sealed_args/"

/* One for all that wait. */
struct await_step {
	const char *channel; /* "device" or "user" */
	const char *request;
	const struct plist *args; /* as in queue_command */
	const int64_t *position;  /* NULL: behind the others */
};

/* ERR_BAD_INPUT as queue_payload_add() gives it, and for commands that set nothing up.  Arguments
 * that hold a secret are sealed. */
enum err_kind await_step_add(
	struct mdm *mdm, const struct await_step *step, int64_t *no, struct err *err);

/* ERR_NOT_FOUND: there is none with that number. */
enum err_kind await_step_remove(struct mdm *mdm, int64_t no, struct err *err);

#endif
