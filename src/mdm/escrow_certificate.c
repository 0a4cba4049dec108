/*
 * The certificate to which Macs encrypt their FileVault keys, on its way from the operator to them.
 */
#include "mdm/escrow.h"

#include <string.h>

#include "base/clock.h"
#include "codec/x509_ca.h"
#include "mdm/audit.h"

enum err_kind
escrow_make(struct mdm *mdm, const char *common_name, const char *organization,
	struct escrow_certificate *certificate, struct err *err)
{
	struct x509_identity made;
	struct x509_info info;
	struct db_value key;
	int64_t now = clock_now();
	enum err_kind kind = x509_make_recipient(
		mdm->arena, common_name, organization, ESCROW_YEARS, &made, err);

	if (kind == ERR_OK)
		kind = x509_inspect(mdm->arena, made.cert_pem, &info, err);
	if (kind == ERR_OK)
		kind = mdm_seal(mdm,
			arena_printf(mdm->arena, "escrow_certificate/key/%s", info.sha256),
			made.key_pem, strlen(made.key_pem), &key, err);
	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_ESCROW_ADD,
			DB_ARGS(DB_TEXT(info.sha256), DB_TEXT(made.cert_pem), key,
				DB_INT(info.not_after), DB_INT(now)),
			NULL, err);
	if (kind == ERR_OK)
		kind = audit_add(mdm, AUDIT_ESCROW, info.sha256, NULL, NULL, err);
	if (kind == ERR_OK)
		*certificate =
			(struct escrow_certificate){.sha256 = arena_strdup(mdm->arena, info.sha256),
				.pem = made.cert_pem,
				.not_after = info.not_after,
				.created_at = now};
	return kind;
}

enum err_kind
escrow_find(struct mdm *mdm, struct escrow_certificate *certificate, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(mdm->db, SQL_ESCROW_CERTIFICATES, DB_NONE, &row, err);

	if (kind == ERR_NOT_FOUND)
		return err_set(err, kind,
			"there is no escrow certificate yet: pomona escrow init makes one");
	if (kind == ERR_OK)
		*certificate = (struct escrow_certificate){.sha256 = db_text(&row, 0),
			.pem = db_text(&row, 1),
			.not_after = db_int(&row, 3),
			.created_at = db_int(&row, 4)};
	return kind;
}

/* ---- the profile ---- */

static const char *
new_uuid(struct arena *arena)
{
	return clock_uuid(arena_alloc(arena, CLOCK_UUID_SIZE));
}

static struct plist *
payload(struct arena *arena, const char *type, const char *identifier, const char *uuid,
	const char *name)
{
	struct plist *dict = plist_dict(arena);

	plist_set(arena, dict, "PayloadType", plist_string(arena, type));
	plist_set(arena, dict, "PayloadVersion", plist_integer(arena, 1));
	plist_set(arena, dict, "PayloadIdentifier", plist_string(arena, identifier));
	plist_set(arena, dict, "PayloadUUID", plist_string(arena, uuid));
	plist_set(arena, dict, "PayloadDisplayName", plist_string(arena, name));
	return dict;
}

enum err_kind
escrow_profile(struct mdm *mdm, const struct escrow_certificate *certificate, const char *location,
	struct buf *profile, struct err *err)
{
	struct arena *arena = mdm->arena;
	const char *uuid = new_uuid(arena);
	struct plist *whole, *key, *escrow, *content = plist_array(arena);
	size_t len;
	const unsigned char *der =
		x509_pem_to_der(arena, certificate->pem, strlen(certificate->pem), &len);

	if (der == NULL)
		return err_set(err, ERR_INTERNAL, "the escrow certificate is damaged");
	key = payload(arena, "com.apple.security.pkcs1", "pomona.filevault-escrow.certificate",
		uuid, "Certificate for FileVault keys");
	plist_set(arena, key, "PayloadContent", plist_data(arena, der, len));
	escrow = payload(arena, "com.apple.security.FDERecoveryKeyEscrow",
		"pomona.filevault-escrow.key", new_uuid(arena), "Escrow of FileVault keys");
	plist_set(arena, escrow, "Location", plist_string(arena, location));
	plist_set(arena, escrow, "EncryptCertPayloadUUID", plist_string(arena, uuid));
	plist_append(content, key);
	plist_append(content, escrow);
	whole = payload(arena, "Configuration", "pomona.filevault-escrow", new_uuid(arena),
		"FileVault key escrow");
	plist_set(arena, whole, "PayloadScope", plist_string(arena, "System"));
	plist_set(arena, whole, "PayloadContent", content);
	plist_write_xml(profile, whole, false);
	return profile->full ? err_set(err, ERR_TOO_LARGE, "the profile is too large") : ERR_OK;
}
