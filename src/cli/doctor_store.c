/*
 * Checks of what is in the store; mdm/doctor.h and its neighbours give the facts.
 */
#include "cli/doctor.h"

#include <string.h>

#include "base/clock.h"
#include "mdm/audit.h"
#include "mdm/ca.h"
#include "mdm/doctor.h"
#include "mdm/heartbeat.h"
#include "mdm/push_certificate.h"

enum {
	DAY_MS = 24 * 3600 * 1000,
	STALLED_DAYS = 3,
	UNSEEN_DAYS = 30,
	LATE_MS = 15 * 60 * 1000,
	SOON_DAYS = 7,
	AHEAD_DAYS = 60,
};

/* ---- device CA ---- */

static enum err_kind
read_ca(struct doctor *doctor, struct err *err)
{
	struct mdm *mdm = &doctor->cli->mdm;
	struct x509_info info;
	const char *pem;
	enum err_kind kind = ca_certificate(mdm, &pem, err);

	if (kind == ERR_OK)
		kind = x509_inspect(mdm->arena, pem, &info, err);
	if (kind == ERR_OK)
		doctor_say_end(doctor, info.subject, info.not_after,
			"devices have to enroll again under a new CA");
	return kind;
}

void
doctor_check_ca(struct doctor *doctor)
{
	doctor_read(doctor, read_ca);
}

/* ---- push certificates ---- */

static enum err_kind
say_certificate(const struct push_certificate *certificate, void *context, struct err *err)
{
	struct doctor *doctor = context;

	(void)err;
	if (certificate->stopped != NULL)
		doctor_say(doctor, DOCTOR_PROBLEM,
			"renew it in Apple's portal and import it: pomona push-cert request "
			"--renew",
			"APNs refuses the certificate of %s (%s)", certificate->topic,
			certificate->stopped);
	doctor_say_end(doctor, certificate->topic, certificate->not_after,
		"renew it with the Apple ID it was made with: pomona push-cert request --renew");
	return ERR_OK;
}

static enum err_kind
say_topic(const struct doctor_finding *finding, void *context, struct err *err)
{
	(void)err;
	doctor_say(context, DOCTOR_PROBLEM,
		"import its certificate; a new one of another topic does not help",
		"%lld enrollments (one is %s) have topic %s, for which there is no certificate",
		(long long)finding->count, finding->example,
		finding->reason == NULL ? "none" : finding->reason);
	return ERR_OK;
}

static enum err_kind
read_certificates(struct doctor *doctor, struct err *err)
{
	struct mdm *mdm = &doctor->cli->mdm;
	struct db_row row;
	enum err_kind kind = db_first(mdm->db, SQL_PUSH_CERTIFICATE_LIST, DB_NONE, &row, err);

	if (kind == ERR_NOT_FOUND) {
		doctor_say(doctor, DOCTOR_PROBLEM,
			"pomona push-cert request makes the request for one",
			"there is no push certificate: no device can be woken, nor enroll");
		kind = ERR_OK;
	} else if (kind == ERR_OK)
		kind = push_certificate_each(mdm, say_certificate, doctor, err);
	return kind == ERR_OK ? doctor_find(mdm, DOCTOR_TOPICS, 0, say_topic, doctor, err) : kind;
}

void
doctor_check_push_certificates(struct doctor *doctor)
{
	doctor_read(doctor, read_certificates);
}

/* ---- worker ---- */

static enum err_kind
read_worker(struct doctor *doctor, struct err *err)
{
	static const char start[] = "start pomona-push";
	struct heartbeat last;
	char when[CLOCK_ISO_SIZE];
	enum err_kind kind = heartbeat_last(&doctor->cli->mdm, &last, err);

	if (kind == ERR_NOT_FOUND) {
		doctor_say(doctor, DOCTOR_PROBLEM, start,
			"pomona-push does not run: nothing wakes devices");
		return ERR_OK;
	}
	if (kind != ERR_OK)
		return kind;
	clock_iso(last.seen_at, when);
	if (clock_now() - last.seen_at > 3 * HEARTBEAT_EVERY_MS)
		doctor_say(doctor, DOCTOR_PROBLEM, start,
			"pomona-push (%s) gave its last sign of life at %s", last.name, when);
	else if (strcmp(last.version, PACKAGE_VERSION) != 0)
		doctor_say(doctor, DOCTOR_WARNING, "restart it",
			"pomona-push is version %s, this program " PACKAGE_VERSION, last.version);
	else
		doctor_say(doctor, DOCTOR_OK, NULL, "pomona-push runs (%s)", last.name);
	return ERR_OK;
}

void
doctor_check_worker(struct doctor *doctor)
{
	doctor_read(doctor, read_worker);
}

/* ---- pushes, queue, devices ---- */

/* A kind of fact and how it is told. */
struct question {
	enum doctor_fact fact;
	enum doctor_state state;
	int64_t before_ms; /* what is looked for is older; negative: so long ahead */
	const char *what;
	const char *mend;
};

struct asking {
	struct doctor *doctor;
	const struct question *question;
	bool found;
};

static enum err_kind
say_finding(const struct doctor_finding *finding, void *context, struct err *err)
{
	struct asking *asking = context;
	const struct question *question = asking->question;

	(void)err;
	asking->found = true;
	doctor_say(asking->doctor, question->state, question->mend,
		"%lld %s (%lld devices, one is %s%s%s)", (long long)finding->count, question->what,
		(long long)finding->devices, finding->example, finding->reason == NULL ? "" : "; ",
		finding->reason == NULL ? "" : finding->reason);
	return ERR_OK;
}

static void
ask(struct doctor *doctor, const struct question *questions, size_t count, const char *fine)
{
	struct asking asking = {.doctor = doctor};
	struct mdm *mdm = &doctor->cli->mdm;
	struct err err = {0};
	enum err_kind kind = db_begin(mdm->db, DB_READ, &err);

	for (size_t i = 0; i < count && kind == ERR_OK; i++) {
		asking.question = &questions[i];
		kind = doctor_find(mdm, questions[i].fact, clock_now() - questions[i].before_ms,
			say_finding, &asking, &err);
	}
	db_rollback(mdm->db);
	if (kind != ERR_OK)
		doctor_say(doctor, DOCTOR_PROBLEM, NULL, "%s", err.message);
	else if (!asking.found)
		doctor_say(doctor, DOCTOR_OK, NULL, "%s", fine);
}

void
doctor_check_pushes(struct doctor *doctor)
{
	static const struct question questions[] = {
		{DOCTOR_PUSH_LATE, DOCTOR_PROBLEM, LATE_MS,
			"pushes should have gone a quarter of an hour ago",
			"does pomona-push run, and does it reach APNs?  pomona doctor --apns"},
		{DOCTOR_PUSH_STOPPED, DOCTOR_WARNING, 0, "enrollments get no more pushes",
			"APNs said so; they are woken again after their next TokenUpdate"},
		{DOCTOR_PUSH_FAILING, DOCTOR_WARNING, 0, "pushes have failed and are tried again",
			"see the log of pomona-push"},
	};

	ask(doctor, questions, sizeof(questions) / sizeof(questions[0]), "none is late or failing");
}

void
doctor_check_queue(struct doctor *doctor)
{
	static const struct question questions[] = {
		{DOCTOR_STALLED, DOCTOR_WARNING, (int64_t)STALLED_DAYS * DAY_MS,
			"commands are open for more than 3 days though their device was here since",
			"see pomona queue list ID; a device that says NotNow is locked"},
		{DOCTOR_SHUT_OUT, DOCTOR_WARNING, 0, "commands wait though the device is blocked",
			"take them back: pomona queue clear ID; or set its state to enrolled again "
			"in view device"},
		{DOCTOR_NO_IDENTITY, DOCTOR_WARNING, 0,
			"commands wait though the device has no valid identity",
			"it is refused until it enrolls again; pomona device show ID tells why"},
	};

	ask(doctor, questions, sizeof(questions) / sizeof(questions[0]), "no command is stuck");
}

void
doctor_check_devices(struct doctor *doctor)
{
	static const struct question questions[] = {
		{DOCTOR_UNSEEN, DOCTOR_WARNING, (int64_t)UNSEEN_DAYS * DAY_MS,
			"devices were not here for 30 days",
			"are they in use?  see pomona device list"},
	};

	ask(doctor, questions, 1, "all were here in the last 30 days");
}

void
doctor_check_identities(struct doctor *doctor)
{
	static const char renew[] =
		"they renew by SCEP when they come in time; else they have to enroll again";
	static const struct question questions[] = {
		{DOCTOR_IDENTITIES, DOCTOR_PROBLEM, 0, "identities have expired",
			"these devices are refused: they have to enroll again"},
		{DOCTOR_IDENTITIES, DOCTOR_PROBLEM, -(int64_t)SOON_DAYS * DAY_MS,
			"identities end in 7 days or have", renew},
		{DOCTOR_IDENTITIES, DOCTOR_WARNING, -(int64_t)AHEAD_DAYS * DAY_MS,
			"identities end in 60 days or have", renew},
	};

	ask(doctor, questions, sizeof(questions) / sizeof(questions[0]),
		"none of a device ends in the next 60 days");
}

/* ---- audit trail ---- */

/* With a session and memory of its own: the whole trail is looked at. */
void
doctor_check_audit(struct doctor *doctor)
{
	struct mdm mdm = doctor->cli->mdm;
	struct audit_report report;
	struct err err = {0};
	struct arena arena;

	arena_init(&arena);
	mdm.arena = &arena;
	mdm.db = db_open(doctor->cli->store, &arena);
	if (audit_verify(&mdm, NULL, &report, &err) != ERR_OK)
		doctor_say(doctor, DOCTOR_PROBLEM, NULL, "%s", err.message);
	else if (report.broken != 0)
		doctor_say(doctor, DOCTOR_PROBLEM,
			"somebody has changed it past its triggers: compare with a backup",
			"it is broken at row %lld: %s", (long long)report.broken, report.reason);
	else
		doctor_say(doctor, DOCTOR_OK, NULL, "nothing in its %lld rows was changed",
			(long long)report.rows);
	db_close(mdm.db);
	arena_release(&arena);
}

/* ---- groups ---- */

struct wrong_check {
	struct doctor *doctor;
	bool found;
};

/* Name and reason are of one group when there is only one. */
static enum err_kind
say_groups(const struct doctor_finding *finding, void *context, struct err *err)
{
	struct wrong_check *check = context;

	(void)err;
	check->found = true;
	if (finding->count == 1)
		doctor_say(check->doctor, DOCTOR_WARNING, "give it another: pomona group change",
			"the condition of the group %s is wrong: %s", finding->example,
			finding->reason);
	else
		doctor_say(check->doctor, DOCTOR_WARNING,
			"see pomona group list, and give them others: pomona group change",
			"the conditions of %lld groups are wrong, one is %s",
			(long long)finding->count, finding->example);
	return ERR_OK;
}

static enum err_kind
read_groups(struct doctor *doctor, struct err *err)
{
	struct wrong_check check = {.doctor = doctor};
	enum err_kind kind =
		doctor_find(&doctor->cli->mdm, DOCTOR_GROUPS, 0, say_groups, &check, err);

	if (kind == ERR_OK && !check.found)
		doctor_say(doctor, DOCTOR_OK, NULL, "no group has a wrong condition");
	return kind;
}

void
doctor_check_groups(struct doctor *doctor)
{
	doctor_read(doctor, read_groups);
}

/* ---- schedules ---- */

static enum err_kind
say_schedules(const struct doctor_finding *finding, void *context, struct err *err)
{
	struct wrong_check *check = context;

	(void)err;
	check->found = true;
	if (finding->count == 1)
		doctor_say(check->doctor, DOCTOR_WARNING, "see pomona schedule list",
			"the schedule %s is not right, and does nothing: %s", finding->example,
			finding->reason);
	else
		doctor_say(check->doctor, DOCTOR_WARNING, "see pomona schedule list",
			"%lld schedules are not right, and do nothing; one is %s",
			(long long)finding->count, finding->example);
	return ERR_OK;
}

static enum err_kind
read_schedules(struct doctor *doctor, struct err *err)
{
	struct wrong_check check = {.doctor = doctor};
	enum err_kind kind =
		doctor_find(&doctor->cli->mdm, DOCTOR_SCHEDULES, 0, say_schedules, &check, err);

	if (kind == ERR_OK && !check.found)
		doctor_say(doctor, DOCTOR_OK, NULL, "all schedules are right");
	return kind;
}

void
doctor_check_schedules(struct doctor *doctor)
{
	doctor_read(doctor, read_schedules);
}
