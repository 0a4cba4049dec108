/*
 * Where the simulator writes down what happened.
 */
#include "sim/jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

enum err_kind
jsonl_open(struct jsonl *file, const char *path, struct err *err)
{
	*file = (struct jsonl){.path = path};
	file->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (file->fd < 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	file->open = true;
	return ERR_OK;
}

void
jsonl_close(struct jsonl *file)
{
	if (file->open)
		close(file->fd);
	file->open = false;
}

void
jsonl_write(struct jsonl *file, json_t *object)
{
	char *line = file->open ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
	size_t len;

	json_decref(object);
	if (line == NULL)
		return;
	len = strlen(line);
	line[len] = '\n'; /* in the place of the NUL */
	if (write(file->fd, line, len + 1) != (ssize_t)(len + 1) && !file->failed) {
		file->failed = true;
		log_line(LOG_ERROR, "cannot write", "file", file->path, "error", strerror(errno),
			NULL);
	}
	free(line);
}

json_t *
jsonl_string(const char *string)
{
	json_t *value = string != NULL ? json_string(string) : NULL;

	return value != NULL ? value : json_null();
}

char *
jsonl_iso(int64_t ms, char text[CLOCK_ISO_SIZE])
{
	size_t len = strlen(clock_iso(ms, text));

	if (ms % 1000 == 0 && len + 4 < CLOCK_ISO_SIZE)
		memcpy(text + len - 1, ".000Z", sizeof(".000Z"));
	return text;
}
