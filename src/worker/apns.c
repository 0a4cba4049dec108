/*
 * Pushes on the wire.  A push takes a slot, its easy handle and its buffers; slots are used again
 * and again.
 */
#include "worker/apns.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { ANSWER_MOST = 4096, TOKEN_MOST = 256, MAGIC_MOST = 1024 };

struct slot {
	CURL *easy;
	struct curl_slist *headers;
	bool busy;
	struct push_job job;
	char payload[MAGIC_MOST * 6 + 32];
	char answer[ANSWER_MOST];
	size_t answer_len;
	char apns_id[64], reason[100];
	long retry_after;
};

struct apns {
	struct apns_options options;
	CURLM *multi;
	char *topic, *certificate, *key;
	struct slot *slots;
	size_t count, in_flight;
};

static size_t
take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct slot *slot = context;
	size_t len = size * count, room = sizeof(slot->answer) - 1 - slot->answer_len;

	memcpy(slot->answer + slot->answer_len, bytes, len < room ? len : room);
	slot->answer_len += len < room ? len : room;
	slot->answer[slot->answer_len] = '\0';
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
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, apns->options.timeout_ms);
	if (apns->options.ca != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, apns->options.ca);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
	slot->easy = easy;
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
	apns->multi = curl_multi_init();
	if (apns->topic == NULL || apns->certificate == NULL || apns->key == NULL ||
		apns->slots == NULL || apns->multi == NULL)
		abort();
	curl_multi_setopt(apns->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(apns->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
	curl_multi_setopt(apns->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, options->streams);
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

const char *
apns_topic(const struct apns *apns)
{
	return apns->topic;
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
	char topic[300], id[60], uuid[CLOCK_UUID_SIZE];

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

enum err_kind
apns_send(struct apns *apns, const struct push_job *job, struct err *err)
{
	struct slot *slot = free_slot(apns);
	char url[TOKEN_MOST * 2 + 400];
	json_t *payload;
	size_t used;

	if (slot == NULL)
		return err_set(err, ERR_BUSY, "all streams are taken");
	if (job->token_len > TOKEN_MOST || strlen(job->magic) > MAGIC_MOST)
		return err_set(err, ERR_BAD_INPUT, "token or PushMagic is too long");
	if (slot->easy == NULL)
		slot_init(apns, slot);
	payload = json_pack("{s:s}", "mdm", job->magic);
	used = json_dumpb(payload, slot->payload, sizeof(slot->payload), JSON_COMPACT);
	json_decref(payload);
	if (used == 0 || used > sizeof(slot->payload))
		return err_set(err, ERR_BAD_INPUT, "the payload cannot be made");
	used = (size_t)snprintf(url, 300, "%.250s/3/device/", apns->options.url);
	for (size_t i = 0; i < job->token_len; i++, used += 2)
		snprintf(url + used, 3, "%02x", ((const unsigned char *)job->token)[i]);
	slot->job = *job;
	slot->job.topic = apns->topic;
	slot->job.id = slot->job.magic = NULL;
	slot->job.token = NULL;
	slot->answer_len = 0;
	slot->answer[0] = slot->apns_id[0] = slot->reason[0] = '\0';
	slot->retry_after = 0;
	set_headers(apns, slot);
	curl_easy_setopt(slot->easy, CURLOPT_URL, url);
	curl_easy_setopt(slot->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, slot->payload);
	curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(slot->payload));
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

static void
read_answer(struct slot *slot, struct push_answer *answer)
{
	json_t *body = json_loads(slot->answer, 0, NULL);
	const char *reason = json_string_value(json_object_get(body, "reason"));

	if (reason != NULL)
		snprintf(slot->reason, sizeof(slot->reason), "%.90s", reason);
	answer->timestamp = json_integer_value(json_object_get(body, "timestamp"));
	answer->reason = slot->reason[0] != '\0' ? slot->reason : NULL;
	answer->apns_id = slot->apns_id[0] != '\0' ? slot->apns_id : NULL;
	answer->retry_after = slot->retry_after * 1000;
	json_decref(body);
}

bool
apns_next(struct apns *apns, struct apns_result *result)
{
	CURLMsg *message;
	struct slot *slot;
	int left;
	long status = 0;

	do
		message = curl_multi_info_read(apns->multi, &left);
	while (message != NULL && message->msg != CURLMSG_DONE);
	if (message == NULL)
		return false;
	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&slot);
	curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
	*result = (struct apns_result){
		.job = slot->job, .error = curl_easy_strerror(message->data.result)};
	/* libcurl may report an error of the stream behind a whole answer: the status is what
	 * counts. */
	if (status > 0) {
		result->outcome = APNS_ANSWERED;
		result->answer.status = (int)status;
		read_answer(slot, &result->answer);
	} else if (message->data.result == CURLE_SSL_CERTPROBLEM)
		result->outcome = APNS_REFUSED;
	else
		result->outcome = APNS_LOST;
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
