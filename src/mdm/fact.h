/*
 * fact - how the facts of a device have changed: what the views device_info_history and
 * security_info_history show.
 *
 * A change is a fact that was told before and is another one now; what is told for the first time
 * is none.  Left out are those that change by themselves all the time (a battery's level, free
 * space, the cell a phone is in), and values of more than FACT_BYTES_MOST bytes of JSON.
 */
#ifndef POMONA_MDM_FACT_H
#define POMONA_MDM_FACT_H

#include "mdm/mdm.h"

enum { FACT_BYTES_MOST = 4096 };

/* Keeps what is in TOLD, and other than in KNOWN, both dicts of facts. */
enum err_kind fact_note_changes(struct mdm *mdm, int64_t enrollment_no, const char *request,
	const struct plist *known, const struct plist *told, struct err *err);

#endif
