/*
 * Messages that are encrypted to a certificate: made here with OpenSSL, opened by ours.
 */
#include "codec/cms_envelope.h"

#include "unit.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/pem.h>

#include "codec/x509_ca.h"

static struct arena arena;
static struct x509_identity ours, others;

static int
setup(void **state)
{
	struct err err;

	(void)state;
	arena_init(&arena);
	assert_int_equal(x509_make_recipient(&arena, "Escrow", "Org", 20, &ours, &err), ERR_OK);
	assert_int_equal(x509_make_recipient(&arena, "Other", NULL, 1, &others, &err), ERR_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static X509 *
read_cert(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(cert);
	return cert;
}

/* TEXT encrypted to the certificates (the second may be NULL). */
static unsigned char *
encrypt(const char *text, const char *pem, const char *also, const EVP_CIPHER *cipher, int flags,
	size_t *len)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	BIO *in = BIO_new_mem_buf(text, -1);
	unsigned char *der = NULL, *kept;
	CMS_ContentInfo *cms;
	int der_len;

	sk_X509_push(certs, read_cert(pem));
	if (also != NULL)
		sk_X509_push(certs, read_cert(also));
	cms = CMS_encrypt(certs, in, cipher, (unsigned)(CMS_BINARY | flags));
	assert_non_null(cms);
	der_len = i2d_CMS_ContentInfo(cms, &der);
	assert_true(der_len > 0);
	*len = (size_t)der_len;
	kept = (unsigned char *)arena_memdup(&arena, der, *len);
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	sk_X509_pop_free(certs, X509_free);
	BIO_free(in);
	return kept;
}

enum { MOST = 1000 };

static void
test_opened(void **state)
{
	static const char key[] = "AAAA-BBBB-CCCC-DDDD-EEEE-FFFF";
	const struct {
		const char *pem, *also;
		const EVP_CIPHER *cipher;
		int flags;
	} cases[] = {
		{ours.cert_pem, NULL, EVP_aes_256_cbc(), 0},
		{ours.cert_pem, NULL, EVP_aes_128_cbc(), 0},
		{ours.cert_pem, NULL, EVP_des_ede3_cbc(), 0},
		{ours.cert_pem, NULL, EVP_aes_256_cbc(), CMS_USE_KEYID},
		{others.cert_pem, ours.cert_pem, EVP_aes_256_cbc(), 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		unsigned char *message, *content;
		struct err err;
		size_t len;

		message = encrypt(
			key, cases[i].pem, cases[i].also, cases[i].cipher, cases[i].flags, &len);
		if (cms_envelope_open(&arena, &ours, message, len, MOST, &content, &len, &err) !=
			ERR_OK)
			fail_msg("%zu: %s", i, err.message);
		assert_int_equal(len, sizeof(key) - 1);
		assert_string_equal((char *)content, key);
	}
}

static void
test_refused(void **state)
{
	unsigned char *content, *message, *damaged;
	struct err err;
	size_t len, content_len;

	(void)state;
	message = encrypt("key", others.cert_pem, NULL, EVP_aes_256_cbc(), 0, &len);
	assert_int_equal(
		cms_envelope_open(&arena, &ours, message, len, MOST, &content, &content_len, &err),
		ERR_NOT_FOUND);
	assert_null(content);
	message = encrypt("key", ours.cert_pem, NULL, EVP_aes_256_cbc(), 0, &len);
	assert_int_equal(
		cms_envelope_open(&arena, &ours, message, len, 2, &content, &content_len, &err),
		ERR_BAD_INPUT);
	assert_non_null(strstr(err.message, "too large"));
	/* Cut short anywhere, it is no message. */
	for (size_t cut = 0; cut < len; cut += 7)
		assert_int_equal(cms_envelope_open(&arena, &ours, message, cut, MOST, &content,
					 &content_len, &err),
			ERR_BAD_INPUT);
	/* The last byte is the end of the encrypted content. */
	damaged = (unsigned char *)arena_memdup(&arena, message, len);
	damaged[len - 1] ^= 0xff;
	if (cms_envelope_open(&arena, &ours, damaged, len, MOST, &content, &content_len, &err) ==
		ERR_OK)
		assert_string_not_equal((char *)content, "key");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opened),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
