/*
 * What an answer tells about a device, kept where the views find it.
 */
#include "mdm/inventory.h"

#include <string.h>

#include "base/clock.h"
#include "mdm/catalogue.h"
#include "mdm/enrollment.h"

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

/* Facts of a DeviceInformation that the view `device` shows. */
static enum err_kind
update_device(struct mdm *mdm, int64_t enrollment_no, const struct plist *facts, struct err *err)
{
	static const char *const keys[] = {
		"DeviceName", "Model", "ProductName", "OSVersion", "BuildVersion", "SerialNumber"};
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
			major == 0 ? DB_NULL() : DB_INT(major), values[4], values[5]),
		NULL, err);
}

/* What was known, with what is told now put over it. */
static enum err_kind
merge(struct mdm *mdm, int64_t enrollment_no, const char *request, const struct plist *facts,
	struct err *err)
{
	struct plist *known = NULL;
	const char *old = NULL;
	struct db_row row;
	struct buf json;
	enum err_kind kind;

	kind = db_first(mdm->db, SQL_INVENTORY_DOCUMENT,
		DB_ARGS(DB_INT(enrollment_no), DB_TEXT(request)), &row, err);
	if (kind != ERR_OK && kind != ERR_NOT_FOUND)
		return kind;
	if (kind == ERR_OK)
		old = db_text(&row, 0);
	if (old == NULL ||
		plist_read_json(plist_limits_default(), mdm->arena, old, strlen(old), &known,
			NULL) != ERR_OK ||
		known->as.items.count > FACTS_MOST)
		known = plist_dict(mdm->arena);
	for (const struct plist *fact = facts->as.items.first; fact != NULL; fact = fact->next)
		plist_set(mdm->arena, known, fact->key, plist_copy(mdm->arena, fact));
	buf_init(&json, mdm->arena, DOCUMENT_MOST);
	plist_write_json(&json, known, false);
	if (json.full)
		return ERR_OK; /* the answer itself is kept; facts of this size are none */
	return db_run(mdm->db, SQL_INVENTORY_MERGE,
		DB_ARGS(DB_INT(enrollment_no), DB_TEXT(request), DB_TEXT(json.bytes),
			DB_INT(clock_now())),
		NULL, err);
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
		/* What has so many facts is no inventory; the answer itself is kept all the same.
		 */
		if (told->type != PLIST_DICT || told->as.items.count > FACTS_MOST)
			return ERR_OK;
		kind = merge(mdm, enrollment_no, row->name, told, err);
		if (kind == ERR_OK && strcmp(row->name, "DeviceInformation") == 0)
			kind = update_device(mdm, enrollment_no, told, err);
		return kind;
	}
	kind = is_filtered(mdm, row, args, &filtered);
	if (kind != ERR_OK || filtered)
		return kind;
	return db_run(mdm->db, SQL_INVENTORY_REPLACE,
		DB_ARGS(DB_INT(enrollment_no), DB_TEXT(row->name), DB_INT(payload_no),
			DB_INT(clock_now())),
		NULL, err);
}
