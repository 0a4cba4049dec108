/*
 * apns_request - one push as it came, and what APNs would say to its form.
 *
 * Apple's documentation: "Sending notification requests to APNs", "Handling notification responses
 * from APNs".  Of its reasons those are given that an MDM push can draw.
 */
#ifndef POMONA_SIM_APNS_REQUEST_H
#define POMONA_SIM_APNS_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

enum {
	APNS_PAYLOAD_MOST = 4096,
	APNS_TOKEN_MOST = 200, /* hex digits; Apple: the length is not fixed */
	APNS_VALUE_MOST = 256, /* of a header; a longer one is cut, and then wrong */
};

struct apns_request {
	int64_t came; /* ms since 1970 */
	char method[16];
	char path[APNS_VALUE_MOST + 1];
	char topic[APNS_VALUE_MOST + 1];
	char push_type[APNS_VALUE_MOST + 1];
	char id[APNS_VALUE_MOST + 1];
	char priority[APNS_VALUE_MOST + 1];
	char expiration[APNS_VALUE_MOST + 1];
	char collapse_id[APNS_VALUE_MOST + 1];
	bool duplicate; /* a header came twice */
	char payload[APNS_PAYLOAD_MOST + 1];
	size_t payload_len; /* of all that came, kept or not */
};

/* A header or pseudo-header; others are passed over. */
void apns_request_header(struct apns_request *request, const char *name, size_t name_len,
	const char *value, size_t value_len);

void apns_request_data(struct apns_request *request, const void *bytes, size_t len);

/*
 * All headers and the payload are there.  NULL when it is a good push for the certificate's TOPIC
 * (NULL: it has none); else the reason, and *STATUS.
 */
const char *apns_request_check(const struct apns_request *request, const char *topic, int *status);

/* The token in the path, or "". */
const char *apns_request_token(const struct apns_request *request);

/* The payload as JSON, or NULL when it is none; and its "mdm" string, or NULL. */
json_t *apns_request_payload(const struct apns_request *request);
const char *apns_request_magic(const json_t *payload);

/* The request's apns-id, or a new one. */
char *apns_request_id(const struct apns_request *request, char id[CLOCK_UUID_SIZE]);

/* The reason that goes with a status, when a rule gives none. */
const char *apns_reason_for(int status);

#endif
