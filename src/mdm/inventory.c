/*
 * What an answer tells about a device, kept where the views find it.
 */
#include "mdm/inventory.h"

#include <string.h>

#include "base/clock.h"
#include "mdm/catalogue.h"
#include "mdm/enrollment.h"
#include "mdm/fact.h"

enum {
	DOCUMENT_MOST = 256 * 1024, /* bytes of a device's facts of one kind, as JSON */
	FACTS_MOST = 1000,          /* Apple has about a hundred */
	TEXT_MOST = 1024,           /* bytes of what the view `device` shows */
};

/* Did the command ask for a part only? */
static enum err_kind
is_filtered(
	struct mdm *mdm, const struct catalogue_request *request, const char *args, bool *filtered)
{
	const char *word = request->filters;
	struct plist *given;

	*filtered = false;
	if (args == NULL || word == NULL)
		return ERR_OK;
	if (plist_read_json(plist_limits_default(), mdm->arena, args, strlen(args), &given, NULL) !=
		ERR_OK)
		return ERR_OK;
	while (*word != '\0') {
		size_t len = strcspn(word, " ");
		const struct plist *value = plist_get(given, arena_memdup(mdm->arena, word, len));

		/* A boolean filters when it is true; a list whenever it is there. */
		if (value != NULL && (value->type != PLIST_BOOLEAN || value->as.boolean))
			*filtered = true;
		word += len;
		word += *word == ' ';
	}
	return ERR_OK;
}

/* 1 or 0; NULL: it is not told. */
static struct db_value
boolean_of(const struct plist *facts, const char *key)
{
	const struct plist *value = plist_get_typed(facts, key, PLIST_BOOLEAN);

	return value == NULL ? DB_NULL() : DB_INT(value->as.boolean);
}

/* Facts of a DeviceInformation that the view `device` shows. */
static enum err_kind
update_device(struct mdm *mdm, int64_t enrollment_no, const struct plist *facts, struct err *err)
{
	static const char *const keys[] = {"DeviceName", "Model", "ProductName", "OSVersion",
		"BuildVersion", "SerialNumber", "ModelName"};
	struct db_value values[sizeof(keys) / sizeof(keys[0])];
	int64_t major = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *text = plist_get_string(facts, keys[i]);

		values[i] = DB_TEXT(text == NULL || strlen(text) > TEXT_MOST ? NULL : text);
	}
	if (values[3].bytes != NULL)
		major = enrollment_os_major(values[3].bytes);
	return db_run(mdm->db, SQL_INVENTORY_DEVICE_FACTS,
		DB_ARGS(DB_INT(enrollment_no), values[0], values[1], values[2], values[3],
			major == 0 ? DB_NULL() : DB_INT(major), values[4], values[5], values[6],
			boolean_of(facts, "IsSupervised"), boolean_of(facts, "IsMultiUser")),
		NULL, err);
}

/* The same of a SecurityInfo. */
static enum err_kind
update_management(
	struct mdm *mdm, int64_t enrollment_no, const struct plist *facts, struct err *err)
{
	const struct plist *status = plist_get_typed(facts, "ManagementStatus", PLIST_DICT);

	if (status == NULL)
		return ERR_OK;
	return db_run(mdm->db, SQL_INVENTORY_MANAGEMENT,
		DB_ARGS(DB_INT(enrollment_no), boolean_of(status, "EnrolledViaDEP"),
			boolean_of(status, "UserApprovedEnrollment")),
		NULL, err);
}

/* Whose facts have a history, and what else is done with them. */
static const struct {
	const char *request;
	enum err_kind (*update)(
		struct mdm *mdm, int64_t enrollment_no, const struct plist *facts, struct err *err);
} facts_of[] = {
	{"DeviceInformation", update_device},
	{"SecurityInfo", update_management},
};

static enum err_kind
update_facts(struct mdm *mdm, int64_t enrollment_no, const char *request, const struct plist *known,
	const struct plist *told, struct err *err)
{
	for (size_t i = 0; i < sizeof(facts_of) / sizeof(facts_of[0]); i++) {
		enum err_kind kind;

		if (strcmp(facts_of[i].request, request) != 0)
			continue;
		kind = fact_note_changes(mdm, enrollment_no, request, known, told, err);
		return kind == ERR_OK ? facts_of[i].update(mdm, enrollment_no, told, err) : kind;
	}
	return ERR_OK;
}

/* ---- answers of which each tells a part ---- */

/* A merging answer on its way. */
struct merging {
	struct mdm *mdm;
	int64_t enrollment_no;
	const char *request;
	const char *args; /* or NULL */
	const struct plist *told;
	struct plist *known; /* what earlier ones told; a dict */
	bool stale;          /* … before the device enrolled anew */
};

static enum err_kind
read_known(struct merging *merging, struct err *err)
{
	struct mdm *mdm = merging->mdm;
	const char *old = NULL;
	struct db_row row;
	enum err_kind kind = db_first(mdm->db, SQL_INVENTORY_DOCUMENT,
		DB_ARGS(DB_INT(merging->enrollment_no), DB_TEXT(merging->request)), &row, err);

	if (kind != ERR_OK && kind != ERR_NOT_FOUND)
		return kind;
	if (kind == ERR_OK) {
		old = db_text(&row, 0);
		merging->stale = db_int(&row, 1) != 0;
	}
	if (old == NULL ||
		plist_read_json(plist_limits_default(), mdm->arena, old, strlen(old),
			&merging->known, NULL) != ERR_OK ||
		merging->known->type != PLIST_DICT || merging->known->as.items.count > FACTS_MOST)
		merging->known = plist_dict(mdm->arena);
	return ERR_OK;
}

/* What was asked for by its Identifier, and is not among what is told, is there no more. */
static void
forget_asked(struct merging *merging)
{
	struct arena *arena = merging->mdm->arena;
	struct plist *args;
	const struct plist *asked;

	if (merging->args == NULL || plist_read_json(plist_limits_default(), arena, merging->args,
					     strlen(merging->args), &args, NULL) != ERR_OK)
		return;
	asked = plist_get_typed(args, "Identifiers", PLIST_ARRAY);
	for (asked = asked == NULL ? NULL : asked->as.items.first; asked != NULL;
		asked = asked->next)
		if (asked->type == PLIST_STRING)
			plist_remove(merging->known, asked->as.string.bytes);
}

static void
put_over(struct merging *merging)
{
	struct arena *arena = merging->mdm->arena;
	bool listed = merging->told->type == PLIST_ARRAY;

	if (listed)
		forget_asked(merging);
	for (const struct plist *fact = merging->told->as.items.first; fact != NULL;
		fact = fact->next) {
		const char *name = listed ? plist_get_string(fact, "Identifier") : fact->key;

		if (name != NULL)
			plist_set(arena, merging->known, name, plist_copy(arena, fact));
	}
}

static enum err_kind
write_known(struct merging *merging, struct err *err)
{
	struct mdm *mdm = merging->mdm;
	struct buf json;

	buf_init(&json, mdm->arena, DOCUMENT_MOST);
	plist_write_json(&json, merging->known, false);
	if (json.full)
		return ERR_OK; /* the answer itself is kept; facts of this size are none */
	return db_run(mdm->db, SQL_INVENTORY_MERGE,
		DB_ARGS(DB_INT(merging->enrollment_no), DB_TEXT(merging->request),
			DB_TEXT(json.bytes), DB_INT(clock_now())),
		NULL, err);
}

/* What was known, with what is told now put over it. */
static enum err_kind
merge(struct merging *merging, struct err *err)
{
	const struct plist *told = merging->told;
	enum err_kind kind;

	/* What has so many facts is no inventory; the answer itself is kept all the same. */
	if ((told->type != PLIST_DICT && told->type != PLIST_ARRAY) ||
		told->as.items.count > FACTS_MOST)
		return ERR_OK;
	kind = read_known(merging, err);
	if (kind == ERR_OK && told->type == PLIST_DICT)
		kind = update_facts(merging->mdm, merging->enrollment_no, merging->request,
			merging->known, told, err);
	if (kind != ERR_OK)
		return kind;
	if (merging->stale)
		merging->known = plist_dict(merging->mdm->arena);
	put_over(merging);
	return write_known(merging, err);
}

enum err_kind
inventory_update(struct mdm *mdm, int64_t enrollment_no, int64_t payload_no, const char *request,
	const char *args, const struct plist *report, struct err *err)
{
	const struct catalogue_request *row = catalogue_find(request);
	const struct plist *told;
	enum err_kind kind;
	bool filtered;

	if (row == NULL || row->answer == NULL || (told = plist_get(report, row->answer)) == NULL)
		return ERR_OK;
	if (row->merge) {
		struct merging merging = {.mdm = mdm,
			.enrollment_no = enrollment_no,
			.request = row->name,
			.args = args,
			.told = told};

		return merge(&merging, err);
	}
	kind = is_filtered(mdm, row, args, &filtered);
	if (kind != ERR_OK || filtered)
		return kind;
	return db_run(mdm->db, SQL_INVENTORY_REPLACE,
		DB_ARGS(DB_INT(enrollment_no), DB_TEXT(row->name), DB_INT(payload_no),
			DB_INT(clock_now())),
		NULL, err);
}

enum err_kind
inventory_mark_stale(struct mdm *mdm, int64_t device_no, struct err *err)
{
	return db_run(mdm->db, SQL_INVENTORY_MARK_STALE, DB_ARGS(DB_INT(device_no)), NULL, err);
}
