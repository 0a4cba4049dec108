/*
 * pomona push-cert request|requests|forget: the way to a push certificate.
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/file.h"
#include "mdm/push_certificate.h"
#include "mdm/push_request.h"
#include "mdm/setting.h"

enum { PUBLIC_MODE = 0644 };

static const struct table_column columns[] = {
	{"name", "NAME", TABLE_TEXT, 0},
	{"created_at", "MADE", TABLE_TIME, 0},
	{"renews", "RENEWS", TABLE_TEXT, 0},
	{"key_hash", NULL, TABLE_TEXT, 0},
	{"request", NULL, TABLE_TEXT, 0},
};

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* The vendor's identity, and the certificates between it and Apple's root. */
struct vendor {
	struct x509_identity identity;
	const char *chain; /* NULL: all are with the identity */
};

static enum err_kind
read_vendor(struct cli *cli, struct vendor *vendor, struct err *err)
{
	const char *path = cli_option(cli, "vendor"), *chain = cli_option(cli, "chain");
	const char *password_file = cli_option(cli, "password-file"), *password = NULL;
	struct x509_certificates more;
	char *bytes;
	size_t len;

	if (password_file != NULL &&
		file_read_password(&cli->arena, password_file, &password, err) != ERR_OK)
		return err->kind;
	if (file_read(&cli->arena, path, X509_IDENTITY_MOST, &bytes, &len, err) != ERR_OK)
		return err->kind;
	if (x509_identity_read(&cli->arena, bytes, len, password, &vendor->identity, err) != ERR_OK)
		return err_prefix(err, "%s", path);
	if (chain == NULL)
		return ERR_OK;
	if (file_read(&cli->arena, chain, X509_IDENTITY_MOST, &bytes, &len, err) != ERR_OK)
		return err->kind;
	if (x509_certificates_read(&cli->arena, bytes, len, NULL, &more, err) != ERR_OK)
		return err_prefix(err, "%s", chain);
	vendor->chain = more.pem;
	return ERR_OK;
}

/* The kept request of that name, or a new one. */
static enum err_kind
find_or_make(struct cli *cli, struct push_request *request, struct err *err)
{
	struct x509_subject subject = {.common_name = cli_option(cli, "common-name"),
		.email = cli_option(cli, "email"),
		.country = cli_option(cli, "country")};
	const char *name = cli->words.count > 0 ? cli->words.words[0] : "push";
	enum err_kind kind = push_request_find(&cli->mdm, name, request, err);

	if (kind == ERR_OK && cli_option(cli, "renew") != NULL)
		return err_set(err, ERR_CONFLICT,
			"there is a request \"%s\" already: choose another name", name);
	if (kind != ERR_NOT_FOUND)
		return kind;
	kind = setting_get(&cli->mdm, "organization", &subject.organization, err);
	if (kind != ERR_OK)
		return kind;
	if (subject.organization != NULL && strlen(subject.organization) > 64)
		subject.organization = NULL;
	if (subject.common_name == NULL)
		subject.common_name = "Pomona MDM";
	return push_request_make(&cli->mdm, name, cli_option(cli, "renew"), &subject, request, err);
}

/* The file for whoever is next: Apple, or the vendor who signs. */
static enum err_kind
write_out(struct cli *cli, const char *text, struct err *err)
{
	const char *out = cli_option(cli, "out");

	if (out != NULL)
		return file_write(out, text, strlen(text), PUBLIC_MODE, err);
	cli_write_raw(cli, text, strlen(text));
	return ERR_OK;
}

enum err_kind
cli_push_cert_request(struct cli *cli, struct err *err)
{
	bool signs = cli_option(cli, "vendor") != NULL;
	struct vendor vendor = {0};
	struct push_request request;
	const char *file;
	enum err_kind kind = ERR_OK;

	if (!signs &&
		(cli_option(cli, "chain") != NULL || cli_option(cli, "password-file") != NULL))
		return cli_wrong_usage(cli, err, "--chain and --password-file go with --vendor");
	if (signs)
		kind = read_vendor(cli, &vendor, err);
	if (kind == ERR_OK)
		kind = find_or_make(cli, &request, err);
	if (kind != ERR_OK)
		return kind;
	if (signs)
		kind = x509_request_sign_for_apple(
			&cli->arena, request.request, &vendor.identity, vendor.chain, &file, err);
	else
		file = request.request;
	return kind == ERR_OK ? write_out(cli, file, err) : kind;
}

static enum err_kind
add(const struct push_request *request, void *context, struct err *err)
{
	struct table *table = context;

	(void)err;
	table_add(table, (const struct db_value[]){DB_TEXT(request->name),
				 DB_INT(request->created_at), DB_TEXT(request->topic),
				 DB_TEXT(request->key_hash), DB_TEXT(request->request)});
	return ERR_OK;
}

enum err_kind
cli_push_cert_requests(struct cli *cli, struct err *err)
{
	struct table table;
	enum err_kind kind;

	table_init(&table, cli->out, cli->json, columns, COLUMNS);
	kind = push_request_each(&cli->mdm, add, &table, err);
	table_release(&table, kind == ERR_OK);
	return kind;
}

enum err_kind
cli_push_cert_forget(struct cli *cli, struct err *err)
{
	return push_request_remove(&cli->mdm, cli->words.words[0], err);
}
