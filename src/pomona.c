/*
 * pomona - the operator's command line; src/cli/commands.c is its table of commands.
 */
#include <sys/resource.h>
#include <sys/stat.h>

#include "cli/cli.h"

int
main(int argc, char **argv)
{
	const struct rlimit none = {0, 0}; /* no core file may hold a key */

	setrlimit(RLIMIT_CORE, &none);
	/* Store, keys and identities are nobody else's; what is meant for others says so. */
	umask(077);
	return cli_run(argc - 1, (const char *const *)argv + 1, stdout, stderr);
}
