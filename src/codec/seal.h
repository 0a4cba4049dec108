/*
 * seal - secrets at rest: AES-256-GCM under a master key, bound to the place where they are kept.
 *
 * A sealed value is: one byte version (1), one byte key number (1), 12 bytes nonce, ciphertext, 16
 * bytes tag.  PLACE ("enrollment/unlock_token/7") and the two leading bytes are authenticated with
 * it, so that a sealed value moved to another row does not open.
 *
 * Nonces are random: fewer than 2^32 values may be sealed under one key (NIST SP 800-38D, 8.3).
 *
 * All of it may be called by several threads at once.
 */
#ifndef POMONA_CODEC_SEAL_H
#define POMONA_CODEC_SEAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum { SEAL_KEY_SIZE = 32, SEAL_OVERHEAD = 1 + 1 + 12 + 16 };

struct seal_key {
	unsigned char bytes[SEAL_KEY_SIZE];
};

/*
 * Makes a random key and writes it to PATH (hex, mode 0600), through to the disk.  ERR_CONFLICT
 * when the file is there: it stays as it is.  ERR_IO leaves no file behind.
 */
enum err_kind seal_key_create(struct seal_key *key, const char *path, struct err *err);

/*
 * Reads it.  ERR_NOT_FOUND when there is no such file; ERR_FORBIDDEN when group or others have any
 * right to it (mode & 077); ERR_BAD_INPUT when it holds anything but the hex and white space.
 */
enum err_kind seal_key_read(struct seal_key *key, const char *path, struct err *err);

/*
 * The sealed value, in ARENA; *OUT_LEN is LEN + SEAL_OVERHEAD.  Never NULL: if the system has no
 * randomness or libcrypto no AES, the process aborts with one line on stderr, as arena does
 * without memory.
 */
unsigned char *seal_close(const struct seal_key *key, struct arena *arena, const char *place,
	const void *bytes, size_t len, size_t *out_len);

/*
 * What seal_close() was given, in ARENA, with a NUL behind it.  ERR_INTERNAL with a message that
 * names the place when it was sealed under another key or for another place, or was changed;
 * *BYTES is NULL then.
 */
enum err_kind seal_open(const struct seal_key *key, struct arena *arena, const char *place,
	const void *sealed, size_t sealed_len, unsigned char **bytes, size_t *len, struct err *err);

/* Random bytes that nobody can guess.  Aborts when the system has none. */
void seal_random(void *bytes, size_t len);

/* Are the two strings the same?  Takes as long when they are not; only the lengths may be guessed.
 */
bool seal_same(const char *a, const char *b);

#endif
