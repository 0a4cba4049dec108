/*
 * jsonl - a file of JSON lines: one object a line, each written at once by one write(2).
 *
 * The stand-in's log of pushes and the devices' journal are such files.  Many processes may read
 * them while they grow.
 */
#ifndef POMONA_SIM_JSONL_H
#define POMONA_SIM_JSONL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

struct jsonl {
	const char *path; /* not copied */
	int fd;
	bool open;
	bool failed; /* a line could not be written; said once */
};

/* Appends to PATH, which is made when it is not there (mode 0600: the lines hold push tokens). */
enum err_kind jsonl_open(struct jsonl *file, const char *path, struct err *err);
void jsonl_close(struct jsonl *file);

/* Writes OBJECT and lets go of it; nothing but that when the file is not open. */
void jsonl_write(struct jsonl *file, json_t *object);

/* A string or, for NULL and what is not UTF-8, null. */
json_t *jsonl_string(const char *string);

/* MS since 1970, in ISO 8601, UTC, always with milliseconds. */
char *jsonl_iso(int64_t ms, char text[CLOCK_ISO_SIZE]);

#endif
