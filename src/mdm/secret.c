/*
 * Between the messages that bring a secret (mdm/escrow) and the person who needs it.
 */
#include "mdm/secret.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "codec/text.h"
#include "mdm/audit.h"
#include "mdm/enrollment.h"
#include "mdm/event.h"

enum { DETAIL_MOST = 8 * 1024 };

static const char *const names[SECRET_KINDS] = {
	[SECRET_FILEVAULT_KEY] = "filevault_key",
	[SECRET_ACTIVATION_LOCK_BYPASS] = "activation_lock_bypass",
	[SECRET_RECOVERY_LOCK] = "recovery_lock",
	[SECRET_FIRMWARE_PASSWORD] = "firmware_password",
	[SECRET_AUTO_ADMIN_PASSWORD] = "auto_admin_password",
	[SECRET_UNLOCK_TOKEN] = "unlock_token",
};

const char *
secret_kind_name(enum secret_kind kind)
{
	return names[kind];
}

bool
secret_kind_find(const char *name, enum secret_kind *kind)
{
	for (int i = 0; i < SECRET_KINDS; i++)
		if (strcmp(names[i], name) == 0) {
			*kind = (enum secret_kind)i;
			return true;
		}
	return false;
}

/* Bound to device and kind: a value in the place of another one does not open. */
static const char *
place_of(struct mdm *mdm, int64_t enrollment_no, enum secret_kind kind)
{
	return arena_printf(
		mdm->arena, "secret/value/%lld/%s", (long long)enrollment_no, names[kind]);
}

/* ---- in ---- */

enum err_kind
secret_is_from(struct mdm *mdm, int64_t enrollment_no, enum secret_kind kind, const char *source,
	bool *is, struct err *err)
{
	struct db_row row;
	enum err_kind found = db_first(mdm->db, SQL_SECRET_FIND,
		DB_ARGS(DB_INT(enrollment_no), DB_TEXT(names[kind])), &row, err);

	*is = found == ERR_OK && !db_is_null(&row, 2) && strcmp(db_text(&row, 2), source) == 0;
	return found == ERR_NOT_FOUND ? ERR_OK : found;
}

/* Is it the one that counts already?  One that does not open is none. */
static enum err_kind
is_present(struct mdm *mdm, const struct secret *secret, const char *place, bool *present,
	struct err *err)
{
	struct db_row row;
	unsigned char *value;
	const void *sealed;
	size_t len;
	enum err_kind kind = db_first(mdm->db, SQL_SECRET_FIND,
		DB_ARGS(DB_INT(secret->enrollment_no), DB_TEXT(names[secret->kind])), &row, err);

	*present = false;
	if (kind == ERR_NOT_FOUND)
		*present = secret->value == NULL;
	if (kind != ERR_OK || secret->value == NULL)
		return kind == ERR_NOT_FOUND ? ERR_OK : kind;
	sealed = db_blob(&row, 1, &len);
	kind = seal_open(mdm->key, mdm->arena, place, sealed, len, &value, &len, err);
	if (kind == ERR_OK)
		*present = len == strlen(secret->value) && memcmp(value, secret->value, len) == 0;
	return kind == ERR_INTERNAL ? ERR_OK : kind;
}

enum err_kind
secret_keep(struct mdm *mdm, const struct secret *secret, bool *changed, struct err *err)
{
	const char *place = place_of(mdm, secret->enrollment_no, secret->kind);
	struct db_value sealed;
	int64_t now = clock_now();
	bool present;
	enum err_kind kind = is_present(mdm, secret, place, &present, err);

	*changed = false;
	if (kind != ERR_OK || present)
		return kind;
	*changed = true;
	kind = db_run(mdm->db, SQL_SECRET_REPLACE,
		DB_ARGS(DB_INT(secret->enrollment_no), DB_TEXT(names[secret->kind]), DB_INT(now)),
		NULL, err);
	if (kind != ERR_OK || secret->value == NULL)
		return kind;
	kind = mdm_seal(mdm, place, secret->value, strlen(secret->value), &sealed, err);
	if (kind != ERR_OK)
		return kind;
	return db_run(mdm->db, SQL_SECRET_ADD,
		DB_ARGS(DB_INT(secret->enrollment_no), DB_TEXT(names[secret->kind]), sealed,
			DB_TEXT(secret->source), DB_INT(now)),
		NULL, err);
}

/* ---- out ---- */

static enum err_kind
check_reason(const char *reason, struct err *err)
{
	size_t len = strlen(reason);
	bool good = len <= SECRET_REASON_MOST && text_is_utf8(reason, len), said = false;

	for (const char *p = reason; *p != '\0'; p++) {
		good = good && !iscntrl((unsigned char)*p);
		said = said || !isspace((unsigned char)*p);
	}
	return good && said ? ERR_OK
			    : err_set(err, ERR_BAD_INPUT,
				      "a reason is a text of 1 to %d bytes, without control "
				      "characters",
				      SECRET_REASON_MOST);
}

static enum err_kind
note_shown(struct mdm *mdm, int64_t enrollment_no, const char *enrollment_id, enum secret_kind kind,
	const char *reason, struct err *err)
{
	struct plist *detail = plist_dict(mdm->arena);
	struct buf json;

	plist_set(mdm->arena, detail, "kind", plist_string(mdm->arena, names[kind]));
	plist_set(mdm->arena, detail, "reason", plist_string(mdm->arena, reason));
	buf_init(&json, mdm->arena, DETAIL_MOST);
	plist_write_json(&json, detail, false);
	if (event_add(mdm, EVENT_SECRET_SHOWN, enrollment_no, json.bytes, NULL, 0, err) != ERR_OK)
		return err->kind;
	return audit_add(mdm, AUDIT_SECRET_SHOW, names[kind], enrollment_id,
		audit_detail(mdm->arena, "reason", reason), err);
}

struct opening {
	struct mdm *mdm;
	const char *place;
	struct secret_shown *shown;
	size_t count;
};

static enum err_kind
open_row(const struct db_row *row, void *context, struct err *err)
{
	struct opening *opening = context;
	struct secret_shown *shown = &opening->shown[opening->count];
	unsigned char *value;
	const void *sealed;
	size_t len;
	enum err_kind kind;

	sealed = db_blob(row, 0, &len);
	kind = seal_open(opening->mdm->key, opening->mdm->arena, opening->place, sealed, len,
		&value, &len, err);
	if (kind != ERR_OK)
		return kind;
	*shown = (struct secret_shown){.value = (const char *)value,
		.since = db_int(row, 1),
		.replaced_at = db_int(row, 2)};
	opening->count++;
	return ERR_OK;
}

enum err_kind
secret_show(struct mdm *mdm, const char *enrollment_id, enum secret_kind kind, const char *reason,
	struct secret_shown *shown, size_t most, size_t *count, struct err *err)
{
	struct opening opening = {.mdm = mdm, .shown = shown};
	struct enrollment enrollment;
	enum err_kind failed = check_reason(reason, err);

	*count = 0;
	if (failed == ERR_OK)
		failed = enrollment_find(mdm, enrollment_id, &enrollment, err);
	if (failed == ERR_NOT_FOUND)
		return err_set(err, failed, "unknown device %s", enrollment_id);
	if (failed != ERR_OK)
		return failed;
	opening.place = place_of(mdm, enrollment.no, kind);
	failed = db_each(mdm->db, SQL_SECRET_OF_DEVICE,
		DB_ARGS(DB_INT(enrollment.no), DB_TEXT(names[kind]), DB_INT((int64_t)most)),
		open_row, &opening, err);
	if (failed == ERR_OK && opening.count == 0)
		return err_set(
			err, ERR_NOT_FOUND, "there is no %s of %s", names[kind], enrollment_id);
	if (failed == ERR_OK)
		failed = note_shown(mdm, enrollment.no, enrollment.id, kind, reason, err);
	*count = failed == ERR_OK ? opening.count : 0;
	return failed;
}
