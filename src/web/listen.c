#include "web/listen.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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

/*
 * Makes room for a socket.  One that nobody answers on is left over from a process that was killed,
 * and goes; nothing else is ever removed.
 */
static enum err_kind
clear_path(const struct sockaddr_un *name, struct err *err)
{
	struct stat found;
	bool refused;
	int fd;

	if (lstat(name->sun_path, &found) != 0)
		return errno == ENOENT
			       ? ERR_OK
			       : err_set(err, ERR_IO, "%s: %s", name->sun_path, strerror(errno));
	if (!S_ISSOCK(found.st_mode))
		return err_set(err, ERR_CONFLICT, "%s is there and is no socket", name->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, ERR_IO, "%s: %s", name->sun_path, strerror(errno));
	refused = connect(fd, (const struct sockaddr *)name, sizeof(*name)) != 0 &&
		  errno == ECONNREFUSED;
	close(fd);
	if (!refused)
		return err_set(
			err, ERR_CONFLICT, "%s: another process listens there", name->sun_path);
	return unlink(name->sun_path) == 0
		       ? ERR_OK
		       : err_set(err, ERR_IO, "%s: %s", name->sun_path, strerror(errno));
}

static enum err_kind
open_path(const char *path, unsigned mode, int *fd, struct err *err)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	mode_t old;
	int bound;

	if (strlen(path) >= sizeof(name.sun_path))
		return err_set(err, ERR_BAD_INPUT, "%s: the path of a socket has at most %zu bytes",
			path, sizeof(name.sun_path) - 1);
	memcpy(name.sun_path, path, strlen(path));
	if (clear_path(&name, err) != ERR_OK)
		return err->kind;
	*fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (*fd < 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	old = umask(0777 & ~(mode_t)mode);
	bound = bind(*fd, (struct sockaddr *)&name, sizeof(name));
	umask(old);
	if (bound != 0 || listen(*fd, BACKLOG) != 0) {
		err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
		close(*fd);
		return ERR_IO;
	}
	return ERR_OK;
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
	return is_path(address) ? open_path(address, mode, fd, err)
				: open_host_port(address, fd, err);
}

void
listen_remove(const char *address, int fd)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct stat found;
	socklen_t len = sizeof(name);

	if (is_path(address) && getsockname(fd, (struct sockaddr *)&name, &len) == 0 &&
		strcmp(name.sun_path, address) == 0 && lstat(address, &found) == 0 &&
		S_ISSOCK(found.st_mode))
		unlink(address);
}
