/*
 * Beneath the web server's socket (web/listen.c) and the relay between responder and worker.
 */
#include "base/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static enum err_kind
name_of(const char *path, struct sockaddr_un *name, struct err *err)
{
	*name = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(name->sun_path))
		return err_set(err, ERR_BAD_INPUT, "%s: the path of a socket has at most %zu bytes",
			path, sizeof(name->sun_path) - 1);
	memcpy(name->sun_path, path, strlen(path));
	return ERR_OK;
}

static enum err_kind
failed(struct err *err, const char *path)
{
	return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
}

/*
 * Makes room for a socket.  One that nobody answers on is left over from a process that was killed,
 * and goes; nothing else is ever removed.
 */
static enum err_kind
clear_path(const struct sockaddr_un *name, struct err *err)
{
	const char *path = name->sun_path;
	struct stat found;
	bool refused;
	int fd;

	if (lstat(path, &found) != 0)
		return errno == ENOENT ? ERR_OK : failed(err, path);
	if (!S_ISSOCK(found.st_mode))
		return err_set(err, ERR_CONFLICT, "%s is there and is no socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return failed(err, path);
	refused = connect(fd, (const struct sockaddr *)name, sizeof(*name)) != 0 &&
		  errno == ECONNREFUSED;
	close(fd);
	if (!refused)
		return err_set(err, ERR_CONFLICT, "%s: another process listens there", path);
	return unlink(path) == 0 ? ERR_OK : failed(err, path);
}

enum err_kind
local_listen(const char *path, unsigned mode, int *fd, struct err *err)
{
	struct sockaddr_un name;
	mode_t old;
	int bound;

	if (name_of(path, &name, err) != ERR_OK || clear_path(&name, err) != ERR_OK)
		return err->kind;
	*fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (*fd < 0)
		return failed(err, path);
	old = umask(0777 & ~(mode_t)mode);
	bound = bind(*fd, (struct sockaddr *)&name, sizeof(name));
	umask(old);
	if (bound != 0 || listen(*fd, BACKLOG) != 0) {
		failed(err, path);
		close(*fd);
		return ERR_IO;
	}
	return ERR_OK;
}

void
local_remove(const char *path, int fd)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(name);
	struct stat found;

	if (getsockname(fd, (struct sockaddr *)&name, &len) == 0 && name.sun_family == AF_UNIX &&
		strcmp(name.sun_path, path) == 0 && lstat(path, &found) == 0 &&
		S_ISSOCK(found.st_mode))
		unlink(path);
}

enum err_kind
local_connect(const char *path, int *fd, struct err *err)
{
	struct sockaddr_un name;

	if (name_of(path, &name, err) != ERR_OK)
		return err->kind;
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return failed(err, path);
	if (connect(*fd, (const struct sockaddr *)&name, sizeof(name)) == 0)
		return ERR_OK;
	err_set(err, ERR_BUSY, "%s: %s", path, strerror(errno));
	close(*fd);
	return ERR_BUSY;
}
