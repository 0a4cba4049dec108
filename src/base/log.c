#include "base/log.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { LINE_CAP = 4096, VALUE_CAP = 1000 };

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const char *log_program = "pomona";
static enum log_level log_level = LOG_INFO;
static _Thread_local char log_request[40];

struct line {
	char text[LINE_CAP];
	size_t len;
};

void
log_init(const char *program, enum log_level level)
{
	log_program = program;
	log_level = level;
}

int
log_level_from_name(const char *name)
{
	for (int i = 0; i <= LOG_DEBUG; i++)
		if (strcmp(name, level_names[i]) == 0)
			return i;
	return -1;
}

void
log_set_request(const char *id)
{
	snprintf(log_request, sizeof(log_request), "%s", id);
}

/* One byte of room always stays for the line's end. */
static void
put(struct line *line, const char *bytes, size_t len)
{
	if (len < sizeof(line->text) - line->len) {
		memcpy(line->text + line->len, bytes, len);
		line->len += len;
	}
}

static bool
is_plain(const char *value)
{
	if (*value == '\0')
		return false;
	for (; *value != '\0'; value++)
		if (!isgraph((unsigned char)*value) || strchr("\"\\=", *value) != NULL)
			return false;
	return true;
}

static void
put_quoted(struct line *line, const char *value)
{
	size_t written = 0;

	put(line, "\"", 1);
	for (; *value != '\0' && written < VALUE_CAP; value++, written++) {
		unsigned char c = (unsigned char)*value;
		char escape[8];

		if (c == '"' || c == '\\')
			put(line, (char[]){'\\', (char)c}, 2);
		else if (c >= 0x20 && c < 0x7f)
			put(line, value, 1);
		else
			put(line, escape, (size_t)snprintf(escape, sizeof(escape), "\\x%02x", c));
	}
	put(line, "\"", 1);
}

static void
put_pair(struct line *line, const char *key, const char *value)
{
	if (line->len > 0)
		put(line, " ", 1);
	put(line, key, strlen(key));
	put(line, "=", 1);
	if (is_plain(value) && strlen(value) <= VALUE_CAP)
		put(line, value, strlen(value));
	else
		put_quoted(line, value);
}

void
log_line(enum log_level level, const char *msg, ...)
{
	struct line line = {.len = 0};
	char now[CLOCK_ISO_SIZE];
	const char *key, *value;
	va_list args;

	if (level > log_level)
		return;
	put_pair(&line, "time", clock_iso(clock_now(), now));
	put_pair(&line, "level", level_names[level]);
	put_pair(&line, "program", log_program);
	if (log_request[0] != '\0')
		put_pair(&line, "req", log_request);
	put_pair(&line, "msg", msg);
	va_start(args, msg);
	while ((key = va_arg(args, const char *)) != NULL) {
		value = va_arg(args, const char *);
		if (value != NULL)
			put_pair(&line, key, value);
	}
	va_end(args);
	line.text[line.len++] = '\n';
	if (write(STDERR_FILENO, line.text, line.len) < 0) {
		/* There is nobody left to tell. */
	}
}
