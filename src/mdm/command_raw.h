/*
 * command_raw - commands that are given as plists and sent byte for byte.
 *
 * One that comes through the SQL interface is stored unread, with the request that SQL took out of
 * its text; it is read when it is sent for the first time.
 */
#ifndef POMONA_MDM_COMMAND_RAW_H
#define POMONA_MDM_COMMAND_RAW_H

#include "mdm/command_secret.h"

/*
 * Takes BODY into KEPT as it is; KEPT's UUID becomes the plist's, or, when that has none, the plist
 * is written anew with KEPT's.  KEYS gets the command's keys.  ERR_BAD_INPUT when it is no command.
 */
enum err_kind command_raw_take(struct mdm *mdm, const void *body, size_t len,
	struct command_kept *kept, const struct plist **keys, struct err *err);

/*
 * Reads what came through SQL and keeps it as if it had come through another door; KEPT is as it
 * goes out.  In a write transaction.  ERR_BAD_INPUT when it cannot be sent, with the reason.
 */
enum err_kind command_raw_read(
	struct mdm *mdm, int64_t payload_no, struct command_kept *kept, struct err *err);

#endif
