/*
 * Apps and books that come, and go, through MDM.
 */
#include <ctype.h>
#include <string.h>

#include "sim/answer_work.h"

enum { ALREADY_INSTALLED = 12025, NOT_MANAGED = 12029, NO_REDEMPTION = 12037, NOT_AN_APP = 12024 };

static struct plist *
string(struct answer_work *work, const char *text)
{
	return plist_string(work->arena, text);
}

/* ---- which app ---- */

/* "timesheets" of https://www.example.com/apps/timesheets.plist. */
static const char *
stem_of(struct answer_work *work, const char *url)
{
	const char *slash = strrchr(url, '/'), *name = slash != NULL ? slash + 1 : url;
	size_t len = 0;

	while (isalnum((unsigned char)name[len]) || name[len] == '-')
		len++;
	return len > 0 ? arena_memdup(work->arena, name, len) : "app";
}

/* The bundle identifier that the manifest of an app names; NULL: none. */
static const char *
manifest_identifier(const struct plist *manifest)
{
	const struct plist *items = plist_get_typed(manifest, "items", PLIST_ARRAY);
	const struct plist *first = items != NULL ? items->as.items.first : NULL;

	return plist_get_string(plist_get(first, "metadata"), "bundle-identifier");
}

/* What is to be installed; NULL: the command does not tell. */
static const char *
app_asked_for(struct answer_work *work)
{
	const char *identifier = plist_get_string(work->args, "Identifier");
	const char *url = plist_get_string(work->args, "ManifestURL");
	int64_t store_id;

	if (identifier == NULL)
		identifier = manifest_identifier(plist_get(work->args, "Manifest"));
	if (identifier == NULL && plist_get_int64(work->args, "iTunesStoreID", &store_id))
		identifier =
			arena_printf(work->arena, "org.example.store.%lld", (long long)store_id);
	if (identifier == NULL && url != NULL)
		identifier = arena_printf(work->arena, "org.example.%s", stem_of(work, url));
	return identifier;
}

/* ---- InstallApplication and its like ---- */

static void
keep_part(struct answer_work *work, const char *key, const char *memo, const char *identifier)
{
	const struct plist *part = plist_get_typed(work->args, key, PLIST_DICT);

	if (part != NULL)
		answer_keep(work, answer_memo_name(work, memo, identifier), part);
}

/* The row of ManagedApplicationList. */
static void
keep_app(struct answer_work *work, const char *identifier, const char *status)
{
	struct plist *row = plist_dict(work->arena);
	int64_t flags = 0;

	plist_get_int64(work->args, "ManagementFlags", &flags);
	plist_set(work->arena, row, "Status", string(work, status));
	plist_set(work->arena, row, "ManagementFlags", plist_integer(work->arena, flags));
	answer_keep(work, answer_memo_name(work, "app", identifier), row);
	answer_forget(work, answer_memo_name(work, "app-gone", identifier));
	keep_part(work, "Configuration", "app-configuration", identifier);
	keep_part(work, "Attributes", "app-attributes", identifier);
}

static bool
wants_redemption(const struct answer_work *work)
{
	int64_t method = 1;

	plist_get_int64(plist_get(work->args, "Options"), "PurchaseMethod", &method);
	return method == 0 && plist_get(work->args, "ManifestURL") == NULL;
}

static void
reject(struct answer_work *work, const char *reason, int64_t code, const char *text)
{
	answer_set(work, "RejectionReason", string(work, reason));
	answer_fail(work, "MCMDMErrorDomain", code, text);
}

void
answer_install_application(struct answer_work *work)
{
	const char *identifier = app_asked_for(work);
	const char *status = wants_redemption(work) ? "NeedsRedemption" : "Managed";

	if (identifier == NULL) {
		answer_malformed(work);
		return;
	}
	answer_set(work, "Identifier", string(work, identifier));
	if (answer_recall(work, answer_memo_name(work, "app", identifier)) != NULL) {
		reject(work, "AppAlreadyInstalled", ALREADY_INSTALLED,
			"The app is already installed.");
		return;
	}
	keep_app(work, identifier, status);
	answer_set(work, "State", string(work, status));
}

void
answer_install_enterprise_application(struct answer_work *work)
{
	const char *identifier = app_asked_for(work);

	if (identifier == NULL)
		answer_fail(work, "MCMDMErrorDomain", NOT_AN_APP,
			"The manifest of the app could not be validated.");
	else
		keep_app(work, identifier, "Managed");
}

void
answer_apply_redemption_code(struct answer_work *work)
{
	const char *name =
		answer_memo_name(work, "app", plist_get_string(work->args, "Identifier"));
	struct plist *row = answer_recall(work, name);
	const char *status = plist_get_string(row, "Status");

	if (status == NULL)
		answer_fail(work, "MCMDMErrorDomain", NOT_MANAGED, "The app is not managed.");
	else if (strcmp(status, "NeedsRedemption") != 0)
		answer_fail(work, "MCMDMErrorDomain", NO_REDEMPTION,
			"The app does not wait for a redemption code.");
	else {
		plist_set(work->arena, row, "Status", string(work, "Managed"));
		answer_keep(work, name, row);
	}
}

/* Is it an app of the device's that MDM brought, before the simulator knew of it? */
static bool
is_managed_of_old(struct answer_work *work, const char *identifier)
{
	const struct answer_app *app;

	for (size_t i = 0; (app = answer_app_at(work, i)) != NULL; i++)
		if (strcmp(app->identifier, identifier) == 0)
			return answer_app_is_managed(app) && !answer_app_is_gone(work, identifier);
	return false;
}

void
answer_remove_application(struct answer_work *work)
{
	const char *identifier = plist_get_string(work->args, "Identifier");
	bool old = is_managed_of_old(work, identifier);

	if (!answer_forget(work, answer_memo_name(work, "app", identifier)) && !old) {
		answer_fail(work, "MCMDMErrorDomain", NOT_MANAGED, "The app is not managed.");
		return;
	}
	if (old)
		answer_keep(work, answer_memo_name(work, "app-gone", identifier),
			plist_boolean(work->arena, true));
	answer_forget(work, answer_memo_name(work, "app-configuration", identifier));
	answer_forget(work, answer_memo_name(work, "app-attributes", identifier));
}

/* ---- lists of apps ---- */

static bool
is_wanted(const struct answer_work *work, const char *identifier)
{
	const struct plist *wanted = plist_get(work->args, "Identifiers");

	return wanted == NULL || wanted->as.items.count == 0 || answer_has(wanted, identifier);
}

static bool
has_configuration(struct answer_work *work, const char *identifier)
{
	return answer_recall(work, answer_memo_name(work, "app-configuration", identifier)) != NULL;
}

static void
add_managed(struct answer_work *work, struct plist *list, const char *identifier,
	const struct plist *kept)
{
	struct plist *row = kept != NULL ? plist_copy(work->arena, kept) : plist_dict(work->arena);

	if (kept == NULL) {
		plist_set(work->arena, row, "Status", string(work, "Managed"));
		plist_set(work->arena, row, "ManagementFlags", plist_integer(work->arena, 1));
	}
	plist_set(work->arena, row, "HasConfiguration",
		plist_boolean(work->arena, has_configuration(work, identifier)));
	plist_set(work->arena, row, "HasFeedback", plist_boolean(work->arena, false));
	plist_set(work->arena, row, "IsValidated", plist_boolean(work->arena, true));
	plist_set(work->arena, list, identifier, row);
}

void
answer_managed_application_list(struct answer_work *work)
{
	struct plist *list = plist_dict(work->arena);
	const struct device_memo *memo = NULL;
	const struct answer_app *app;
	const char *identifier;

	for (size_t i = 0; (app = answer_app_at(work, i)) != NULL; i++)
		if (answer_app_is_managed(app) && is_wanted(work, app->identifier) &&
			!answer_app_is_gone(work, app->identifier))
			add_managed(work, list, app->identifier, NULL);
	while ((memo = answer_memo_next(work, "app", memo, &identifier)) != NULL)
		if (is_wanted(work, identifier))
			add_managed(work, list, identifier, answer_memo_read(work, memo));
	answer_set(work, "ManagedApplicationList", list);
}

/* A row for each app that is asked for, with what was given for it. */
static void
list_parts(struct answer_work *work, const char *list_key, const char *key, const char *memo)
{
	const struct plist *wanted = plist_get(work->args, "Identifiers");
	struct plist *list = plist_array(work->arena);

	for (const struct plist *one = wanted->as.items.first; one != NULL; one = one->next) {
		struct plist *row = plist_dict(work->arena), *part;
		const char *identifier;

		if (one->type != PLIST_STRING)
			continue;
		identifier = one->as.string.bytes;
		part = memo == NULL ? NULL
				    : answer_recall(work, answer_memo_name(work, memo, identifier));
		plist_set(work->arena, row, "Identifier", string(work, identifier));
		if (part != NULL)
			plist_set(work->arena, row, key, part);
		plist_append(list, row);
	}
	answer_set(work, list_key, list);
}

void
answer_managed_application_attributes(struct answer_work *work)
{
	list_parts(work, "ApplicationAttributes", "Attributes", "app-attributes");
}

void
answer_managed_application_configuration(struct answer_work *work)
{
	list_parts(work, "ApplicationConfigurations", "Configuration", "app-configuration");
}

void
answer_managed_application_feedback(struct answer_work *work)
{
	list_parts(work, "ManagedApplicationFeedback", "Feedback", NULL);
}

/* ---- books ---- */

static const char *
book_memo(struct answer_work *work, const struct plist *store_id, const char *persistent_id)
{
	if (persistent_id != NULL)
		return answer_memo_name(work, "book", persistent_id);
	if (store_id != NULL && store_id->type == PLIST_STRING) /* RemoveMedia has it so */
		return answer_memo_name(work, "book", store_id->as.string.bytes);
	if (store_id != NULL && store_id->type == PLIST_INTEGER)
		return arena_printf(work->arena, "book/%llu",
			(unsigned long long)store_id->as.integer.magnitude);
	return NULL;
}

void
answer_install_media(struct answer_work *work)
{
	static const char *const repeated[] = {
		"iTunesStoreID", "MediaURL", "PersistentID", "MediaType"};
	static const char *const listed[] = {
		"iTunesStoreID", "PersistentID", "Kind", "Version", "Author", "Title"};
	const char *persistent_id = plist_get_string(work->args, "PersistentID");
	const char *url = plist_get_string(work->args, "MediaURL"), *memo;
	struct plist *row = plist_dict(work->arena);
	const struct plist *value;

	if (persistent_id == NULL && url != NULL)
		persistent_id = arena_printf(work->arena, "org.example.%s", stem_of(work, url));
	memo = book_memo(work, plist_get(work->args, "iTunesStoreID"), persistent_id);
	if (memo == NULL) {
		reject(work, "CouldNotVerifyITunesStoreID", 12055,
			"The book could not be identified.");
		return;
	}
	for (size_t i = 0; i < sizeof(repeated) / sizeof(repeated[0]); i++)
		if ((value = plist_get(work->args, repeated[i])) != NULL)
			answer_set(work, repeated[i], plist_copy(work->arena, value));
	for (size_t i = 0; i < sizeof(listed) / sizeof(listed[0]); i++)
		if ((value = plist_get(work->args, listed[i])) != NULL)
			plist_set(work->arena, row, listed[i], plist_copy(work->arena, value));
	if (plist_get(row, "PersistentID") == NULL && persistent_id != NULL)
		plist_set(work->arena, row, "PersistentID", string(work, persistent_id));
	plist_set(work->arena, row, "State", string(work, "Managed"));
	answer_set(work, "State", string(work, "Managed"));
	answer_keep(work, memo, row);
}

/* Acknowledged also when there is no such book. */
void
answer_remove_media(struct answer_work *work)
{
	const char *memo = book_memo(work, plist_get(work->args, "iTunesStoreID"),
		plist_get_string(work->args, "PersistentID"));

	if (memo != NULL)
		answer_forget(work, memo);
}

void
answer_managed_media_list(struct answer_work *work)
{
	struct plist *list = plist_array(work->arena), *row;
	const struct device_memo *memo = NULL;
	const char *key;

	while ((memo = answer_memo_next(work, "book", memo, &key)) != NULL)
		if ((row = answer_memo_read(work, memo)) != NULL)
			plist_append(list, row);
	answer_set(work, "Books", list);
}
