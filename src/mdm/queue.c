/*
 * A command's life in the store.  What an operator does through the view `queue` (sql/sqlite.sql)
 * ends in the same rows.
 */
#include "mdm/queue.h"

#include <string.h>

#include "base/clock.h"
#include "mdm/audit.h"
#include "mdm/catalogue.h"
#include "mdm/command.h"
#include "mdm/enrollment.h"
#include "mdm/selection.h"
#include "mdm/target.h"

enum { ARGS_MOST = 16 * 1024 * 1024, SHOWN_ARGS_MOST = 64 * 1024, WHOM_MOST = 100 };

/* ---- in ---- */

/* The keys of a raw command as JSON, for the views (and to know a filter); NULL when there are none
 * or too many. */
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

/* The same check as of arguments. */
static enum err_kind
check_body(struct mdm *mdm, const struct queue_command *command, const struct plist *whole,
	const char *name, struct err *err)
{
	const struct catalogue_options options = {
		.strict = command->strict, .wire = true, .remarks = command->remarks};
	const struct catalogue_request *request = catalogue_find(name);
	struct plist *keys = plist_copy(mdm->arena, whole);

	if (request == NULL)
		return err_set(err, ERR_BAD_INPUT, "unknown request %.100s", name);
	plist_remove(keys, "RequestType");
	return catalogue_check_args(mdm->arena, request, keys, &options, NULL, err);
}

/* A raw plist is kept byte for byte; only one without a CommandUUID is written anew with one. */
static enum err_kind
take_body(struct mdm *mdm, const struct queue_command *command, struct command_kept *stored,
	const struct plist **keys, struct err *err)
{
	struct command_head head;
	struct plist *plist;
	struct buf rewritten;
	enum err_kind kind;

	if (command->body_len > COMMAND_BYTES_MOST)
		return err_set(err, ERR_TOO_LARGE, "the command is larger than %d bytes",
			COMMAND_BYTES_MOST);
	kind = command_inspect(mdm, command->body, command->body_len, &head, &plist, err);
	if (kind != ERR_OK)
		return kind;
	if (command->request != NULL && strcmp(command->request, head.request) != 0)
		return err_set(err, ERR_BAD_INPUT, "the plist is a %s, not a %s", head.request,
			command->request);
	*keys = plist_get(plist, "Command");
	if (command->checked && check_body(mdm, command, *keys, head.request, err) != ERR_OK)
		return err->kind;
	stored->request = head.request;
	stored->args = shown_args(mdm, plist);
	stored->body = command->body;
	stored->body_len = command->body_len;
	if (head.uuid != NULL) {
		stored->uuid = head.uuid;
		return ERR_OK;
	}
	plist_set(mdm->arena, plist, "CommandUUID", plist_string(mdm->arena, stored->uuid));
	buf_init(&rewritten, mdm->arena, COMMAND_BYTES_MOST);
	plist_write_xml(&rewritten, plist, false);
	stored->body = rewritten.bytes;
	stored->body_len = rewritten.len;
	return rewritten.full ? err_set(err, ERR_TOO_LARGE, "the command is too large") : ERR_OK;
}

static enum err_kind
take_args(struct mdm *mdm, const struct queue_command *command, struct command_kept *stored,
	struct err *err)
{
	const struct catalogue_options options = {
		.strict = command->strict, .remarks = command->remarks};
	const struct catalogue_request *request;
	struct buf json;

	if (command->request == NULL)
		return err_set(err, ERR_BAD_INPUT, "there is neither a request nor a plist");
	request = catalogue_find(command->request);
	if (request == NULL)
		return err_set(err, ERR_BAD_INPUT,
			"unknown request %s (any can be queued as a plist)", command->request);
	stored->request = request->name;
	if (catalogue_check_args(mdm->arena, request, command->args, &options, NULL, err) != ERR_OK)
		return err->kind;
	if (command->args == NULL || command->args->as.items.count == 0)
		return ERR_OK;
	buf_init(&json, mdm->arena, ARGS_MOST);
	plist_write_json(&json, command->args, false);
	stored->args = json.bytes;
	return json.full ? err_set(err, ERR_TOO_LARGE, "%s: the arguments are too large",
				   request->name)
			 : ERR_OK;
}

static enum err_kind
check_times(const struct queue_command *command, struct err *err)
{
	if (command->expires == 0)
		return ERR_OK;
	if (command->expires <= clock_now())
		return err_set(err, ERR_BAD_INPUT, "the time it expires has passed already");
	if (command->expires <= command->not_before)
		return err_set(err, ERR_BAD_INPUT, "it would expire before it may be sent");
	return ERR_OK;
}

/* For the audit trail: whom it is for, as far as there is room. */
static struct plist *
whom_of(struct arena *arena, const struct queue_command *command)
{
	struct plist *whom = plist_array(arena);

	if (command->whom_count == 0)
		return plist_string(arena, "all");
	for (size_t i = 0; i < command->whom_count && i < WHOM_MOST; i++)
		plist_append(whom, plist_string(arena, command->whom[i]));
	return whom;
}

/* The names of the keys, without their values. */
static struct plist *
names_of(struct arena *arena, const struct plist *keys)
{
	struct plist *names = plist_array(arena);

	for (const struct plist *key = keys->as.items.first; key != NULL; key = key->next)
		plist_append(names, plist_string(arena, key->key));
	return names;
}

/* A row for the command, however many get it. */
static enum err_kind
audit_command(struct mdm *mdm, const struct queue_command *command,
	const struct queue_payload *payload, struct err *err)
{
	struct arena *arena = mdm->arena;
	struct plist *detail = audit_detail(arena, "request", payload->request);

	if (command->body != NULL)
		plist_set(arena, detail, "plist", plist_boolean(arena, true));
	else if (command->args != NULL && command->args->as.items.count > 0)
		plist_set(arena, detail, "keys", names_of(arena, command->args));
	plist_set(arena, detail, "for", whom_of(arena, command));
	if (command->whom_count > WHOM_MOST)
		plist_set(arena, detail, "for_count",
			plist_integer(arena, (int64_t)command->whom_count));
	return audit_add(mdm, AUDIT_QUEUE_ADD, payload->uuid,
		command->whom_count == 0 || selection_is_many(command->whom[0]) ? NULL
										: command->whom[0],
		detail, err);
}

enum err_kind
queue_payload_add(struct mdm *mdm, const struct queue_command *command,
	struct queue_payload *payload, struct err *err)
{
	char *uuid = clock_uuid(arena_alloc(mdm->arena, CLOCK_UUID_SIZE));
	struct command_kept stored = {.uuid = uuid};
	const struct plist *taken = command->args;
	struct db_row row;
	enum err_kind kind = check_times(command, err);

	if (kind != ERR_OK)
		return kind;
	kind = command->body != NULL ? take_body(mdm, command, &stored, &taken, err)
				     : take_args(mdm, command, &stored, err);
	if (kind != ERR_OK)
		return kind;
	kind = db_first(
		mdm->db, SQL_QUEUE_PAYLOAD_BY_UUID, DB_ARGS(DB_TEXT(stored.uuid)), &row, err);
	if (kind == ERR_OK)
		return err_set(err, ERR_CONFLICT,
			"there is a command with the CommandUUID %s already", stored.uuid);
	if (kind != ERR_NOT_FOUND)
		return kind;
	kind = command_secret_seal(mdm, &stored, taken, err);
	if (kind == ERR_OK)
		kind = db_first(mdm->db, SQL_QUEUE_PAYLOAD_ADD,
			DB_ARGS(DB_TEXT(stored.uuid), DB_TEXT(stored.request), DB_TEXT(stored.args),
				DB_BLOB(stored.body, stored.body_len), DB_TEXT(command->origin),
				DB_INT(clock_now()), stored.sealed_args, stored.sealed_body),
			&row, err);
	if (kind != ERR_OK)
		return kind;
	*payload = (struct queue_payload){
		.no = db_int(&row, 0), .uuid = stored.uuid, .request = stored.request};
	if (command->body == NULL || command->checked) {
		payload->known = catalogue_find(stored.request);
		payload->keys = taken;
	}
	return audit_command(mdm, command, payload, err);
}

/* ---- to whom ---- */

/* What was remarked of one device, with its id. */
static void
remark_device(struct mdm *mdm, const struct queue_command *command, const char *enrollment_id,
	const struct catalogue_remarks *remarks)
{
	for (const struct catalogue_remark *remark = remarks->first; remark != NULL;
		remark = remark->next)
		catalogue_remark_add(command->remarks, mdm->arena,
			arena_printf(mdm->arena, "%s: %s", enrollment_id, remark->text));
}

static enum err_kind
check_device(struct mdm *mdm, const struct queue_command *command,
	const struct queue_payload *payload, const char *enrollment_id, struct err *err)
{
	struct catalogue_remarks remarks = {0};
	struct target target;
	enum err_kind kind;

	if (payload->known == NULL)
		return ERR_OK;
	kind = target_find(mdm, enrollment_id, &target, err);
	if (kind == ERR_NOT_FOUND)
		return err_set(err, kind, "unknown device %s", enrollment_id);
	if (kind != ERR_OK)
		return kind;
	kind = catalogue_check_target(mdm->arena, payload->known, payload->keys, &target.known,
		command->remarks == NULL ? NULL : &remarks, err);
	if (kind == ERR_BAD_INPUT && command->force) {
		catalogue_remark_add(&remarks, mdm->arena,
			arena_printf(mdm->arena, "%s; it is sent all the same", err->message));
		err_clear(err);
		kind = ERR_OK;
	}
	if (kind == ERR_OK)
		remark_device(mdm, command, enrollment_id, &remarks);
	return kind;
}

enum err_kind
queue_deliver(struct mdm *mdm, const struct queue_command *command,
	const struct queue_payload *payload, const char *enrollment_id, struct err *err)
{
	enum err_kind kind = check_device(mdm, command, payload, enrollment_id, err);
	int64_t count;

	if (kind != ERR_OK)
		return kind;
	kind = db_run(mdm->db, SQL_QUEUE_DELIVER,
		DB_ARGS(DB_TEXT(enrollment_id), DB_INT(payload->no), DB_INT(command->priority),
			DB_TIME(command->not_before), DB_TIME(command->expires),
			DB_INT(clock_now()), DB_INT(command->setup)),
		&count, err);
	if (kind == ERR_CONFLICT)
		return err_set(err, kind, "%s has this command already", enrollment_id);
	if (kind == ERR_OK && count == 0)
		return err_set(err, ERR_NOT_FOUND, "unknown device %s", enrollment_id);
	return kind;
}

/* A page of devices on its way: those behind `after` that have been looked at take the command. */
struct page {
	struct mdm *mdm;
	const struct queue_command *command;
	const struct queue_payload *payload;
	int64_t after;
	bool any;
	int64_t count;
};

/* Queues it for those up to LAST, in one statement. */
static enum err_kind
deliver_run(struct page *page, int64_t last, struct err *err)
{
	const struct queue_command *command = page->command;
	enum err_kind kind;
	int64_t count;

	kind = db_run(page->mdm->db, SQL_QUEUE_DELIVER_ALL,
		DB_ARGS(DB_INT(page->after), DB_INT(page->payload->no), DB_INT(command->priority),
			DB_TIME(command->not_before), DB_TIME(command->expires),
			DB_INT(clock_now()), DB_INT(last), DB_INT(command->setup)),
		&count, err);
	if (kind == ERR_OK)
		page->count += count;
	return kind;
}

/* One that does not take it ends a run. */
static enum err_kind
look_at_target(const struct target *target, void *context, struct err *err)
{
	struct page *page = context;
	const struct queue_command *command = page->command;
	enum err_kind kind = ERR_OK;
	struct err why;

	if (catalogue_check_target(page->mdm->arena, page->payload->known, page->payload->keys,
		    &target->known, NULL, &why) == ERR_OK) {
		page->any = true;
		return ERR_OK;
	}
	if (page->any)
		kind = deliver_run(page, target->no - 1, err);
	page->after = target->no;
	page->any = false;
	if (command->refused != NULL)
		command->refused(target->id, why.message, command->context);
	return kind;
}

/* The devices between page->after and LAST. */
static enum err_kind
deliver_page(struct page *page, int64_t last, struct err *err)
{
	struct mdm *mdm = page->mdm;
	struct arena arena, *before = mdm->arena;
	enum err_kind kind;

	if (page->payload->known == NULL || page->command->force)
		return deliver_run(page, last, err);
	/* A million devices would fill the arena of the request. */
	arena_init(&arena);
	mdm->arena = &arena;
	db_use_arena(mdm->db, &arena);
	kind = target_each(mdm, page->after, last, look_at_target, page, err);
	if (kind == ERR_OK && page->any)
		kind = deliver_run(page, last, err);
	mdm->arena = before;
	db_use_arena(mdm->db, before);
	arena_release(&arena);
	return kind;
}

enum err_kind
queue_deliver_all(struct mdm *mdm, const struct queue_command *command,
	const struct queue_payload *payload, int64_t limit, int64_t *after, int64_t *count,
	struct err *err)
{
	struct page page = {.mdm = mdm, .command = command, .payload = payload};
	struct db_row row;
	enum err_kind kind;

	*count = 0;
	/* A page of the table may hold no device that takes it: go on until there is one, or the
	 * end.
	 */
	while (page.count == 0) {
		kind = db_first(mdm->db, SQL_QUEUE_PAGE_END, DB_ARGS(DB_INT(*after), DB_INT(limit)),
			&row, err);
		if (kind != ERR_OK || db_is_null(&row, 0))
			return kind;
		page.after = *after;
		page.any = false;
		kind = deliver_page(&page, db_int(&row, 0), err);
		if (kind != ERR_OK)
			return kind;
		*after = db_int(&row, 0);
	}
	*count = page.count;
	return ERR_OK;
}

/* ---- an operator changes his mind ---- */

static enum err_kind
audit_cancelled(struct mdm *mdm, enum audit_action action, const char *uuid,
	const char *enrollment_id, int64_t count, struct err *err)
{
	struct plist *detail = plist_dict(mdm->arena);

	if (count == 0)
		return ERR_OK;
	plist_set(mdm->arena, detail, "count", plist_integer(mdm->arena, count));
	return audit_add(mdm, action, uuid, enrollment_id, detail, err);
}

enum err_kind
queue_cancel(struct mdm *mdm, const char *uuid, const char *enrollment_id, const char *reason,
	int64_t *count, struct err *err)
{
	enum err_kind kind = db_run(mdm->db, SQL_QUEUE_CANCEL,
		DB_ARGS(DB_TEXT(uuid), DB_TEXT(enrollment_id), DB_TEXT(reason),
			DB_INT(clock_now())),
		count, err);

	return kind == ERR_OK
		       ? audit_cancelled(mdm, AUDIT_QUEUE_CANCEL, uuid, enrollment_id, *count, err)
		       : kind;
}

static enum err_kind
clear(struct mdm *mdm, int64_t enrollment_no, const char *state, const char *reason, int64_t *count,
	struct err *err)
{
	return db_run(mdm->db, SQL_QUEUE_CLEAR,
		DB_ARGS(DB_INT(enrollment_no), DB_TEXT(state), DB_TEXT(reason),
			DB_INT(clock_now())),
		count, err);
}

enum err_kind
queue_clear(struct mdm *mdm, const char *enrollment_id, const char *reason, int64_t *count,
	struct err *err)
{
	struct enrollment enrollment;
	enum err_kind kind = enrollment_find(mdm, enrollment_id, &enrollment, err);

	if (kind == ERR_OK)
		kind = clear(mdm, enrollment.no, "cancelled", reason, count, err);
	return kind == ERR_OK
		       ? audit_cancelled(mdm, AUDIT_QUEUE_CLEAR, NULL, enrollment_id, *count, err)
		       : kind;
}

/* ---- out ---- */

static enum err_kind
next_in_state(struct mdm *mdm, int64_t enrollment_no, const char *state, int64_t now,
	enum queue_which which, struct queue_delivery *delivery, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(mdm->db, SQL_QUEUE_NEXT,
		DB_ARGS(DB_INT(enrollment_no), DB_TEXT(state), DB_INT(now), DB_INT(which)), &row,
		err);

	if (kind != ERR_OK)
		return kind;
	*delivery = (struct queue_delivery){
		.payload_no = db_int(&row, 0),
		.kept = {.uuid = db_text(&row, 1),
			.request = db_text(&row, 2),
			.args = db_text(&row, 3),
			.sealed_args = row.values[6],
			.sealed_body = row.values[7]},
		.state = db_text(&row, 5),
	};
	delivery->kept.body = db_blob(&row, 4, &delivery->kept.body_len);
	return ERR_OK;
}

enum err_kind
queue_undefer(struct mdm *mdm, int64_t enrollment_no, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(
		mdm->db, SQL_QUEUE_HAS_DEFERRED, DB_ARGS(DB_INT(enrollment_no)), &row, err);

	if (kind != ERR_OK)
		return kind == ERR_NOT_FOUND ? ERR_OK : kind;
	return db_run(mdm->db, SQL_QUEUE_UNDEFER, DB_ARGS(DB_INT(enrollment_no)), NULL, err);
}

enum err_kind
queue_next(struct mdm *mdm, int64_t enrollment_no, enum queue_which which,
	struct queue_delivery *delivery, struct err *err)
{
	static const char *const order[] = {"not_now", "sent", "queued"};
	int64_t now = clock_now();

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		enum err_kind kind =
			next_in_state(mdm, enrollment_no, order[i], now, which, delivery, err);

		if (kind != ERR_NOT_FOUND)
			return kind;
	}
	return ERR_NOT_FOUND;
}

enum err_kind
queue_mark_sent(struct mdm *mdm, int64_t enrollment_no, int64_t payload_no, struct err *err)
{
	return db_run(mdm->db, SQL_QUEUE_MARK_SENT,
		DB_ARGS(DB_INT(enrollment_no), DB_INT(payload_no), DB_INT(clock_now())), NULL, err);
}

enum err_kind
queue_mark_not_now(
	struct mdm *mdm, int64_t enrollment_no, int64_t payload_no, bool *changed, struct err *err)
{
	int64_t count;
	enum err_kind kind = db_run(mdm->db, SQL_QUEUE_MARK_NOT_NOW,
		DB_ARGS(DB_INT(enrollment_no), DB_INT(payload_no)), &count, err);

	*changed = kind == ERR_OK && count > 0;
	return kind;
}

enum err_kind
queue_end(struct mdm *mdm, int64_t enrollment_no, int64_t payload_no, const char *state,
	const char *reason, bool *changed, struct err *err)
{
	int64_t count;
	enum err_kind kind = db_run(mdm->db, SQL_QUEUE_END,
		DB_ARGS(DB_INT(enrollment_no), DB_INT(payload_no), DB_TEXT(state), DB_TEXT(reason),
			DB_INT(clock_now())),
		&count, err);

	*changed = kind == ERR_OK && count > 0;
	return kind;
}

/* ---- endings that come by themselves ---- */

struct clearing {
	struct mdm *mdm;
	const char *reason;
};

static enum err_kind
clear_user(const struct db_row *row, void *context, struct err *err)
{
	struct clearing *clearing = context;

	return clear(clearing->mdm, db_int(row, 0), "cleared", clearing->reason, NULL, err);
}

enum err_kind
queue_clear_device(struct mdm *mdm, int64_t device_no, const char *reason, struct err *err)
{
	struct clearing clearing = {.mdm = mdm, .reason = reason};
	enum err_kind kind = clear(mdm, device_no, "cleared", reason, NULL, err);

	if (kind != ERR_OK)
		return kind;
	return db_each(mdm->db, SQL_ENROLLMENT_USERS, DB_ARGS(DB_INT(device_no)), clear_user,
		&clearing, err);
}

struct expiring {
	struct mdm *mdm;
	int64_t count;
};

static enum err_kind
expire_one(const struct db_row *row, void *context, struct err *err)
{
	struct expiring *expiring = context;
	bool changed;
	enum err_kind kind;

	kind = queue_end(expiring->mdm, db_int(row, 0), db_int(row, 1), "expired",
		"its time ran out", &changed, err);
	expiring->count += changed;
	return kind;
}

enum err_kind
queue_expire(struct mdm *mdm, int64_t limit, int64_t *count, struct err *err)
{
	struct expiring expiring = {.mdm = mdm};
	enum err_kind kind = db_each(mdm->db, SQL_QUEUE_EXPIRED,
		DB_ARGS(DB_INT(clock_now()), DB_INT(limit)), expire_one, &expiring, err);

	*count = expiring.count;
	return kind;
}
