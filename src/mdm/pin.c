/*
 * Between who calls and for whom he speaks.  Most messages end in the first line of pin_check().
 */
#include "mdm/pin.h"

#include <string.h>

#include "base/clock.h"
#include "mdm/enrollment.h"
#include "mdm/event.h"
#include "mdm/identity.h"
#include "mdm/setting.h"

enum {
	RENEWALS_MOST = 32, /* in a row of which the device has used none */
	DETAIL_MOST = 1024,
};

/* A caller whose certificate is not the pinned one. */
struct stranger {
	struct mdm *mdm;
	const struct pin_caller *caller;
	struct identity identity; /* what is on record */
	bool on_record;           /* it was issued here */
	int64_t expires;          /* 0: not known */
	struct err *err;
};

static enum err_kind
refuse(struct stranger *stranger, const char *why)
{
	return err_set(stranger->err, ERR_FORBIDDEN, "%s", why);
}

static const char not_pinned[] = "the certificate is not the one pinned to this device";

/*
 * Not on record, but with the serial number of one that is: an ECDSA signature can be written in
 * another way and stays one, and with it the certificate would have another hash.
 */
static enum err_kind
look_at_serial(struct stranger *stranger, const char *serial)
{
	struct db_row row;
	enum err_kind kind = db_first(stranger->mdm->db, SQL_IDENTITY_BY_SERIAL,
		DB_ARGS(DB_TEXT(serial)), &row, stranger->err);

	if (kind == ERR_OK)
		return refuse(stranger, "the certificate is not as the CA has issued it");
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

/* Looks at what is known of the certificate as such: issued here or not, revoked, expired. */
static enum err_kind
look_at_certificate(struct stranger *stranger)
{
	const struct pin_caller *caller = stranger->caller;
	struct mdm *mdm = stranger->mdm;
	struct x509_info info;
	enum err_kind kind =
		identity_find(mdm, caller->certificate, &stranger->identity, stranger->err);

	stranger->on_record = kind == ERR_OK;
	if (kind == ERR_OK)
		stranger->expires = stranger->identity.not_after;
	else if (kind != ERR_NOT_FOUND)
		return kind;
	else if (caller->der != NULL && x509_inspect_der(mdm->arena, caller->der, caller->der_len,
						&info, NULL) == ERR_OK) {
		stranger->expires = info.not_after;
		if (look_at_serial(stranger, info.serial) != ERR_OK)
			return stranger->err->kind;
	}
	if (stranger->on_record && stranger->identity.revoked_at != 0)
		return refuse(stranger, "the identity was revoked");
	if (stranger->expires != 0 && stranger->expires <= clock_now())
		return refuse(stranger, "the identity has expired");
	return ERR_OK;
}

/* Was it issued for another id than this device's, or its user's?  None of a device holds a colon.
 */
static enum err_kind
look_at_name(struct stranger *stranger, const char *id)
{
	const char *for_id = stranger->identity.for_id;

	if (for_id == NULL || (strncmp(id, for_id, strlen(for_id)) == 0 &&
				      strchr(":", id[strlen(for_id)]) != NULL))
		return ERR_OK;
	return refuse(stranger, "the identity was issued for another device");
}

/* A former pin, or another device's, is nobody's.  HOLDER_NO: the device that may have it. */
static enum err_kind
look_at_pins(struct stranger *stranger, int64_t holder_no)
{
	const struct db_value certificate = DB_TEXT(stranger->caller->certificate);
	struct db *db = stranger->mdm->db;
	struct db_row row;
	enum err_kind kind = db_first(db, SQL_PIN_HOLDER, &certificate, 1, &row, stranger->err);

	if (kind == ERR_OK && db_int(&row, 1) != holder_no)
		return refuse(stranger, "the certificate is pinned to another device");
	if (kind != ERR_OK && kind != ERR_NOT_FOUND)
		return kind;
	kind = db_first(db, SQL_PIN_FORMER, &certificate, 1, &row, stranger->err);
	if (kind == ERR_OK)
		return refuse(stranger, db_is_null(&row, 1)
						? "the certificate has been replaced by a newer one"
						: "the identity was revoked");
	if (kind != ERR_NOT_FOUND)
		return kind;
	if (stranger->on_record && stranger->identity.enrollment_no != 0 &&
		stranger->identity.enrollment_no != holder_no)
		return refuse(stranger, "the identity was issued for another device");
	return ERR_OK;
}

static enum err_kind
end_pin(struct stranger *stranger, const char *certificate, int64_t no)
{
	return db_run(stranger->mdm->db, SQL_PIN_END,
		DB_ARGS(DB_TEXT(certificate), DB_INT(no), DB_INT(clock_now()), DB_NULL()), NULL,
		stranger->err);
}

/* ---- the pin changes hands ---- */

static enum err_kind
note_event(struct stranger *stranger, enum event_kind event, int64_t no, const char *former)
{
	struct arena *arena = stranger->mdm->arena;
	struct plist *detail = plist_dict(arena);
	struct buf json;

	plist_set(arena, detail, "sha256", plist_string(arena, stranger->caller->certificate));
	if (former != NULL)
		plist_set(arena, detail, "former", plist_string(arena, former));
	buf_init(&json, arena, DETAIL_MOST);
	plist_write_json(&json, detail, false);
	return event_add(stranger->mdm, event, no, json.bytes, NULL, 0, stranger->err);
}

static enum err_kind
set_pin(struct stranger *stranger, struct enrollment *enrollment, int64_t no, enum event_kind event)
{
	const char *former = enrollment->certificate;
	enum err_kind kind = ERR_OK;

	if (former != NULL)
		kind = end_pin(stranger, former, no);
	if (kind == ERR_OK)
		kind = db_run(stranger->mdm->db, SQL_PIN_SET,
			DB_ARGS(DB_INT(no), DB_TEXT(stranger->caller->certificate),
				DB_TIME(stranger->expires)),
			NULL, stranger->err);
	if (kind == ERR_OK)
		kind = identity_belongs(
			stranger->mdm, stranger->caller->certificate, no, stranger->err);
	if (kind == ERR_OK)
		kind = note_event(stranger, event, no, former);
	if (kind != ERR_OK)
		return kind;
	enrollment->certificate = stranger->caller->certificate;
	enrollment->identity_expires = stranger->expires;
	return ERR_OK;
}

/*
 * Those that the stranger's identity was issued to replace, newest first, until PIN is met: a
 * device may have renewed more than once before it came.  With NO, they end.  ERR_FORBIDDEN when
 * PIN is not among them or one was revoked: who had that may have this.
 */
static enum err_kind
follow_renewals(struct stranger *stranger, const char *pin, int64_t no)
{
	const char *older = stranger->identity.replaces;
	struct identity identity;

	for (int i = 0; i < RENEWALS_MOST && older != NULL; i++) {
		enum err_kind kind;

		if (strcmp(older, pin) == 0)
			return ERR_OK;
		kind = identity_find(stranger->mdm, older, &identity, stranger->err);
		if (kind == ERR_NOT_FOUND)
			break;
		if (kind == ERR_OK && identity.revoked_at != 0)
			return refuse(stranger, "the identity renews one that was revoked");
		if (kind == ERR_OK && no != 0)
			kind = end_pin(stranger, older, no);
		if (kind != ERR_OK)
			return kind;
		older = identity.replaces;
	}
	return refuse(stranger, not_pinned);
}

/* May an identity that was issued to replace OLDER be pinned anew?  MET: the pin is not older. */
static enum err_kind
look_at_older(struct stranger *stranger, const char *older, bool met, struct identity *identity)
{
	const struct db_value certificate = DB_TEXT(older);
	struct db *db = stranger->mdm->db;
	struct db_row row;
	enum err_kind kind = db_first(db, SQL_PIN_FORMER, &certificate, 1, &row, stranger->err);

	if (kind == ERR_OK && !db_is_null(&row, 1))
		return refuse(stranger, "the identity renews one that was revoked");
	if (kind == ERR_OK && !met)
		return refuse(stranger, "the identity renews one that was replaced by another");
	if (kind != ERR_OK && kind != ERR_NOT_FOUND)
		return kind;
	kind = identity_find(stranger->mdm, older, identity, stranger->err);
	if (kind == ERR_OK && identity->revoked_at != 0)
		return refuse(stranger, "the identity renews one that was revoked");
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

/*
 * Those that the stranger's identity was issued to replace, before Authenticate.  Whoever had one
 * that is good for nothing any more could have renewed it in time, so this is not good either; but
 * PIN, when it is among them, was followed by nothing yet.
 */
static enum err_kind
look_at_renewals(struct stranger *stranger, const char *pin)
{
	const char *older = stranger->identity.replaces;
	struct identity identity;
	bool met = false;

	for (int i = 0; i < RENEWALS_MOST && older != NULL; i++) {
		met = met || (pin != NULL && strcmp(older, pin) == 0);
		if (look_at_older(stranger, older, met, &identity) != ERR_OK)
			return stranger->err->kind;
		older = identity.replaces;
	}
	return older == NULL || met
		       ? ERR_OK
		       : refuse(stranger, "the identity was renewed too often without being used");
}

/* A migrated device's first certificate. */
static enum err_kind
check_first(struct stranger *stranger, const struct enrollment *enrollment, int64_t no)
{
	const char *value;
	struct db_row row;
	enum err_kind kind = setting_get(stranger->mdm, "pin_unknown", &value, stranger->err);

	if (kind != ERR_OK)
		return kind;
	if (strcmp(value, "on") != 0 || strcmp(enrollment->state, "checked_out") == 0)
		return refuse(stranger, not_pinned);
	kind = db_first(
		stranger->mdm->db, SQL_PIN_WAS_TAKEN, DB_ARGS(DB_INT(no)), &row, stranger->err);
	if (kind == ERR_OK)
		return refuse(stranger, "the device's identity was revoked: it has to enroll anew");
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

static enum err_kind
take_over(struct stranger *stranger, struct enrollment *enrollment)
{
	int64_t no = enrollment->device_no == 0 ? enrollment->no : enrollment->device_no;
	bool renewal = enrollment->certificate != NULL;
	enum err_kind kind = look_at_certificate(stranger);

	if (kind == ERR_OK && renewal &&
		(!stranger->on_record || stranger->identity.replaces == NULL))
		return refuse(stranger, not_pinned);
	if (kind == ERR_OK)
		kind = renewal ? follow_renewals(stranger, enrollment->certificate, 0)
			       : check_first(stranger, enrollment, no);
	if (kind == ERR_OK)
		kind = look_at_name(stranger, enrollment->id);
	if (kind == ERR_OK)
		kind = look_at_pins(stranger, no);
	if (kind == ERR_OK && renewal)
		kind = follow_renewals(stranger, enrollment->certificate, no);
	if (kind != ERR_OK)
		return kind;
	return set_pin(
		stranger, enrollment, no, renewal ? EVENT_IDENTITY_RENEWED : EVENT_IDENTITY_PINNED);
}

/* It was pinned when its end was not looked at yet. */
static enum err_kind
note_end(struct stranger *stranger, struct enrollment *enrollment)
{
	const struct pin_caller *caller = stranger->caller;
	struct mdm *mdm = stranger->mdm;
	int64_t no = enrollment->device_no == 0 ? enrollment->no : enrollment->device_no;
	struct x509_info info;

	if (x509_inspect_der(mdm->arena, caller->der, caller->der_len, &info, NULL) != ERR_OK)
		return ERR_OK; /* whoever has verified it could read it */
	enrollment->identity_expires = info.not_after;
	return db_run(mdm->db, SQL_PIN_SET,
		DB_ARGS(DB_INT(no), DB_TEXT(caller->certificate), DB_INT(info.not_after)), NULL,
		stranger->err);
}

enum err_kind
pin_check(struct mdm *mdm, struct enrollment *enrollment, const struct pin_caller *caller,
	struct err *err)
{
	struct stranger stranger = {.mdm = mdm, .caller = caller, .err = err};
	bool pinned = enrollment->certificate != NULL &&
		      strcmp(enrollment->certificate, caller->certificate) == 0;

	if (enrollment->blocked)
		return refuse(&stranger, "the device is blocked");
	if (!pinned)
		return take_over(&stranger, enrollment);
	if (enrollment->identity_expires == 0 && caller->der != NULL) {
		enum err_kind kind = note_end(&stranger, enrollment);

		if (kind != ERR_OK)
			return kind;
	}
	if (enrollment->identity_expires != 0 && enrollment->identity_expires <= clock_now())
		return refuse(&stranger, "the identity has expired");
	return ERR_OK;
}

/* ---- Authenticate ---- */

/* OLD: the device as it is known, all zero when it is not. */
static enum err_kind
look_at_claim(struct stranger *stranger, const char *id, struct enrollment *old)
{
	enum err_kind kind = enrollment_find(stranger->mdm, id, old, stranger->err);
	const char *pin = old->certificate;

	if (kind != ERR_OK && kind != ERR_NOT_FOUND)
		return kind;
	err_clear(stranger->err);
	kind = old->blocked ? refuse(stranger, "the device is blocked")
			    : look_at_certificate(stranger);
	if (kind == ERR_OK)
		kind = look_at_name(stranger, id);
	if (kind == ERR_OK)
		kind = look_at_pins(stranger, old->no);
	if (kind == ERR_OK && (pin == NULL || strcmp(pin, stranger->caller->certificate) != 0))
		kind = look_at_renewals(stranger, pin);
	return kind;
}

enum err_kind
pin_may_claim(struct mdm *mdm, const char *id, const struct pin_caller *caller, struct err *err)
{
	struct stranger stranger = {.mdm = mdm, .caller = caller, .err = err};
	struct enrollment old = {0};

	return look_at_claim(&stranger, id, &old);
}

enum err_kind
pin_claim(struct mdm *mdm, const char *id, const struct pin_caller *caller, int64_t *expires,
	struct err *err)
{
	struct stranger stranger = {.mdm = mdm, .caller = caller, .err = err};
	struct enrollment old = {0};
	enum err_kind kind = look_at_claim(&stranger, id, &old);

	if (kind == ERR_OK && old.certificate != NULL &&
		strcmp(old.certificate, caller->certificate) != 0)
		kind = end_pin(&stranger, old.certificate, old.no);
	*expires = stranger.expires;
	return kind;
}

/* ---- before it comes ---- */

/* A device without an identity: setting pin_unknown may let it have its first one. */
static enum err_kind
look_at_none(struct mdm *mdm, struct pin_refusal *refusal, struct err *err)
{
	const char *value;
	enum err_kind kind = setting_get(mdm, "pin_unknown", &value, err);

	if (refusal->reason != NULL)
		refusal->what = "its identity was revoked";
	else if (kind == ERR_OK && strcmp(value, "on") != 0)
		refusal->what = "it has no identity";
	return kind;
}

enum err_kind
pin_look(struct mdm *mdm, const char *id, struct pin_refusal *refusal, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(
		mdm->db, SQL_PIN_REFUSAL, DB_ARGS(DB_TEXT(id), DB_INT(clock_now())), &row, err);

	*refusal = (struct pin_refusal){0};
	if (kind != ERR_OK)
		return kind;
	refusal->blocked = db_int(&row, 0) != 0;
	if (refusal->blocked)
		refusal->what = "the device is blocked";
	else if (db_int(&row, 1) != 0 && db_int(&row, 2) != 0)
		refusal->what = "its identity has expired";
	else if (db_int(&row, 1) != 0 && db_int(&row, 3) == 0) {
		refusal->reason = db_text(&row, 4);
		return look_at_none(mdm, refusal, err);
	}
	return ERR_OK;
}
