/*
 * What the CA has issued.  Whom an identity speaks for is not told here but by the pin (mdm/pin).
 */
#include "mdm/identity.h"

#include "base/clock.h"
#include "mdm/audit.h"
#include "mdm/event.h"

enum { DETAIL_MOST = 1024 };

const char identity_reasons[] = "unspecified keyCompromise affiliationChanged superseded "
				"cessationOfOperation privilegeWithdrawn";

enum err_kind
identity_add(struct mdm *mdm, const struct x509_info *info, const struct identity_origin *origin,
	struct err *err)
{
	struct plist *detail = audit_detail(mdm->arena, "subject", info->subject);
	enum err_kind kind = db_run(mdm->db, SQL_IDENTITY_ADD,
		DB_ARGS(DB_TEXT(info->sha256), DB_TEXT(info->serial), DB_TEXT(origin->authority),
			DB_TEXT(info->common_name), DB_TEXT(info->subject),
			DB_INT(info->not_before), DB_INT(info->not_after), DB_INT(clock_now()),
			DB_TEXT(origin->origin),
			origin->enrollment_no == 0 ? DB_NULL() : DB_INT(origin->enrollment_no),
			DB_TEXT(origin->replaces), DB_TEXT(origin->for_id)),
		NULL, err);

	return kind == ERR_OK ? audit_add(mdm, AUDIT_IDENTITY_ISSUE, info->sha256, origin->for_id,
					detail, err)
			      : kind;
}

enum err_kind
identity_find(struct mdm *mdm, const char *sha256, struct identity *identity, struct err *err)
{
	struct db_row row;
	enum err_kind kind =
		db_first(mdm->db, SQL_IDENTITY_FIND, DB_ARGS(DB_TEXT(sha256)), &row, err);

	*identity = (struct identity){0};
	if (kind != ERR_OK)
		return kind;
	*identity = (struct identity){.sha256 = db_text(&row, 0),
		.serial = db_text(&row, 1),
		.subject = db_text(&row, 2),
		.not_after = db_int(&row, 3),
		.revoked_at = db_int(&row, 4),
		.revoke_reason = db_text(&row, 5),
		.enrollment_no = db_int(&row, 6),
		.replaces = db_text(&row, 7),
		.common_name = db_text(&row, 8),
		.for_id = db_text(&row, 9)};
	return ERR_OK;
}

enum err_kind
identity_belongs(struct mdm *mdm, const char *sha256, int64_t enrollment_no, struct err *err)
{
	return db_run(mdm->db, SQL_IDENTITY_BELONGS,
		DB_ARGS(DB_TEXT(sha256), DB_INT(enrollment_no)), NULL, err);
}

/* ---- revoking ---- */

/* The device's id, for the audit trail; NULL: it is nobody's. */
static enum err_kind
find_holder(struct mdm *mdm, int64_t enrollment_no, const char **id, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(
		mdm->db, SQL_IDENTITY_HOLDER_ID, DB_ARGS(DB_INT(enrollment_no)), &row, err);

	*id = kind == ERR_OK ? db_text(&row, 0) : NULL;
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

static enum err_kind
note_revoked(struct mdm *mdm, const char *sha256, const char *reason, int64_t enrollment_no,
	struct err *err)
{
	struct plist *detail = plist_dict(mdm->arena);
	const char *id;
	struct buf json;
	enum err_kind kind;

	plist_set(mdm->arena, detail, "sha256", plist_string(mdm->arena, sha256));
	plist_set(mdm->arena, detail, "reason", plist_string(mdm->arena, reason));
	buf_init(&json, mdm->arena, DETAIL_MOST);
	plist_write_json(&json, detail, false);
	kind = event_add(mdm, EVENT_IDENTITY_REVOKED, enrollment_no, json.bytes, NULL, 0, err);
	if (kind == ERR_OK)
		kind = find_holder(mdm, enrollment_no, &id, err);
	return kind == ERR_OK ? audit_add(mdm, AUDIT_IDENTITY_REVOKE, sha256, id,
					audit_detail(mdm->arena, "reason", reason), err)
			      : kind;
}

/* It was a pin: then it is one no more, and no other takes its place. */
static enum err_kind
take_pin(struct mdm *mdm, const char *sha256, const char *reason, int64_t no, struct err *err)
{
	enum err_kind kind = db_run(mdm->db, SQL_PIN_END,
		DB_ARGS(DB_TEXT(sha256), DB_INT(no), DB_INT(clock_now()), DB_TEXT(reason)), NULL,
		err);

	if (kind == ERR_OK)
		kind = db_run(
			mdm->db, SQL_PIN_SET, DB_ARGS(DB_INT(no), DB_NULL(), DB_NULL()), NULL, err);
	return kind;
}

/* On record as revoked.  One from elsewhere is on none, but may be a pin. */
static enum err_kind
mark_revoked(struct mdm *mdm, const char *sha256, const char *reason, int64_t *enrollment_no,
	struct err *err)
{
	struct identity identity;
	enum err_kind kind = identity_find(mdm, sha256, &identity, err);

	*enrollment_no = identity.enrollment_no;
	if (kind == ERR_NOT_FOUND)
		return ERR_OK;
	if (kind == ERR_OK && identity.revoked_at != 0)
		return err_set(err, ERR_CONFLICT, "the identity is revoked already");
	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_IDENTITY_REVOKE,
			DB_ARGS(DB_TEXT(sha256), DB_INT(clock_now()), DB_TEXT(reason)), NULL, err);
	return kind == ERR_OK ? db_run(mdm->db, SQL_AUTHORITY_CHANGED, DB_NONE, NULL, err) : kind;
}

enum err_kind
identity_revoke(struct mdm *mdm, const char *sha256, const char *reason, struct err *err)
{
	struct identity identity;
	struct db_row row;
	int64_t no;
	enum err_kind kind = mark_revoked(mdm, sha256, reason, &no, err);

	if (kind != ERR_OK)
		return kind;
	kind = db_first(mdm->db, SQL_PIN_HOLDER, DB_ARGS(DB_TEXT(sha256)), &row, err);
	if (kind == ERR_OK) {
		no = db_int(&row, 1);
		kind = take_pin(mdm, sha256, reason, no, err);
	} else if (kind == ERR_NOT_FOUND) {
		kind = identity_find(mdm, sha256, &identity, err);
		if (kind == ERR_NOT_FOUND)
			return err_set(err, kind, "no device has the identity %.64s", sha256);
	}
	return kind == ERR_OK ? note_revoked(mdm, sha256, reason, no, err) : kind;
}
