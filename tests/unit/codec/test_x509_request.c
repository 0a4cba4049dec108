/*
 * x509_request: keys and requests for them, certificates without a key, and the file for Apple's
 * portal.
 */
#include "unit.h"

#include "base/clock.h"
#include "codec/plist.h"
#include "codec/text.h"
#include "codec/x509_request.h"
#include "x509_data.h"

static struct x509_key_request
make(const struct x509_subject *subject)
{
	struct x509_key_request request;
	struct err err = {0};

	if (x509_request_make(&arena, subject, &request, &err) != ERR_OK)
		fail_msg("%s", err.message);
	assert_int_equal(ERR_peek_error(), 0);
	return request;
}

static X509_REQ *
load_request(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509_REQ *request = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(request);
	return request;
}

static void
test_a_request_is_signed_by_its_key(void **state)
{
	const struct x509_subject subject = {.common_name = "Büro",
		.organization = "Example",
		.email = "it@example.com",
		.country = "DE"};
	struct x509_key_request one = make(&subject), two = make(&subject);
	X509_REQ *request = load_request(one.pem);
	BIO *bio = BIO_new_mem_buf(one.key_pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	char name[200];

	(void)state;
	assert_int_equal(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
	assert_int_equal(EVP_PKEY_eq(key, X509_REQ_get0_pubkey(request)), 1);
	assert_int_equal(EVP_PKEY_get_bits(key), 2048);
	X509_NAME_oneline(X509_REQ_get_subject_name(request), name, sizeof(name));
	assert_string_equal(name, "/C=DE/O=Example/CN=B\\xC3\\xBCro/emailAddress=it@example.com");
	assert_string_not_equal(one.key_hash, two.key_hash);
	EVP_PKEY_free(key);
	BIO_free(bio);
	X509_REQ_free(request);
}

static void
test_subjects_that_will_not_do(void **state)
{
	char longer[66];
	const struct {
		struct x509_subject subject;
		const char *says;
	} cases[] = {
		{{.common_name = ""}, "common name"},
		{{.common_name = longer}, "common name"},
		{{.common_name = "x", .organization = longer}, "organization"},
		{{.common_name = "x", .country = "Germany"}, "country"},
		{{.common_name = "x", .country = "D"}, "country"},
		{{.common_name = "x", .email = "\xc3("}, "e-mail"},
		{{.common_name = "x\xff"}, "common name"},
	};

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct x509_key_request request;
		struct err err = {0};

		assert_int_equal(x509_request_make(&arena, &cases[i].subject, &request, &err),
			ERR_BAD_INPUT);
		assert_non_null(strstr(err.message, cases[i].says));
		assert_null(request.key_pem);
		assert_int_equal(ERR_peek_error(), 0);
	}
}

static enum err_kind
read_certificates(
	const char *words, const char *password, struct x509_certificates *found, struct err *err)
{
	size_t len;
	char *bytes = join(words, &len);
	enum err_kind kind = x509_certificates_read(&arena, bytes, len, password, found, err);

	assert_int_equal(ERR_peek_error(), 0);
	return kind;
}

static void
test_certificates_of_a_file(void **state)
{
	static const struct {
		const char *words, *password;
		enum err_kind kind;
		size_t count;
		bool has_key;
	} cases[] = {
		{"leaf.pem", NULL, ERR_OK, 1, false},
		{"leaf.cer", NULL, ERR_OK, 1, false},
		{"leaf.pem|middle.pem|root.pem", NULL, ERR_OK, 3, false},
		{"leaf.key|leaf.pem", NULL, ERR_OK, 1, true},
		{"aes.p12", PASSWORD, ERR_OK, 3, true},
		{"cert-only.p12", PASSWORD, ERR_OK, 1, false},
		{"aes.p12", "wrong", ERR_BAD_INPUT, 0, false},
		{"leaf.key", NULL, ERR_BAD_INPUT, 0, false},
		{"text:nothing", NULL, ERR_BAD_INPUT, 0, false},
		{"text:", NULL, ERR_BAD_INPUT, 0, false},
	};
	struct x509_certificates leaf, other;
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct x509_certificates found;

		if (read_certificates(cases[i].words, cases[i].password, &found, &err) !=
			cases[i].kind)
			fail_msg("%s: %s", cases[i].words, err.message);
		assert_int_equal(found.count, cases[i].count);
		assert_int_equal(found.has_key, cases[i].has_key);
	}
	read_certificates("leaf.pem", NULL, &leaf, &err);
	read_certificates("leaf.cer", NULL, &other, &err);
	assert_string_equal(leaf.key_hashes[0], other.key_hashes[0]);
	assert_string_equal(leaf.pem, other.pem);
	read_certificates("leaf-older.pem", NULL, &other, &err);
	assert_string_equal(leaf.key_hashes[0], other.key_hashes[0]); /* one key, renewed */
	read_certificates("root.pem", NULL, &other, &err);
	assert_string_not_equal(leaf.key_hashes[0], other.key_hashes[0]);
}

/* ---- Apple's portal ---- */

static enum err_kind
sign(const char *request, const char *vendor, const char *chain, const char **file, struct err *err)
{
	struct x509_identity identity;
	enum err_kind kind;
	size_t len;

	if (read_identity(vendor, NULL, &identity, err) != ERR_OK)
		fail_msg("%s", err->message);
	kind = x509_request_sign_for_apple(
		&arena, request, &identity, chain == NULL ? NULL : join(chain, &len), file, err);
	assert_int_equal(ERR_peek_error(), 0);
	return kind;
}

static unsigned char *
member(const struct plist *plist, const char *key, size_t *len)
{
	const char *text = plist_get_string(plist, key);

	assert_non_null(text);
	return text_base64_decode(&arena, text, strlen(text), len);
}

/* The time before or behind the end of the vendor's certificate. */
static void
set_clock(int64_t behind_the_end)
{
	size_t len;
	struct x509_info info = inspect(part("leaf.pem", &len));

	clock_fake(info.not_after + behind_the_end);
}

static void
check_signature(const struct plist *plist)
{
	size_t der_len, signature_len, len;
	unsigned char *der = member(plist, "PushCertRequestCSR", &der_len);
	unsigned char *signature = member(plist, "PushCertSignature", &signature_len);
	X509 *vendor = load_cert(part("leaf.pem", &len));
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	assert_int_equal(
		EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, X509_get0_pubkey(vendor)),
		1);
	assert_int_equal(EVP_DigestVerify(context, signature, signature_len, der, der_len), 1);
	EVP_MD_CTX_free(context);
	X509_free(vendor);
}

static void
test_the_file_for_the_portal(void **state)
{
	static const char *const vendors[][2] = {
		{"leaf.key|leaf.pem|middle.pem|root.pem", NULL},
		{"root.pem|leaf.pem|ec.pem|leaf.key|middle.pem", NULL},
		{"leaf.key|leaf.pem", "root.pem|middle.pem"},
		{"leaf.key|leaf.pem|middle.pem", "root.pem|middle.pem"},
	};
	struct x509_key_request request = make(&(struct x509_subject){.common_name = "x"});

	(void)state;
	set_clock(-3600 * 1000);
	for (size_t i = 0; i < COUNT(vendors); i++) {
		struct plist_reader *reader = plist_reader_new(plist_limits_default());
		struct plist *plist;
		struct err err = {0};
		const char *file;
		char *xml;
		size_t len;

		if (sign(request.pem, vendors[i][0], vendors[i][1], &file, &err) != ERR_OK)
			fail_msg("%s", err.message);
		assert_null(strpbrk(file, " \r\n"));
		xml = (char *)text_base64_decode(&arena, file, strlen(file), &len);
		assert_int_equal(plist_read_xml(reader, &arena, xml, len, &plist, &err), ERR_OK);
		check_signature(plist);
		assert_string_equal(plist_get_string(plist, "PushCertCertificateChain"),
			join("leaf.pem|middle.pem|root.pem", &len));
		plist_reader_free(reader);
	}
}

static void
test_vendors_that_will_not_do(void **state)
{
	static const struct {
		const char *vendor, *chain, *says;
	} cases[] = {
		{"leaf.key|leaf.pem", NULL, "is missing"},
		{"leaf.key|leaf.pem|middle.pem", NULL, "is missing"},
		{"leaf.key|leaf.pem|root.pem", "ec.pem", "is missing"},
		{"ec.key|ec.pem", NULL, "not RSA"},
		{"leaf.key|leaf.pem", "text:nothing", "neither PKCS#12 nor PEM"},
	};
	struct x509_key_request request = make(&(struct x509_subject){.common_name = "x"});
	struct err err = {0};
	const char *file;

	(void)state;
	set_clock(-3600 * 1000);
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(sign(request.pem, cases[i].vendor, cases[i].chain, &file, &err),
			ERR_BAD_INPUT);
		if (strstr(err.message, cases[i].says) == NULL)
			fail_msg("%zu: %s", i, err.message);
		assert_null(file);
	}
	set_clock(1000);
	assert_int_equal(
		sign(request.pem, "leaf.key|leaf.pem|middle.pem|root.pem", NULL, &file, &err),
		ERR_BAD_INPUT);
	assert_non_null(strstr(err.message, "has expired"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_request_is_signed_by_its_key),
		TEST(test_subjects_that_will_not_do),
		TEST(test_certificates_of_a_file),
		TEST(test_the_file_for_the_portal),
		TEST(test_vendors_that_will_not_do),
	};

	arena_init(&arena);
	return cmocka_run_group_tests(tests, NULL, release);
}
