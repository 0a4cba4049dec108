/*
 * The check-in messages.  By the time one gets here its body is a plist and its caller has shown a
 * certificate that the web server has verified; whose certificate it is each message's function
 * checks (checkin_<what>.c).  Here is what they share, and the table.
 */
#include "mdm/checkin.h"

#include <string.h>

#include "mdm/checkin_parts.h"
#include "mdm/event.h"

enum {
	CHECKIN_MOST = 256 * 1024, /* bytes: each is kept as it came */
	TEXT_MOST = 1024,
	DETAIL_MOST = 64 * 1024,
};

/* ---- keys of a message ---- */

/* A string of at most TEXT_MOST bytes; NULL when it is not there and not REQUIRED. */
enum err_kind
checkin_string(struct checkin_visit *visit, const char *key, bool required, const char **value)
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

enum err_kind
checkin_data(struct checkin_visit *visit, const char *key, bool required, size_t most,
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
enum err_kind
checkin_seal(struct checkin_visit *visit, const char *column, const void *bytes, size_t len,
	struct db_value *value)
{
	return mdm_seal(visit->mdm,
		arena_printf(visit->mdm->arena, "enrollment/%s/%s", column, visit->ids.id), bytes,
		len, value, visit->err);
}

enum err_kind
checkin_event(struct checkin_visit *visit, enum event_kind kind, int64_t enrollment_no,
	const char *detail)
{
	return event_add(visit->mdm, kind, enrollment_no, detail, visit->checkin->raw,
		visit->checkin->raw_len, visit->err);
}

/* The detail of an event: these keys of the message, as JSON.  None of them is a secret. */
const char *
checkin_detail(struct checkin_visit *visit, const char *const *keys)
{
	struct arena *arena = visit->mdm->arena;
	struct plist *detail = plist_dict(arena);
	struct buf json;

	for (; *keys != NULL; keys++)
		if (plist_get(visit->message, *keys) != NULL)
			plist_set(arena, detail, *keys,
				plist_copy(arena, plist_get(visit->message, *keys)));
	buf_init(&json, arena, DETAIL_MOST);
	plist_write_json(&json, detail, false);
	return json.full ? NULL : json.bytes;
}

bool
checkin_is_user(const struct checkin_visit *visit)
{
	return visit->ids.id != visit->ids.device_id;
}

static enum err_kind
bind_ids(struct checkin_visit *visit, const struct enrollment_ids *ids,
	struct enrollment *enrollment)
{
	enum err_kind kind =
		enrollment_bind(visit->mdm, ids, &visit->checkin->caller, enrollment, visit->err);

	if (kind == ERR_OK && strcmp(enrollment->state, "checked_out") == 0)
		return err_set(visit->err, ERR_FORBIDDEN, "the device has checked out");
	return kind;
}

enum err_kind
checkin_bind(struct checkin_visit *visit, struct enrollment *enrollment)
{
	return bind_ids(visit, &visit->ids, enrollment);
}

enum err_kind
checkin_bind_device(struct checkin_visit *visit, struct enrollment *device)
{
	struct enrollment_ids ids = visit->ids;

	ids.id = visit->ids.device_id;
	return bind_ids(visit, &ids, device);
}

enum err_kind
checkin_add_user(struct checkin_visit *visit, const struct enrollment *device, const char *topic,
	struct enrollment *user)
{
	const struct enrollment_ids *ids = &visit->ids;
	struct db_row row;
	enum err_kind kind = db_first(visit->mdm->db, SQL_ENROLLMENT_ADD_USER,
		DB_ARGS(DB_TEXT(ids->id), DB_TEXT(enrollment_kind_name(ids->kind)),
			DB_INT(device->no), DB_TEXT(topic), DB_TEXT(ids->user_id),
			DB_TEXT(ids->user_short_name), DB_TEXT(ids->user_long_name)),
		&row, visit->err);

	*user = (struct enrollment){.id = ids->id, .device_no = device->no};
	if (kind == ERR_NOT_FOUND)
		return err_set(visit->err, ERR_FORBIDDEN, "the user belongs to another device");
	if (kind != ERR_OK)
		return kind;
	user->no = db_int(&row, 0);
	user->blocked = db_int(&row, 1) != 0;
	user->auth_token = db_text(&row, 2);
	return user->blocked ? err_set(visit->err, ERR_FORBIDDEN, "the user is blocked") : ERR_OK;
}

/* ---- the table ---- */

static const struct {
	const char *name;
	enum err_kind (*handle)(struct checkin_visit *visit);
} messages[] = {
	{"Authenticate", checkin_authenticate},
	{"TokenUpdate", checkin_token_update},
	{"CheckOut", checkin_check_out},
	{"SetBootstrapToken", checkin_set_bootstrap_token},
	{"GetBootstrapToken", checkin_get_bootstrap_token},
	{"UserAuthenticate", checkin_user_authenticate},
	{"DeclarativeManagement", checkin_declarative_management},
	{"GetToken", checkin_get_token},
	{"ReturnToService", checkin_return_to_service},
};

/* A device asks for its declarations again and again; it need not wait for the write lock. */
bool
checkin_only_reads(const struct plist *message)
{
	const char *type = plist_get_string(message, "MessageType");

	return type != NULL && strcmp(type, "DeclarativeManagement") == 0 &&
	       plist_get(message, "Data") == NULL;
}

enum err_kind
checkin_handle(struct mdm *mdm, const struct checkin *checkin, struct buf *reply,
	const char **enrollment_id, struct err *err)
{
	const char *type = plist_get_string(checkin->message, "MessageType");
	struct checkin_after unwanted;
	struct checkin_visit visit = {.mdm = mdm,
		.checkin = checkin,
		.message = checkin->message,
		.reply = reply,
		.after = checkin->after != NULL ? checkin->after : &unwanted,
		.err = err};

	*visit.after = (struct checkin_after){0};
	if (type == NULL)
		return err_set(err, ERR_BAD_INPUT, "MessageType must be a string");
	/* A report on declarations may be long, and is not kept as it came. */
	if (checkin->raw_len > CHECKIN_MOST && strcmp(type, "DeclarativeManagement") != 0)
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
