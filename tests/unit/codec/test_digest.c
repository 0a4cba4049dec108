/*
 * HTTP digests: the example of RFC 2617, Apple's form, and what is no digest.
 */
#include "codec/digest.h"

#include "unit.h"

static struct arena arena;

static void
test_challenge(void **state)
{
	(void)state;
	assert_string_equal(digest_challenge(&arena, "fusion.home", "8BrAkk4G"),
		"Digest nonce=\"8BrAkk4G\",realm=\"fusion.home\"");
}

/* Secrets and digests computed by another implementation. */
static void
test_good_and_bad(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		/* PUT, POST, GET, AUTHENTICATE */
		{"Digest username=\"net1\",realm=\"fusion.home\",nonce=\"n0nce\", uri=\"/\","
		 "response=\"acef1f23f344674b617c5e77bc9728f7\"",
			true},
		{"Digest username=\"net1\",realm=\"fusion.home\",nonce=\"n0nce\", uri=\"/\","
		 "response=\"7f27f910a0c31d997817744f8ec67e7b\"",
			true},
		{"digest USERNAME=net1, realm=fusion.home ,nonce = n0nce,uri=/,"
		 "response=E619E8F2BA0AC803179A230C01098F31",
			true},
		{"Digest username=\"net1\",realm=\"fusion.home\",nonce=\"n0nce\",uri=\"/\","
		 "response=\"2b6c87bfc24a74124d51b9b6cce2533a\"",
			true},
		{"Digest username=\"n\\et1\",realm=\"fusion.home\",nonce=\"n0nce\",uri=\"/\","
		 "algorithm=MD5,opaque=\"x\",qop=auth,nc=00000001,cnonce=\"c1\","
		 "response=\"b802d95460cf912a92b913b7814f321b\"",
			true},
		/* HEAD; another nonce; another counter; cut off */
		{"Digest username=\"net1\",realm=\"fusion.home\",nonce=\"n0nce\",uri=\"/\","
		 "response=\"c7dedbc3a3a56b983c2c9630fb9ebc1b\"",
			false},
		{"Digest username=\"net1\",realm=\"fusion.home\",nonce=\"nonce\",uri=\"/\","
		 "response=\"acef1f23f344674b617c5e77bc9728f7\"",
			false},
		{"Digest username=\"net1\",realm=\"fusion.home\",nonce=\"n0nce\",uri=\"/\","
		 "qop=auth,nc=00000002,cnonce=\"c1\",response=\"b802d95460cf912a92b913b7814f321b\"",
			false},
		{"Digest username=\"net1\",realm=\"fusion.home\",nonce=\"n0nce\", uri=\"/\","
		 "response=\"acef1f23f344674b617c5e77bc9728f\"",
			false},
		{"Digest username=\"net1\",realm=\"fusion.home\",nonce=\"n0nce\", uri=\"/\","
		 "response=\"\"",
			false},
	};
	char secret[DIGEST_SIZE];
	struct err err;

	(void)state;
	assert_int_equal(
		digest_secret(&arena, "net1", "fusion.home", "secret", secret, &err), ERR_OK);
	assert_string_equal(secret, "128b3117431b9b917406492c7d8e5a04");
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct digest_response response;

		if (digest_parse(&arena, cases[i].text, &response, &err) != ERR_OK)
			fail_msg("%s: %s", cases[i].text, err.message);
		assert_string_equal(response.username, "net1");
		if (digest_is_good(&arena, &response, secret) != cases[i].good)
			fail_msg("%s", cases[i].text);
	}
}

static void
test_the_example_of_the_rfc(void **state)
{
	static const char text[] =
		"Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
		"nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", qop=auth, "
		"nc=00000001, cnonce=\"0a4f113b\", "
		"response=\"6629fae49393a05397450978507c4ef1\", "
		"opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
	struct digest_response response;
	char secret[DIGEST_SIZE];
	struct err err;

	(void)state;
	assert_int_equal(digest_parse(&arena, text, &response, &err), ERR_OK);
	assert_int_equal(digest_secret(&arena, "Mufasa", "testrealm@host.com", "Circle Of Life",
				 secret, &err),
		ERR_OK);
	assert_true(digest_is_good(&arena, &response, secret));
}

static void
test_what_is_no_digest(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"", "that is no digest"},
		{"Basic bmV0MTpzZWNyZXQ=", "that is no digest"},
		{"Digest", "that is no digest"},
		{"Digest ", "the digest is malformed"},
		{"Digest username", "the digest is malformed"},
		{"Digest username=", "the digest is malformed"},
		{"Digest username=\"net1", "the digest is malformed"},
		{"Digest username=\"net1\\", "the digest is malformed"},
		{"Digest username=a,username=b", "the digest is malformed"},
		{"Digest username=a realm=b", "the digest is malformed"},
		{"Digest =a", "the digest is malformed"},
		{"Digest username=a,", "the digest is malformed"},
		{"Digest username=a", "the digest has no realm"},
		{"Digest username=a,realm=b,nonce=c,uri=/", "the digest has no response"},
		{"Digest username=a,realm=b,nonce=c,uri=/,response=d,algorithm=SHA-256",
			"the digest is not one with MD5"},
		{"Digest username=a,realm=b,nonce=c,uri=/,response=d,qop=auth-int",
			"the digest's qop is not auth"},
		{"Digest username=a,realm=b,nonce=c,uri=/,response=d,qop=auth,nc=1",
			"the digest has a qop, but no nc or no cnonce"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct digest_response response;
		struct err err;

		assert_int_equal(
			digest_parse(&arena, cases[i].text, &response, &err), ERR_BAD_INPUT);
		assert_string_equal(err.message, cases[i].error);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_challenge),
		cmocka_unit_test(test_good_and_bad),
		cmocka_unit_test(test_the_example_of_the_rfc),
		cmocka_unit_test(test_what_is_no_digest),
	};
	int failed;

	arena_init(&arena);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_release(&arena);
	return failed;
}
