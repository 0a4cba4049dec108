/*
 * command - the plist of a command: read from a raw one, built from request and arguments.
 *
 * Apple: the envelope is a dict of CommandUUID and Command; Command holds RequestType and the
 * command's keys.
 */
#ifndef POMONA_MDM_COMMAND_H
#define POMONA_MDM_COMMAND_H

#include "mdm/mdm.h"

enum { COMMAND_BYTES_MOST = 16 * 1024 * 1024 };

struct command_head {
	const char *uuid; /* NULL: the plist has none */
	const char *request;
};

/*
 * What a raw command plist says it is.  ERR_BAD_INPUT when it is no plist, has no Command dict or
 * no RequestType, or a CommandUUID that is no string of 1 to 64 printable characters.
 */
enum err_kind command_inspect(struct mdm *mdm, const void *body, size_t len,
	struct command_head *head, struct plist **plist, struct err *err);

/*
 * Appends the command as it goes to the enrollment: arguments checked and converted by the
 * catalogue, filled in where the server knows better (all DeviceInformation queries, the stored
 * UnlockToken of ClearPasscode).  ERR_BAD_INPUT with the reason when it cannot be built.
 */
enum err_kind command_build(struct mdm *mdm, int64_t enrollment_no, const char *uuid,
	const char *request, const char *args, struct buf *plist, struct err *err);

#endif
