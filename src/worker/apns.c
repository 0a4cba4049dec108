/*
 * Pushes on the wire.  A push takes a slot, its easy handle and its buffers; slots are used again
 * and again.
 */
#include "worker/apns.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "codec/plist.h"
#include "mdm/enrollment.h"

enum {
	ANSWER_MOST = 4096,  /* bytes that are kept of an answer's body */
	TOKEN_MOST = 256,    /* bytes; Apple does not say how long a token may be */
	PAYLOAD_MOST = 4096, /* Apple's limit */
	HEADER_MOST = 300,
	KEEPALIVE_S = 600, /* probes on a connection that is idle, for the firewalls on its way */
	AGE_MOST_S = 7 * 24 * 3600, /* an idle connection is used again after so long; Apple wants
				       them kept */
};

struct slot {
	CURL *easy;
	struct curl_slist *headers;
	bool busy;
	struct push_job job;
	char id[ENROLLMENT_ID_MOST + 1];
	char answer[ANSWER_MOST];
	size_t answer_len;
	char apns_id[64];
	long retry_after; /* seconds */
	char error[CURL_ERROR_SIZE];
};

struct apns {
	struct apns_options options;
	CURLM *multi;
	char *topic, *certificate, *key;
	struct slot *slots;
	size_t count, in_flight;
	bool hangs;
};

static size_t
take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct slot *slot = context;
	size_t len = size * count, room = sizeof(slot->answer) - slot->answer_len;

	memcpy(slot->answer + slot->answer_len, bytes, len < room ? len : room);
	slot->answer_len += len < room ? len : room;
	return len;
}

static size_t
take_header(char *line, size_t size, size_t count, void *context)
{
	struct slot *slot = context;
	size_t len = size * count;
	char text[128];

	snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) ? len : sizeof(text) - 1),
		line);
	text[strcspn(text, "\r\n")] = '\0';
	if (strncmp(text, "apns-id: ", 9) == 0)
		snprintf(slot->apns_id, sizeof(slot->apns_id), "%.60s", text + 9);
	else if (strncmp(text, "retry-after: ", 13) == 0)
		slot->retry_after = strtol(text + 13, NULL, 10);
	return len;
}

/* What is the same for every push of a slot. */
static void
slot_init(struct apns *apns, struct slot *slot)
{
	struct curl_blob certificate = {
		apns->certificate, strlen(apns->certificate), CURL_BLOB_COPY};
	struct curl_blob key = {apns->key, strlen(apns->key), CURL_BLOB_COPY};
	CURL *easy = curl_easy_init();

	if (easy == NULL)
		abort();
	curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &certificate);
	curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
	curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key);
	curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM");
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)AGE_MOST_S);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, apns->options.timeout_ms);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, slot->error);
	if (apns->options.ca != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, apns->options.ca);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
	slot->easy = easy;
}

/* Holds the connection. */
static void
make_multi(struct apns *apns)
{
	apns->multi = curl_multi_init();
	if (apns->multi == NULL)
		abort();
	curl_multi_setopt(apns->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(apns->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
	curl_multi_setopt(apns->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, apns->options.streams);
}

struct apns *
apns_new(
	const struct apns_options *options, const char *topic, const struct x509_identity *identity)
{
	struct apns *apns = calloc(1, sizeof(*apns));

	if (apns == NULL)
		abort();
	apns->options = *options;
	apns->topic = strdup(topic);
	apns->certificate = strdup(identity->cert_pem);
	apns->key = strdup(identity->key_pem);
	apns->count = (size_t)options->streams;
	apns->slots = calloc(apns->count, sizeof(*apns->slots));
	if (apns->topic == NULL || apns->certificate == NULL || apns->key == NULL ||
		apns->slots == NULL)
		abort();
	make_multi(apns);
	return apns;
}

void
apns_free(struct apns *apns)
{
	if (apns == NULL)
		return;
	for (size_t i = 0; i < apns->count; i++) {
		struct slot *slot = &apns->slots[i];

		if (slot->busy)
			curl_multi_remove_handle(apns->multi, slot->easy);
		curl_slist_free_all(slot->headers);
		curl_easy_cleanup(slot->easy);
	}
	curl_multi_cleanup(apns->multi);
	memset(apns->key, 0, strlen(apns->key));
	free(apns->topic);
	free(apns->certificate);
	free(apns->key);
	free(apns->slots);
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

bool
apns_hangs(const struct apns *apns)
{
	return apns->hangs;
}

void
apns_reconnect(struct apns *apns)
{
	curl_multi_cleanup(apns->multi);
	make_multi(apns);
	apns->hangs = false;
}

static struct slot *
free_slot(struct apns *apns)
{
	for (size_t i = 0; i < apns->count; i++)
		if (!apns->slots[i].busy)
			return &apns->slots[i];
	return NULL;
}

static void
set_headers(struct apns *apns, struct slot *slot)
{
	char topic[HEADER_MOST], id[60], uuid[CLOCK_UUID_SIZE];

	curl_slist_free_all(slot->headers);
	for (char *p = clock_uuid(uuid); *p != '\0'; p++)
		*p = (char)(*p >= 'A' && *p <= 'F' ? *p + 32 : *p);
	snprintf(topic, sizeof(topic), "apns-topic: %.256s", apns->topic);
	snprintf(id, sizeof(id), "apns-id: %s", uuid);
	slot->headers = curl_slist_append(NULL, topic);
	slot->headers = curl_slist_append(slot->headers, "apns-push-type: mdm");
	slot->headers = curl_slist_append(slot->headers, "apns-priority: 10");
	slot->headers = curl_slist_append(slot->headers, id);
	slot->headers = curl_slist_append(slot->headers, "content-type: application/json");
	curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, slot->headers);
}

/* {"mdm":"<PushMagic>"}; libcurl copies it. */
static bool
set_payload(struct slot *slot, struct arena *arena, const char *magic)
{
	struct plist *payload = plist_dict(arena);
	struct buf json;

	plist_set(arena, payload, "mdm", plist_string(arena, magic));
	buf_init(&json, arena, PAYLOAD_MOST);
	plist_write_json(&json, payload, false);
	if (json.full)
		return false;
	curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE, (long)json.len);
	return curl_easy_setopt(slot->easy, CURLOPT_COPYPOSTFIELDS, json.bytes) == CURLE_OK;
}

static void
set_url(struct apns *apns, struct slot *slot, const struct push_job *job)
{
	const unsigned char *token = job->token;
	char url[HEADER_MOST + TOKEN_MOST * 2 + 1];
	size_t used = (size_t)snprintf(url, HEADER_MOST, "%.250s/3/device/", apns->options.url);

	for (size_t i = 0; i < job->token_len; i++, used += 2)
		snprintf(url + used, sizeof(url) - used, "%02x", token[i]);
	curl_easy_setopt(slot->easy, CURLOPT_URL, url);
}

enum err_kind
apns_send(struct apns *apns, struct arena *arena, const struct push_job *job, struct err *err)
{
	struct slot *slot = free_slot(apns);

	if (slot == NULL)
		return err_set(err, ERR_BUSY, "all streams are taken");
	if (job->token_len == 0 || job->token_len > TOKEN_MOST)
		return err_set(
			err, ERR_BAD_INPUT, "a token of %zu bytes cannot be sent", job->token_len);
	if (slot->easy == NULL)
		slot_init(apns, slot);
	if (!set_payload(slot, arena, job->magic))
		return err_set(err, ERR_BAD_INPUT, "the PushMagic is too long");
	set_url(apns, slot, job);
	set_headers(apns, slot);
	slot->job = *job;
	snprintf(slot->id, sizeof(slot->id), "%s", job->id);
	slot->job.id = slot->job.magic = NULL;
	slot->job.token = NULL;
	slot->answer_len = 0;
	slot->apns_id[0] = slot->error[0] = '\0';
	slot->retry_after = 0;
	if (curl_multi_add_handle(apns->multi, slot->easy) != CURLM_OK)
		return err_set(err, ERR_INTERNAL, "libcurl does not take the push");
	slot->busy = true;
	apns->in_flight++;
	return ERR_OK;
}

void
apns_work(struct apns *apns)
{
	int running;

	curl_multi_perform(apns->multi, &running);
}

/* {"reason":"…","timestamp":…}; none with a 200. */
static void
read_answer(struct slot *slot, struct arena *arena, struct push_answer *answer)
{
	struct plist *body = NULL;

	plist_read_json(plist_limits_default(), arena, slot->answer, slot->answer_len, &body, NULL);
	answer->reason = plist_get_string(body, "reason");
	plist_get_int64(body, "timestamp", &answer->timestamp);
	if (slot->apns_id[0] != '\0')
		answer->apns_id = arena_strdup(arena, slot->apns_id);
	answer->retry_after = slot->retry_after * 1000;
}

/* In TLS 1.3 the server's alert about our certificate comes when we read: as OpenSSL's words. */
static bool
is_refusal(const struct slot *slot, CURLcode code)
{
	static const char *const alerts[] = {"alert unknown ca", "alert bad certificate",
		"alert unsupported certificate", "alert certificate revoked",
		"alert certificate expired", "alert certificate unknown",
		"alert certificate required", "alert access denied"};

	if (code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CLIENTCERT)
		return true;
	for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++)
		if (strstr(slot->error, alerts[i]) != NULL)
			return true;
	return false;
}

static void
take_result(struct slot *slot, struct arena *arena, CURLcode code, struct apns_result *result)
{
	long status = 0;

	curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
	*result = (struct apns_result){.job = slot->job,
		.id = arena_strdup(arena, slot->id),
		.error = arena_strdup(
			arena, slot->error[0] != '\0' ? slot->error : curl_easy_strerror(code))};
	/* libcurl may report an error of the stream behind a whole answer: the status is what
	 * counts. */
	if (status > 0) {
		result->outcome = APNS_ANSWERED;
		result->answer.status = (int)status;
		read_answer(slot, arena, &result->answer);
	} else if (is_refusal(slot, code))
		result->outcome = APNS_REFUSED;
	else
		result->outcome = APNS_LOST;
}

bool
apns_next(struct apns *apns, struct arena *arena, struct apns_result *result)
{
	CURLMsg *message;
	struct slot *slot;
	CURLcode code;
	int left;

	do
		message = curl_multi_info_read(apns->multi, &left);
	while (message != NULL && message->msg != CURLMSG_DONE);
	if (message == NULL)
		return false;
	code = message->data.result;
	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&slot);
	take_result(slot, arena, code, result);
	apns->hangs = apns->hangs || code == CURLE_OPERATION_TIMEDOUT;
	curl_multi_remove_handle(apns->multi, slot->easy);
	slot->busy = false;
	apns->in_flight--;
	return true;
}

void
apns_wait(struct apns *apns, int ms)
{
	curl_multi_poll(apns->multi, NULL, 0, ms, NULL);
}
