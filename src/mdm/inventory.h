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

/*
 * The device enrolls anew, or leaves: what it and its user channels told may be so no more.  It
 * stays, marked, until it is told again; answers that are put together begin anew.
 */
enum err_kind inventory_mark_stale(struct mdm *mdm, int64_t device_no, struct err *err);

#endif
