/*
 * apns - a connection to Apple's push service for one topic: HTTP/2 over TLS with the topic's
 * certificate, many pushes at once.
 *
 * Apple: "Sending notification requests to APNs".  One connection per push certificate, kept open
 * for days, with a PING after an hour of silence; made when the first push wants it, and anew after
 * it was lost.
 */
#ifndef POMONA_WORKER_APNS_H
#define POMONA_WORKER_APNS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "codec/x509.h"
#include "mdm/push.h"

struct apns;

struct apns_options {
	const char *url; /* https://api.push.apple.com:443 */
	const char *ca;  /* PEM file; NULL: the system's */
	long streams;    /* most pushes at once */
	long timeout_ms; /* of one push */
};

/* What came of a push that ended. */
enum apns_outcome {
	APNS_ANSWERED, /* `answer` holds what the server said */
	APNS_LOST,     /* the connection went before the answer: it has to be sent again */
	APNS_REFUSED,  /* TLS: the certificate cannot be used, or the server does not want it */
};

/* Its strings are in the arena that was given, but for those of `job`, which are gone. */
struct apns_result {
	struct push_job job;
	const char *id; /* the enrollment's */
	enum apns_outcome outcome;
	struct push_answer answer;
	const char *error; /* why, when not APNS_ANSWERED */
};

/* Never NULL. */
struct apns *apns_new(const struct apns_options *options, const char *topic,
	const struct x509_identity *identity);
void apns_free(struct apns *apns);

/* How many more pushes it takes now, and how many have no answer yet. */
size_t apns_room(const struct apns *apns);
size_t apns_in_flight(const struct apns *apns);

/*
 * Starts a push; there must be room.  What it needs of JOB is copied.  ERR_BAD_INPUT: this one can
 * never be sent.
 */
enum err_kind apns_send(
	struct apns *apns, struct arena *arena, const struct push_job *job, struct err *err);

/* Moves on; then apns_next() gives what has ended, one by one, until it gives false. */
void apns_work(struct apns *apns);
bool apns_next(struct apns *apns, struct arena *arena, struct apns_result *result);

/* Waits until something happens on the connection, MS at most. */
void apns_wait(struct apns *apns, int ms);

#endif
