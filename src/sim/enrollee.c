/*
 * A device's way to an identity: the steps are a table, each one an HTTP exchange; what the last
 * one brings is kept, and the fleet is told.
 */
#include "sim/enrollee.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "codec/page.h"
#include "codec/scep_client.h"
#include "sim/authority.h"
#include "sim/enroll_profile.h"
#include "sim/fleet.h"
#include "sim/keep.h"
#include "sim/persona.h"
#include "sim/session_journal.h"

enum {
	LOST_FIRST_MS = 100, /* waits after a lost connection: 0.1 s, 0.2 s, … 5 s */
	LOST_MOST_MS = 5000,
	BUSY_MS = 1000, /* after a 503 without Retry-After */
	DOUBLINGS_MOST = 10,
	JITTER_SHARE = 4,
};

/* In their order; behind the last the identity is there. */
enum step { PAGE, PROFILE, CAPS, CERTS, ASK, THERE };

struct enrollee {
	struct http_client http; /* first: found from it */
	struct loop_timer timer; /* the wait before trying again */
	struct fleet *fleet;
	struct device *device;
	struct persona persona;
	struct arena arena; /* of all below */
	bool placed;
	bool renewing;
	enum step step;

	/* the exchange under way or due */
	struct http_target target;
	char *bytes; /* the whole request; NULL: to be made */
	size_t len;
	unsigned attempt;
	int64_t sent_us;

	/* what is known by now */
	struct page_download download;
	struct scep_bytes profile_bytes; /* as downloaded */
	struct enroll_profile profile;
	struct authority authority;
	struct scep_client *client;
	struct x509_identity old, identity;
};

/* ---- requests ---- */

struct exchange {
	const char *url;
	struct http_message message; /* without its path */
};

static enum err_kind
ask_page(struct enrollee *enrollee, struct exchange *exchange, struct err *err)
{
	(void)err;
	exchange->url = enrollee->device->link;
	return ERR_OK;
}

static enum err_kind
ask_profile(struct enrollee *enrollee, struct exchange *exchange, struct err *err)
{
	(void)err;
	exchange->url = enrollee->download.url;
	exchange->message.method = enrollee->download.method;
	if (strcmp(enrollee->download.method, "POST") == 0)
		exchange->message.content_type = "application/x-www-form-urlencoded";
	return ERR_OK;
}

static const char *
operation(struct enrollee *enrollee, const char *name)
{
	const char *url = enrollee->profile.scep.url;

	return arena_printf(&enrollee->arena, "%s%coperation=%s", url,
		strchr(url, '?') != NULL ? '&' : '?', name);
}

static enum err_kind
ask_caps(struct enrollee *enrollee, struct exchange *exchange, struct err *err)
{
	(void)err;
	exchange->url = operation(enrollee, "GetCACaps");
	return ERR_OK;
}

static enum err_kind
ask_certs(struct enrollee *enrollee, struct exchange *exchange, struct err *err)
{
	(void)err;
	exchange->url = operation(enrollee, "GetCACert");
	return ERR_OK;
}

/* The key, the request for it, and who signs the message. */
static enum err_kind
make_client(struct enrollee *enrollee, struct err *err)
{
	const struct enroll_scep *scep = &enrollee->profile.scep;
	const struct authority *authority = &enrollee->authority;
	const struct scep_client_terms terms = {.ca_pem = authority->pem,
		.common_name =
			scep->common_name != NULL ? scep->common_name : enrollee->persona.udid,
		.challenge = enrollee->renewing ? NULL : scep->challenge,
		.key = X509_KEY_RSA_2048,
		.old = enrollee->renewing ? &enrollee->old : NULL,
		.digest = authority->digest,
		.cipher = authority->cipher};

	if (!authority->post)
		return err_set(err, ERR_BAD_INPUT, "the authority takes no POST");
	if (enrollee->renewing && !authority->renewal)
		return err_set(err, ERR_BAD_INPUT, "the authority renews nothing");
	return scep_client_new(&terms, &enrollee->client, err);
}

static enum err_kind
ask_identity(struct enrollee *enrollee, struct exchange *exchange, struct err *err)
{
	struct scep_bytes message;

	if (enrollee->client == NULL && make_client(enrollee, err) != ERR_OK)
		return err->kind;
	if (scep_client_ask(&enrollee->arena, enrollee->client,
		    enrollee->renewing ? SCEP_RENEWAL_REQ : SCEP_PKCS_REQ, &message, err) != ERR_OK)
		return err->kind;
	exchange->url = operation(enrollee, "PKIOperation");
	exchange->message = (struct http_message){.method = "POST",
		.content_type = "application/x-pki-message",
		.body = (const char *)message.bytes,
		.body_len = message.len};
	return ERR_OK;
}

/* ---- replies ---- */

static struct scep_bytes
reply_copy(struct enrollee *enrollee)
{
	const struct http_response *response = &enrollee->http.response;
	const char *bytes = response->body_len > 0 ? response->body : "";

	return (struct scep_bytes){.bytes = (const unsigned char *)arena_memdup(
					   &enrollee->arena, bytes, response->body_len),
		.len = response->body_len};
}

static enum err_kind
take_page(struct enrollee *enrollee, struct err *err)
{
	const struct scep_bytes page = reply_copy(enrollee);

	enrollee->step = PROFILE;
	return page_find_download(&enrollee->arena, (const char *)page.bytes, page.len,
		enrollee->device->link, ".mobileconfig", &enrollee->download, err);
}

static enum err_kind
read_profile(struct enrollee *enrollee, struct err *err)
{
	struct fleet *fleet = enrollee->fleet;
	const struct enroll_trust trust = {
		.anchors = fleet->anchors, .unsigned_too = fleet->options.unsigned_too};

	return enroll_profile_read(&enrollee->arena, fleet->reader, enrollee->profile_bytes.bytes,
		enrollee->profile_bytes.len, &trust, &enrollee->profile, err);
}

static enum err_kind
take_profile(struct enrollee *enrollee, struct err *err)
{
	const struct enroll_profile *profile = &enrollee->profile;

	enrollee->profile_bytes = reply_copy(enrollee);
	if (read_profile(enrollee, err) != ERR_OK ||
		fleet_find_server(enrollee->fleet, profile, &enrollee->device->server, err) !=
			ERR_OK)
		return err->kind;
	enrollee->step = profile->scep.url != NULL ? CAPS : THERE;
	if (profile->scep.url != NULL)
		return ERR_OK;
	if (x509_identity_read(&enrollee->arena, profile->p12.bytes, profile->p12.len,
		    profile->p12_password, &enrollee->identity, err) != ERR_OK)
		return err_prefix(err, "com.apple.security.pkcs12");
	return ERR_OK;
}

static enum err_kind
take_caps(struct enrollee *enrollee, struct err *err)
{
	const struct http_response *response = &enrollee->http.response;

	(void)err;
	enrollee->step = CERTS;
	authority_read_caps(&enrollee->authority, response->body_len > 0 ? response->body : "",
		response->body_len);
	return ERR_OK;
}

static enum err_kind
take_certs(struct enrollee *enrollee, struct err *err)
{
	enrollee->step = ASK;
	return authority_read_certs(&enrollee->arena, &enrollee->authority, reply_copy(enrollee),
		enrollee->profile.scep.fingerprint, err);
}

static enum err_kind
take_identity(struct enrollee *enrollee, struct err *err)
{
	const struct scep_bytes reply = reply_copy(enrollee);
	enum scep_fail fail;

	enrollee->step = THERE;
	return scep_client_take(&enrollee->arena, enrollee->client, reply.bytes, reply.len,
		&enrollee->identity, &fail, err);
}

static const struct {
	const char *label; /* in the journal */
	const char *type;  /* of the reply; NULL: any */
	enum err_kind (*ask)(struct enrollee *enrollee, struct exchange *exchange, struct err *err);
	enum err_kind (*take)(struct enrollee *enrollee, struct err *err);
} steps[] = {
	[PAGE] = {"EnrollPage", "text/html", ask_page, take_page},
	[PROFILE] = {"EnrollProfile", "application/x-apple-aspen-config", ask_profile,
		take_profile},
	[CAPS] = {"GetCACaps", NULL, ask_caps, take_caps},
	[CERTS] = {"GetCACert", NULL, ask_certs, take_certs},
	[ASK] = {"PKIOperation", "application/x-pki-message", ask_identity, take_identity},
};

/* ---- places, waiting, the end ---- */

static void
request_clear(struct enrollee *enrollee)
{
	free(enrollee->bytes);
	enrollee->bytes = NULL;
	enrollee->attempt = 0;
}

void
enrollee_free(struct enrollee *enrollee)
{
	if (enrollee == NULL)
		return;
	http_client_release(&enrollee->http);
	loop_timer_clear(enrollee->fleet->loop, &enrollee->timer);
	request_clear(enrollee);
	scep_client_free(enrollee->client);
	arena_release(&enrollee->arena);
	free(enrollee);
}

static void
leave_place(struct enrollee *enrollee)
{
	http_client_close(&enrollee->http);
	if (!enrollee->placed)
		return;
	enrollee->placed = false;
	fleet_leave(enrollee->fleet);
}

static void
on_waited(struct loop_timer *timer)
{
	struct enrollee *enrollee =
		(struct enrollee *)((char *)timer - offsetof(struct enrollee, timer));

	fleet_enter(enrollee->fleet, enrollee->device);
}

/* Gives the place to others, and comes again after MS and a little. */
static void
wait_and_retry(struct enrollee *enrollee, int64_t ms)
{
	ms += fleet_random(enrollee->fleet, (uint32_t)(ms / JITTER_SHARE + 1));
	loop_timer_set(enrollee->fleet->loop, &enrollee->timer, ms, on_waited);
	enrollee->fleet->stats.retries++;
	leave_place(enrollee);
}

static void
wait_after_loss(struct enrollee *enrollee)
{
	unsigned doublings = enrollee->attempt > 0 ? enrollee->attempt - 1 : 0;
	int64_t ms = (int64_t)LOST_FIRST_MS
		     << (doublings < DOUBLINGS_MOST ? doublings : DOUBLINGS_MOST);

	wait_and_retry(enrollee, ms < LOST_MOST_MS ? ms : LOST_MOST_MS);
}

static void
wait_while_busy(struct enrollee *enrollee)
{
	int64_t after = enrollee->http.response.retry_after;
	int64_t ms = after >= 0 ? after * 1000 : BUSY_MS;
	int64_t most = enrollee->fleet->options.retry_cap_ms;

	enrollee->fleet->stats.busy++;
	wait_and_retry(enrollee, ms < most ? ms : most);
}

/* ENROLLEE is gone after this. */
static void
end(struct enrollee *enrollee, bool has_identity)
{
	struct fleet *fleet = enrollee->fleet;
	struct device *device = enrollee->device;

	journal_event(fleet, &enrollee->persona,
		!has_identity        ? "gave_up"
		: enrollee->renewing ? "renewed"
				     : "identity",
		NULL);
	leave_place(enrollee);
	enrollee_free(enrollee);
	if (!has_identity)
		fleet_ended(fleet, device, DEVICE_GAVE_UP);
	fleet_equipped(fleet, device);
}

static void
give_up(struct enrollee *enrollee, const char *doing, const char *reason)
{
	log_line(LOG_ERROR, enrollee->renewing ? "not renewed" : "not enrolled", "device",
		enrollee->persona.udid, "name", enrollee->device->name, "step", doing, "error",
		reason, NULL);
	end(enrollee, false);
}

/* ---- the way ---- */

static void on_done(struct http_client *client, bool answered);

struct enrollee *
enrollee_new(struct fleet *fleet, struct device *device)
{
	struct enrollee *enrollee = calloc(1, sizeof(*enrollee));

	if (enrollee == NULL) {
		fputs("level=error msg=\"out of memory\"\n", stderr);
		abort();
	}
	http_client_init(&enrollee->http, fleet->loop, &enrollee->target, on_done);
	arena_init(&enrollee->arena);
	enrollee->fleet = fleet;
	enrollee->device = device;
	enrollee->renewing = !device->wants_identity;
	enrollee->step = enrollee->renewing ? CAPS : PAGE;
	enrollee->target.timeout_ms = fleet->target->timeout_ms;
	persona_make(&enrollee->persona, device->name);
	return enrollee;
}

/* What a renewal starts from. */
static enum err_kind
find_kept(struct enrollee *enrollee, struct err *err)
{
	if (!enrollee->renewing || enrollee->profile.server_url != NULL)
		return ERR_OK;
	if (keep_read(&enrollee->arena, enrollee->fleet->options.identities, enrollee->device->name,
		    &enrollee->old, &enrollee->profile_bytes, err) != ERR_OK ||
		read_profile(enrollee, err) != ERR_OK)
		return err->kind;
	if (enrollee->profile.scep.url == NULL)
		return err_set(err, ERR_BAD_INPUT, "its identity did not come by SCEP");
	return ERR_OK;
}

static enum err_kind
make_request(struct enrollee *enrollee, struct err *err)
{
	struct exchange exchange = {.message.method = "GET"};
	struct url url;

	if (find_kept(enrollee, err) != ERR_OK ||
		steps[enrollee->step].ask(enrollee, &exchange, err) != ERR_OK ||
		address_read_url(&url, exchange.url, err) != ERR_OK)
		return err->kind;
	if (!url.tls && enrollee->step < CAPS) /* SCEP alone protects itself */
		return err_set(err, ERR_FORBIDDEN, "%.200s is not https", exchange.url);
	enrollee->target.address = url.address;
	enrollee->target.tls = url.tls ? enrollee->fleet->target->tls : NULL;
	exchange.message.path = url.path;
	enrollee->bytes = http_request(&enrollee->target, &exchange.message, &enrollee->len);
	return ERR_OK;
}

void
enrollee_run(struct enrollee *enrollee)
{
	struct err err = {0};

	enrollee->placed = true;
	if (enrollee->bytes == NULL && make_request(enrollee, &err) != ERR_OK) {
		give_up(enrollee, steps[enrollee->step].label, err.message);
		return;
	}
	enrollee->attempt++;
	enrollee->sent_us = clock_ticks_us();
	if (http_client_open(&enrollee->http, NULL, &err) != ERR_OK) {
		log_line(LOG_ERROR, "cannot connect", "device", enrollee->persona.udid, "error",
			err.message, NULL);
		wait_after_loss(enrollee);
		return;
	}
	http_client_send(&enrollee->http, enrollee->bytes, enrollee->len);
}

static enum err_kind
finish(struct enrollee *enrollee, struct err *err)
{
	static const struct scep_bytes unchanged = {0};
	struct fleet *fleet = enrollee->fleet;

	return keep_write(fleet->options.identities, enrollee->device->name, &enrollee->identity,
		enrollee->renewing ? unchanged : enrollee->profile_bytes, err);
}

/* Status 200: the step is done. */
static void
take_reply(struct enrollee *enrollee)
{
	const char *doing = steps[enrollee->step].label, *type = steps[enrollee->step].type;
	struct err err = {0};
	enum err_kind kind;

	if (type != NULL && strcmp(enrollee->http.response.type, type) != 0)
		kind = err_set(&err, ERR_BAD_INPUT, "the reply is %s, not %s",
			enrollee->http.response.type, type);
	else
		kind = steps[enrollee->step].take(enrollee, &err);
	http_client_close(&enrollee->http);
	if (kind == ERR_OK && enrollee->step == THERE)
		kind = finish(enrollee, &err);
	request_clear(enrollee);
	if (kind != ERR_OK)
		give_up(enrollee, doing, err.message);
	else if (enrollee->step == THERE)
		end(enrollee, true);
	else
		enrollee_run(enrollee);
}

/* Said once for each step. */
static void
tell_retry(const struct enrollee *enrollee, const char *reason)
{
	if (enrollee->attempt == 1)
		log_line(LOG_WARNING, "tried again", "device", enrollee->persona.udid, "name",
			enrollee->device->name, "step", steps[enrollee->step].label, "error",
			reason, NULL);
}

static void
on_done(struct http_client *client, bool answered)
{
	struct enrollee *enrollee = (struct enrollee *)client;
	int status = answered ? client->response.status : 0;
	const char *label = steps[enrollee->step].label;
	const struct journal_exchange exchange = {.persona = &enrollee->persona,
		.message = label,
		.attempt = enrollee->attempt,
		.http_status = status,
		.error = answered ? NULL : client->err.message,
		.us = clock_ticks_us() - enrollee->sent_us};
	char text[40];

	journal_exchange(enrollee->fleet, &exchange);
	snprintf(text, sizeof(text), "refused with status %d", status);
	if (!answered) {
		enrollee->fleet->stats.lost++;
		tell_retry(enrollee, client->err.message);
		wait_after_loss(enrollee);
	} else if (status == 200) {
		take_reply(enrollee);
	} else if (status == 429 || status >= 500) {
		tell_retry(enrollee, text);
		wait_while_busy(enrollee);
	} else {
		give_up(enrollee, label, text);
	}
}
