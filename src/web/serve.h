/*
 * serve - the responder's loop: threads that take a request, serve it, and take the next.
 */
#ifndef POMONA_WEB_SERVE_H
#define POMONA_WEB_SERVE_H

#include "base/err.h"
#include "codec/seal.h"
#include "store/db.h"
#include "web/peer_header.h"

struct serve_options {
	struct db_store *store;
	struct seal_key *key;
	const char *key_path; /* where it is looked for while there is none */
	int listen_fd;        /* FastCGI socket, listening */
	int threads;
	size_t max_body;                 /* bytes of a device's message */
	int64_t push_retry;              /* see struct mdm */
	struct peer_header_rules header; /* which header tells of a certificate */
};

/*
 * Serves until SIGTERM or SIGINT; these signals must be blocked in the calling thread before.
 * Requests that are under way are finished first.
 */
enum err_kind serve_run(const struct serve_options *options, struct err *err);

/* Serves the one request of a CGI process (environment, stdin, stdout). */
void serve_cgi(const struct serve_options *options);

#endif
