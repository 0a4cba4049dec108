/*
 * Between the HTTP/2 of apns_connection.c and the answer of apns_server.c.
 */
#include "sim/apns_request.h"

#include <ctype.h>
#include <string.h>

static const char path_start[] = "/3/device/";

/* ---- collecting ---- */

static const struct header {
	const char *name;
	size_t offset, size;
} headers[] = {
	{":method", offsetof(struct apns_request, method), 16},
	{":path", offsetof(struct apns_request, path), APNS_VALUE_MOST + 1},
	{"apns-topic", offsetof(struct apns_request, topic), APNS_VALUE_MOST + 1},
	{"apns-push-type", offsetof(struct apns_request, push_type), APNS_VALUE_MOST + 1},
	{"apns-id", offsetof(struct apns_request, id), APNS_VALUE_MOST + 1},
	{"apns-priority", offsetof(struct apns_request, priority), APNS_VALUE_MOST + 1},
	{"apns-expiration", offsetof(struct apns_request, expiration), APNS_VALUE_MOST + 1},
	{"apns-collapse-id", offsetof(struct apns_request, collapse_id), APNS_VALUE_MOST + 1},
};

void
apns_request_header(struct apns_request *request, const char *name, size_t name_len,
	const char *value, size_t value_len)
{
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		char *place = (char *)request + headers[i].offset;

		if (strlen(headers[i].name) != name_len ||
			memcmp(headers[i].name, name, name_len) != 0)
			continue;
		if (place[0] != '\0')
			request->duplicate = true;
		if (value_len >= headers[i].size)
			value_len = headers[i].size - 1;
		memcpy(place, value, value_len);
		place[value_len] = '\0';
		return;
	}
}

void
apns_request_data(struct apns_request *request, const void *bytes, size_t len)
{
	if (request->payload_len < APNS_PAYLOAD_MOST) {
		size_t room = APNS_PAYLOAD_MOST - request->payload_len;

		memcpy(request->payload + request->payload_len, bytes, len < room ? len : room);
	}
	request->payload_len += len;
}

/* ---- what it says ---- */

const char *
apns_request_token(const struct apns_request *request)
{
	size_t len = sizeof(path_start) - 1;

	return strncmp(request->path, path_start, len) == 0 ? request->path + len : "";
}

json_t *
apns_request_payload(const struct apns_request *request)
{
	if (request->payload_len > APNS_PAYLOAD_MOST)
		return NULL;
	return json_loadb(request->payload, request->payload_len, JSON_REJECT_DUPLICATES, NULL);
}

const char *
apns_request_magic(const json_t *payload)
{
	return json_string_value(json_object_get(payload, "mdm"));
}

char *
apns_request_id(const struct apns_request *request, char id[CLOCK_UUID_SIZE])
{
	if (strlen(request->id) == CLOCK_UUID_SIZE - 1) {
		memcpy(id, request->id, CLOCK_UUID_SIZE);
		return id;
	}
	clock_uuid(id);
	for (char *c = id; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return id;
}

/* ---- the checks: each gives a reason, or NULL ---- */

static const char *
check_method(const struct apns_request *request)
{
	return strcmp(request->method, "POST") == 0 ? NULL : "MethodNotAllowed";
}

static const char *
check_path(const struct apns_request *request)
{
	if (strcmp(request->path, path_start) == 0 || strcmp(request->path, "/3/device") == 0)
		return "MissingDeviceToken";
	return apns_request_token(request)[0] != '\0' ? NULL : "BadPath";
}

static const char *
check_duplicates(const struct apns_request *request)
{
	return request->duplicate ? "DuplicateHeaders" : NULL;
}

/* Lower-case hex, whole bytes. */
static const char *
check_token(const struct apns_request *request)
{
	const char *token = apns_request_token(request);
	size_t len = strlen(token);

	return len <= APNS_TOKEN_MOST && len % 2 == 0 && strspn(token, "0123456789abcdef") == len
		       ? NULL
		       : "BadDeviceToken";
}

static const char *
check_push_type(const struct apns_request *request)
{
	return strcmp(request->push_type, "mdm") == 0 ? NULL : "InvalidPushType";
}

static const char *
check_topic_form(const struct apns_request *request)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-.";

	if (request->topic[0] == '\0')
		return "MissingTopic";
	return strspn(request->topic, letters) == strlen(request->topic) ? NULL : "BadTopic";
}

/* 8-4-4-4-12 lower-case hex digits. */
static const char *
check_id(const struct apns_request *request)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	const char *id = request->id;

	if (id[0] == '\0')
		return NULL;
	if (strlen(id) != sizeof(form) - 1)
		return "BadMessageId";
	for (size_t i = 0; form[i] != '\0'; i++)
		if (form[i] == '-' ? id[i] != '-' : strchr("0123456789abcdef", id[i]) == NULL)
			return "BadMessageId";
	return NULL;
}

static const char *
check_priority(const struct apns_request *request)
{
	const char *priority = request->priority;

	return priority[0] == '\0' || strcmp(priority, "10") == 0 || strcmp(priority, "5") == 0 ||
			       strcmp(priority, "1") == 0
		       ? NULL
		       : "BadPriority";
}

static const char *
check_expiration(const struct apns_request *request)
{
	size_t len = strlen(request->expiration);

	return len <= 15 && strspn(request->expiration, "0123456789") == len ? NULL
									     : "BadExpirationDate";
}

static const char *
check_collapse_id(const struct apns_request *request)
{
	return strlen(request->collapse_id) <= 64 ? NULL : "BadCollapseId";
}

static const char *
check_payload_size(const struct apns_request *request)
{
	return request->payload_len <= APNS_PAYLOAD_MOST ? NULL : "PayloadTooLarge";
}

/* APNs has no word for a payload that is no MDM payload; an empty one is what it comes to. */
static const char *
check_payload(const struct apns_request *request)
{
	json_t *payload = apns_request_payload(request);
	const char *magic = apns_request_magic(payload);
	bool good = magic != NULL && magic[0] != '\0' && json_object_size(payload) == 1;

	json_decref(payload);
	return good ? NULL : "PayloadEmpty";
}

static const struct {
	const char *reason;
	int status;
} statuses[] = {
	/* the first with a status is the one that goes with it */
	{"BadDeviceToken", 400},
	{"Forbidden", 403},
	{"BadPath", 404},
	{"MethodNotAllowed", 405},
	{"Unregistered", 410},
	{"PayloadTooLarge", 413},
	{"TooManyRequests", 429},
	{"InternalServerError", 500},
	{"ServiceUnavailable", 503},
};

static int
status_of(const char *reason)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (strcmp(statuses[i].reason, reason) == 0)
			return statuses[i].status;
	return 400;
}

const char *
apns_reason_for(int status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == status)
			return statuses[i].reason;
	return "InternalServerError";
}

const char *
apns_request_check(const struct apns_request *request, const char *topic, int *status)
{
	static const char *(*const checks[])(const struct apns_request *request) = {check_method,
		check_path, check_duplicates, check_id, check_push_type, check_topic_form,
		check_priority, check_expiration, check_collapse_id, check_token,
		check_payload_size, check_payload};
	const char *reason = NULL;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && reason == NULL; i++)
		reason = checks[i](request);
	if (reason == NULL && (topic == NULL || strcmp(request->topic, topic) != 0))
		reason = "TopicDisallowed";
	*status = reason != NULL ? status_of(reason) : 200;
	return reason;
}
