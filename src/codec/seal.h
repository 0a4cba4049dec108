/*
 * seal - secrets at rest: AES-256-GCM under a master key, bound to the place where they are kept.
 *
 * A sealed value is: one byte version (1), one byte key number, 12 bytes nonce, ciphertext, 16
 * bytes tag.  PLACE
 * ("enrollment/unlock_token/7") is authenticated with it, so that a sealed value moved to another
 * row does not open.
 */
#ifndef POMONA_CODEC_SEAL_H
#define POMONA_CODEC_SEAL_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum { SEAL_KEY_SIZE = 32, SEAL_OVERHEAD = 1 + 1 + 12 + 16 };

struct seal_key {
	unsigned char bytes[SEAL_KEY_SIZE];
};

/* Makes a random key and writes it to PATH (hex, mode 0600); ERR_CONFLICT when the file is there.
 */
enum err_kind seal_key_create(struct seal_key *key, const char *path, struct err *err);

/* Reads it; refuses a file that others may read (mode & 077). */
enum err_kind seal_key_read(struct seal_key *key, const char *path, struct err *err);

/* The sealed value, in ARENA; *OUT_LEN is LEN + SEAL_OVERHEAD. */
unsigned char *seal_close(const struct seal_key *key, struct arena *arena, const char *place,
	const void *bytes, size_t len, size_t *out_len);

/* ERR_INTERNAL with a message when it was sealed under another key or for another place, or was
 * changed. */
enum err_kind seal_open(const struct seal_key *key, struct arena *arena, const char *place,
	const void *sealed, size_t sealed_len, unsigned char **bytes, size_t *len, struct err *err);

#endif
