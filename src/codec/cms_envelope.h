/*
 * cms_envelope - messages encrypted to a certificate (RFC 5652, EnvelopedData): the FileVault keys
 * that Macs give.  SCEP's own envelopes are in codec/scep.h.
 */
#ifndef POMONA_CODEC_CMS_ENVELOPE_H
#define POMONA_CODEC_CMS_ENVELOPE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "codec/x509.h"

/*
 * Opens a message (DER or BER) that is encrypted to the leaf of IDENTITY; the content is in ARENA,
 * with a NUL behind it, and at most MOST bytes.
 *
 * ERR_BAD_INPUT when it is no such message, or is damaged or too large; ERR_NOT_FOUND when it is
 * encrypted to others.
 */
enum err_kind cms_envelope_open(struct arena *arena, const struct x509_identity *identity,
	const void *bytes, size_t len, size_t most, unsigned char **content, size_t *content_len,
	struct err *err);

#endif
