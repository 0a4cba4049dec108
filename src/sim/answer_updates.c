/*
 * Software updates as commands knew them before OS 27: what there is, what was asked for, how far
 * it is.
 */
#include <string.h>

#include "sim/answer_work.h"

static const struct update {
	bool mac;
	const char *key, *product_name, *version, *build;
	int64_t size;
	bool major, response;
} updates[] = {
	{false, "iOSUpdate22D72", "iOS", "18.3.1", "22D72", INT64_C(7340032000), true, false},
	{false, "iOSUpdate23C55", "iOS", "26.2", "23C55", INT64_C(9126805504), true, false},
	{false, "iOSUpdate24A331", "iOS", "27.0", "24A331", INT64_C(9663676416), true, false},
	{true, "MSU_UPDATE_24D70_patch_15.3.1_minor", "macOS Sequoia 15.3.1", "15.3.1", "24D70",
		INT64_C(6291456000), false, false},
	{true, "MSU_UPDATE_25C56_full_26.2", "macOS Tahoe 26.2", "26.2", "25C56",
		INT64_C(13421772800), true, false},
	{true, "MSU_UPDATE_26A312_full_27.0", "macOS 27.0", "27.0", "26A312", INT64_C(13958643712),
		true, false},
};

static bool
is_for(const struct answer_work *work, const struct update *update)
{
	return update->mac == (work->persona->model->kind == PERSONA_MAC) &&
	       catalogue_version_of(update->version) >
		       catalogue_version_of(work->persona->os->version);
}

/* By ProductKey or ProductVersion; NULL: the device does not offer it. */
static const struct update *
find_update(const struct answer_work *work, const char *key, const char *version)
{
	for (size_t i = 0; i < sizeof(updates) / sizeof(updates[0]); i++)
		if (is_for(work, &updates[i]) &&
			((key != NULL && strcmp(updates[i].key, key) == 0) ||
				(key == NULL && version != NULL &&
					strcmp(updates[i].version, version) == 0)))
			return &updates[i];
	return NULL;
}

static struct plist *
update_row(struct answer_work *work, const struct update *update)
{
	struct arena *arena = work->arena;
	struct plist *row = plist_dict(arena);

	plist_set(arena, row, "ProductKey", plist_string(arena, update->key));
	plist_set(arena, row, "HumanReadableName", plist_string(arena, update->product_name));
	if (update->mac)
		plist_set(arena, row, "AppIdentifiersToClose", plist_array(arena));
	else
		plist_set(arena, row, "ProductName", plist_string(arena, update->product_name));
	plist_set(arena, row, "Version", plist_string(arena, update->version));
	plist_set(arena, row, "Build", plist_string(arena, update->build));
	plist_set(arena, row, "DownloadSize", plist_integer(arena, update->size));
	if (!update->mac)
		plist_set(arena, row, "InstallSize", plist_integer(arena, update->size * 2));
	plist_set(arena, row, "IsMajorOSUpdate", plist_boolean(arena, update->major));
	plist_set(arena, row, "RestartRequired", plist_boolean(arena, true));
	plist_set(arena, row, "IsSecurityResponse", plist_boolean(arena, update->response));
	plist_set(arena, row, "SupplementalBuildVersion", plist_string(arena, update->build));
	plist_set(arena, row, "SupplementalOSVersionExtra", plist_string(arena, ""));
	if (!update->mac)
		plist_remove(row, "IsMajorOSUpdate");
	return row;
}

void
answer_available_os_updates(struct answer_work *work)
{
	struct plist *list = plist_array(work->arena);

	for (size_t i = 0; i < sizeof(updates) / sizeof(updates[0]); i++)
		if (is_for(work, &updates[i]))
			plist_append(list, update_row(work, &updates[i]));
	answer_set(work, "AvailableOSUpdates", list);
}

/* ---- ScheduleOSUpdate ---- */

/* What becomes of it at once: a row of OSUpdateStatus. */
static struct plist *
begin(struct answer_work *work, const struct update *update, const char *action)
{
	struct arena *arena = work->arena;
	struct plist *row = plist_dict(arena);
	bool downloads = strcmp(action, "NotifyOnly") != 0;
	bool installs = downloads && strcmp(action, "DownloadOnly") != 0;

	plist_set(arena, row, "ProductKey", plist_string(arena, update->key));
	plist_set(arena, row, "IsDownloaded", plist_boolean(arena, installs));
	plist_set(arena, row, "DownloadPercentComplete", plist_real(arena, installs ? 1 : 0));
	plist_set(arena, row, "Status",
		plist_string(
			arena, installs ? "Installing" : (downloads ? "Downloading" : "Idle")));
	return row;
}

static struct plist *
schedule_one(struct answer_work *work, const struct plist *wanted)
{
	struct arena *arena = work->arena;
	const char *key = plist_get_string(wanted, "ProductKey");
	const char *version = plist_get_string(wanted, "ProductVersion");
	const char *action = plist_get_string(wanted, "InstallAction");
	const struct update *update = find_update(work, key, version);
	struct plist *result = plist_dict(arena), *row, *chain;

	if (update == NULL) {
		chain = plist_array(arena);
		plist_append(chain, answer_error(arena, "MCMDMErrorDomain", 12058,
					    "The update is not available for this device."));
		plist_set(arena, result, "ProductKey", plist_string(arena, key != NULL ? key : ""));
		plist_set(arena, result, "InstallAction", plist_string(arena, "Error"));
		plist_set(arena, result, "Status", plist_string(arena, "Idle"));
		plist_set(arena, result, "ErrorChain", chain);
		return result;
	}
	if (strcmp(action, "Default") == 0)
		action = "InstallASAP";
	row = begin(work, update, action);
	answer_keep(work, answer_memo_name(work, "update", update->key), row);
	plist_set(arena, result, "ProductKey", plist_string(arena, update->key));
	plist_set(arena, result, "InstallAction", plist_string(arena, action));
	plist_set(arena, result, "Status", plist_copy(arena, plist_get(row, "Status")));
	return result;
}

void
answer_schedule_os_update(struct answer_work *work)
{
	const struct plist *wanted = plist_get(work->args, "Updates");
	struct plist *results = plist_array(work->arena);

	for (const struct plist *one = wanted->as.items.first; one != NULL; one = one->next)
		plist_append(results, schedule_one(work, one));
	answer_set(work, "UpdateResults", results);
}

/* Nothing asked for: what the device does by itself. */
void
answer_os_update_status(struct answer_work *work)
{
	struct plist *list = plist_array(work->arena), *row;
	const struct device_memo *memo = NULL;
	const char *key;

	while ((memo = answer_memo_next(work, "update", memo, &key)) != NULL)
		if ((row = answer_memo_read(work, memo)) != NULL)
			plist_append(list, row);
	for (size_t i = 0; list->as.items.count == 0 && i < sizeof(updates) / sizeof(updates[0]);
		i++)
		if (is_for(work, &updates[i]))
			plist_append(list, begin(work, &updates[i], "NotifyOnly"));
	answer_set(work, "OSUpdateStatus", list);
}
