#include "worker/auditing.h"

#include "base/clock.h"
#include "base/log.h"
#include "mdm/audit.h"
#include "worker/work.h"

enum { CHAIN_MOST = 500 };

static const int64_t look_every_us = 5 * (int64_t)1000 * 1000;
static const int64_t head_every_us = 24 * 3600 * (int64_t)1000 * 1000;

static enum err_kind
chain(struct mdm *mdm, void *context, struct err *err)
{
	return audit_chain(mdm, CHAIN_MOST, context, err);
}

static enum err_kind
read_head(struct mdm *mdm, void *context, struct err *err)
{
	return audit_head(mdm, context, err);
}

static void
tell_head(struct auditing *auditing, struct mdm *mdm, int64_t now)
{
	struct audit_head head;
	struct err err = {0};

	if (work_do(mdm, read_head, &head, &err) != ERR_OK) {
		log_line(LOG_WARNING, "the audit trail cannot be read now", "error", err.message,
			NULL);
		return;
	}
	if (head.no > 0)
		log_line(LOG_INFO, "audit trail", "head",
			arena_printf(mdm->arena, "%lld:%s", (long long)head.no, head.hash), NULL);
	auditing->next_head = now + head_every_us;
}

void
auditing_round(struct auditing *auditing, struct mdm *mdm)
{
	int64_t now = clock_ticks_us(), count = 0;
	struct err err = {0};

	if (now < auditing->next_look)
		return;
	auditing->next_look = now + look_every_us;
	if (work_do(mdm, chain, &count, &err) != ERR_OK)
		log_line(LOG_WARNING, "the audit trail cannot be chained now", "error", err.message,
			NULL);
	else if (count == CHAIN_MOST)
		auditing->next_look = now; /* there may be more */
	else if (now >= auditing->next_head)
		tell_head(auditing, mdm, now);
}
