#include "base/err.h"

#include <stdio.h>
#include <string.h>

enum err_kind
err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return kind;
	err->kind = kind;
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return kind;
}

enum err_kind
err_prefix(struct err *err, const char *format, ...)
{
	char old[sizeof(((struct err *)0)->message)];
	size_t len, room;
	va_list args;

	if (err == NULL)
		return ERR_INTERNAL;
	memcpy(old, err->message, sizeof(old));
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message) - 2, format, args);
	va_end(args);
	len = strlen(err->message);
	memcpy(err->message + len, ": ", 3);
	len += 2;
	room = sizeof(err->message) - 1 - len;
	if (strlen(old) < room)
		room = strlen(old);
	memcpy(err->message + len, old, room);
	err->message[len + room] = '\0';
	return err->kind;
}

void
err_clear(struct err *err)
{
	*err = (struct err){0};
}

const char *
err_kind_name(enum err_kind kind)
{
	static const char *const names[] = {
		[ERR_OK] = "ok",
		[ERR_BAD_INPUT] = "bad_input",
		[ERR_TOO_LARGE] = "too_large",
		[ERR_FORBIDDEN] = "forbidden",
		[ERR_NOT_FOUND] = "not_found",
		[ERR_NOT_ALLOWED] = "not_allowed",
		[ERR_CONFLICT] = "conflict",
		[ERR_GONE] = "gone",
		[ERR_BUSY] = "busy",
		[ERR_NEEDS_WRITE] = "needs_write",
		[ERR_IO] = "io",
		[ERR_INTERNAL] = "internal",
	};

	return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}
