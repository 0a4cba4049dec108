/*
 * anchor - the certificates of a PEM file, as a profile carries them.
 */
#ifndef POMONA_CODEC_ANCHOR_H
#define POMONA_CODEC_ANCHOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "codec/x509.h"

enum { ANCHOR_SHA1_SIZE = 20 };

struct anchor {
	const char *name; /* its CommonName, or else its subject */
	const char *pem;
	const void *der;
	size_t der_len;
	bool self_signed; /* a root */
	char sha256[X509_HASH_SIZE];
	unsigned char sha1[ANCHOR_SHA1_SIZE]; /* what SCEP's clients compare */
};

/* Every certificate of the PEM text, in its order; ERR_BAD_INPUT when there is none or a damaged
 * one. */
enum err_kind anchor_read(struct arena *arena, const char *pem, struct anchor **anchors,
	size_t *count, struct err *err);

#endif
