#include "web/html.h"

#include <stdarg.h>
#include <string.h>

void
html_text(struct buf *buf, const char *text)
{
	static const struct {
		char byte;
		const char *entity;
	} entities[] = {
		{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};

	for (; *text != '\0'; text++) {
		const char *entity = NULL;

		for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
			if (entities[i].byte == *text)
				entity = entities[i].entity;
		if (entity != NULL)
			buf_str(buf, entity);
		else
			buf_byte(buf, *text);
	}
}

void
html_fill(struct buf *buf, const char *format, ...)
{
	const char *place;
	va_list args;

	va_start(args, format);
	while ((place = strstr(format, "%s")) != NULL) {
		buf_add(buf, format, (size_t)(place - format));
		html_text(buf, va_arg(args, const char *));
		format = place + 2;
	}
	va_end(args);
	buf_str(buf, format);
}
