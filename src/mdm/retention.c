/*
 * What has been kept long enough goes.  The worker calls this, step by step; each step is a short
 * transaction, as devices want the write lock too.
 */
#include "mdm/retention.h"

#include "base/clock.h"
#include "mdm/setting.h"

enum {
	LOOK_MOST = 1000,        /* rows of one step */
	REMOVE_MOST = 100,       /* commands of one step: they lie all over the table … */
	REMOVE_ROWS_MOST = 500,  /* … and events side by side */
	BYTES_MOST = 512 * 1024, /* of answers or messages that go in one step */
	DAY_MS = 24 * 60 * 60 * 1000,
};

/* A delivery (or a payload without any: enrollment_no is 0) that goes. */
struct old {
	int64_t payload_no, enrollment_no;
	bool answered;
};

/* What a step has found. */
struct search {
	int64_t cutoff, now;
	struct retention *pass;
	struct old old[REMOVE_MOST];
	int64_t looked, bytes;
	int64_t count; /* that go */
	int64_t last;  /* looked at, of events and changes */
	bool ended;    /* there is a young one: nothing behind it is old */
};

/* What is older than *CUTOFF goes; 0: nothing does. */
static enum err_kind
cutoff_of(struct mdm *mdm, const char *setting, int64_t *cutoff, struct err *err)
{
	const char *value;
	enum err_kind kind = setting_get(mdm, setting, &value, err);
	int64_t days;

	*cutoff = 0;
	if (kind != ERR_OK)
		return kind;
	/* A value that is none was not set through us; nothing goes by mistake. */
	if (setting_days(value, &days) && days > 0 && clock_now() > days * DAY_MS)
		*cutoff = clock_now() - days * DAY_MS;
	return ERR_OK;
}

static bool
is_young(const struct search *search, int64_t at)
{
	return at >= search->cutoff && at <= search->now + DAY_MS;
}

/* ---- events, and changes of facts: rows in the order of time ---- */

static enum err_kind
look_at_row(const struct db_row *row, void *context, struct err *err)
{
	struct search *search = context;
	int64_t at = db_int(row, 1);

	(void)err;
	search->ended = is_young(search, at);
	if (search->ended)
		return ERR_NOT_FOUND; /* that is enough */
	search->last = db_int(row, 0);
	search->looked++;
	if (at < search->cutoff) {
		search->count++;
		search->bytes += db_int(row, 2);
	}
	return search->count < REMOVE_ROWS_MOST && search->bytes < BYTES_MOST ? ERR_OK
									      : ERR_NOT_FOUND;
}

/* The rows behind *NO: looks with FIND, and takes out with REMOVE; *GONE grows. */
static enum err_kind
step_rows(struct mdm *mdm, struct search *search, enum statement find, enum statement remove,
	int64_t *no, int64_t *gone, struct err *err)
{
	int64_t start = *no, count;
	enum err_kind kind;

	search->last = start;
	kind = db_each(
		mdm->db, find, DB_ARGS(DB_INT(start), DB_INT(LOOK_MOST)), look_at_row, search, err);
	*no = search->last;
	if (kind == ERR_OK && search->count > 0) {
		kind = db_run(mdm->db, remove,
			DB_ARGS(DB_INT(start), DB_INT(search->last), DB_INT(search->cutoff)),
			&count, err);
		*gone += count;
	}
	return kind;
}

static enum err_kind
step_events(struct mdm *mdm, struct search *search, struct err *err)
{
	return step_rows(mdm, search, SQL_RETENTION_EVENTS, SQL_RETENTION_REMOVE_EVENTS,
		&search->pass->event_no, &search->pass->events, err);
}

static enum err_kind
step_changes(struct mdm *mdm, struct search *search, struct err *err)
{
	return step_rows(mdm, search, SQL_RETENTION_CHANGES, SQL_RETENTION_REMOVE_CHANGES,
		&search->pass->change_no, &search->pass->changes, err);
}

/* ---- secrets ---- */

/* They are few. */
static enum err_kind
step_secrets(struct mdm *mdm, struct search *search, struct err *err)
{
	int64_t count;
	struct db_row row;
	enum err_kind kind = db_first(
		mdm->db, SQL_RETENTION_SECRETS, DB_ARGS(DB_INT(search->cutoff)), &row, err);

	search->ended = true;
	if (kind != ERR_OK)
		return kind == ERR_NOT_FOUND ? ERR_OK : kind;
	kind = db_run(mdm->db, SQL_RETENTION_REMOVE_SECRETS, DB_ARGS(DB_INT(search->cutoff)),
		&count, err);
	search->pass->secrets += count;
	return kind;
}

/* ---- commands ---- */

static enum err_kind
look_at_command(const struct db_row *row, void *context, struct err *err)
{
	struct search *search = context;
	int64_t created_at = db_int(row, 1);

	(void)err;
	/* Whatever became of a young payload is younger still. */
	search->ended = is_young(search, created_at);
	if (search->ended)
		return ERR_NOT_FOUND;
	search->pass->payload_no = db_int(row, 0);
	search->pass->enrollment_no = db_int(row, 2);
	search->looked++;
	if (db_int(row, 3) == 1 || (db_is_null(row, 2) && created_at < search->cutoff)) {
		search->old[search->count++] = (struct old){.payload_no = db_int(row, 0),
			.enrollment_no = db_int(row, 2),
			.answered = !db_is_null(row, 4)};
		search->bytes += db_int(row, 4);
	}
	return search->count < REMOVE_MOST && search->bytes < BYTES_MOST ? ERR_OK : ERR_NOT_FOUND;
}

static bool
is_full(const struct search *search)
{
	return search->ended || search->looked >= LOOK_MOST || search->count >= REMOVE_MOST ||
	       search->bytes >= BYTES_MOST;
}

/* The other deliveries of the payload that the last step ended in, then the payloads behind it. */
static enum err_kind
find_commands(struct mdm *mdm, struct search *search, struct err *err)
{
	const struct retention *pass = search->pass;
	enum err_kind kind = db_each(mdm->db, SQL_RETENTION_REST,
		DB_ARGS(DB_INT(pass->payload_no), DB_INT(pass->enrollment_no),
			DB_INT(search->cutoff), DB_INT(LOOK_MOST)),
		look_at_command, search, err);

	if (kind != ERR_OK || is_full(search))
		return kind;
	return db_each(mdm->db, SQL_RETENTION_NEXT,
		DB_ARGS(DB_INT(pass->payload_no), DB_INT(search->cutoff),
			DB_INT(LOOK_MOST - search->looked)),
		look_at_command, search, err);
}

static enum err_kind
remove_delivery(struct mdm *mdm, struct search *search, const struct old *old, struct err *err)
{
	const struct db_value key[] = {
		DB_INT(old->enrollment_no), DB_INT(old->payload_no), DB_INT(search->cutoff)};
	enum err_kind kind = ERR_OK;
	int64_t count;

	if (old->answered) {
		kind = db_run(mdm->db, SQL_RETENTION_MOVE, key, 2, NULL, err);
		if (kind == ERR_OK)
			kind = db_run(mdm->db, SQL_RETENTION_REMOVE_ANSWER, key, 2, NULL, err);
		if (kind == ERR_OK)
			kind = db_run(
				mdm->db, SQL_RETENTION_REMOVE_ANSWER_SECRET, key, 2, NULL, err);
	}
	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_RETENTION_REMOVE_DELIVERY, key, 3, &count, err);
	if (kind == ERR_OK)
		search->pass->commands += count;
	return kind;
}

static enum err_kind
step_commands(struct mdm *mdm, struct search *search, struct err *err)
{
	enum err_kind kind = find_commands(mdm, search, err);

	for (int64_t i = 0; i < search->count && kind == ERR_OK; i++) {
		const struct old *old = &search->old[i];

		if (old->enrollment_no != 0)
			kind = remove_delivery(mdm, search, old, err);
		if (kind == ERR_OK)
			kind = db_run(mdm->db, SQL_RETENTION_REMOVE_PAYLOAD,
				DB_ARGS(DB_INT(old->payload_no), DB_INT(search->cutoff)), NULL,
				err);
	}
	return kind;
}

/* ---- a pass ---- */

static const struct {
	const char *setting;
	enum err_kind (*step)(struct mdm *mdm, struct search *search, struct err *err);
} phases[] = {
	{"keep_events", step_events},
	{"keep_results", step_commands},
	{"keep_history", step_changes},
	{"keep_secrets", step_secrets},
};

enum { PHASES = sizeof(phases) / sizeof(phases[0]) };

enum err_kind
retention_step(struct mdm *mdm, struct retention *pass, struct err *err)
{
	struct search *search = arena_calloc(mdm->arena, 1, sizeof(*search));
	enum err_kind kind;

	search->now = clock_now();
	search->pass = pass;
	kind = cutoff_of(mdm, phases[pass->phase].setting, &search->cutoff, err);
	if (kind == ERR_OK && search->cutoff > 0)
		kind = phases[pass->phase].step(mdm, search, err);
	if (kind == ERR_OK && (search->cutoff == 0 || search->ended || search->looked == 0))
		pass->phase++;
	return kind;
}

bool
retention_is_done(const struct retention *pass)
{
	return pass->phase >= PHASES;
}
