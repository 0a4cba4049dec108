/*
 * probe - one HTTPS request, as a device or a browser would send it: for `pomona doctor`.
 *
 * The only place outside of src/worker that knows libcurl, and the only one where `pomona` opens a
 * connection.
 */
#ifndef POMONA_CLI_PROBE_H
#define POMONA_CLI_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "codec/x509.h"

struct probe {
	const char *method; /* GET or PUT */
	const char *url;
	const char *ca;                       /* PEM file; NULL: the system's */
	const struct x509_identity *identity; /* shown as client; NULL: none */
	const char *body;                     /* of a PUT */
};

struct probe_answer {
	long status;
	bool is_http2;
	const char *body;      /* its first line, cut */
	int64_t tls_not_after; /* of the server's certificate, in ms; 0: not known */
};

/* ERR_IO, with libcurl's reason, when there is no answer. */
enum err_kind probe_ask(struct arena *arena, const struct probe *probe, struct probe_answer *answer,
	struct err *err);

#endif
