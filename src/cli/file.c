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

#include "base/slurp.h"

enum { PASSWORD_MOST = 4096 };

enum err_kind
file_read(struct arena *arena, const char *path, size_t cap, char **bytes, size_t *len,
	struct err *err)
{
	if (strcmp(path, "-") == 0)
		return slurp_fd(arena, STDIN_FILENO, path, cap, bytes, len, err);
	return slurp_file(arena, path, cap, bytes, len, err);
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
