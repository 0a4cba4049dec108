/*
 * signature - Mdm-Signature: the header by which a device shows who it is where TLS cannot
 * (SignMessage in the profile): base64 of a detached CMS signature over the body.
 */
#ifndef POMONA_SIM_SIGNATURE_H
#define POMONA_SIM_SIGNATURE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "sim/tls.h"

/* The whole header, with its CR LF. */
enum err_kind signature_header(struct arena *arena, const struct tls_identity *identity,
	const void *body, size_t len, const char **header, struct err *err);

#endif
