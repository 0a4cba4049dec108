/*
 * Files that a command is given, and those it makes.
 */
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

enum { CHUNK = 64 * 1024, PASSWORD_MOST = 4096 };

static enum err_kind
read_all(int fd, struct buf *buf, const char *path, struct err *err)
{
	for (;;) {
		size_t room = buf->cap - buf->len < CHUNK ? buf->cap - buf->len : CHUNK;
		char *place = buf_room(buf, room), beyond;
		ssize_t got = room == 0 ? read(fd, &beyond, 1) : read(fd, place, room);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
		if (got == 0)
			break;
		if (room == 0)
			return err_set(
				err, ERR_TOO_LARGE, "%s: larger than %zu bytes", path, buf->cap);
		buf->len += (size_t)got;
	}
	buf->bytes[buf->len] = '\0';
	return ERR_OK;
}

enum err_kind
file_read(struct arena *arena, const char *path, size_t cap, char **bytes, size_t *len,
	struct err *err)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	enum err_kind kind;
	struct buf buf;

	*bytes = NULL;
	*len = 0;
	if (fd < 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	buf_init(&buf, arena, cap);
	kind = read_all(fd, &buf, path, err);
	if (!standard)
		close(fd);
	*bytes = buf.bytes;
	*len = buf.len;
	return kind;
}

enum err_kind
file_read_password(struct arena *arena, const char *path, const char **password, struct err *err)
{
	char *text;
	size_t len;
	enum err_kind kind = file_read(arena, path, PASSWORD_MOST, &text, &len, err);

	if (kind != ERR_OK)
		return kind;
	text[strcspn(text, "\r\n")] = '\0';
	*password = text;
	return ERR_OK;
}

static int
write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno != EINTR)
			return -1;
		if (done > 0) {
			bytes += done;
			len -= (size_t)done;
		}
	}
	return fsync(fd);
}

enum err_kind
file_write(const char *path, const void *bytes, size_t len, mode_t mode, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	bool failed;

	if (fd < 0)
		return err_set(err, errno == EEXIST ? ERR_CONFLICT : ERR_IO, "%s: %s", path,
			errno == EEXIST ? "is there already" : strerror(errno));
	/* The mode as it was asked for, whatever the umask. */
	failed = fchmod(fd, mode) != 0 || write_all(fd, bytes, len) != 0;
	if (failed)
		err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	if (close(fd) != 0 && !failed) {
		failed = true;
		err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	}
	if (failed)
		unlink(path);
	return failed ? ERR_IO : ERR_OK;
}
