/*
 * codec_data - files of tests/data, for the tests of codec.
 */
#ifndef POMONA_TESTS_CODEC_DATA_H
#define POMONA_TESTS_CODEC_DATA_H

#include "base/arena.h"

/* The bytes of tests/data/NAME, with a NUL behind them; a missing file fails the test. */
static inline char *
data_read(struct arena *arena, const char *name, size_t *len)
{
	const char *top = getenv("srcdir");
	const char *path = arena_printf(arena, "%s/tests/data/%s", top == NULL ? "." : top, name);
	FILE *file = fopen(path, "rb");
	char bytes[16384];

	if (file == NULL)
		fail_msg("cannot open %s", path);
	*len = fread(bytes, 1, sizeof(bytes), file);
	assert_true(*len < sizeof(bytes));
	fclose(file);
	return arena_memdup(arena, bytes, *len);
}

#endif
