/*
 * pomona profile uuid: what a profile is called, for RemoveProfile and RemoveProvisioningProfile.
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/file.h"
#include "codec/cms.h"

enum { PROFILE_MOST = 16 * 1024 * 1024 };

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

/* DER begins with a SEQUENCE; a plist, in whatever encoding, does not. */
static bool
is_der(const char *bytes, size_t len)
{
	return len > 0 && bytes[0] == '0';
}

static enum err_kind
read_plist(
	struct cli *cli, const char *path, struct plist **plist, bool *is_signed, struct err *err)
{
	struct plist_reader *reader;
	unsigned char *content;
	enum err_kind kind;
	char *bytes;
	size_t len;

	kind = file_read(&cli->arena, path, PROFILE_MOST, &bytes, &len, err);
	if (kind != ERR_OK)
		return kind;
	*is_signed = is_der(bytes, len);
	if (*is_signed) {
		kind = cms_content(&cli->arena, bytes, len, &content, &len, err);
		bytes = (char *)content;
	}
	if (kind == ERR_OK) {
		reader = plist_reader_new(plist_limits_default());
		kind = plist_read_xml(reader, &cli->arena, bytes, len, plist, err);
		plist_reader_free(reader);
	}
	if (kind != ERR_OK)
		err_prefix(err, "%s", path);
	return kind;
}

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

enum err_kind
cli_profile_uuid(struct cli *cli, struct err *err)
{
	const char *path = cli->words.words[0];
	struct profile profile = {0};
	struct plist *plist;

	if (read_plist(cli, path, &plist, &profile.is_signed, err) != ERR_OK)
		return err->kind;
	if (plist_get_string(plist, "PayloadUUID") != NULL)
		take_configuration(plist, &profile);
	else
		take_provisioning(plist, &profile);
	if (profile.uuid == NULL)
		return err_set(err, ERR_BAD_INPUT,
			"%s: no profile: it has neither a UUID nor a PayloadUUID", path);
	if (cli_option(cli, "bare") != NULL) {
		cli_write_raw(cli, profile.uuid, strlen(profile.uuid));
		fputs("\n", cli->out);
	} else
		show(cli, &profile);
	return ERR_OK;
}
