/*
 * Between whoever lets a device in (the operator, an enrollment profile) and mdm/scep.
 */
#include "mdm/challenge.h"

#include <string.h>

#include "base/clock.h"
#include "codec/seal.h"
#include "codec/text.h"
#include "codec/x509.h"
#include "mdm/audit.h"
#include "mdm/setting.h"

enum { SECRET_BYTES = (CHALLENGE_SIZE - 1) / 2, REMEMBERED_MS = 7 * 24 * 60 * 60 * 1000 };

static enum err_kind
check_terms(const struct challenge_terms *terms, struct err *err)
{
	size_t len = terms->for_id == NULL ? 1 : strlen(terms->for_id);

	if (len == 0 || len > CHALLENGE_FOR_MOST ||
		(terms->for_id != NULL && !text_is_utf8(terms->for_id, len)))
		return err_set(err, ERR_BAD_INPUT, "an enrollment id has 1 to %d bytes",
			CHALLENGE_FOR_MOST);
	if (terms->uses < 0 || terms->uses > CHALLENGE_USES_MOST)
		return err_set(err, ERR_BAD_INPUT, "a challenge is good for 1 to %d uses",
			CHALLENGE_USES_MOST);
	if (terms->lifetime_ms < 0 ||
		terms->lifetime_ms > CHALLENGE_LIFETIME_MOST_S * (int64_t)1000)
		return err_set(err, ERR_BAD_INPUT, "a challenge is good for a year at most");
	return ERR_OK;
}

static void
hash_secret(const char *secret, char hash[X509_HASH_SIZE])
{
	x509_hash(secret, strlen(secret), hash);
}

static enum err_kind
audit_terms(struct mdm *mdm, const struct challenge_terms *terms, int64_t until, struct err *err)
{
	char when[CLOCK_ISO_SIZE];
	struct plist *detail = audit_detail(mdm->arena, "expires", clock_iso(until, when));

	plist_set(mdm->arena, detail, "uses",
		plist_integer(mdm->arena, terms->uses == 0 ? 1 : terms->uses));
	return audit_add(mdm, AUDIT_SCEP_CHALLENGE, NULL, terms->for_id, detail, err);
}

enum err_kind
challenge_create(
	struct mdm *mdm, const struct challenge_terms *terms, const char **secret, struct err *err)
{
	int64_t lifetime =
		terms->lifetime_ms == 0 ? CHALLENGE_LIFETIME_S * (int64_t)1000 : terms->lifetime_ms;
	int64_t now = clock_now();
	unsigned char bytes[SECRET_BYTES];
	char hash[X509_HASH_SIZE];
	enum err_kind kind = check_terms(terms, err);

	*secret = NULL;
	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_CHALLENGE_FORGET, DB_ARGS(DB_INT(now - REMEMBERED_MS)),
			NULL, err);
	if (kind != ERR_OK)
		return kind;
	seal_random(bytes, sizeof(bytes));
	*secret = text_hex_encode(mdm->arena, bytes, sizeof(bytes));
	hash_secret(*secret, hash);
	kind = db_run(mdm->db, SQL_CHALLENGE_ADD,
		DB_ARGS(DB_TEXT(hash), DB_TEXT(terms->for_id),
			DB_INT(terms->uses == 0 ? 1 : terms->uses), DB_INT(now),
			DB_INT(now + lifetime)),
		NULL, err);
	return kind == ERR_OK ? audit_terms(mdm, terms, now + lifetime, err) : kind;
}

/* Is it the one of the setting? */
static enum err_kind
is_static(struct mdm *mdm, const char *secret, bool *is, struct err *err)
{
	const char *chosen;
	enum err_kind kind = setting_get_secret(mdm, "scep_challenge", &chosen, err);

	*is = kind == ERR_OK && chosen != NULL && seal_same(chosen, secret);
	return kind;
}

/* ROW is SQL_CHALLENGE_FIND's, when there is one. */
static enum err_kind
check_row(enum err_kind found, const struct db_row *row, struct err *err)
{
	if (found == ERR_NOT_FOUND)
		return err_set(err, ERR_FORBIDDEN, "the challenge is not known");
	if (found != ERR_OK)
		return found;
	if (db_int(row, 2) <= clock_now())
		return err_set(err, ERR_FORBIDDEN, "the challenge has expired");
	if (db_int(row, 1) <= 0)
		return err_set(err, ERR_FORBIDDEN, "the challenge has been used");
	return ERR_OK;
}

enum err_kind
challenge_check(struct mdm *mdm, const char *secret, struct challenge_grant *grant, struct err *err)
{
	char hash[X509_HASH_SIZE];
	struct db_row row;
	bool is;
	enum err_kind kind;

	*grant = (struct challenge_grant){0};
	if (is_static(mdm, secret, &is, err) != ERR_OK || is)
		return is ? ERR_OK : err->kind;
	hash_secret(secret, hash);
	kind = db_first(mdm->db, SQL_CHALLENGE_FIND, DB_ARGS(DB_TEXT(hash)), &row, err);
	kind = check_row(kind, &row, err);
	if (kind == ERR_OK)
		grant->for_id = db_text(&row, 0);
	return kind;
}

enum err_kind
challenge_take(struct mdm *mdm, const char *secret, struct challenge_grant *grant, struct err *err)
{
	char hash[X509_HASH_SIZE];
	struct db_row row;
	bool is;
	enum err_kind kind;

	*grant = (struct challenge_grant){0};
	if (is_static(mdm, secret, &is, err) != ERR_OK || is)
		return is ? ERR_OK : err->kind;
	hash_secret(secret, hash);
	kind = db_first(mdm->db, SQL_CHALLENGE_TAKE, DB_ARGS(DB_TEXT(hash), DB_INT(clock_now())),
		&row, err);
	if (kind == ERR_OK) {
		grant->for_id = db_text(&row, 0);
		return ERR_OK;
	}
	if (kind != ERR_NOT_FOUND)
		return kind;
	kind = db_first(mdm->db, SQL_CHALLENGE_FIND, DB_ARGS(DB_TEXT(hash)), &row, err);
	return check_row(kind, &row, err) == ERR_OK
		       ? err_set(err, ERR_FORBIDDEN, "the challenge has been used")
		       : err->kind;
}
