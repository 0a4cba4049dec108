/*
 * endpoint_status - /healthz: can it serve (the store answers)?  /version: which Pomona is it?
 */
#ifndef POMONA_WEB_ENDPOINT_STATUS_H
#define POMONA_WEB_ENDPOINT_STATUS_H

#include "web/route.h"

enum err_kind endpoint_healthz(struct call *call, struct reply *reply, struct err *err);
enum err_kind endpoint_version(struct call *call, struct reply *reply, struct err *err);

#endif
