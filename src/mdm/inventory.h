/*
 * inventory - facts learnt from results: which answer tells what is on a device now.
 */
#ifndef POMONA_MDM_INVENTORY_H
#define POMONA_MDM_INVENTORY_H

#include "mdm/mdm.h"

/*
 * Takes what an Acknowledged answer tells.  ARGS is the command's JSON (NULL: none): an answer to a
 * filtered request does not replace what a whole one told.
 */
enum err_kind inventory_update(struct mdm *mdm, int64_t enrollment_no, int64_t payload_no,
	const char *request, const char *args, const struct plist *report, struct err *err);

#endif
