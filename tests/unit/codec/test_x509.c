/*
 * x509: certificates, their form and the facts of them.  The files come from the openssl command
 * (tests/data/x509/make.sh); what is odd is made here.
 */
#include "unit.h"

#include "x509_data.h"

#define TOPIC "com.apple.mgmt.External.6b1c1d4e-2f0a-4c53-9d7e-0a4f7e6b9c21"

/* ---- PEM, DER, hash ---- */

static void
test_hash_is_sha256(void **state)
{
	static const struct {
		const char *text, *hash;
	} cases[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	};
	char hash[X509_HASH_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		x509_hash(cases[i].text, strlen(cases[i].text), hash);
		assert_string_equal(hash, cases[i].hash);
	}
}

/* Every byte FROM of TEXT becomes the string TO. */
static char *
replace(const char *text, char from, const char *to)
{
	char *out = arena_alloc(&arena, strlen(text) * (strlen(to) + 1) + 1), *at = out;

	for (; *text != '\0'; text++)
		if (*text == from) {
			memcpy(at, to, strlen(to));
			at += strlen(to);
		} else
			*at++ = *text;
	*at = '\0';
	return out;
}

static void
assert_is_leaf(const char *pem, size_t len)
{
	size_t der_len, wanted_len;
	const char *wanted = part("leaf.cer", &wanted_len);
	unsigned char *der = x509_pem_to_der(&arena, pem, len, &der_len);

	assert_non_null(der);
	assert_int_equal(der_len, wanted_len);
	assert_memory_equal(der, wanted, wanted_len);
}

static void
test_pem_becomes_der(void **state)
{
	size_t len;
	const char *pem = join("leaf.pem", &len);
	char *spaced;

	(void)state;
	assert_is_leaf(pem, len);
	spaced = replace(pem, '\n', "\r\n");
	assert_is_leaf(spaced, strlen(spaced));
	spaced = replace(pem, '\n', "\n\t"); /* nginx's $ssl_client_cert */
	assert_is_leaf(spaced, strlen(spaced));
	spaced = replace(pem, '\n', "");
	assert_is_leaf(spaced, strlen(spaced));
	spaced = replace(pem, '\n', " ");
	assert_is_leaf(spaced, strlen(spaced));
	spaced = replace(pem, 'M', " \v\fM\n");
	assert_null(x509_pem_to_der(&arena, spaced, 0, &len));
	assert_is_leaf(spaced, strlen(spaced));
	pem = join("text:Bag Attributes\n-----BEGIN|leaf.key|leaf.pem|root.pem", &len);
	assert_is_leaf(pem, len);
}

static void
test_base64_between_the_marks(void **state)
{
	static const struct {
		const char *pem, *der; /* NULL: refused */
	} cases[] = {
		{BEGIN "YWJj" END, "abc"},
		{BEGIN "YWI=" END, "ab"},
		{BEGIN "YQ==" END, "a"},
		{BEGIN " Y\nW J j \t" END, "abc"},
		{BEGIN "YWJj" END BEGIN "YWI=" END, "abc"},
		{"", NULL},
		{BEGIN, NULL},
		{END, NULL},
		{BEGIN END, NULL},
		{BEGIN "\n" END, NULL},
		{BEGIN "YWJj", NULL},
		{BEGIN "YWJj-----END CERTIFICATE----", NULL},
		{END "YWJj" BEGIN, NULL},
		{BEGIN "YWJ" END, NULL},
		{BEGIN "YWJjY" END, NULL},
		{BEGIN "Y===" END, NULL},
		{BEGIN "====" END, NULL},
		{BEGIN "YW=j" END, NULL},
		{BEGIN "YQ==YWJj" END, NULL},
		{BEGIN "YW!j" END, NULL},
		{BEGIN "YW-j" END, NULL},
		{BEGIN "YW\x80j" END, NULL},
		{"-----BEGIN PRIVATE KEY-----YWJj-----END PRIVATE KEY-----", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t len = strlen(cases[i].pem), der_len;
		char *exact = malloc(len == 0 ? 1 : len); /* no NUL behind it */
		unsigned char *der;

		assert_non_null(exact);
		memcpy(exact, cases[i].pem, len);
		der = x509_pem_to_der(&arena, exact, len, &der_len);
		free(exact);
		if (cases[i].der == NULL) {
			assert_null(der);
			continue;
		}
		assert_non_null(der);
		assert_int_equal(der_len, strlen(cases[i].der));
		assert_memory_equal(der, cases[i].der, der_len);
	}
}

/* ---- facts ---- */

static void
test_facts_of_a_push_certificate(void **state)
{
	struct x509_info info;
	const char *facts;
	size_t len;

	(void)state;
	info = inspect(join("leaf.pem", &len));
	facts = part("leaf.facts", &len);
	assert_string_equal(info.user_id, TOPIC);
	assert_string_equal(info.common_name, "APSP:6b1c1d4e");
	assert_string_equal(info.subject, "C=US,CN=APSP:6b1c1d4e,UID=" TOPIC);
	assert_string_equal(arena_printf(&arena, "%s\n%s\n", info.sha256, info.serial), facts);
	assert_int_equal(info.not_after - info.not_before, 36500 * INT64_C(86400000));
	assert_true(info.not_before > INT64_C(1600000000000));
}

static void
test_facts_in_other_letters(void **state)
{
	struct x509_info info;
	size_t len;

	(void)state;
	info = inspect(join("ec.pem", &len));
	assert_null(info.user_id);
	assert_string_equal(info.common_name, "Büro \"Süd\", 2. Stock");
	assert_string_equal(info.subject, "CN=Büro \\\"Süd\\\"\\, 2. Stock,O=Pomona tests");
}

/* A certificate with just these, as PEM. */
static const char *
make_odd(const char *user_id, int user_id_len, const char *from, const char *to, long serial)
{
	X509 *cert = X509_new();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_NAME *name = X509_get_subject_name(cert);
	BIO *bio = BIO_new(BIO_s_mem());
	const char *pem;
	char *bytes;
	long len;

	if (user_id != NULL)
		X509_NAME_add_entry_by_NID(name, NID_userId, MBSTRING_UTF8,
			(const unsigned char *)user_id, user_id_len, -1, 0);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
	assert_int_equal(ASN1_TIME_set_string(X509_getm_notBefore(cert), from), 1);
	assert_int_equal(ASN1_TIME_set_string(X509_getm_notAfter(cert), to), 1);
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(bio, cert), 1);
	len = BIO_get_mem_data(bio, &bytes);
	pem = arena_memdup(&arena, bytes, (size_t)len);
	BIO_free(bio);
	EVP_PKEY_free(key);
	X509_free(cert);
	return pem;
}

static void
test_facts_that_are_odd(void **state)
{
	static const struct {
		const char *from, *to;
		int64_t not_before, not_after;
	} times[] = {
		{"700101000000Z", "700101000001Z", 0, 1000},
		{"500101000000Z", "491231235959Z", INT64_C(-631152000000), INT64_C(2524607999000)},
		{"20240229120000Z", "99991231235959Z", INT64_C(1709208000000),
			INT64_C(253402300799000)},
	};
	struct x509_info info;

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		info = inspect(make_odd(NULL, 0, times[i].from, times[i].to, 1));
		assert_int_equal(info.not_before, times[i].not_before);
		assert_int_equal(info.not_after, times[i].not_after);
		assert_string_equal(info.subject, "");
		assert_null(info.common_name);
		assert_null(info.user_id);
	}
	assert_string_equal(info.serial, "01");
	info = inspect(make_odd("com.apple.mgmt\0.evil", 20, "700101000000Z", "710101000000Z", 0));
	assert_null(info.user_id);
	assert_string_equal(info.serial, "0");
	info = inspect(make_odd("x", 1, "700101000000Z", "710101000000Z", 0xabcde));
	assert_string_equal(info.user_id, "x");
	assert_string_equal(info.serial, "0ABCDE");
}

static void
test_what_is_no_certificate_has_no_facts(void **state)
{
	static const struct {
		const char *parts, *says;
	} cases[] = {
		{"", "no certificate"},
		{"text:hello", "no certificate"},
		{"leaf.key", "no certificate"},
		{"text:" BEGIN "YWJj" END, "damaged"},
		{"text:" BEGIN "MAA=" END, "damaged"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct x509_info info;
		struct err err = {0};
		size_t len;

		assert_int_equal(x509_inspect(&arena, join(cases[i].parts, &len), &info, &err),
			ERR_BAD_INPUT);
		assert_non_null(strstr(err.message, cases[i].says));
		assert_int_equal(ERR_peek_error(), 0);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_hash_is_sha256),
		TEST(test_pem_becomes_der),
		TEST(test_base64_between_the_marks),
		TEST(test_facts_of_a_push_certificate),
		TEST(test_facts_in_other_letters),
		TEST(test_facts_that_are_odd),
		TEST(test_what_is_no_certificate_has_no_facts),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
