#include "base/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0) {
			bytes += done;
			len -= (size_t)done;
		}
	}
	return fsync(fd) == 0;
}

/* The rename, too, is on the disk; a file system that cannot do that is let be. */
static void
sync_folder(char *path)
{
	char *slash = strrchr(path, '/');
	int fd;

	if (slash == NULL)
		return;
	slash[slash == path] = '\0';
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

enum err_kind
replace_file(const char *path, const void *bytes, size_t len, mode_t mode, struct err *err)
{
	char beside[PATH_MAX];
	int size = snprintf(beside, sizeof(beside), "%s.XXXXXX", path), fd;
	bool written;

	if (size < 0 || (size_t)size >= sizeof(beside))
		return err_set(err, ERR_IO, "%s: %s", path, strerror(ENAMETOOLONG));
	fd = mkstemp(beside);
	if (fd < 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	written = fchmod(fd, mode) == 0 && write_all(fd, bytes, len);
	if (close(fd) != 0 || !written || rename(beside, path) != 0) {
		err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
		unlink(beside);
		return ERR_IO;
	}
	sync_folder(beside);
	return ERR_OK;
}
