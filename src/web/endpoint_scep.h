/*
 * endpoint_scep - /scep: the operations of SCEP over HTTP (RFC 8894, section 4).
 *
 * Anybody may call: the messages say who it is.
 */
#ifndef POMONA_WEB_ENDPOINT_SCEP_H
#define POMONA_WEB_ENDPOINT_SCEP_H

#include "web/route.h"

enum err_kind endpoint_scep(struct call *call, struct reply *reply, struct err *err);

#endif
