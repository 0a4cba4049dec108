/*
 * conf - the configuration file, an INI file read by inih; pomona.conf(5) lists its keys.
 *
 * What changes while the server runs is a setting in the store (mdm/setting.h); here is only what a
 * program needs before it can open the store, and what belongs to this machine.
 */
#ifndef POMONA_BASE_CONF_H
#define POMONA_BASE_CONF_H

#include "base/arena.h"
#include "base/err.h"

struct conf {
	const char *path; /* the file that was read */

	/* [store] */
	const char *database; /* the SQLite file */
	const char *key;      /* the master key file */

	/* [fcgi] */
	const char *listen; /* PATH or HOST:PORT; NULL: the inherited socket */
	long threads;       /* 1 to 1024 */
	long max_body;      /* bytes of a device's message */

	/* [peer] */
	const char *certificate_header; /* a load balancer's; NULL: none is believed */
	const char *certificate_form;   /* see web/peer_header.h */
	const char *certificate_from;   /* addresses and ranges, separated by blanks */

	/* [push] */
	const char *apns_url; /* https://api.push.apple.com:443 */
	const char *apns_ca;  /* PEM file that verifies it; NULL: the system's */
	long lease;           /* seconds a push may be under way before it is sent again */
	long streams;         /* most pushes at once on a connection */
	long poll_ms;         /* how often the worker looks for changes */
	long backoff;         /* seconds after a 5xx of APNs; doubles */
	long backoff_429;     /* seconds after a 429 that does not say how long; doubles */
	long retry; /* seconds until a device that does not come is pushed again, the first time */

	/* [relay]: the worker's calls to HTTP back-ends, for the responder */
	const char *relay_socket; /* where it listens; never NULL */
	const char *relay_ca;     /* PEM file that verifies back-ends; NULL: the system's */
	long relay_timeout;       /* seconds a call may take */

	/* [enroll]: files in PEM; NULL: none */
	const char *sign_certificate; /* signs profiles; its issuers follow in the file */
	const char *sign_key;         /* NULL: it is in the same file */
	const char *enroll_trust;     /* CAs of the server's TLS certificate, for devices */
	const char *apple_ca;         /* Apple's CAs of devices, for the profile service */

	/* [log] */
	const char *log_level;
};

/*
 * Reads PATH, or the file in the environment variable POMONA_CONF, or
 * SYSCONFDIR/pomona/pomona.conf.  All strings are in ARENA.  An unknown section or key and a value
 * out of range are errors that name the line.
 */
enum err_kind conf_read(struct conf *conf, const char *path, struct arena *arena, struct err *err);

#endif
