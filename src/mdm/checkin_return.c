/*
 * ReturnToService: a device in that mode is about to erase itself, and asks how it is to come back.
 */
#include "mdm/checkin_parts.h"

#include <string.h>

#include "mdm/return_to_service.h"
#include "mdm/setting.h"

static enum err_kind
add_profile(struct checkin_visit *visit, struct plist *answer, const char *kind, const char *key)
{
	struct mdm *mdm = visit->mdm;
	const unsigned char *profile;
	size_t len = 0;
	enum err_kind failed = return_to_service_profile(mdm, kind, &profile, &len, visit->err);

	if (failed == ERR_OK && profile != NULL)
		plist_set(mdm->arena, answer, key, plist_data(mdm->arena, profile, len));
	return failed;
}

static enum err_kind
add_switch(struct checkin_visit *visit, struct plist *answer, const char *setting, const char *key)
{
	const char *value;
	enum err_kind kind = setting_get(visit->mdm, setting, &value, visit->err);

	if (kind == ERR_OK && strcmp(value, "on") == 0)
		plist_set(visit->mdm->arena, answer, key, plist_boolean(visit->mdm->arena, true));
	return kind;
}

/* Without its bootstrap token a device keeps no apps. */
static enum err_kind
add_bootstrap_token(struct checkin_visit *visit, struct plist *answer, int64_t enrollment_no)
{
	struct arena *arena = visit->mdm->arena;
	const unsigned char *token;
	size_t len = 0;
	enum err_kind kind = checkin_bootstrap_token(visit, enrollment_no, &token, &len);

	if (kind == ERR_OK && token != NULL)
		plist_set(arena, answer, "BootstrapToken", plist_data(arena, token, len));
	return kind;
}

/* The keys inside of ReturnToService, when it is enabled. */
static enum err_kind
add_plan(struct checkin_visit *visit, struct plist *answer, const char *mode, int64_t enrollment_no)
{
	enum err_kind kind = add_profile(visit, answer, "wifi", "WiFiProfileData");

	if (kind == ERR_OK)
		kind = add_profile(visit, answer, "mdm", "MDMProfileData");
	if (kind == ERR_OK && strcmp(mode, "keep_apps") == 0)
		kind = add_bootstrap_token(visit, answer, enrollment_no);
	if (kind == ERR_OK)
		kind = add_switch(
			visit, answer, "return_to_service_retry", "ShouldRetryEnrollment");
	return kind;
}

static enum err_kind
write_answer(struct checkin_visit *visit, int64_t enrollment_no)
{
	struct arena *arena = visit->mdm->arena;
	struct plist *answer = plist_dict(arena), *plan = plist_dict(arena);
	const char *mode;
	bool enabled;
	enum err_kind kind = setting_get(visit->mdm, "return_to_service", &mode, visit->err);

	if (kind != ERR_OK)
		return kind;
	enabled = strcmp(mode, "off") != 0;
	plist_set(arena, plan, "Enabled", plist_boolean(arena, enabled));
	if (enabled)
		kind = add_plan(visit, plan, mode, enrollment_no);
	if (kind == ERR_OK && enabled)
		kind = add_switch(visit, answer, "return_to_service_plan", "PreserveDataPlan");
	if (kind != ERR_OK)
		return kind;
	plist_set(arena, answer, "ReturnToService", plan);
	plist_write_xml(visit->reply, answer, false);
	return ERR_OK;
}

enum err_kind
checkin_return_to_service(struct checkin_visit *visit)
{
	struct enrollment enrollment;
	enum err_kind kind;

	if (visit->ids.kind != ENROLLMENT_DEVICE)
		return err_set(visit->err, ERR_BAD_INPUT,
			"ReturnToService comes on the device channel of a device enrollment only");
	kind = checkin_bind(visit, &enrollment);
	if (kind == ERR_OK)
		kind = write_answer(visit, enrollment.no);
	if (kind == ERR_OK)
		kind = checkin_event(visit, EVENT_RETURN_TO_SERVICE, enrollment.no, NULL);
	return kind;
}
