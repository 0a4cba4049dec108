/*
 * The statements are in sql/doctor.sql, one for each kind of fact.
 */
#include "mdm/doctor.h"

static const enum statement statements[] = {
	[DOCTOR_TOPICS] = SQL_DOCTOR_TOPICS,
	[DOCTOR_STALLED] = SQL_DOCTOR_STALLED,
	[DOCTOR_SHUT_OUT] = SQL_DOCTOR_SHUT_OUT,
	[DOCTOR_NO_IDENTITY] = SQL_DOCTOR_NO_IDENTITY,
	[DOCTOR_PUSH_STOPPED] = SQL_DOCTOR_PUSH_STOPPED,
	[DOCTOR_PUSH_FAILING] = SQL_DOCTOR_PUSH_FAILING,
	[DOCTOR_PUSH_LATE] = SQL_DOCTOR_PUSH_LATE,
	[DOCTOR_UNSEEN] = SQL_DOCTOR_UNSEEN,
	[DOCTOR_IDENTITIES] = SQL_DOCTOR_IDENTITIES,
	[DOCTOR_GROUPS] = SQL_DOCTOR_GROUPS,
	[DOCTOR_SCHEDULES] = SQL_DOCTOR_SCHEDULES,
};

struct search {
	enum err_kind (*each)(const struct doctor_finding *finding, void *context, struct err *err);
	void *context;
};

static enum err_kind
take_row(const struct db_row *row, void *context, struct err *err)
{
	const struct search *search = context;
	const struct doctor_finding finding = {.count = db_int(row, 0),
		.devices = db_int(row, 1),
		.example = db_text(row, 2),
		.reason = db_text(row, 3)};

	return finding.count == 0 ? ERR_OK : search->each(&finding, search->context, err);
}

enum err_kind
doctor_find(struct mdm *mdm, enum doctor_fact fact, int64_t since,
	enum err_kind (*each)(const struct doctor_finding *finding, void *context, struct err *err),
	void *context, struct err *err)
{
	struct search search = {.each = each, .context = context};

	return db_each(mdm->db, statements[fact], DB_ARGS(DB_INT(since)), take_row, &search, err);
}
