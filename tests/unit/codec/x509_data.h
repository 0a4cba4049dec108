/*
 * x509_data - for the tests of x509: an arena, the files of tests/data/x509 joined and read.
 */
#ifndef POMONA_TESTS_X509_DATA_H
#define POMONA_TESTS_X509_DATA_H

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "codec/x509.h"
#include "codec_data.h"

#define PASSWORD "open sesame"
#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

#define TEST(name) cmocka_unit_test_setup(name, reset)

static struct arena arena; /* of the test that runs */

static inline int
reset(void **state)
{
	(void)state;
	arena_reset(&arena);
	clock_fake(-1);
	return 0;
}

/* A word of a case: the file of that name, or "text:…" itself. */
static inline const char *
part(const char *word, size_t *len)
{
	if (strncmp(word, "text:", 5) == 0) {
		*len = strlen(word + 5);
		return word + 5;
	}
	return data_read(&arena, arena_printf(&arena, "x509/%s", word), len);
}

/* The parts one after the other. */
static inline char *
join(const char *words, size_t *len)
{
	char *joined = arena_alloc(&arena, 65536), *word, *next = arena_strdup(&arena, words);

	*len = 0;
	while ((word = next) != NULL && *word != '\0') {
		size_t part_len;
		const char *bytes;

		next = strchr(word, '|');
		if (next != NULL)
			*next++ = '\0';
		bytes = part(word, &part_len);
		memcpy(joined + *len, bytes, part_len);
		*len += part_len;
	}
	joined[*len] = '\0';
	return joined;
}

static inline int
release(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static inline struct x509_info
inspect(const char *pem)
{
	struct x509_info info;
	struct err err = {0};

	if (x509_inspect(&arena, pem, &info, &err) != ERR_OK)
		fail_msg("%s", err.message);
	assert_int_equal(ERR_peek_error(), 0);
	return info;
}

static inline enum err_kind
read_identity(
	const char *words, const char *password, struct x509_identity *identity, struct err *err)
{
	size_t len;
	char *joined = join(words, &len), *exact = malloc(len == 0 ? 1 : len);
	enum err_kind kind;

	assert_non_null(exact);
	memcpy(exact, joined, len);
	kind = x509_identity_read(&arena, exact, len, password, identity, err);
	free(exact);
	assert_int_equal(ERR_peek_error(), 0);
	if (kind != ERR_OK) {
		assert_null(identity->cert_pem);
		assert_null(identity->key_pem);
		assert_null(strstr(err->message, PASSWORD));
	}
	return kind;
}

static inline X509 *
load_cert(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(cert);
	return cert;
}

#endif
