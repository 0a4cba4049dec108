/*
 * The device CA between the store (table authority) and codec/x509.
 */
#include "mdm/ca.h"

#include <string.h>

#include "base/clock.h"
#include "mdm/identity.h"

enum { TRUSTED_MOST = 1024 * 1024 };

enum err_kind
ca_open_key(struct mdm *mdm, const char *name, const void *sealed, size_t len, const char **key_pem,
	struct err *err)
{
	unsigned char *key;
	enum err_kind kind = seal_open(mdm->key, mdm->arena,
		arena_printf(mdm->arena, "authority/key/%s", name), sealed, len, &key, &len, err);

	*key_pem = (const char *)key;
	return kind;
}

static enum err_kind
find(struct mdm *mdm, struct db_row *row, struct err *err)
{
	enum err_kind kind = db_first(mdm->db, SQL_AUTHORITY_FIND, DB_NONE, row, err);

	if (kind == ERR_NOT_FOUND)
		return err_set(err, kind, "there is no device CA yet: run pomona init");
	return kind;
}

enum err_kind
ca_certificate(struct mdm *mdm, const char **pem, struct err *err)
{
	struct db_row row;
	enum err_kind kind = find(mdm, &row, err);

	*pem = kind == ERR_OK ? db_text(&row, 0) : NULL;
	return kind;
}

/* ---- whom to believe ---- */

static enum err_kind
add_anchor(const struct db_row *row, void *context, struct err *err)
{
	(void)err;
	buf_str(context, db_text(row, 0));
	return ERR_OK;
}

static enum err_kind
add_trusted(const struct db_row *row, void *context, struct err *err)
{
	add_anchor(row, context, err);
	if (!db_is_null(row, 1))
		buf_str(context, db_text(row, 1));
	return ERR_OK;
}

static enum err_kind
gather(struct mdm *mdm,
	enum err_kind (*add)(const struct db_row *row, void *context, struct err *err),
	const char **pem, struct err *err)
{
	struct buf all;
	enum err_kind kind;

	*pem = NULL;
	buf_init(&all, mdm->arena, TRUSTED_MOST);
	kind = db_each(
		mdm->db, SQL_AUTHORITY_TRUSTED, DB_ARGS(DB_INT(clock_now())), add, &all, err);
	if (kind != ERR_OK)
		return kind;
	if (all.len == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no device CA yet: run pomona init");
	if (all.full)
		return err_set(err, ERR_TOO_LARGE, "there are too many device CAs");
	*pem = all.bytes;
	return ERR_OK;
}

enum err_kind
ca_trusted(struct mdm *mdm, const char **pem, struct err *err)
{
	return gather(mdm, add_trusted, pem, err);
}

enum err_kind
ca_anchors(struct mdm *mdm, const char **pem, struct err *err)
{
	return gather(mdm, add_anchor, pem, err);
}

enum err_kind
ca_next_certificate(struct mdm *mdm, const char **pem, struct err *err)
{
	struct db_row row;
	enum err_kind kind =
		db_first(mdm->db, SQL_AUTHORITY_BY_ROLE, DB_ARGS(DB_TEXT("next")), &row, err);

	*pem = NULL;
	if (kind == ERR_NOT_FOUND)
		return err_set(err, kind, "there is no next device CA");
	if (kind == ERR_OK)
		*pem = arena_printf(mdm->arena, "%s%s", db_text(&row, 1),
			db_is_null(&row, 2) ? "" : db_text(&row, 2));
	return kind;
}

struct listing {
	struct mdm *mdm;
	enum err_kind (*each)(const struct ca_authority *authority, void *context, struct err *err);
	void *context;
};

static enum err_kind
list_row(const struct db_row *row, void *context, struct err *err)
{
	const struct listing *listing = context;
	struct ca_authority authority = {.name = db_text(row, 0),
		.role = db_text(row, 1),
		.certificate = db_text(row, 2),
		.created_at = db_int(row, 3),
		.activate_at = db_int(row, 4),
		.belongs_to = db_text(row, 5),
		.chain = db_text(row, 6)};
	enum err_kind kind =
		x509_inspect(listing->mdm->arena, authority.certificate, &authority.info, err);

	return kind == ERR_OK ? listing->each(&authority, listing->context, err) : kind;
}

enum err_kind
ca_each(struct mdm *mdm,
	enum err_kind (*each)(const struct ca_authority *authority, void *context, struct err *err),
	void *context, struct err *err)
{
	struct listing listing = {.mdm = mdm, .each = each, .context = context};

	return db_each(mdm->db, SQL_AUTHORITY_LIST, DB_NONE, list_row, &listing, err);
}

/* ---- issuing ---- */

/* Certificate and key of ROW: certificate, key, name. */
static enum err_kind
open_row(struct mdm *mdm, const struct db_row *row, struct x509_identity *ca, struct err *err)
{
	size_t len;
	const void *sealed = db_blob(row, 1, &len);

	ca->cert_pem = db_text(row, 0);
	return ca_open_key(mdm, db_text(row, 2), sealed, len, &ca->key_pem, err);
}

static enum err_kind
open_key(struct mdm *mdm, struct x509_identity *ca, struct err *err)
{
	struct db_row row;
	enum err_kind kind = find(mdm, &row, err);

	return kind == ERR_OK ? open_row(mdm, &row, ca, err) : kind;
}

enum err_kind
ca_scep_identity(struct mdm *mdm, struct x509_identity *identity, struct err *err)
{
	struct db_row row, registrar;
	enum err_kind kind = find(mdm, &row, err);

	if (kind != ERR_OK)
		return kind;
	kind = db_first(mdm->db, SQL_AUTHORITY_REGISTRAR, DB_ARGS(row.values[2]), &registrar, err);
	if (kind == ERR_NOT_FOUND)
		return open_row(mdm, &row, identity, err);
	return kind == ERR_OK ? open_row(mdm, &registrar, identity, err) : kind;
}

enum err_kind
ca_check_key(struct mdm *mdm, struct err *err)
{
	struct x509_identity ca;
	enum err_kind kind = open_key(mdm, &ca, err);

	if (kind == ERR_NOT_FOUND) {
		err_clear(err);
		return ERR_OK; /* nothing is sealed yet */
	}
	return kind == ERR_INTERNAL
		       ? err_set(err, ERR_CONFLICT, "the master key is not the one of this store")
		       : kind;
}

enum err_kind
ca_issuer(struct mdm *mdm, struct x509_issuer **issuer, struct err *err)
{
	struct x509_identity ca;
	enum err_kind kind = open_key(mdm, &ca, err);

	*issuer = NULL;
	if (kind == ERR_NOT_FOUND)
		return kind;
	if (kind == ERR_OK)
		kind = x509_issuer_new(&ca, issuer, err);
	if (kind != ERR_OK)
		err_prefix(err, "the key of the device CA");
	return kind;
}

enum err_kind
ca_sign(struct mdm *mdm, const struct x509_issuer *issuer, const struct ca_request *request,
	struct ca_issued *issued, struct err *err)
{
	const struct x509_request wanted = {.csr = request->csr,
		.csr_len = request->csr_len,
		.common_name = request->common_name,
		.days = request->days};
	struct x509_info info;
	enum err_kind kind;

	*issued = (struct ca_issued){0};
	kind = x509_issue_csr(mdm->arena, issuer, &wanted, &issued->der, &issued->der_len, err);
	if (kind == ERR_OK)
		kind = x509_inspect_der(mdm->arena, issued->der, issued->der_len, &info, err);
	if (kind != ERR_OK)
		return kind;
	memcpy(issued->sha256, info.sha256, sizeof(issued->sha256));
	issued->serial = info.serial;
	issued->not_after = info.not_after;
	return ERR_OK;
}

enum err_kind
ca_record(struct mdm *mdm, const struct x509_issuer *issuer, const struct ca_request *request,
	const struct ca_issued *issued, struct err *err)
{
	struct x509_info info;
	enum err_kind kind = x509_inspect_der(mdm->arena, issued->der, issued->der_len, &info, err);

	if (kind != ERR_OK)
		return kind;
	return identity_add(mdm, &info,
		&(const struct identity_origin){.authority = x509_issuer_hash(issuer),
			.origin = request->origin,
			.enrollment_no = request->enrollment_no,
			.replaces = request->replaces,
			.for_id = request->for_id},
		err);
}

enum err_kind
ca_issue(struct mdm *mdm, const struct x509_issuer *issuer, const struct ca_request *request,
	struct ca_issued *issued, struct err *err)
{
	enum err_kind kind = ca_sign(mdm, issuer, request, issued, err);

	return kind == ERR_OK ? ca_record(mdm, issuer, request, issued, err) : kind;
}
