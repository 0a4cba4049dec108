/*
 * A look at the rules costs a few searches in an index, and is taken whether or not something is
 * due: rules may come from an operator's shell.
 */
#include "worker/schedules.h"

#include "base/clock.h"
#include "base/log.h"
#include "mdm/schedule.h"
#include "worker/work.h"

enum { LOOK_EVERY_MS = 2000, RECHECK_EVERY_MS = 10 * 60 * 1000, GREET_MOST = 100 };

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

/* Each rule in a transaction of its own: devices want the write lock, too. */
static enum err_kind
step_all(struct mdm *mdm, struct err *err)
{
	struct stepping stepping = {0};
	enum err_kind kind;

	do {
		kind = work_do(mdm, step, &stepping, err);
		if (kind == ERR_OK)
			tell(mdm, &stepping.done);
		stepping.after = stepping.done.no;
	} while (kind == ERR_OK && stepping.after != 0);
	return kind;
}

void
schedules_round(struct schedules *schedules)
{
	struct mdm *mdm = schedules->mdm;
	enum err_kind kind = ERR_OK;
	struct err err = {0};
	int64_t count;

	if (schedules->next_at > clock_now())
		return;
	if (schedules->recheck_at <= clock_now()) {
		kind = work_do(mdm, recheck, &schedules->begun, &err);
		schedules->begun = kind == ERR_OK;
		schedules->recheck_at = clock_now() + RECHECK_EVERY_MS;
	}
	if (kind == ERR_OK)
		kind = step_all(mdm, &err);
	if (kind == ERR_OK)
		kind = work_do(mdm, greet, &count, &err);
	if (kind != ERR_OK)
		log_line(LOG_WARNING, "recurring work cannot be done now", "error", err.message,
			NULL);
	schedules->next_at = clock_now() + LOOK_EVERY_MS;
}
