/*
 * The device CA between the store (table authority) and codec/x509.
 */
#include "mdm/ca.h"

#include <string.h>

#include "base/clock.h"

enum { YEARS = 20 };

static const char device_ca[] = "device";
static const char device_ca_place[] = "authority/key/device";

static enum err_kind
find(struct mdm *mdm, struct db_row *row, struct err *err)
{
	enum err_kind kind =
		db_first(mdm->db, SQL_AUTHORITY_FIND, DB_ARGS(DB_TEXT(device_ca)), row, err);

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
		kind = mdm_seal(mdm, device_ca_place, ca.key_pem, strlen(ca.key_pem), &sealed, err);
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
	kind = seal_open(mdm->key, mdm->arena, device_ca_place, sealed, len, &key, &len, err);
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
