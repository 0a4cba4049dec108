/*
 * pomona push-cert import|list
 */
#include "cli/commands.h"

#include "base/clock.h"
#include "cli/file.h"
#include "mdm/push_certificate.h"

static const struct table_column columns[] = {
	{"topic", "TOPIC", TABLE_TEXT, 0},
	{"not_after", "EXPIRES", TABLE_TIME, 0},
	{"imported_at", "IMPORTED", TABLE_TIME, 0},
	{"stopped", "STOPPED", TABLE_TEXT, 0},
	{"subject", NULL, TABLE_TEXT, 0},
};

static const struct table_column imported_columns[] = {
	{"topic", "Topic", TABLE_TEXT, 0},
	{"not_after", "Expires", TABLE_TIME, 0},
	{"subject", "Subject", TABLE_TEXT, 0},
};

enum {
	COLUMNS = sizeof(columns) / sizeof(columns[0]),
	WARN_DAYS = 30,
	DAY_MS = 24 * 3600 * 1000,
};

/* Apple gives them for a year; a renewed one keeps its topic. */
static void
warn_of_expiry(struct cli *cli, const struct push_certificate *certificate)
{
	int64_t days = (certificate->not_after - clock_now()) / DAY_MS;

	if (days < WARN_DAYS)
		cli_complain(
			cli, "the certificate expires in %lld days: renew it", (long long)days);
}

enum err_kind
cli_push_cert_import(struct cli *cli, struct err *err)
{
	const char *password_file = cli_option(cli, "password-file"), *password = NULL;
	const char *path = cli->words.words[0];
	struct push_certificate certificate;
	char *bytes;
	size_t len;

	if (password_file != NULL &&
		file_read_password(&cli->arena, password_file, &password, err) != ERR_OK)
		return err->kind;
	if (file_read(&cli->arena, path, X509_IDENTITY_MOST, &bytes, &len, err) != ERR_OK)
		return err->kind;
	if (push_certificate_import(&cli->mdm, bytes, len, password, &certificate, err) != ERR_OK) {
		err_prefix(err, "%s", path);
		return err->kind;
	}
	table_show(cli->out, cli->json, imported_columns, 3,
		(const struct db_value[]){DB_TEXT(certificate.topic), DB_INT(certificate.not_after),
			DB_TEXT(certificate.subject)});
	warn_of_expiry(cli, &certificate);
	return ERR_OK;
}

static enum err_kind
add(const struct push_certificate *certificate, void *context, struct err *err)
{
	struct table *table = context;

	(void)err;
	table_add(table, (const struct db_value[]){DB_TEXT(certificate->topic),
				 DB_INT(certificate->not_after), DB_INT(certificate->imported_at),
				 DB_TEXT(certificate->stopped), DB_TEXT(certificate->subject)});
	return ERR_OK;
}

enum err_kind
cli_push_cert_list(struct cli *cli, struct err *err)
{
	struct table table;
	enum err_kind kind;

	table_init(&table, cli->out, cli->json, columns, COLUMNS);
	kind = push_certificate_each(&cli->mdm, add, &table, err);
	table_release(&table, kind == ERR_OK);
	return kind;
}
