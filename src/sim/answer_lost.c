/*
 * A device that is lost: Lost Mode, where it is, locked, erased.
 */
#include <string.h>

#include "base/clock.h"
#include "sim/answer_work.h"

enum { PIN_LEN = 6, NOT_LOST = 12067 };

bool
answer_is_lost(const struct answer_work *work)
{
	return answer_recall(work, "lost") != NULL;
}

/* True: it is lost; else that is an error. */
static bool
check_lost(struct answer_work *work)
{
	bool lost = answer_is_lost(work);

	if (!lost)
		answer_fail(work, "MCMDMErrorDomain", NOT_LOST, "The device is not in Lost Mode.");
	return lost;
}

/* It has to show something. */
void
answer_enable_lost_mode(struct answer_work *work)
{
	if (plist_get_string(work->args, "Message") == NULL &&
		plist_get_string(work->args, "PhoneNumber") == NULL)
		answer_malformed(work);
	else
		answer_keep(work, "lost", work->args);
}

void
answer_disable_lost_mode(struct answer_work *work)
{
	if (check_lost(work))
		answer_forget(work, "lost");
}

void
answer_play_lost_mode_sound(struct answer_work *work)
{
	check_lost(work);
}

static void
set_real(struct answer_work *work, const char *key, double value)
{
	answer_set(work, key, plist_real(work->arena, value));
}

/* Somewhere in Berlin. */
void
answer_device_location(struct answer_work *work)
{
	const struct persona *persona = work->persona;
	char now[CLOCK_ISO_SIZE];

	if (!check_lost(work))
		return;
	set_real(work, "Latitude", 52.45 + persona_pick(persona, "latitude", 10000) / 100000.0);
	set_real(work, "Longitude", 13.3 + persona_pick(persona, "longitude", 20000) / 100000.0);
	set_real(work, "HorizontalAccuracy", 5 + persona_pick(persona, "accuracy", 60));
	set_real(work, "VerticalAccuracy", 3 + persona_pick(persona, "accuracy up", 20));
	set_real(work, "Altitude", 34 + persona_pick(persona, "altitude", 40));
	set_real(work, "Speed", 0);
	set_real(work, "Course", persona_pick(persona, "course", 360));
	answer_set(work, "Timestamp", plist_string(work->arena, clock_iso(clock_now(), now)));
}

/* ---- locking and erasing ---- */

/* A PIN, where there is one, is six digits. */
static bool
pin_fits(struct answer_work *work)
{
	const char *pin = plist_get_string(work->args, "PIN");

	if (pin == NULL || (strlen(pin) == PIN_LEN && strspn(pin, "0123456789") == PIN_LEN))
		return true;
	answer_fail(work, "MCMDMErrorDomain", 12008, "The PIN has to have six digits.");
	return false;
}

void
answer_device_lock(struct answer_work *work)
{
	if (pin_fits(work) && (plist_get_string(work->args, "Message") != NULL ||
				      plist_get_string(work->args, "PhoneNumber") != NULL))
		answer_set(work, "MessageResult",
			plist_string(work->arena,
				answer_is_lost(work) ? "DeviceInLostMode" : "Success"));
}

void
answer_erase_device(struct answer_work *work)
{
	const struct plist *service = plist_get_typed(work->args, "ReturnToService", PLIST_DICT);

	if (pin_fits(work))
		work->answer->effect = plist_get_boolean(service, "Enabled", false) ? ANSWER_RETURNS
										    : ANSWER_ERASED;
}
