/*
 * The check of HTTP back-ends: each that is configured is asked, by the way devices' requests take.
 */
#include "cli/doctor.h"

#include <string.h>

#include "mdm/ddm.h"
#include "mdm/relay.h"
#include "mdm/setting.h"

enum { BACKENDS_MOST = 64 };

struct backends {
	struct relay_request requests[BACKENDS_MOST];
	size_t count;
};

static void
add_backend(struct backends *backends, const char *service, const char *url)
{
	if (backends->count < BACKENDS_MOST)
		backends->requests[backends->count++] =
			(struct relay_request){.service = service, .method = "GET", .url = url};
}

static enum err_kind
add_hook(const struct db_row *row, void *context, struct err *err)
{
	(void)err;
	if (!db_is_null(row, 4))
		add_backend(context, db_text(row, 0), db_text(row, 4));
	return ERR_OK;
}

/* In a transaction of its own: nobody is asked in it. */
static enum err_kind
collect(struct mdm *mdm, struct backends *backends, struct err *err)
{
	const struct ddm_endpoint tokens = {.path = "tokens"};
	const char *base = NULL;
	enum err_kind kind = db_begin(mdm->db, DB_READ, err);

	if (kind != ERR_OK)
		return kind;
	kind = setting_get(mdm, "ddm_url", &base, err);
	if (kind == ERR_OK && base != NULL)
		add_backend(backends, "ddm", ddm_endpoint_url(mdm->arena, base, &tokens));
	if (kind == ERR_OK)
		kind = db_each(mdm->db, SQL_TOKEN_SERVICE_LIST, DB_NONE, add_hook, backends, err);
	db_rollback(mdm->db);
	return kind;
}

/* Which status it is does not matter: no device asks. */
static void
ask(struct doctor *doctor, struct relay *relay, const struct relay_request *request)
{
	struct relay_answer answer;
	struct err err = {0};

	if (relay_ask(relay, &doctor->cli->arena, request, &answer, &err) == ERR_OK)
		doctor_say(doctor, DOCTOR_OK, NULL, "%s: %s answers (%d)", request->service,
			request->url, answer.status);
	else
		doctor_say(doctor, DOCTOR_PROBLEM,
			"does pomona-push run, and does the back-end?  Devices get 503 meanwhile, "
			"and come again",
			"%s: %s cannot be asked: %s", request->service, request->url, err.message);
}

void
doctor_check_backends(struct doctor *doctor)
{
	struct cli *cli = doctor->cli;
	struct backends backends = {0};
	struct relay *relay = relay_new(&cli->conf, 1);
	struct err err = {0};

	if (collect(&cli->mdm, &backends, &err) != ERR_OK)
		doctor_say(doctor, DOCTOR_PROBLEM, NULL, "%s", err.message);
	for (size_t i = 0; i < backends.count; i++)
		ask(doctor, relay, &backends.requests[i]);
	relay_free(relay);
}
