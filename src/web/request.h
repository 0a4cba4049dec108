/*
 * request - one HTTP request, whether it came over FastCGI or as plain CGI (RFC 3875 names the
 * parameters).
 */
#ifndef POMONA_WEB_REQUEST_H
#define POMONA_WEB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

/* Where a request comes from and its reply goes to. */
struct gateway {
	const char *(*param)(void *handle, const char *name); /* NULL: not given */
	long (*read)(void *handle, void *bytes, size_t len);  /* 0: the end; -1: failed */
	bool (*write)(void *handle, const void *bytes, size_t len);
	int (*count)(void *handle, const char *name); /* how often it is given */
	void *handle;                                 /* FCGX_Request, or nothing for CGI */
};

struct request {
	const struct gateway *gateway;
	struct arena *arena;
	char id[37];        /* for the log */
	const char *method; /* "" when not given */
	const char *path;   /* without the query */
	const char *body;
	size_t body_len;
};

extern const struct gateway gateway_cgi;

/* Takes method and path. */
void request_init(struct request *request, const struct gateway *gateway, struct arena *arena);

/* How long the web server says the body is; 0 when it does not. */
size_t request_length(const struct request *request);

/*
 * Reads the whole body, in any case to its end (Apache answers 503 otherwise).  ERR_TOO_LARGE above
 * CAP; ERR_IO when it breaks off.
 */
enum err_kind request_read_body(struct request *request, size_t cap, struct err *err);

/* A FastCGI parameter, "" when it was not given.  HTTP headers have names that begin with HTTP_. */
const char *request_param(const struct request *request, const char *name);

/* How often it was given: a web server may pass on two headers of one name. */
int request_param_count(const struct request *request, const char *name);

/* How many of the strings NAME=VALUE (NULL behind the last) are of this name. */
int request_count_in(char *const *environment, const char *name);

#endif
