/*
 * apns_server - the APNs stand-in: takes pushes over HTTP/2 like api.push.apple.com, answers like
 * it, and writes down what it got.
 *
 * A client needs a certificate of the CA that was given; the topic it may push to is the UID in
 * that certificate's subject.
 */
#ifndef POMONA_SIM_APNS_SERVER_H
#define POMONA_SIM_APNS_SERVER_H

#include "sim/address.h"
#include "sim/apns_request.h"
#include "sim/jsonl.h"
#include "sim/loop.h"
#include "sim/rules.h"
#include "sim/tls.h"

struct apns_server;
struct fleet;

struct apns_options {
	const char *listen; /* HOST:PORT; port 0: any */
	struct tls_server_options tls;
	const char *rules, *log; /* files, or NULL */
	long max_streams;        /* SETTINGS_MAX_CONCURRENT_STREAMS */
};

/* Listens.  A push that is answered 200 goes on to the fleet. */
enum err_kind apns_server_new(struct apns_server **server, struct loop *loop, struct fleet *fleet,
	const struct apns_options *options, struct err *err);
void apns_server_free(struct apns_server *server);

/* Where it listens, HOST:PORT. */
const char *apns_server_address(const struct apns_server *server);

/* ---- for apns_connection.c ---- */

/* What is to become of a push. */
struct apns_answer {
	enum rule_action action; /* RULE_STATUS, or RULE_DROP, RULE_HANG, RULE_GOAWAY */
	int status;
	char reason[64];     /* "" with a 200 */
	int64_t timestamp;   /* ms since 1970; -1: none */
	int64_t retry_after; /* seconds; -1: none */
	int64_t delay_ms;
	char id[CLOCK_UUID_SIZE];
};

struct loop *apns_server_loop(const struct apns_server *server);
long apns_server_max_streams(const struct apns_server *server);

/* TOPIC is the client certificate's, or NULL. */
void apns_server_decide(struct apns_server *server, const struct apns_request *request,
	const char *topic, struct apns_answer *answer);

/*
 * The answer goes out now, or never does: logs it, and wakes the device of a push that was taken.
 * ABANDONED: the client went away before the answer was due.
 */
void apns_server_told(struct apns_server *server, unsigned long connection,
	const struct apns_request *request, const struct apns_answer *answer, bool abandoned);

#endif
