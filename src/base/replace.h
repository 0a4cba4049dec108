/*
 * replace - a file that others read while it is written anew: they see the old one or the new one.
 */
#ifndef POMONA_BASE_REPLACE_H
#define POMONA_BASE_REPLACE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * Puts a new file of that mode in the place of PATH, whatever is there: written beside it, on the
 * disk, and renamed.  ERR_IO when the folder cannot be written; PATH is as it was then.
 */
enum err_kind replace_file(
	const char *path, const void *bytes, size_t len, mode_t mode, struct err *err);

#endif
