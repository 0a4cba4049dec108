/*
 * A command's plist, on its way from the queue to the device (and, for raw ones, from the operator
 * into the queue).
 */
#include "mdm/command.h"

#include <ctype.h>
#include <string.h>

#include "mdm/catalogue.h"

enum { UUID_MOST = 64 };

static bool
is_uuid_like(const char *uuid)
{
	size_t len = strlen(uuid);

	if (len == 0 || len > UUID_MOST)
		return false;
	for (const char *p = uuid; *p != '\0'; p++)
		if (!isgraph((unsigned char)*p))
			return false;
	return true;
}

enum err_kind
command_inspect(struct mdm *mdm, const void *body, size_t len, struct command_head *head,
	struct plist **plist, struct err *err)
{
	const struct plist *command, *uuid;
	enum err_kind kind = plist_read_xml(mdm->reader, mdm->arena, body, len, plist, err);

	if (kind != ERR_OK)
		return kind;
	command = plist_get_typed(*plist, "Command", PLIST_DICT);
	if (command == NULL)
		return err_set(err, ERR_BAD_INPUT, "the plist has no dictionary Command");
	head->request = plist_get_string(command, "RequestType");
	if (head->request == NULL || *head->request == '\0')
		return err_set(err, ERR_BAD_INPUT, "Command has no RequestType");
	uuid = plist_get(*plist, "CommandUUID");
	head->uuid = plist_get_string(*plist, "CommandUUID");
	if (uuid != NULL && (head->uuid == NULL || !is_uuid_like(head->uuid)))
		return err_set(err, ERR_BAD_INPUT,
			"CommandUUID must be a string of 1 to %d printable characters", UUID_MOST);
	return ERR_OK;
}

/* ---- what the server fills in ---- */

struct filling {
	struct mdm *mdm;
	int64_t enrollment_no;
	struct err *err;
};

/* The token the device gave with its last TokenUpdate that had one. */
static enum err_kind
fill_unlock_token(
	const struct filling *filling, const struct catalogue_key *key, struct plist **value)
{
	struct mdm *mdm = filling->mdm;
	unsigned char *token;
	const void *closed;
	struct db_row row;
	enum err_kind kind;
	size_t len;

	(void)key;
	kind = db_first(mdm->db, SQL_ENROLLMENT_UNLOCK_TOKEN,
		DB_ARGS(DB_INT(filling->enrollment_no)), &row, filling->err);
	if (kind != ERR_OK)
		return kind;
	closed = db_blob(&row, 1, &len);
	if (closed == NULL)
		return err_set(filling->err, ERR_BAD_INPUT, "the device has given no UnlockToken");
	kind = seal_open(mdm->key, mdm->arena,
		arena_printf(mdm->arena, "enrollment/unlock_token/%s", db_text(&row, 0)), closed,
		len, &token, &len, filling->err);
	if (kind == ERR_OK)
		*value = plist_data(mdm->arena, token, len);
	return kind;
}

/* All values that the catalogue allows for the elements. */
static enum err_kind
fill_all_values(
	const struct filling *filling, const struct catalogue_key *key, struct plist **value)
{
	struct arena *arena = filling->mdm->arena;
	const struct catalogue_key *item = catalogue_first(key);

	*value = plist_array(arena);
	for (size_t i = 0; i < item->value_count; i++)
		plist_append(*value, plist_string(arena, item->values[i].text));
	return ERR_OK;
}

static const struct {
	const char *request, *key;
	enum err_kind (*fill)(const struct filling *filling, const struct catalogue_key *key,
		struct plist **value);
} fillers[] = {
	{"ClearPasscode", "UnlockToken", fill_unlock_token},
	{"DeviceInformation", "Queries", fill_all_values},
};

/* An empty array counts as left out: it asks for nothing. */
static bool
is_left_out(const struct plist *value)
{
	return value == NULL || (value->type == PLIST_ARRAY && value->as.items.count == 0);
}

static enum err_kind
fill(const struct filling *filling, const struct catalogue_request *request, struct plist *keys)
{
	for (size_t i = 0; i < request->key_count; i++) {
		const struct catalogue_key *key = &request->keys[i];
		struct plist *value = NULL;

		if (key->presence != CATALOGUE_FILLED || !is_left_out(plist_get(keys, key->name)))
			continue;
		for (size_t f = 0; f < sizeof(fillers) / sizeof(fillers[0]); f++)
			if (strcmp(fillers[f].request, request->name) == 0 &&
				strcmp(fillers[f].key, key->name) == 0 &&
				fillers[f].fill(filling, key, &value) != ERR_OK)
				return filling->err->kind;
		if (value == NULL)
			return err_set(filling->err, ERR_INTERNAL, "%s: nothing fills in %s",
				request->name, key->name);
		plist_set(filling->mdm->arena, keys, key->name, value);
	}
	return ERR_OK;
}

/* The envelope; RequestType comes first, as people expect to read it. */
static struct plist *
envelope(struct arena *arena, const char *uuid, const char *request, const struct plist *keys)
{
	struct plist *command = plist_dict(arena), *whole = plist_dict(arena);

	plist_set(arena, command, "RequestType", plist_string(arena, request));
	for (const struct plist *key = keys->as.items.first; key != NULL; key = key->next)
		if (strcmp(key->key, "RequestType") != 0)
			plist_set(arena, command, key->key, plist_copy(arena, key));
	plist_set(arena, whole, "Command", command);
	plist_set(arena, whole, "CommandUUID", plist_string(arena, uuid));
	return whole;
}

enum err_kind
command_build(struct mdm *mdm, int64_t enrollment_no, const char *uuid, const char *request,
	const char *args, struct buf *plist, struct err *err)
{
	const struct catalogue_request *row = catalogue_find(request);
	struct filling filling = {.mdm = mdm, .enrollment_no = enrollment_no, .err = err};
	struct plist *given = NULL, *keys = NULL;
	enum err_kind kind = ERR_OK;

	if (row == NULL)
		return err_set(err, ERR_BAD_INPUT, "unknown request %s", request);
	if (args != NULL)
		kind = plist_read_json(
			plist_limits_default(), mdm->arena, args, strlen(args), &given, err);
	if (kind == ERR_OK)
		kind = catalogue_check(mdm->arena, row, given, &keys, err);
	if (kind == ERR_OK)
		kind = fill(&filling, row, keys);
	if (kind != ERR_OK)
		return kind;
	plist_write_xml(plist, envelope(mdm->arena, uuid, row->name, keys), false);
	return plist->full ? err_set(err, ERR_BAD_INPUT, "the command is larger than %zu bytes",
				     plist->cap)
			   : ERR_OK;
}
