#include "mdm/push_certificate.h"

#include <string.h>

#include "base/clock.h"
#include "mdm/audit.h"
#include "mdm/event.h"
#include "mdm/push_request.h"

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

/* ---- import ---- */

/* A file without a key: the kept request whose key one of its certificates has. */
static enum err_kind
add_kept_key(
	struct mdm *mdm, const struct x509_certificates *found, const char **text, struct err *err)
{
	struct push_request request;
	const char *key;
	enum err_kind kind = ERR_NOT_FOUND;

	for (size_t i = 0; i < found->count && kind == ERR_NOT_FOUND; i++)
		kind = push_request_by_key(mdm, found->key_hashes[i], &request, &key, err);
	if (kind == ERR_NOT_FOUND)
		return err_set(err, ERR_BAD_INPUT,
			"there is no private key in it, and it belongs to none of the requests "
			"that are kept here (pomona push-cert requests)");
	if (kind == ERR_OK)
		*text = arena_printf(mdm->arena, "%s%s", found->pem, key);
	return kind;
}

static enum err_kind
read_identity(struct mdm *mdm, const struct push_certificate_file *file,
	struct x509_identity *identity, struct err *err)
{
	struct x509_certificates found;
	const char *text = NULL;
	enum err_kind kind = x509_certificates_read(
		mdm->arena, file->bytes, file->len, file->password, &found, err);

	/* What is wrong with a file that has a key, x509_identity_read() says best. */
	if (kind == ERR_OK && !found.has_key)
		kind = add_kept_key(mdm, &found, &text, err);
	else
		kind = ERR_OK;
	if (kind != ERR_OK)
		return kind;
	return text != NULL
		       ? x509_identity_read(mdm->arena, text, strlen(text), NULL, identity, err)
		       : x509_identity_read(
				 mdm->arena, file->bytes, file->len, file->password, identity, err);
}

static enum err_kind
refuse_topic(
	struct mdm *mdm, const char *topic, const char *wanted, const char *how, struct err *err)
{
	int64_t here, elsewhere;
	enum err_kind kind = push_certificate_devices(mdm, wanted, &here, &elsewhere, err);

	if (kind != ERR_OK)
		return kind;
	return err_set(err, ERR_CONFLICT,
		"the certificate is for topic %.80s, and not for %.80s, under which %lld devices "
		"are enrolled: they would not be woken by it.  In Apple's portal choose \"Renew\" "
		"beside the old certificate%s",
		topic, wanted, (long long)here, how);
}

/* Is it for the topic that it is meant for? */
static enum err_kind
check_topic(struct mdm *mdm, const struct push_certificate_file *file, const char *topic,
	const struct push_request *request, struct err *err)
{
	bool has = true;
	enum err_kind kind = ERR_OK;

	if (file->replace != NULL)
		kind = push_certificate_has_topic(mdm, file->replace, &has, err);
	if (kind == ERR_OK && !has)
		return err_set(err, ERR_NOT_FOUND,
			"there is no push certificate for topic %s that could be replaced",
			file->replace);
	if (kind == ERR_OK && file->replace != NULL && strcmp(file->replace, topic) != 0)
		return refuse_topic(mdm, topic, file->replace, "", err);
	if (kind == ERR_OK && request->topic != NULL && !file->new_topic &&
		strcmp(request->topic, topic) != 0)
		return refuse_topic(mdm, topic, request->topic,
			" (--new-topic takes it all the same, beside that one)", err);
	return kind;
}

/* The request it is the answer to; its name is NULL when there is none. */
static enum err_kind
find_request(struct mdm *mdm, const struct x509_identity *identity, struct push_request *request,
	struct err *err)
{
	struct x509_certificates leaf;
	enum err_kind kind = x509_certificates_read(
		mdm->arena, identity->cert_pem, strlen(identity->cert_pem), NULL, &leaf, err);

	*request = (struct push_request){0};
	if (kind == ERR_OK)
		kind = push_request_by_key(mdm, leaf.key_hashes[0], request, NULL, err);
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

static enum err_kind
store(struct mdm *mdm, const struct x509_identity *identity, const struct x509_info *info,
	int64_t now, struct err *err)
{
	struct db_value key;
	enum err_kind kind = mdm_seal(mdm, key_place(mdm, info->user_id), identity->key_pem,
		strlen(identity->key_pem), &key, err);

	if (kind != ERR_OK)
		return kind;
	return db_run(mdm->db, SQL_PUSH_CERTIFICATE_IMPORT,
		DB_ARGS(DB_TEXT(info->user_id), DB_TEXT(identity->cert_pem), key,
			DB_INT(info->not_after), DB_INT(now)),
		NULL, err);
}

enum err_kind
push_certificate_import(struct mdm *mdm, const struct push_certificate_file *file,
	struct push_certificate *certificate, struct err *err)
{
	struct x509_identity identity;
	struct push_request request;
	struct x509_info info;
	int64_t now = clock_now();
	enum err_kind kind = read_identity(mdm, file, &identity, err);

	if (kind == ERR_OK)
		kind = x509_inspect(mdm->arena, identity.cert_pem, &info, err);
	if (kind == ERR_OK)
		kind = check(&info, err);
	if (kind == ERR_OK)
		kind = find_request(mdm, &identity, &request, err);
	if (kind == ERR_OK)
		kind = check_topic(mdm, file, info.user_id, &request, err);
	if (kind == ERR_OK)
		kind = store(mdm, &identity, &info, now, err);
	if (kind == ERR_OK && request.name != NULL)
		kind = push_request_end(mdm, request.name, err);
	*certificate = (struct push_certificate){0};
	if (kind == ERR_OK)
		kind = audit_add(mdm, AUDIT_PUSH_CERT_IMPORT, info.user_id, NULL,
			audit_detail(mdm->arena, "sha256", info.sha256), err);
	if (kind == ERR_OK)
		*certificate = (struct push_certificate){.topic = info.user_id,
			.subject = info.subject,
			.not_after = info.not_after,
			.imported_at = now};
	return kind;
}

/* ---- and after ---- */

enum err_kind
push_certificate_devices(
	struct mdm *mdm, const char *topic, int64_t *here, int64_t *elsewhere, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(
		mdm->db, SQL_PUSH_CERTIFICATE_HANGS_ON, DB_ARGS(DB_TEXT(topic)), &row, err);

	*here = kind == ERR_OK ? db_int(&row, 0) : 0;
	if (kind == ERR_OK)
		kind = db_first(mdm->db, SQL_PUSH_CERTIFICATE_ELSEWHERE, DB_ARGS(DB_TEXT(topic)),
			&row, err);
	*elsewhere = kind == ERR_OK ? db_int(&row, 0) : 0;
	return kind;
}

enum err_kind
push_certificate_find(struct mdm *mdm, const char *topic, struct push_certificate *certificate,
	const char **pem, struct err *err)
{
	struct x509_info info;
	struct db_row row;
	enum err_kind kind =
		db_first(mdm->db, SQL_PUSH_CERTIFICATE_SHOW, DB_ARGS(DB_TEXT(topic)), &row, err);

	if (kind == ERR_NOT_FOUND)
		return err_set(err, kind, "there is no push certificate for topic %s", topic);
	if (kind == ERR_OK)
		kind = x509_inspect(mdm->arena, db_text(&row, 0), &info, err);
	if (kind != ERR_OK)
		return kind;
	*certificate = (struct push_certificate){.topic = topic,
		.subject = info.subject,
		.not_after = db_int(&row, 1),
		.imported_at = db_int(&row, 2),
		.stopped = db_text(&row, 3)};
	if (pem != NULL)
		*pem = db_text(&row, 0);
	return ERR_OK;
}

enum err_kind
push_certificate_remove(struct mdm *mdm, const char *topic, bool anyhow, struct err *err)
{
	int64_t here = 0, elsewhere;
	bool has;
	enum err_kind kind = push_certificate_has_topic(mdm, topic, &has, err);

	if (kind == ERR_OK && !has)
		return err_set(
			err, ERR_NOT_FOUND, "there is no push certificate for topic %s", topic);
	if (kind == ERR_OK)
		kind = push_certificate_devices(mdm, topic, &here, &elsewhere, err);
	if (kind == ERR_OK && here > 0 && !anyhow)
		return err_set(err, ERR_CONFLICT,
			"%lld devices are enrolled under topic %s: without its certificate they "
			"cannot be woken any more (--force removes it anyhow)",
			(long long)here, topic);
	if (kind == ERR_OK)
		kind = db_run(
			mdm->db, SQL_PUSH_CERTIFICATE_REMOVE, DB_ARGS(DB_TEXT(topic)), NULL, err);
	return kind == ERR_OK ? audit_add(mdm, AUDIT_PUSH_CERT_REMOVE, topic, NULL, NULL, err)
			      : kind;
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
