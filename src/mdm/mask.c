/*
 * Between what is kept of a command or an answer, and what is shown of it.
 */
#include "mdm/mask.h"

#include <string.h>

#include "base/buf.h"

enum { ARGS_MOST = 16 * 1024 * 1024 };

static const struct mask_key rows[] = {
	{"AccountConfiguration", false, "AutoSetupAdminAccounts[].passwordHash"},
	{"ClearPasscode", false, "UnlockToken"},
	{"EraseDevice", false, "ReturnToService.BootstrapToken"},
	{"RequestMirroring", false, "Password"},
	{"RotateFileVaultKey", false, "FileVaultUnlock.Password"},
	{"RotateFileVaultKey", false, "FileVaultUnlock.PrivateKeyExport"},
	{"RotateFileVaultKey", false, "FileVaultUnlock.PrivateKeyExportPassword"},
	{"SetAutoAdminPassword", false, "passwordHash"},
	{"SetFirmwarePassword", false, "CurrentPassword"},
	{"SetFirmwarePassword", false, "NewPassword"},
	{"SetRecoveryLock", false, "CurrentPassword"},
	{"SetRecoveryLock", false, "NewPassword"},
	{"TriggerEnhancedLogCollection", false, "AppleCareToken"},
	{"VerifyFirmwarePassword", false, "Password"},
	{"VerifyRecoveryLock", false, "Password"},
	{"ActivationLockBypassCode", true, "ActivationLockBypassCode"},
	{"RequestUnlockToken", true, "UnlockToken"},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

const struct mask_key *
mask_row(size_t n)
{
	return n < ROWS ? &rows[n] : NULL;
}

static bool
is_for(const struct mask_key *row, const char *request, bool answer)
{
	return row->answer == answer && strcmp(row->request, request) == 0;
}

bool
mask_knows(const char *request, bool answer)
{
	for (size_t i = 0; i < ROWS; i++)
		if (is_for(&rows[i], request, answer))
			return true;
	return false;
}

/* A copy of VALUE with what is at PATH hidden; the depth is that of the path. */
static struct plist *
hide(struct arena *arena, const struct plist *value, const char *path, bool *found)
{
	size_t len = strcspn(path, ".[");
	const struct plist *child;
	struct plist *copy;
	const char *key;

	if (*path == '\0') {
		*found = true;
		return plist_string(arena, MASK_TEXT);
	}
	if (strncmp(path, "[]", 2) == 0 && value->type == PLIST_ARRAY) {
		copy = plist_array(arena);
		path += path[2] == '.' ? 3 : 2;
		for (child = value->as.items.first; child != NULL; child = child->next)
			plist_append(copy, hide(arena, child, path, found));
		return copy;
	}
	copy = plist_copy(arena, value);
	key = arena_memdup(arena, path, len);
	child = plist_get(value, key);
	if (child != NULL)
		plist_set(arena, copy, key,
			hide(arena, child, path + len + (path[len] == '.'), found));
	return copy;
}

struct plist *
mask_plist(struct arena *arena, const char *request, bool answer, const struct plist *plist)
{
	struct plist *masked = NULL;

	for (size_t i = 0; i < ROWS; i++) {
		bool found = false;
		struct plist *hidden;

		if (!is_for(&rows[i], request, answer))
			continue;
		hidden = hide(arena, masked == NULL ? plist : masked, rows[i].path, &found);
		if (found)
			masked = hidden;
	}
	return masked;
}

const char *
mask_args(struct arena *arena, const char *request, const char *args)
{
	struct plist *keys, *masked;
	struct buf json;

	if (args == NULL || !mask_knows(request, false))
		return args;
	if (plist_read_json(plist_limits_default(), arena, args, strlen(args), &keys, NULL) !=
		ERR_OK)
		return NULL;
	masked = mask_plist(arena, request, false, keys);
	if (masked == NULL)
		return args;
	buf_init(&json, arena, ARGS_MOST);
	plist_write_json(&json, masked, false);
	return json.full ? NULL : json.bytes;
}
