/*
 * pomona profile uuid|show|verify: what a profile is called (for RemoveProfile and
 * RemoveProvisioningProfile), what is in it, who signed it.
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/file.h"
#include "cli/profile_file.h"
#include "codec/cms_sign.h"

enum { CA_MOST = 1024 * 1024 };

struct profile {
	const char *kind;
	const char *uuid, *identifier, *name, *organization;
	int64_t expires;
	bool is_signed;
};

static const struct table_column columns[] = {
	{"kind", "Kind", TABLE_TEXT, 0},
	{"uuid", "UUID", TABLE_TEXT, 0},
	{"identifier", "Identifier", TABLE_TEXT, 0},
	{"name", "Name", TABLE_TEXT, 0},
	{"organization", "Organization", TABLE_TEXT, 0},
	{"expires", "Expires", TABLE_TIME, 0},
	{"signed", "Signed", TABLE_BOOL, 0},
};

/* The date of a key, 0 when it is not there. */
static int64_t
date_of(const struct plist *plist, const char *key)
{
	const struct plist *date = plist_get_typed(plist, key, PLIST_DATE);

	return date == NULL ? 0 : date->as.date;
}

/* A .mobileprovision: installed and removed by its UUID. */
static void
take_provisioning(const struct plist *plist, struct profile *profile)
{
	const struct plist *rights = plist_get_typed(plist, "Entitlements", PLIST_DICT);

	profile->kind = "provisioning";
	profile->uuid = plist_get_string(plist, "UUID");
	profile->identifier = plist_get_string(rights, "application-identifier");
	if (profile->identifier == NULL)
		profile->identifier = plist_get_string(rights, "com.apple.application-identifier");
	profile->name = plist_get_string(plist, "Name");
	profile->organization = plist_get_string(plist, "TeamName");
	profile->expires = date_of(plist, "ExpirationDate");
}

/* A .mobileconfig: removed by its PayloadIdentifier. */
static void
take_configuration(const struct plist *plist, struct profile *profile)
{
	profile->kind = "configuration";
	profile->uuid = plist_get_string(plist, "PayloadUUID");
	profile->identifier = plist_get_string(plist, "PayloadIdentifier");
	profile->name = plist_get_string(plist, "PayloadDisplayName");
	profile->organization = plist_get_string(plist, "PayloadOrganization");
	profile->expires = date_of(plist, "RemovalDate");
}

static void
show(struct cli *cli, const struct profile *profile)
{
	table_show(cli->out, cli->json, columns, sizeof(columns) / sizeof(columns[0]),
		(const struct db_value[]){DB_TEXT(profile->kind), DB_TEXT(profile->uuid),
			DB_TEXT(profile->identifier), DB_TEXT(profile->name),
			DB_TEXT(profile->organization), DB_TIME(profile->expires),
			DB_INT(profile->is_signed)});
}

/* The file that the command is given. */
static enum err_kind
take_profile(struct cli *cli, struct profile_file *file, struct profile *profile, struct err *err)
{
	const char *path = cli->words.words[0];

	if (profile_file_read(cli, path, file, err) != ERR_OK)
		return err->kind;
	*profile = (struct profile){.is_signed = file->is_signed};
	if (plist_get_string(file->plist, "PayloadUUID") != NULL)
		take_configuration(file->plist, profile);
	else
		take_provisioning(file->plist, profile);
	if (profile->uuid == NULL)
		return err_set(err, ERR_BAD_INPUT,
			"%s: no profile: it has neither a UUID nor a PayloadUUID", path);
	return ERR_OK;
}

enum err_kind
cli_profile_uuid(struct cli *cli, struct err *err)
{
	struct profile_file file;
	struct profile profile;

	if (take_profile(cli, &file, &profile, err) != ERR_OK)
		return err->kind;
	if (cli_option(cli, "bare") != NULL) {
		cli_write_raw(cli, profile.uuid, strlen(profile.uuid));
		fputs("\n", cli->out);
	} else
		show(cli, &profile);
	return ERR_OK;
}

/* ---- its payloads ---- */

static const struct table_column payload_columns[] = {
	{"type", "TYPE", TABLE_TEXT, 0},
	{"name", "NAME", TABLE_TEXT, 40},
	{"detail", "DETAIL", TABLE_TEXT, 60},
	{"identifier", NULL, TABLE_TEXT, 0},
	{"uuid", NULL, TABLE_TEXT, 0},
};

/* What tells one payload from another of its type; never a secret. */
static const char *
detail_of(const struct plist *payload)
{
	static const char *const keys[] = {
		"ServerURL", "URL", "DirectoryURL", "SSID_STR", "PayloadCertificateFileName"};
	const struct plist *content = plist_get_typed(payload, "PayloadContent", PLIST_DICT);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *value = plist_get_string(payload, keys[i]);

		if (value == NULL)
			value = plist_get_string(content, keys[i]);
		if (value != NULL)
			return value;
	}
	return NULL;
}

static void
add_payload(struct table *table, const struct plist *payload)
{
	if (payload->type == PLIST_DICT)
		table_add(table,
			(const struct db_value[]){DB_TEXT(plist_get_string(payload, "PayloadType")),
				DB_TEXT(plist_get_string(payload, "PayloadDisplayName")),
				DB_TEXT(detail_of(payload)),
				DB_TEXT(plist_get_string(payload, "PayloadIdentifier")),
				DB_TEXT(plist_get_string(payload, "PayloadUUID"))});
}

/* The profile service's profile has one, a dictionary. */
static void
show_payloads(struct cli *cli, const struct plist *plist)
{
	const struct plist *content = plist_get(plist, "PayloadContent");
	struct table table;

	table_init(&table, cli->out, cli->json, payload_columns,
		sizeof(payload_columns) / sizeof(payload_columns[0]));
	if (content != NULL && content->type == PLIST_ARRAY)
		for (const struct plist *item = content->as.items.first; item != NULL;
			item = item->next)
			add_payload(&table, item);
	else if (content != NULL)
		add_payload(&table, plist);
	table_release(&table, true);
}

/* ---- its signature ---- */

static const struct table_column signer_columns[] = {
	{"signer", "Signer", TABLE_TEXT, 0},
	{"expires", "Good until", TABLE_TIME, 0},
	{"sha256", "SHA-256", TABLE_TEXT, 0},
	{"sha1_digest", NULL, TABLE_BOOL, 0},
	{"trusted", "Trusted", TABLE_BOOL, 0},
};

static enum err_kind
show_signer(struct cli *cli, const struct cms_signed *message, bool trusted, struct err *err)
{
	struct x509_info info;
	enum err_kind kind = x509_inspect(&cli->arena, message->signer, &info, err);

	if (kind == ERR_OK)
		table_show(cli->out, cli->json, signer_columns,
			sizeof(signer_columns) / sizeof(signer_columns[0]),
			(const struct db_value[]){DB_TEXT(info.subject), DB_INT(info.not_after),
				DB_TEXT(info.sha256), DB_INT(message->sha1), DB_INT(trusted)});
	return kind;
}

/* Whom this machine, or --ca, trusts. */
static enum err_kind
take_trust(struct cli *cli, struct cms_trust *trust, struct err *err)
{
	const char *path = cli_option(cli, "ca");
	char *pem;
	size_t len;
	enum err_kind kind = ERR_OK;

	*trust = (struct cms_trust){.system = path == NULL};
	if (path != NULL)
		kind = file_read(&cli->arena, path, CA_MOST, &pem, &len, err);
	if (kind == ERR_OK && path != NULL)
		trust->anchors = pem;
	return kind;
}

enum err_kind
cli_profile_verify(struct cli *cli, struct err *err)
{
	const char *path = cli->words.words[0];
	struct cms_signed message;
	struct profile_file file;
	struct cms_trust trust;
	enum err_kind kind = take_trust(cli, &trust, err);

	if (kind == ERR_OK)
		kind = profile_file_read(cli, path, &file, err);
	if (kind != ERR_OK)
		return kind;
	if (!file.is_signed)
		return err_set(err, ERR_FORBIDDEN, "%s: is not signed", path);
	if (cms_open(&cli->arena, file.bytes, file.len, &trust, &message, err) != ERR_OK)
		return err_prefix(err, "%s", path);
	return show_signer(cli, &message, true, err);
}

/* In JSON an object with both. */
enum err_kind
cli_profile_show(struct cli *cli, struct err *err)
{
	struct cms_trust trust = {.system = true}, anybody = {0};
	struct cms_signed message;
	struct profile_file file;
	struct profile profile;
	bool trusted = false;

	if (take_profile(cli, &file, &profile, err) != ERR_OK)
		return err->kind;
	if (file.is_signed) {
		trusted = cms_open(&cli->arena, file.bytes, file.len, &trust, &message, NULL) ==
			  ERR_OK;
		if (!trusted && cms_open(&cli->arena, file.bytes, file.len, &anybody, &message,
					err) != ERR_OK)
			return err_prefix(err, "%s", cli->words.words[0]);
	}
	fputs(cli->json ? "{\"profile\":" : "", cli->out);
	show(cli, &profile);
	fputs(cli->json ? ",\"payloads\":" : "\n", cli->out);
	show_payloads(cli, file.plist);
	if (file.is_signed) {
		fputs(cli->json ? ",\"signature\":" : "\n", cli->out);
		if (show_signer(cli, &message, trusted, err) != ERR_OK)
			return err->kind;
	}
	fputs(cli->json ? "}\n" : "", cli->out);
	return ERR_OK;
}
