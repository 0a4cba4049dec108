/*
 * A row of the table below for each answer that brings a secret, or says that one that was queued
 * counts now.
 */
#include "mdm/escrow.h"

#include <string.h>

#include "base/clock.h"
#include "codec/cms_envelope.h"
#include "codec/text.h"
#include "codec/x509_ca.h"
#include "mdm/command_secret.h"
#include "mdm/event.h"
#include "mdm/secret.h"

enum { DETAIL_MOST = 4096 };

/* An answer on its way. */
struct taking {
	struct mdm *mdm;
	const struct escrow_answer *answer;
	struct err *err;
};

static enum err_kind
note(struct taking *taking, enum secret_kind secret, const char *what, const char *reason)
{
	struct mdm *mdm = taking->mdm;
	struct plist *detail = plist_dict(mdm->arena);
	struct buf json;

	plist_set(mdm->arena, detail, "kind", plist_string(mdm->arena, secret_kind_name(secret)));
	plist_set(mdm->arena, detail, "what", plist_string(mdm->arena, what));
	if (reason != NULL)
		plist_set(mdm->arena, detail, "reason", plist_string(mdm->arena, reason));
	plist_set(mdm->arena, detail, "uuid", plist_string(mdm->arena, taking->answer->uuid));
	buf_init(&json, mdm->arena, DETAIL_MOST);
	plist_write_json(&json, detail, false);
	return event_add(mdm, EVENT_ESCROW, taking->answer->enrollment_no,
		json.full ? NULL : json.bytes, NULL, 0, taking->err);
}

/* A value as text: data become base64.  NULL: it is neither a string nor data, or too large. */
static const char *
text_of(struct taking *taking, const struct plist *value)
{
	if (value == NULL || (value->type != PLIST_STRING && value->type != PLIST_DATA) ||
		value->as.string.len > SECRET_BYTES_MOST)
		return NULL;
	if (value->type == PLIST_STRING)
		return value->as.string.bytes;
	return text_base64_encode(taking->mdm->arena, value->as.string.bytes, value->as.string.len);
}

/* VALUE (NULL: none any more) is the one that counts. */
static enum err_kind
keep(struct taking *taking, enum secret_kind kind, const char *value, const char *source)
{
	const struct secret secret = {.enrollment_no = taking->answer->enrollment_no,
		.kind = kind,
		.value = value,
		.source = source};
	bool changed;
	enum err_kind failed = secret_keep(taking->mdm, &secret, &changed, taking->err);

	if (failed == ERR_OK && changed)
		failed = note(taking, kind, value == NULL ? "cleared" : "kept", NULL);
	return failed;
}

/* ---- secrets that come in the clear ---- */

static enum err_kind
take_bypass_code(struct taking *taking)
{
	const char *code =
		text_of(taking, plist_get(taking->answer->message, "ActivationLockBypassCode"));

	return code == NULL || *code == '\0'
		       ? ERR_OK
		       : keep(taking, SECRET_ACTIVATION_LOCK_BYPASS, code, NULL);
}

static enum err_kind
drop_bypass_code(struct taking *taking)
{
	return keep(taking, SECRET_ACTIVATION_LOCK_BYPASS, NULL, NULL);
}

static enum err_kind
take_unlock_token(struct taking *taking)
{
	const char *token = text_of(taking, plist_get(taking->answer->message, "UnlockToken"));

	return token == NULL || *token == '\0' ? ERR_OK
					       : keep(taking, SECRET_UNLOCK_TOKEN, token, NULL);
}

/* ---- secrets that the operator queued ---- */

/* KEY of the dict, as the device has taken it over; an empty one clears. */
static enum err_kind
keep_queued(struct taking *taking, enum secret_kind kind, const struct plist *dict, const char *key)
{
	const char *value = text_of(taking, plist_get(dict, key));

	if (value == NULL)
		return ERR_OK;
	return keep(taking, kind, *value == '\0' ? NULL : value, NULL);
}

/* The keys of the command; an empty dict, with an event, when it cannot be read any more. */
static enum err_kind
queued_keys(struct taking *taking, enum secret_kind secret, const struct plist **keys)
{
	struct err why;
	enum err_kind kind = command_secret_keys(
		taking->mdm, taking->answer->payload_no, taking->answer->request, keys, &why);

	if (kind == ERR_OK)
		return ERR_OK;
	if (kind == ERR_BUSY)
		return err_set(taking->err, kind, "%s", why.message);
	*keys = plist_dict(taking->mdm->arena);
	return note(taking, secret, "not kept", why.message);
}

static enum err_kind
take_queued(struct taking *taking, enum secret_kind secret, const char *key)
{
	const struct plist *keys;
	enum err_kind kind = queued_keys(taking, secret, &keys);

	return kind == ERR_OK ? keep_queued(taking, secret, keys, key) : kind;
}

static enum err_kind
take_recovery_lock(struct taking *taking)
{
	return take_queued(taking, SECRET_RECOVERY_LOCK, "NewPassword");
}

static enum err_kind
take_firmware_password(struct taking *taking)
{
	const struct plist *told = plist_get(taking->answer->message, "SetFirmwarePassword");

	return plist_get_boolean(told, "PasswordChanged", false)
		       ? take_queued(taking, SECRET_FIRMWARE_PASSWORD, "NewPassword")
		       : ERR_OK;
}

static enum err_kind
take_admin_password(struct taking *taking)
{
	return take_queued(taking, SECRET_AUTO_ADMIN_PASSWORD, "passwordHash");
}

/* Only the first account is used (Apple's schema). */
static enum err_kind
take_admin_account(struct taking *taking)
{
	const struct plist *keys, *accounts;
	enum err_kind kind = queued_keys(taking, SECRET_AUTO_ADMIN_PASSWORD, &keys);

	if (kind != ERR_OK)
		return kind;
	accounts = plist_get_typed(keys, "AutoSetupAdminAccounts", PLIST_ARRAY);
	return accounts == NULL ? ERR_OK
				: keep_queued(taking, SECRET_AUTO_ADMIN_PASSWORD,
					  accounts->as.items.first, "passwordHash");
}

/* ---- the FileVault key ---- */

/* A message, and the certificates that may open it. */
struct opening {
	struct taking *taking;
	const struct plist *message;
	unsigned char *key;
	size_t len;
	struct err why;
	int certificates;
};

static enum err_kind
open_certificate(struct opening *opening, const struct db_row *row, struct x509_identity *identity)
{
	struct mdm *mdm = opening->taking->mdm;
	unsigned char *key;
	const void *sealed;
	size_t len;
	enum err_kind kind;

	sealed = db_blob(row, 2, &len);
	kind = seal_open(mdm->key, mdm->arena,
		arena_printf(mdm->arena, "escrow_certificate/key/%s", db_text(row, 0)), sealed, len,
		&key, &len, &opening->why);
	*identity =
		(struct x509_identity){.cert_pem = db_text(row, 1), .key_pem = (const char *)key};
	return kind;
}

/* Goes on to the next certificate until one opens it. */
static enum err_kind
try_certificate(const struct db_row *row, void *context, struct err *err)
{
	struct opening *opening = context;
	const struct plist *message = opening->message;
	struct x509_identity identity;
	enum err_kind kind = open_certificate(opening, row, &identity);

	opening->certificates++;
	if (kind == ERR_BUSY)
		return err_set(err, kind, "%s", opening->why.message);
	if (kind == ERR_OK)
		kind = cms_envelope_open(opening->taking->mdm->arena, &identity,
			message->as.string.bytes, message->as.string.len, SECRET_BYTES_MOST,
			&opening->key, &opening->len, &opening->why);
	return kind == ERR_OK || kind == ERR_BAD_INPUT ? ERR_NOT_FOUND : ERR_OK;
}

/* A key is text that a person types. */
static bool
is_key(const struct opening *opening)
{
	return opening->key != NULL && opening->len > 0 &&
	       text_is_utf8((const char *)opening->key, opening->len);
}

static enum err_kind
keep_filevault_key(struct taking *taking, const struct plist *message)
{
	struct opening opening = {.taking = taking, .message = message};
	struct mdm *mdm = taking->mdm;
	char source[X509_HASH_SIZE];
	enum err_kind kind;
	bool known;

	if (message == NULL || message->type != PLIST_DATA || message->as.string.len == 0)
		return ERR_OK;
	x509_hash(message->as.string.bytes, message->as.string.len, source);
	kind = secret_is_from(mdm, taking->answer->enrollment_no, SECRET_FILEVAULT_KEY, source,
		&known, taking->err);
	if (kind != ERR_OK || known)
		return kind;
	kind = db_each(
		mdm->db, SQL_ESCROW_CERTIFICATES, DB_NONE, try_certificate, &opening, taking->err);
	/* Without a certificate of ours the key is somebody else's business. */
	if (kind != ERR_OK || opening.certificates == 0)
		return kind;
	if (is_key(&opening))
		return keep(taking, SECRET_FILEVAULT_KEY, (const char *)opening.key, source);
	return note(taking, SECRET_FILEVAULT_KEY, "not decrypted",
		opening.key == NULL ? opening.why.message : "what was encrypted is no text");
}

static enum err_kind
take_filevault_key(struct taking *taking)
{
	return keep_filevault_key(
		taking, plist_get(plist_get(taking->answer->message, "SecurityInfo"),
				"FDE_PersonalRecoveryKeyCMS"));
}

static enum err_kind
take_rotated_key(struct taking *taking)
{
	return keep_filevault_key(
		taking, plist_get(plist_get(taking->answer->message, "RotateResult"),
				"EncryptedNewRecoveryKey"));
}

static const struct {
	const char *request;
	enum err_kind (*take)(struct taking *taking);
} takers[] = {
	{"AccountConfiguration", take_admin_account},
	{"ActivationLockBypassCode", take_bypass_code},
	{"ClearActivationLockBypassCode", drop_bypass_code},
	{"RequestUnlockToken", take_unlock_token},
	{"RotateFileVaultKey", take_rotated_key},
	{"SecurityInfo", take_filevault_key},
	{"SetAutoAdminPassword", take_admin_password},
	{"SetFirmwarePassword", take_firmware_password},
	{"SetRecoveryLock", take_recovery_lock},
};

enum err_kind
escrow_take(struct mdm *mdm, const struct escrow_answer *answer, struct err *err)
{
	struct taking taking = {.mdm = mdm, .answer = answer, .err = err};

	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++)
		if (strcmp(takers[i].request, answer->request) == 0)
			return takers[i].take(&taking);
	return ERR_OK;
}
