#include "mdm/event.h"

#include "base/clock.h"

static const char *const event_names[] = {
	[EVENT_AUTHENTICATE] = "authenticate",
	[EVENT_TOKEN_UPDATE] = "token_update",
	[EVENT_CHECK_OUT] = "check_out",
	[EVENT_BOOTSTRAP_TOKEN] = "bootstrap_token",
	[EVENT_USER_AUTHENTICATE] = "user_authenticate",
	[EVENT_AWAIT_RELEASED] = "await_released",
	[EVENT_PUSH_STOPPED] = "push_stopped",
	[EVENT_TOPIC_STOPPED] = "topic_stopped",
	[EVENT_COMMAND_INVALID] = "command_invalid",
	[EVENT_SETTING] = "setting",
	[EVENT_PROFILE] = "enrollment_profile",
	[EVENT_IDENTITY_PINNED] = "identity_pinned",
	[EVENT_IDENTITY_RENEWED] = "identity_renewed",
	[EVENT_IDENTITY_REVOKED] = "identity_revoked",
	[EVENT_EXPIRES] = "expires",
	[EVENT_GET_TOKEN] = "get_token",
	[EVENT_RELAY_FAILED] = "relay_failed",
	[EVENT_RETURN_TO_SERVICE] = "return_to_service",
	[EVENT_TOKEN_SERVICE] = "token_service",
	[EVENT_CA] = "ca",
	[EVENT_ESCROW] = "escrow",
	[EVENT_SECRET_SHOWN] = "secret_shown",
};

enum err_kind
event_add(struct mdm *mdm, enum event_kind kind, int64_t enrollment_no, const char *detail,
	const void *raw, size_t raw_len, struct err *err)
{
	struct db_value sealed;
	enum err_kind failed =
		mdm_seal(mdm, arena_printf(mdm->arena, EVENT_RAW_PLACE, (long long)enrollment_no),
			raw, raw_len, &sealed, err);

	if (failed != ERR_OK)
		return failed;
	return db_run(mdm->db, SQL_EVENT_ADD,
		DB_ARGS(DB_INT(clock_now()), DB_TEXT(event_names[kind]),
			enrollment_no == 0 ? DB_NULL() : DB_INT(enrollment_no), DB_TEXT(detail),
			sealed),
		NULL, err);
}
