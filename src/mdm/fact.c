/*
 * Between what was known of a device and what it tells now.
 */
#include "mdm/fact.h"

#include <string.h>

#include "base/clock.h"

/* Facts that are never twice the same, or follow where the device happens to be. */
static const char *const restless[] = {
	"AvailableDeviceCapacity",
	"BatteryLevel",
	"CurrentCarrierNetwork",
	"CurrentMCC",
	"CurrentMNC",
	"DevicePropertiesAttestation",
	"EstimatedResidentUsers",
	"FDE_PersonalRecoveryKeyCMS",
	"IsDoNotDisturbInEffect",
	"IsNetworkTethered",
	"IsRoaming",
	"LastCloudBackupDate",
	"OSUpdateSettings",
	"PushToken",
	"ServiceSubscriptions",
};

static bool
is_restless(const char *name)
{
	for (size_t i = 0; i < sizeof(restless) / sizeof(restless[0]); i++)
		if (strcmp(restless[i], name) == 0)
			return true;
	return false;
}

/* NULL: it is too large. */
static const char *
to_json(struct mdm *mdm, const struct plist *value)
{
	struct buf json;

	buf_init(&json, mdm->arena, FACT_BYTES_MOST);
	plist_write_json(&json, value, true);
	return json.full ? NULL : json.bytes;
}

/* As JSON, in which a date is a string: what is known has been through it. */
static enum err_kind
note_change(struct mdm *mdm, int64_t enrollment_no, const char *request, const struct plist *was,
	const struct plist *is, struct err *err)
{
	const char *old = to_json(mdm, was), *new = to_json(mdm, is);

	if (old == NULL || new == NULL || strcmp(old, new) == 0)
		return ERR_OK;
	return db_run(mdm->db, SQL_FACT_ADD,
		DB_ARGS(DB_INT(enrollment_no), DB_TEXT(request), DB_TEXT(is->key), DB_TEXT(old),
			DB_TEXT(new), DB_INT(clock_now())),
		NULL, err);
}

enum err_kind
fact_note_changes(struct mdm *mdm, int64_t enrollment_no, const char *request,
	const struct plist *known, const struct plist *told, struct err *err)
{
	enum err_kind kind = ERR_OK;

	for (const struct plist *fact = told->as.items.first; fact != NULL && kind == ERR_OK;
		fact = fact->next) {
		const struct plist *was = plist_get(known, fact->key);

		if (was != NULL && !is_restless(fact->key))
			kind = note_change(mdm, enrollment_no, request, was, fact, err);
	}
	return kind;
}
