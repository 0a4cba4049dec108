/*
 * What ends soon, and who has been told.
 */
#include "mdm/expiry.h"

#include <string.h>

#include "base/clock.h"
#include "mdm/ca.h"
#include "mdm/event.h"

enum { DAY_MS = 24 * 60 * 60 * 1000, DETAIL_MOST = 4096 };

/* Nearest first. */
static const int warnings[] = {7, 30, EXPIRY_DAYS};
enum { WARNINGS = sizeof(warnings) / sizeof(warnings[0]) };

struct looking {
	struct mdm *mdm;
	int64_t now, until;
	expiry_fn each;
	void *context;
	int64_t count;
};

static int
warning_of(int64_t left)
{
	for (size_t i = 0; i < WARNINGS; i++)
		if (left <= (int64_t)warnings[i] * DAY_MS)
			return warnings[i];
	return 0;
}

static enum err_kind
look_at_row(const struct db_row *row, void *context, struct err *err)
{
	struct looking *looking = context;
	const struct expiry expiry = {.what = db_text(row, 0),
		.name = db_text(row, 1),
		.whose = db_text(row, 2),
		.not_after = db_int(row, 3),
		.enrollment_no = db_int(row, 4),
		.days = warning_of(db_int(row, 3) - looking->now)};

	looking->count++;
	return looking->each(&expiry, looking->context, err);
}

static enum err_kind
look_at_authority(const struct ca_authority *authority, void *context, struct err *err)
{
	struct looking *looking = context;
	const struct expiry expiry = {.what = "authority",
		.name = authority->name,
		.whose = authority->info.subject,
		.not_after = authority->info.not_after,
		.days = warning_of(authority->info.not_after - looking->now)};

	/* A registration authority ends with its CA. */
	if (strcmp(authority->role, "retired") == 0 || authority->belongs_to != NULL ||
		expiry.not_after <= looking->now || expiry.not_after > looking->until)
		return ERR_OK;
	return looking->each(&expiry, looking->context, err);
}

/* Push certificates and CAs: there are few. */
static enum err_kind
look_at_few(struct looking *looking, int64_t most, struct err *err)
{
	enum err_kind kind = db_each(looking->mdm->db, SQL_EXPIRY_PUSH_CERTIFICATES,
		DB_ARGS(DB_INT(looking->now), DB_INT(looking->until), DB_INT(most)), look_at_row,
		looking, err);

	return kind == ERR_OK ? ca_each(looking->mdm, look_at_authority, looking, err) : kind;
}

enum err_kind
expiry_each(struct mdm *mdm, int days, int64_t most, expiry_fn each, void *context, struct err *err)
{
	int64_t now = clock_now();
	struct looking looking = {.mdm = mdm,
		.now = now,
		.until = now + days * (int64_t)DAY_MS,
		.each = each,
		.context = context};
	enum err_kind kind = look_at_few(&looking, most, err);

	if (kind != ERR_OK)
		return kind;
	return db_each(mdm->db, SQL_EXPIRY_IDENTITIES,
		DB_ARGS(DB_INT(now), DB_INT(looking.until), DB_INT(most)), look_at_row, &looking,
		err);
}

/* ---- warning ---- */

struct warning {
	struct mdm *mdm;
	expiry_fn each;
	void *context;
};

static enum err_kind
add_event(struct mdm *mdm, const struct expiry *expiry, struct err *err)
{
	struct plist *detail = plist_dict(mdm->arena);
	char when[CLOCK_ISO_SIZE];
	struct buf json;

	plist_set(mdm->arena, detail, "what", plist_string(mdm->arena, expiry->what));
	plist_set(mdm->arena, detail, "name", plist_string(mdm->arena, expiry->name));
	plist_set(mdm->arena, detail, "whose", plist_string(mdm->arena, expiry->whose));
	plist_set(mdm->arena, detail, "not_after",
		plist_string(mdm->arena, clock_iso(expiry->not_after, when)));
	plist_set(mdm->arena, detail, "days", plist_integer(mdm->arena, expiry->days));
	buf_init(&json, mdm->arena, DETAIL_MOST);
	plist_write_json(&json, detail, false);
	return event_add(mdm, EVENT_EXPIRES, expiry->enrollment_no, json.full ? NULL : json.bytes,
		NULL, 0, err);
}

/* Has this warning, or a nearer one, been given for this very certificate? */
static enum err_kind
was_warned(struct mdm *mdm, const struct expiry *expiry, bool *warned, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(mdm->db, SQL_EXPIRY_WARNED,
		DB_ARGS(DB_TEXT(expiry->what), DB_TEXT(expiry->name), DB_INT(expiry->not_after)),
		&row, err);

	*warned = kind == ERR_OK && db_int(&row, 0) <= expiry->days;
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

static enum err_kind
warn(const struct expiry *expiry, void *context, struct err *err)
{
	const struct warning *warning = context;
	struct mdm *mdm = warning->mdm;
	bool warned;
	enum err_kind kind = was_warned(mdm, expiry, &warned, err);

	if (kind != ERR_OK || warned)
		return kind;
	kind = db_run(mdm->db, SQL_EXPIRY_SET_WARNED,
		DB_ARGS(DB_TEXT(expiry->what), DB_TEXT(expiry->name), DB_INT(expiry->not_after),
			DB_INT(expiry->days)),
		NULL, err);
	if (kind == ERR_OK)
		kind = add_event(mdm, expiry, err);
	return kind == ERR_OK ? warning->each(expiry, warning->context, err) : kind;
}

/* Those behind FROM that end within so many days. */
static enum err_kind
warn_identities(struct looking *looking, int64_t from, int days, int64_t most, struct err *err)
{
	return db_each(looking->mdm->db, SQL_EXPIRY_UNWARNED,
		DB_ARGS(DB_INT(from), DB_INT(looking->now + days * (int64_t)DAY_MS), DB_INT(days),
			DB_INT(most)),
		look_at_row, looking, err);
}

enum err_kind
expiry_warn(struct mdm *mdm, int64_t most, int64_t *count, expiry_fn each, void *context,
	struct err *err)
{
	struct warning warning = {.mdm = mdm, .each = each, .context = context};
	struct looking looking = {.mdm = mdm,
		.now = clock_now(),
		.until = clock_now() + EXPIRY_DAYS * (int64_t)DAY_MS,
		.each = warn,
		.context = &warning};
	int64_t from = looking.now;
	enum err_kind kind = look_at_few(&looking, most, err);

	looking.count = 0;
	for (size_t i = 0; i < WARNINGS && kind == ERR_OK && looking.count < most; i++) {
		kind = warn_identities(&looking, from, warnings[i], most - looking.count, err);
		from = looking.now + warnings[i] * (int64_t)DAY_MS;
	}
	*count = looking.count;
	if (kind == ERR_OK && db_may_write(mdm->db))
		kind = db_run(mdm->db, SQL_EXPIRY_FORGET, DB_ARGS(DB_INT(looking.now)), NULL, err);
	return kind;
}
