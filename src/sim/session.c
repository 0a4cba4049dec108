/*
 * A device's way through a session: message_first, then session_take for each answer, until
 * session_end.
 */
#include "sim/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "sim/answers.h"
#include "sim/fleet.h"
#include "sim/persona.h"
#include "sim/session_journal.h"
#include "sim/signature.h"

enum {
	MESSAGES_MOST = 20000, /* in one session; more is a server gone astray */
	ANSWER_MOST = 16 * 1024 * 1024,
	LOST_FIRST_MS = 100, /* waits after a lost connection: 0.1 s, 0.2 s, … 5 s */
	LOST_MOST_MS = 5000,
	BUSY_FIRST_MS = 1000, /* after a 503 without Retry-After: 1 s, 2 s, … */
	DOUBLINGS_MOST = 10,
	JITTER_SHARE = 4, /* up to a quarter more */
	PATH_MOST = 4096,
};

enum message_kind { AUTHENTICATE, TOKEN_UPDATE, CHECK_OUT, IDLE, ANSWER };

struct session {
	struct http_client http; /* first: found from it */
	struct loop_timer timer; /* a delay, or the wait before trying again */
	struct fleet *fleet;
	struct device *device;
	struct persona persona;
	bool placed;    /* holds one of the fleet's places */
	bool begun;     /* a message has been sent */
	bool not_now;   /* a command was put off */
	unsigned count; /* messages */
	int64_t woken_us, started_us, sent_us;

	/* the message under way or due */
	enum message_kind kind;
	char *bytes; /* the whole request; NULL: none is due */
	size_t len;
	unsigned attempt;
	const char *label;         /* "Idle", "Acknowledged", … */
	char *uuid, *request_type; /* of the command it answers, or NULL */
	bool repeat;               /* is to be sent twice */
	enum answer_effect effect;
};

static void on_done(struct http_client *client, bool answered);
static void session_end(struct session *session);

/* ---- a message ---- */

static void
message_clear(struct session *session)
{
	free(session->bytes);
	free(session->uuid);
	free(session->request_type);
	session->bytes = session->uuid = session->request_type = NULL;
	session->repeat = false;
	session->effect = ANSWER_STAYS;
	session->attempt = 0;
}

static char *
copy(const char *string)
{
	char *out = string != NULL ? strdup(string) : NULL;

	if (string != NULL && out == NULL) {
		fputs("level=error msg=\"out of memory\"\n", stderr);
		abort();
	}
	return out;
}

/* Who the device is, where its profile wants the messages signed; or NULL. */
static const char *
sign(struct session *session, const struct buf *body)
{
	struct fleet *fleet = session->fleet;
	struct tls_identity identity;
	const char *header = NULL;
	struct err err = {0};

	if (!session->device->server->sign_messages)
		return NULL;
	if (fleet_take_identity(fleet, session->device, &identity, &err) == ERR_OK) {
		signature_header(&fleet->scratch, &identity, body->bytes, body->len, &header, &err);
		tls_identity_release(&identity);
	}
	if (header == NULL)
		log_line(LOG_ERROR, "the message is not signed", "device", session->persona.udid,
			"error", err.message, NULL);
	return header;
}

/* MESSAGE becomes what is due. */
static void
message_set(struct session *session, enum message_kind kind, const char *label,
	const struct plist *message)
{
	const struct fleet_server *server = session->device->server;
	bool checkin = kind == AUTHENTICATE || kind == TOKEN_UPDATE || kind == CHECK_OUT;
	struct http_message request;
	struct buf xml;

	message_clear(session);
	buf_init(&xml, &session->fleet->scratch, ANSWER_MOST);
	plist_write_xml(&xml, message, false);
	session->kind = kind;
	session->label = label;
	request = (struct http_message){.method = "PUT",
		.path = checkin ? server->checkin_path : server->command_path,
		.content_type = checkin ? "application/x-apple-aspen-mdm-checkin"
					: "application/x-apple-aspen-mdm",
		.headers = sign(session, &xml),
		.body = xml.bytes,
		.body_len = xml.len};
	session->bytes = http_request(&server->target, &request, &session->len);
}

static void
message_first(struct session *session)
{
	struct arena *scratch = &session->fleet->scratch;

	if (session->device->enrolled)
		message_set(session, IDLE, "Idle", answer_idle(scratch, &session->persona));
	else
		message_set(session, AUTHENTICATE, "Authenticate",
			answer_authenticate(
				scratch, &session->persona, session->device->server->topic));
	arena_reset(scratch);
}

/* ---- places and waiting ---- */

struct session *
session_new(struct fleet *fleet, struct device *device)
{
	struct session *session = calloc(1, sizeof(*session));

	if (session == NULL) {
		fputs("level=error msg=\"out of memory\"\n", stderr);
		abort();
	}
	http_client_init(&session->http, fleet->loop, &device->server->target, on_done);
	if (fleet->options.resume)
		session->http.ticket = &device->ticket;
	session->fleet = fleet;
	session->device = device;
	session->woken_us = clock_ticks_us();
	persona_make(&session->persona, device->name);
	return session;
}

bool
session_has_begun(const struct session *session)
{
	return session->begun;
}

void
session_free(struct session *session)
{
	if (session == NULL)
		return;
	http_client_release(&session->http);
	loop_timer_clear(session->fleet->loop, &session->timer);
	message_clear(session);
	free(session);
}

static void
on_waited(struct loop_timer *timer)
{
	struct session *session =
		(struct session *)((char *)timer - offsetof(struct session, timer));

	fleet_enter(session->fleet, session->device);
}

static void
leave_place(struct session *session)
{
	http_client_close(&session->http);
	if (!session->placed)
		return;
	session->placed = false;
	fleet_leave(session->fleet);
}

/* Gives the place to others, and comes again with the same message after MS and a little. */
static void
wait_and_retry(struct session *session, int64_t ms)
{
	ms += fleet_random(session->fleet, (uint32_t)(ms / JITTER_SHARE + 1));
	loop_timer_set(session->fleet->loop, &session->timer, ms, on_waited);
	session->fleet->stats.retries++;
	leave_place(session);
}

/* FIRST doubled with each attempt, up to MOST. */
static int64_t
backoff(const struct session *session, int64_t first, int64_t most)
{
	unsigned doublings = session->attempt > 0 ? session->attempt - 1 : 0;
	int64_t ms = first << (doublings < DOUBLINGS_MOST ? doublings : DOUBLINGS_MOST);

	return ms < most ? ms : most;
}

/* The session is over.  SESSION is gone after this. */
static void
session_end(struct session *session)
{
	struct fleet *fleet = session->fleet;
	struct device *device = session->device;
	bool not_now = session->not_now;

	if (session->begun) {
		fleet->stats.sessions++;
		histogram_add(&fleet->stats.session, clock_ticks_us() - session->started_us);
	}
	leave_place(session);
	session_free(session);
	fleet_asleep(fleet, device, not_now);
}

static void
give_up(struct session *session, enum device_end end, const char *event)
{
	journal_event(session->fleet, &session->persona, event, session->request_type);
	if (end == DEVICE_GAVE_UP)
		log_line(LOG_WARNING, "refused by the server", "device", session->persona.udid,
			"event", event, NULL);
	fleet_ended(session->fleet, session->device, end);
	session_end(session);
}

/* ---- sending ---- */

static enum err_kind
open_connection(struct session *session, struct err *err)
{
	struct tls_identity identity;
	enum err_kind kind = fleet_take_identity(session->fleet, session->device, &identity, err);

	if (kind != ERR_OK)
		return kind;
	kind = http_client_open(&session->http, &identity, err);
	tls_identity_release(&identity); /* the connection has its own hold on them */
	return kind;
}

/* Sends what is due. */
static void
session_send(struct session *session)
{
	struct stats *stats = &session->fleet->stats;
	struct err err;

	session->attempt++;
	session->sent_us = clock_ticks_us();
	if (!http_client_is_open(&session->http) && open_connection(session, &err) != ERR_OK) {
		log_line(LOG_ERROR, "cannot connect", "device", session->persona.udid, "error",
			err.message, NULL);
		wait_and_retry(session, backoff(session, LOST_FIRST_MS, LOST_MOST_MS));
		return;
	}
	if (!session->begun) {
		session->begun = true;
		histogram_add(&stats->wake, session->sent_us - session->woken_us);
	}
	session->count++;
	http_client_send(&session->http, session->bytes, session->len);
}

void
session_run(struct session *session)
{
	session->placed = true;
	if (session->started_us == 0)
		session->started_us = clock_ticks_us();
	if (session->bytes == NULL)
		message_first(session);
	session_send(session);
}

static void
on_delay_over(struct loop_timer *timer)
{
	session_send((struct session *)((char *)timer - offsetof(struct session, timer)));
}

/* ---- a command ---- */

/* The answer becomes what is due. */
static void
obey(struct session *session, const struct plist *command, const struct rule *rule)
{
	struct fleet *fleet = session->fleet;
	char path[PATH_MOST];
	struct answer_device device = {.persona = &session->persona,
		.state = &session->device->state,
		.reader = fleet->reader,
		.certificate = path,
		.authority = fleet->options.ca,
		.automated = fleet->options.await_configuration,
		.awaiting = session->device->awaiting};
	struct answer answer;
	int64_t delay = rule != NULL ? rule->delay_ms : 0;
	bool repeat = rule != NULL && rule->action == RULE_REPEAT;

	snprintf(path, sizeof(path), "%s/%s.pem", fleet->options.identities, session->device->name);
	answer_command(&answer, &fleet->scratch, &device, command, rule, NULL);
	message_set(session, ANSWER, answer.status, answer.message);
	session->uuid = copy(answer.uuid);
	session->request_type = copy(answer.request_type);
	session->effect = answer.effect;
	session->repeat = repeat;
	session->not_now |= strcmp(answer.status, "NotNow") == 0;
	if (delay > 0)
		loop_timer_set(fleet->loop, &session->timer, delay, on_delay_over);
	else
		session_send(session);
}

/* A command came; COMMAND is in the scratch arena. */
static void
take_command(struct session *session, const struct plist *command)
{
	struct fleet *fleet = session->fleet;
	const char *uuid, *request_type;
	const struct rule *rule;

	answer_peek(command, &uuid, &request_type);
	if (uuid == NULL || session->count >= MESSAGES_MOST) {
		journal_event(fleet, &session->persona,
			uuid == NULL ? "no_command" : "endless_session", request_type);
		log_line(LOG_ERROR, uuid == NULL ? "not a command" : "endless session", "device",
			session->persona.udid, "request", request_type, NULL);
		session_end(session);
		return;
	}
	rule = rules_match(fleet->rules, session->persona.udid, request_type);
	if (rule != NULL && rule->action == RULE_DROP) {
		fleet->stats.dropped++;
		journal_event(fleet, &session->persona, "dropped", request_type);
		session_end(session);
		return;
	}
	obey(session, command, rule);
}

/* ---- an answer ---- */

static void
count_answer(struct session *session)
{
	struct stats *stats = &session->fleet->stats;

	if (strcmp(session->label, "NotNow") == 0) {
		stats->not_now++;
		return;
	}
	if (strcmp(session->label, "Acknowledged") == 0)
		stats->acknowledged++;
	else if (strcmp(session->label, "Error") == 0)
		stats->errors++;
	else
		stats->format_errors++;
	fleet_answered(session->fleet, session->device);
}

/* As new: whoever wants it back has to enroll it. */
static void
erase(struct session *session)
{
	struct device *device = session->device;

	if (device->state != NULL)
		device_state_release(device->state);
	free(device->state);
	device->state = NULL;
	if (session->effect == ANSWER_ERASED && !session->fleet->options.reenroll) {
		give_up(session, DEVICE_ERASED, "erased");
		return;
	}
	session->fleet->stats.erased++;
	journal_event(session->fleet, &session->persona, "erased", NULL);
	device->enrolled = false; /* it enrolls as soon as it wakes, which is at once */
	session->not_now = false;
	session_end(session);
}

/* What the answer that has arrived brings about; false: nothing, the session goes on. */
static bool
take_effect(struct session *session)
{
	struct arena *scratch = &session->fleet->scratch;

	switch (session->effect) {
	case ANSWER_STAYS:
		return false;
	case ANSWER_ERASED:
	case ANSWER_RETURNS:
		erase(session);
		return true;
	case ANSWER_CHECKS_OUT:
		message_set(session, CHECK_OUT, "CheckOut",
			answer_check_out(
				scratch, &session->persona, session->device->server->topic));
		session_send(session);
		return true;
	case ANSWER_CONFIGURED:
		if (session->device->awaiting)
			journal_event(session->fleet, &session->persona, "configured", NULL);
		fleet_awaits(session->fleet, session->device, false);
		return false;
	}
	return false;
}

/* A report was answered 200, with COMMAND or (NULL) nothing waiting. */
static void
take_next(struct session *session, const struct plist *command)
{
	if (session->kind == ANSWER) {
		if (session->repeat) { /* as if this reply had been lost */
			session->repeat = false;
			session->fleet->stats.repeats++;
			session_send(session);
			return;
		}
		count_answer(session);
		if (take_effect(session))
			return;
	}
	if (command != NULL)
		take_command(session, command);
	else
		session_end(session);
}

/* In Setup Assistant the device asks at once what there is to be done. */
static void
take_enrolled(struct session *session)
{
	struct fleet *fleet = session->fleet;

	journal_event(fleet, &session->persona, "enrolled", NULL);
	fleet_enrolled(fleet, session->device);
	if (!session->device->awaiting) {
		session_end(session);
		return;
	}
	message_set(session, IDLE, "Idle", answer_idle(&fleet->scratch, &session->persona));
	session_send(session);
}

static void
take_200(struct session *session, const struct plist *command)
{
	struct arena *scratch = &session->fleet->scratch;
	const char *topic = session->device->server->topic;

	switch (session->kind) {
	case AUTHENTICATE:
		fleet_awaits(session->fleet, session->device,
			session->fleet->options.await_configuration);
		message_set(session, TOKEN_UPDATE, "TokenUpdate",
			answer_token_update(
				scratch, &session->persona, topic, session->device->awaiting));
		session_send(session);
		break;
	case TOKEN_UPDATE:
		take_enrolled(session);
		break;
	case CHECK_OUT:
		give_up(session, DEVICE_CHECKED_OUT, "checked_out");
		break;
	case IDLE:
	case ANSWER:
		take_next(session, command);
		break;
	}
}

/* 429, 503 and the other ways of saying "later". */
static void
take_busy(struct session *session)
{
	int64_t most = session->fleet->options.retry_cap_ms;
	int64_t after = session->http.response.retry_after;
	int64_t ms = after >= 0 ? after * 1000 : backoff(session, BUSY_FIRST_MS, most);

	session->fleet->stats.busy++;
	wait_and_retry(session, ms < most ? ms : most);
}

static void
take_status(struct session *session, int status, const struct plist *command)
{
	if (status == 200) {
		take_200(session, command);
	} else if (status == 429 || status >= 500) {
		take_busy(session);
	} else if (status == 401) {
		give_up(session, DEVICE_GAVE_UP, "unenrolled");
	} else if (status == 403 || !session->device->enrolled) {
		give_up(session, DEVICE_GAVE_UP, "gave_up");
	} else {
		session->fleet->stats.rejected++;
		journal_event(session->fleet, &session->persona, "rejected", session->request_type);
		session_end(session);
	}
}

/* No answer came: the same message goes out again. */
static void
take_loss(struct session *session)
{
	session->fleet->stats.lost++;
	wait_and_retry(session, backoff(session, LOST_FIRST_MS, LOST_MOST_MS));
}

/* The command in the answer's body; NULL when it has none. */
static const struct plist *
read_command(struct session *session)
{
	static const struct plist none = {.type = PLIST_DICT};
	const struct http_response *response = &session->http.response;
	struct fleet *fleet = session->fleet;
	struct plist *command;
	struct err err;

	if (response->status != 200 || response->body_len == 0)
		return NULL;
	if (plist_read_xml(fleet->reader, &fleet->scratch, response->body, response->body_len,
		    &command, &err) == ERR_OK)
		return command;
	log_line(LOG_ERROR, "the answer is no plist", "device", session->persona.udid, "error",
		err.message, NULL);
	return &none;
}

static void
on_done(struct http_client *client, bool answered)
{
	struct session *session = (struct session *)client;
	struct fleet *fleet = session->fleet;
	const struct plist *command = answered ? read_command(session) : NULL;
	const struct journal_exchange exchange = {.persona = &session->persona,
		.message = session->label,
		.uuid = session->uuid,
		.request_type = session->request_type,
		.attempt = session->attempt,
		.http_status = answered ? client->response.status : 0,
		.error = answered ? NULL : client->err.message,
		.us = clock_ticks_us() - session->sent_us,
		.reply = command};

	journal_exchange(fleet, &exchange);
	if (client->connect_us >= 0)
		histogram_add(&fleet->stats.connect, client->connect_us);
	client->connect_us = -1;
	if (answered) {
		histogram_add(&fleet->stats.exchange, exchange.us);
		take_status(session, client->response.status, command);
	} else {
		take_loss(session);
	}
	arena_reset(&fleet->scratch);
}
