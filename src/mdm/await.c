/*
 * Between TokenUpdate, which begins a wait, and the command that ends it.  The wait is in the
 * enrollment's row: awaiting_configuration, and await_until while setup commands hold.
 */
#include "mdm/await.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mdm/audit.h"
#include "mdm/catalogue.h"
#include "mdm/event.h"
#include "mdm/mask.h"
#include "mdm/queue.h"
#include "mdm/setting.h"

enum {
	STEPS_MOST = 1000,
	ARGS_MOST = 16 * 1024 * 1024,
	DETAIL_MOST = 4096,
	PRIORITY = 1000000, /* in front of what was queued meanwhile */
	MINUTE_MS = 60 * 1000,
};

/* How an enrollment stands. */
struct wait {
	int64_t no;
	const char *id;
	bool user;
	bool waiting, held;
	int64_t setup;      /* commands that are open */
	int64_t configured; /* and those that let it go */
};

static enum err_kind
read_wait(struct mdm *mdm, int64_t no, struct wait *wait, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(mdm->db, SQL_AWAIT_STATE, DB_ARGS(DB_INT(no)), &row, err);

	if (kind != ERR_OK)
		return kind;
	*wait = (struct wait){
		.no = no,
		.waiting = db_int(&row, 0) != 0,
		.held = db_int(&row, 1) != 0,
		.setup = db_int(&row, 2),
		.configured = db_int(&row, 3),
		.id = db_text(&row, 4),
		.user = !db_is_null(&row, 5),
	};
	return ERR_OK;
}

static const char *
channel_of(const struct wait *wait)
{
	return wait->user ? "user" : "device";
}

static const char *
last_command(const struct wait *wait)
{
	return wait->user ? "UserConfigured" : "DeviceConfigured";
}

static enum err_kind
note(struct mdm *mdm, enum event_kind event, int64_t no, const struct plist *detail,
	struct err *err)
{
	struct buf json;

	buf_init(&json, mdm->arena, DETAIL_MOST);
	plist_write_json(&json, detail, false);
	return event_add(mdm, event, no, json.full ? NULL : json.bytes, NULL, 0, err);
}

/* ---- letting go ---- */

static enum err_kind
queue_last(struct mdm *mdm, const struct wait *wait, const char **uuid, struct err *err)
{
	const struct queue_command command = {
		.request = last_command(wait), .origin = "setup", .priority = PRIORITY};
	struct queue_payload payload;
	enum err_kind kind = queue_payload_add(mdm, &command, &payload, err);

	if (kind != ERR_OK)
		return kind;
	*uuid = payload.uuid;
	return queue_deliver(mdm, &command, &payload, wait->id, err);
}

/* One that the operator has queued will do. */
static enum err_kind
release(struct mdm *mdm, const struct wait *wait, const char *reason, struct err *err)
{
	struct arena *arena = mdm->arena;
	struct plist *detail = plist_dict(arena);
	const char *uuid = NULL;
	enum err_kind kind =
		db_run(mdm->db, SQL_AWAIT_RELEASE, DB_ARGS(DB_INT(wait->no)), NULL, err);

	if (kind == ERR_OK && wait->configured == 0)
		kind = queue_last(mdm, wait, &uuid, err);
	if (kind != ERR_OK)
		return kind;
	plist_set(arena, detail, "reason", plist_string(arena, reason));
	plist_set(arena, detail, "open", plist_integer(arena, wait->setup));
	plist_set(arena, detail, "request", plist_string(arena, last_command(wait)));
	if (uuid != NULL)
		plist_set(arena, detail, "uuid", plist_string(arena, uuid));
	return note(mdm, EVENT_AWAIT_RELEASED, wait->no, detail, err);
}

static const char *
reason_of(const struct wait *wait)
{
	if (!wait->held)
		return "what lets it go was cancelled";
	return wait->setup == 0 ? "the setup commands have ended" : "time-out";
}

static enum err_kind
release_when_due(struct mdm *mdm, int64_t no, bool *released, struct err *err)
{
	struct wait wait;
	struct db_row row;
	enum err_kind kind = db_first(
		mdm->db, SQL_AWAIT_IS_DUE, DB_ARGS(DB_INT(no), DB_INT(clock_now())), &row, err);

	*released = false;
	if (kind != ERR_OK)
		return kind == ERR_NOT_FOUND ? ERR_OK : kind;
	kind = read_wait(mdm, no, &wait, err);
	if (kind == ERR_OK)
		kind = release(mdm, &wait, reason_of(&wait), err);
	*released = kind == ERR_OK;
	return kind;
}

enum err_kind
await_look(struct mdm *mdm, struct enrollment *enrollment, struct err *err)
{
	bool released;
	enum err_kind kind;

	if (!enrollment->awaiting)
		return ERR_OK;
	kind = release_when_due(mdm, enrollment->no, &released, err);
	if (kind == ERR_OK && released) {
		enrollment->await_until = 0;
		enrollment->has_commands = true;
	}
	return kind;
}

enum err_kind
await_answered(struct mdm *mdm, struct enrollment *enrollment, const char *request, struct err *err)
{
	enum err_kind kind;

	if (!enrollment->awaiting || (strcmp(request, "DeviceConfigured") != 0 &&
					     strcmp(request, "UserConfigured") != 0))
		return ERR_OK;
	enrollment->awaiting = false;
	enrollment->await_until = 0;
	kind = db_run(mdm->db, SQL_AWAIT_END, DB_ARGS(DB_INT(enrollment->no)), NULL, err);
	return kind == ERR_OK ? db_run(mdm->db, SQL_AWAIT_CANCEL,
					DB_ARGS(DB_INT(enrollment->no),
						DB_TEXT("it has been let go already"),
						DB_INT(clock_now())),
					NULL, err)
			      : kind;
}

/* ---- for the worker ---- */

struct due {
	int64_t *numbers;
	int64_t count;
};

static enum err_kind
collect(const struct db_row *row, void *context, struct err *err)
{
	struct due *due = context;

	(void)err;
	due->numbers[due->count++] = db_int(row, 0);
	return ERR_OK;
}

enum err_kind
await_release_due(struct mdm *mdm, int64_t limit, int64_t *count, struct err *err)
{
	struct due due = {.numbers = arena_calloc(mdm->arena, (size_t)limit, sizeof(int64_t))};
	bool released;
	/* The rows are read first: letting go moves them in the index that is being read. */
	enum err_kind kind = db_each(mdm->db, SQL_AWAIT_DUE,
		DB_ARGS(DB_INT(clock_now()), DB_INT(limit)), collect, &due, err);

	*count = due.count;
	for (int64_t i = 0; i < due.count && kind == ERR_OK; i++)
		kind = release_when_due(mdm, due.numbers[i], &released, err);
	return kind;
}

/* ---- a wait begins ---- */

/* A row of the list. */
struct step {
	int64_t no;
	const char *request, *args;
	struct db_value sealed_args; /* what args shows a part of; or NULL */
};

struct steps {
	struct step rows[STEPS_MOST];
	size_t count;
};

static enum err_kind
collect_step(const struct db_row *row, void *context, struct err *err)
{
	struct steps *steps = context;

	(void)err;
	if (steps->count == STEPS_MOST)
		return ERR_NOT_FOUND; /* enough */
	steps->rows[steps->count++] = (struct step){.no = db_int(row, 0),
		.request = db_text(row, 1),
		.args = db_text(row, 2),
		.sealed_args = row->values[3]};
	return ERR_OK;
}

static enum err_kind
note_left_out(struct mdm *mdm, const struct wait *wait, const struct step *step,
	const struct err *why, struct err *err)
{
	struct arena *arena = mdm->arena;
	struct plist *detail = plist_dict(arena);

	plist_set(arena, detail, "request", plist_string(arena, step->request));
	plist_set(arena, detail, "reason", plist_string(arena, why->message));
	plist_set(arena, detail, "setup", plist_boolean(arena, true));
	return note(mdm, EVENT_COMMAND_INVALID, wait->no, detail, err);
}

static const char *
args_place(struct mdm *mdm, int64_t no)
{
	return arena_printf(mdm->arena, AWAIT_ARGS_PLACE "%lld", (long long)no);
}

/* The whole arguments, as JSON; NULL: none. */
static enum err_kind
step_args(struct mdm *mdm, const struct step *step, const char **text, struct err *err)
{
	unsigned char *opened;
	size_t len;
	enum err_kind kind;

	*text = step->args;
	if (step->sealed_args.type != DB_TYPE_BLOB)
		return ERR_OK;
	kind = seal_open(mdm->key, mdm->arena, args_place(mdm, step->no), step->sealed_args.bytes,
		step->sealed_args.len, &opened, &len, err);
	*text = kind == ERR_OK ? (const char *)opened : NULL;
	return kind == ERR_INTERNAL
		       ? err_set(err, ERR_BAD_INPUT, "its arguments cannot be opened with this key")
		       : kind;
}

static enum err_kind
queue_step(struct mdm *mdm, const struct wait *wait, const struct step *step, struct err *err)
{
	struct queue_command command = {.request = step->request, .origin = "setup", .setup = true};
	struct queue_payload payload;
	struct plist *args = NULL;
	const char *text;
	enum err_kind kind = step_args(mdm, step, &text, err);

	if (kind == ERR_OK && text != NULL)
		kind = plist_read_json(
			plist_limits_default(), mdm->arena, text, strlen(text), &args, err);
	command.args = args;
	if (kind == ERR_OK)
		kind = queue_payload_add(mdm, &command, &payload, err);
	return kind == ERR_OK ? queue_deliver(mdm, &command, &payload, wait->id, err) : kind;
}

/* Adds to WAIT->setup what could be queued. */
static enum err_kind
queue_steps(struct mdm *mdm, struct wait *wait, struct err *err)
{
	struct steps *steps = arena_calloc(mdm->arena, 1, sizeof(*steps));
	enum err_kind kind = db_each(mdm->db, SQL_AWAIT_STEPS, DB_ARGS(DB_TEXT(channel_of(wait))),
		collect_step, steps, err);

	for (size_t i = 0; i < steps->count && kind == ERR_OK; i++) {
		struct err why = {0};

		kind = queue_step(mdm, wait, &steps->rows[i], &why);
		if (kind == ERR_OK)
			wait->setup++;
		else if (kind == ERR_BAD_INPUT || kind == ERR_TOO_LARGE)
			kind = note_left_out(mdm, wait, &steps->rows[i], &why, err);
		else
			*err = why;
	}
	return kind;
}

static enum err_kind
hold(struct mdm *mdm, const struct wait *wait, struct err *err)
{
	const char *minutes;
	enum err_kind kind = setting_get(mdm, "await_timeout", &minutes, err);
	int64_t until;

	if (kind != ERR_OK)
		return kind;
	until = clock_now() + strtol(minutes, NULL, 10) * (int64_t)MINUTE_MS;
	return db_run(mdm->db, SQL_AWAIT_HOLD,
		DB_ARGS(DB_INT(wait->no), wait->setup == 0 ? DB_NULL() : DB_INT(until)), NULL, err);
}

enum err_kind
await_begin(struct mdm *mdm, int64_t enrollment_no, struct err *err)
{
	struct wait wait;
	enum err_kind kind = read_wait(mdm, enrollment_no, &wait, err);

	if (kind != ERR_OK || (wait.waiting && (wait.held || wait.configured > 0)))
		return kind;
	kind = queue_steps(mdm, &wait, err);
	if (kind == ERR_OK)
		kind = hold(mdm, &wait, err);
	if (kind == ERR_OK && wait.setup == 0)
		kind = release(mdm, &wait, "there are no setup commands", err);
	return kind;
}

/* ---- the list of setup commands ---- */

static enum err_kind
note_step(
	struct mdm *mdm, enum audit_action action, int64_t no, const char *request, struct err *err)
{
	return audit_add(mdm, action, arena_printf(mdm->arena, "%lld", (long long)no), NULL,
		audit_detail(mdm->arena, "request", request), err);
}

static enum err_kind
check_step(struct mdm *mdm, const struct await_step *step, const struct catalogue_request **request,
	struct err *err)
{
	const char *name;
	struct plist *keys;

	*request = catalogue_find(step->request);
	if (*request == NULL)
		return err_set(err, ERR_BAD_INPUT, "unknown request %s", step->request);
	name = (*request)->name;
	if ((*request)->confirm)
		return err_set(err, ERR_BAD_INPUT, "%s sets nothing up", name);
	if (strcmp(name, "DeviceConfigured") == 0 || strcmp(name, "UserConfigured") == 0)
		return err_set(err, ERR_BAD_INPUT, "%s goes out by itself", name);
	return catalogue_check(mdm->arena, *request, step->args, &keys, err);
}

/* As JSON; NULL when there are none. */
static enum err_kind
args_text(struct mdm *mdm, const char *request, const struct plist *args, const char **text,
	struct err *err)
{
	struct buf json;

	*text = NULL;
	if (args == NULL || args->as.items.count == 0)
		return ERR_OK;
	buf_init(&json, mdm->arena, ARGS_MOST);
	plist_write_json(&json, args, false);
	if (json.full)
		return err_set(err, ERR_TOO_LARGE, "%s: the arguments are too large", request);
	*text = json.bytes;
	return ERR_OK;
}

/* ARGS hold a secret: the row, which shows none, gets them sealed. */
static enum err_kind
seal_step(struct mdm *mdm, int64_t no, const char *args, struct err *err)
{
	struct db_value sealed;
	enum err_kind kind = mdm_seal(mdm, args_place(mdm, no), args, strlen(args), &sealed, err);

	return kind == ERR_OK ? db_run(mdm->db, SQL_AWAIT_STEP_SEAL, DB_ARGS(DB_INT(no), sealed),
					NULL, err)
			      : kind;
}

enum err_kind
await_step_add(struct mdm *mdm, const struct await_step *step, int64_t *no, struct err *err)
{
	const struct catalogue_request *request;
	const struct plist *masked = NULL;
	const char *args, *shown;
	struct db_row row;
	enum err_kind kind = check_step(mdm, step, &request, err);

	*no = 0;
	if (kind == ERR_OK)
		kind = args_text(mdm, request->name, step->args, &args, err);
	if (kind == ERR_OK && args != NULL)
		masked = mask_plist(mdm->arena, request->name, false, step->args);
	if (kind == ERR_OK)
		kind = args_text(
			mdm, request->name, masked == NULL ? step->args : masked, &shown, err);
	if (kind == ERR_OK)
		kind = db_first(mdm->db, SQL_AWAIT_STEP_ADD,
			DB_ARGS(DB_TEXT(step->channel),
				step->position == NULL ? DB_NULL() : DB_INT(*step->position),
				DB_TEXT(request->name), DB_TEXT(shown)),
			&row, err);
	if (kind != ERR_OK)
		return kind;
	*no = db_int(&row, 0);
	if (masked != NULL && seal_step(mdm, *no, args, err) != ERR_OK)
		return err->kind;
	return note_step(mdm, AUDIT_SETUP_ADD, *no, request->name, err);
}

enum err_kind
await_step_remove(struct mdm *mdm, int64_t no, struct err *err)
{
	int64_t changed = 0;
	enum err_kind kind =
		db_run(mdm->db, SQL_AWAIT_STEP_REMOVE, DB_ARGS(DB_INT(no)), &changed, err);

	if (kind == ERR_OK && changed == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no setup command %lld", (long long)no);
	return kind == ERR_OK ? note_step(mdm, AUDIT_SETUP_REMOVE, no, NULL, err) : kind;
}
