#include "worker/groups.h"

#include "base/clock.h"
#include "base/log.h"
#include "worker/work.h"

enum {
	LOOK_EVERY_US = 300 * 1000,        /* for what has changed */
	BREAK_US = 20 * 1000,              /* between steps devices get the write lock */
	TIMED_EVERY_US = 60 * 1000 * 1000, /* groups that depend on time, … */
	TIMED_REST = 200,                  /* … or so many times as long as that took, … */
	TIMED_MOST_US = 900 * 1000 * 1000, /* … and this long at most */
	COMPLAIN_EVERY_US = 60 * 1000 * 1000,
};

struct step {
	const struct group_refresh *from;
	struct group_refresh to;
};

static enum err_kind
do_step(struct mdm *mdm, void *context, struct err *err)
{
	struct step *step = context;

	step->to = *step->from;
	return group_refresh_step(mdm, &step->to, err);
}

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* How long timed groups are left alone after they took TOOK. */
static int64_t
rest_after(int64_t took)
{
	int64_t rest = larger(TIMED_EVERY_US, TIMED_REST * took);

	return rest < TIMED_MOST_US ? rest : TIMED_MOST_US;
}

struct groups
groups_new(struct mdm *mdm)
{
	return (struct groups){.mdm = mdm};
}

void
groups_round(struct groups *groups)
{
	int64_t began = clock_ticks_us(), now;
	struct step step = {.from = &groups->refresh};
	struct err err = {0};
	bool timed;

	if (began < groups->next_step)
		return;
	if (began >= groups->next_timed)
		groups->refresh.timed = true;
	timed = groups->refresh.timed;
	if (work_do(groups->mdm, do_step, &step, &err) != ERR_OK) {
		log_line(LOG_WARNING, "who is in which group cannot be found now", "error",
			err.message, NULL);
		groups->next_step = began + COMPLAIN_EVERY_US;
		return;
	}
	now = clock_ticks_us();
	groups->refresh = step.to;
	groups->took += timed ? now - began : 0;
	groups->next_step =
		now + (step.to.idle ? LOOK_EVERY_US : larger(BREAK_US, 2 * (now - began)));
	if (timed && !groups->refresh.timed) {
		groups->next_timed = now + rest_after(groups->took);
		groups->took = 0;
	}
}
