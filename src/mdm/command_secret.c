/*
 * Between the queue's rows, which anybody who has the file may read, and the device.
 */
#include "mdm/command_secret.h"

#include <string.h>

#include "mdm/command.h"
#include "mdm/mask.h"

static const char *
args_place(struct mdm *mdm, const char *uuid)
{
	return arena_printf(mdm->arena, "payload/sealed_args/%s", uuid);
}

static const char *
body_place(struct mdm *mdm, const char *uuid)
{
	return arena_printf(mdm->arena, "payload/sealed_body/%s", uuid);
}

enum err_kind
command_secret_seal(
	struct mdm *mdm, struct command_kept *kept, const struct plist *keys, struct err *err)
{
	struct plist *masked =
		keys == NULL ? NULL : mask_plist(mdm->arena, kept->request, false, keys);
	struct buf shown;
	enum err_kind kind;

	if (masked == NULL)
		return ERR_OK;
	if (kept->body != NULL)
		kind = mdm_seal(mdm, body_place(mdm, kept->uuid), kept->body, kept->body_len,
			&kept->sealed_body, err);
	else
		kind = mdm_seal(mdm, args_place(mdm, kept->uuid), kept->args, strlen(kept->args),
			&kept->sealed_args, err);
	if (kind != ERR_OK)
		return kind;
	plist_remove(masked, "RequestType"); /* among a raw plist's keys */
	buf_init(&shown, mdm->arena, COMMAND_BYTES_MOST);
	plist_write_json(&shown, masked, false);
	kept->args = shown.full ? NULL : shown.bytes;
	kept->body = NULL;
	kept->body_len = 0;
	return ERR_OK;
}

enum err_kind
command_secret_open(struct mdm *mdm, struct command_kept *kept, struct err *err)
{
	unsigned char *opened;
	enum err_kind kind = ERR_OK;
	size_t len;

	if (kept->sealed_args.type == DB_TYPE_BLOB) {
		kind = seal_open(mdm->key, mdm->arena, args_place(mdm, kept->uuid),
			kept->sealed_args.bytes, kept->sealed_args.len, &opened, &len, err);
		kept->args = (const char *)opened;
	}
	if (kind == ERR_OK && kept->sealed_body.type == DB_TYPE_BLOB) {
		kind = seal_open(mdm->key, mdm->arena, body_place(mdm, kept->uuid),
			kept->sealed_body.bytes, kept->sealed_body.len, &opened, &len, err);
		kept->body = opened;
		kept->body_len = len;
	}
	return kind;
}

enum err_kind
command_secret_seal_sent(
	struct mdm *mdm, int64_t payload_no, const struct command_kept *sent, struct err *err)
{
	struct command_kept kept = *sent;
	struct plist *keys;
	enum err_kind kind;

	if (kept.body != NULL || kept.args == NULL || !mask_knows(kept.request, false) ||
		kept.sealed_args.type == DB_TYPE_BLOB)
		return ERR_OK;
	kind = plist_read_json(
		plist_limits_default(), mdm->arena, kept.args, strlen(kept.args), &keys, err);
	if (kind == ERR_OK)
		kind = command_secret_seal(mdm, &kept, keys, err);
	if (kind != ERR_OK || kept.sealed_args.type != DB_TYPE_BLOB)
		return kind;
	return db_run(mdm->db, SQL_COMMAND_SECRET_PUT,
		DB_ARGS(DB_INT(payload_no), DB_TEXT(kept.args), kept.sealed_args), NULL, err);
}

enum err_kind
command_secret_keys(struct mdm *mdm, int64_t payload_no, const char *request,
	const struct plist **keys, struct err *err)
{
	struct command_kept kept = {.request = request};
	struct command_head head;
	struct plist *plist;
	struct db_row row;
	enum err_kind kind =
		db_first(mdm->db, SQL_COMMAND_SECRET_READ, DB_ARGS(DB_INT(payload_no)), &row, err);

	*keys = plist_dict(mdm->arena);
	if (kind != ERR_OK)
		return kind;
	kept.uuid = db_text(&row, 0);
	kept.args = db_text(&row, 1);
	kept.body = db_blob(&row, 2, &kept.body_len);
	kept.sealed_args = row.values[3];
	kept.sealed_body = row.values[4];
	kind = command_secret_open(mdm, &kept, err);
	if (kind == ERR_OK && kept.body != NULL) {
		kind = command_inspect(mdm, kept.body, kept.body_len, &head, &plist, err);
		if (kind == ERR_OK)
			*keys = plist_get(plist, "Command");
	} else if (kind == ERR_OK && kept.args != NULL) {
		kind = plist_read_json(plist_limits_default(), mdm->arena, kept.args,
			strlen(kept.args), &plist, err);
		if (kind == ERR_OK)
			*keys = plist;
	}
	return kind;
}
