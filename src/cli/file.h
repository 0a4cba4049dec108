/*
 * file - whole files, in and out.
 */
#ifndef POMONA_CLI_FILE_H
#define POMONA_CLI_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

/* All bytes of PATH ("-": the standard input), with a NUL behind them; ERR_TOO_LARGE over CAP. */
enum err_kind file_read(struct arena *arena, const char *path, size_t cap, char **bytes,
	size_t *len, struct err *err);

/* A password: the first line of the file. */
enum err_kind file_read_password(
	struct arena *arena, const char *path, const char **password, struct err *err);

/*
 * Makes a new file of that mode, on the disk when it returns.  ERR_CONFLICT when PATH is there
 * already; what could not be written whole is removed.
 */
enum err_kind file_write(
	const char *path, const void *bytes, size_t len, mode_t mode, struct err *err);

#endif
