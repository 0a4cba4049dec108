/*
 * apns_connection - one client of the stand-in: TLS, HTTP/2, its streams.
 */
#ifndef POMONA_SIM_APNS_CONNECTION_H
#define POMONA_SIM_APNS_CONNECTION_H

#include "sim/apns_server.h"

struct apns_connection;

/* Takes the socket FD over, on failure too; LIST is the list of connections it is put into, and
 * takes itself out of when it is over. */
enum err_kind apns_connection_new(struct apns_server *server, struct apns_connection **list,
	unsigned long number, SSL_CTX *tls, int fd, struct err *err);

/* Closes at once. */
void apns_connection_free(struct apns_connection *connection);

#endif
