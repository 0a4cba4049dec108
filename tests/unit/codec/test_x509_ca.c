/*
 * x509_ca: CAs of either key, registration authorities, CRLs, and CAs from elsewhere.
 */
#include "unit.h"

#include <stdbool.h>

#include "codec/x509_ca.h"
#include "x509_data.h"

static struct x509_identity
make(const char *name, enum x509_key_type key)
{
	const struct x509_ca_plan plan = {.common_name = name, .key = key, .years = 10};
	struct x509_identity ca;
	struct err err = {0};

	if (x509_make_ca_of(&arena, &plan, &ca, &err) != ERR_OK)
		fail_msg("%s", err.message);
	return ca;
}

static struct x509_issuer *
issuer_of(const struct x509_identity *ca)
{
	struct x509_issuer *issuer;
	struct err err = {0};

	if (x509_issuer_new(ca, &issuer, &err) != ERR_OK)
		fail_msg("%s", err.message);
	return issuer;
}

static void
test_an_ec_ca(void **state)
{
	struct x509_identity ca = make("EC", X509_KEY_EC_P256), ra;
	struct x509_issuer *issuer = issuer_of(&ca);
	X509 *cert = load_cert(ca.cert_pem), *helper;
	struct x509_ca_facts facts;
	struct err err = {0};

	(void)state;
	assert_int_equal(EVP_PKEY_get_base_id(X509_get0_pubkey(cert)), EVP_PKEY_EC);
	assert_string_equal(x509_issuer_hash(issuer), inspect(ca.cert_pem).sha256);
	assert_int_equal(x509_make_ra(&arena, issuer, "helper", &ra, &err), ERR_OK);
	helper = load_cert(ra.cert_pem);
	assert_int_equal(X509_verify(helper, X509_get0_pubkey(cert)), 1);
	assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(helper)), 2048);
	assert_int_equal(X509_check_ca(helper), 0);
	assert_int_equal(X509_get_key_usage(helper),
		X509v3_KU_DIGITAL_SIGNATURE | X509v3_KU_KEY_ENCIPHERMENT);
	assert_int_equal(inspect(ra.cert_pem).not_after, inspect(ca.cert_pem).not_after);
	assert_int_equal(x509_check_ca(&arena, &ca, &facts, &err), ERR_OK);
	assert_false(facts.is_rsa);
	assert_null(facts.chain_pem);
	assert_string_equal(facts.cert_pem, ca.cert_pem);
	assert_int_equal(facts.not_after, inspect(ca.cert_pem).not_after);
	X509_free(helper);
	X509_free(cert);
	x509_issuer_free(issuer);
}

static X509_CRL *
load_crl(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(crl);
	return crl;
}

static void
test_a_crl(void **state)
{
	static const struct {
		enum x509_key_type key;
	} cases[] = {{X509_KEY_RSA_2048}, {X509_KEY_EC_P256}};
	const struct x509_revoked revoked[] = {
		{"7F00", INT64_C(1700000000000), "keyCompromise"},
		{"4011223344556677", INT64_C(1700000001000), NULL},
		{"01", INT64_C(1700000002000), "of no known kind"},
	};
	const struct x509_crl_plan plan = {
		.revoked = revoked, .count = COUNT(revoked), .number = 77, .days = 7};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct x509_identity ca = make("A", cases[i].key);
		struct x509_issuer *issuer = issuer_of(&ca);
		X509 *cert = load_cert(ca.cert_pem);
		ASN1_INTEGER *number;
		struct err err = {0};
		X509_REVOKED *entry;
		const char *pem;
		X509_CRL *crl;

		if (x509_write_crl(&arena, issuer, &plan, &pem, &err) != ERR_OK)
			fail_msg("%s", err.message);
		crl = load_crl(pem);
		assert_int_equal(X509_CRL_verify(crl, X509_get0_pubkey(cert)), 1);
		assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 3);
		number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
		assert_int_equal(ASN1_INTEGER_get(number), 77);
		ASN1_INTEGER_free(number);
		assert_true(X509_CRL_get_ext_by_NID(crl, NID_authority_key_identifier, -1) >= 0);
		number = ASN1_INTEGER_new();
		ASN1_INTEGER_set(number, 0x7f00);
		assert_int_equal(X509_CRL_get0_by_serial(crl, &entry, number), 1);
		assert_int_equal(X509_REVOKED_get_ext_count(entry), 1);
		ASN1_INTEGER_set(number, 1);
		assert_int_equal(X509_CRL_get0_by_serial(crl, &entry, number), 1);
		assert_int_equal(X509_REVOKED_get_ext_count(entry), 0);
		ASN1_INTEGER_set(number, 2);
		assert_int_equal(X509_CRL_get0_by_serial(crl, &entry, number), 0);
		ASN1_INTEGER_free(number);
		X509_CRL_free(crl);
		X509_free(cert);
		x509_issuer_free(issuer);
	}
}

/* CRLs from elsewhere: whose are they? */
static void
test_crls_of_a_chain(void **state)
{
	struct x509_identity one = make("One", X509_KEY_EC_P256);
	struct x509_identity two = make("Two", X509_KEY_EC_P256);
	struct x509_identity same_name = make("One", X509_KEY_EC_P256);
	struct x509_issuer *first = issuer_of(&one), *second = issuer_of(&two);
	struct x509_issuer *imitator = issuer_of(&same_name);
	const struct x509_crl_plan plan = {.number = 1, .days = 7};
	const char *chain = arena_printf(&arena, "%s%s", one.cert_pem, two.cert_pem);
	const char *crl_one, *crl_two, *crl_other, *both, *pem;
	struct err err = {0};
	bool every;

	(void)state;
	x509_write_crl(&arena, first, &plan, &crl_one, &err);
	x509_write_crl(&arena, second, &plan, &crl_two, &err);
	x509_write_crl(&arena, imitator, &plan, &crl_other, &err);
	both = arena_printf(&arena, "# a remark\n%s%s", crl_two, crl_one);
	assert_int_equal(
		x509_check_crls(&arena, chain, both, strlen(both), &pem, &every, &err), ERR_OK);
	assert_true(every);
	assert_string_equal(pem, arena_printf(&arena, "%s%s", crl_two, crl_one));
	assert_int_equal(
		x509_check_crls(&arena, chain, crl_one, strlen(crl_one), &pem, &every, &err),
		ERR_OK);
	assert_false(every);
	assert_int_equal(
		x509_check_crls(&arena, chain, crl_other, strlen(crl_other), &pem, &every, &err),
		ERR_BAD_INPUT);
	assert_non_null(strstr(err.message, "none of the CAs"));
	assert_int_equal(x509_check_crls(&arena, chain, chain, strlen(chain), &pem, &every, &err),
		ERR_BAD_INPUT);
	assert_null(pem);
	assert_int_equal(x509_check_crls(&arena, chain, "", 0, &pem, &every, &err), ERR_BAD_INPUT);
	x509_issuer_free(first);
	x509_issuer_free(second);
	x509_issuer_free(imitator);
}

static void
test_what_is_no_ca(void **state)
{
	struct x509_identity ca = make("A", X509_KEY_EC_P256), other = make("B", X509_KEY_EC_P256);
	struct x509_issuer *issuer = issuer_of(&ca);
	const struct x509_client client = {
		.common_name = "client", .key = X509_KEY_EC_P256, .days = 1};
	struct x509_ca_facts facts;
	struct x509_identity leaf;
	struct err err = {0};

	(void)state;
	assert_int_equal(x509_issue_client(&arena, issuer, &client, &leaf, &err), ERR_OK);
	assert_int_equal(x509_check_ca(&arena, &leaf, &facts, &err), ERR_BAD_INPUT);
	assert_non_null(strstr(err.message, "not that of a CA"));
	other.cert_pem = arena_printf(&arena, "%s%s", ca.cert_pem, other.cert_pem);
	other.key_pem = ca.key_pem;
	assert_int_equal(x509_check_ca(&arena, &other, &facts, &err), ERR_BAD_INPUT);
	assert_non_null(strstr(err.message, "neither the CA"));
	clock_fake(inspect(ca.cert_pem).not_after + 1000);
	assert_int_equal(x509_check_ca(&arena, &ca, &facts, &err), ERR_BAD_INPUT);
	assert_non_null(strstr(err.message, "expired"));
	x509_issuer_free(issuer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_ec_ca),
		TEST(test_a_crl),
		TEST(test_crls_of_a_chain),
		TEST(test_what_is_no_ca),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
