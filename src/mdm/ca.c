/*
 * The device CA between the store (table authority) and codec/x509.
 */
#include "mdm/ca.h"

#include <string.h>

#include "base/clock.h"
#include "mdm/identity.h"

enum { YEARS = 20, TRUSTED_MOST = 1024 * 1024 };

static const char device_ca[] = "device";

/* Where the key of the CA of that name is sealed for. */
static const char *
key_place(struct mdm *mdm, const char *name)
{
	return arena_printf(mdm->arena, "authority/key/%s", name);
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
ca_create(struct mdm *mdm, const char *common_name, const char *organization, struct err *err)
{
	struct x509_identity ca;
	struct db_value sealed;
	struct db_row row;
	enum err_kind kind = find(mdm, &row, err);

	if (kind == ERR_OK)
		return err_set(err, ERR_CONFLICT, "there is a device CA already");
	if (kind == ERR_NOT_FOUND)
		kind = x509_make_ca(mdm->arena, common_name, organization, YEARS, &ca, err);
	if (kind == ERR_OK)
		kind = mdm_seal(mdm, key_place(mdm, device_ca), ca.key_pem, strlen(ca.key_pem),
			&sealed, err);
	if (kind != ERR_OK)
		return kind;
	return db_run(mdm->db, SQL_AUTHORITY_ADD,
		DB_ARGS(DB_TEXT(device_ca), DB_TEXT(ca.cert_pem), sealed, DB_INT(clock_now())),
		NULL, err);
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
add_trusted(const struct db_row *row, void *context, struct err *err)
{
	struct buf *pem = context;

	(void)err;
	buf_str(pem, db_text(row, 0));
	if (!db_is_null(row, 1))
		buf_str(pem, db_text(row, 1));
	return ERR_OK;
}

enum err_kind
ca_trusted(struct mdm *mdm, const char **pem, struct err *err)
{
	struct buf all;
	enum err_kind kind;

	*pem = NULL;
	buf_init(&all, mdm->arena, TRUSTED_MOST);
	kind = db_each(mdm->db, SQL_AUTHORITY_TRUSTED, DB_NONE, add_trusted, &all, err);
	if (kind != ERR_OK)
		return kind;
	if (all.len == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no device CA yet: run pomona init");
	if (all.full)
		return err_set(err, ERR_TOO_LARGE, "there are too many device CAs");
	*pem = all.bytes;
	return ERR_OK;
}

/* ---- issuing ---- */

static enum err_kind
open_key(struct mdm *mdm, struct x509_identity *ca, struct err *err)
{
	const void *sealed;
	unsigned char *key;
	size_t len;
	struct db_row row;
	enum err_kind kind = find(mdm, &row, err);

	if (kind != ERR_OK)
		return kind;
	sealed = db_blob(&row, 1, &len);
	kind = seal_open(mdm->key, mdm->arena, key_place(mdm, db_text(&row, 2)), sealed, len, &key,
		&len, err);
	ca->cert_pem = db_text(&row, 0);
	ca->key_pem = (const char *)key;
	return kind;
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
			.replaces = request->replaces},
		err);
}

enum err_kind
ca_issue(struct mdm *mdm, const struct x509_issuer *issuer, const struct ca_request *request,
	struct ca_issued *issued, struct err *err)
{
	enum err_kind kind = ca_sign(mdm, issuer, request, issued, err);

	return kind == ERR_OK ? ca_record(mdm, issuer, request, issued, err) : kind;
}
