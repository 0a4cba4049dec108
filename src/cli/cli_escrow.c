/*
 * pomona escrow init|export
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/file.h"
#include "mdm/escrow.h"
#include "mdm/setting.h"

enum { PUBLIC_MODE = 0644, NAME_MOST = 64, PROFILE_MOST = 64 * 1024 };

static const struct table_column columns[] = {
	{"sha256", "SHA-256", TABLE_TEXT, 0},
	{"not_after", "Good until", TABLE_TIME, 0},
};

enum err_kind
cli_escrow_init(struct cli *cli, struct err *err)
{
	const char *name = cli_option(cli, "name"), *organization;
	struct escrow_certificate certificate;
	enum err_kind kind = escrow_find(&cli->mdm, &certificate, err);

	if (kind == ERR_OK && cli_option(cli, "renew") == NULL)
		return err_set(err, ERR_CONFLICT,
			"there is an escrow certificate already: --renew makes another one");
	if (kind == ERR_OK || kind == ERR_NOT_FOUND)
		kind = setting_get(&cli->mdm, "organization", &organization, err);
	if (kind == ERR_OK && organization != NULL && strlen(organization) > NAME_MOST)
		organization = NULL;
	if (kind == ERR_OK)
		kind = escrow_make(&cli->mdm, name == NULL ? "FileVault key escrow" : name,
			organization, &certificate, err);
	if (kind == ERR_OK)
		table_show(cli->out, cli->json, columns, sizeof(columns) / sizeof(columns[0]),
			(const struct db_value[]){
				DB_TEXT(certificate.sha256), DB_INT(certificate.not_after)});
	return kind;
}

/* The certificate, or the profile with it. */
static enum err_kind
make_file(struct cli *cli, const struct escrow_certificate *certificate, struct buf *file,
	struct err *err)
{
	const char *location = cli_option(cli, "location");
	enum err_kind kind;

	buf_init(file, &cli->arena, PROFILE_MOST);
	if (cli_option(cli, "profile") == NULL) {
		buf_str(file, certificate->pem);
		return ERR_OK;
	}
	if (location == NULL) {
		kind = setting_get(&cli->mdm, "organization", &location, err);
		if (kind != ERR_OK)
			return kind;
	}
	return escrow_profile(&cli->mdm, certificate,
		location == NULL ? "The key is kept by your administrator." : location, file, err);
}

enum err_kind
cli_escrow_export(struct cli *cli, struct err *err)
{
	const char *out = cli_option(cli, "out");
	struct escrow_certificate certificate;
	struct buf file;
	enum err_kind kind = escrow_find(&cli->mdm, &certificate, err);

	if (kind == ERR_OK)
		kind = make_file(cli, &certificate, &file, err);
	if (kind != ERR_OK)
		return kind;
	if (out != NULL)
		return file_write(out, file.bytes, file.len, PUBLIC_MODE, err);
	cli_write_raw(cli, file.bytes, file.len);
	return ERR_OK;
}
