/*
 * profile_file - a .mobileconfig or .mobileprovision that a command is given, signed or not.
 */
#ifndef POMONA_CLI_PROFILE_FILE_H
#define POMONA_CLI_PROFILE_FILE_H

#include "cli/cli.h"

struct profile_file {
	const char *bytes; /* as it is */
	size_t len;
	bool is_signed;
	const void *content; /* without the signature, which is not looked at */
	size_t content_len;
	struct plist *plist; /* the content */
};

/* Reads it; the message of an error names the file. */
enum err_kind profile_file_read(
	struct cli *cli, const char *path, struct profile_file *file, struct err *err);

#endif
