/*
 * The table of users: the command line writes it, mdm/login asks it.
 */
#include "mdm/user.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "codec/text.h"
#include "mdm/audit.h"
#include "mdm/setting.h"

enum { NAME_MOST = 100, PASSWORD_MOST = 256 };

static bool
is_text(const char *text, size_t most)
{
	size_t len = strlen(text);

	for (const char *p = text; *p != '\0'; p++)
		if (iscntrl((unsigned char)*p))
			return false;
	return len > 0 && len <= most && text_is_utf8(text, len);
}

static enum err_kind
check(const char *name, const char *password, struct err *err)
{
	/* A colon ends the name in what is digested. */
	if (!is_text(name, NAME_MOST) || strchr(name, ':') != NULL)
		return err_set(err, ERR_BAD_INPUT,
			"a short name has 1 to %d bytes, and neither a colon nor a control "
			"character",
			NAME_MOST);
	if (!is_text(password, PASSWORD_MOST))
		return err_set(err, ERR_BAD_INPUT,
			"a password has 1 to %d bytes, and no control character", PASSWORD_MOST);
	return ERR_OK;
}

static const char *
place(struct mdm *mdm, const char *name)
{
	return arena_printf(mdm->arena, "login_user/ha1/%s", name);
}

static enum err_kind
make_secret(struct mdm *mdm, const char *name, const char *password, const char **realm,
	struct db_value *sealed, struct err *err)
{
	char secret[DIGEST_SIZE];
	enum err_kind kind = check(name, password, err);

	if (kind == ERR_OK)
		kind = setting_get(mdm, "user_realm", realm, err);
	if (kind == ERR_OK)
		kind = digest_secret(mdm->arena, name, *realm, password, secret, err);
	if (kind == ERR_OK)
		kind = mdm_seal(mdm, place(mdm, name), secret, DIGEST_SIZE - 1, sealed, err);
	memset(secret, 0, sizeof(secret));
	return kind;
}

enum err_kind
user_add(struct mdm *mdm, const char *name, const char *password, struct err *err)
{
	struct db_value sealed;
	const char *realm;
	enum err_kind kind = make_secret(mdm, name, password, &realm, &sealed, err);

	if (kind != ERR_OK)
		return kind;
	kind = db_run(mdm->db, SQL_USER_ADD,
		DB_ARGS(DB_TEXT(name), DB_TEXT(realm), sealed, DB_INT(clock_now())), NULL, err);
	if (kind == ERR_CONFLICT)
		return err_set(err, kind, "there is a user %s already", name);
	return kind == ERR_OK ? audit_add(mdm, AUDIT_USER_SET, name, NULL, NULL, err) : kind;
}

/* CHANGED: of one user, or none? */
static enum err_kind
was_there(enum err_kind kind, int64_t changed, const char *name, struct err *err)
{
	if (kind == ERR_OK && changed == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no user %s", name);
	return kind;
}

enum err_kind
user_set_password(struct mdm *mdm, const char *name, const char *password, struct err *err)
{
	struct db_value sealed;
	const char *realm;
	int64_t changed = 0;
	enum err_kind kind = make_secret(mdm, name, password, &realm, &sealed, err);

	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_USER_SET,
			DB_ARGS(DB_TEXT(name), DB_TEXT(realm), sealed, DB_INT(clock_now())),
			&changed, err);
	kind = was_there(kind, changed, name, err);
	return kind == ERR_OK ? audit_add(mdm, AUDIT_USER_SET, name, NULL, NULL, err) : kind;
}

enum err_kind
user_remove(struct mdm *mdm, const char *name, struct err *err)
{
	int64_t changed = 0;
	enum err_kind kind =
		db_run(mdm->db, SQL_USER_REMOVE, DB_ARGS(DB_TEXT(name)), &changed, err);

	kind = was_there(kind, changed, name, err);
	return kind == ERR_OK ? audit_add(mdm, AUDIT_USER_REMOVE, name, NULL, NULL, err) : kind;
}

enum err_kind
user_find(
	struct mdm *mdm, const char *name, const char **realm, const char **secret, struct err *err)
{
	unsigned char *opened;
	struct db_row row;
	const void *sealed;
	size_t len;
	enum err_kind kind = db_first(mdm->db, SQL_USER_FIND, DB_ARGS(DB_TEXT(name)), &row, err);

	if (kind != ERR_OK)
		return kind;
	sealed = db_blob(&row, 1, &len);
	kind = seal_open(mdm->key, mdm->arena, place(mdm, name), sealed, len, &opened, &len, err);
	if (kind != ERR_OK)
		return kind;
	*realm = db_text(&row, 0);
	*secret = (const char *)opened;
	return ERR_OK;
}
