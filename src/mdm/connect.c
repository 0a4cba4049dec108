/*
 * A device's report: who, what it says of the last command, which command is next.
 */
#include "mdm/connect.h"

#include <string.h>

#include "base/clock.h"
#include "mdm/await.h"
#include "mdm/command.h"
#include "mdm/command_raw.h"
#include "mdm/enrollment.h"
#include "mdm/escrow.h"
#include "mdm/event.h"
#include "mdm/inventory.h"
#include "mdm/mask.h"
#include "mdm/push.h"
#include "mdm/queue.h"
#include "mdm/seen.h"

enum { JSON_MOST = 64 * 1024 * 1024, REASON_MOST = 300 };

/* One report on its way. */
struct visit {
	struct mdm *mdm;
	const struct connect *connect;
	const struct plist *message;
	struct enrollment enrollment;
	const char *uuid; /* CommandUUID */
	int64_t stored;   /* answers: 0 when there was one already */
	struct connect_note *note;
	struct err *err;
};

/* ---- what came back ---- */

static const char *
to_json(struct visit *visit, const struct plist *plist)
{
	struct buf json;

	if (plist == NULL)
		return NULL;
	buf_init(&json, visit->mdm->arena, JSON_MOST);
	plist_write_json(&json, plist, false);
	return json.full ? NULL : json.bytes;
}

/* The first error of the chain, for people: "MDMErrorDomain 12021: …". */
static const char *
reason_of(struct visit *visit, const struct plist *chain)
{
	const struct plist *first =
		chain == NULL || chain->type != PLIST_ARRAY ? NULL : chain->as.items.first;
	const char *text = plist_get_string(first, "USEnglishDescription");
	const char *domain = plist_get_string(first, "ErrorDomain");
	int64_t code = 0;

	if (first == NULL)
		return NULL;
	if (text == NULL)
		text = plist_get_string(first, "LocalizedDescription");
	plist_get_int64(first, "ErrorCode", &code);
	return arena_printf(visit->mdm->arena, "%.100s %lld: %.*s",
		domain == NULL ? "error" : domain, (long long)code, REASON_MOST,
		text == NULL ? "" : text);
}

/* What is kept of an answer. */
struct kept {
	const struct plist *message;
	const void *raw;
	size_t raw_len;
};

static enum err_kind
insert_answer(struct visit *visit, int64_t payload_no, const char *status, const struct kept *kept)
{
	const char *response = to_json(visit, kept->message);
	const char *error = to_json(visit, plist_get(kept->message, "ErrorChain"));

	if (response == NULL)
		return err_set(visit->err, ERR_TOO_LARGE, "the answer is too large");
	return db_run(visit->mdm->db, SQL_CONNECT_ANSWER,
		DB_ARGS(DB_INT(visit->enrollment.no), DB_INT(payload_no), DB_TEXT(status),
			DB_INT(clock_now()), DB_TEXT(response), DB_TEXT(error),
			DB_BLOB(kept->raw, kept->raw_len)),
		&visit->stored, visit->err);
}

/* Of an answer that holds a secret, everybody may read what is left without it; the message itself
 * is sealed. */
static enum err_kind
insert_secret_answer(
	struct visit *visit, int64_t payload_no, const char *status, const struct plist *masked)
{
	struct mdm *mdm = visit->mdm;
	struct db_value sealed;
	struct buf xml;
	enum err_kind kind;

	buf_init(&xml, mdm->arena, JSON_MOST);
	plist_write_xml(&xml, masked, false);
	if (xml.full)
		return err_set(visit->err, ERR_TOO_LARGE, "the answer is too large");
	kind = mdm_seal(mdm,
		arena_printf(mdm->arena, CONNECT_RAW_PLACE, (long long)visit->enrollment.no,
			(long long)payload_no),
		visit->connect->raw, visit->connect->raw_len, &sealed, visit->err);
	if (kind == ERR_OK)
		kind = insert_answer(visit, payload_no, status,
			&(const struct kept){
				.message = masked, .raw = xml.bytes, .raw_len = xml.len});
	if (kind != ERR_OK)
		return kind;
	return db_run(mdm->db, SQL_CONNECT_ANSWER_SECRET,
		DB_ARGS(DB_INT(visit->enrollment.no), DB_INT(payload_no), sealed), NULL,
		visit->err);
}

static enum err_kind
store_answer(struct visit *visit, int64_t payload_no, const char *request, const char *status)
{
	const struct plist *masked = mask_plist(visit->mdm->arena, request, true, visit->message);

	if (masked != NULL)
		return insert_secret_answer(visit, payload_no, status, masked);
	return insert_answer(visit, payload_no, status,
		&(const struct kept){.message = visit->message,
			.raw = visit->connect->raw,
			.raw_len = visit->connect->raw_len});
}

/* Finds the command the report is about; ERR_NOT_FOUND, with the remark made, when this device has
 * none such. */
static enum err_kind
find_delivery(struct visit *visit, struct db_row *row)
{
	enum err_kind kind;

	if (visit->uuid == NULL)
		return err_set(visit->err, ERR_BAD_INPUT, "CommandUUID is missing");
	kind = db_first(visit->mdm->db, SQL_CONNECT_DELIVERY,
		DB_ARGS(DB_INT(visit->enrollment.no), DB_TEXT(visit->uuid)), row, visit->err);
	if (kind == ERR_NOT_FOUND)
		visit->note->remark = "unknown command";
	return kind;
}

/* An Acknowledged answer: what it tells, and what it gives into safe keeping. */
static enum err_kind
learn(struct visit *visit, const struct db_row *row)
{
	const struct escrow_answer answer = {.enrollment_no = visit->enrollment.no,
		.payload_no = db_int(row, 0),
		.uuid = visit->uuid,
		.request = db_text(row, 3),
		.message = visit->message};
	enum err_kind kind = inventory_update(visit->mdm, visit->enrollment.no, answer.payload_no,
		answer.request, db_text(row, 4), visit->message, visit->err);

	return kind == ERR_OK ? escrow_take(visit->mdm, &answer, visit->err) : kind;
}

/* An answer to a command that has ended: a repeat changes nothing; the first answer to one that was
 * cancelled or has expired counts: the device has done it all the same, and its key or password is
 * the one that is in force now. */
static enum err_kind
take_late_answer(struct visit *visit, const struct db_row *row, const char *status)
{
	const char *state = db_text(row, 1);
	static const char *const answered[] = {"acknowledged", "error", "format_error"};
	enum err_kind kind;

	visit->note->remark = "repeated";
	for (size_t i = 0; i < sizeof(answered) / sizeof(answered[0]); i++)
		if (strcmp(state, answered[i]) == 0)
			return ERR_OK;
	visit->note->remark = "answer to an ended command";
	kind = store_answer(visit, db_int(row, 0), db_text(row, 3), status);
	if (kind != ERR_OK || visit->stored == 0 || strcmp(status, "Acknowledged") != 0 ||
		strcmp(state, "cleared") == 0)
		return kind;
	return learn(visit, row);
}

static enum err_kind
take_answer(struct visit *visit, const char *status, const char *state)
{
	struct db_row row;
	enum err_kind kind = find_delivery(visit, &row);
	const char *reason = NULL;
	int64_t payload_no;
	bool changed;

	if (kind != ERR_OK)
		return kind == ERR_NOT_FOUND ? ERR_OK : kind;
	payload_no = db_int(&row, 0);
	if (!db_is_null(&row, 2))
		return take_late_answer(visit, &row, status);
	if (strcmp(state, "acknowledged") != 0)
		reason = reason_of(visit, plist_get(visit->message, "ErrorChain"));
	kind = store_answer(visit, payload_no, db_text(&row, 3), status);
	if (kind == ERR_OK)
		kind = queue_end(visit->mdm, visit->enrollment.no, payload_no, state, reason,
			&changed, visit->err);
	if (kind == ERR_OK)
		kind = await_answered(visit->mdm, &visit->enrollment, db_text(&row, 3), visit->err);
	return kind == ERR_OK && strcmp(state, "acknowledged") == 0 ? learn(visit, &row) : kind;
}

static enum err_kind
take_not_now(struct visit *visit, const char *status, const char *state)
{
	struct db_row row;
	enum err_kind kind = find_delivery(visit, &row);
	bool changed = false;

	(void)status;
	(void)state;
	if (kind != ERR_OK)
		return kind == ERR_NOT_FOUND ? ERR_OK : kind;
	kind = queue_mark_not_now(
		visit->mdm, visit->enrollment.no, db_int(&row, 0), &changed, visit->err);
	if (kind == ERR_OK && !changed)
		visit->note->remark = "repeated";
	return kind;
}

static enum err_kind
take_idle(struct visit *visit, const char *status, const char *state)
{
	(void)visit;
	(void)status;
	(void)state;
	return ERR_OK;
}

static const struct report {
	const char *status;
	enum err_kind (*take)(struct visit *visit, const char *status, const char *state);
	const char *state; /* how it ends the command */
	bool begins;       /* a session begins: commands deferred by NotNow are eligible again */
} reports[] = {
	{"Idle", take_idle, NULL, true},
	{"Acknowledged", take_answer, "acknowledged", false},
	{"Error", take_answer, "error", false},
	{"CommandFormatError", take_answer, "format_error", false},
	{"NotNow", take_not_now, NULL, false},
};

/* ---- what goes out ---- */

static enum err_kind
end_invalid(struct visit *visit, const struct queue_delivery *delivery, const struct err *why)
{
	struct mdm *mdm = visit->mdm;
	struct plist *detail = plist_dict(mdm->arena);
	enum err_kind kind;
	bool changed;

	plist_set(mdm->arena, detail, "uuid", plist_string(mdm->arena, delivery->kept.uuid));
	plist_set(mdm->arena, detail, "request", plist_string(mdm->arena, delivery->kept.request));
	plist_set(mdm->arena, detail, "reason", plist_string(mdm->arena, why->message));
	visit->note->remark = "a command could not be built";
	kind = queue_end(mdm, visit->enrollment.no, delivery->payload_no, "invalid", why->message,
		&changed, visit->err);
	if (kind == ERR_OK)
		kind = event_add(mdm, EVENT_COMMAND_INVALID, visit->enrollment.no,
			to_json(visit, detail), NULL, 0, visit->err);
	return kind;
}

static enum err_kind
build(struct visit *visit, const struct queue_delivery *delivery, struct buf *reply,
	struct err *why)
{
	struct command_kept command = delivery->kept;
	enum err_kind kind = command_secret_open(visit->mdm, &command, why);

	if (kind == ERR_OK && command.unread)
		kind = command_raw_read(visit->mdm, delivery->payload_no, &command, why);
	if (kind != ERR_OK)
		return kind;
	if (command.body != NULL) {
		buf_add(reply, command.body, command.body_len);
		return reply->full ? err_set(why, ERR_BAD_INPUT, "the command is too large")
				   : ERR_OK;
	}
	return command_build(visit->mdm, visit->enrollment.no, command.uuid, command.request,
		command.args, reply, why);
}

/* It goes out for the first time, or again. */
static enum err_kind
mark_sent(struct visit *visit, const struct queue_delivery *delivery)
{
	enum err_kind kind;

	visit->note->offered = delivery->kept.uuid;
	if (strcmp(delivery->state, "sent") == 0)
		return ERR_OK;
	kind = command_secret_seal_sent(
		visit->mdm, delivery->payload_no, &delivery->kept, visit->err);
	if (kind == ERR_OK)
		kind = queue_mark_sent(
			visit->mdm, visit->enrollment.no, delivery->payload_no, visit->err);
	return kind;
}

/* The next one for a device as it stands: while it waits to be configured setup commands, then what
 * lets it go before anything else. */
static enum err_kind
find_next(struct visit *visit, struct queue_delivery *next)
{
	struct enrollment *enrollment = &visit->enrollment;
	enum err_kind kind = await_look(visit->mdm, enrollment, visit->err);

	if (kind != ERR_OK)
		return kind;
	if (enrollment->awaiting && enrollment->await_until != 0)
		return queue_next(visit->mdm, enrollment->no, QUEUE_SETUP, next, visit->err);
	if (enrollment->awaiting)
		kind = queue_next(visit->mdm, enrollment->no, QUEUE_RELEASE, next, visit->err);
	if (!enrollment->awaiting || kind == ERR_NOT_FOUND)
		kind = queue_next(visit->mdm, enrollment->no, QUEUE_ANY, next, visit->err);
	return kind;
}

/* A command that cannot be built ends as invalid and does not block those behind it. */
static enum err_kind
offer_next(struct visit *visit, struct buf *reply)
{
	struct mdm *mdm = visit->mdm;
	struct queue_delivery next;
	struct err why;
	enum err_kind kind;

	while ((kind = find_next(visit, &next)) == ERR_OK) {
		kind = build(visit, &next, reply, &why);
		if (kind == ERR_OK)
			return mark_sent(visit, &next);
		if (kind == ERR_BUSY) {
			*visit->err = why;
			return kind;
		}
		buf_init(reply, mdm->arena, reply->cap);
		kind = end_invalid(visit, &next, &why);
		if (kind != ERR_OK)
			return kind;
	}
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

/* The time is written with what is written anyway; an Idle that changes nothing leaves it to
 * mdm/seen. */
static enum err_kind
note_seen(struct visit *visit, bool writing)
{
	int64_t now = clock_now();

	if (now - visit->enrollment.last_seen < SEEN_EVERY_MS)
		return ERR_OK;
	if (writing)
		return db_run(visit->mdm->db, SQL_ENROLLMENT_SEEN,
			DB_ARGS(DB_INT(visit->enrollment.no), DB_INT(now)), NULL, visit->err);
	if (visit->mdm->seen != NULL)
		seen_note(visit->mdm->seen, visit->enrollment.no, now);
	return ERR_OK;
}

static enum err_kind
bind(struct visit *visit)
{
	struct enrollment_ids ids;
	enum err_kind kind = enrollment_ids_of(visit->mdm->arena, visit->message, &ids, visit->err);

	if (kind != ERR_OK)
		return kind;
	visit->note->enrollment_id = ids.id;
	kind = enrollment_bind(
		visit->mdm, &ids, &visit->connect->caller, &visit->enrollment, visit->err);
	if (kind == ERR_OK && strcmp(visit->enrollment.state, "checked_out") == 0)
		return err_set(visit->err, ERR_FORBIDDEN, "the device has checked out");
	return kind;
}

static enum err_kind
serve_report(struct visit *visit, const struct report *report, struct buf *reply)
{
	bool idle = report->begins;
	enum err_kind kind = bind(visit);

	/* A device that is going to be given something new: that writes.  What is on its way is
	 * given again without. */
	if (kind == ERR_OK && idle && visit->enrollment.has_commands &&
		!visit->enrollment.has_sent && !db_may_write(visit->mdm->db))
		return ERR_NEEDS_WRITE;
	if (kind == ERR_OK)
		kind = report->take(visit, report->status, report->state);
	if (kind == ERR_OK && idle && visit->enrollment.has_commands)
		kind = queue_undefer(visit->mdm, visit->enrollment.no, visit->err);
	if (kind == ERR_OK &&
		(!idle || visit->enrollment.has_commands || visit->enrollment.awaiting))
		kind = offer_next(visit, reply);
	if (kind == ERR_OK &&
		(!idle || visit->note->offered != NULL || visit->enrollment.is_awaited))
		kind = push_device_came(visit->mdm, visit->enrollment.no,
			visit->note->offered != NULL, idle, visit->err);
	if (kind == ERR_OK)
		kind = note_seen(visit, !idle || visit->note->offered != NULL);
	return kind;
}

enum err_kind
connect_handle(struct mdm *mdm, const struct connect *connect, struct buf *reply,
	struct connect_note *note, struct err *err)
{
	const char *status = plist_get_string(connect->message, "Status");
	struct visit visit = {
		.mdm = mdm,
		.connect = connect,
		.message = connect->message,
		.uuid = plist_get_string(connect->message, "CommandUUID"),
		.note = note,
		.err = err,
	};

	*note = (struct connect_note){.status = status, .answered = visit.uuid};
	if (status == NULL)
		return err_set(err, ERR_BAD_INPUT, "Status must be a string");
	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
		if (strcmp(reports[i].status, status) == 0)
			return serve_report(&visit, &reports[i], reply);
	return err_set(err, ERR_BAD_INPUT, "unknown Status \"%.60s\"", status);
}
