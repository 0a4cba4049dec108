/*
 * ProfileList, InstallProfile, RemoveProfile.
 *
 * Three profiles are there from the start: the enrollment profile, whose removal ends the
 * enrollment, and two that only fill the list.
 */
#include "sim/answer_work.h"

#include <string.h>

#include "codec/cms.h"

enum { ENROLLMENT = 0, BUILT_IN = 3, ROW_MOST = 1024 * 1024, DER_SEQUENCE = 0x30 };

static const struct built_in {
	const char *identifier, *name;
	const char *payload_type;
	bool managed; /* came through MDM */
} built_in[BUILT_IN] = {
	{"org.example.mdm", "Device Management", "com.apple.mdm", false},
	{"org.example.passcode", "Passcode Policy", "com.apple.mobiledevice.passwordpolicy", true},
	{"org.example.restrictions", "Restrictions", "com.apple.applicationaccess", true},
};

/* Keys of a profile and of its payloads that are repeated in ProfileList. */
static const char *const profile_keys[] = {"PayloadIdentifier", "PayloadUUID", "PayloadVersion",
	"PayloadDisplayName", "PayloadOrganization", "PayloadDescription", NULL};
static const char *const payload_keys[] = {"PayloadType", "PayloadVersion", "PayloadIdentifier",
	"PayloadUUID", "PayloadDisplayName", "PayloadDescription", "PayloadOrganization", NULL};

static void
copy_keys(struct arena *arena, struct plist *to, const struct plist *from, const char *const *keys)
{
	for (; *keys != NULL; keys++) {
		const struct plist *value = plist_get(from, *keys);

		if (value != NULL)
			plist_set(arena, to, *keys, plist_copy(arena, value));
	}
}

/* ---- ProfileList ---- */

static struct plist *
built_in_row(struct answer_work *work, const struct built_in *profile)
{
	struct arena *arena = work->arena;
	struct plist *row = plist_dict(arena), *payload = plist_dict(arena);
	struct plist *content = plist_array(arena);
	char uuid[CLOCK_UUID_SIZE];

	plist_set(arena, payload, "PayloadType", plist_string(arena, profile->payload_type));
	plist_set(arena, payload, "PayloadVersion", plist_integer(arena, 1));
	plist_set(arena, payload, "PayloadIdentifier",
		plist_string(arena, arena_printf(arena, "%s.1", profile->identifier)));
	plist_set(arena, payload, "PayloadUUID",
		plist_string(
			arena, persona_uuid(work->persona->name, profile->payload_type, uuid)));
	plist_append(content, payload);
	plist_set(arena, row, "HasRemovalPasscode", plist_boolean(arena, false));
	plist_set(arena, row, "IsEncrypted", plist_boolean(arena, false));
	plist_set(arena, row, "IsManaged", plist_boolean(arena, profile->managed));
	plist_set(arena, row, "PayloadContent", content);
	plist_set(arena, row, "PayloadDisplayName", plist_string(arena, profile->name));
	plist_set(arena, row, "PayloadIdentifier", plist_string(arena, profile->identifier));
	plist_set(arena, row, "PayloadOrganization", plist_string(arena, "Example Organization"));
	plist_set(arena, row, "PayloadRemovalDisallowed", plist_boolean(arena, false));
	plist_set(arena, row, "PayloadUUID",
		plist_string(arena, persona_uuid(work->persona->name, profile->name, uuid)));
	plist_set(arena, row, "PayloadVersion", plist_integer(arena, 1));
	return row;
}

void
answer_profile_list(struct answer_work *work)
{
	bool managed_only = plist_get_boolean(work->args, "ManagedOnly", false);
	const struct device_state *state = *work->device->state;
	struct plist *list = plist_array(work->arena), *row;

	for (unsigned i = 0; i < BUILT_IN; i++)
		if ((state == NULL || (state->removed & (1u << i)) == 0) &&
			(built_in[i].managed || !managed_only))
			plist_append(list, built_in_row(work, &built_in[i]));
	for (const struct device_memo *profile = state != NULL ? state->profiles : NULL;
		profile != NULL; profile = profile->next)
		if (plist_read_xml(work->device->reader, work->arena, profile->xml,
			    profile->xml_len, &row, NULL) == ERR_OK)
			plist_append(list, row);
	answer_set(work, "ProfileList", list);
}

/* ---- InstallProfile ---- */

/* The plist within, be it signed or plain; NULL when there is none. */
static struct plist *
open_profile(struct answer_work *work, const struct plist *payload)
{
	const char *bytes = payload->as.string.bytes;
	size_t len = payload->as.string.len;
	unsigned char *content;
	struct plist *profile;

	if (len > 0 && (unsigned char)bytes[0] == DER_SEQUENCE) {
		if (cms_content(work->arena, bytes, len, &content, &len, NULL) != ERR_OK)
			return NULL;
		bytes = (const char *)content;
	}
	if (plist_read_xml(work->device->reader, work->arena, bytes, len, &profile, NULL) != ERR_OK)
		return NULL;
	return profile->type == PLIST_DICT ? profile : NULL;
}

/* What Apple calls the common payload keys are there. */
static bool
has_common_keys(const struct plist *payload)
{
	int64_t version;

	return plist_get_string(payload, "PayloadType") != NULL &&
	       plist_get_string(payload, "PayloadIdentifier") != NULL &&
	       plist_get_string(payload, "PayloadUUID") != NULL &&
	       plist_get_int64(payload, "PayloadVersion", &version) && version == 1;
}

static bool
is_profile(const struct plist *profile)
{
	const struct plist *content = plist_get_typed(profile, "PayloadContent", PLIST_ARRAY);

	if (!has_common_keys(profile) ||
		strcmp(plist_get_string(profile, "PayloadType"), "Configuration") != 0)
		return false;
	if (content == NULL)
		return plist_get_typed(profile, "EncryptedPayloadContent", PLIST_DATA) != NULL;
	for (const struct plist *payload = content->as.items.first; payload != NULL;
		payload = payload->next)
		if (!has_common_keys(payload))
			return false;
	return true;
}

static struct plist *
installed_row(struct answer_work *work, const struct plist *profile)
{
	struct arena *arena = work->arena;
	const struct plist *content = plist_get_typed(profile, "PayloadContent", PLIST_ARRAY);
	struct plist *row = plist_dict(arena), *list = plist_array(arena);

	copy_keys(arena, row, profile, profile_keys);
	plist_set(arena, row, "HasRemovalPasscode", plist_boolean(arena, false));
	plist_set(arena, row, "IsEncrypted", plist_boolean(arena, content == NULL));
	plist_set(arena, row, "IsManaged", plist_boolean(arena, true));
	plist_set(arena, row, "PayloadRemovalDisallowed",
		plist_boolean(
			arena, plist_get_boolean(profile, "PayloadRemovalDisallowed", false)));
	for (const struct plist *payload = content != NULL ? content->as.items.first : NULL;
		payload != NULL; payload = payload->next) {
		struct plist *item = plist_dict(arena);

		copy_keys(arena, item, payload, payload_keys);
		plist_append(list, item);
	}
	plist_set(arena, row, "PayloadContent", list);
	return row;
}

/* Bit of the built-in profile; 0 when it is none. */
static unsigned
built_in_bit(const char *identifier)
{
	for (unsigned i = 0; i < BUILT_IN; i++)
		if (strcmp(built_in[i].identifier, identifier) == 0)
			return 1u << i;
	return 0;
}

void
answer_install_profile(struct answer_work *work)
{
	const struct plist *profile = open_profile(work, plist_get(work->args, "Payload"));
	const char *identifier;
	struct buf xml;

	if (profile == NULL || !is_profile(profile)) {
		answer_fail(work, "MCInstallationErrorDomain", 4001,
			"The profile could not be installed.");
		answer_fail(work, "MCProfileErrorDomain", 1000, "The profile is malformed.");
		return;
	}
	identifier = plist_get_string(profile, "PayloadIdentifier");
	buf_init(&xml, work->arena, ROW_MOST);
	plist_write_xml(&xml, installed_row(work, profile), false);
	if (xml.full) {
		answer_fail(work, "MCProfileErrorDomain", 1009, "The profile is too large.");
		return;
	}
	device_memo_keep(&answer_state(work)->profiles, identifier, xml.bytes, xml.len);
	answer_state(work)->removed |= built_in_bit(identifier); /* it took its place */
	answer_take_escrow(work, profile);
}

/* ---- RemoveProfile ---- */

void
answer_remove_profile(struct answer_work *work)
{
	const char *identifier = plist_get_string(work->args, "Identifier");
	struct device_state *state = answer_state(work);
	unsigned bit = built_in_bit(identifier);

	if (device_memo_forget(&state->profiles, identifier)) {
		answer_drop_escrow(work, identifier);
		return;
	}
	if (bit == 0 || (state->removed & bit) != 0) {
		answer_fail(work, "MCMDMErrorDomain", 12013,
			arena_printf(
				work->arena, "The profile “%.200s” is not managed.", identifier));
		return;
	}
	state->removed |= bit;
	if (bit == 1u << ENROLLMENT)
		work->answer->effect = ANSWER_CHECKS_OUT;
}
