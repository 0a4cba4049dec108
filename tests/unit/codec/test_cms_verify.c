/*
 * cms_verify, x509_chain: signatures and chains, made with the openssl command
 * (tests/data/x509/make.sh).
 */
#include "unit.h"

#include <openssl/err.h>

#include "base/clock.h"
#include "codec/cms.h"
#include "codec/x509_chain.h"
#include "codec_data.h"

#define PROFILE "x509/profile.mobileconfig"
#define YEAR_2200 INT64_C(7258118400000)

static struct arena arena;

static int
reset(void **state)
{
	(void)state;
	arena_reset(&arena);
	clock_fake(-1);
	return 0;
}

static int
release(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

/* Of two files; SECOND may be NULL. */
static struct x509_trust *
trust_of(const char *first, const char *second)
{
	struct x509_trust *trust;
	struct err err = {0};
	size_t len;
	const char *pem = arena_printf(&arena, "%s%s", data_read(&arena, first, &len),
		second == NULL ? "" : data_read(&arena, second, &len));

	if (x509_trust_new(pem, &trust, &err) != ERR_OK)
		fail_msg("%s", err.message);
	return trust;
}

static void
test_trust_is_made_of_certificates(void **state)
{
	static const char *const texts[] = {"", "no PEM", "-----BEGIN CERTIFICATE-----\nMA==\n"};
	struct x509_trust *trust;
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_int_equal(x509_trust_new(texts[i], &trust, &err), ERR_BAD_INPUT);
		assert_null(trust);
		assert_int_equal(ERR_peek_error(), 0);
	}
	x509_trust_free(NULL);
}

static void
test_chains(void **state)
{
	static const struct {
		const char *first, *second; /* what is believed */
		int64_t now;                /* -1: the clock's */
		const char *says;           /* NULL: it is one of ours */
	} cases[] = {
		{"x509/middle.pem", NULL, -1, NULL},
		{"x509/root.pem", "x509/middle.pem", -1, NULL},
		{"x509/root.pem", NULL, -1, "unable to get local issuer"},
		{"x509/ec.pem", NULL, -1, "unable to get local issuer"},
		{"x509/middle.pem", NULL, YEAR_2200, "expired"},
		{"x509/middle.pem", NULL, 0, "not yet valid"},
	};
	size_t len;
	const char *leaf = data_read(&arena, "x509/leaf.cer", &len);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct x509_trust *trust = trust_of(cases[i].first, cases[i].second);
		struct err err = {0};
		enum err_kind kind;

		clock_fake(cases[i].now);
		kind = x509_verify_chain(trust, leaf, len, &err);
		assert_int_equal(ERR_peek_error(), 0);
		assert_int_equal(kind, cases[i].says == NULL ? ERR_OK : ERR_FORBIDDEN);
		if (cases[i].says != NULL && strstr(err.message, cases[i].says) == NULL)
			fail_msg("case %zu: %s", i, err.message);
		x509_trust_free(trust);
	}
}

/* Each byte less, more or changed. */
static void
test_what_is_not_quite_the_certificate(void **state)
{
	struct x509_trust *trust = trust_of("x509/middle.pem", NULL);
	size_t len;
	char *leaf = data_read(&arena, "x509/leaf.cer", &len);

	(void)state;
	assert_int_equal(x509_verify_chain(trust, leaf, len + 1, NULL), ERR_FORBIDDEN);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(x509_verify_chain(trust, leaf, cut, NULL), ERR_FORBIDDEN);
	for (size_t at = 0; at < len; at++) {
		leaf[at] ^= 0x20;
		assert_int_equal(x509_verify_chain(trust, leaf, len, NULL), ERR_FORBIDDEN);
		leaf[at] ^= 0x20;
	}
	assert_int_equal(x509_verify_chain(trust, leaf, len, NULL), ERR_OK);
	x509_trust_free(trust);
}

static struct cms_detached
detached_of(const struct x509_trust *trust, const char *signature, const char *body)
{
	struct cms_detached detached = {.trust = trust};

	detached.signature = data_read(&arena, signature, &detached.signature_len);
	detached.body = *body == '\0' ? "" : data_read(&arena, body, &detached.body_len);
	return detached;
}

static void
test_signatures(void **state)
{
	static const struct {
		const char *signature, *body, *trust;
		const char *says; /* NULL: it is good */
	} cases[] = {
		{"x509/detached.der", PROFILE, "x509/middle.pem", NULL},
		{"x509/signed.der", PROFILE, "x509/middle.pem", NULL},
		{"x509/signed.ber", PROFILE, "x509/middle.pem", NULL},
		{"x509/empty.der", "", "x509/middle.pem", NULL},
		{"x509/detached.der", PROFILE, "x509/root.pem", "unable to get local issuer"},
		{"x509/detached.der", "x509/root.pem", "x509/middle.pem", "not one of this"},
		{"x509/detached.der", "", "x509/middle.pem", "not one of this"},
		{"x509/signed.der", "x509/root.pem", "x509/middle.pem", "another content"},
		{"x509/signed.ber", "", "x509/middle.pem", "another content"},
		{"x509/empty.der", PROFILE, "x509/middle.pem", "another content"},
		{"x509/enveloped.der", PROFILE, "x509/middle.pem", "another kind"},
		{"x509/leaf.cer", PROFILE, "x509/middle.pem", "cannot be read"},
		{PROFILE, PROFILE, "x509/middle.pem", "cannot be read"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct x509_trust *trust = trust_of(cases[i].trust, NULL);
		struct cms_detached detached =
			detached_of(trust, cases[i].signature, cases[i].body);
		struct cms_signer signer;
		struct err err = {0};
		enum err_kind kind = cms_verify_detached(&detached, &signer, &err);
		size_t len;
		const char *facts = data_read(&arena, "x509/leaf.facts", &len);

		assert_int_equal(ERR_peek_error(), 0);
		if (kind != (cases[i].says == NULL ? ERR_OK : ERR_FORBIDDEN) ||
			(kind != ERR_OK && strstr(err.message, cases[i].says) == NULL))
			fail_msg("case %zu: %s", i, err.message);
		if (kind == ERR_OK)
			assert_memory_equal(signer.certificate, facts, X509_HASH_SIZE - 1);
		else
			assert_string_equal(signer.certificate, "");
		assert_false(signer.sha1);
		x509_trust_free(trust);
	}
}

/* The claim is known without a body, and no signer that would not be taken is. */
static void
test_claims(void **state)
{
	struct x509_trust *good = trust_of("x509/middle.pem", NULL);
	struct x509_trust *other = trust_of("x509/root.pem", NULL);
	struct cms_detached detached = detached_of(good, "x509/detached.der", "");
	struct cms_signer signer;

	(void)state;
	detached.body = NULL;
	assert_int_equal(cms_claimed_signer(&detached, &signer, NULL), ERR_OK);
	assert_int_equal(strlen(signer.certificate), X509_HASH_SIZE - 1);
	detached.trust = other;
	assert_int_equal(cms_claimed_signer(&detached, &signer, NULL), ERR_FORBIDDEN);
	assert_string_equal(signer.certificate, "");
	x509_trust_free(other);
	x509_trust_free(good);
}

/* Cut anywhere, or with any byte changed that matters, it is refused, and nothing is read beyond
 * its end. */
static void
test_what_is_cut_short_is_refused(void **state)
{
	struct x509_trust *trust = trust_of("x509/middle.pem", NULL);
	struct cms_detached detached = detached_of(trust, "x509/detached.der", PROFILE);
	const char *whole = detached.signature;
	size_t len = detached.signature_len;
	struct cms_signer signer;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		char *bytes = malloc(cut == 0 ? 1 : cut);

		assert_non_null(bytes);
		memcpy(bytes, whole, cut);
		detached.signature = bytes;
		detached.signature_len = cut;
		assert_int_equal(cms_verify_detached(&detached, &signer, NULL), ERR_FORBIDDEN);
		free(bytes);
	}
	x509_trust_free(trust);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_trust_is_made_of_certificates, reset),
		cmocka_unit_test_setup(test_chains, reset),
		cmocka_unit_test_setup(test_what_is_not_quite_the_certificate, reset),
		cmocka_unit_test_setup(test_signatures, reset),
		cmocka_unit_test_setup(test_claims, reset),
		cmocka_unit_test_setup(test_what_is_cut_short_is_refused, reset),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
