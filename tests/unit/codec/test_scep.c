/*
 * SCEP messages, there and back: every digest and cipher, what is refused and why, and what is
 * broken.
 */
#include "codec/scep.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "codec/scep_client.h"
#include "unit.h"

/* Made once: keys take their time. */
static struct arena kept;
static struct x509_identity ca, other_ca, device, ec_device;
static struct x509_issuer *issuer;
static struct scep_key *key, *other_key;

static void
must(enum err_kind kind, const struct err *err)
{
	if (kind != ERR_OK)
		fail_msg("%s", err->message);
}

static int
set_up(void **state)
{
	struct x509_client client = {.common_name = "device", .days = 10};
	struct err err = {0};

	(void)state;
	arena_init(&kept);
	must(x509_make_ca(&kept, "Test CA", NULL, 1, &ca, &err), &err);
	must(x509_make_ca(&kept, "Other CA", NULL, 1, &other_ca, &err), &err);
	must(x509_issuer_new(&ca, &issuer, &err), &err);
	must(x509_issue_client(&kept, issuer, &client, &device, &err), &err);
	client.key = X509_KEY_EC_P256;
	must(x509_issue_client(&kept, issuer, &client, &ec_device, &err), &err);
	must(scep_key_new(&ca, &key, &err), &err);
	must(scep_key_new(&other_ca, &other_key, &err), &err);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	scep_key_free(key);
	scep_key_free(other_key);
	x509_issuer_free(issuer);
	arena_release(&kept);
	return 0;
}

/* ---- one message ---- */

struct talk {
	struct arena arena;
	struct scep_client *client;
	struct scep_bytes message, reply;
	struct scep_request request;
	struct err err;
};

static void
talk_begin(struct talk *talk, struct scep_client_terms terms, enum scep_type type)
{
	*talk = (struct talk){0};
	arena_init(&talk->arena);
	if (terms.ca_pem == NULL)
		terms.ca_pem = ca.cert_pem;
	if (terms.key_pem == NULL)
		terms.key_pem = device.key_pem;
	if (terms.common_name == NULL)
		terms.common_name = "device";
	must(scep_client_new(&terms, &talk->client, &talk->err), &talk->err);
	must(scep_client_ask(&talk->arena, talk->client, type, &talk->message, &talk->err),
		&talk->err);
}

static void
talk_end(struct talk *talk)
{
	scep_client_free(talk->client);
	arena_release(&talk->arena);
}

/* Both steps of reading BYTES. */
static enum err_kind
read_all(struct talk *talk, const void *bytes, size_t len, bool legacy)
{
	const struct scep_key *list[] = {other_key, key, NULL};
	enum err_kind kind =
		scep_read(&talk->arena, bytes, len, legacy, &talk->request, &talk->err);

	return kind == ERR_OK ? scep_open(&talk->arena, list, legacy, &talk->request, &talk->err)
			      : kind;
}

static void
read_good(struct talk *talk, bool legacy)
{
	must(read_all(talk, talk->message.bytes, talk->message.len, legacy), &talk->err);
}

/* The reply with the certificate of IDENTITY reaches the client. */
static void
reply_good(struct talk *talk, const struct x509_identity *identity)
{
	struct x509_identity got;
	enum scep_fail fail;
	unsigned char *der;
	size_t len;

	der = x509_pem_to_der(&talk->arena, identity->cert_pem, strlen(identity->cert_pem), &len);
	must(scep_write_success(
		     &talk->arena, key, &talk->request, der, len, &talk->reply, &talk->err),
		&talk->err);
	must(scep_client_take(&talk->arena, talk->client, talk->reply.bytes, talk->reply.len, &got,
		     &fail, &talk->err),
		&talk->err);
	assert_string_equal(got.cert_pem, identity->cert_pem);
	assert_string_equal(got.key_pem, identity->key_pem);
}

/* The refusal, too. */
static void
reply_refused(struct talk *talk, enum scep_fail expected)
{
	struct x509_identity got;
	enum scep_fail fail;

	assert_int_equal(talk->request.fail, expected);
	must(scep_write_failure(&talk->arena, key, &talk->request, &talk->reply, &talk->err),
		&talk->err);
	assert_int_equal(scep_client_take(&talk->arena, talk->client, talk->reply.bytes,
				 talk->reply.len, &got, &fail, &talk->err),
		ERR_FORBIDDEN);
	assert_int_equal(fail, expected);
}

/* ---- cases ---- */

static void
test_there_and_back(void **state)
{
	static const struct {
		const char *digest, *cipher;
		bool legacy; /* not taken without the setting */
	} cases[] = {
		{"SHA256", "AES-128-CBC", false},
		{"SHA256", "AES-192-CBC", false},
		{"SHA384", "AES-256-CBC", false},
		{"SHA512", "DES-EDE3-CBC", false},
		{"SHA1", "DES-EDE3-CBC", true},
		{"SHA1", "DES-CBC", true},
		{"SHA256", "DES-CBC", true},
	};
	struct talk talk;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct scep_client_terms terms = {.digest = cases[i].digest,
			.cipher = cases[i].cipher,
			.challenge = "Ä secret"};

		talk_begin(&talk, terms, SCEP_PKCS_REQ);
		read_good(&talk, true);
		assert_int_equal(talk.request.type, SCEP_PKCS_REQ);
		assert_string_equal(talk.request.challenge, "Ä secret");
		assert_int_equal(strlen(talk.request.transaction_id), 40);
		assert_int_equal(talk.request.nonce.len, 16);
		reply_good(&talk, &device);
		if (cases[i].legacy) {
			assert_int_equal(
				read_all(&talk, talk.message.bytes, talk.message.len, false),
				ERR_FORBIDDEN);
			assert_non_null(strstr(talk.err.message, "scep_legacy"));
			reply_refused(&talk, SCEP_BAD_ALG);
		} else
			read_good(&talk, false);
		talk_end(&talk);
	}
}

/* Other keys: an EC key in the request, another signer's, a renewal signed by the old identity. */
static void
test_signers(void **state)
{
	struct x509_info info;
	struct talk talk;

	(void)state;
	talk_begin(&talk, (struct scep_client_terms){.key_pem = ec_device.key_pem}, SCEP_PKCS_REQ);
	read_good(&talk, false);
	assert_null(talk.request.challenge);
	reply_good(&talk, &ec_device);
	talk_end(&talk);

	talk_begin(&talk, (struct scep_client_terms){.key_pem = ec_device.key_pem, .old = &device},
		SCEP_RENEWAL_REQ);
	read_good(&talk, false);
	assert_int_equal(talk.request.type, SCEP_RENEWAL_REQ);
	must(x509_inspect(&talk.arena, device.cert_pem, &info, &talk.err), &talk.err);
	assert_string_equal(talk.request.signer_sha256, info.sha256);
	reply_good(&talk, &ec_device);
	talk_end(&talk);

	/* An EC identity renews: the reply is for its key, by agreement (ECDH). */
	talk_begin(&talk, (struct scep_client_terms){.old = &ec_device}, SCEP_RENEWAL_REQ);
	read_good(&talk, false);
	reply_good(&talk, &device);
	talk_end(&talk);

	talk_begin(&talk, (struct scep_client_terms){0}, SCEP_CERT_POLL);
	read_good(&talk, false);
	assert_int_equal(talk.request.type, SCEP_CERT_POLL);
	assert_null(talk.request.csr.bytes);
	talk_end(&talk);
}

static void
test_retry_is_the_same(void **state)
{
	char csr[X509_HASH_SIZE], signer[X509_HASH_SIZE], *id;
	struct talk talk;

	(void)state;
	talk_begin(&talk, (struct scep_client_terms){0}, SCEP_PKCS_REQ);
	read_good(&talk, false);
	memcpy(csr, talk.request.csr_sha256, sizeof(csr));
	memcpy(signer, talk.request.signer_key, sizeof(signer));
	id = arena_strdup(&talk.arena, talk.request.transaction_id);
	must(scep_client_ask(&talk.arena, talk.client, SCEP_PKCS_REQ, &talk.message, &talk.err),
		&talk.err);
	read_good(&talk, false);
	assert_string_equal(talk.request.csr_sha256, csr);
	assert_string_equal(talk.request.signer_key, signer);
	assert_string_equal(talk.request.transaction_id, id);
	talk_end(&talk);
}

static const char *
weak_key(struct arena *arena, const char *type, size_t bits, const char *curve)
{
	EVP_PKEY *made = bits != 0 ? EVP_PKEY_Q_keygen(NULL, NULL, type, bits)
				   : EVP_PKEY_Q_keygen(NULL, NULL, type, curve);
	BIO *bio = BIO_new(BIO_s_mem());
	const char *pem;
	char *bytes;
	long len;

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, made, NULL, NULL, 0, NULL, NULL), 1);
	len = BIO_get_mem_data(bio, &bytes);
	pem = arena_memdup(arena, bytes, (size_t)len);
	BIO_free(bio);
	EVP_PKEY_free(made);
	return pem;
}

static void
test_weak_keys(void **state)
{
	struct arena arena;
	struct talk talk;

	(void)state;
	arena_init(&arena);
	const char *weak[] = {
		weak_key(&arena, "RSA", 1024, NULL), weak_key(&arena, "EC", 0, "P-224")};

	for (size_t i = 0; i < COUNT(weak); i++) {
		talk_begin(&talk, (struct scep_client_terms){.key_pem = weak[i]}, SCEP_PKCS_REQ);
		assert_int_equal(
			read_all(&talk, talk.message.bytes, talk.message.len, true), ERR_FORBIDDEN);
		reply_refused(&talk, SCEP_BAD_ALG);
		talk_end(&talk);
	}
	arena_release(&arena);
}

/* For somebody else; and each key of the list is one to encrypt to. */
static void
test_recipient(void **state)
{
	const struct scep_key *const only[] = {key, NULL};
	struct talk talk;

	(void)state;
	talk_begin(&talk, (struct scep_client_terms){.ca_pem = other_ca.cert_pem}, SCEP_PKCS_REQ);
	read_good(&talk, false);
	must(scep_read(&talk.arena, talk.message.bytes, talk.message.len, false, &talk.request,
		     &talk.err),
		&talk.err);
	assert_int_equal(
		scep_open(&talk.arena, only, false, &talk.request, &talk.err), ERR_FORBIDDEN);
	assert_int_equal(talk.request.fail, SCEP_BAD_MESSAGE_CHECK);
	talk_end(&talk);
}

/*
 * Every byte of a message changed, one after the other (the message's own length is some 2 KB): it
 * is refused or, where nothing is signed, the same.  Never answered in another way, never a crash.
 */
static void
test_damaged(void **state)
{
	struct talk talk;
	unsigned char *bytes;

	(void)state;
	talk_begin(&talk, (struct scep_client_terms){.challenge = "secret"}, SCEP_PKCS_REQ);
	bytes = (unsigned char *)arena_memdup(&talk.arena, talk.message.bytes, talk.message.len);
	for (size_t i = 0; i < talk.message.len; i += 3) {
		enum err_kind kind;

		bytes[i] ^= 0x5a;
		kind = scep_read(
			&talk.arena, bytes, talk.message.len, true, &talk.request, &talk.err);
		if (kind == ERR_OK) {
			/* the certificate's own signature is not looked at */
			read_all(&talk, bytes, talk.message.len, true);
			assert_string_equal(talk.request.challenge, "secret");
		} else if (kind == ERR_FORBIDDEN)
			assert_in_range(talk.request.fail, SCEP_BAD_ALG, SCEP_BAD_MESSAGE_CHECK);
		else
			assert_int_equal(kind, ERR_BAD_INPUT);
		bytes[i] ^= 0x5a;
	}
	for (size_t len = 0; len < talk.message.len; len++)
		assert_int_equal(scep_read(&talk.arena, bytes, len, true, &talk.request, &talk.err),
			ERR_BAD_INPUT);
	talk_end(&talk);
}

/* Damage inside of the envelope, as an attacker makes it: one answer, whatever comes out. */
static void
test_no_oracle(void **state)
{
	const struct scep_key *const list[] = {key, NULL};
	unsigned char *bytes;
	struct talk talk;

	(void)state;
	talk_begin(&talk, (struct scep_client_terms){.challenge = "secret"}, SCEP_PKCS_REQ);
	must(scep_read(&talk.arena, talk.message.bytes, talk.message.len, true, &talk.request,
		     &talk.err),
		&talk.err);
	bytes = (unsigned char *)arena_memdup(
		&talk.arena, talk.request.envelope.bytes, talk.request.envelope.len);
	/* From behind: the ciphertext, the IV and the encrypted key (384 bytes) are there. */
	for (size_t i = 1; i < talk.request.envelope.len - 100; i += 13) {
		struct scep_request request = talk.request;
		size_t at = talk.request.envelope.len - i;
		enum err_kind kind;

		bytes[at] ^= 0x5a;
		request.envelope.bytes = bytes;
		kind = scep_open(&talk.arena, list, true, &request, &talk.err);
		if (kind == ERR_FORBIDDEN && request.fail == SCEP_BAD_MESSAGE_CHECK)
			; /* the one answer */
		else
			/* the OID of the cipher itself */
			assert_int_equal(request.fail, SCEP_BAD_ALG);
		bytes[at] ^= 0x5a;
	}
	talk_end(&talk);
}

static void
test_certificates(void **state)
{
	struct scep_bytes one, many;
	struct arena arena;
	struct err err;
	bool is_many;

	(void)state;
	arena_init(&arena);
	must(scep_write_certs(&arena, ca.cert_pem, &one, &is_many, &err), &err);
	assert_false(is_many);
	must(scep_write_certs(&arena, arena_printf(&arena, "%s%s", ca.cert_pem, other_ca.cert_pem),
		     &many, &is_many, &err),
		&err);
	assert_true(is_many);
	assert_true(many.len > 2 * one.len - 100);
	must(scep_write_next(&arena, key, other_ca.cert_pem, &many, &err), &err);
	assert_true(many.len > one.len);
	assert_int_equal(scep_write_certs(&arena, "", &one, &is_many, &err), ERR_BAD_INPUT);
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_signers),
		cmocka_unit_test(test_retry_is_the_same),
		cmocka_unit_test(test_weak_keys),
		cmocka_unit_test(test_recipient),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_no_oracle),
		cmocka_unit_test(test_certificates),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
