#include "web/listen.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/local.h"

enum { BACKLOG = 1024, HOST_MOST = 256, PORT_MOST = 65535, SYSTEMD_FIRST_FD = 3 };

bool
listen_is_socket(int fd)
{
	socklen_t len = sizeof(int);
	int listening = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening;
}

int
listen_inherited(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

	if (pid == NULL || count == NULL || strtol(pid, NULL, 10) != (long)getpid() ||
		strtol(count, NULL, 10) < 1)
		return -1;
	return listen_is_socket(SYSTEMD_FIRST_FD) ? SYSTEMD_FIRST_FD : -1;
}

static bool
is_path(const char *address)
{
	return strchr(address, '/') != NULL;
}

static int
bind_to(const struct addrinfo *address)
{
	int fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol), on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

static enum err_kind
open_host_port(const char *address, int *fd, struct err *err)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	const char *colon = strrchr(address, ':');
	char host[HOST_MOST], *end;
	struct addrinfo *found;
	size_t len;
	long port;
	int failed;

	if (colon == NULL)
		return err_set(err, ERR_BAD_INPUT,
			"\"%.60s\" is neither HOST:PORT nor a path with a / in it", address);
	port = strtol(colon + 1, &end, 10);
	if (!isdigit((unsigned char)colon[1]) || *end != '\0' || port < 1 || port > PORT_MOST)
		return err_set(err, ERR_BAD_INPUT, "%.60s: a port is a number from 1 to %d",
			address, PORT_MOST);
	len = (size_t)(colon - address);
	if (len >= sizeof(host))
		return err_set(err, ERR_BAD_INPUT, "%.60s…: the host's name is too long", address);
	if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	}
	memcpy(host, address, len);
	host[len] = '\0';
	failed = getaddrinfo(len > 0 ? host : NULL, colon + 1, &hints, &found);
	if (failed != 0)
		return err_set(err, ERR_BAD_INPUT, "%s: %s", address, gai_strerror(failed));
	*fd = bind_to(found);
	freeaddrinfo(found);
	return *fd >= 0 ? ERR_OK : err_set(err, ERR_IO, "%s: %s", address, strerror(errno));
}

enum err_kind
listen_open(const char *address, unsigned mode, int *fd, struct err *err)
{
	return is_path(address) ? local_listen(address, mode, fd, err)
				: open_host_port(address, fd, err);
}

void
listen_remove(const char *address, int fd)
{
	if (is_path(address))
		local_remove(address, fd);
}
