/*
 * The comments' marks become blanks, so that a text keeps its length and its line numbers.
 */
#include "store/dialect.h"

#include <stdio.h>
#include <string.h>

char *
dialect_apply(char *text, const char *dialect)
{
	char opening[32];
	size_t len = (size_t)snprintf(opening, sizeof(opening), "/*%s ", dialect);

	for (char *mark = text; (mark = strstr(mark, opening)) != NULL;) {
		char *end = strstr(mark, "*/");

		if (end == NULL)
			break;
		memset(mark, ' ', len);
		memset(end, ' ', 2);
	}
	return text;
}
