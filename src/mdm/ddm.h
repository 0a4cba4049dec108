/*
 * ddm - declarative management: the device's requests go to an HTTP back-end (setting ddm_url) as
 * NanoMDM's `-dm` sends them; the status it reports is kept as well.
 *
 * Apple: "Declarative Management" (check-in).  GET tokens, declaration-items,
 * declaration/KIND/IDENTIFIER; PUT status, with the report as JSON.
 */
#ifndef POMONA_MDM_DDM_H
#define POMONA_MDM_DDM_H

#include <stdbool.h>

#include "mdm/mdm.h"

enum { DDM_ENDPOINT_MOST = 1024 };

/* What an endpoint is. */
struct ddm_endpoint {
	bool is_status;   /* it carries a report */
	const char *path; /* as it goes behind the back-end's URL: escaped, without a / in front */
};

/*
 * Reads an endpoint.  ERR_BAD_INPUT when it is none of Apple's, or holds what could lead elsewhere
 * at the back-end: an empty part, "." or "..", a query, a backslash, control characters, escapes
 * that hide such.
 */
enum err_kind ddm_endpoint_read(
	struct arena *arena, const char *text, struct ddm_endpoint *endpoint, struct err *err);

/* BASE and the endpoint, with one / between them. */
const char *ddm_endpoint_url(
	struct arena *arena, const char *base, const struct ddm_endpoint *endpoint);

/*
 * Keeps a status report as the enrollment's last one.  *KEPT is false, and nothing changes, when it
 * is not a JSON object as can be stored: the back-end may make more of it.
 */
enum err_kind ddm_keep_status(struct mdm *mdm, int64_t enrollment_no, const char *report,
	size_t len, bool *kept, struct err *err);

/* Forgets what a device and its users have reported: its enrollment has ended. */
enum err_kind ddm_forget_status(struct mdm *mdm, int64_t device_no, struct err *err);

#endif
