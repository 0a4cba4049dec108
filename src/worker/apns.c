/*
 * Pushes on the wire.  A push takes a slot with its buffers; slots are used again and again.
 *
 *	free -> waiting (for the connection) -> under way -> done -> free
 */
#include "worker/apns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "codec/plist.h"
#include "codec/text.h"
#include "mdm/enrollment.h"
#include "worker/http2.h"

enum {
	ANSWER_MOST = 4096,  /* bytes that are kept of an answer's body */
	TOKEN_MOST = 256,    /* bytes; Apple does not say how long a token may be */
	PAYLOAD_MOST = 4096, /* Apple's limit */
	PATH_MOST = sizeof("/3/device/") + 2 * TOKEN_MOST,
	PATIENCE_MS = 15 * 1000, /* for a connection, and for the answer to a PING */
	IDLE_MS = 60 * 60 * 1000,
	RETRY_MOST_S = 24 * 60 * 60, /* nobody is left without a push for longer than that */
};

struct slot {
	struct slot *next; /* in the list it is in */
	struct apns *apns;
	struct push_job job;
	char id[ENROLLMENT_ID_MOST + 1];
	int32_t stream; /* -1: none yet */
	int64_t deadline;
	char path[PATH_MOST];
	char uuid[CLOCK_UUID_SIZE];
	char payload[PAYLOAD_MOST];
	struct http2_body body;
	enum apns_outcome outcome;
	int status;
	char answer[ANSWER_MOST];
	size_t answer_len;
	char apns_id[64];
	int64_t retry_after_ms;
	char error[200];
	bool busy; /* waiting or under way */
};

/* First in, first out. */
struct slots {
	struct slot *first, **end;
};

struct apns {
	struct apns_options options;
	struct http2_options http2_options;
	struct http2 *http2; /* NULL: nobody has wanted it yet, or it was lost */
	char *topic, *url, *ca, *certificate, *key;
	struct x509_identity identity;
	struct slot *all;
	size_t count, in_flight, under_way;
	struct slots free, waiting, done;
	int64_t look_at; /* for pushes that take too long; in clock_ticks_us() */
};

/* ---- slots ---- */

static void
slots_add(struct slots *slots, struct slot *slot)
{
	slot->next = NULL;
	*slots->end = slot;
	slots->end = &slot->next;
}

static struct slot *
slots_take(struct slots *slots)
{
	struct slot *slot = slots->first;

	if (slot == NULL)
		return NULL;
	slots->first = slot->next;
	if (slots->first == NULL)
		slots->end = &slots->first;
	return slot;
}

static void
slot_done(struct slot *slot, enum apns_outcome outcome, const char *error)
{
	struct apns *apns = slot->apns;

	if (slot->stream >= 0)
		apns->under_way--;
	slot->busy = false;
	slot->stream = -1;
	slot->outcome = outcome;
	snprintf(slot->error, sizeof(slot->error), "%s", error);
	slots_add(&apns->done, slot);
}

/* ---- what the connection tells ---- */

/* Of a Retry-After; a date, which Apple does not send, counts as none. */
static int64_t
seconds(const char *value)
{
	long given = strtol(value, NULL, 10);

	return given < 0 ? 0 : given > RETRY_MOST_S ? RETRY_MOST_S : given;
}

static void
take_header(void *request, const char *name, const char *value)
{
	struct slot *slot = request;

	if (strcmp(name, ":status") == 0)
		slot->status = (int)strtol(value, NULL, 10);
	else if (strcmp(name, "apns-id") == 0)
		snprintf(slot->apns_id, sizeof(slot->apns_id), "%.60s", value);
	else if (strcmp(name, "retry-after") == 0)
		slot->retry_after_ms = seconds(value) * 1000;
}

static void
take_body(void *request, const void *bytes, size_t len)
{
	struct slot *slot = request;
	size_t room = sizeof(slot->answer) - slot->answer_len;

	memcpy(slot->answer + slot->answer_len, bytes, len < room ? len : room);
	slot->answer_len += len < room ? len : room;
}

static void
take_end(void *request, bool whole)
{
	struct slot *slot = request;
	const char *error = http2_error(slot->apns->http2);

	/* A stream may be reset behind a whole answer: the status is what counts. */
	if (slot->status > 0)
		slot_done(slot, APNS_ANSWERED, "");
	else
		slot_done(slot, APNS_LOST,
			whole ? "an answer without a status"
			      : (error[0] != '\0' ? error : "the server has reset the stream"));
}

static const struct http2_handlers handlers = {take_header, take_body, take_end};

/* ---- a connection for one topic ---- */

static char *
copy(const char *text)
{
	char *copied = text == NULL ? NULL : strdup(text);

	if (text != NULL && copied == NULL)
		abort();
	return copied;
}

struct apns *
apns_new(
	const struct apns_options *options, const char *topic, const struct x509_identity *identity)
{
	struct apns *apns = calloc(1, sizeof(*apns));

	if (apns == NULL)
		abort();
	apns->options = *options;
	apns->topic = copy(topic);
	apns->url = copy(options->url);
	apns->ca = copy(options->ca);
	apns->certificate = copy(identity->cert_pem);
	apns->key = copy(identity->key_pem);
	apns->identity = (struct x509_identity){apns->certificate, apns->key};
	apns->http2_options = (struct http2_options){.url = apns->url,
		.ca = apns->ca,
		.identity = &apns->identity,
		.patience_ms = PATIENCE_MS,
		.idle_ms = IDLE_MS};
	apns->count = (size_t)options->streams;
	apns->all = calloc(apns->count, sizeof(*apns->all));
	if (apns->all == NULL)
		abort();
	apns->free.end = &apns->free.first;
	apns->waiting.end = &apns->waiting.first;
	apns->done.end = &apns->done.first;
	for (size_t i = 0; i < apns->count; i++) {
		apns->all[i].apns = apns;
		apns->all[i].stream = -1;
		slots_add(&apns->free, &apns->all[i]);
	}
	return apns;
}

void
apns_free(struct apns *apns)
{
	if (apns == NULL)
		return;
	http2_free(apns->http2);
	memset(apns->key, 0, strlen(apns->key));
	free(apns->topic);
	free(apns->url);
	free(apns->ca);
	free(apns->certificate);
	free(apns->key);
	free(apns->all);
	free(apns);
}

size_t
apns_room(const struct apns *apns)
{
	return apns->count - apns->in_flight;
}

size_t
apns_in_flight(const struct apns *apns)
{
	return apns->in_flight;
}

/* ---- out ---- */

/* {"mdm":"<PushMagic>"} */
static bool
set_payload(struct slot *slot, struct arena *arena, const char *magic)
{
	struct plist *payload = plist_dict(arena);
	struct buf json;

	plist_set(arena, payload, "mdm", plist_string(arena, magic));
	buf_init(&json, arena, sizeof(slot->payload));
	plist_write_json(&json, payload, false);
	if (json.full)
		return false;
	memcpy(slot->payload, json.bytes, json.len);
	slot->body = (struct http2_body){slot->payload, json.len};
	return true;
}

static void
set_names(struct slot *slot, struct arena *arena, const struct push_job *job)
{
	snprintf(slot->path, sizeof(slot->path), "/3/device/%s",
		text_hex_encode(arena, job->token, job->token_len));
	for (char *p = clock_uuid(slot->uuid); *p != '\0'; p++)
		*p = (char)(*p >= 'A' && *p <= 'F' ? *p + 32 : *p);
}

enum err_kind
apns_send(struct apns *apns, struct arena *arena, const struct push_job *job, struct err *err)
{
	struct slot *slot = apns->free.first;

	if (slot == NULL)
		return err_set(err, ERR_BUSY, "all streams are taken");
	if (job->token_len == 0 || job->token_len > TOKEN_MOST)
		return err_set(
			err, ERR_BAD_INPUT, "a token of %zu bytes cannot be sent", job->token_len);
	if (!set_payload(slot, arena, job->magic))
		return err_set(err, ERR_BAD_INPUT, "the PushMagic is too long");
	set_names(slot, arena, job);
	slot->job = *job;
	snprintf(slot->id, sizeof(slot->id), "%s", job->id);
	slot->job.id = slot->job.magic = NULL;
	slot->job.token = NULL;
	slot->status = 0;
	slot->answer_len = 0;
	slot->retry_after_ms = 0;
	slot->apns_id[0] = slot->error[0] = '\0';
	slot->busy = true;
	slot->deadline = clock_ticks_us() + apns->options.timeout_ms * 1000;
	apns->in_flight++;
	slots_add(&apns->waiting, slots_take(&apns->free));
	return ERR_OK;
}

static void
submit(struct apns *apns, struct slot *slot)
{
	const struct http2_header headers[] = {
		{"apns-topic", apns->topic, false},
		{"apns-push-type", "mdm", false},
		{"apns-priority", "10", false},
		{"apns-id", slot->uuid, true},
		{"content-type", "application/json", false},
	};

	slot->stream = http2_post(apns->http2, slot->path, headers,
		sizeof(headers) / sizeof(headers[0]), &slot->body, slot);
	if (slot->stream >= 0)
		apns->under_way++;
	else
		slot_done(slot, APNS_LOST, "the connection takes no more pushes");
}

/* ---- on ---- */

/* All that had not been answered ends with it. */
static void
lose_connection(struct apns *apns)
{
	bool refused = http2_refused(apns->http2);
	struct slot *slot;

	while ((slot = slots_take(&apns->waiting)) != NULL)
		slot->stream = -1; /* found below, as busy as the others */
	for (size_t i = 0; i < apns->count; i++)
		if (apns->all[i].busy)
			slot_done(&apns->all[i], refused ? APNS_REFUSED : APNS_LOST,
				http2_error(apns->http2));
	http2_free(apns->http2);
	apns->http2 = NULL;
}

static void
give_up(struct slot *slot)
{
	http2_cancel(slot->apns->http2, slot->stream);
	slot_done(slot, APNS_LOST, "no answer in time");
}

/* A push that takes too long is lost; whether the connection is, a PING finds out. */
static void
watch_time(struct apns *apns)
{
	int64_t now = clock_ticks_us();

	if (apns->look_at > now)
		return;
	apns->look_at = now + 100 * 1000;
	for (size_t i = 0; i < apns->count; i++)
		if (apns->all[i].stream >= 0 && apns->all[i].deadline <= now)
			give_up(&apns->all[i]);
}

void
apns_work(struct apns *apns)
{
	struct slot *slot;

	if (apns->http2 == NULL && apns->waiting.first == NULL)
		return;
	if (apns->http2 == NULL)
		apns->http2 = http2_new(&apns->http2_options, &handlers);
	if (http2_state(apns->http2) == HTTP2_OPEN)
		while ((slot = slots_take(&apns->waiting)) != NULL)
			submit(apns, slot);
	http2_work(apns->http2);
	switch (http2_state(apns->http2)) {
	case HTTP2_FAILED:
		lose_connection(apns);
		break;
	case HTTP2_LEAVING: /* what is under way may still be answered, or never */
		watch_time(apns);
		if (apns->under_way == 0)
			lose_connection(apns);
		break;
	default:
		watch_time(apns);
		break;
	}
}

/* {"reason":"…","timestamp":…}; none with a 200. */
static void
read_answer(const struct slot *slot, struct arena *arena, struct push_answer *answer)
{
	struct plist *body = NULL;

	answer->status = slot->status;
	answer->retry_after = slot->retry_after_ms;
	if (slot->apns_id[0] != '\0')
		answer->apns_id = arena_strdup(arena, slot->apns_id);
	if (slot->answer_len == 0)
		return;
	plist_read_json(plist_limits_default(), arena, slot->answer, slot->answer_len, &body, NULL);
	answer->reason = plist_get_string(body, "reason");
	plist_get_int64(body, "timestamp", &answer->timestamp);
}

bool
apns_next(struct apns *apns, struct arena *arena, struct apns_result *result)
{
	struct slot *slot = slots_take(&apns->done);

	if (slot == NULL)
		return false;
	*result = (struct apns_result){.job = slot->job,
		.id = arena_strdup(arena, slot->id),
		.outcome = slot->outcome,
		.error = arena_strdup(arena, slot->error)};
	if (slot->outcome == APNS_ANSWERED)
		read_answer(slot, arena, &result->answer);
	slots_add(&apns->free, slot);
	apns->in_flight--;
	return true;
}

void
apns_wait(struct apns *apns, int ms)
{
	if (apns->http2 != NULL && apns->done.first == NULL)
		http2_wait(apns->http2, ms);
}
