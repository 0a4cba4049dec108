/*
 * endpoint_mdm - /mdm, /checkin, /server: each takes check-ins and command reports alike; which it
 * is, the body says (MessageType or Status), never the Content-Type.
 */
#ifndef POMONA_WEB_ENDPOINT_MDM_H
#define POMONA_WEB_ENDPOINT_MDM_H

#include "web/route.h"

enum err_kind endpoint_mdm(struct call *call, struct reply *reply, struct err *err);
bool endpoint_mdm_writes(const struct call *call);

#endif
