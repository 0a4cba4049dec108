/*
 * Between the modules that hold a secret (an UnlockToken, the CA's key) and the store, which only
 * ever sees it sealed.  The master key lives in a file of its own, outside the store: seal_key.c.
 */
#include "codec/seal.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

enum {
	FORM_VERSION = 1,
	HEADER_SIZE = 2,
	NONCE_SIZE = 12,
	TAG_SIZE = 16,
};

static pthread_once_t cipher_once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *cipher;

static _Noreturn void
die(const char *reason)
{
	fprintf(stderr, "level=error msg=\"%s\"\n", reason);
	abort();
}

/* Looking an algorithm up takes longer than sealing with it. */
static void
fetch_cipher(void)
{
	cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	if (cipher == NULL)
		die("libcrypto has no AES-256-GCM");
}

/* A context with key, nonce, place and header in it, ready for the bytes. */
static EVP_CIPHER_CTX *
start(const struct seal_one *key, const unsigned char *header, const char *place, bool closing)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	size_t place_len = strlen(place);
	int len;

	pthread_once(&cipher_once, fetch_cipher);
	if (ctx == NULL || place_len > INT_MAX ||
		EVP_CipherInit_ex2(ctx, cipher, key->bytes, header + HEADER_SIZE, closing, NULL) !=
			1 ||
		EVP_CipherUpdate(ctx, NULL, &len, header, HEADER_SIZE) != 1 ||
		EVP_CipherUpdate(ctx, NULL, &len, (const unsigned char *)place, (int)place_len) !=
			1)
		die("AES-256-GCM does not start");
	return ctx;
}

unsigned char *
seal_close(struct seal_key *key, struct arena *arena, const char *place, const void *bytes,
	size_t len, size_t *out_len)
{
	unsigned char *sealed, *nonce, *cipher_text;
	struct seal_one one;
	EVP_CIPHER_CTX *ctx;
	int done, rest;

	if (len > INT_MAX)
		die("too large a value to seal");
	if (!seal_key_to_seal(key, &one))
		die("there is no master key to seal with");
	sealed = arena_alloc(arena, len + SEAL_OVERHEAD);
	nonce = sealed + HEADER_SIZE;
	cipher_text = nonce + NONCE_SIZE;
	sealed[0] = FORM_VERSION;
	sealed[1] = one.number;
	seal_random(nonce, NONCE_SIZE);
	ctx = start(&one, sealed, place, true);
	OPENSSL_cleanse(&one, sizeof(one));
	if (EVP_CipherUpdate(ctx, cipher_text, &done, bytes, (int)len) != 1 ||
		EVP_CipherFinal_ex(ctx, cipher_text + done, &rest) != 1 ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, cipher_text + len) != 1)
		die("AES-256-GCM does not seal");
	EVP_CIPHER_CTX_free(ctx);
	*out_len = len + SEAL_OVERHEAD;
	return sealed;
}

/* Deciphers into PLAIN, which has room for it; false when the tag does not fit. */
static bool
open_into(unsigned char *plain, const struct seal_one *key, const char *place,
	const unsigned char *sealed, size_t sealed_len)
{
	const unsigned char *cipher_text = sealed + HEADER_SIZE + NONCE_SIZE;
	size_t len = sealed_len - SEAL_OVERHEAD;
	unsigned char tag[TAG_SIZE];
	EVP_CIPHER_CTX *ctx = start(key, sealed, place, false);
	int done, rest;
	bool opened;

	memcpy(tag, cipher_text + len, TAG_SIZE);
	opened = EVP_CipherUpdate(ctx, plain, &done, cipher_text, (int)len) == 1 &&
		 EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
		 EVP_CipherFinal_ex(ctx, plain + done, &rest) == 1;
	EVP_CIPHER_CTX_free(ctx);
	ERR_clear_error();
	return opened;
}

enum err_kind
seal_open(struct seal_key *key, struct arena *arena, const char *place, const void *sealed,
	size_t sealed_len, unsigned char **bytes, size_t *len, struct err *err)
{
	const unsigned char *header = sealed;
	struct seal_one one;
	unsigned char *plain;
	bool opened;

	*bytes = NULL;
	if (sealed == NULL || sealed_len < SEAL_OVERHEAD || sealed_len > INT_MAX)
		return err_set(
			err, ERR_INTERNAL, "what is kept at %.200s is no sealed value", place);
	if (header[0] != FORM_VERSION)
		return err_set(err, ERR_INTERNAL,
			"the value sealed at %.200s is of version %u: this program opens version "
			"%d",
			place, (unsigned)header[0], FORM_VERSION);
	if (!seal_key_is_there(key))
		return err_set(err, ERR_BUSY,
			"there is no master key: what is sealed at %.200s cannot be opened", place);
	if (!seal_key_to_open(key, header[1], &one))
		return err_set(err, ERR_INTERNAL,
			"the value sealed at %.200s was sealed under master key %u, which is not "
			"in the key file",
			place, (unsigned)header[1]);
	plain = arena_alloc(arena, sealed_len - SEAL_OVERHEAD + 1);
	opened = open_into(plain, &one, place, sealed, sealed_len);
	OPENSSL_cleanse(&one, sizeof(one));
	if (!opened) {
		OPENSSL_cleanse(plain, sealed_len - SEAL_OVERHEAD);
		return err_set(err, ERR_INTERNAL,
			"the value sealed at %.200s does not open: it was sealed under another "
			"master key or for another place, or was changed",
			place);
	}
	plain[sealed_len - SEAL_OVERHEAD] = '\0';
	*bytes = plain;
	*len = sealed_len - SEAL_OVERHEAD;
	return ERR_OK;
}

bool
seal_is_current(struct seal_key *key, const void *sealed, size_t sealed_len)
{
	const unsigned char *header = sealed;

	return sealed_len >= SEAL_OVERHEAD && header[0] == FORM_VERSION &&
	       header[1] == seal_key_number(key);
}

void
seal_random(void *bytes, size_t len)
{
	if (RAND_bytes(bytes, (int)len) != 1)
		die("the system gives no random bytes");
}

bool
seal_same(const char *a, const char *b)
{
	size_t len = strlen(a);

	return strlen(b) == len && CRYPTO_memcmp(a, b, len) == 0;
}
