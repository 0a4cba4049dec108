/*
 * What the device makes of the catalogue: which commands it knows, whether a command is well
 * formed, and what belongs into an answer besides what is told by hand.
 *
 * Keys of an answer go by the OS and not by its version: a device tells of all that the schema
 * lists, so that whoever reads the answers meets each key.
 */
#include <string.h>

#include "mdm/catalogue_sample.h"
#include "sim/answer_work.h"

/* Keys that come in certain cases only, and then from the functions of the table. */
static const struct {
	const char *request; /* NULL: any */
	const char *key;
} special[] = {
	{NULL, "ErrorChain"},
	{NULL, "RejectionReason"},
	{"DeviceInformation", "QueryResponses"},
	{"DeviceLock", "MessageResult"},
	{"InstallApplication", "State"},
	{"InstallMedia", "State"},
	{"LOMDeviceRequest", "DeviceRequestReturnError"},
	{"InstallMedia", "iTunesStoreID"},
	{"InstallMedia", "MediaURL"},
	{"InstallMedia", "PersistentID"},
	{"Restrictions", "GlobalRestrictions"},
	{"Restrictions", "ProfileRestrictions"},
	{"RotateFileVaultKey", "RotateResult"},
	{"SecurityInfo", "FDE_PersonalRecoveryKeyCMS"},
	{"SecurityInfo", "FDE_PersonalRecoveryKeyDeviceKey"},
	{"Settings", "Settings"},
};

static enum catalogue_os
os_of(const struct answer_work *work)
{
	return work->persona->model->kind == PERSONA_MAC ? CATALOGUE_MACOS : CATALOGUE_IOS;
}

bool
answer_is_supervised(const struct answer_work *work)
{
	return work->device->automated || persona_is_supervised(work->persona);
}

bool
answer_is_known_here(const struct answer_work *work, const struct catalogue_fact *facts,
	size_t count, bool unsaid)
{
	const struct catalogue_fact *fact = catalogue_fact_of(facts, count, os_of(work));
	int version = catalogue_version_of(work->persona->os->version);

	if (fact == NULL)
		return unsaid;
	return !fact->unsupported && fact->introduced <= version &&
	       (fact->removed == 0 || version < fact->removed) &&
	       (!fact->supervised || answer_is_supervised(work));
}

/* ---- what comes in ---- */

static bool value_fits(
	const struct answer_work *work, const struct catalogue_key *key, const struct plist *value);

bool
answer_keys_fit(const struct answer_work *work, const struct catalogue_key *parent,
	const struct plist *dict)
{
	for (const struct catalogue_key *key = catalogue_first(parent);
		key != catalogue_end(parent); key = catalogue_next(key)) {
		const struct plist *value = plist_get(dict, key->name);

		if (!answer_is_known_here(work, key->facts, key->fact_count, true))
			continue;
		if (value == NULL ? key->presence != CATALOGUE_OPTIONAL
				  : !value_fits(work, key, value))
			return false;
	}
	return true;
}

/* The elements of Settings are looked at one by one, by answer_settings(). */
static bool
value_fits(
	const struct answer_work *work, const struct catalogue_key *key, const struct plist *value)
{
	bool empty = catalogue_first(key) == catalogue_end(key);

	if (key->any || (key->type == PLIST_REAL && value->type == PLIST_INTEGER))
		return true;
	if (value->type != key->type)
		return false;
	if (value->type == PLIST_DICT)
		return answer_keys_fit(work, key, value);
	if (value->type != PLIST_ARRAY || empty || key->by != NULL)
		return true;
	for (const struct plist *item = value->as.items.first; item != NULL; item = item->next)
		if (!value_fits(work, catalogue_first(key), item))
			return false;
	return true;
}

/* ---- what goes out ---- */

static bool
is_special(const struct answer_work *work, const char *key)
{
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (strcmp(special[i].key, key) == 0 &&
			(special[i].request == NULL ||
				strcmp(special[i].request, work->request->name) == 0))
			return true;
	return false;
}

bool
answer_has_on_os(const struct answer_work *work, const struct catalogue_key *key)
{
	const struct catalogue_fact *fact =
		catalogue_fact_of(key->facts, key->fact_count, os_of(work));

	return fact == NULL || !fact->unsupported;
}

static bool
wants(const struct catalogue_sampler *sampler, const struct catalogue_sample_place *place)
{
	const struct answer_work *work = sampler->context;

	return answer_has_on_os(work, place->key) && !is_special(work, place->key->name);
}

static bool
ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

static struct plist *
string_here(const struct answer_work *work, const char *name)
{
	char uuid[CLOCK_UUID_SIZE];
	unsigned char b[4];

	persona_bytes(work->persona->name, name, b, sizeof(b));
	if (ends_in(name, "UUID") || ends_in(name, "GUID") || strcmp(name, "guid") == 0)
		return plist_string(work->arena, persona_uuid(work->persona->name, name, uuid));
	if (strstr(name, "IPv6") != NULL)
		return plist_string(work->arena, arena_printf(work->arena, "2001:db8::%02x%02x:1",
							 (unsigned)b[0] | 1u, b[1]));
	if (ends_in(name, "ddress") || ends_in(name, "ddresses"))
		return plist_string(
			work->arena, arena_printf(work->arena, "192.0.2.%u", 1u + b[0] % 254u));
	return NULL;
}

/* Nothing is wrong with a simulated device, unless it is told so. */
static struct plist *
boolean_here(const struct answer_work *work, const struct catalogue_key *key)
{
	static const char *const true_ones[] = {
		"Activated", "Active", "healthy", "friendly", "IsValidated", "wired", "ac-power"};
	bool value = false;

	for (size_t i = 0; i < sizeof(true_ones) / sizeof(true_ones[0]); i++)
		value |= strcmp(key->name, true_ones[i]) == 0;
	if (key->preset != NULL)
		value = strcmp(key->preset, "true") == 0;
	return plist_boolean(work->arena, value);
}

static struct plist *
value_here(const struct catalogue_sampler *sampler, const struct catalogue_sample_place *place)
{
	const struct answer_work *work = sampler->context;
	const struct catalogue_key *key = place->key;
	unsigned char bytes[16];

	if (key->any || key->value_count > 0)
		return NULL;
	switch (key->type) {
	case PLIST_STRING:
		return string_here(work, place->name);
	case PLIST_BOOLEAN:
		return boolean_here(work, key);
	case PLIST_INTEGER:
		return key->has_min || key->has_max
			       ? NULL
			       : plist_unsigned(work->arena,
					 1 + persona_pick(work->persona, place->name, 1000));
	case PLIST_DATE:
		return plist_date(work->arena, answer_past(work->persona, place->name));
	case PLIST_DATA:
		persona_bytes(work->persona->name, place->name, bytes, sizeof(bytes));
		return plist_data(work->arena, bytes, sizeof(bytes));
	default:
		return NULL;
	}
}

static struct catalogue_sampler
sampler_of(struct answer_work *work)
{
	return (struct catalogue_sampler){
		.arena = work->arena, .wants = wants, .value = value_here, .context = work};
}

void
answer_complete(struct answer_work *work)
{
	struct catalogue_sampler sampler = sampler_of(work);
	struct catalogue_sample_place root = {.key = work->request->response, .name = ""};

	if (root.key != NULL)
		catalogue_sample_complete(&sampler, &root, work->answer->message);
}

struct plist *
answer_made_up(struct answer_work *work, const struct catalogue_key *key, struct plist *value)
{
	struct catalogue_sampler sampler = sampler_of(work);
	struct catalogue_sample_place place = {.key = key, .name = key->name};

	if (value == NULL)
		return catalogue_sample(&sampler, &place);
	catalogue_sample_complete(&sampler, &place, value);
	return value;
}
