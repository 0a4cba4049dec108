/*
 * session_journal - the devices' journal: a line for every message and what came back, and one for
 * what a device did otherwise.
 */
#ifndef POMONA_SIM_SESSION_JOURNAL_H
#define POMONA_SIM_SESSION_JOURNAL_H

#include "codec/plist.h"
#include "sim/fleet.h"
#include "sim/persona.h"

struct journal_exchange {
	const struct persona *persona;
	const char *message;             /* "Idle", "Acknowledged", "GetCACert", … */
	const char *uuid, *request_type; /* of the command it answers; or NULL */
	unsigned attempt;                /* 1: the first */
	int http_status;                 /* 0: the connection was lost */
	const char *error;               /* why; or NULL */
	int64_t us;
	const struct plist *reply; /* the command that came back, or NULL */
};

void journal_exchange(struct fleet *fleet, const struct journal_exchange *exchange);

/* "identity", "renewed", "enrolled", "configured", "gave_up", "unenrolled", "erased",
 * "checked_out", "dropped", "rejected", "no_command", "endless_session"; with the command's request
 * type, or NULL. */
void journal_event(struct fleet *fleet, const struct persona *persona, const char *event,
	const char *request_type);

#endif
