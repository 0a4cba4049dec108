/*
 * Raw plists on their way into the store.
 */
#include "mdm/command_raw.h"

#include <string.h>

#include "mdm/command.h"

enum { SHOWN_ARGS_MOST = 64 * 1024 };

/* The keys as JSON, for the views (and to know a filter); NULL when there are none or too many. */
static const char *
shown_args(struct mdm *mdm, const struct plist *plist)
{
	struct plist *keys = plist_copy(mdm->arena, plist_get(plist, "Command"));
	struct buf json;

	plist_remove(keys, "RequestType");
	buf_init(&json, mdm->arena, SHOWN_ARGS_MOST);
	plist_write_json(&json, keys, false);
	return json.full || keys->as.items.count == 0 ? NULL : json.bytes;
}

enum err_kind
command_raw_take(struct mdm *mdm, const void *body, size_t len, struct command_kept *kept,
	const struct plist **keys, struct err *err)
{
	struct command_head head;
	struct plist *plist;
	struct buf rewritten;
	enum err_kind kind;

	if (len > COMMAND_BYTES_MOST)
		return err_set(err, ERR_TOO_LARGE, "the command is larger than %d bytes",
			COMMAND_BYTES_MOST);
	kind = command_inspect(mdm, body, len, &head, &plist, err);
	if (kind != ERR_OK)
		return kind;
	*keys = plist_get(plist, "Command");
	kept->request = head.request;
	kept->args = shown_args(mdm, plist);
	kept->body = body;
	kept->body_len = len;
	if (head.uuid != NULL) {
		kept->uuid = head.uuid;
		return ERR_OK;
	}
	plist_set(mdm->arena, plist, "CommandUUID", plist_string(mdm->arena, kept->uuid));
	buf_init(&rewritten, mdm->arena, COMMAND_BYTES_MOST);
	plist_write_xml(&rewritten, plist, false);
	kept->body = rewritten.bytes;
	kept->body_len = rewritten.len;
	return rewritten.full ? err_set(err, ERR_TOO_LARGE, "the command is too large") : ERR_OK;
}

enum err_kind
command_raw_read(struct mdm *mdm, int64_t payload_no, struct command_kept *kept, struct err *err)
{
	struct command_kept read = {.uuid = kept->uuid}, sealed;
	const struct plist *keys;
	enum err_kind kind = command_raw_take(mdm, kept->body, kept->body_len, &read, &keys, err);

	if (kind == ERR_TOO_LARGE)
		return err_set(err, ERR_BAD_INPUT, "%s", err->message);
	if (kind == ERR_OK && strcmp(read.request, kept->request) != 0)
		kind = err_set(err, ERR_BAD_INPUT, "the plist is a %.60s, not a %s", read.request,
			kept->request);
	if (kind == ERR_OK && strcmp(read.uuid, kept->uuid) != 0)
		kind = err_set(err, ERR_BAD_INPUT, "the plist's CommandUUID is %.64s, not %s",
			read.uuid, kept->uuid);
	if (kind != ERR_OK)
		return kind;
	sealed = read;
	kind = command_secret_seal(mdm, &sealed, keys, err);
	if (kind != ERR_OK)
		return kind;
	*kept = read;
	return db_run(mdm->db, SQL_COMMAND_RAW_PUT,
		DB_ARGS(DB_INT(payload_no), DB_TEXT(sealed.args),
			DB_BLOB(sealed.body, sealed.body_len), sealed.sealed_body),
		NULL, err);
}
