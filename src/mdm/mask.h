/*
 * mask - which keys of commands and answers are secrets, and what is shown in their place.
 *
 * A secret that an operator puts into a command (a new firmware password), or a device into an
 * answer (the code that opens its activation lock), is kept sealed (mdm/queue, mdm/connect); what
 * views and lists read has MASK_TEXT in its place.  The view `command` (sql/sqlite.sql) hides the
 * same keys of a command that came through SQL, until it is sent.
 */
#ifndef POMONA_MDM_MASK_H
#define POMONA_MDM_MASK_H

#include <stdbool.h>

#include "base/arena.h"
#include "codec/plist.h"

#define MASK_TEXT "(secret)"

struct mask_key {
	const char *request;
	bool answer;      /* of its answers, and not of the command */
	const char *path; /* "NewPassword", "FileVaultUnlock.Password", "Accounts[].passwordHash" */
};

/* Row N of the table, NULL behind the last. */
const struct mask_key *mask_row(size_t n);

/* May the arguments of this command, or its answers, hold secrets? */
bool mask_knows(const char *request, bool answer);

/* A copy of a command's keys, or of an answer, without its secrets; NULL: it holds none. */
struct plist *mask_plist(
	struct arena *arena, const char *request, bool answer, const struct plist *plist);

/* The same for a command's keys as JSON (NULL: none); gives ARGS itself when they hold no secret.
 * NULL, too, when it is no JSON object of a command that may hold secrets. */
const char *mask_args(struct arena *arena, const char *request, const char *args);

#endif
