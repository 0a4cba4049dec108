/*
 * From a file that an administrator gives, of whatever make, to certificates and keys:
 * x509_identity and x509_issue go on from there.
 */
#include "codec/x509_parts.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

/* ---- old ciphers ---- */

static pthread_once_t legacy_once = PTHREAD_ONCE_INIT;
static OSSL_LIB_CTX *legacy;

/*
 * RC2 and single DES are in a provider that OpenSSL does not load by itself.  It goes into a
 * context of its own, which only opens what is encrypted; the keys and certificates out of it are
 * used in the default one, and nothing else can fall back to old ciphers.
 *
 * Distributions may leave the provider out: then files with old ciphers are refused, and it is said
 * why.  The context stays until the process ends.
 */
static void
load_legacy(void)
{
	OSSL_PROVIDER *base;

	legacy = OSSL_LIB_CTX_new();
	if (legacy == NULL)
		return;
	base = OSSL_PROVIDER_load(legacy, "default");
	if (base == NULL) {
		OSSL_LIB_CTX_free(legacy);
		legacy = NULL;
		return;
	}
	OSSL_PROVIDER_load(legacy, "legacy");
}

OSSL_LIB_CTX *
x509_legacy_context(void)
{
	pthread_once(&legacy_once, load_legacy);
	return legacy;
}

/* Did OpenSSL fail for want of an algorithm?  Empties its queue. */
static bool
algorithm_is_missing(void)
{
	bool missing = false;
	unsigned long error;

	while ((error = ERR_get_error()) != 0) {
		int reason = ERR_GET_REASON(error);

		missing = missing || reason == ERR_R_UNSUPPORTED ||
			  (ERR_GET_LIB(error) == ERR_LIB_EVP &&
				  (reason == EVP_R_UNKNOWN_PBE_ALGORITHM ||
					  reason == EVP_R_UNSUPPORTED_CIPHER));
	}
	return missing;
}

static enum err_kind
unknown_cipher(const char *what, struct err *err)
{
	return err_set(err, ERR_BAD_INPUT,
		"%s is encrypted in a way that OpenSSL does not know here: install its legacy "
		"provider, or export it again with AES",
		what);
}

/* Why WHAT could not be decrypted. */
static enum err_kind
not_opened(const char *what, const char *password, struct err *err)
{
	if (algorithm_is_missing())
		return unknown_cipher(what, err);
	if (password == NULL || *password == '\0')
		return err_set(err, ERR_BAD_INPUT, "%s is encrypted: give its password", what);
	return err_set(err, ERR_BAD_INPUT, "the password does not open %s", what);
}

/* ---- the parts ---- */

static enum err_kind
damaged(const char *what, struct err *err)
{
	return err_set(err, ERR_BAD_INPUT, "%s is damaged, or of a kind that is not known", what);
}

/* CERT is the parts' from here on, also when it fails. */
static enum err_kind
add_cert(struct x509_parts *parts, X509 *cert, struct err *err)
{
	if (cert == NULL)
		return damaged("a certificate in it", err);
	if (parts->certs == NULL)
		parts->certs = sk_X509_new_null();
	if (parts->certs == NULL || sk_X509_push(parts->certs, cert) <= 0) {
		X509_free(cert);
		return x509_failed(err, "certificates");
	}
	return ERR_OK;
}

/* So is KEY. */
static enum err_kind
add_key(struct x509_parts *parts, EVP_PKEY *key, struct err *err)
{
	if (key == NULL)
		return damaged("the private key", err);
	if (parts->key_count == X509_KEYS_MOST) {
		EVP_PKEY_free(key);
		return err_set(err, ERR_BAD_INPUT, "there are more than %d private keys in it",
			X509_KEYS_MOST);
	}
	parts->keys[parts->key_count++] = key;
	return ERR_OK;
}

void
x509_parts_release(struct x509_parts *parts)
{
	sk_X509_pop_free(parts->certs, X509_free);
	for (int i = 0; i < parts->key_count; i++)
		EVP_PKEY_free(parts->keys[i]);
	*parts = (struct x509_parts){0};
}

/* ---- PEM ---- */

struct pem_block {
	char *name;   /* "CERTIFICATE" */
	char *header; /* "Proc-Type: …" of the old form of encryption */
	unsigned char *bytes;
	long len;
};

static enum err_kind
take_cert(struct x509_parts *parts, struct pem_block *block, const char *password, struct err *err)
{
	const unsigned char *at = block->bytes;

	(void)password;
	return add_cert(parts, d2i_X509(NULL, &at, block->len), err);
}

/* "TRUSTED CERTIFICATE" has OpenSSL's own notes behind it. */
static enum err_kind
take_trusted_cert(
	struct x509_parts *parts, struct pem_block *block, const char *password, struct err *err)
{
	const unsigned char *at = block->bytes;

	(void)password;
	return add_cert(parts, d2i_X509_AUX(NULL, &at, block->len), err);
}

/* In the place of OpenSSL's own, which asks on the terminal. */
static int
give_password(char *buffer, int size, int writing, void *password)
{
	size_t len = password == NULL ? 0 : strlen(password);

	(void)writing;
	if (len == 0 || len > (size_t)size)
		return -1;
	memcpy(buffer, password, len);
	return (int)len;
}

/* "RSA PRIVATE KEY" and the like, which may have the old form of encryption.  That has no checksum:
 * a wrong password may only show in that no key comes out. */
static enum err_kind
take_old_key(
	struct x509_parts *parts, struct pem_block *block, const char *password, struct err *err)
{
	const unsigned char *at = block->bytes;
	EVP_CIPHER_INFO cipher;
	EVP_PKEY *key;

	if (PEM_get_EVP_CIPHER_INFO(block->header, &cipher) != 1)
		return unknown_cipher("the private key", err);
	if (cipher.cipher != NULL && PEM_do_header(&cipher, block->bytes, &block->len,
					     give_password, (void *)password) != 1)
		return not_opened("the private key", password, err);
	key = d2i_AutoPrivateKey(NULL, &at, block->len);
	if (key == NULL && cipher.cipher != NULL) {
		ERR_clear_error();
		return not_opened("the private key", password, err);
	}
	return add_key(parts, key, err);
}

static enum err_kind
take_key(struct x509_parts *parts, struct pem_block *block, const char *password, struct err *err)
{
	const unsigned char *at = block->bytes;
	PKCS8_PRIV_KEY_INFO *open = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, block->len);
	enum err_kind kind;

	(void)password;
	kind = add_key(parts, open == NULL ? NULL : EVP_PKCS82PKEY(open), err);
	PKCS8_PRIV_KEY_INFO_free(open);
	return kind;
}

static enum err_kind
take_encrypted_key(
	struct x509_parts *parts, struct pem_block *block, const char *password, struct err *err)
{
	const unsigned char *at = block->bytes;
	X509_SIG *closed = d2i_X509_SIG(NULL, &at, block->len);
	PKCS8_PRIV_KEY_INFO *open = NULL;
	enum err_kind kind;

	if (closed == NULL)
		return damaged("the private key", err);
	if (password != NULL && *password != '\0')
		open = PKCS8_decrypt_ex(
			closed, password, (int)strlen(password), x509_legacy_context(), NULL);
	kind = open == NULL ? not_opened("the private key", password, err)
			    : add_key(parts, EVP_PKCS82PKEY(open), err);
	PKCS8_PRIV_KEY_INFO_free(open);
	X509_SIG_free(closed);
	return kind;
}

/* What is not here (parameters, requests, public keys) is passed over. */
static const struct {
	const char *name;
	enum err_kind (*take)(struct x509_parts *parts, struct pem_block *block,
		const char *password, struct err *err);
} pem_kinds[] = {
	{PEM_STRING_X509, take_cert},
	{PEM_STRING_X509_OLD, take_cert},
	{PEM_STRING_X509_TRUSTED, take_trusted_cert},
	{PEM_STRING_PKCS8, take_encrypted_key},
	{PEM_STRING_PKCS8INF, take_key},
	{PEM_STRING_RSA, take_old_key},
	{PEM_STRING_ECPRIVATEKEY, take_old_key},
};

static enum err_kind
take_block(struct x509_parts *parts, struct pem_block *block, const char *password, struct err *err)
{
	for (size_t i = 0; i < sizeof(pem_kinds) / sizeof(pem_kinds[0]); i++)
		if (strcmp(block->name, pem_kinds[i].name) == 0)
			return pem_kinds[i].take(parts, block, password, err);
	return ERR_OK;
}

static const char neither[] = "this is neither PKCS#12 nor PEM";

static enum err_kind
read_pem(struct x509_parts *parts, BIO *bio, const char *password, struct err *err)
{
	enum err_kind kind = ERR_OK;
	struct pem_block block;
	int count = 0;

	ERR_clear_error();
	while (kind == ERR_OK &&
		PEM_read_bio(bio, &block.name, &block.header, &block.bytes, &block.len) == 1) {
		kind = take_block(parts, &block, password, err);
		OPENSSL_free(block.name);
		OPENSSL_free(block.header);
		OPENSSL_clear_free(block.bytes, (size_t)block.len);
		count++;
	}
	if (kind != ERR_OK)
		return kind;
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return damaged("the PEM text", err);
	return count > 0 ? ERR_OK : err_set(err, ERR_BAD_INPUT, "%s", neither);
}

/* ---- PKCS#12 ---- */

static enum err_kind
take_bag(struct x509_parts *parts, const PKCS12_SAFEBAG *bag, const char *password, struct err *err)
{
	int password_len = password == NULL ? 0 : (int)strlen(password);
	PKCS8_PRIV_KEY_INFO *open;
	enum err_kind kind;

	switch (PKCS12_SAFEBAG_get_nid(bag)) {
	case NID_certBag:
		if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
			return ERR_OK;
		return add_cert(parts, PKCS12_SAFEBAG_get1_cert(bag), err);
	case NID_keyBag:
		return add_key(parts, EVP_PKCS82PKEY(PKCS12_SAFEBAG_get0_p8inf(bag)), err);
	case NID_pkcs8ShroudedKeyBag:
		open = PKCS12_decrypt_skey_ex(
			bag, password, password_len, x509_legacy_context(), NULL);
		kind = open == NULL ? not_opened("the private key", password, err)
				    : add_key(parts, EVP_PKCS82PKEY(open), err);
		PKCS8_PRIV_KEY_INFO_free(open);
		return kind;
	default:
		return ERR_OK;
	}
}

/* One of the file's safes, which may be encrypted each for itself. */
static enum err_kind
take_safe(struct x509_parts *parts, PKCS7 *safe, const char *password, struct err *err)
{
	STACK_OF(PKCS12_SAFEBAG) * bags;
	enum err_kind kind = ERR_OK;

	if (PKCS7_type_is_data(safe)) {
		bags = PKCS12_unpack_p7data(safe);
		if (bags == NULL)
			return damaged("the PKCS#12 file", err);
	} else if (PKCS7_type_is_encrypted(safe)) {
		bags = PKCS12_unpack_p7encdata(
			safe, password, password == NULL ? 0 : (int)strlen(password));
		if (bags == NULL)
			return not_opened("the PKCS#12 file", password, err);
	} else
		return ERR_OK;
	for (int i = 0; kind == ERR_OK && i < sk_PKCS12_SAFEBAG_num(bags); i++)
		kind = take_bag(parts, sk_PKCS12_SAFEBAG_value(bags, i), password, err);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	return kind;
}

/* "No password" is written in two ways, as nothing or as an empty string: *PASSWORD becomes the one
 * that fits. */
static bool
password_fits(PKCS12 *p12, const char **password)
{
	if (!PKCS12_mac_present(p12))
		return true;
	if (*password != NULL && **password != '\0')
		return PKCS12_verify_mac(p12, *password, (int)strlen(*password)) == 1;
	*password = NULL;
	if (PKCS12_verify_mac(p12, NULL, 0) == 1)
		return true;
	*password = "";
	return PKCS12_verify_mac(p12, "", 0) == 1;
}

/* Not by PKCS12_parse(), which takes the first key it meets, whatever belongs to it. */
static enum err_kind
read_p12(struct x509_parts *parts, BIO *bio, const char *password, struct err *err)
{
	PKCS12 *p12 = PKCS12_init_ex(NID_pkcs7_data, x509_legacy_context(), NULL);
	STACK_OF(PKCS7) *safes = NULL;
	enum err_kind kind = ERR_OK;

	if (p12 == NULL)
		return x509_failed(err, "PKCS#12");
	if (d2i_PKCS12_bio(bio, &p12) == NULL)
		kind = err_set(err, ERR_BAD_INPUT, "%s", neither);
	else if (!password_fits(p12, &password))
		kind = not_opened("the PKCS#12 file", password, err);
	else if ((safes = PKCS12_unpack_authsafes(p12)) == NULL)
		kind = damaged("the PKCS#12 file", err);
	for (int i = 0; kind == ERR_OK && i < sk_PKCS7_num(safes); i++)
		kind = take_safe(parts, sk_PKCS7_value(safes, i), password, err);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	PKCS12_free(p12);
	return kind;
}

/* ---- either ---- */

/* A SEQUENCE, and longer than text could say it is. */
static bool
is_der(const unsigned char *bytes, size_t len)
{
	return len > 1 && bytes[0] == 0x30 && bytes[1] >= 0x80;
}

/* A lone certificate in DER is what Apple's portal and Keychain hand out as .cer. */
static bool
is_certificate(const unsigned char *bytes, size_t len)
{
	X509 *cert = d2i_X509(NULL, &bytes, (long)len);

	X509_free(cert);
	return cert != NULL;
}

enum err_kind
x509_parts_read(struct x509_parts *parts, const void *bytes, size_t len, const char *password,
	struct err *err)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	const unsigned char *start = bytes;
	enum err_kind kind;
	BIO *bio;

	*parts = (struct x509_parts){0};
	if (len == 0)
		return err_set(err, ERR_BAD_INPUT, "the file is empty");
	if (len > X509_IDENTITY_MOST)
		return err_set(
			err, ERR_TOO_LARGE, "the file is too large for a certificate and key");
	if (len > 3 && memcmp(start, byte_order_mark, 3) == 0) {
		start += 3;
		len -= 3;
	}
	bio = BIO_new_mem_buf(start, (int)len);
	if (bio == NULL)
		kind = x509_failed(err, "reading certificates");
	else if (!is_der(start, len))
		kind = read_pem(parts, bio, password, err);
	else if (is_certificate(start, len))
		kind = err_set(err, ERR_BAD_INPUT,
			"this is a certificate without its private key: export both as .p12");
	else
		kind = read_p12(parts, bio, password, err);
	BIO_free(bio);
	return kind;
}

enum err_kind
x509_parts_read_identity(
	struct x509_parts *parts, const struct x509_identity *identity, struct err *err)
{
	const char *const texts[] = {identity->cert_pem, identity->key_pem};
	enum err_kind kind = ERR_OK;

	*parts = (struct x509_parts){0};
	for (size_t i = 0; kind == ERR_OK && i < sizeof(texts) / sizeof(texts[0]); i++) {
		BIO *bio = BIO_new_mem_buf(texts[i], -1);

		kind = bio == NULL ? x509_failed(err, "reading an identity")
				   : read_pem(parts, bio, NULL, err);
		BIO_free(bio);
	}
	return kind;
}

/* ---- out ---- */

/* Takes the text and frees BIO, whose buffer is wiped: it may hold a key. */
static const char *
take_text(struct arena *arena, BIO *bio, bool whole)
{
	const char *text = NULL;
	char *bytes;
	long len;

	if (whole && (len = BIO_get_mem_data(bio, &bytes)) > 0)
		text = arena_memdup(arena, bytes, (size_t)len);
	BIO_free(bio);
	return text;
}

const char *
x509_certs_to_pem(struct arena *arena, const STACK_OF(X509) * certs)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool whole = bio != NULL;

	for (int i = 0; whole && i < sk_X509_num(certs); i++)
		whole = PEM_write_bio_X509(bio, sk_X509_value(certs, i)) == 1;
	return take_text(arena, bio, whole);
}

const char *
x509_key_to_pem(struct arena *arena, const EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());

	return take_text(arena, bio,
		bio != NULL &&
			PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
}

enum err_kind
x509_failed(struct err *err, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return err_set(err, ERR_INTERNAL, "%s: OpenSSL: %s", what,
		reason == NULL ? "no reason given" : reason);
}
