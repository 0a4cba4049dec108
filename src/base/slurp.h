/*
 * slurp - a whole file at once.
 */
#ifndef POMONA_BASE_SLURP_H
#define POMONA_BASE_SLURP_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

/* All bytes of the file PATH, with a NUL behind them; ERR_IO when it cannot be read, ERR_TOO_LARGE
 * over CAP.  The message names the file. */
enum err_kind slurp_file(struct arena *arena, const char *path, size_t cap, char **bytes,
	size_t *len, struct err *err);

/* The same from an open file, which NAME is for messages. */
enum err_kind slurp_fd(struct arena *arena, int fd, const char *name, size_t cap, char **bytes,
	size_t *len, struct err *err);

#endif
