/*
 * Users of a Shared iPad or a Mac, accounts that Setup Assistant makes, and the end of its wait.
 */
#include <string.h>

#include "sim/answer_work.h"

enum { NO_SUCH_USER = 12071, LOGGED_IN = 12072, UNSYNCED = 12073, CANNOT_DELETE = 12074 };

static const struct user {
	const char *name, *full_name;
	bool logged_in, unsynced, last_administrator; /* the last: on a Mac */
} users[] = {
	{"amara", "Amara Diallo", true, false, true},
	{"jonas", "Jonas Weber", false, true, false},
	{"mei", "Mei Tanaka", false, false, false},
};

enum { USERS = sizeof(users) / sizeof(users[0]), UID_FIRST = 501 };

static const char *
gone_name(struct answer_work *work, const struct user *user)
{
	return answer_memo_name(work, "user-gone", user->name);
}

static const struct user *
find_user(struct answer_work *work, const char *name)
{
	for (size_t i = 0; i < USERS; i++)
		if (strcmp(users[i].name, name) == 0)
			return answer_recall(work, gone_name(work, &users[i])) == NULL ? &users[i]
										       : NULL;
	return NULL;
}

/* ---- UserList ---- */

static struct plist *
user_row(struct answer_work *work, const struct user *user)
{
	struct arena *arena = work->arena;
	bool mac = work->persona->model->kind == PERSONA_MAC;
	struct plist *row = plist_dict(arena);
	char guid[CLOCK_UUID_SIZE];

	plist_set(arena, row, "UserName", plist_string(arena, user->name));
	plist_set(arena, row, "IsLoggedIn", plist_boolean(arena, user->logged_in));
	if (mac) {
		plist_set(arena, row, "FullName", plist_string(arena, user->full_name));
		plist_set(arena, row, "UID", plist_integer(arena, UID_FIRST + (user - users)));
		plist_set(arena, row, "UserGUID",
			plist_string(arena, persona_uuid(work->persona->name, user->name, guid)));
		plist_set(arena, row, "MobileAccount", plist_boolean(arena, false));
		plist_set(arena, row, "HasSecureToken", plist_boolean(arena, true));
	} else {
		plist_set(arena, row, "HasDataToSync", plist_boolean(arena, user->unsynced));
		plist_set(arena, row, "DataQuota", plist_integer(arena, 2147483648));
		plist_set(arena, row, "DataUsed",
			plist_unsigned(arena, persona_pick(work->persona, user->name, 1 << 30)));
	}
	return row;
}

void
answer_user_list(struct answer_work *work)
{
	struct plist *list = plist_array(work->arena);

	for (size_t i = 0; i < USERS; i++)
		if (find_user(work, users[i].name) != NULL)
			plist_append(list, user_row(work, &users[i]));
	answer_set(work, "Users", list);
}

/* ---- DeleteUser ---- */

/* Why not; NULL: it is gone. */
static const char *
delete_user(struct answer_work *work, const struct user *user, int64_t *code)
{
	bool mac = work->persona->model->kind == PERSONA_MAC;

	if (mac && user->last_administrator) {
		*code = CANNOT_DELETE;
		return "The last administrator cannot be deleted.";
	}
	if (user->logged_in) {
		*code = LOGGED_IN;
		return "The user is logged in.";
	}
	if (user->unsynced && !mac && !plist_get_boolean(work->args, "ForceDeletion", false)) {
		*code = UNSYNCED;
		return "The user has data that is not synced.";
	}
	answer_keep(work, gone_name(work, user), plist_boolean(work->arena, true));
	return NULL;
}

/* Those that can be. */
static void
delete_all(struct answer_work *work)
{
	int64_t code;

	for (size_t i = 0; i < USERS; i++)
		if (find_user(work, users[i].name) != NULL)
			delete_user(work, &users[i], &code);
}

void
answer_delete_user(struct answer_work *work)
{
	const char *name = plist_get_string(work->args, "UserName"), *why;
	const struct user *user;
	int64_t code;

	if (plist_get_boolean(work->args, "DeleteAllUsers", false)) {
		delete_all(work);
		return;
	}
	if (name == NULL) {
		answer_malformed(work);
		return;
	}
	user = find_user(work, name);
	if (user == NULL)
		answer_fail(work, "MCMDMErrorDomain", NO_SUCH_USER, "There is no such user.");
	else if ((why = delete_user(work, user, &code)) != NULL)
		answer_fail(work, "MCMDMErrorDomain", code, why);
}

void
answer_unlock_user_account(struct answer_work *work)
{
	if (find_user(work, plist_get_string(work->args, "UserName")) == NULL)
		answer_fail(work, "MCMDMErrorDomain", NO_SUCH_USER, "There is no such user.");
}

/* ---- Setup Assistant ---- */

/* Of AutoSetupAdminAccounts the first counts; DeviceInformation shows it with a GUID. */
void
answer_account_configuration(struct answer_work *work)
{
	const struct plist *accounts =
		plist_get_typed(work->args, "AutoSetupAdminAccounts", PLIST_ARRAY);
	const struct plist *first = accounts != NULL ? accounts->as.items.first : NULL;
	struct plist *account = plist_dict(work->arena);
	char guid[CLOCK_UUID_SIZE];
	const char *name;

	if (first == NULL)
		return;
	name = plist_get_string(first, "shortName");
	plist_set(work->arena, account, "GUID",
		plist_string(work->arena, persona_uuid(work->persona->name, name, guid)));
	plist_set(work->arena, account, "shortName", plist_string(work->arena, name));
	answer_keep(work, answer_memo_name(work, "admin", name), account);
}

void
answer_set_auto_admin_password(struct answer_work *work)
{
	const char *guid = plist_get_string(work->args, "GUID"), *key;
	const struct device_memo *memo = NULL;

	while ((memo = answer_memo_next(work, "admin", memo, &key)) != NULL) {
		const char *own = plist_get_string(answer_memo_read(work, memo), "GUID");

		if (own != NULL && strcmp(own, guid) == 0)
			return;
	}
	answer_fail(work, "MCMDMErrorDomain", NO_SUCH_USER, "There is no such account.");
}

void
answer_configured(struct answer_work *work)
{
	work->answer->effect = ANSWER_CONFIGURED;
}
