/*
 * Who a message is from, and whether the caller may say so: between decoding the body and acting on
 * it.
 */
#include "mdm/enrollment.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mdm/login.h"

enum { OS_MAJOR_MOST = 1000 };

/* The UserID of every user of a Shared iPad; the short name tells them apart. */
static const char shared_ipad_user[] = "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF";

static const char *const kind_names[] = {
	[ENROLLMENT_DEVICE] = "device",
	[ENROLLMENT_USER] = "user",
	[ENROLLMENT_SHARED_IPAD] = "shared_ipad",
	[ENROLLMENT_USER_ENROLLMENT_DEVICE] = "user_enrollment_device",
	[ENROLLMENT_USER_ENROLLMENT] = "user_enrollment",
};

const char *
enrollment_kind_name(enum enrollment_kind kind)
{
	return kind_names[kind];
}

static enum err_kind
check_id(const char *key, const char *id, struct err *err)
{
	if (*id == '\0' || strlen(id) > ENROLLMENT_ID_MOST)
		return err_set(
			err, ERR_BAD_INPUT, "%s must have 1 to %d bytes", key, ENROLLMENT_ID_MOST);
	for (const char *p = id; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(err, ERR_BAD_INPUT, "%s holds a control character", key);
	return ERR_OK;
}

static enum err_kind
check_device_id(const char *key, const char *id, struct err *err)
{
	if (strchr(id, ':') != NULL)
		return err_set(err, ERR_BAD_INPUT, "%s holds a colon", key);
	return check_id(key, id, err);
}

int64_t
enrollment_os_major(const char *os_version)
{
	long major = strtol(os_version, NULL, 10);

	return major > 0 && major <= OS_MAJOR_MOST ? major : 0;
}

/* Makes DEVICE_ID:USER the id of a user channel. */
static enum err_kind
set_user(struct arena *arena, struct enrollment_ids *ids, enum enrollment_kind kind,
	const char *key, const char *user, struct err *err)
{
	if (user == NULL)
		return err_set(err, ERR_BAD_INPUT, "%s is missing", key);
	if (check_id(key, user, err) != ERR_OK)
		return err->kind;
	ids->kind = kind;
	ids->id = arena_printf(arena, "%s:%s", ids->device_id, user);
	return check_id("the enrollment id", ids->id, err);
}

enum err_kind
enrollment_ids_of(struct arena *arena, const struct plist *message, struct enrollment_ids *ids,
	struct err *err)
{
	const char *enrollment_id = plist_get_string(message, "EnrollmentID");
	const char *enrollment_user = plist_get_string(message, "EnrollmentUserID");
	const char *udid = plist_get_string(message, "UDID");

	*ids = (struct enrollment_ids){
		.udid = udid,
		.user_id = plist_get_string(message, "UserID"),
		.user_short_name = plist_get_string(message, "UserShortName"),
		.user_long_name = plist_get_string(message, "UserLongName"),
		.auth_token = plist_get_string(message, "AuthToken"),
	};
	if (udid != NULL) {
		ids->kind = ENROLLMENT_DEVICE;
		ids->id = ids->device_id = udid;
		if (check_device_id("UDID", udid, err) != ERR_OK)
			return err->kind;
		if (ids->user_id != NULL && strcmp(ids->user_id, shared_ipad_user) == 0)
			return set_user(arena, ids, ENROLLMENT_SHARED_IPAD, "UserShortName",
				ids->user_short_name, err);
		if (ids->user_id != NULL)
			return set_user(arena, ids, ENROLLMENT_USER, "UserID", ids->user_id, err);
		return ERR_OK;
	}
	if (enrollment_id == NULL)
		return err_set(err, ERR_BAD_INPUT, "the message has neither UDID nor EnrollmentID");
	ids->kind = ENROLLMENT_USER_ENROLLMENT_DEVICE;
	ids->id = ids->device_id = enrollment_id;
	if (check_device_id("EnrollmentID", enrollment_id, err) != ERR_OK)
		return err->kind;
	if (enrollment_user != NULL) {
		ids->user_id = enrollment_user;
		return set_user(arena, ids, ENROLLMENT_USER_ENROLLMENT, "EnrollmentUserID",
			enrollment_user, err);
	}
	return ERR_OK;
}

enum err_kind
enrollment_find(struct mdm *mdm, const char *id, struct enrollment *enrollment, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(
		mdm->db, SQL_ENROLLMENT_FIND, DB_ARGS(DB_TEXT(id), DB_INT(clock_now())), &row, err);

	if (kind == ERR_NOT_FOUND)
		return err_set(err, kind, "unknown device %s", id);
	if (kind != ERR_OK)
		return kind;
	*enrollment = (struct enrollment){
		.no = db_int(&row, 0),
		.id = db_text(&row, 1),
		.device_no = db_int(&row, 2),
		.kind = db_text(&row, 3),
		.state = db_text(&row, 4),
		.blocked = db_int(&row, 5) != 0,
		.serial = db_text(&row, 6),
		.topic = db_text(&row, 7),
		.certificate = db_text(&row, 8),
		.device_state = db_text(&row, 9),
		.last_seen = db_int(&row, 10),
		.has_commands = db_int(&row, 11) != 0,
		.has_sent = db_int(&row, 11) == 2,
		.is_awaited = db_int(&row, 12) != 0,
		.identity_expires = db_int(&row, 13),
		.awaiting = db_int(&row, 14) != 0,
		.await_until = db_int(&row, 15),
		.auth_token = db_text(&row, 16),
	};
	return ERR_OK;
}

enum err_kind
enrollment_knows_certificate(struct mdm *mdm, const char *certificate, bool *known, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(
		mdm->db, SQL_ENROLLMENT_BY_CERTIFICATE, DB_ARGS(DB_TEXT(certificate)), &row, err);

	*known = kind == ERR_OK;
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

enum err_kind
enrollment_bind(struct mdm *mdm, const struct enrollment_ids *ids, const struct pin_caller *caller,
	struct enrollment *enrollment, struct err *err)
{
	enum err_kind kind = enrollment_find(mdm, ids->id, enrollment, err);

	if (kind == ERR_NOT_FOUND)
		return err_set(err, ERR_FORBIDDEN, "unknown device");
	if (kind == ERR_OK)
		kind = pin_check(mdm, enrollment, caller, err);
	if (kind == ERR_OK && !login_is_valid(enrollment->auth_token, ids->auth_token))
		return err_set(err, ERR_FORBIDDEN, "the AuthToken is missing or wrong");
	return kind;
}
