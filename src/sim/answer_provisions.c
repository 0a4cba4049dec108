/*
 * ProvisioningProfileList, InstallProvisioningProfile, RemoveProvisioningProfile.
 */
#include "sim/answer_work.h"

#include "codec/cms.h"

void
answer_provisioning_profile_list(struct answer_work *work)
{
	const struct device_state *state = *work->device->state;
	struct arena *arena = work->arena;
	struct plist *list = plist_array(arena);

	for (const struct device_provision *provision = state != NULL ? state->provisions : NULL;
		provision != NULL; provision = provision->next) {
		struct plist *row = plist_dict(arena);

		plist_set(arena, row, "ExpiryDate", plist_date(arena, provision->expiry));
		plist_set(arena, row, "Name", plist_string(arena, provision->name));
		plist_set(arena, row, "UUID", plist_string(arena, provision->uuid));
		plist_append(list, row);
	}
	answer_set(work, "ProvisioningProfileList", list);
}

/* A .mobileprovision is a signed plist with Name, UUID and ExpirationDate. */
void
answer_install_provisioning_profile(struct answer_work *work)
{
	const struct plist *given = plist_get(work->args, "ProvisioningProfile");
	const struct plist *expiry;
	struct plist *profile = NULL;
	unsigned char *content;
	size_t len;

	if (cms_content(work->arena, given->as.string.bytes, given->as.string.len, &content, &len,
		    NULL) == ERR_OK)
		plist_read_xml(work->device->reader, work->arena, (const char *)content, len,
			&profile, NULL);
	expiry = plist_get_typed(profile, "ExpirationDate", PLIST_DATE);
	if (plist_get_string(profile, "UUID") == NULL ||
		plist_get_string(profile, "Name") == NULL || expiry == NULL) {
		answer_fail(work, "MCProvisioningProfileErrorDomain", 25000,
			"The provisioning profile is malformed.");
		return;
	}
	device_state_provision(answer_state(work), plist_get_string(profile, "UUID"),
		plist_get_string(profile, "Name"), expiry->as.date);
}

void
answer_remove_provisioning_profile(struct answer_work *work)
{
	const char *uuid = plist_get_string(work->args, "UUID");

	if (!device_state_unprovision(answer_state(work), uuid))
		answer_fail(work, "MCMDMErrorDomain", 12014,
			arena_printf(work->arena,
				"The provisioning profile “%.80s” is not managed.", uuid));
}
