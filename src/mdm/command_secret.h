/*
 * command_secret - commands that hold secrets (mdm/mask): sealed as they are kept, with arguments
 * beside them that anybody may see; opened when they are sent.
 *
 * A command that comes through the SQL interface lies there as it was written until it is sent the
 * first time: SQL cannot seal.
 */
#ifndef POMONA_MDM_COMMAND_SECRET_H
#define POMONA_MDM_COMMAND_SECRET_H

#include "mdm/mdm.h"

/* A command as it is kept. */
struct command_kept {
	const char *uuid, *request;
	const char *args; /* JSON of its keys, without the secrets when it is sealed; or NULL */
	const void *body; /* the plist as it was given; NULL: it is built from the arguments */
	size_t body_len;
	struct db_value sealed_args, sealed_body; /* NULL: there are no secrets */
	bool unread; /* a plist that came through SQL (mdm/command_raw.h) */
};

/*
 * Seals it when KEYS, the keys of the command (NULL: none), hold a secret: ARGS become those that
 * are shown, and BODY is NULL.  In the write transaction that stores it; ERR_BUSY when there is no
 * master key.
 */
enum err_kind command_secret_seal(
	struct mdm *mdm, struct command_kept *kept, const struct plist *keys, struct err *err);

/* Undoes that: ARGS or BODY are as they were given.  ERR_INTERNAL when it does not open. */
enum err_kind command_secret_open(struct mdm *mdm, struct command_kept *kept, struct err *err);

/* The command is sent: seals what came through SQL.  In a write transaction. */
enum err_kind command_secret_seal_sent(
	struct mdm *mdm, int64_t payload_no, const struct command_kept *sent, struct err *err);

/* The keys of a stored command, secrets and all (a dict; out of JSON, data are base64). */
enum err_kind command_secret_keys(struct mdm *mdm, int64_t payload_no, const char *request,
	const struct plist **keys, struct err *err);

#endif
