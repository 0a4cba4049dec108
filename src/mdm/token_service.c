/*
 * Beneath GetToken (mdm/checkin_token.c) and `pomona token-service`.
 */
#include "mdm/token_service.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "codec/jwt.h"
#include "mdm/audit.h"
#include "mdm/event.h"
#include "mdm/setting.h"

enum { TYPE_MOST = 200, DETAIL_MOST = 1024 };

static const char *
key_place(struct mdm *mdm, const char *type)
{
	return arena_printf(mdm->arena, "token_source/key/%s", type);
}

enum err_kind
token_service_find(
	struct mdm *mdm, const char *type, struct token_service *service, struct err *err)
{
	struct db_row row;
	enum err_kind kind =
		db_first(mdm->db, SQL_TOKEN_SERVICE_GET, DB_ARGS(DB_TEXT(type)), &row, err);

	*service = (struct token_service){0};
	if (kind == ERR_NOT_FOUND)
		return err_set(err, kind, "there is no token service %.100s", type);
	if (kind != ERR_OK)
		return kind;
	service->url = db_text(&row, 1);
	service->issuer = db_text(&row, 2);
	service->key = db_blob(&row, 3, &service->key_len);
	return ERR_OK;
}

enum err_kind
token_service_make(
	struct mdm *mdm, const struct token_service *service, const char **token, struct err *err)
{
	struct arena *arena = mdm->arena;
	struct plist *claims = plist_dict(arena);
	char uuid[CLOCK_UUID_SIZE];
	unsigned char *key;
	size_t len;
	enum err_kind kind = seal_open(mdm->key, arena, key_place(mdm, TOKEN_SERVICE_MAID),
		service->key, service->key_len, &key, &len, err);

	if (kind != ERR_OK)
		return kind;
	plist_set(arena, claims, "iss", plist_string(arena, service->issuer));
	plist_set(arena, claims, "iat", plist_integer(arena, clock_now() / 1000));
	plist_set(arena, claims, "jti", plist_string(arena, clock_uuid(uuid)));
	plist_set(arena, claims, "service_type", plist_string(arena, TOKEN_SERVICE_MAID));
	return jwt_sign(arena, (const char *)key, claims, token, err);
}

/* ---- for the operator ---- */

static enum err_kind
add_event(struct mdm *mdm, const char *type, const char *method, struct err *err)
{
	struct plist *detail = plist_dict(mdm->arena);
	struct buf json;

	plist_set(mdm->arena, detail, "type", plist_string(mdm->arena, type));
	plist_set(mdm->arena, detail, "method", plist_string(mdm->arena, method));
	buf_init(&json, mdm->arena, DETAIL_MOST);
	plist_write_json(&json, detail, false);
	if (event_add(mdm, EVENT_TOKEN_SERVICE, 0, json.full ? NULL : json.bytes, NULL, 0, err) !=
		ERR_OK)
		return err->kind;
	return audit_add(mdm, AUDIT_TOKEN_SERVICE, type, NULL, detail, err);
}

static bool
is_uuid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i] != '\0'; i++)
		if (form[i] == 'x' ? !isxdigit((unsigned char)text[i]) : text[i] != '-')
			return false;
	return true;
}

enum err_kind
token_service_set_maid(struct mdm *mdm, const struct token_service_key *key, struct err *err)
{
	struct db_value sealed;
	const char *pem;
	enum err_kind kind;

	if (!is_uuid(key->issuer))
		return err_set(err, ERR_BAD_INPUT,
			"the issuer is the server_uuid of the MDM server in Apple Business or "
			"School Manager, a UUID");
	kind = jwt_read_key(mdm->arena, key->bytes, key->len, key->password, &pem, err);
	if (kind == ERR_OK)
		kind = mdm_seal(
			mdm, key_place(mdm, TOKEN_SERVICE_MAID), pem, strlen(pem), &sealed, err);
	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_TOKEN_SERVICE_SET,
			DB_ARGS(DB_TEXT(TOKEN_SERVICE_MAID), DB_TEXT("maid"), DB_NULL(),
				DB_TEXT(key->issuer), sealed, DB_INT(clock_now())),
			NULL, err);
	return kind == ERR_OK ? add_event(mdm, TOKEN_SERVICE_MAID, "maid", err) : kind;
}

static bool
is_type(const char *type)
{
	size_t len = strlen(type);

	for (const char *p = type; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr(".-_", *p) == NULL)
			return false;
	return len > 0 && len <= TYPE_MOST;
}

enum err_kind
token_service_set_hook(struct mdm *mdm, const char *type, const char *url, struct err *err)
{
	enum err_kind kind;

	if (!is_type(type))
		return err_set(err, ERR_BAD_INPUT,
			"a service type is letters, digits, \".\", \"-\" and \"_\", like %s",
			TOKEN_SERVICE_WATCH);
	if (!setting_is_backend_url(url))
		return err_set(err, ERR_BAD_INPUT, "the hook must be " SETTING_BACKEND_URL);
	kind = db_run(mdm->db, SQL_TOKEN_SERVICE_SET,
		DB_ARGS(DB_TEXT(type), DB_TEXT("hook"), DB_TEXT(url), DB_NULL(), DB_NULL(),
			DB_INT(clock_now())),
		NULL, err);
	return kind == ERR_OK ? add_event(mdm, type, "hook", err) : kind;
}

enum err_kind
token_service_remove(struct mdm *mdm, const char *type, struct err *err)
{
	int64_t count = 0;
	enum err_kind kind =
		db_run(mdm->db, SQL_TOKEN_SERVICE_REMOVE, DB_ARGS(DB_TEXT(type)), &count, err);

	if (kind == ERR_OK && count == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no token service %.100s", type);
	return kind == ERR_OK ? add_event(mdm, type, "none", err) : kind;
}
