/*
 * local - sockets of this machine (AF_UNIX, stream), known by a path.
 */
#ifndef POMONA_BASE_LOCAL_H
#define POMONA_BASE_LOCAL_H

#include "base/err.h"

/*
 * Listens at PATH, with that mode.  A stale socket there, on which nobody answers, is replaced; one
 * in use, or a file of another kind, is not (ERR_CONFLICT).  ERR_BAD_INPUT when the path is too
 * long for a socket.  Changes the umask for a moment: not while other threads make files.
 */
enum err_kind local_listen(const char *path, unsigned mode, int *fd, struct err *err);

/* Takes the file away, when FD was opened by local_listen() with the same PATH. */
void local_remove(const char *path, int fd);

/*
 * A connection to whoever listens at PATH; *FD does not block and is closed on exec.  ERR_BUSY when
 * nobody does, or he has too much to do.
 */
enum err_kind local_connect(const char *path, int *fd, struct err *err);

#endif
