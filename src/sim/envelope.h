/*
 * envelope - a message for the holder of a certificate (CMS EnvelopedData), as a Mac makes it of
 * its recovery key.
 */
#ifndef POMONA_SIM_ENVELOPE_H
#define POMONA_SIM_ENVELOPE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

/* CERTIFICATE is DER; the envelope (AES-256) too, in ARENA.  ERR_BAD_INPUT: it is no certificate,
 * or its key cannot encrypt. */
enum err_kind envelope_encrypt(struct arena *arena, const void *certificate, size_t certificate_len,
	const void *bytes, size_t len, unsigned char **der, size_t *der_len);

#endif
