/*
 * peer_header - a certificate in an HTTP header, set by a load balancer that has ended TLS.
 *
 * Off unless pomona.conf names the header, its form, and the addresses it is believed from
 * (REMOTE_ADDR: who is connected to the web server).  The balancer must have asked the device for
 * its certificate, and must replace or remove a header of this name that came from outside.
 */
#ifndef POMONA_WEB_PEER_HEADER_H
#define POMONA_WEB_PEER_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/conf.h"
#include "base/err.h"
#include "web/request.h"

enum peer_form {
	PEER_FORM_PEM,     /* PEM, URL-escaped or in one line: nginx, AWS, Traefik */
	PEER_FORM_RFC9440, /* :base64 of the DER: */
	PEER_FORM_BASE64,  /* base64 of the DER: HAProxy, Google Cloud */
	PEER_FORM_XFCC,    /* Envoy's x-forwarded-client-cert */
};

enum { PEER_RANGES_MOST = 64 };

/* An address and how many of its bits count; IPv4 is written as IPv6 does it (::ffff:0:0/96). */
struct peer_range {
	unsigned char address[16];
	unsigned bits;
};

struct peer_header_rules {
	const char *param; /* FastCGI's name of the header, HTTP_…; NULL: switched off */
	enum peer_form form;
	struct peer_range ranges[PEER_RANGES_MOST];
	size_t range_count;
};

/* From section [peer]; strings are in ARENA.  ERR_BAD_INPUT names the key that will not do. */
enum err_kind peer_header_rules_read(struct peer_header_rules *rules, const struct conf *conf,
	struct arena *arena, struct err *err);

/* Is the address (IPv4 or IPv6, as text) one of those named? */
bool peer_header_trusts(const struct peer_header_rules *rules, const char *address);

/*
 * The header's value; NULL when it is switched off, is not there, or comes from an address that is
 * not named.  ERR_FORBIDDEN when it is there twice: one of them may be the client's.
 */
enum err_kind peer_header_find(const struct peer_header_rules *rules, const struct request *request,
	const char **value, struct err *err);

/*
 * The DER in it, not verified; of several PEM certificates the first.
 *
 * Envoy appends one element for each proxy on the way, and elements before the last may have come
 * from outside: the last one counts, which the trusted proxy itself has written.  It must have one
 * Cert, and where it has a Hash, that must be the certificate's.
 *
 * ERR_FORBIDDEN, with the reason, when there is none.
 */
enum err_kind peer_header_certificate(const struct peer_header_rules *rules, struct arena *arena,
	const char *value, unsigned char **der, size_t *len, struct err *err);

#endif
