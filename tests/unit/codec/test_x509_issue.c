/*
 * x509: a CA, what it issues, and the PKCS#12 files we write.
 */
#include "unit.h"

#include <pthread.h>
#include <stdbool.h>

#include <openssl/pkcs12.h>

#include "x509_data.h"

static struct x509_identity ca;
static struct x509_issuer *issuer;

static int
make_issuer(void **state)
{
	struct err err = {0};
	static struct arena ca_arena;

	(void)state;
	if (x509_make_ca(&ca_arena, "Pomona tests", "Example", 20, &ca, &err) != ERR_OK ||
		x509_issuer_new(&ca, &issuer, &err) != ERR_OK)
		fail_msg("%s", err.message);
	*state = &ca_arena;
	return 0;
}

static int
free_issuer(void **state)
{
	x509_issuer_free(issuer);
	x509_issuer_free(NULL);
	arena_release(*state);
	arena_release(&arena);
	return 0;
}

static struct x509_identity
issue(const char *common_name, enum x509_key_type key, int days)
{
	struct x509_client client = {.common_name = common_name, .key = key, .days = days};
	struct x509_identity identity;
	struct err err = {0};

	if (x509_issue_client(&arena, issuer, &client, &identity, &err) != ERR_OK)
		fail_msg("%s", err.message);
	assert_int_equal(ERR_peek_error(), 0);
	return identity;
}

static int
verify(X509 *root, X509 *cert)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int result;

	X509_STORE_add_cert(store, root);
	X509_STORE_CTX_init(ctx, store, cert, NULL);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
	X509_verify_cert(ctx);
	result = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return result;
}

static bool
is_critical(const X509 *cert, int nid)
{
	X509_EXTENSION *extension = X509_get_ext(cert, X509_get_ext_by_NID(cert, nid, -1));

	return extension != NULL && X509_EXTENSION_get_critical(extension) == 1;
}

static void
test_the_ca(void **state)
{
	X509 *cert = load_cert(ca.cert_pem);
	struct x509_info info = inspect(ca.cert_pem);

	(void)state;
	assert_string_equal(info.subject, "CN=Pomona tests,O=Example");
	assert_int_equal(strlen(info.serial), 32);
	assert_true(info.serial[0] < '8');
	assert_int_equal(
		info.not_after - info.not_before, (20 * 365 + 5) * INT64_C(86400000) + 3600000);
	assert_true(info.not_before <= clock_now() - 3600000);
	assert_true(info.not_before > clock_now() - 3600000 - 60000);
	assert_int_equal(X509_check_ca(cert), 1);
	assert_int_equal(X509_get_pathlen(cert), 0);
	assert_int_equal(X509_get_key_usage(cert), X509v3_KU_KEY_CERT_SIGN | X509v3_KU_CRL_SIGN |
							   X509v3_KU_DIGITAL_SIGNATURE |
							   X509v3_KU_KEY_ENCIPHERMENT);
	assert_true(is_critical(cert, NID_basic_constraints));
	assert_true(is_critical(cert, NID_key_usage));
	assert_non_null(X509_get0_subject_key_id(cert));
	assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(cert)), 2048);
	assert_int_equal(X509_get_signature_nid(cert), NID_sha256WithRSAEncryption);
	assert_int_equal(X509_verify(cert, X509_get0_pubkey(cert)), 1);
	assert_non_null(strstr(ca.key_pem, "-----BEGIN PRIVATE KEY-----"));
	X509_free(cert);
}

static void
test_a_client_certificate(void **state)
{
	static const struct {
		enum x509_key_type key;
		int base, bits;
		uint32_t usage;
	} cases[] = {
		{X509_KEY_RSA_2048, EVP_PKEY_RSA, 2048,
			X509v3_KU_DIGITAL_SIGNATURE | X509v3_KU_KEY_ENCIPHERMENT},
		{X509_KEY_EC_P256, EVP_PKEY_EC, 256, X509v3_KU_DIGITAL_SIGNATURE},
	};
	X509 *root = load_cert(ca.cert_pem);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct x509_identity identity = issue("Büro 7", cases[i].key, 365), again;
		struct x509_info info = inspect(identity.cert_pem);
		X509 *cert = load_cert(identity.cert_pem);
		struct err err = {0};

		assert_string_equal(info.subject, "CN=Büro 7");
		assert_int_equal(strlen(info.serial), 32);
		assert_true(info.serial[0] < '8');
		assert_int_equal(
			info.not_after - info.not_before, 365 * INT64_C(86400000) + 3600000);
		assert_int_equal(EVP_PKEY_get_base_id(X509_get0_pubkey(cert)), cases[i].base);
		assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(cert)), cases[i].bits);
		assert_int_equal(X509_get_key_usage(cert), cases[i].usage);
		assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_CLIENT);
		assert_true(is_critical(cert, NID_basic_constraints));
		assert_true(is_critical(cert, NID_key_usage));
		assert_int_equal(X509_check_ca(cert), 0);
		assert_non_null(X509_get0_subject_key_id(cert));
		assert_int_equal(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(cert),
					 X509_get0_subject_key_id(root)),
			0);
		assert_int_equal(verify(root, cert), X509_V_OK);
		X509_free(cert);
		/* it is an identity: key and certificate belong together */
		if (read_identity(
			    arena_printf(&arena, "text:%s%s", identity.key_pem, identity.cert_pem),
			    NULL, &again, &err) != ERR_OK)
			fail_msg("%s", err.message);
		assert_string_equal(again.cert_pem, identity.cert_pem);
		assert_string_equal(again.key_pem, identity.key_pem);
	}
	X509_free(root);
}

static void
test_no_two_are_alike(void **state)
{
	struct x509_identity one = issue("one", X509_KEY_EC_P256, 1);
	struct x509_identity two = issue("one", X509_KEY_EC_P256, 1);

	(void)state;
	assert_string_not_equal(inspect(one.cert_pem).serial, inspect(two.cert_pem).serial);
	assert_string_not_equal(one.key_pem, two.key_pem);
}

static void
test_no_certificate_outlives_the_ca(void **state)
{
	struct x509_client client = {"late", X509_KEY_EC_P256, 365};
	int64_t end = inspect(ca.cert_pem).not_after;
	struct x509_identity identity;
	struct x509_info info;
	struct err err = {0};

	(void)state;
	clock_fake(end - 1000);
	info = inspect(issue("late", X509_KEY_EC_P256, 365).cert_pem);
	assert_int_equal(info.not_after, end);
	assert_int_equal(info.not_before, end - 1000 - 3600000);
	clock_fake(end);
	assert_int_equal(x509_issue_client(&arena, issuer, &client, &identity, &err), ERR_CONFLICT);
	assert_string_equal(err.message, "the CA has expired");
}

#define TEN "0123456789"
#define UMLAUTS "ääääääääääääääää" /* 16 characters, 32 bytes */

static void
test_names_and_days(void **state)
{
	static const struct {
		const char *name;
		int days;
		enum err_kind kind;
	} cases[] = {
		{"x", 1, ERR_OK},
		{TEN TEN TEN TEN TEN TEN "0123", X509_DAYS_MOST, ERR_OK},
		{UMLAUTS UMLAUTS UMLAUTS UMLAUTS, 1, ERR_OK},
		{TEN TEN TEN TEN TEN TEN "01234", 1, ERR_BAD_INPUT},
		{UMLAUTS UMLAUTS UMLAUTS UMLAUTS "x", 1, ERR_BAD_INPUT},
		{"", 1, ERR_BAD_INPUT},
		{NULL, 1, ERR_BAD_INPUT},
		{"\xff", 1, ERR_BAD_INPUT},
		{"x", 0, ERR_BAD_INPUT},
		{"x", -1, ERR_BAD_INPUT},
		{"x", X509_DAYS_MOST + 1, ERR_BAD_INPUT},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct x509_client client = {cases[i].name, X509_KEY_EC_P256, cases[i].days};
		struct x509_identity identity;
		struct err err = {0};

		assert_int_equal(
			x509_issue_client(&arena, issuer, &client, &identity, &err), cases[i].kind);
		assert_int_equal(ERR_peek_error(), 0);
		if (cases[i].kind == ERR_OK)
			assert_string_equal(inspect(identity.cert_pem).common_name, cases[i].name);
		else
			assert_string_not_equal(err.message, "");
	}
}

static void
test_a_ca_is_refused(void **state)
{
	static const struct {
		const char *name, *organization;
		int years;
		const char *says;
	} cases[] = {
		{"", "x", 1, "the name of the CA must be 1 to 64 characters in UTF-8"},
		{"x", TEN TEN TEN TEN TEN TEN TEN, 1,
			"the organization must be 1 to 64 characters in UTF-8"},
		{"x", NULL, 0, "a CA is made for 1 to 100 years"},
		{"x", "", 101, "a CA is made for 1 to 100 years"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct x509_identity made;
		struct err err = {0};

		assert_int_equal(x509_make_ca(&arena, cases[i].name, cases[i].organization,
					 cases[i].years, &made, &err),
			ERR_BAD_INPUT);
		assert_string_equal(err.message, cases[i].says);
	}
}

static void
test_what_is_no_ca_does_not_issue(void **state)
{
	struct x509_identity client = issue("client", X509_KEY_EC_P256, 1);
	const struct {
		struct x509_identity identity;
		const char *says;
	} cases[] = {
		{client, "the certificate is not that of a CA"},
		{{ca.cert_pem, client.key_pem},
			"the key of the CA does not belong to its certificate"},
		{{ca.key_pem, ca.key_pem}, "a CA is a certificate and its key"},
		{{ca.cert_pem, ca.cert_pem}, "a CA is a certificate and its key"},
		{{"x", ca.key_pem}, "this is neither PKCS#12 nor PEM"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct x509_issuer *made = issuer;
		struct err err = {0};

		assert_int_equal(x509_issuer_new(&cases[i].identity, &made, &err), ERR_BAD_INPUT);
		assert_null(made);
		assert_string_equal(err.message, cases[i].says);
		assert_int_equal(ERR_peek_error(), 0);
	}
}

enum { THREADS = 4, EACH = 8 };

static void *
issue_some(void *unused)
{
	struct x509_client client = {"thread", X509_KEY_EC_P256, 1};
	struct arena own;
	long failed = 0;

	(void)unused;
	arena_init(&own);
	for (int i = 0; i < EACH; i++) {
		struct x509_identity identity;
		struct x509_info info;

		if (x509_issue_client(&own, issuer, &client, &identity, NULL) != ERR_OK ||
			x509_inspect(&own, identity.cert_pem, &info, NULL) != ERR_OK)
			failed++;
	}
	arena_release(&own);
	return (void *)failed;
}

static void
test_threads_share_an_issuer(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, issue_some, NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

/* ---- writing PKCS#12 ---- */

static void
test_p12_is_written(void **state)
{
	static const char *const words[] = {
		"leaf.key|leaf.pem", "ec.key|ec.pem", "leaf.key|leaf.pem|middle.pem|root.pem"};

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		struct x509_identity identity, again;
		struct err err = {0};
		unsigned char *p12;
		size_t len;

		assert_int_equal(read_identity(words[i], NULL, &identity, &err), ERR_OK);
		if (x509_write_p12(&arena, &identity, "Büro 7", "Öffne dich", &p12, &len, &err) !=
			ERR_OK)
			fail_msg("%s", err.message);
		assert_int_equal(ERR_peek_error(), 0);
		if (x509_identity_read(&arena, p12, len, "Öffne dich", &again, &err) != ERR_OK)
			fail_msg("%s", err.message);
		assert_string_equal(again.cert_pem, identity.cert_pem);
		assert_string_equal(again.key_pem, identity.key_pem);
		assert_int_equal(x509_identity_read(&arena, p12, len, "Offne dich", &again, &err),
			ERR_BAD_INPUT);
	}
}

/* 3DES for key and certificates, and a MAC with SHA-1: what all of Apple's systems take. */
static void
test_p12_is_written_with_ciphers_that_apple_takes(void **state)
{
	struct x509_identity identity = issue("new", X509_KEY_EC_P256, 1);
	const X509_ALGOR *mac;
	const ASN1_INTEGER *rounds;
	const ASN1_OBJECT *algorithm;
	const unsigned char *at;
	static const unsigned char triple_des[] = {
		0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x03};
	unsigned char *p12;
	PKCS12 *parsed;
	size_t len;
	int found = 0;

	(void)state;
	assert_int_equal(
		x509_write_p12(&arena, &identity, NULL, PASSWORD, &p12, &len, NULL), ERR_OK);
	for (size_t i = 0; i + sizeof(triple_des) <= len; i++)
		found += memcmp(p12 + i, triple_des, sizeof(triple_des)) == 0;
	assert_true(found >= 1); /* the key's stands in the safe, enciphered or not */
	at = p12;
	parsed = d2i_PKCS12(NULL, &at, (long)len);
	assert_non_null(parsed);
	PKCS12_get0_mac(NULL, &mac, NULL, &rounds, parsed);
	assert_true(ASN1_INTEGER_get(rounds) >= 10000);
	X509_ALGOR_get0(&algorithm, NULL, NULL, mac);
	assert_int_equal(OBJ_obj2nid(algorithm), NID_sha1);
	PKCS12_free(parsed);
}

static void
test_p12_wants_a_password_and_a_whole_identity(void **state)
{
	struct x509_identity one = issue("one", X509_KEY_EC_P256, 1);
	struct x509_identity two = issue("two", X509_KEY_EC_P256, 1);
	const struct {
		struct x509_identity identity;
		const char *password, *says;
	} cases[] = {
		{one, NULL, "a PKCS#12 file wants a password"},
		{one, "", "a PKCS#12 file wants a password"},
		{{one.cert_pem, two.key_pem}, PASSWORD,
			"there is no certificate in it that belongs to the private key"},
	};
	unsigned char *p12;
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = {0};

		assert_int_equal(x509_write_p12(&arena, &cases[i].identity, "x", cases[i].password,
					 &p12, &len, &err),
			ERR_BAD_INPUT);
		assert_string_equal(err.message, cases[i].says);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_the_ca),
		TEST(test_a_client_certificate),
		TEST(test_no_two_are_alike),
		TEST(test_no_certificate_outlives_the_ca),
		TEST(test_names_and_days),
		TEST(test_a_ca_is_refused),
		TEST(test_what_is_no_ca_does_not_issue),
		TEST(test_threads_share_an_issuer),
		TEST(test_p12_is_written),
		TEST(test_p12_is_written_with_ciphers_that_apple_takes),
		TEST(test_p12_wants_a_password_and_a_whole_identity),
	};

	return cmocka_run_group_tests(tests, make_issuer, free_issuer);
}
