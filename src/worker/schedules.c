/*
 * A look at the rules costs a few searches in an index, and is taken whether or not something is
 * due: rules may come from an operator's shell.
 */
#include "worker/schedules.h"

#include "base/clock.h"
#include "base/log.h"
#include "mdm/schedule.h"
#include "worker/work.h"

enum {
	LOOK_EVERY_MS = 300,
	REST_MS = 1000, /* after something was queued: more at a time, and no storm */
	FAILED_REST_MS = 10 * 1000,
	RECHECK_EVERY_MS = 10 * 60 * 1000,
	GREET_MOST = 100,
};

struct stepping {
	int64_t after;
	struct schedule_step done;
};

static enum err_kind
step(struct mdm *mdm, void *context, struct err *err)
{
	struct stepping *stepping = context;

	stepping->done = (struct schedule_step){.no = stepping->after};
	return schedule_step(mdm, &stepping->done, err);
}

static enum err_kind
greet(struct mdm *mdm, void *context, struct err *err)
{
	return schedule_greet(mdm, GREET_MOST, context, err);
}

static enum err_kind
recheck(struct mdm *mdm, void *context, struct err *err)
{
	return schedule_recheck(mdm, *(const bool *)context, err);
}

static void
tell(struct mdm *mdm, const struct schedule_step *done)
{
	if (done->wrong != NULL)
		log_line(LOG_WARNING, "a schedule is not right", "schedule", done->name, "reason",
			done->wrong, NULL);
	if (done->queued + done->refused > 0)
		log_line(LOG_DEBUG, "scheduled commands are queued", "schedule", done->name,
			"devices", arena_printf(mdm->arena, "%lld", (long long)done->queued),
			"refused", arena_printf(mdm->arena, "%lld", (long long)done->refused),
			NULL);
}

/*
 * Each rule in a transaction of its own: devices want the write lock, too.  What is wrong with one
 * is nothing to the others; with the store, it is.
 */
static enum err_kind
step_all(struct mdm *mdm, int64_t *queued, struct err *err)
{
	struct stepping stepping = {0};

	do {
		enum err_kind kind = work_do(mdm, step, &stepping, err);

		if (kind == ERR_BUSY || (kind != ERR_OK && stepping.done.no <= stepping.after))
			return kind;
		if (kind == ERR_OK)
			tell(mdm, &stepping.done);
		else
			log_line(LOG_WARNING, "a schedule cannot be done now", "schedule",
				stepping.done.name, "error", err->message, NULL);
		*queued += stepping.done.queued;
		stepping.after = stepping.done.no;
	} while (stepping.after != 0);
	return ERR_OK;
}

void
schedules_round(struct schedules *schedules)
{
	struct mdm *mdm = schedules->mdm;
	enum err_kind kind = ERR_OK;
	struct err err = {0};
	int64_t queued = 0, count;

	if (schedules->next_at > clock_now())
		return;
	if (schedules->recheck_at <= clock_now()) {
		kind = work_do(mdm, recheck, &schedules->begun, &err);
		schedules->begun = kind == ERR_OK;
		schedules->recheck_at = clock_now() + RECHECK_EVERY_MS;
	}
	if (kind == ERR_OK)
		kind = step_all(mdm, &queued, &err);
	if (kind == ERR_OK)
		kind = work_do(mdm, greet, &count, &err);
	if (kind != ERR_OK)
		log_line(LOG_WARNING, "recurring work cannot be done now", "error", err.message,
			NULL);
	schedules->next_at = clock_now() + (kind != ERR_OK      ? FAILED_REST_MS
						   : queued > 0 ? REST_MS
								: LOOK_EVERY_MS);
}
