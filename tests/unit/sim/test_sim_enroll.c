/*
 * What a simulated device reads on its way to an identity: the enrollment profile and its
 * signature, what an authority can do, and its certificates.
 */
#include "unit.h"

#include <openssl/evp.h>

#include "codec/cms_sign.h"
#include "codec/scep.h"
#include "codec/x509.h"
#include "sim/authority.h"
#include "sim/enroll_profile.h"

/* Made once: keys take their time. */
static struct arena kept;
static struct x509_identity ca, other_ca, signer, client;

static void
must(enum err_kind kind, const struct err *err)
{
	if (kind != ERR_OK)
		fail_msg("%s", err->message);
}

static int
set_up(void **state)
{
	struct x509_client terms = {.common_name = "signer", .key = X509_KEY_EC_P256, .days = 10};
	struct x509_issuer *issuer;
	struct err err = {0};

	(void)state;
	arena_init(&kept);
	must(x509_make_ca(&kept, "Test CA", NULL, 1, &ca, &err), &err);
	must(x509_make_ca(&kept, "Other CA", NULL, 1, &other_ca, &err), &err);
	must(x509_issuer_new(&ca, &issuer, &err), &err);
	must(x509_issue_client(&kept, issuer, &terms, &signer, &err), &err);
	terms.common_name = "client";
	must(x509_issue_client(&kept, issuer, &terms, &client, &err), &err);
	x509_issuer_free(issuer);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_release(&kept);
	return 0;
}

/* ---- profiles ---- */

#define STRING(key, value) "<key>" key "</key><string>" value "</string>"
#define PROFILE(type, payloads)                                                                    \
	"<plist><dict>" STRING("PayloadType", type) "<key>PayloadContent</key><array>" payloads    \
						    "</array></dict></plist>"
#define MDM(more)                                                                                  \
	"<dict>" STRING("PayloadType", "com.apple.mdm") STRING("PayloadUUID", "U-MDM")             \
		STRING("Topic", "com.apple.mgmt.External.x") more "</dict>"
#define URL STRING("ServerURL", "https://127.0.0.1/mdm")
#define BY(uuid) STRING("IdentityCertificateUUID", uuid)
#define SCEP_OF(content)                                                                           \
	"<dict>" STRING("PayloadType", "com.apple.security.scep") STRING("PayloadUUID", "U-ID")    \
		content "</dict>"
#define KEY "<key>Keysize</key><integer>2048</integer>"
#define SCEP_URL STRING("URL", "http://127.0.0.1/scep")
#define SCEP(dict) SCEP_OF("<key>PayloadContent</key><dict>" dict "</dict>")
#define P12(content)                                                                               \
	"<dict>" STRING("PayloadType", "com.apple.security.pkcs12") STRING("PayloadUUID", "U-ID")  \
		STRING("Password", "secret") content "</dict>"
#define ROOT                                                                                       \
	"<dict>" STRING("PayloadType", "com.apple.security.root")                                  \
		STRING("PayloadUUID", "U-CA") "<key>PayloadContent</key><data>AAAA</data></dict>"
#define SUBJECT                                                                                    \
	"<key>Subject</key><array><array><array><string>O</string><string>Orchard</string>"        \
	"</array></array><array><array><string>CN</string><string>Mac 7</string></array></array>"  \
	"</array>"

static enum err_kind
read_text(struct arena *arena, const char *text, size_t len, const struct enroll_trust *trust,
	struct enroll_profile *profile, struct err *err)
{
	struct plist_reader *reader = plist_reader_new(plist_limits_default());
	enum err_kind kind = enroll_profile_read(arena, reader, text, len, trust, profile, err);

	plist_reader_free(reader);
	return kind;
}

/* With SCEP, and everything there. */
static void
test_scep_profile(void **unused)
{
	static const char text[] = PROFILE("Configuration",
		ROOT SCEP(SCEP_URL KEY SUBJECT STRING("Challenge", "5ec3e7") STRING(
			"Key Type", "RSA") "<key>CAFingerprint</key><data>AQID</data>")
			MDM(URL BY("U-ID") STRING("CheckInURL",
				"https://127.0.0.1/checkin") "<key>SignMessage</key><true/>"));
	const struct enroll_trust trust = {.unsigned_too = true};
	struct enroll_profile profile;
	struct arena arena;
	struct err err = {0};

	(void)unused;
	arena_init(&arena);
	must(read_text(&arena, text, sizeof(text) - 1, &trust, &profile, &err), &err);
	assert_string_equal(profile.server_url, "https://127.0.0.1/mdm");
	assert_string_equal(profile.check_in_url, "https://127.0.0.1/checkin");
	assert_string_equal(profile.topic, "com.apple.mgmt.External.x");
	assert_true(profile.sign_message);
	assert_string_equal(profile.scep.url, "http://127.0.0.1/scep");
	assert_string_equal(profile.scep.challenge, "5ec3e7");
	assert_string_equal(profile.scep.common_name, "Mac 7");
	assert_int_equal(profile.scep.fingerprint.len, 3);
	assert_memory_equal(profile.scep.fingerprint.bytes, "\x01\x02\x03", 3);
	assert_null(profile.p12.bytes);
	arena_release(&arena);
}

/* With PKCS#12, and no more than has to be there. */
static void
test_p12_profile(void **unused)
{
	static const char text[] = "\n " PROFILE("Configuration",
		MDM(URL BY("U-ID")) P12("<key>PayloadContent</key><data>BAU=</data>"));
	const struct enroll_trust trust = {.unsigned_too = true};
	struct enroll_profile profile;
	struct arena arena;
	struct err err = {0};

	(void)unused;
	arena_init(&arena);
	must(read_text(&arena, text, sizeof(text) - 1, &trust, &profile, &err), &err);
	assert_string_equal(profile.check_in_url, "https://127.0.0.1/mdm");
	assert_false(profile.sign_message);
	assert_null(profile.scep.url);
	assert_int_equal(profile.p12.len, 2);
	assert_memory_equal(profile.p12.bytes, "\x04\x05", 2);
	assert_string_equal(profile.p12_password, "secret");
	arena_release(&arena);
}

static const struct {
	const char *text;
	const char *words; /* in the message */
} refused[] = {
	{"no plist", "signature"},
	{"<plist><dict>", "the profile"},
	{"<plist><array/></plist>", "(none)"},
	{PROFILE("Profile Service", MDM(URL BY("U-ID"))), "Profile Service"},
	{PROFILE("Configuration", ROOT), "com.apple.mdm"},
	{PROFILE("Configuration", "<string>x</string>" ROOT), "com.apple.mdm"},
	{PROFILE("Configuration", MDM(URL BY("U-ID")) MDM(URL BY("U-ID")) SCEP(SCEP_URL KEY)),
		"two payloads"},
	{PROFILE("Configuration", MDM(BY("U-ID")) SCEP(SCEP_URL KEY)), "ServerURL"},
	{PROFILE("Configuration", MDM(URL) SCEP(SCEP_URL KEY)), "IdentityCertificateUUID"},
	{PROFILE("Configuration", MDM(URL BY("U-NO")) SCEP(SCEP_URL KEY)), "U-NO"},
	{PROFILE("Configuration", MDM(URL BY("U-CA")) ROOT), "gives no identity"},
	{PROFILE("Configuration", MDM(URL BY("U-ID")) SCEP(KEY)), "no URL"},
	{PROFILE("Configuration", MDM(URL BY("U-ID")) SCEP_OF("")), "no PayloadContent"},
	{PROFILE("Configuration", MDM(URL BY("U-ID")) SCEP(SCEP_URL)), "Keysize"},
	{PROFILE("Configuration",
		 MDM(URL BY("U-ID")) SCEP(SCEP_URL KEY STRING("Key Type", "ECSECPrimeRandom"))),
		"Key Type"},
	{PROFILE("Configuration", MDM(URL BY("U-ID")) P12("")), "no PayloadContent"},
	{PROFILE("Configuration",
		 MDM(URL BY("U-ID")) P12("<key>PayloadContent</key><string>x</string>")),
		"no PayloadContent"},
};

static void
test_refused_profiles(void **unused)
{
	const struct enroll_trust trust = {.unsigned_too = true};

	(void)unused;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct enroll_profile profile;
		struct arena arena;
		struct err err = {0};

		arena_init(&arena);
		if (read_text(&arena, refused[i].text, strlen(refused[i].text), &trust, &profile,
			    &err) == ERR_OK ||
			strstr(err.message, refused[i].words) == NULL)
			fail_msg("%s: %s", refused[i].text, err.message);
		arena_release(&arena);
	}
}

/* ---- signatures ---- */

static const char good[] = PROFILE("Configuration", MDM(URL BY("U-ID")) SCEP(SCEP_URL KEY));

static const struct {
	const char *what;
	bool is_signed, broken, trusted, unsigned_too;
	enum err_kind kind;
} signatures[] = {
	{"signed by somebody trusted", true, false, true, false, ERR_OK},
	{"the same, where it need not be", true, false, true, true, ERR_OK},
	{"signed by a stranger", true, false, false, false, ERR_FORBIDDEN},
	{"by a stranger, where it need not be", true, false, false, true, ERR_FORBIDDEN},
	{"changed on the way", true, true, true, false, ERR_FORBIDDEN},
	{"changed, where it need not be signed", true, true, true, true, ERR_FORBIDDEN},
	{"not signed", false, false, true, false, ERR_FORBIDDEN},
	{"not signed, and need not be", false, false, true, true, ERR_OK},
};

static void
test_signatures(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(signatures); i++) {
		const struct enroll_trust trust = {
			.anchors = signatures[i].trusted ? ca.cert_pem : other_ca.cert_pem,
			.unsigned_too = signatures[i].unsigned_too};
		struct enroll_profile profile;
		struct arena arena;
		struct err err = {0};
		unsigned char *message = (unsigned char *)(uintptr_t)good, *at;
		size_t len = sizeof(good) - 1;
		enum err_kind kind;

		arena_init(&arena);
		if (signatures[i].is_signed)
			must(cms_sign(&arena, &signer, good, len, &message, &len, &err), &err);
		if (signatures[i].broken) {
			for (at = message; memcmp(at, "/scep", 5) != 0;)
				at++;
			memcpy(at, "/evil", 5);
		}
		kind = read_text(&arena, (const char *)message, len, &trust, &profile, &err);
		if (kind != signatures[i].kind)
			fail_msg("%s: %s %s", signatures[i].what, err_kind_name(kind), err.message);
		arena_release(&arena);
	}
}

/* ---- what an authority can do ---- */

static const struct {
	const char *text, *digest, *cipher;
	bool post, renewal;
} caps[] = {
	{"", "SHA1", "DES-EDE3-CBC", false, false},
	{"SCEPStandard", "SHA256", "AES-128-CBC", true, true},
	{"AES\nDES3\nSHA-256\nSHA-384\nSHA-512\nPOSTPKIOperation\nRenewal\nSCEPStandard\n",
		"SHA512", "AES-128-CBC", true, true},
	{"aes\r\nsha-256\r\npostpkioperation\r\n", "SHA256", "AES-128-CBC", true, false},
	{"AESX\nXSHA-256\nRenewal", "SHA1", "DES-EDE3-CBC", false, true},
};

static void
test_caps(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(caps); i++) {
		struct authority authority = {0};

		authority_read_caps(&authority, caps[i].text, strlen(caps[i].text));
		assert_string_equal(authority.digest, caps[i].digest);
		assert_string_equal(authority.cipher, caps[i].cipher);
		assert_int_equal(authority.post, caps[i].post);
		assert_int_equal(authority.renewal, caps[i].renewal);
	}
}

/* ---- its certificates ---- */

static struct scep_bytes
fingerprint_of(struct arena *arena, const char *pem, const EVP_MD *digest)
{
	unsigned char *der, *hash = arena_alloc(arena, EVP_MAX_MD_SIZE);
	unsigned hash_len;
	size_t len;

	der = x509_pem_to_der(arena, pem, strlen(pem), &len);
	assert_int_equal(EVP_Digest(der, len, hash, &hash_len, digest, NULL), 1);
	return (struct scep_bytes){.bytes = hash, .len = hash_len};
}

static size_t
certificates_in(const char *pem)
{
	size_t count = 0;

	while ((pem = strstr(pem, "BEGIN CERTIFICATE")) != NULL) {
		pem++;
		count++;
	}
	return count;
}

struct reply {
	const char *what;
	const struct x509_identity *certs[3], *pinned; /* NULL: no fingerprint */
	const EVP_MD *(*digest)(void);
	enum err_kind kind;
	size_t count; /* that are believed */
};

static void
check_reply(const struct reply *reply)
{
	struct authority authority = {0};
	struct scep_bytes bytes, fingerprint = {0};
	struct arena arena;
	struct err err = {0};
	const char *pem = "";
	enum err_kind kind;
	bool many;

	arena_init(&arena);
	for (size_t i = 0; i < COUNT(reply->certs) && reply->certs[i] != NULL; i++)
		pem = arena_printf(&arena, "%s%s", pem, reply->certs[i]->cert_pem);
	must(scep_write_certs(&arena, pem, &bytes, &many, &err), &err);
	if (reply->pinned != NULL)
		fingerprint = fingerprint_of(&arena, reply->pinned->cert_pem, reply->digest());
	kind = authority_read_certs(&arena, &authority, bytes, fingerprint, &err);
	if (kind != reply->kind)
		fail_msg("%s: %s %s", reply->what, err_kind_name(kind), err.message);
	if (kind == ERR_OK && certificates_in(authority.pem) != reply->count)
		fail_msg("%s: %zu certificates", reply->what, certificates_in(authority.pem));
	arena_release(&arena);
}

static void
test_certs(void **unused)
{
	const struct reply replies[] = {
		{"a CA alone", {&ca}, NULL, NULL, ERR_OK, 1},
		{"by SHA-1", {&ca}, &ca, EVP_sha1, ERR_OK, 1},
		{"by SHA-256", {&ca}, &ca, EVP_sha256, ERR_OK, 1},
		{"by a digest not known", {&ca}, &ca, EVP_sha384, ERR_FORBIDDEN, 0},
		{"another CA", {&other_ca}, &ca, EVP_sha1, ERR_FORBIDDEN, 0},
		{"a CA and who acts for it", {&client, &ca}, &ca, EVP_sha1, ERR_OK, 2},
		{"a CA and a stranger", {&other_ca, &ca}, &ca, EVP_sha1, ERR_OK, 1},
		{"all, where nobody is asked for", {&other_ca, &ca}, NULL, NULL, ERR_OK, 2},
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(replies); i++)
		check_reply(&replies[i]);
}

static void
test_bad_certs(void **unused)
{
	static const struct scep_bytes none = {0};
	static const struct scep_bytes replies[] = {
		{(const unsigned char *)"", 0}, {(const unsigned char *)"<html>", 6}};
	struct authority authority = {0};
	struct scep_bytes one;
	struct arena arena;
	bool many;

	(void)unused;
	arena_init(&arena);
	for (size_t i = 0; i < COUNT(replies); i++)
		assert_int_equal(authority_read_certs(&arena, &authority, replies[i], none, NULL),
			ERR_BAD_INPUT);
	must(scep_write_certs(&arena, ca.cert_pem, &one, &many, NULL), NULL);
	one.bytes = (unsigned char *)arena_memdup(&arena, one.bytes, one.len);
	one.len++; /* something behind it: the NUL */
	assert_int_equal(authority_read_certs(&arena, &authority, one, none, NULL), ERR_BAD_INPUT);
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scep_profile),
		cmocka_unit_test(test_p12_profile),
		cmocka_unit_test(test_refused_profiles),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_certs),
		cmocka_unit_test(test_bad_certs),
	};

	return cmocka_run_group_tests_name("sim enroll", tests, set_up, tear_down);
}
