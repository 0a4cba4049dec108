/*
 * x509: certificates, identities, PKCS#12 and what we issue.  The files come from the openssl
 * command (tests/data/x509/make.sh); what is odd is made here.
 */
#include "unit.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "codec/x509.h"
#include "codec_data.h"

#define PASSWORD "open sesame"
#define TOPIC "com.apple.mgmt.External.6b1c1d4e-2f0a-4c53-9d7e-0a4f7e6b9c21"

static struct arena arena; /* of the test that runs */
static struct x509_identity ca;
static struct x509_issuer *issuer;

static int
reset(void **state)
{
	(void)state;
	arena_reset(&arena);
	clock_fake(-1);
	return 0;
}

/* A word of a case: the file of that name, or "text:…" itself. */
static const char *
part(const char *word, size_t *len)
{
	if (strncmp(word, "text:", 5) == 0) {
		*len = strlen(word + 5);
		return word + 5;
	}
	return data_read(&arena, arena_printf(&arena, "x509/%s", word), len);
}

/* The parts one after the other. */
static char *
join(const char *words, size_t *len)
{
	char *joined = arena_alloc(&arena, 65536), *word, *next = arena_strdup(&arena, words);

	*len = 0;
	while ((word = next) != NULL && *word != '\0') {
		size_t part_len;
		const char *bytes;

		next = strchr(word, '|');
		if (next != NULL)
			*next++ = '\0';
		bytes = part(word, &part_len);
		memcpy(joined + *len, bytes, part_len);
		*len += part_len;
	}
	joined[*len] = '\0';
	return joined;
}

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

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

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

static struct x509_info
inspect(const char *pem)
{
	struct x509_info info;
	struct err err = {0};

	if (x509_inspect(&arena, pem, &info, &err) != ERR_OK)
		fail_msg("%s", err.message);
	assert_int_equal(ERR_peek_error(), 0);
	return info;
}

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

/* ---- identities ---- */

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

static enum err_kind
read_identity(
	const char *words, const char *password, struct x509_identity *identity, struct err *err)
{
	size_t len;
	char *joined = join(words, &len), *exact = malloc(len == 0 ? 1 : len);
	enum err_kind kind;

	assert_non_null(exact);
	memcpy(exact, joined, len);
	kind = x509_identity_read(&arena, exact, len, password, identity, err);
	free(exact);
	assert_int_equal(ERR_peek_error(), 0);
	if (kind != ERR_OK) {
		assert_null(identity->cert_pem);
		assert_null(identity->key_pem);
		assert_null(strstr(err->message, PASSWORD));
	}
	return kind;
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

static X509 *
load_cert(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(cert);
	return cert;
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

/* ---- issuing ---- */

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
	assert_int_equal(X509_get_key_usage(cert), X509v3_KU_KEY_CERT_SIGN | X509v3_KU_CRL_SIGN);
	assert_true(is_critical(cert, NID_basic_constraints));
	assert_true(is_critical(cert, NID_key_usage));
	assert_non_null(X509_get0_subject_key_id(cert));
	assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(cert)), 3072);
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

/* AES-256 for key and certificates, and a MAC with SHA-256. */
static void
test_p12_is_not_written_with_old_ciphers(void **state)
{
	struct x509_identity identity = issue("new", X509_KEY_EC_P256, 1);
	const X509_ALGOR *mac;
	const ASN1_INTEGER *rounds;
	const ASN1_OBJECT *algorithm;
	const unsigned char *at;
	static const unsigned char aes256_cbc[] = {
		0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a};
	unsigned char *p12;
	PKCS12 *parsed;
	size_t len;
	int found = 0;

	(void)state;
	assert_int_equal(
		x509_write_p12(&arena, &identity, NULL, PASSWORD, &p12, &len, NULL), ERR_OK);
	for (size_t i = 0; i + sizeof(aes256_cbc) <= len; i++)
		found += memcmp(p12 + i, aes256_cbc, sizeof(aes256_cbc)) == 0;
	assert_true(found >= 1); /* the key's stands in the safe, enciphered or not */
	at = p12;
	parsed = d2i_PKCS12(NULL, &at, (long)len);
	assert_non_null(parsed);
	PKCS12_get0_mac(NULL, &mac, NULL, &rounds, parsed);
	assert_true(ASN1_INTEGER_get(rounds) >= 10000);
	X509_ALGOR_get0(&algorithm, NULL, NULL, mac);
	assert_int_equal(OBJ_obj2nid(algorithm), NID_sha256);
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

#define TEST(name) cmocka_unit_test_setup(name, reset)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_without_legacy_provider), /* first */
		TEST(test_hash_is_sha256),
		TEST(test_pem_becomes_der),
		TEST(test_base64_between_the_marks),
		TEST(test_facts_of_a_push_certificate),
		TEST(test_facts_in_other_letters),
		TEST(test_facts_that_are_odd),
		TEST(test_what_is_no_certificate_has_no_facts),
		TEST(test_an_identity_is_read),
		TEST(test_an_identity_is_refused_with_the_reason),
		TEST(test_a_huge_file_is_refused),
		TEST(test_damaged_files),
		TEST(test_p12_with_several_keys),
		TEST(test_the_ca),
		TEST(test_a_client_certificate),
		TEST(test_no_two_are_alike),
		TEST(test_no_certificate_outlives_the_ca),
		TEST(test_names_and_days),
		TEST(test_a_ca_is_refused),
		TEST(test_what_is_no_ca_does_not_issue),
		TEST(test_threads_share_an_issuer),
		TEST(test_p12_is_written),
		TEST(test_p12_is_not_written_with_old_ciphers),
		TEST(test_p12_wants_a_password_and_a_whole_identity),
	};

	return cmocka_run_group_tests(tests, make_issuer, free_issuer);
}
