/*
 * What keeps people out, and lets them in again: passcodes and passwords, the activation lock,
 * remote desktop.
 */
#include <string.h>

#include "sim/answer_work.h"

enum { BYPASS_DIGITS = 26, WRONG_PASSWORD = 12010 };

/* ---- passcode ---- */

void
answer_clear_passcode(struct answer_work *work)
{
	const struct plist *given = plist_get_typed(work->args, "UnlockToken", PLIST_DATA);
	unsigned char own[PERSONA_UNLOCK_SIZE];

	persona_unlock_token(work->persona, own);
	if (given->as.string.len != sizeof(own) ||
		memcmp(given->as.string.bytes, own, sizeof(own)) != 0)
		answer_fail(
			work, "MCPasscodeErrorDomain", 5013, "The passcode could not be cleared.");
	else
		answer_state(work)->passcode_cleared = true;
}

void
answer_request_unlock_token(struct answer_work *work)
{
	unsigned char own[PERSONA_UNLOCK_SIZE];

	persona_unlock_token(work->persona, own);
	answer_set(work, "UnlockToken", plist_data(work->arena, own, sizeof(own)));
}

/* ---- activation lock ---- */

/* Real ones are 26 characters of this alphabet, in groups. */
static const char *
bypass_code(struct answer_work *work)
{
	static const char letters[] = "0123456789ACDEFGHJKLMNPQRTUVWXYZ";
	static const size_t groups[] = {5, 5, 4, 4, 4, 4};
	unsigned char b[BYPASS_DIGITS];
	size_t at = 0, left = groups[0], group = 0;
	struct buf code;

	persona_bytes(work->persona->name, "bypass code", b, sizeof(b));
	buf_init(&code, work->arena, 64);
	for (; at < sizeof(b); at++, left--) {
		if (left == 0) {
			buf_byte(&code, '-');
			left = groups[++group];
		}
		buf_byte(&code, letters[b[at] % (sizeof(letters) - 1)]);
	}
	return code.bytes;
}

void
answer_activation_lock_bypass_code(struct answer_work *work)
{
	if (answer_recall(work, "bypass-code-gone") != NULL)
		answer_fail(work, "MCMDMErrorDomain", 12010,
			"There is no activation lock bypass code on this device.");
	else
		answer_set(work, "ActivationLockBypassCode",
			plist_string(work->arena, bypass_code(work)));
}

void
answer_clear_activation_lock_bypass_code(struct answer_work *work)
{
	answer_keep(work, "bypass-code-gone", plist_boolean(work->arena, true));
}

/* ---- passwords of a Mac ---- */

/* What was set under NAME is TEXT; nothing was set, and there is no TEXT. */
static bool
is_password(struct answer_work *work, const char *name, const char *text)
{
	const struct plist *own = answer_recall(work, name);

	if (own == NULL || text == NULL)
		return own == NULL && text == NULL;
	return strcmp(own->as.string.bytes, text) == 0;
}

/* Where there is one, the current one has to be given; an empty new one takes it away. */
static bool
set_password(struct answer_work *work, const char *name)
{
	const char *current = plist_get_string(work->args, "CurrentPassword");
	const char *new = plist_get_string(work->args, "NewPassword");

	if (answer_recall(work, name) != NULL && !is_password(work, name, current))
		return false;
	if (*new == '\0')
		answer_forget(work, name);
	else
		answer_keep(work, name, plist_string(work->arena, new));
	return true;
}

static void
set_result(struct answer_work *work, const char *key, const char *inner, bool value)
{
	struct plist *result = plist_dict(work->arena);

	plist_set(work->arena, result, inner, plist_boolean(work->arena, value));
	answer_set(work, key, result);
}

void
answer_set_firmware_password(struct answer_work *work)
{
	set_result(work, "SetFirmwarePassword", "PasswordChanged",
		set_password(work, "firmware-password"));
}

void
answer_verify_firmware_password(struct answer_work *work)
{
	set_result(work, "VerifyFirmwarePassword", "PasswordVerified",
		is_password(work, "firmware-password", plist_get_string(work->args, "Password")));
}

void
answer_set_recovery_lock(struct answer_work *work)
{
	if (!set_password(work, "recovery-lock"))
		answer_fail(work, "MCMDMErrorDomain", WRONG_PASSWORD,
			"The current recovery lock password is wrong.");
}

void
answer_verify_recovery_lock(struct answer_work *work)
{
	bool verified =
		is_password(work, "recovery-lock", plist_get_string(work->args, "Password"));

	answer_set(work, "PasswordVerified", plist_boolean(work->arena, verified));
}

/* ---- remote desktop ---- */

void
answer_enable_remote_desktop(struct answer_work *work)
{
	answer_keep(work, "remote-desktop", plist_boolean(work->arena, true));
}

void
answer_disable_remote_desktop(struct answer_work *work)
{
	answer_forget(work, "remote-desktop");
}
