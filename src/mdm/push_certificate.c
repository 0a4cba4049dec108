#include "mdm/push_certificate.h"

#include <string.h>

#include "base/clock.h"
#include "mdm/event.h"

static const char topic_prefix[] = "com.apple.mgmt.";

static const char *
key_place(struct mdm *mdm, const char *topic)
{
	return arena_printf(mdm->arena, "push_certificate/key/%s", topic);
}

static enum err_kind
check(const struct x509_info *info, struct err *err)
{
	char when[CLOCK_ISO_SIZE];

	if (info->user_id == NULL)
		return err_set(err, ERR_BAD_INPUT,
			"the certificate has no topic (UID in its subject): it is no push "
			"certificate");
	if (strncmp(info->user_id, topic_prefix, strlen(topic_prefix)) != 0)
		return err_set(err, ERR_BAD_INPUT,
			"the topic \"%.100s\" does not begin with %s: it is no MDM push "
			"certificate",
			info->user_id, topic_prefix);
	if (info->not_after <= clock_now())
		return err_set(err, ERR_BAD_INPUT, "the certificate has expired on %s",
			clock_iso(info->not_after, when));
	return ERR_OK;
}

enum err_kind
push_certificate_import(struct mdm *mdm, const void *bytes, size_t len, const char *password,
	struct push_certificate *certificate, struct err *err)
{
	struct x509_identity identity;
	struct x509_info info;
	unsigned char *key;
	size_t key_len;
	int64_t now = clock_now();
	enum err_kind kind;

	kind = x509_identity_read(mdm->arena, bytes, len, password, &identity, err);
	if (kind == ERR_OK)
		kind = x509_inspect(mdm->arena, identity.cert_pem, &info, err);
	if (kind == ERR_OK)
		kind = check(&info, err);
	if (kind != ERR_OK)
		return kind;
	key = seal_close(mdm->key, mdm->arena, key_place(mdm, info.user_id), identity.key_pem,
		strlen(identity.key_pem), &key_len);
	kind = db_run(mdm->db, SQL_PUSH_CERTIFICATE_IMPORT,
		DB_ARGS(DB_TEXT(info.user_id), DB_TEXT(identity.cert_pem), DB_BLOB(key, key_len),
			DB_INT(info.not_after), DB_INT(now)),
		NULL, err);
	*certificate = (struct push_certificate){.topic = info.user_id,
		.subject = info.subject,
		.not_after = info.not_after,
		.imported_at = now};
	return kind;
}

enum err_kind
push_certificate_has_topic(struct mdm *mdm, const char *topic, bool *has, struct err *err)
{
	struct db_row row;
	enum err_kind kind =
		db_first(mdm->db, SQL_PUSH_CERTIFICATE_HAS, DB_ARGS(DB_TEXT(topic)), &row, err);

	*has = kind == ERR_OK;
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

struct listing {
	struct mdm *mdm;
	enum err_kind (*each)(
		const struct push_certificate *certificate, void *context, struct err *err);
	void *context;
};

static enum err_kind
list_row(const struct db_row *row, void *context, struct err *err)
{
	struct listing *listing = context;
	struct push_certificate certificate = {.topic = db_text(row, 0),
		.not_after = db_int(row, 2),
		.imported_at = db_int(row, 3),
		.stopped = db_text(row, 4)};
	struct x509_info info;
	enum err_kind kind = x509_inspect(listing->mdm->arena, db_text(row, 1), &info, err);

	if (kind != ERR_OK)
		return kind;
	certificate.subject = info.subject;
	return listing->each(&certificate, listing->context, err);
}

enum err_kind
push_certificate_each(struct mdm *mdm,
	enum err_kind (*each)(
		const struct push_certificate *certificate, void *context, struct err *err),
	void *context, struct err *err)
{
	struct listing listing = {.mdm = mdm, .each = each, .context = context};

	return db_each(mdm->db, SQL_PUSH_CERTIFICATE_LIST, DB_NONE, list_row, &listing, err);
}

static enum err_kind
usable_row(const struct db_row *row, void *context, struct err *err)
{
	const struct listing *listing = context;
	const struct push_certificate certificate = {.topic = db_text(row, 0),
		.not_after = db_int(row, 1),
		.imported_at = db_int(row, 2)};

	return listing->each(&certificate, listing->context, err);
}

enum err_kind
push_certificate_each_usable(struct mdm *mdm,
	enum err_kind (*each)(
		const struct push_certificate *certificate, void *context, struct err *err),
	void *context, struct err *err)
{
	struct listing listing = {.mdm = mdm, .each = each, .context = context};

	return db_each(mdm->db, SQL_PUSH_CERTIFICATE_USABLE, DB_NONE, usable_row, &listing, err);
}

enum err_kind
push_certificate_load(
	struct mdm *mdm, const char *topic, struct x509_identity *identity, struct err *err)
{
	struct db_row row;
	enum err_kind kind =
		db_first(mdm->db, SQL_PUSH_CERTIFICATE_GET, DB_ARGS(DB_TEXT(topic)), &row, err);
	const void *closed;
	unsigned char *key;
	size_t len;

	if (kind == ERR_NOT_FOUND)
		return err_set(err, kind, "there is no push certificate for topic %s", topic);
	if (kind != ERR_OK)
		return kind;
	closed = db_blob(&row, 1, &len);
	kind = seal_open(mdm->key, mdm->arena, key_place(mdm, topic), closed, len, &key, &len, err);
	if (kind != ERR_OK)
		return kind;
	identity->cert_pem = db_text(&row, 0);
	identity->key_pem = arena_memdup(mdm->arena, key, len);
	return ERR_OK;
}

enum err_kind
push_certificate_stop(struct mdm *mdm, const char *topic, int64_t imported_at, const char *reason,
	struct err *err)
{
	struct plist *detail = plist_dict(mdm->arena);
	int64_t changed = 0;
	struct buf json;
	enum err_kind kind = db_run(mdm->db, SQL_PUSH_CERTIFICATE_STOP,
		DB_ARGS(DB_TEXT(topic), DB_INT(imported_at), DB_TEXT(reason)), &changed, err);

	if (kind != ERR_OK || changed == 0)
		return kind;
	plist_set(mdm->arena, detail, "topic", plist_string(mdm->arena, topic));
	plist_set(mdm->arena, detail, "reason", plist_string(mdm->arena, reason));
	buf_init(&json, mdm->arena, 4096);
	plist_write_json(&json, detail, false);
	return event_add(mdm, EVENT_TOPIC_STOPPED, 0, json.full ? NULL : json.bytes, NULL, 0, err);
}
