/*
 * What the rules of recurring work do: from a window of time to those whose slot is in it, and from
 * them to commands in the queue.
 *
 *	schedule_step: window -> due -> batch -> queue
 */
#include "mdm/schedule_parts.h"

#include <string.h>

#include "base/clock.h"
#include "mdm/group.h"
#include "mdm/queue.h"
#include "mdm/schedule_slot.h"

enum {
	STEP_MOST = 50,   /* devices of one step, … */
	STEP_SECONDS = 4, /* … unless they are due in so short a time */
	NOTE_EVERY = 60,  /* seconds without anybody that go unnoted */
	GREET_RULES_MOST = 1000,
	PAYLOAD_MS = 12 * 3600 * 1000, /* retention removes none that is so young */
};

/* ---- a batch: one command, and who gets it ---- */

struct batch {
	struct mdm *mdm;
	const struct schedule_rule *rule;
	const char **ids;
	size_t count, room;
	struct queue_command command;
	struct queue_payload payload;
	bool fresh; /* the payload has just been stored */
	int64_t queued, refused;
};

/* A row: number, id. */
static enum err_kind
collect(const struct db_row *row, void *context, struct err *err)
{
	struct batch *batch = context;

	(void)err;
	if (batch->count == batch->room) {
		size_t room = batch->room == 0 ? STEP_MOST : 2 * batch->room;
		const char **ids = arena_calloc(batch->mdm->arena, room, sizeof(*ids));

		if (batch->count > 0)
			memcpy(ids, batch->ids, batch->count * sizeof(*ids));
		batch->ids = ids;
		batch->room = room;
	}
	batch->ids[batch->count++] = db_text(row, 1);
	return ERR_OK;
}

static enum err_kind
store_payload(struct batch *batch, struct err *err)
{
	struct mdm *mdm = batch->mdm;
	enum err_kind kind = queue_payload_add(mdm, &batch->command, &batch->payload, err);

	batch->fresh = kind == ERR_OK;
	return kind == ERR_OK ? db_run(mdm->db, SQL_SCHEDULE_OWN_PAYLOAD,
					DB_ARGS(DB_INT(batch->payload.no), DB_INT(batch->rule->no)),
					NULL, err)
			      : kind;
}

/* The command PAYLOAD_NO, if that will do still; or a new one. */
static enum err_kind
find_payload(struct batch *batch, int64_t payload_no, struct err *err)
{
	struct mdm *mdm = batch->mdm;
	struct db_row row;
	enum err_kind kind = schedule_rule_args(mdm, batch->rule, &batch->command.args, err);

	if (kind != ERR_OK)
		return kind;
	batch->command.request = batch->rule->request;
	batch->command.origin = "schedule";
	batch->command.whom = &batch->rule->target;
	batch->command.whom_count = strcmp(batch->rule->target, SELECTION_ALL) == 0 ? 0 : 1;
	kind = db_first(mdm->db, SQL_SCHEDULE_PAYLOAD,
		DB_ARGS(DB_INT(payload_no), DB_INT(batch->rule->no),
			DB_INT(clock_now() - PAYLOAD_MS)),
		&row, err);
	if (kind == ERR_NOT_FOUND)
		return store_payload(batch, err);
	batch->payload = (struct queue_payload){.no = payload_no,
		.uuid = db_text(&row, 0),
		.request = batch->rule->request,
		.known = catalogue_find(batch->rule->request),
		.keys = batch->command.args};
	return kind;
}

/* One that does not take such a command goes without. */
static enum err_kind
deliver(struct batch *batch, const char *id, struct err *err)
{
	struct err why = {0};
	enum err_kind kind = queue_deliver(batch->mdm, &batch->command, &batch->payload, id, &why);

	if (kind == ERR_OK) {
		batch->queued++;
	} else if (kind == ERR_BAD_INPUT) {
		batch->refused++;
	} else if (kind != ERR_CONFLICT && kind != ERR_NOT_FOUND) {
		*err = why;
		return kind;
	}
	return ERR_OK;
}

/* Queues it for all of the batch; payload.no is 0 when nobody took it. */
static enum err_kind
batch_send(struct batch *batch, int64_t payload_no, struct err *err)
{
	struct mdm *mdm = batch->mdm;
	enum err_kind kind = find_payload(batch, payload_no, err);

	for (size_t i = 0; i < batch->count && kind == ERR_OK; i++)
		kind = deliver(batch, batch->ids[i], err);
	if (kind != ERR_OK)
		return kind;
	if (batch->queued > 0)
		return db_run(mdm->db, SQL_SCHEDULE_QUEUED,
			DB_ARGS(DB_INT(batch->rule->no), DB_INT(batch->queued),
				DB_INT(clock_now())),
			NULL, err);
	if (batch->fresh)
		kind = db_run(mdm->db, SQL_SCHEDULE_DROP_PAYLOAD,
			DB_ARGS(DB_INT(batch->payload.no)), NULL, err);
	batch->payload.no = 0;
	return kind;
}

/* ---- to whom ---- */

/* What the statements know a target by. */
struct aim {
	struct db_value target, group_no;
	bool ready;        /* who is in the group is known */
	const char *wrong; /* why nobody is meant; or NULL */
};

static enum err_kind
aim_at(struct mdm *mdm, const struct schedule_rule *rule, struct aim *aim, struct err *err)
{
	size_t len = strlen(SELECTION_GROUP);
	struct group group;
	enum err_kind kind;

	*aim = (struct aim){.target = DB_TEXT(rule->target), .group_no = DB_NULL(), .ready = true};
	if (strncmp(rule->target, SELECTION_GROUP, len) != 0)
		return ERR_OK;
	kind = group_find(mdm, rule->target + len, &group, err);
	if (kind == ERR_NOT_FOUND) {
		aim->wrong = arena_strdup(mdm->arena, err->message);
		err_clear(err);
		return ERR_OK;
	}
	aim->group_no = DB_INT(group.no);
	aim->ready = group.ready;
	aim->wrong = group.problem;
	return kind;
}

/* ---- a step of the worker ---- */

/* Has what came through SQL been right? */
static enum err_kind
check_rule(struct mdm *mdm, const struct schedule_rule *rule, const char **wrong, struct err *err)
{
	const struct catalogue_request *request;
	struct schedule schedule = {
		.every = rule->every, .target = rule->target, .request = rule->request};
	enum err_kind kind = schedule_rule_args(mdm, rule, &schedule.args, err);

	*wrong = NULL;
	if (kind == ERR_OK)
		kind = schedule_check(mdm, &schedule, &request, err);
	if (kind != ERR_BAD_INPUT && kind != ERR_NOT_FOUND && kind != ERR_TOO_LARGE)
		return kind;
	*wrong = arena_strdup(mdm->arena, err->message);
	err_clear(err);
	return ERR_OK;
}

static enum err_kind
note_checked(struct mdm *mdm, const struct schedule_rule *rule, struct schedule_step *step,
	struct err *err)
{
	enum err_kind kind =
		step->wrong == NULL ? check_rule(mdm, rule, &step->wrong, err) : ERR_OK;

	return kind == ERR_OK ? db_run(mdm->db, SQL_SCHEDULE_SET_CHECKED,
					DB_ARGS(DB_INT(rule->no), DB_TEXT(step->wrong)), NULL, err)
			      : kind;
}

/* After a time without a worker many are due: no more than a few go at once. */
static enum err_kind
cut_window(struct mdm *mdm, const struct schedule_rule *rule, struct schedule_window *window,
	struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(mdm->db, SQL_SCHEDULE_PAGE_END,
		DB_ARGS(DB_INT(window->first_slot), DB_INT(window->last_slot), DB_INT(STEP_MOST)),
		&row, err);
	int64_t last, least = window->first + STEP_SECONDS - 1;

	if (kind != ERR_OK || db_int(&row, 1) < STEP_MOST)
		return kind;
	last = window->round * rule->every + schedule_slot_second(db_int(&row, 0), rule->every);
	last = last > least ? last : least;
	if (last < window->last)
		schedule_window_cut(window, rule->every, last);
	return ERR_OK;
}

static enum err_kind
find_due(struct batch *batch, const struct schedule_window *window, const struct aim *aim,
	struct err *err)
{
	const struct schedule_rule *rule = batch->rule;

	return db_each(batch->mdm->db, SQL_SCHEDULE_DUE,
		DB_ARGS(DB_INT(window->first_slot), DB_INT(window->last_slot), DB_INT(rule->no),
			aim->target, DB_INT((window->first - rule->every / 2) * 1000),
			aim->group_no),
		collect, batch, err);
}

static enum err_kind
send_due(struct batch *batch, const struct schedule_window *window, struct err *err)
{
	const struct schedule_rule *rule = batch->rule;
	enum err_kind kind =
		batch_send(batch, rule->round == window->round ? rule->payload_no : 0, err);

	if (kind == ERR_OK && batch->payload.no != 0 && batch->fresh)
		kind = db_run(batch->mdm->db, SQL_SCHEDULE_SET_PAYLOAD,
			DB_ARGS(DB_INT(rule->no), DB_INT(window->round), DB_INT(batch->payload.no)),
			NULL, err);
	return kind;
}

/* A short span in which nobody was due is not worth a write, unless another one follows. */
static bool
is_to_be_noted(const struct schedule_rule *rule, const struct schedule_window *window, int64_t now)
{
	int64_t span = window->last - rule->done_to;

	return window->last < now || span < 0 || span >= NOTE_EVERY;
}

static enum err_kind
step_rule(struct mdm *mdm, const struct schedule_rule *rule, struct schedule_step *step,
	const struct aim *aim, struct err *err)
{
	struct batch batch = {.mdm = mdm, .rule = rule};
	struct schedule_window window;
	int64_t now = clock_now() / 1000;
	enum err_kind kind;

	if (!schedule_window_find(&window, rule->every, rule->done_to, now))
		return ERR_OK;
	kind = cut_window(mdm, rule, &window, err);
	if (kind == ERR_OK)
		kind = find_due(&batch, &window, aim, err);
	if (kind == ERR_OK && batch.count > 0)
		kind = send_due(&batch, &window, err);
	step->queued = batch.queued;
	step->refused = batch.refused;
	if (kind != ERR_OK || (batch.count == 0 && !is_to_be_noted(rule, &window, now)))
		return kind;
	return db_run(mdm->db, SQL_SCHEDULE_DONE,
		DB_ARGS(DB_INT(rule->no), DB_INT(window.last * 1000)), NULL, err);
}

enum err_kind
schedule_step(struct mdm *mdm, struct schedule_step *step, struct err *err)
{
	struct schedule_rule rule;
	struct aim aim;
	struct db_row row;
	enum err_kind kind =
		db_first(mdm->db, SQL_SCHEDULE_NEXT, DB_ARGS(DB_INT(step->no)), &row, err);

	*step = (struct schedule_step){0};
	if (kind != ERR_OK)
		return kind == ERR_NOT_FOUND ? ERR_OK : kind;
	rule = schedule_rule_of(&row);
	step->no = rule.no;
	step->name = rule.name;
	if (!rule.checked)
		return note_checked(mdm, &rule, step, err);
	kind = aim_at(mdm, &rule, &aim, err);
	step->wrong = aim.wrong;
	if (kind != ERR_OK || !aim.ready)
		return kind;
	if (aim.wrong == NULL)
		kind = step_rule(mdm, &rule, step, &aim, err);
	if (kind == ERR_BAD_INPUT) /* it was right to another program */
		step->wrong = arena_strdup(mdm->arena, err->message);
	return step->wrong != NULL ? note_checked(mdm, &rule, step, err) : kind;
}

/* ---- newcomers ---- */

struct newcomers {
	int64_t *numbers;
	int64_t count;
};

static enum err_kind
collect_newcomer(const struct db_row *row, void *context, struct err *err)
{
	struct newcomers *newcomers = context;

	(void)err;
	newcomers->numbers[newcomers->count++] = db_int(row, 0);
	return ERR_OK;
}

/* They get a command of their own: what the round's has become of is theirs from before. */
static enum err_kind
greet_by(struct mdm *mdm, const struct schedule_rule *rule, const struct newcomers *newcomers,
	struct err *err)
{
	struct batch batch = {.mdm = mdm, .rule = rule};
	struct aim aim;
	enum err_kind kind = aim_at(mdm, rule, &aim, err);

	for (int64_t i = 0; i < newcomers->count && kind == ERR_OK && aim.wrong == NULL; i++)
		kind = db_each(mdm->db, SQL_SCHEDULE_NEWCOMER_DUE,
			DB_ARGS(DB_INT(newcomers->numbers[i]), DB_INT(rule->no), aim.target,
				aim.group_no),
			collect, &batch, err);
	if (kind == ERR_OK && batch.count > 0)
		kind = batch_send(&batch, 0, err);
	return kind == ERR_BAD_INPUT ? ERR_OK : kind; /* its next step finds that out */
}

static enum err_kind
greet_by_all(struct mdm *mdm, const struct newcomers *newcomers, struct err *err)
{
	int64_t no = 0;

	for (int n = 0; n < GREET_RULES_MOST; n++) {
		struct schedule_rule rule;
		struct db_row row;
		enum err_kind kind =
			db_first(mdm->db, SQL_SCHEDULE_NEXT, DB_ARGS(DB_INT(no)), &row, err);

		if (kind != ERR_OK)
			return kind == ERR_NOT_FOUND ? ERR_OK : kind;
		rule = schedule_rule_of(&row);
		no = rule.no;
		if (rule.checked && greet_by(mdm, &rule, newcomers, err) != ERR_OK)
			return err->kind;
	}
	return ERR_OK;
}

enum err_kind
schedule_greet(struct mdm *mdm, int64_t most, int64_t *count, struct err *err)
{
	struct newcomers newcomers = {
		.numbers = arena_calloc(mdm->arena, (size_t)most, sizeof(int64_t))};
	enum err_kind kind = db_each(mdm->db, SQL_SCHEDULE_NEWCOMERS, DB_ARGS(DB_INT(most)),
		collect_newcomer, &newcomers, err);

	*count = newcomers.count;
	if (kind == ERR_OK && newcomers.count > 0)
		kind = greet_by_all(mdm, &newcomers, err);
	for (int64_t i = 0; i < newcomers.count && kind == ERR_OK; i++)
		kind = db_run(mdm->db, SQL_SCHEDULE_NEWCOMER_REMOVE,
			DB_ARGS(DB_INT(newcomers.numbers[i])), NULL, err);
	return kind;
}

/* ---- doing it now ---- */

static enum err_kind
find_right(struct mdm *mdm, const char *name, struct schedule_rule *rule, struct err *err)
{
	enum err_kind kind = schedule_rule_find(mdm, name, rule, err);

	if (kind == ERR_OK && !rule->checked)
		kind = check_rule(mdm, rule, &rule->invalid, err);
	if (kind == ERR_OK && rule->invalid != NULL)
		return err_set(err, ERR_BAD_INPUT, "%s", rule->invalid);
	return kind;
}

static enum err_kind
take_meant(const char *enrollment_id, void *context, struct err *err)
{
	struct batch *batch = context;

	return db_each(batch->mdm->db, SQL_SCHEDULE_MAY_GET,
		DB_ARGS(DB_TEXT(enrollment_id), DB_INT(batch->rule->no)), collect, batch, err);
}

enum err_kind
schedule_run(struct mdm *mdm, struct schedule_run *run, int64_t most, struct err *err)
{
	struct schedule_rule rule;
	struct batch batch = {.mdm = mdm, .rule = &rule};
	enum err_kind kind = find_right(mdm, run->name, &rule, err);

	if (kind == ERR_OK)
		kind = selection_page(mdm, rule.target, &run->at, most, take_meant, &batch, err);
	if (kind == ERR_OK && batch.count > 0)
		kind = batch_send(&batch, run->payload_no, err);
	if (kind != ERR_OK)
		return kind;
	if (batch.payload.no != 0)
		run->payload_no = batch.payload.no;
	run->queued += batch.queued;
	run->refused += batch.refused;
	return ERR_OK;
}
