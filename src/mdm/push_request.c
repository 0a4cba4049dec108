/*
 * Between `pomona push-cert request` and the import of what Apple's portal gave for it.
 */
#include "mdm/push_request.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "codec/text.h"
#include "mdm/audit.h"
#include "mdm/push_certificate.h"

static const char *
key_place(struct mdm *mdm, const char *name)
{
	return arena_printf(mdm->arena, "push_request/key/%s", name);
}

static enum err_kind
check_name(const char *name, struct err *err)
{
	size_t len = strlen(name);
	bool good = len > 0 && len <= PUSH_REQUEST_NAME_MOST && text_is_utf8(name, len);

	for (const char *p = name; *p != '\0'; p++)
		good = good && !iscntrl((unsigned char)*p);
	return good ? ERR_OK
		    : err_set(err, ERR_BAD_INPUT, "the name of a request has 1 to %d bytes",
			      PUSH_REQUEST_NAME_MOST);
}

static enum err_kind
check_topic(struct mdm *mdm, const char *topic, struct err *err)
{
	bool has = true;
	enum err_kind kind =
		topic == NULL ? ERR_OK : push_certificate_has_topic(mdm, topic, &has, err);

	if (kind == ERR_OK && !has)
		return err_set(err, ERR_NOT_FOUND,
			"there is no push certificate for topic %s that could be renewed", topic);
	return kind;
}

enum err_kind
push_request_make(struct mdm *mdm, const char *name, const char *topic,
	const struct x509_subject *subject, struct push_request *request, struct err *err)
{
	struct x509_key_request made;
	struct db_value key;
	int64_t changed = 0, now = clock_now();
	enum err_kind kind = check_name(name, err);

	if (kind == ERR_OK)
		kind = check_topic(mdm, topic, err);
	if (kind == ERR_OK)
		kind = x509_request_make(mdm->arena, subject, &made, err);
	if (kind == ERR_OK)
		kind = mdm_seal(
			mdm, key_place(mdm, name), made.key_pem, strlen(made.key_pem), &key, err);
	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_PUSH_REQUEST_ADD,
			DB_ARGS(DB_TEXT(name), DB_TEXT(made.pem), DB_TEXT(made.key_hash), key,
				DB_TEXT(topic), DB_INT(now)),
			&changed, err);
	if (kind == ERR_OK && changed == 0)
		return err_set(err, ERR_CONFLICT, "there is a request \"%s\" already", name);
	if (kind == ERR_OK)
		kind = audit_add(mdm, AUDIT_PUSH_CERT_REQUEST, name, NULL,
			audit_detail(mdm->arena, "renew", topic), err);
	if (kind == ERR_OK)
		*request = (struct push_request){.name = name,
			.request = made.pem,
			.key_hash = arena_strdup(mdm->arena, made.key_hash),
			.topic = topic,
			.created_at = now};
	return kind;
}

static struct push_request
from_row(const struct db_row *row)
{
	return (struct push_request){.name = db_text(row, 0),
		.request = db_text(row, 1),
		.key_hash = db_text(row, 2),
		.topic = db_text(row, 3),
		.created_at = db_int(row, 4)};
}

enum err_kind
push_request_find(struct mdm *mdm, const char *name, struct push_request *request, struct err *err)
{
	struct db_row row;
	enum err_kind kind =
		db_first(mdm->db, SQL_PUSH_REQUEST_FIND, DB_ARGS(DB_TEXT(name)), &row, err);

	if (kind == ERR_NOT_FOUND)
		return err_set(err, kind, "there is no request \"%s\"", name);
	if (kind == ERR_OK)
		*request = from_row(&row);
	return kind;
}

enum err_kind
push_request_by_key(struct mdm *mdm, const char *key_hash, struct push_request *request,
	const char **key_pem, struct err *err)
{
	struct db_row row;
	unsigned char *key;
	const void *closed;
	size_t len;
	enum err_kind kind =
		db_first(mdm->db, SQL_PUSH_REQUEST_BY_KEY, DB_ARGS(DB_TEXT(key_hash)), &row, err);

	if (kind != ERR_OK)
		return kind;
	*request = from_row(&row);
	if (key_pem == NULL)
		return ERR_OK;
	closed = db_blob(&row, 5, &len);
	kind = seal_open(
		mdm->key, mdm->arena, key_place(mdm, request->name), closed, len, &key, &len, err);
	*key_pem = (const char *)key;
	return kind;
}

struct listing {
	enum err_kind (*each)(const struct push_request *request, void *context, struct err *err);
	void *context;
};

static enum err_kind
list_row(const struct db_row *row, void *context, struct err *err)
{
	const struct listing *listing = context;
	const struct push_request request = from_row(row);

	return listing->each(&request, listing->context, err);
}

enum err_kind
push_request_each(struct mdm *mdm,
	enum err_kind (*each)(const struct push_request *request, void *context, struct err *err),
	void *context, struct err *err)
{
	struct listing listing = {.each = each, .context = context};

	return db_each(mdm->db, SQL_PUSH_REQUEST_LIST, DB_NONE, list_row, &listing, err);
}

enum err_kind
push_request_end(struct mdm *mdm, const char *name, struct err *err)
{
	int64_t changed = 0;
	enum err_kind kind =
		db_run(mdm->db, SQL_PUSH_REQUEST_REMOVE, DB_ARGS(DB_TEXT(name)), &changed, err);

	if (kind == ERR_OK && changed == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no request \"%s\"", name);
	return kind;
}

enum err_kind
push_request_remove(struct mdm *mdm, const char *name, struct err *err)
{
	enum err_kind kind = push_request_end(mdm, name, err);

	return kind == ERR_OK ? audit_add(mdm, AUDIT_PUSH_CERT_FORGET, name, NULL, NULL, err)
			      : kind;
}
