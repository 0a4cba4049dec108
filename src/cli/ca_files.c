#include "cli/ca_files.h"

void
cli_refresh_ca_files(struct cli *cli)
{
	struct ca_files files = ca_files_beside(&cli->arena, cli->conf.key);
	struct ca_files_done done;
	struct err err = {0};

	if (ca_files_refresh(&cli->mdm, &files, &done, &err) != ERR_OK)
		cli_complain(
			cli, "the files for the web server stay as they were: %s", err.message);
}
