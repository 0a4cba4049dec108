/*
 * x509: identities, in PEM and PKCS#12, as they come from elsewhere.  The files come from the
 * openssl command (tests/data/x509/make.sh); what it cannot make is made here.
 */
#include "unit.h"

#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/pkcs12.h>

#include "x509_data.h"

/*
 * Without the legacy provider, which distributions may leave out, RC2 is refused and the rest goes
 * on.  In a process of its own, as the provider is looked for once; and before any other test.
 */
static void
test_without_legacy_provider(void **state)
{
	int status;
	pid_t child;

	(void)state;
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct x509_identity identity;
		struct err err = {0};
		size_t len;
		char *bytes = join("rc2.p12", &len);
		bool right;

		setenv("OPENSSL_MODULES", "/nonexistent", 1);
		right = x509_identity_read(&arena, bytes, len, PASSWORD, &identity, &err) ==
				ERR_BAD_INPUT &&
			strstr(err.message, "install its legacy provider") != NULL;
		bytes = join("aes.p12", &len);
		right = right &&
			x509_identity_read(&arena, bytes, len, PASSWORD, &identity, &err) == ERR_OK;
		arena_release(&arena);
		_exit(right ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void
test_an_identity_is_read(void **state)
{
	static const struct {
		const char *parts, *password;
		const char *certs, *key; /* exactly these files come out */
	} cases[] = {
		/* any order, nothing besides */
		{"leaf.pem|leaf.key", NULL, "leaf.pem", "leaf.key"},
		{"leaf.key|leaf.pem", NULL, "leaf.pem", "leaf.key"},
		{"leaf.key|leaf.pem", "not needed", "leaf.pem", "leaf.key"},
		{"root.pem|leaf.key|leaf.pem|middle.pem", NULL, "leaf.pem|middle.pem|root.pem",
			"leaf.key"},
		{"middle.pem|root.pem|leaf.pem|leaf.key", NULL, "leaf.pem|middle.pem|root.pem",
			"leaf.key"},
		/* what does not belong to the chain is kept behind it */
		{"ec.pem|root.pem|leaf.pem|leaf.key", NULL, "leaf.pem|ec.pem|root.pem", "leaf.key"},
		/* renewed with the same key: the later one */
		{"leaf-older.pem|leaf.pem|leaf.key", NULL, "leaf.pem", "leaf.key"},
		{"leaf.pem|leaf.key|leaf-older.pem", NULL, "leaf.pem", "leaf.key"},
		{"leaf.key|leaf.pem|leaf.key", NULL, "leaf.pem", "leaf.key"},
		/* a second key without a certificate does no harm */
		{"other.key|leaf.key|leaf.pem", NULL, "leaf.pem", "leaf.key"},
		{"ec.key|ec.pem", NULL, "ec.pem", NULL},
		/* text around, a byte order mark */
		{"text:\xef\xbb\xbf|leaf.pem|text:Bag Attributes\n  friendlyName: x\n|leaf.key",
			NULL, "leaf.pem", "leaf.key"},
		{"text:0 notes\n|leaf.pem|leaf.key", NULL, "leaf.pem", "leaf.key"},
		/* the key in other forms */
		{"leaf.pem|leaf-old.key", NULL, "leaf.pem", "leaf.key"},
		{"leaf.pem|leaf-old-aes.key", PASSWORD, "leaf.pem", "leaf.key"},
		{"leaf.pem|leaf-old-3des.key", PASSWORD, "leaf.pem", "leaf.key"},
		{"leaf.pem|leaf-aes.key", PASSWORD, "leaf.pem", "leaf.key"},
		{"leaf.pem|leaf-rc2.key", PASSWORD, "leaf.pem", "leaf.key"},
		/* PKCS#12 */
		{"rc2.p12", PASSWORD, "leaf.pem", "leaf.key"},
		{"3des.p12", PASSWORD, "leaf.pem", "leaf.key"},
		{"aes.p12", PASSWORD, "leaf.pem|middle.pem|root.pem", "leaf.key"},
		{"utf8.p12", "Öffne dich", "leaf.pem", "leaf.key"},
		{"empty.p12", NULL, "leaf.pem", "leaf.key"},
		{"empty.p12", "", "leaf.pem", "leaf.key"},
		{"plain.p12", NULL, "leaf.pem", "leaf.key"},
		{"plain.p12", "not needed", "leaf.pem", "leaf.key"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct x509_identity identity;
		struct err err = {0};
		size_t len;

		if (read_identity(cases[i].parts, cases[i].password, &identity, &err) != ERR_OK)
			fail_msg("%s: %s", cases[i].parts, err.message);
		assert_string_equal(identity.cert_pem, join(cases[i].certs, &len));
		if (cases[i].key != NULL)
			assert_string_equal(identity.key_pem, join(cases[i].key, &len));
		assert_non_null(strstr(identity.key_pem, "-----BEGIN PRIVATE KEY-----"));
		arena_reset(&arena);
	}
}

static void
test_an_identity_is_refused_with_the_reason(void **state)
{
	static const struct {
		const char *parts, *password, *says;
	} cases[] = {
		{"", NULL, "the file is empty"},
		{"text:hello", NULL, "this is neither PKCS#12 nor PEM"},
		{"text:\xef\xbb\xbf", NULL, "this is neither PKCS#12 nor PEM"},
		{"text:0", NULL, "this is neither PKCS#12 nor PEM"},
		{"signed.der", NULL, "this is neither PKCS#12 nor PEM"},
		{"leaf.cer", NULL,
			"this is a certificate without its private key: export both as .p12"},
		{"leaf.pem", NULL,
			"there is no private key in it: export it together with its certificate"},
		{"text:-----BEGIN CERTIFICATE REQUEST-----\nYWJj\n-----END CERTIFICATE "
		 "REQUEST-----\n",
			NULL, "there is neither a certificate nor a private key in it"},
		{"leaf.key", NULL, "there is no certificate in it, only a private key"},
		{"other.key|leaf.pem", NULL,
			"there is no certificate in it that belongs to the private key"},
		{"ec.key|leaf.pem", NULL,
			"there is no certificate in it that belongs to the private key"},
		{"leaf.key|leaf.pem|ec.pem|ec.key", NULL,
			"there is more than one certificate with its private key in it: export one "
			"alone"},
		{"leaf.key|leaf.key|leaf.key|leaf.key|leaf.key|leaf.key|leaf.key|leaf.key|leaf.key",
			NULL, "there are more than 8 private keys in it"},
		{"leaf.pem|leaf-aes.key", NULL, "the private key is encrypted: give its password"},
		{"leaf.pem|leaf-aes.key", "", "the private key is encrypted: give its password"},
		{"leaf.pem|leaf-aes.key", "wrong", "the password does not open the private key"},
		{"leaf.pem|leaf-rc2.key", "wrong", "the password does not open the private key"},
		{"leaf.pem|leaf-old-aes.key", NULL,
			"the private key is encrypted: give its password"},
		{"leaf.pem|leaf-old-aes.key", "wrong",
			"the password does not open the private key"},
		{"leaf.pem|leaf-old-3des.key", "wrong",
			"the password does not open the private key"},
		{"leaf.pem|text:-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
		 "DEK-Info: ROT-13,00\n\nYWJj\n-----END RSA PRIVATE KEY-----\n",
			PASSWORD,
			"the private key is encrypted in a way that OpenSSL does not know here: "
			"install its legacy provider, or export it again with AES"},
		{"leaf.pem|text:-----BEGIN PRIVATE KEY-----\nYWJj\n-----END PRIVATE KEY-----\n",
			NULL, "the private key is damaged, or of a kind that is not known"},
		{"leaf.pem|text:-----BEGIN ENCRYPTED PRIVATE KEY-----\nYWJj\n-----END ENCRYPTED "
		 "PRIVATE KEY-----\n",
			PASSWORD, "the private key is damaged, or of a kind that is not known"},
		{"leaf.key|text:" BEGIN "\nYWJj\n" END "\n", NULL,
			"a certificate in it is damaged, or of a kind that is not known"},
		{"leaf.key|text:" BEGIN "\nYWJj", NULL,
			"the PEM text is damaged, or of a kind that is not known"},
		{"rc2.p12", NULL, "the PKCS#12 file is encrypted: give its password"},
		{"rc2.p12", "", "the PKCS#12 file is encrypted: give its password"},
		{"rc2.p12", "wrong", "the password does not open the PKCS#12 file"},
		{"aes.p12", "Open Sesame", "the password does not open the PKCS#12 file"},
		{"cert-only.p12", PASSWORD,
			"there is no private key in it: export it together with its certificate"},
		{"key-only.p12", PASSWORD, "there is no certificate in it, only a private key"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct x509_identity identity;
		struct err err = {0};

		assert_int_equal(read_identity(cases[i].parts, cases[i].password, &identity, &err),
			ERR_BAD_INPUT);
		assert_string_equal(err.message, cases[i].says);
	}
}

static void
test_a_huge_file_is_refused(void **state)
{
	struct x509_identity identity;
	struct err err = {0};
	char *huge = arena_calloc(&arena, 1, X509_IDENTITY_MOST + 1);

	(void)state;
	assert_int_equal(
		x509_identity_read(&arena, huge, X509_IDENTITY_MOST + 1, NULL, &identity, &err),
		ERR_TOO_LARGE);
	assert_int_equal(
		x509_identity_read(&arena, huge, X509_IDENTITY_MOST, NULL, &identity, &err),
		ERR_BAD_INPUT);
}

/* Cut anywhere, or with any byte changed, a file is refused or read, and nothing worse. */
static void
test_damaged_files(void **state)
{
	static const char *const files[] = {"plain.p12", "rc2.p12", "leaf.pem|leaf-old.key"};

	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		size_t len;
		char *whole = join(files[i], &len), *bytes = malloc(len);

		assert_non_null(bytes);
		for (size_t at = 0; at < len; at += 7) {
			struct x509_identity identity;
			char *cut = malloc(at == 0 ? 1 : at);

			assert_non_null(cut);
			memcpy(cut, whole, at);
			if (x509_identity_read(&arena, cut, at, PASSWORD, &identity, NULL) ==
				ERR_OK)
				assert_int_equal(at, len - 1); /* PEM without the last newline */
			free(cut);
			memcpy(bytes, whole, len);
			bytes[at] = (char)(bytes[at] ^ 0x41);
			x509_identity_read(&arena, bytes, len, PASSWORD, &identity, NULL);
			assert_int_equal(ERR_peek_error(), 0);
		}
		free(bytes);
	}
}

static EVP_PKEY *
load_key(const char *word)
{
	size_t len;
	const char *text = part(word, &len);
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(key);
	return key;
}

/* The PKCS#12 file that holds these, each encrypted with an own cipher: the openssl command writes
 * one key to a file. */
static char *
make_p12(const char *const *certs, const char *const *keys, size_t *len)
{
	STACK_OF(PKCS12_SAFEBAG) *cert_bags = NULL, *key_bags = NULL;
	STACK_OF(PKCS7) *safes = NULL;
	unsigned char *der = NULL;
	PKCS12 *p12;
	char *bytes;
	size_t unused;

	for (; *certs != NULL; certs++) {
		X509 *cert = load_cert(part(*certs, &unused));

		assert_non_null(PKCS12_add_cert(&cert_bags, cert));
		X509_free(cert);
	}
	for (; *keys != NULL; keys++) {
		EVP_PKEY *key = load_key(*keys);

		assert_non_null(PKCS12_add_key(
			&key_bags, key, 0, 1, NID_pbe_WithSHA1And3_Key_TripleDES_CBC, PASSWORD));
		EVP_PKEY_free(key);
	}
	assert_int_equal(PKCS12_add_safe(&safes, key_bags, -1, 0, NULL), 1);
	assert_int_equal(PKCS12_add_safe(&safes, cert_bags, NID_aes_128_cbc, 1, PASSWORD), 1);
	p12 = PKCS12_add_safes(safes, 0);
	assert_non_null(p12);
	assert_int_equal(PKCS12_set_mac(p12, PASSWORD, -1, NULL, 0, 1, EVP_sha1()), 1);
	*len = (size_t)i2d_PKCS12(p12, &der);
	bytes = arena_memdup(&arena, der, *len);
	OPENSSL_free(der);
	PKCS12_free(p12);
	sk_PKCS12_SAFEBAG_pop_free(cert_bags, PKCS12_SAFEBAG_free);
	sk_PKCS12_SAFEBAG_pop_free(key_bags, PKCS12_SAFEBAG_free);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	return bytes;
}

static void
test_p12_with_several_keys(void **state)
{
	static const struct {
		const char *certs[5], *keys[4];
		const char *chain; /* NULL: refused */
		const char *says;
	} cases[] = {
		{{"ec.pem", "root.pem", "middle.pem", "leaf.pem"}, {"other.key", "leaf.key"},
			"leaf.pem|middle.pem|root.pem|ec.pem", NULL},
		{{"leaf-older.pem", "leaf.pem"}, {"leaf.key"}, "leaf.pem", NULL},
		{{"ec.pem", "leaf.pem"}, {"ec.key", "leaf.key"}, NULL, "export one alone"},
		{{"leaf.pem"}, {"other.key", "ec.key"}, NULL, "that belongs to the private key"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct x509_identity identity;
		struct err err = {0};
		size_t len;
		char *p12 = make_p12(cases[i].certs, cases[i].keys, &len);
		enum err_kind kind =
			x509_identity_read(&arena, p12, len, PASSWORD, &identity, &err);

		if (cases[i].chain == NULL) {
			assert_int_equal(kind, ERR_BAD_INPUT);
			assert_non_null(strstr(err.message, cases[i].says));
			continue;
		}
		if (kind != ERR_OK)
			fail_msg("%s", err.message);
		assert_string_equal(identity.cert_pem, join(cases[i].chain, &len));
		assert_string_equal(identity.key_pem, part("leaf.key", &len));
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_without_legacy_provider), /* first */
		TEST(test_an_identity_is_read),
		TEST(test_an_identity_is_refused_with_the_reason),
		TEST(test_a_huge_file_is_refused),
		TEST(test_damaged_files),
		TEST(test_p12_with_several_keys),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
