/*
 * work - one piece of the worker's work on the store.
 */
#ifndef POMONA_WORKER_WORK_H
#define POMONA_WORKER_WORK_H

#include "mdm/mdm.h"

typedef enum err_kind (*work_fn)(struct mdm *mdm, void *context, struct err *err);

/* Does WORK, which finds nothing to do in most cases, in a read transaction; when it has to write,
 * from its start in a write transaction. */
enum err_kind work_do(struct mdm *mdm, work_fn work, void *context, struct err *err);

#endif
