/*
 * The check-in messages.  By the time one gets here its body is a plist and its caller has shown a
 * certificate that the web server has verified; here is checked whose certificate it is.
 */
#include "mdm/checkin.h"

#include <string.h>

#include "base/clock.h"
#include "mdm/admission.h"
#include "mdm/event.h"
#include "mdm/identity.h"
#include "mdm/push.h"
#include "mdm/queue.h"

enum {
	CHECKIN_MOST = 256 * 1024, /* bytes: each is kept as it came */
	PUSH_TOKEN_MOST = 256,
	SECRET_MOST = 64 * 1024,
	TEXT_MOST = 1024,
};

/* One message on its way. */
struct visit {
	struct mdm *mdm;
	const struct checkin *checkin;
	const struct plist *message;
	struct enrollment_ids ids;
	struct buf *reply;
	struct err *err;
};

/* ---- keys of a message ---- */

/* A string of at most TEXT_MOST bytes; NULL when it is not there and not REQUIRED. */
static enum err_kind
take_string(struct visit *visit, const char *key, bool required, const char **value)
{
	const struct plist *plist = plist_get(visit->message, key);

	*value = NULL;
	if (plist == NULL && !required)
		return ERR_OK;
	if (plist == NULL)
		return err_set(visit->err, ERR_BAD_INPUT, "%s is missing", key);
	if (plist->type != PLIST_STRING || plist->as.string.len > TEXT_MOST)
		return err_set(visit->err, ERR_BAD_INPUT, "%s must be a string of at most %d bytes",
			key, TEXT_MOST);
	if (required && plist->as.string.len == 0)
		return err_set(visit->err, ERR_BAD_INPUT, "%s is empty", key);
	*value = plist->as.string.bytes;
	return ERR_OK;
}

static enum err_kind
take_data(struct visit *visit, const char *key, bool required, size_t most,
	const struct plist **value)
{
	*value = plist_get(visit->message, key);
	if (*value == NULL && !required)
		return ERR_OK;
	if (*value == NULL)
		return err_set(visit->err, ERR_BAD_INPUT, "%s is missing", key);
	if ((*value)->type != PLIST_DATA || (*value)->as.string.len > most)
		return err_set(visit->err, ERR_BAD_INPUT, "%s must be data of at most %zu bytes",
			key, most);
	if (required && (*value)->as.string.len == 0)
		return err_set(visit->err, ERR_BAD_INPUT, "%s is empty", key);
	return ERR_OK;
}

/* The value sealed for its column of the enrollment; NULL stays NULL. */
static enum err_kind
seal(struct visit *visit, const char *column, const void *bytes, size_t len, struct db_value *value)
{
	return mdm_seal(visit->mdm,
		arena_printf(visit->mdm->arena, "enrollment/%s/%s", column, visit->ids.id), bytes,
		len, value, visit->err);
}

static enum err_kind
note_event(struct visit *visit, enum event_kind kind, int64_t enrollment_no, const char *detail)
{
	return event_add(visit->mdm, kind, enrollment_no, detail, visit->checkin->raw,
		visit->checkin->raw_len, visit->err);
}

/* The detail of an event: these keys of the message, as JSON.  None of them is a secret. */
static const char *
detail_of(struct visit *visit, const char *const *keys)
{
	struct arena *arena = visit->mdm->arena;
	struct plist *detail = plist_dict(arena);
	struct buf json;

	for (; *keys != NULL; keys++)
		if (plist_get(visit->message, *keys) != NULL)
			plist_set(arena, detail, *keys,
				plist_copy(arena, plist_get(visit->message, *keys)));
	buf_init(&json, arena, SECRET_MOST);
	plist_write_json(&json, detail, false);
	return json.full ? NULL : json.bytes;
}

static bool
is_user_channel(const struct visit *visit)
{
	return visit->ids.id != visit->ids.device_id;
}

/* ---- Authenticate ---- */

struct device_facts {
	const char *topic, *serial, *name, *model, *product, *os_version, *build;
};

static enum err_kind
take_device_facts(struct visit *visit, struct device_facts *facts)
{
	const struct {
		const char *key;
		bool required;
		const char **value;
	} rows[] = {
		{"Topic", true, &facts->topic},
		{"SerialNumber", false, &facts->serial},
		{"DeviceName", false, &facts->name},
		{"Model", false, &facts->model},
		{"ProductName", false, &facts->product},
		{"OSVersion", false, &facts->os_version},
		{"BuildVersion", false, &facts->build},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (take_string(visit, rows[i].key, rows[i].required, rows[i].value) != ERR_OK)
			return visit->err->kind;
	return ERR_OK;
}

static enum err_kind
store_authenticate(
	struct visit *visit, const struct device_facts *facts, int64_t expires, int64_t *no)
{
	const char *certificate = visit->checkin->caller.certificate;
	int64_t major = facts->os_version == NULL ? 0 : enrollment_os_major(facts->os_version);
	struct db_row row;
	enum err_kind kind;

	kind = db_first(visit->mdm->db, SQL_ENROLLMENT_AUTHENTICATE,
		DB_ARGS(DB_TEXT(visit->ids.id), DB_TEXT(enrollment_kind_name(visit->ids.kind)),
			DB_TEXT(visit->ids.udid), DB_TEXT(facts->serial), DB_TEXT(facts->name),
			DB_TEXT(facts->model), DB_TEXT(facts->product), DB_TEXT(facts->os_version),
			major == 0 ? DB_NULL() : DB_INT(major), DB_TEXT(facts->build),
			DB_TEXT(facts->topic), DB_TEXT(certificate), DB_INT(clock_now()),
			DB_TIME(expires)),
		&row, visit->err);
	*no = db_int(&row, 0);
	return kind == ERR_OK ? identity_belongs(visit->mdm, certificate, *no, visit->err) : kind;
}

/* Nothing of an enrollment that ended may reach the next one: a stale RemoveProfile has unenrolled
 * Macs elsewhere. */
static enum err_kind
clear_device(struct visit *visit, int64_t device_no, const char *reason)
{
	struct mdm *mdm = visit->mdm;
	enum err_kind kind = queue_clear_device(mdm, device_no, reason, visit->err);

	if (kind == ERR_OK)
		kind = push_cancel(mdm, device_no, visit->err);
	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_ENROLLMENT_END_USERS, DB_ARGS(DB_INT(device_no)), NULL,
			visit->err);
	return kind;
}

static enum err_kind
authenticate(struct visit *visit)
{
	static const char *const detail[] = {"SerialNumber", "DeviceName", "Model", "ProductName",
		"OSVersion", "BuildVersion", "Topic", NULL};
	struct device_facts facts;
	enum err_kind kind;
	int64_t no = 0, expires = 0;

	if (is_user_channel(visit))
		return err_set(
			visit->err, ERR_BAD_INPUT, "Authenticate comes on the device channel only");
	kind = take_device_facts(visit, &facts);
	if (kind == ERR_OK)
		kind = pin_claim(
			visit->mdm, visit->ids.id, &visit->checkin->caller, &expires, visit->err);
	if (kind == ERR_OK)
		kind = admission_check_topic(visit->mdm, facts.topic, visit->err);
	if (kind == ERR_OK)
		kind = admission_check_device(
			visit->mdm, visit->ids.udid, facts.serial, visit->err);
	if (kind == ERR_OK)
		kind = store_authenticate(visit, &facts, expires, &no);
	if (kind == ERR_OK)
		kind = clear_device(visit, no, "re-enrollment");
	if (kind == ERR_OK)
		kind = note_event(visit, EVENT_AUTHENTICATE, no, detail_of(visit, detail));
	return kind;
}

/* ---- TokenUpdate ---- */

struct token_facts {
	const char *topic, *magic;
	const struct plist *token, *unlock_token;
	bool awaiting_configuration;
};

static enum err_kind
take_token_facts(struct visit *visit, struct token_facts *facts)
{
	enum err_kind kind = take_string(visit, "Topic", true, &facts->topic);

	if (kind == ERR_OK)
		kind = take_string(visit, "PushMagic", true, &facts->magic);
	if (kind == ERR_OK)
		kind = take_data(visit, "Token", true, PUSH_TOKEN_MOST, &facts->token);
	if (kind == ERR_OK)
		kind = take_data(visit, "UnlockToken", false, SECRET_MOST, &facts->unlock_token);
	facts->awaiting_configuration =
		plist_get_boolean(visit->message, "AwaitingConfiguration", false);
	return kind;
}

/* The enrollment a TokenUpdate is for.  A user channel begins with it; a device channel has said
 * Authenticate before. */
static enum err_kind
token_enrollment(struct visit *visit, const struct token_facts *facts, int64_t *no)
{
	struct enrollment_ids device_ids = visit->ids;
	struct enrollment device;
	struct db_row row;
	enum err_kind kind;

	device_ids.id = visit->ids.device_id;
	kind = enrollment_bind(
		visit->mdm, &device_ids, &visit->checkin->caller, &device, visit->err);
	if (kind != ERR_OK)
		return kind;
	if (strcmp(device.state, "checked_out") == 0)
		return err_set(visit->err, ERR_FORBIDDEN, "the device has checked out");
	*no = device.no;
	if (!is_user_channel(visit))
		return ERR_OK;
	kind = db_first(visit->mdm->db, SQL_ENROLLMENT_ADD_USER,
		DB_ARGS(DB_TEXT(visit->ids.id), DB_TEXT(enrollment_kind_name(visit->ids.kind)),
			DB_INT(device.no), DB_TEXT(facts->topic), DB_TEXT(visit->ids.user_id),
			DB_TEXT(visit->ids.user_short_name), DB_TEXT(visit->ids.user_long_name)),
		&row, visit->err);
	if (kind == ERR_NOT_FOUND)
		return err_set(visit->err, ERR_FORBIDDEN, "the user belongs to another device");
	*no = db_int(&row, 0);
	return kind;
}

static enum err_kind
store_token(struct visit *visit, const struct token_facts *facts, int64_t no)
{
	const struct plist *unlock = facts->unlock_token, *token = facts->token;
	struct db_value magic, unlock_token = DB_NULL();
	struct db_row row;
	enum err_kind kind = seal(visit, "push_magic", facts->magic, strlen(facts->magic), &magic);

	if (kind == ERR_OK && unlock != NULL)
		kind = seal(visit, "unlock_token", unlock->as.string.bytes, unlock->as.string.len,
			&unlock_token);
	if (kind != ERR_OK)
		return kind;
	return db_first(visit->mdm->db, SQL_ENROLLMENT_TOKEN_UPDATE,
		DB_ARGS(DB_INT(no), DB_BLOB(token->as.string.bytes, token->as.string.len), magic,
			unlock_token, DB_TEXT(facts->topic), DB_INT(clock_now()),
			DB_INT(facts->awaiting_configuration), DB_TEXT(visit->ids.user_short_name),
			DB_TEXT(visit->ids.user_long_name)),
		&row, visit->err);
}

static enum err_kind
token_update(struct visit *visit)
{
	static const char *const detail[] = {
		"Topic", "AwaitingConfiguration", "NotOnConsole", "UserShortName", NULL};
	struct token_facts facts;
	enum err_kind kind;
	int64_t no = 0;

	kind = take_token_facts(visit, &facts);
	if (kind == ERR_OK)
		kind = token_enrollment(visit, &facts, &no);
	if (kind == ERR_OK)
		kind = admission_check_topic(visit->mdm, facts.topic, visit->err);
	if (kind == ERR_OK)
		kind = store_token(visit, &facts, no);
	if (kind == ERR_OK)
		kind = push_token_updated(visit->mdm, no, visit->err);
	if (kind == ERR_OK)
		kind = note_event(visit, EVENT_TOKEN_UPDATE, no, detail_of(visit, detail));
	return kind;
}

/* ---- CheckOut ---- */

static enum err_kind
check_out(struct visit *visit)
{
	static const char *const detail[] = {"Topic", NULL};
	struct enrollment enrollment;
	enum err_kind kind;

	kind = enrollment_bind(
		visit->mdm, &visit->ids, &visit->checkin->caller, &enrollment, visit->err);
	if (kind == ERR_OK)
		kind = db_run(visit->mdm->db, SQL_ENROLLMENT_CHECK_OUT,
			DB_ARGS(DB_INT(enrollment.no), DB_INT(clock_now())), NULL, visit->err);
	if (kind == ERR_OK)
		kind = clear_device(visit, enrollment.no, "checked out");
	if (kind == ERR_OK)
		kind = note_event(visit, EVENT_CHECK_OUT, enrollment.no, detail_of(visit, detail));
	return kind;
}

/* ---- bootstrap token ---- */

static enum err_kind
bind_enrolled(struct visit *visit, struct enrollment *enrollment)
{
	enum err_kind kind = enrollment_bind(
		visit->mdm, &visit->ids, &visit->checkin->caller, enrollment, visit->err);

	if (kind == ERR_OK && strcmp(enrollment->state, "checked_out") == 0)
		return err_set(visit->err, ERR_FORBIDDEN, "the device has checked out");
	return kind;
}

static enum err_kind
set_bootstrap_token(struct visit *visit)
{
	const struct plist *token = NULL;
	struct enrollment enrollment;
	struct db_value value = DB_NULL();
	enum err_kind kind;

	kind = take_data(visit, "BootstrapToken", false, SECRET_MOST, &token);
	if (kind == ERR_OK)
		kind = bind_enrolled(visit, &enrollment);
	/* An empty token deletes. */
	if (kind == ERR_OK && token != NULL && token->as.string.len > 0)
		kind = seal(visit, "bootstrap_token", token->as.string.bytes, token->as.string.len,
			&value);
	if (kind == ERR_OK)
		kind = db_run(visit->mdm->db, SQL_ENROLLMENT_SET_BOOTSTRAP_TOKEN,
			DB_ARGS(DB_INT(enrollment.no), value), NULL, visit->err);
	if (kind == ERR_OK)
		kind = note_event(visit, EVENT_BOOTSTRAP_TOKEN, enrollment.no, NULL);
	return kind;
}

/* None stored is a success with an empty body. */
static enum err_kind
get_bootstrap_token(struct visit *visit)
{
	struct mdm *mdm = visit->mdm;
	struct enrollment enrollment;
	struct plist *answer;
	unsigned char *token;
	const void *closed;
	struct db_row row;
	enum err_kind kind;
	size_t len;

	kind = bind_enrolled(visit, &enrollment);
	if (kind == ERR_OK)
		kind = db_first(mdm->db, SQL_ENROLLMENT_BOOTSTRAP_TOKEN,
			DB_ARGS(DB_INT(enrollment.no)), &row, visit->err);
	if (kind != ERR_OK)
		return kind;
	closed = db_blob(&row, 1, &len);
	if (closed == NULL)
		return ERR_OK;
	kind = seal_open(mdm->key, mdm->arena,
		arena_printf(mdm->arena, "enrollment/bootstrap_token/%s", db_text(&row, 0)), closed,
		len, &token, &len, visit->err);
	if (kind != ERR_OK)
		return kind;
	answer = plist_dict(mdm->arena);
	plist_set(mdm->arena, answer, "BootstrapToken", plist_data(mdm->arena, token, len));
	plist_write_xml(visit->reply, answer, false);
	return ERR_OK;
}

/* ---- UserAuthenticate ---- */

/* Declined: a local user of a Mac goes on without an MDM session of its own. */
static enum err_kind
user_authenticate(struct visit *visit)
{
	struct enrollment_ids device_ids = visit->ids;
	struct enrollment device;
	enum err_kind kind;

	device_ids.id = visit->ids.device_id;
	kind = enrollment_bind(
		visit->mdm, &device_ids, &visit->checkin->caller, &device, visit->err);
	return kind == ERR_OK ? err_set(visit->err, ERR_GONE, "UserAuthenticate is declined")
			      : kind;
}

static const struct {
	const char *name;
	enum err_kind (*handle)(struct visit *visit);
} messages[] = {
	{"Authenticate", authenticate},
	{"TokenUpdate", token_update},
	{"CheckOut", check_out},
	{"SetBootstrapToken", set_bootstrap_token},
	{"GetBootstrapToken", get_bootstrap_token},
	{"UserAuthenticate", user_authenticate},
};

enum err_kind
checkin_handle(struct mdm *mdm, const struct checkin *checkin, struct buf *reply,
	const char **enrollment_id, struct err *err)
{
	const char *type = plist_get_string(checkin->message, "MessageType");
	struct visit visit = {.mdm = mdm,
		.checkin = checkin,
		.message = checkin->message,
		.reply = reply,
		.err = err};

	if (type == NULL)
		return err_set(err, ERR_BAD_INPUT, "MessageType must be a string");
	if (checkin->raw_len > CHECKIN_MOST)
		return err_set(err, ERR_TOO_LARGE, "a check-in has at most %d bytes", CHECKIN_MOST);
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		if (strcmp(messages[i].name, type) != 0)
			continue;
		if (enrollment_ids_of(mdm->arena, checkin->message, &visit.ids, err) != ERR_OK)
			return err->kind;
		*enrollment_id = visit.ids.id;
		return messages[i].handle(&visit);
	}
	return err_set(err, ERR_BAD_INPUT, "unknown MessageType \"%.60s\"", type);
}
