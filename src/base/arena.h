/*
 * arena - memory of one request, freed in one call.
 *
 * Whatever a request needs is taken from its arena and given back at once by arena_reset(), which
 * keeps the first block for the next request.  There is no free() of a single piece.
 *
 * Nothing here returns NULL.  What a request may take is bounded before it gets here (body caps,
 * node caps, see codec/plist.h); if the system itself has no memory left, the process aborts with
 * one line on stderr.  That is safe: no message has been answered that is not in the store.
 *
 * An arena belongs to one thread.
 */
#ifndef POMONA_BASE_ARENA_H
#define POMONA_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *first; /* kept across resets */
	struct arena_block *last;  /* the block that is being filled */
	size_t used;               /* bytes handed out since the last reset */
};

void arena_init(struct arena *arena);

/* Gives back everything but the first block.  All pointers into the arena end here. */
void arena_reset(struct arena *arena);

/* Gives back everything. */
void arena_release(struct arena *arena);

/* SIZE bytes, aligned for any type, not cleared. */
void *arena_alloc(struct arena *arena, size_t size);

/* COUNT elements of SIZE bytes, zeroed. */
void *arena_calloc(struct arena *arena, size_t count, size_t size);

/* A copy of LEN bytes with a NUL behind them. */
char *arena_memdup(struct arena *arena, const void *bytes, size_t len);

/* A copy of the string; NULL gives NULL. */
char *arena_strdup(struct arena *arena, const char *string);

char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

#endif
