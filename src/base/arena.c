#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 32 * 1024 };

struct arena_block {
	struct arena_block *next;
	size_t size;
	size_t used;
	alignas(max_align_t) unsigned char bytes[];
};

static struct arena_block *
block_new(size_t size)
{
	struct arena_block *block;

	if (size > SIZE_MAX - sizeof(*block) || (block = malloc(sizeof(*block) + size)) == NULL) {
		fputs("level=error msg=\"out of memory\"\n", stderr);
		abort();
	}
	block->next = NULL;
	block->size = size;
	block->used = 0;
	return block;
}

void
arena_init(struct arena *arena)
{
	*arena = (struct arena){0};
}

static void
free_from(struct arena_block *block)
{
	while (block != NULL) {
		struct arena_block *next = block->next;
		free(block);
		block = next;
	}
}

void
arena_reset(struct arena *arena)
{
	if (arena->first != NULL) {
		free_from(arena->first->next);
		arena->first->next = NULL;
		arena->first->used = 0;
	}
	arena->last = arena->first;
	arena->used = 0;
}

void
arena_release(struct arena *arena)
{
	free_from(arena->first);
	arena_init(arena);
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *block = arena->last;
	void *piece;

	if (size > SIZE_MAX / 2)
		size = SIZE_MAX / 2; /* block_new() will refuse it */
	size = (size + align - 1) / align * align;
	if (block == NULL || block->size - block->used < size) {
		block = block_new(size > BLOCK_SIZE ? size : BLOCK_SIZE);
		if (arena->last != NULL)
			arena->last->next = block;
		else
			arena->first = block;
		arena->last = block;
	}
	piece = block->bytes + block->used;
	block->used += size;
	arena->used += size;
	return piece;
}

void *
arena_calloc(struct arena *arena, size_t count, size_t size)
{
	size_t total = size != 0 && count > SIZE_MAX / size ? SIZE_MAX : count * size;

	return memset(arena_alloc(arena, total), 0, total);
}

char *
arena_memdup(struct arena *arena, const void *bytes, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	if (len > 0)
		memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

char *
arena_strdup(struct arena *arena, const char *string)
{
	return string == NULL ? NULL : arena_memdup(arena, string, strlen(string));
}

char *
arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	va_list again;
	char *text;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	if (len < 0)
		len = 0;
	text = arena_alloc(arena, (size_t)len + 1);
	text[0] = '\0';
	vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return text;
}

char *
arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}
