/*
 * certificates - what the worker does about them: the web server's files (mdm/ca_files.h), the CA
 * whose day has come, warnings of those that end soon (mdm/expiry.h).
 */
#ifndef POMONA_WORKER_CERTIFICATES_H
#define POMONA_WORKER_CERTIFICATES_H

#include "base/conf.h"
#include "mdm/ca_files.h"

struct certificates {
	struct mdm *mdm;
	const char *key_path;
	int64_t next_look, next_warning; /* clock_ticks_us() */
	bool complained;                 /* the files cannot be written, and that was said */
};

/* The files are beside the key of CONF. */
struct certificates certificates_new(struct mdm *mdm, const struct conf *conf);

/* To be called again and again; does something every second at most. */
void certificates_round(struct certificates *certificates);

#endif
