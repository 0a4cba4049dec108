/*
 * Between the operator, who gives links out, and the enrollment page (web/endpoint_enroll).
 */
#include "mdm/enroll_link.h"

#include <string.h>

#include "base/clock.h"
#include "codec/seal.h"
#include "codec/text.h"
#include "codec/x509.h"
#include "mdm/audit.h"
#include "mdm/challenge.h"

enum { SECRET_BYTES = 16 };

static const int64_t second = 1000;
static const int64_t remembered_ms = 30 * 24 * 60 * 60 * (int64_t)1000;

static const char kind_link[] = "link", kind_ota[] = "ota";

static const char *
hash_of(struct mdm *mdm, const char *secret)
{
	char hash[X509_HASH_SIZE];

	x509_hash(secret, strlen(secret), hash);
	return arena_strdup(mdm->arena, hash);
}

/* For the audit trail. */
static const char *
link_name(struct mdm *mdm, int64_t no)
{
	return arena_printf(mdm->arena, "%lld", (long long)no);
}

/* ---- made ---- */

static enum err_kind
check_terms(const struct enroll_link_terms *terms, struct err *err)
{
	size_t len = terms->for_id == NULL ? 1 : strlen(terms->for_id);

	if (len == 0 || len > CHALLENGE_FOR_MOST ||
		(terms->for_id != NULL && !text_is_utf8(terms->for_id, len)))
		return err_set(err, ERR_BAD_INPUT, "an enrollment id has 1 to %d bytes",
			CHALLENGE_FOR_MOST);
	if (terms->uses < 0 || terms->uses > ENROLL_LINK_USES_MOST)
		return err_set(err, ERR_BAD_INPUT, "a link is good for 1 to %d uses",
			ENROLL_LINK_USES_MOST);
	if (terms->lifetime_ms < 0 || terms->lifetime_ms > ENROLL_LINK_LIFETIME_MOST_S * second)
		return err_set(err, ERR_BAD_INPUT, "a link is good for a year at most");
	return ERR_OK;
}

static enum err_kind
add(struct mdm *mdm, const char *what, const struct enroll_link_terms *terms, const char **secret,
	int64_t *no, struct err *err)
{
	int64_t now = clock_now();
	unsigned char bytes[SECRET_BYTES];
	struct db_row row;
	enum err_kind kind = db_run(
		mdm->db, SQL_ENROLL_LINK_FORGET, DB_ARGS(DB_INT(now - remembered_ms)), NULL, err);

	if (kind != ERR_OK)
		return kind;
	seal_random(bytes, sizeof(bytes));
	*secret = text_hex_encode(mdm->arena, bytes, sizeof(bytes));
	kind = db_first(mdm->db, SQL_ENROLL_LINK_ADD,
		DB_ARGS(DB_TEXT(hash_of(mdm, *secret)), DB_TEXT(what), DB_TEXT(terms->for_id),
			DB_INT(terms->uses == 0 ? 1 : terms->uses), DB_INT(now),
			DB_INT(now + terms->lifetime_ms)),
		&row, err);
	if (kind == ERR_OK)
		*no = db_int(&row, 0);
	return kind;
}

static enum err_kind
audit_link(struct mdm *mdm, const struct enroll_link_terms *terms, int64_t no, struct err *err)
{
	char until[CLOCK_ISO_SIZE];
	struct plist *detail = audit_detail(
		mdm->arena, "expires", clock_iso(clock_now() + terms->lifetime_ms, until));

	plist_set(mdm->arena, detail, "uses",
		plist_integer(mdm->arena, terms->uses == 0 ? 1 : terms->uses));
	return audit_add(mdm, AUDIT_ENROLL_LINK, link_name(mdm, no), terms->for_id, detail, err);
}

enum err_kind
enroll_link_create(struct mdm *mdm, const struct enroll_link_terms *terms, const char **secret,
	int64_t *no, struct err *err)
{
	struct enroll_link_terms whole = *terms;
	enum err_kind kind = check_terms(terms, err);

	*secret = NULL;
	if (whole.lifetime_ms == 0)
		whole.lifetime_ms = ENROLL_LINK_LIFETIME_S * second;
	if (kind == ERR_OK)
		kind = add(mdm, kind_link, &whole, secret, no, err);
	return kind == ERR_OK ? audit_link(mdm, &whole, *no, err) : kind;
}

/* ---- used ---- */

enum err_kind
enroll_link_check(struct mdm *mdm, const char *secret, struct enroll_link *link, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(mdm->db, SQL_ENROLL_LINK_FIND,
		DB_ARGS(DB_TEXT(hash_of(mdm, secret)), DB_TEXT(kind_link)), &row, err);

	*link = (struct enroll_link){0};
	if (kind == ERR_NOT_FOUND)
		return err_set(err, kind, "this link is not known");
	if (kind != ERR_OK)
		return kind;
	link->no = db_int(&row, 0);
	link->for_id = db_text(&row, 1);
	if (!db_is_null(&row, 4))
		return err_set(err, ERR_GONE, "this link was taken back");
	if (db_int(&row, 2) <= 0)
		return err_set(err, ERR_GONE, "this link has been used");
	if (db_int(&row, 3) <= clock_now())
		return err_set(err, ERR_GONE, "this link has expired");
	return ERR_OK;
}

enum err_kind
enroll_link_use(struct mdm *mdm, const char *secret, struct enroll_link *link, struct err *err)
{
	int64_t changed = 0;
	enum err_kind kind = enroll_link_check(mdm, secret, link, err);

	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_ENROLL_LINK_USE,
			DB_ARGS(DB_INT(link->no), DB_INT(clock_now())), &changed, err);
	if (kind == ERR_OK && changed == 0)
		return err_set(err, ERR_GONE, "this link has expired");
	return kind;
}

enum err_kind
enroll_link_revoke(struct mdm *mdm, int64_t no, struct err *err)
{
	struct db_row row;
	enum err_kind kind =
		db_first(mdm->db, SQL_ENROLL_LINK_NUMBER, DB_ARGS(DB_INT(no)), &row, err);

	if (kind == ERR_NOT_FOUND)
		return err_set(err, kind, "there is no link %lld", (long long)no);
	if (kind != ERR_OK)
		return kind;
	kind = db_run(mdm->db, SQL_ENROLL_LINK_REVOKE, DB_ARGS(DB_INT(no), DB_INT(clock_now())),
		NULL, err);
	return kind == ERR_OK ? audit_add(mdm, AUDIT_ENROLL_LINK_REVOKE, link_name(mdm, no), NULL,
					NULL, err)
			      : kind;
}

/* ---- once more ---- */

static const char *
download_hash(struct mdm *mdm, const char *secret, const char *address)
{
	return hash_of(mdm, arena_printf(mdm->arena, "%s %s", secret, address));
}

static const char *
download_place(struct mdm *mdm, const char *hash)
{
	return arena_printf(mdm->arena, "enroll_download/profile/%s", hash);
}

enum err_kind
enroll_link_keep(struct mdm *mdm, const struct enroll_link *link, const char *secret,
	const char *address, const void *profile, size_t len, struct err *err)
{
	const char *hash = download_hash(mdm, secret, address);
	int64_t now = clock_now();
	struct db_value sealed;
	enum err_kind kind = db_run(mdm->db, SQL_ENROLL_DOWNLOAD_FORGET,
		DB_ARGS(DB_INT(now - ENROLL_REPEAT_S * second)), NULL, err);

	if (kind == ERR_OK)
		kind = mdm_seal(mdm, download_place(mdm, hash), profile, len, &sealed, err);
	if (kind != ERR_OK)
		return kind;
	return db_run(mdm->db, SQL_ENROLL_DOWNLOAD_KEEP,
		DB_ARGS(DB_TEXT(hash), DB_INT(link->no), sealed, DB_INT(now)), NULL, err);
}

enum err_kind
enroll_link_kept(struct mdm *mdm, const char *secret, const char *address, unsigned char **profile,
	size_t *len, struct err *err)
{
	const char *hash = download_hash(mdm, secret, address);
	const void *sealed;
	struct db_row row;
	enum err_kind kind = db_first(mdm->db, SQL_ENROLL_DOWNLOAD_FIND,
		DB_ARGS(DB_TEXT(hash), DB_INT(clock_now() - ENROLL_REPEAT_S * second)), &row, err);

	*profile = NULL;
	*len = 0;
	if (kind != ERR_OK)
		return kind;
	sealed = db_blob(&row, 0, len);
	return seal_open(
		mdm->key, mdm->arena, download_place(mdm, hash), sealed, *len, profile, len, err);
}

/* ---- over the air ---- */

enum err_kind
enroll_ota_create(struct mdm *mdm, const char *for_id, const char **secret, struct err *err)
{
	struct enroll_link_terms terms = {
		.for_id = for_id, .lifetime_ms = ENROLL_OTA_LIFETIME_S * second};
	int64_t no;

	return add(mdm, kind_ota, &terms, secret, &no, err);
}

enum err_kind
enroll_ota_take(struct mdm *mdm, const char *secret, const char *id, struct err *err)
{
	struct db_row row;
	int64_t now = clock_now(), changed = 0;
	enum err_kind kind = db_first(mdm->db, SQL_ENROLL_LINK_FIND,
		DB_ARGS(DB_TEXT(hash_of(mdm, secret)), DB_TEXT(kind_ota)), &row, err);

	if (kind == ERR_NOT_FOUND)
		return err_set(err, ERR_FORBIDDEN, "the challenge is not known");
	if (kind != ERR_OK)
		return kind;
	if (db_int(&row, 3) <= now)
		return err_set(err, ERR_FORBIDDEN, "the challenge has expired");
	kind = db_run(mdm->db, SQL_ENROLL_LINK_BIND,
		DB_ARGS(DB_INT(db_int(&row, 0)), DB_TEXT(id), DB_INT(now)), &changed, err);
	if (kind == ERR_OK && changed == 0)
		return err_set(err, ERR_FORBIDDEN, "the challenge is another device's");
	return kind;
}
