/*
 * Between the modules that hold a secret (an UnlockToken, the CA's key) and the store, which only
 * ever sees it sealed.  The master key lives in a file of its own, outside the store.
 */
#include "codec/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

enum {
	FORM_VERSION = 1,
	FORM_KEY = 1, /* there is one key now; a second one can come without a new version */
	HEADER_SIZE = 2,
	NONCE_SIZE = 12,
	TAG_SIZE = 16,
	HEX_SIZE = 2 * SEAL_KEY_SIZE,
	FILE_MOST = HEX_SIZE + 16, /* the hex and some white space */
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
start(const struct seal_key *key, const unsigned char *header, const char *place, bool closing)
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
seal_close(const struct seal_key *key, struct arena *arena, const char *place, const void *bytes,
	size_t len, size_t *out_len)
{
	unsigned char *sealed, *nonce, *cipher_text;
	EVP_CIPHER_CTX *ctx;
	int done, rest;

	if (len > INT_MAX)
		die("too large a value to seal");
	sealed = arena_alloc(arena, len + SEAL_OVERHEAD);
	nonce = sealed + HEADER_SIZE;
	cipher_text = nonce + NONCE_SIZE;
	sealed[0] = FORM_VERSION;
	sealed[1] = FORM_KEY;
	seal_random(nonce, NONCE_SIZE);
	ctx = start(key, sealed, place, true);
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
open_into(unsigned char *plain, const struct seal_key *key, const char *place,
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
seal_open(const struct seal_key *key, struct arena *arena, const char *place, const void *sealed,
	size_t sealed_len, unsigned char **bytes, size_t *len, struct err *err)
{
	const unsigned char *header = sealed;
	unsigned char *plain;

	*bytes = NULL;
	if (sealed == NULL || sealed_len < SEAL_OVERHEAD || sealed_len > INT_MAX)
		return err_set(
			err, ERR_INTERNAL, "what is kept at %.200s is no sealed value", place);
	if (header[0] != FORM_VERSION || header[1] != FORM_KEY)
		return err_set(err, ERR_INTERNAL,
			"the value sealed at %.200s is of version %u, key %u: this program opens "
			"version %d, key %d",
			place, (unsigned)header[0], (unsigned)header[1], FORM_VERSION, FORM_KEY);
	plain = arena_alloc(arena, sealed_len - SEAL_OVERHEAD + 1);
	if (!open_into(plain, key, place, sealed, sealed_len)) {
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

/* ---- the file of the key ---- */

/* A new file is only safe from power loss when its directory is, too. */
static int
sync_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	int fd, result;

	if (directory == NULL)
		return -1;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(directory);
	if (fd < 0)
		return -1;
	result = fsync(fd);
	if (result != 0 && errno == EINVAL)
		result = 0; /* a file system that has no such thing */
	close(fd);
	return result;
}

static int
write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t written = write(fd, bytes, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		bytes += written;
		len -= (size_t)written;
	}
	return 0;
}

enum err_kind
seal_key_create(struct seal_key *key, const char *path, struct err *err)
{
	char hex[HEX_SIZE + 2];
	int fd, failed;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return err_set(err, ERR_CONFLICT, "there is a master key already: %s", path);
	if (fd < 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	if (RAND_priv_bytes(key->bytes, SEAL_KEY_SIZE) != 1)
		die("the system gives no random bytes");
	for (size_t i = 0; i < SEAL_KEY_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned)key->bytes[i]);
	memcpy(hex + HEX_SIZE, "\n", 2);
	failed = write_all(fd, hex, HEX_SIZE + 1) != 0 || fsync(fd) != 0;
	if (close(fd) != 0 || failed || sync_directory_of(path) != 0) {
		err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
		unlink(path);
		failed = 1;
	}
	OPENSSL_cleanse(hex, sizeof(hex));
	return failed ? ERR_IO : ERR_OK;
}

/* The file's text into TEXT, cut at SIZE; its length, or -1 with errno. */
static ssize_t
read_all(int fd, char *text, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t got = read(fd, text + len, size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

/* Exactly the hex of a key, with white space around it? */
static bool
parse_key(struct seal_key *key, char *text, size_t len)
{
	size_t got;

	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL && text[len - 1] != '\0')
		len--;
	if (len != HEX_SIZE)
		return false;
	text[len] = '\0';
	return OPENSSL_hexstr2buf_ex(key->bytes, SEAL_KEY_SIZE, &got, text, '\0') == 1 &&
	       got == SEAL_KEY_SIZE;
}

static enum err_kind
read_key(struct seal_key *key, int fd, const char *path, struct err *err)
{
	char text[FILE_MOST + 1];
	struct stat about;
	ssize_t len = -1;
	enum err_kind kind = ERR_OK;

	if (fstat(fd, &about) != 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	if (!S_ISREG(about.st_mode))
		return err_set(err, ERR_BAD_INPUT, "%s is not a file", path);
	if ((about.st_mode & 077) != 0)
		return err_set(err, ERR_FORBIDDEN,
			"others than its owner may use the master key (mode %03o): chmod 600 %s",
			(unsigned)(about.st_mode & 0777), path);
	len = read_all(fd, text, FILE_MOST);
	if (len < 0)
		kind = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	else if (!parse_key(key, text, (size_t)len))
		kind = err_set(err, ERR_BAD_INPUT, "%s holds no master key (%d hex digits)", path,
			HEX_SIZE);
	OPENSSL_cleanse(text, sizeof(text));
	ERR_clear_error();
	return kind;
}

enum err_kind
seal_key_read(struct seal_key *key, const char *path, struct err *err)
{
	/* O_NONBLOCK: a FIFO in its place must not hold us up before it is refused. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum err_kind kind;

	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "there is no master key at %s", path);
	if (fd < 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	kind = read_key(key, fd, path, err);
	close(fd);
	return kind;
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
