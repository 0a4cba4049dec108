/*
 * pomona version
 */
#include "cli/commands.h"

enum err_kind
cli_version(struct cli *cli, struct err *err)
{
	(void)err;
	fputs(cli->json ? "{\"version\":\"" PACKAGE_VERSION "\"}\n"
			: "pomona " PACKAGE_VERSION "\n",
		cli->out);
	return ERR_OK;
}
