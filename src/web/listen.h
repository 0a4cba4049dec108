/*
 * listen - the socket on which the web server reaches the responder.
 */
#ifndef POMONA_WEB_LISTEN_H
#define POMONA_WEB_LISTEN_H

#include <stdbool.h>

#include "base/err.h"

/* Is FD a socket that listens? */
bool listen_is_socket(int fd);

/* The socket systemd passed on (LISTEN_FDS, LISTEN_PID); -1: none. */
int listen_inherited(void);

/*
 * Opens ADDRESS: a path with a / in it (unix socket; a stale one is replaced, one in use or a file
 * of another kind is not) or HOST:PORT
 * ([::1]:9000 for IPv6). MODE is that of the unix socket.
 */
enum err_kind listen_open(const char *address, unsigned mode, int *fd, struct err *err);

/* Takes the unix socket FD was opened as by listen_open() away; does nothing for HOST:PORT. */
void listen_remove(const char *address, int fd);

#endif
