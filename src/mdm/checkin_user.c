/*
 * UserAuthenticate: a network or mobile user logs in at a Mac.  What becomes of it setting
 * user_authenticate says.
 *
 * Apple: "User Authenticate".  The first message has no DigestResponse and gets a DigestChallenge,
 * an empty one when no password is wanted; the second one gets an AuthToken, an empty one when the
 * password is wrong.  A 410 declines: the server does not manage this user in this login session.
 */
#include "mdm/checkin_parts.h"

#include <string.h>

#include "mdm/login.h"
#include "mdm/setting.h"

enum { DIGEST_MOST = 4096 };

static enum err_kind
reply_with(struct checkin_visit *visit, const char *key, const char *value)
{
	struct arena *arena = visit->mdm->arena;
	struct plist *answer = plist_dict(arena);

	plist_set(arena, answer, key, plist_string(arena, value));
	plist_write_xml(visit->reply, answer, false);
	return ERR_OK;
}

/* What came of it, in words; no secret is among them. */
static enum err_kind
note(struct checkin_visit *visit, const struct login *login, const char *outcome, const char *name,
	const char *refusal)
{
	struct arena *arena = visit->mdm->arena;
	struct plist *detail = plist_dict(arena);
	struct buf json;

	plist_set(arena, detail, "outcome", plist_string(arena, outcome));
	if (name != NULL)
		plist_set(arena, detail, "user", plist_string(arena, name));
	if (refusal != NULL)
		plist_set(arena, detail, "reason", plist_string(arena, refusal));
	buf_init(&json, arena, DIGEST_MOST);
	plist_write_json(&json, detail, false);
	return checkin_event(visit, EVENT_USER_AUTHENTICATE, login->enrollment_no,
		json.full ? NULL : json.bytes);
}

/* ---- what the setting may say ---- */

static enum err_kind
decline(struct checkin_visit *visit, const struct login *login, const char *response)
{
	(void)login;
	(void)response;
	return err_set(visit->err, ERR_GONE, "UserAuthenticate is declined");
}

/* A second message is not expected, and gets an empty answer. */
static enum err_kind
accept(struct checkin_visit *visit, const struct login *login, const char *response)
{
	enum err_kind kind = login_open(visit->mdm, login, visit->err);

	if (kind == ERR_OK)
		kind = note(visit, login, "accepted", NULL, NULL);
	if (kind == ERR_OK && response == NULL)
		kind = reply_with(visit, "DigestChallenge", "");
	return kind;
}

static enum err_kind
digest(struct checkin_visit *visit, const struct login *login, const char *response)
{
	const char *challenge, *token, *name, *refusal;
	enum err_kind kind;

	if (response == NULL) {
		kind = login_challenge(visit->mdm, login, &challenge, visit->err);
		if (kind == ERR_OK)
			kind = note(visit, login, "challenged", NULL, NULL);
		return kind == ERR_OK ? reply_with(visit, "DigestChallenge", challenge) : kind;
	}
	kind = login_answer(visit->mdm, login, response, &token, &name, &refusal, visit->err);
	if (kind == ERR_OK)
		kind = note(visit, login, refusal == NULL ? "accepted" : "refused", name, refusal);
	return kind == ERR_OK ? reply_with(visit, "AuthToken", token) : kind;
}

static const struct {
	const char *value;
	enum err_kind (*answer)(
		struct checkin_visit *visit, const struct login *login, const char *response);
} ways[] = {
	{"decline", decline},
	{"accept", accept},
	{"digest", digest},
};

/* ---- who it is ---- */

/* The user's channel begins here when it is not there yet: until the user has authenticated it
 * takes no message. */
static enum err_kind
find_user(struct checkin_visit *visit, const struct enrollment *device, struct login *login)
{
	struct enrollment user;
	enum err_kind kind = checkin_add_user(visit, device, device->topic, &user);

	*login = (struct login){
		.device_no = device->no,
		.enrollment_no = user.no,
		.id = visit->ids.id,
		.short_name = visit->ids.user_short_name,
	};
	return kind;
}

enum err_kind
checkin_user_authenticate(struct checkin_visit *visit)
{
	const char *way = NULL, *response = NULL;
	struct enrollment device;
	struct login login;
	enum err_kind kind = checkin_bind_device(visit, &device);

	if (kind == ERR_OK && !checkin_is_user(visit))
		return err_set(visit->err, ERR_BAD_INPUT, "UserID is missing");
	if (kind == ERR_OK && visit->ids.kind != ENROLLMENT_USER)
		return err_set(visit->err, ERR_GONE,
			"UserAuthenticate is declined: it is for users of a Mac that is enrolled "
			"as "
			"a device");
	if (kind == ERR_OK)
		kind = checkin_string(visit, "DigestResponse", false, &response);
	if (kind == ERR_OK)
		kind = setting_get(visit->mdm, "user_authenticate", &way, visit->err);
	if (kind == ERR_OK)
		kind = find_user(visit, &device, &login);
	if (kind != ERR_OK)
		return kind;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(ways[i].value, way) == 0)
			return ways[i].answer(visit, &login, response);
	return decline(visit, &login, response);
}
