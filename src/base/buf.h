/*
 * buf - growing bytes in an arena, with a cap that is given at the start.
 *
 * A writer appends without looking; what would pass the cap is dropped and `full` is set, once and
 * for all.  Whoever hands the bytes on looks at `full` first.  The bytes always have a NUL behind
 * them.
 */
#ifndef POMONA_BASE_BUF_H
#define POMONA_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct buf {
	struct arena *arena;
	char *bytes;
	size_t len;
	size_t size; /* allocated */
	size_t cap;  /* most bytes it may hold, without the NUL */
	bool full;   /* something did not fit: the content is incomplete */
};

void buf_init(struct buf *buf, struct arena *arena, size_t cap);

void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_byte(struct buf *buf, char byte);
void buf_str(struct buf *buf, const char *string);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* TEXT as an SQL literal; NULL for NULL. */
void buf_sql_text(struct buf *buf, const char *text);

/* Room for LEN more bytes, to be written to directly and then added to `len`; NULL when past the
 * cap. */
char *buf_room(struct buf *buf, size_t len);

#endif
