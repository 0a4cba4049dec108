/*
 * address - where the simulator listens and where its devices go: this machine, and nowhere else.
 */
#ifndef POMONA_SIM_ADDRESS_H
#define POMONA_SIM_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/err.h"

enum { ADDRESS_HOST_MOST = 256, ADDRESS_TEXT_MOST = 320, ADDRESS_PATH_MOST = 2048 };

struct address {
	struct sockaddr_storage socket;
	socklen_t len;
	char host[ADDRESS_HOST_MOST];      /* without the brackets of IPv6 */
	char authority[ADDRESS_TEXT_MOST]; /* HOST:PORT, as a URL has it */
	bool is_ip;                        /* the host is a number, not a name */
};

struct url {
	struct address address;
	bool tls;                     /* https */
	char path[ADDRESS_PATH_MOST]; /* with the query; "/" when there is none */
};

/* HOST:PORT or [HOST]:PORT.  ERR_FORBIDDEN when it is not a loopback address. */
enum err_kind address_parse(struct address *address, const char *text, struct err *err);

/* http[s]://HOST[:PORT][/PATH]; a fragment is left out. */
enum err_kind address_read_url(struct url *url, const char *text, struct err *err);

/* https://HOST[:PORT][/] */
enum err_kind address_parse_url(struct address *address, const char *url, struct err *err);

/* The address a socket is bound to, as HOST:PORT. */
enum err_kind address_of_socket(int fd, char text[ADDRESS_TEXT_MOST], struct err *err);

#endif
