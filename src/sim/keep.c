#include "sim/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/slurp.h"

enum { PATH_MOST = 4096, FILE_MOST = 4 * 1024 * 1024 };

struct place {
	const char *dir, *name;
};

static const char draft_suffix[] = ".new";

static char *
path_of(char path[PATH_MOST], struct place place, const char *suffix, const char *draft)
{
	snprintf(path, PATH_MOST, "%s/%s.%s%s", place.dir, place.name, suffix, draft);
	return path;
}

static enum err_kind
write_draft(struct place place, const char *suffix, const void *bytes, size_t len, struct err *err)
{
	char path[PATH_MOST];
	int fd;
	ssize_t written;

	path_of(path, place, suffix, draft_suffix);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd < 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	written = write(fd, bytes, len);
	if (close(fd) != 0 || written != (ssize_t)len)
		return err_set(err, ERR_IO, "%s: %s", path,
			written >= 0 && written != (ssize_t)len ? "no space left"
								: strerror(errno));
	return ERR_OK;
}

static enum err_kind
put_in_place(struct place place, const char *suffix, struct err *err)
{
	char path[PATH_MOST], draft[PATH_MOST];

	if (rename(path_of(draft, place, suffix, draft_suffix), path_of(path, place, suffix, "")) ==
		0)
		return ERR_OK;
	return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
}

enum err_kind
keep_write(const char *dir, const char *name, const struct x509_identity *identity,
	struct scep_bytes profile, struct err *err)
{
	const struct {
		const char *suffix;
		const void *bytes;
		size_t len;
	} files[] = {
		{"mobileconfig", profile.bytes, profile.len},
		{"key", identity->key_pem, strlen(identity->key_pem)},
		{"pem", identity->cert_pem, strlen(identity->cert_pem)},
	};
	const size_t count = sizeof(files) / sizeof(files[0]);
	const struct place place = {.dir = dir, .name = name};
	enum err_kind kind = ERR_OK;

	if (mkdir(dir, S_IRWXU) != 0 && errno != EEXIST)
		return err_set(err, ERR_IO, "%s: %s", dir, strerror(errno));
	for (size_t i = 0; i < count && kind == ERR_OK; i++)
		if (files[i].len > 0)
			kind = write_draft(
				place, files[i].suffix, files[i].bytes, files[i].len, err);
	for (size_t i = 0; i < count && kind == ERR_OK; i++)
		if (files[i].len > 0)
			kind = put_in_place(place, files[i].suffix, err);
	return kind;
}

static enum err_kind
read_one(struct arena *arena, struct place place, const char *suffix, char **bytes, size_t *len,
	struct err *err)
{
	char path[PATH_MOST];

	return slurp_file(arena, path_of(path, place, suffix, ""), FILE_MOST, bytes, len, err);
}

enum err_kind
keep_read(struct arena *arena, const char *dir, const char *name, struct x509_identity *identity,
	struct scep_bytes *profile, struct err *err)
{
	const struct place place = {.dir = dir, .name = name};
	char *bytes[3] = {NULL};
	size_t len[3];

	if (read_one(arena, place, "mobileconfig", &bytes[0], &len[0], err) != ERR_OK ||
		read_one(arena, place, "pem", &bytes[1], &len[1], err) != ERR_OK ||
		read_one(arena, place, "key", &bytes[2], &len[2], err) != ERR_OK)
		return err->kind;
	*profile = (struct scep_bytes){.bytes = (const unsigned char *)bytes[0], .len = len[0]};
	*identity = (struct x509_identity){.cert_pem = bytes[1], .key_pem = bytes[2]};
	return ERR_OK;
}
