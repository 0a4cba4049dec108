/*
 * A command comes in as a plist, and goes out as the device's answer.
 */
#include "sim/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/answer_work.h"

enum { KEYS_MOST = 4, PIN_LEN = 6 };

#define ANY ((1u << PERSONA_IPHONE) | (1u << PERSONA_IPAD) | (1u << PERSONA_MAC))
#define MOBILE ((1u << PERSONA_IPHONE) | (1u << PERSONA_IPAD))

static void answer_device_lock(struct answer_work *work);
static void answer_erase_device(struct answer_work *work);
static void answer_clear_passcode(struct answer_work *work);

/* ---- the table ---- */

struct answer_row {
	const char *request_type;
	unsigned kinds; /* of devices that know it */
	void (*build)(struct answer_work *work);
	struct {
		const char *key;
		enum plist_type type;
		bool required;
	} keys[KEYS_MOST];
};

static const struct answer_row rows[] = {
	{"CertificateList", ANY, answer_certificate_list, {{"ManagedOnly", PLIST_BOOLEAN, false}}},
	{"ClearPasscode", MOBILE, answer_clear_passcode, {{"UnlockToken", PLIST_DATA, true}}},
	{"DeviceInformation", ANY, answer_device_information, {{"Queries", PLIST_ARRAY, true}}},
	{"DeviceLock", ANY, answer_device_lock,
		{{"Message", PLIST_STRING, false}, {"PhoneNumber", PLIST_STRING, false},
			{"PIN", PLIST_STRING, false}}},
	{"EraseDevice", ANY, answer_erase_device,
		{{"PIN", PLIST_STRING, false}, {"PreserveDataPlan", PLIST_BOOLEAN, false},
			{"ReturnToService", PLIST_DICT, false}}},
	{"InstallProfile", ANY, answer_install_profile, {{"Payload", PLIST_DATA, true}}},
	{"InstallProvisioningProfile", MOBILE, answer_install_provisioning_profile,
		{{"ProvisioningProfile", PLIST_DATA, true}}},
	{"InstalledApplicationList", ANY, answer_installed_application_list,
		{{"Identifiers", PLIST_ARRAY, false}, {"ManagedAppsOnly", PLIST_BOOLEAN, false},
			{"Items", PLIST_ARRAY, false}}},
	{"ProfileList", ANY, answer_profile_list, {{"ManagedOnly", PLIST_BOOLEAN, false}}},
	{"ProvisioningProfileList", MOBILE, answer_provisioning_profile_list,
		{{"ManagedOnly", PLIST_BOOLEAN, false}}},
	{"RemoveProfile", ANY, answer_remove_profile, {{"Identifier", PLIST_STRING, true}}},
	{"RemoveProvisioningProfile", MOBILE, answer_remove_provisioning_profile,
		{{"UUID", PLIST_STRING, true}}},
	{"Restrictions", ANY, answer_restrictions, {{"ProfileRestrictions", PLIST_BOOLEAN, false}}},
	{"SecurityInfo", ANY, answer_security_info, {{0}}},
};

static const struct answer_row *
find_row(const char *request_type, enum persona_kind kind)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].request_type, request_type) == 0)
			return (rows[i].kinds & (1u << kind)) != 0 ? &rows[i] : NULL;
	return NULL;
}

static bool
keys_fit(const struct answer_row *row, const struct plist *args)
{
	for (int i = 0; i < KEYS_MOST && row->keys[i].key != NULL; i++) {
		const struct plist *value = plist_get(args, row->keys[i].key);

		if (value == NULL ? row->keys[i].required : value->type != row->keys[i].type)
			return false;
	}
	return true;
}

/* ---- what the functions of the table use ---- */

void
answer_set(struct answer_work *work, const char *key, struct plist *value)
{
	plist_set(work->arena, work->answer->message, key, value);
}

static void
set_status(struct answer_work *work, const char *status)
{
	work->answer->status = status;
	answer_set(work, "Status", plist_string(work->arena, status));
}

void
answer_fail(struct answer_work *work, const char *domain, int64_t code, const char *text)
{
	struct arena *arena = work->arena;
	const struct plist *chain = plist_get(work->answer->message, "ErrorChain");
	struct plist *links = chain != NULL ? plist_copy(arena, chain) : plist_array(arena);
	struct plist *link = plist_dict(arena);

	plist_set(arena, link, "ErrorCode", plist_integer(arena, code));
	plist_set(arena, link, "ErrorDomain", plist_string(arena, domain));
	plist_set(arena, link, "LocalizedDescription", plist_string(arena, text));
	plist_set(arena, link, "USEnglishDescription", plist_string(arena, text));
	plist_append(links, link);
	answer_set(work, "ErrorChain", links);
	set_status(work, "Error");
}

void
answer_malformed(struct answer_work *work)
{
	set_status(work, "CommandFormatError");
}

struct device_state *
answer_state(struct answer_work *work)
{
	struct device_state **state = work->device->state;

	if (*state == NULL && (*state = calloc(1, sizeof(**state))) == NULL) {
		fputs("level=error msg=\"out of memory\"\n", stderr);
		abort();
	}
	return *state;
}

/* ---- the short ones ---- */

/* A PIN, where there is one, is six digits. */
static bool
pin_fits(const struct plist *args)
{
	const char *pin = plist_get_string(args, "PIN");

	return pin == NULL || (strlen(pin) == PIN_LEN && strspn(pin, "0123456789") == PIN_LEN);
}

static void
answer_device_lock(struct answer_work *work)
{
	if (!pin_fits(work->args)) {
		answer_fail(work, "MCMDMErrorDomain", 12008, "The PIN has to have six digits.");
		return;
	}
	if (plist_get_string(work->args, "Message") != NULL ||
		plist_get_string(work->args, "PhoneNumber") != NULL)
		answer_set(work, "MessageResult", plist_string(work->arena, "Success"));
}

static void
answer_erase_device(struct answer_work *work)
{
	const struct plist *service = plist_get_typed(work->args, "ReturnToService", PLIST_DICT);

	if (!pin_fits(work->args)) {
		answer_fail(work, "MCMDMErrorDomain", 12008, "The PIN has to have six digits.");
		return;
	}
	work->answer->effect =
		plist_get_boolean(service, "Enabled", false) ? ANSWER_RETURNS : ANSWER_ERASED;
}

static void
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

/* ---- the command ---- */

/* What RULE wants; false: the true answer. */
static bool
answer_as_told(struct answer_work *work, const struct rule *rule)
{
	if (rule == NULL)
		return false;
	switch (rule->action) {
	case RULE_NOT_NOW:
		set_status(work, "NotNow");
		return true;
	case RULE_ERROR:
		answer_fail(work, "MCMDMErrorDomain",
			rule->error_code >= 0 ? rule->error_code : 12010,
			"The command failed, as it was told to.");
		return true;
	case RULE_FORMAT_ERROR:
		answer_malformed(work);
		return true;
	default:
		return false;
	}
}

static void
answer_truly(struct answer_work *work)
{
	const char *request_type = work->answer->request_type;
	const struct answer_row *row = find_row(request_type, work->persona->model->kind);

	if (request_type[0] == '\0')
		answer_malformed(work);
	else if (row == NULL)
		answer_fail(work, "MCMDMErrorDomain", 12021,
			arena_printf(
				work->arena, "“%.80s” is not a valid request type.", request_type));
	else if (!keys_fit(row, work->args))
		answer_malformed(work);
	else
		row->build(work);
}

void
answer_peek(const struct plist *command, const char **uuid, const char **request_type)
{
	const char *type = plist_get_string(plist_get(command, "Command"), "RequestType");

	*uuid = plist_get_string(command, "CommandUUID");
	*request_type = type != NULL ? type : "";
}

enum err_kind
answer_command(struct answer *answer, struct arena *arena, const struct answer_device *device,
	const struct plist *command, const struct rule *rule, struct err *err)
{
	struct answer_work work = {.arena = arena,
		.device = device,
		.persona = device->persona,
		.args = plist_get_typed(command, "Command", PLIST_DICT),
		.answer = answer};

	*answer = (struct answer){.message = plist_dict(arena)};
	answer_peek(command, &answer->uuid, &answer->request_type);
	if (answer->uuid == NULL)
		return err_set(err, ERR_BAD_INPUT, "a command without CommandUUID");
	answer_set(&work, "CommandUUID", plist_string(arena, answer->uuid));
	if (device->persona->model->kind == PERSONA_MAC && answer->request_type[0] != '\0')
		answer_set(&work, "RequestType", plist_string(arena, answer->request_type));
	set_status(&work, "Acknowledged");
	answer_set(&work, "UDID", plist_string(arena, device->persona->udid));
	if (!answer_as_told(&work, rule))
		answer_truly(&work);
	return ERR_OK;
}

/* ---- what a device says of itself ---- */

static struct plist *
checkin(struct arena *arena, const struct persona *persona, const char *topic, const char *type)
{
	struct plist *message = plist_dict(arena);

	plist_set(arena, message, "MessageType", plist_string(arena, type));
	plist_set(arena, message, "Topic", plist_string(arena, topic));
	plist_set(arena, message, "UDID", plist_string(arena, persona->udid));
	return message;
}

struct plist *
answer_authenticate(struct arena *arena, const struct persona *persona, const char *topic)
{
	struct plist *message = checkin(arena, persona, topic, "Authenticate");
	const struct persona_model *model = persona->model;

	plist_set(arena, message, "OSVersion", plist_string(arena, persona->os->version));
	plist_set(arena, message, "BuildVersion", plist_string(arena, persona->os->build));
	plist_set(arena, message, "ProductName", plist_string(arena, model->product_name));
	plist_set(arena, message, "SerialNumber", plist_string(arena, persona->serial));
	if (model->kind == PERSONA_MAC) {
		plist_set(arena, message, "DeviceName", plist_string(arena, persona->device_name));
		plist_set(arena, message, "Model", plist_string(arena, model->model));
		plist_set(arena, message, "ModelName", plist_string(arena, model->model_name));
	}
	return message;
}

struct plist *
answer_token_update(struct arena *arena, const struct persona *persona, const char *topic)
{
	struct plist *message = checkin(arena, persona, topic, "TokenUpdate");
	unsigned char unlock[PERSONA_UNLOCK_SIZE];

	plist_set(arena, message, "AwaitingConfiguration", plist_boolean(arena, false));
	plist_set(arena, message, "PushMagic", plist_string(arena, persona->push_magic));
	plist_set(
		arena, message, "Token", plist_data(arena, persona->token, sizeof(persona->token)));
	if (persona->model->kind != PERSONA_MAC) {
		persona_unlock_token(persona, unlock);
		plist_set(arena, message, "UnlockToken", plist_data(arena, unlock, sizeof(unlock)));
	}
	return message;
}

struct plist *
answer_check_out(struct arena *arena, const struct persona *persona, const char *topic)
{
	return checkin(arena, persona, topic, "CheckOut");
}

struct plist *
answer_idle(struct arena *arena, const struct persona *persona)
{
	struct plist *message = plist_dict(arena);

	plist_set(arena, message, "Status", plist_string(arena, "Idle"));
	plist_set(arena, message, "UDID", plist_string(arena, persona->udid));
	return message;
}
