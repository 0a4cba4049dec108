/*
 * Files that somebody else has written, of a size that is not known before.
 */
#include "base/slurp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

enum { CHUNK = 64 * 1024 };

static enum err_kind
read_all(int fd, struct buf *buf, const char *name, struct err *err)
{
	for (;;) {
		size_t room = buf->cap - buf->len < CHUNK ? buf->cap - buf->len : CHUNK;
		char *place = buf_room(buf, room), beyond;
		ssize_t got = room == 0 ? read(fd, &beyond, 1) : read(fd, place, room);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, ERR_IO, "%s: %s", name, strerror(errno));
		if (got == 0)
			break;
		if (room == 0)
			return err_set(
				err, ERR_TOO_LARGE, "%s: larger than %zu bytes", name, buf->cap);
		buf->len += (size_t)got;
	}
	buf->bytes[buf->len] = '\0';
	return ERR_OK;
}

enum err_kind
slurp_fd(struct arena *arena, int fd, const char *name, size_t cap, char **bytes, size_t *len,
	struct err *err)
{
	struct buf buf;
	enum err_kind kind;

	buf_init(&buf, arena, cap);
	kind = read_all(fd, &buf, name, err);
	*bytes = kind == ERR_OK ? buf.bytes : NULL;
	*len = kind == ERR_OK ? buf.len : 0;
	return kind;
}

enum err_kind
slurp_file(struct arena *arena, const char *path, size_t cap, char **bytes, size_t *len,
	struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err_kind kind;

	*bytes = NULL;
	*len = 0;
	if (fd < 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	kind = slurp_fd(arena, fd, path, cap, bytes, len, err);
	close(fd);
	return kind;
}
