/*
 * pomona profile enroll|sign: profiles that are made here, and those that are signed for others.
 */
#include "cli/commands.h"

#include <string.h>

#include "base/clock.h"
#include "cli/file.h"
#include "cli/profile_file.h"
#include "codec/cms_sign.h"
#include "mdm/audit.h"
#include "mdm/ca.h"
#include "mdm/event.h"
#include "mdm/identity.h"
#include "mdm/profile.h"

enum { DAYS = 1825, DETAIL_MOST = 1024, PROFILE_MODE = 0600 };

/* To --out, or as it is to the standard output. */
static enum err_kind
put(struct cli *cli, const void *bytes, size_t len, struct err *err)
{
	const char *out = cli_option(cli, "out");

	if (out != NULL && strcmp(out, "-") != 0)
		return file_write(out, bytes, len, PROFILE_MODE, err);
	cli_write_raw(cli, bytes, len);
	return ERR_OK;
}

/* ---- enroll ---- */

static enum err_kind
record(struct cli *cli, const struct x509_issuer *issuer, const char *pem, struct err *err)
{
	const struct identity_origin origin = {
		.authority = x509_issuer_hash(issuer), .origin = "p12"};
	struct x509_info info;
	enum err_kind kind = x509_inspect(&cli->arena, pem, &info, err);

	return kind == ERR_OK ? identity_add(&cli->mdm, &info, &origin, err) : kind;
}

/* An identity of the device CA, for the profile to bring. */
static enum err_kind
issue_p12(struct cli *cli, const char *name, struct profile_terms *terms, struct err *err)
{
	const struct x509_client client = {
		.common_name = name, .key = X509_KEY_RSA_2048, .days = DAYS};
	struct x509_issuer *issuer;
	struct x509_identity identity;
	char uuid[CLOCK_UUID_SIZE];
	unsigned char *p12;
	enum err_kind kind = ca_issuer(&cli->mdm, &issuer, err);

	if (kind == ERR_OK)
		kind = x509_issue_client(&cli->arena, issuer, &client, &identity, err);
	terms->p12_password = arena_strdup(&cli->arena, clock_uuid(uuid));
	if (kind == ERR_OK)
		kind = x509_write_p12(&cli->arena, &identity, name, terms->p12_password, &p12,
			&terms->p12_len, err);
	if (kind == ERR_OK)
		kind = record(cli, issuer, identity.cert_pem, err);
	x509_issuer_free(issuer);
	if (kind == ERR_OK)
		terms->p12 = p12;
	return kind;
}

static enum err_kind
add_event(struct cli *cli, struct err *err)
{
	struct plist *detail = plist_dict(&cli->arena);
	const char *for_id = cli_option(cli, "for");
	struct buf json;
	enum err_kind kind;

	plist_set(&cli->arena, detail, "by", plist_string(&cli->arena, "cli"));
	if (for_id != NULL)
		plist_set(&cli->arena, detail, "for", plist_string(&cli->arena, for_id));
	buf_init(&json, &cli->arena, DETAIL_MOST);
	plist_write_json(&json, detail, false);
	kind = event_add(&cli->mdm, EVENT_PROFILE, 0, json.bytes, NULL, 0, err);
	return kind == ERR_OK ? audit_add(&cli->mdm, AUDIT_PROFILE_ENROLL, cli_option(cli, "p12"),
					for_id, NULL, err)
			      : kind;
}

static enum err_kind
make(struct cli *cli, const void **bytes, size_t *len, struct err *err)
{
	struct profile_terms terms = {.for_id = cli_option(cli, "for")};
	const char *name = cli_option(cli, "p12");
	enum err_kind kind = ERR_OK;
	struct buf made;

	buf_init(&made, &cli->arena, PROFILE_MOST);
	if (name != NULL)
		kind = issue_p12(cli, name, &terms, err);
	if (kind == ERR_OK)
		kind = profile_enrollment(&cli->mdm, &terms, &made, err);
	*bytes = made.bytes;
	*len = made.len;
	if (kind == ERR_OK && cli_option(cli, "unsigned") == NULL)
		kind = profile_sign(&cli->mdm, bytes, len, err);
	return kind == ERR_OK ? add_event(cli, err) : kind;
}

/* The file is there when its challenge is: after the commit. */
enum err_kind
cli_profile_enroll(struct cli *cli, struct err *err)
{
	const void *bytes;
	size_t len;
	enum err_kind kind;

	if (cli_option(cli, "p12") != NULL && cli_option(cli, "for") != NULL)
		return cli_wrong_usage(cli, err, "--for is for SCEP, and not for --p12");
	kind = db_begin(cli->mdm.db, DB_WRITE, err);
	if (kind != ERR_OK)
		return kind;
	kind = make(cli, &bytes, &len, err);
	if (kind == ERR_OK)
		kind = db_commit(cli->mdm.db, err);
	else
		db_rollback(cli->mdm.db);
	if (kind == ERR_OK)
		kind = put(cli, bytes, len, err);
	if (kind == ERR_OK && cli_option(cli, "unsigned") == NULL && !profile_is_signed(&cli->mdm))
		cli_complain(cli, "it is not signed: %s names no sign_certificate in [enroll]",
			cli->conf.path);
	return kind;
}

/* ---- sign ---- */

/* One file with certificate and key, or two. */
static enum err_kind
read_identity(struct cli *cli, struct x509_identity *identity, struct err *err)
{
	const char *paths[] = {cli_option(cli, "identity"), cli_option(cli, "key")};
	const char *password_file = cli_option(cli, "password-file"), *password = NULL;
	char *bytes, *key;
	size_t len, key_len;

	if (paths[0] == NULL)
		return cli_wrong_usage(cli, err, "by whom? Give --identity FILE");
	if (password_file != NULL &&
		file_read_password(&cli->arena, password_file, &password, err) != ERR_OK)
		return err->kind;
	if (file_read(&cli->arena, paths[0], X509_IDENTITY_MOST, &bytes, &len, err) != ERR_OK)
		return err->kind;
	if (paths[1] != NULL) {
		if (file_read(&cli->arena, paths[1], X509_IDENTITY_MOST, &key, &key_len, err) !=
			ERR_OK)
			return err->kind;
		bytes = arena_printf(&cli->arena, "%s\n%s", bytes, key);
		len = strlen(bytes);
	}
	if (x509_identity_read(&cli->arena, bytes, len, password, identity, err) != ERR_OK)
		return err_prefix(err, "%s", paths[0]);
	return ERR_OK;
}

enum err_kind
cli_profile_sign(struct cli *cli, struct err *err)
{
	struct profile_file file;
	struct x509_identity identity;
	unsigned char *message;
	size_t len;
	enum err_kind kind = read_identity(cli, &identity, err);

	if (kind == ERR_OK)
		kind = profile_file_read(cli, cli->words.words[0], &file, err);
	if (kind == ERR_OK)
		kind = cms_sign(&cli->arena, &identity, file.content, file.content_len, &message,
			&len, err);
	return kind == ERR_OK ? put(cli, message, len, err) : kind;
}
