/*
 * seal - secrets at rest: AES-256-GCM under a master key, bound to the place where they are kept.
 *
 * A sealed value is: one byte version (1), one byte key number (1 to 255), 12 bytes nonce,
 * ciphertext, 16 bytes tag.  PLACE ("enrollment/unlock_token/7") and the two leading bytes are
 * authenticated with it, so that a sealed value moved to another row does not open.
 *
 * Nonces are random: fewer than 2^32 values may be sealed under one key (NIST SP 800-38D, 8.3).
 *
 * The key file.  A line "NUMBER HEX" is a key (a line of hex alone is key 1, as the first release
 * wrote it); the first one seals, a second one, which is there while a rotation is under way, only
 * opens.  A line "former HASH" names a key that was taken out, by SHA-256.
 *
 * A rotation goes on under running programs, without a word to them: before it seals anything a
 * program looks whether the file is another one by now, and takes the keys in it when they follow
 * on its own ones; a number it does not know makes it look, too.  A file that is missing, damaged
 * or another store's is not taken: the program goes on with what it has.
 *
 * So that a rotation misses no value, seal inside of the write transaction that stores it.
 *
 * All of it may be called by several threads at once, but for init and release.
 */
#ifndef POMONA_CODEC_SEAL_H
#define POMONA_CODEC_SEAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"

enum {
	SEAL_KEY_SIZE = 32,
	SEAL_OVERHEAD = 1 + 1 + 12 + 16,
	SEAL_KEYS_MOST = 2,
	SEAL_FORMER_MOST = 16, /* of the keys that were taken out, the newest */
	SEAL_HASH_SIZE = 65,   /* hex, with the NUL */
};

/* A key of the file. */
struct seal_one {
	unsigned char number;
	unsigned char bytes[SEAL_KEY_SIZE];
};

/* What is in the file. */
struct seal_keys {
	struct seal_one keys[SEAL_KEYS_MOST]; /* the first seals */
	int count;
	char former[SEAL_FORMER_MOST][SEAL_HASH_SIZE]; /* newest first */
	int former_count;
};

/* The master key: the keys and the file they are from.  To be used by its functions alone. */
struct seal_key {
	pthread_mutex_t lock;
	char *path; /* NULL: none */
	struct stat file;
	struct seal_keys keys;
};

/* ---- values ---- */

/*
 * The sealed value, in ARENA; *OUT_LEN is LEN + SEAL_OVERHEAD.  Never NULL: if there is no master
 * key (mdm_seal() looks), the system has no randomness or libcrypto no AES, the process aborts with
 * one line on stderr, as arena does without memory.
 */
unsigned char *seal_close(struct seal_key *key, struct arena *arena, const char *place,
	const void *bytes, size_t len, size_t *out_len);

/*
 * What seal_close() was given, in ARENA, with a NUL behind it.  ERR_INTERNAL with a message that
 * names the place when it was sealed under another key or for another place, or was changed;
 * ERR_BUSY when there is no master key now.  *BYTES is NULL then.
 */
enum err_kind seal_open(struct seal_key *key, struct arena *arena, const char *place,
	const void *sealed, size_t sealed_len, unsigned char **bytes, size_t *len, struct err *err);

/* Random bytes that nobody can guess.  Aborts when the system has none. */
void seal_random(void *bytes, size_t len);

/* Are the two strings the same?  Takes as long when they are not; only the lengths may be guessed.
 */
bool seal_same(const char *a, const char *b);
/* Is it sealed under the key that seals now? */
bool seal_is_current(struct seal_key *key, const void *sealed, size_t sealed_len);

/* ---- the master key and its file ---- */

/* None yet: nothing can be sealed or opened. */
void seal_key_init(struct seal_key *key);

/* Wipes and frees what it holds; it is as after seal_key_init(). */
void seal_key_release(struct seal_key *key);

/* Key 1 with these bytes, without a file. */
void seal_key_set(struct seal_key *key, const unsigned char bytes[SEAL_KEY_SIZE]);

bool seal_key_is_there(struct seal_key *key);

/*
 * Makes a random key and writes it to PATH (mode 0600), through to the disk.  ERR_CONFLICT when the
 * file is there: it stays as it is.  ERR_IO leaves no file behind.
 */
enum err_kind seal_key_create(struct seal_key *key, const char *path, struct err *err);

/*
 * Reads it.  ERR_NOT_FOUND when there is no such file; ERR_FORBIDDEN when group or others have any
 * right to it (mode & 077); ERR_BAD_INPUT when it holds anything but keys.  KEY is empty then.
 */
enum err_kind seal_key_read(struct seal_key *key, const char *path, struct err *err);

/*
 * Looks whether the file is another one by now.  An error says why the new one is not taken; what
 * was read before stays.  Does nothing when there is no key.
 */
enum err_kind seal_key_refresh(struct seal_key *key, struct err *err);

/* KEY becomes what FROM is, which is empty then. */
void seal_key_take(struct seal_key *key, struct seal_key *from);

/*
 * Begins a rotation: the file gets a new key that seals, and keeps the old one; owner and mode
 * stay. *RESUMED: there was one under way, whose keys stay.  ERR_CONFLICT when another program does
 * the same now.
 */
enum err_kind seal_key_begin_rotation(struct seal_key *key, bool *resumed, struct err *err);

/* Ends it: only the new key is left.  Nothing may be sealed under the old one any more. */
enum err_kind seal_key_end_rotation(struct seal_key *key, struct err *err);

/* Is a rotation under way? */
bool seal_key_is_rotating(struct seal_key *key);

/* The number of the key that seals. */
int seal_key_number(struct seal_key *key);

/* ---- for seal.c ---- */

/* The key that seals, by the file as it is now; false: there is none. */
bool seal_key_to_seal(struct seal_key *key, struct seal_one *one);

/* The key of that number; looks into the file when it is not known. */
bool seal_key_to_open(struct seal_key *key, unsigned char number, struct seal_one *one);

#endif
