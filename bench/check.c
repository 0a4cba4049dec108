/*
 * What it costs to check a command and to build its plist: for each line "REQUEST JSON" of the
 * standard input, the microseconds of one (the least of five rounds).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mdm/command.h"

enum { LINE_MOST = 1024 * 1024, ROUNDS = 5 };

static bool
measure(const char *request, const char *args, long times, double *us)
{
	struct err err;

	*us = 0;
	for (int round = 0; round < ROUNDS; round++) {
		int64_t began = clock_ticks_us();
		double took;
		struct arena arena;

		arena_init(&arena);
		for (long i = 0; i < times; i++) {
			struct mdm mdm = {.arena = &arena};
			struct buf plist;

			buf_init(&plist, &arena, COMMAND_BYTES_MOST);
			if (command_build(&mdm, 1, "00000000-0000-4000-8000-000000000000", request,
				    args, &plist, &err) != ERR_OK) {
				fprintf(stderr, "check: %s\n", err.message);
				arena_release(&arena);
				return false;
			}
			arena_reset(&arena);
		}
		arena_release(&arena);
		took = (double)(clock_ticks_us() - began) / (double)times;
		if (round == 0 || took < *us)
			*us = took;
	}
	return true;
}

int
main(int argc, char **argv)
{
	long times = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	static char line[LINE_MOST];
	double us;

	if (times < 1) {
		fputs("usage: check TIMES <COMMANDS\n", stderr);
		return 2;
	}
	while (fgets(line, sizeof(line), stdin) != NULL) {
		char *args = strchr(line, ' ');

		if (args == NULL)
			return 2;
		*args++ = '\0';
		if (!measure(line, args, times, &us))
			return 1;
		printf("%.2f\n", us);
	}
	return 0;
}
