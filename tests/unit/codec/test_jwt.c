/*
 * JSON Web Tokens: what is signed, by whose key, and which keys will not do.
 */
#include "unit.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "codec/jwt.h"
#include "codec/text.h"

static struct arena arena;
static struct err err;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static const char *
pem_of(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes;
	const char *pem;
	long len;

	assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	len = BIO_get_mem_data(bio, &bytes);
	pem = arena_memdup(&arena, bytes, (size_t)len);
	BIO_free(bio);
	return pem;
}

/* The bytes of a part of the token, which is LEN characters long. */
static unsigned char *
part(const char *token, size_t len, size_t *out_len)
{
	char *text = arena_memdup(&arena, token, len);
	unsigned char *bytes;

	for (char *p = text; *p != '\0'; p++) {
		assert_null(strchr("+/=", *p));
		*p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
	}
	bytes = text_base64_decode(&arena, text, len, out_len);
	assert_non_null(bytes);
	return bytes;
}

static bool
is_signed_by(EVP_PKEY *key, const char *token)
{
	const char *dot = strrchr(token, '.');
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char *signature;
	size_t len;
	bool good;

	signature = part(dot + 1, strlen(dot + 1), &len);
	assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
	good = EVP_DigestVerify(context, signature, len, (const unsigned char *)token,
		       (size_t)(dot - token)) == 1;
	EVP_MD_CTX_free(context);
	return good;
}

static void
test_a_token(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048), *other = EVP_RSA_gen(2048);
	struct plist *claims = plist_dict(&arena);
	const char *pem = pem_of(key), *kept, *token, *dot;
	size_t len;

	(void)state;
	plist_set(&arena, claims, "iss", plist_string(&arena, "\"ü?>~\""));
	plist_set(&arena, claims, "iat", plist_integer(&arena, 1763971200));
	assert_int_equal(jwt_read_key(&arena, pem, strlen(pem), NULL, &kept, &err), ERR_OK);
	assert_int_equal(jwt_sign(&arena, kept, claims, &token, &err), ERR_OK);
	dot = strchr(token, '.');
	assert_string_equal((char *)part(token, (size_t)(dot - token), &len),
		"{\"alg\":\"RS256\",\"typ\":\"JWT\"}");
	assert_string_equal((char *)part(dot + 1, strcspn(dot + 1, "."), &len),
		"{\"iss\":\"\\\"ü?>~\\\"\",\"iat\":1763971200}");
	assert_true(is_signed_by(key, token));
	assert_false(is_signed_by(other, token));
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

static void
assert_refused(const char *pem, const char *why)
{
	const char *kept;

	assert_int_equal(jwt_read_key(&arena, pem, strlen(pem), NULL, &kept, &err), ERR_BAD_INPUT);
	assert_null(kept);
	if (strstr(err.message, why) == NULL)
		fail_msg("%s", err.message);
}

static void
test_keys_that_will_not_do(void **state)
{
	EVP_PKEY *weak = EVP_RSA_gen(1024), *ec = EVP_EC_gen("P-256"), *good = EVP_RSA_gen(2048);

	(void)state;
	assert_refused(pem_of(weak), "1024 bits");
	assert_refused(pem_of(ec), "not an RSA key");
	assert_refused("", "");
	assert_refused(arena_printf(&arena, "%s%s", pem_of(good), pem_of(ec)), "more than one");
	EVP_PKEY_free(weak);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(good);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_token, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys_that_will_not_do, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
