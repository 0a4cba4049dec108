/*
 * pomona push-cert import|list|show|remove
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

/* A new certificate in the place of a renewed one is the usual mistake: devices keep their topic.
 */
static enum err_kind
warn_of_others(struct cli *cli, const struct push_certificate *certificate, struct err *err)
{
	int64_t here, elsewhere;
	enum err_kind kind =
		push_certificate_devices(&cli->mdm, certificate->topic, &here, &elsewhere, err);

	if (kind == ERR_OK && here == 0 && elsewhere > 0)
		cli_complain(cli,
			"no device is enrolled under this topic, but %lld under others, which "
			"stay with their own certificates",
			(long long)elsewhere);
	return kind;
}

enum err_kind
cli_push_cert_import(struct cli *cli, struct err *err)
{
	const char *password_file = cli_option(cli, "password-file");
	const char *path = cli->words.words[0];
	struct push_certificate_file file = {.replace = cli_option(cli, "replace"),
		.new_topic = cli_option(cli, "new-topic") != NULL};
	struct push_certificate certificate;
	char *bytes;

	if (password_file != NULL &&
		file_read_password(&cli->arena, password_file, &file.password, err) != ERR_OK)
		return err->kind;
	if (file_read(&cli->arena, path, X509_IDENTITY_MOST, &bytes, &file.len, err) != ERR_OK)
		return err->kind;
	file.bytes = bytes;
	if (push_certificate_import(&cli->mdm, &file, &certificate, err) != ERR_OK) {
		err_prefix(err, "%s", path);
		return err->kind;
	}
	table_show(cli->out, cli->json, imported_columns, 3,
		(const struct db_value[]){DB_TEXT(certificate.topic), DB_INT(certificate.not_after),
			DB_TEXT(certificate.subject)});
	warn_of_expiry(cli, &certificate);
	return warn_of_others(cli, &certificate, err);
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

static const struct table_column shown_columns[] = {
	{"topic", "Topic", TABLE_TEXT, 0},
	{"subject", "Subject", TABLE_TEXT, 0},
	{"serial", "Serial number", TABLE_TEXT, 0},
	{"sha256", "SHA-256", TABLE_TEXT, 0},
	{"not_before", "Valid from", TABLE_TIME, 0},
	{"not_after", "Expires", TABLE_TIME, 0},
	{"imported_at", "Imported", TABLE_TIME, 0},
	{"stopped", "Stopped", TABLE_TEXT, 0},
	{"devices", "Devices", TABLE_INTEGER, 0},
	{"certificate", NULL, TABLE_TEXT, 0},
};

enum err_kind
cli_push_cert_show(struct cli *cli, struct err *err)
{
	const char *topic = cli->words.words[0], *pem;
	struct push_certificate certificate;
	int64_t here = 0, elsewhere;
	struct x509_info info;
	enum err_kind kind = push_certificate_find(&cli->mdm, topic, &certificate, &pem, err);

	if (kind == ERR_OK)
		kind = x509_inspect(&cli->arena, pem, &info, err);
	if (kind == ERR_OK)
		kind = push_certificate_devices(&cli->mdm, topic, &here, &elsewhere, err);
	if (kind == ERR_OK)
		table_show(cli->out, cli->json, shown_columns,
			sizeof(shown_columns) / sizeof(shown_columns[0]),
			(const struct db_value[]){DB_TEXT(topic), DB_TEXT(info.subject),
				DB_TEXT(info.serial), DB_TEXT(info.sha256), DB_INT(info.not_before),
				DB_INT(info.not_after), DB_INT(certificate.imported_at),
				DB_TEXT(certificate.stopped), DB_INT(here), DB_TEXT(pem)});
	return kind;
}

enum err_kind
cli_push_cert_remove(struct cli *cli, struct err *err)
{
	return push_certificate_remove(
		&cli->mdm, cli->words.words[0], cli_option(cli, "force") != NULL, err);
}
