/*
 * x509_issue_csr: a certificate for the key in a PKCS#10, and which ones are refused.
 */
#include "unit.h"

#include <stdbool.h>

#include <openssl/rsa.h>

#include "x509_data.h"

static struct x509_identity ca;
static struct x509_issuer *issuer;

static int
make_issuer(void **state)
{
	static struct arena ca_arena;
	struct err err = {0};

	if (x509_make_ca(&ca_arena, "Pomona tests", NULL, 20, &ca, &err) != ERR_OK ||
		x509_issuer_new(&ca, &issuer, &err) != ERR_OK)
		fail_msg("%s", err.message);
	*state = &ca_arena;
	return 0;
}

static int
free_issuer(void **state)
{
	x509_issuer_free(issuer);
	arena_release(*state);
	arena_release(&arena);
	return 0;
}

struct der {
	unsigned char *bytes;
	int len;
};

/* A CSR of SIGNER about the key KEY. */
static struct der
make_csr(EVP_PKEY *key, EVP_PKEY *signer, const EVP_MD *digest)
{
	X509_REQ *req = X509_REQ_new();
	struct der der = {0};

	X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_ASC,
		(const unsigned char *)"who I say I am", -1, -1, 0);
	X509_REQ_set_pubkey(req, key);
	X509_REQ_add1_attr_by_NID(req, NID_pkcs9_challengePassword, MBSTRING_ASC,
		(const unsigned char *)"secret", -1);
	X509_REQ_add1_attr_by_NID(req, NID_pkcs9_unstructuredName, MBSTRING_ASC,
		(const unsigned char *)"a rather long name, to be sorted last", -1);
	assert_true(X509_REQ_sign(req, signer, digest) > 0);
	der.len = i2d_X509_REQ(req, &der.bytes);
	assert_true(der.len > 0);
	X509_REQ_free(req);
	return der;
}

static enum err_kind
issue(struct der csr, const char *name, int days, X509 **cert, struct err *err)
{
	const struct x509_request request = {
		.csr = csr.bytes, .csr_len = (size_t)csr.len, .common_name = name, .days = days};
	unsigned char *der;
	const unsigned char *at;
	size_t len;
	enum err_kind kind = x509_issue_csr(&arena, issuer, &request, &der, &len, err);

	assert_int_equal(ERR_peek_error(), 0);
	*cert = NULL;
	if (kind != ERR_OK) {
		assert_null(der);
		return kind;
	}
	at = der;
	*cert = d2i_X509(NULL, &at, (long)len);
	assert_non_null(*cert);
	return kind;
}

static void
test_good_keys(void **state)
{
	static const struct {
		const char *type, *group;
		size_t bits;
		uint32_t usage;
	} cases[] = {
		{"RSA", NULL, 2048, X509v3_KU_DIGITAL_SIGNATURE | X509v3_KU_KEY_ENCIPHERMENT},
		{"EC", "P-256", 0, X509v3_KU_DIGITAL_SIGNATURE},
		{"EC", "P-384", 0, X509v3_KU_DIGITAL_SIGNATURE},
	};
	X509 *root = load_cert(ca.cert_pem), *cert;
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		EVP_PKEY *key =
			cases[i].group == NULL
				? EVP_PKEY_Q_keygen(NULL, NULL, cases[i].type, cases[i].bits)
				: EVP_PKEY_Q_keygen(NULL, NULL, cases[i].type, cases[i].group);
		struct der csr = make_csr(key, key, EVP_sha256());
		char name[64];

		if (issue(csr, "iPad 7", 30, &cert, &err) != ERR_OK)
			fail_msg("%s", err.message);
		assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(cert), key), 1);
		assert_int_equal(X509_verify(cert, X509_get0_pubkey(root)), 1);
		assert_int_equal(X509_get_key_usage(cert), cases[i].usage);
		assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_CLIENT);
		X509_NAME_oneline(X509_get_subject_name(cert), name, sizeof(name));
		assert_string_equal(name, "/CN=iPad 7");
		X509_free(cert);
		OPENSSL_free(csr.bytes);
		EVP_PKEY_free(key);
	}
	X509_free(root);
}

static void
test_refused_keys(void **state)
{
	static const struct {
		const char *type, *group;
		size_t bits;
		const char *reason;
	} cases[] = {
		{"RSA", NULL, 1024, "2048"},
		{"EC", "P-521", 0, "P-256"},
		{"EC", "secp256k1", 0, "P-256"},
		{"ED25519", NULL, 0, "neither"},
	};
	struct err err = {0};
	X509 *cert;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		EVP_PKEY *key =
			cases[i].group != NULL
				? EVP_PKEY_Q_keygen(NULL, NULL, cases[i].type, cases[i].group)
			: cases[i].bits != 0
				? EVP_PKEY_Q_keygen(NULL, NULL, cases[i].type, cases[i].bits)
				: EVP_PKEY_Q_keygen(NULL, NULL, cases[i].type);
		struct der csr = make_csr(key, key,
			cases[i].bits == 0 && cases[i].group == NULL ? NULL : EVP_sha256());

		assert_int_equal(issue(csr, "x", 1, &cert, &err), ERR_BAD_INPUT);
		if (strstr(err.message, cases[i].reason) == NULL)
			fail_msg("%s: %s", cases[i].type, err.message);
		OPENSSL_free(csr.bytes);
		EVP_PKEY_free(key);
	}
}

/* Where NEEDLE begins in the bytes. */
static unsigned char *
find(struct der der, const char *needle, size_t len)
{
	for (int i = 0; i + (int)len <= der.len; i++)
		if (memcmp(der.bytes + i, needle, len) == 0)
			return der.bytes + i;
	fail_msg("not found");
	return NULL;
}

static void
rotate(unsigned char *bytes, size_t first, size_t second)
{
	unsigned char copy[256];

	memcpy(copy, bytes, first);
	memmove(bytes, bytes + first, second);
	memcpy(bytes + second, copy, first);
}

/* The attributes of a SET in an order that DER does not have, signed as they are. */
static void
test_unsorted_attributes(void **state)
{
	static const char challenge[] = "\x30\x15\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07";
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	struct der csr = make_csr(key, key, EVP_sha256());
	unsigned char *first = find(csr, challenge, sizeof(challenge) - 1);
	size_t first_len = 2u + first[1], second_len = 2u + first[first_len + 1], size = 256;
	EVP_MD_CTX *signing = EVP_MD_CTX_new();
	struct err err = {0};
	X509 *cert;

	(void)state;
	rotate(first, first_len, second_len);
	/* the signature over what is between the outer header and the algorithm */
	assert_int_equal(EVP_DigestSignInit(signing, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(signing, csr.bytes + csr.len - 256, &size, csr.bytes + 4,
				 (size_t)(first + first_len + second_len - csr.bytes - 4)),
		1);
	if (issue(csr, "odd", 30, &cert, &err) != ERR_OK)
		fail_msg("%s", err.message);
	X509_free(cert);
	EVP_MD_CTX_free(signing);
	OPENSSL_free(csr.bytes);
	EVP_PKEY_free(key);
}

static void
test_refused_requests(void **state)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	EVP_PKEY *other = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	struct der good = make_csr(key, key, EVP_sha256());
	struct der foreign = make_csr(key, other, EVP_sha256());
	char long_name[66] = {0};
	const struct {
		struct der csr;
		const char *name;
		int days;
		const char *reason;
	} cases[] = {
		{foreign, "x", 1, "own key"},
		{{good.bytes, good.len - 1}, "x", 1, "damaged"},
		{{good.bytes, 0}, "x", 1, "damaged"},
		{{(unsigned char *)"0\x03\x02\x01\x00more", 9}, "x", 1, "damaged"},
		{good, "", 1, "characters"},
		{good, long_name, 1, "characters"},
		{good, "x", 0, "days"},
		{good, "x", X509_DAYS_MOST + 1, "days"},
	};
	struct err err = {0};
	X509 *cert;

	(void)state;
	memset(long_name, 'n', sizeof(long_name) - 1);
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(issue(cases[i].csr, cases[i].name, cases[i].days, &cert, &err),
			ERR_BAD_INPUT);
		if (strstr(err.message, cases[i].reason) == NULL)
			fail_msg("%zu: %s", i, err.message);
	}
	find(good, "who", 3)[0] = 'W';
	assert_int_equal(issue(good, "x", 1, &cert, &err), ERR_BAD_INPUT);
	OPENSSL_free(good.bytes);
	OPENSSL_free(foreign.bytes);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_keys),
		cmocka_unit_test(test_refused_keys),
		cmocka_unit_test(test_unsorted_attributes),
		cmocka_unit_test(test_refused_requests),
	};

	return cmocka_run_group_tests(tests, make_issuer, free_issuer);
}
