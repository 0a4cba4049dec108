#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
buf_init(struct buf *buf, struct arena *arena, size_t cap)
{
	*buf = (struct buf){.arena = arena, .cap = cap};
	buf->size = cap < 256 ? cap + 1 : 256;
	buf->bytes = arena_alloc(arena, buf->size);
	buf->bytes[0] = '\0';
}

char *
buf_room(struct buf *buf, size_t len)
{
	if (buf->full || len > buf->cap - buf->len) {
		buf->full = true;
		return NULL;
	}
	if (buf->size - buf->len - 1 < len) {
		size_t size = buf->size * 2;
		char *bytes;

		if (size < buf->len + len + 1)
			size = buf->len + len + 1;
		bytes = arena_alloc(buf->arena, size);
		memcpy(bytes, buf->bytes, buf->len + 1);
		buf->bytes = bytes;
		buf->size = size;
	}
	return buf->bytes + buf->len;
}

void
buf_add(struct buf *buf, const void *bytes, size_t len)
{
	char *room = buf_room(buf, len);

	if (room == NULL || len == 0)
		return;
	memcpy(room, bytes, len);
	buf->len += len;
	buf->bytes[buf->len] = '\0';
}

void
buf_byte(struct buf *buf, char byte)
{
	buf_add(buf, &byte, 1);
}

void
buf_str(struct buf *buf, const char *string)
{
	buf_add(buf, string, strlen(string));
}

void
buf_vprintf(struct buf *buf, const char *format, va_list args)
{
	buf_str(buf, arena_vprintf(buf->arena, format, args));
}

void
buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(buf, format, args);
	va_end(args);
}

void
buf_sql_text(struct buf *buf, const char *text)
{
	if (text == NULL) {
		buf_str(buf, "NULL");
		return;
	}
	buf_byte(buf, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			buf_byte(buf, '\'');
		buf_byte(buf, *text);
	}
	buf_byte(buf, '\'');
}
