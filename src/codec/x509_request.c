/*
 * On the way to a certificate that somebody else issues; what comes back goes through
 * x509_certificates_read() to x509_identity_read().
 */
#include "codec/x509_request.h"

#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/clock.h"
#include "codec/plist.h"
#include "codec/text.h"
#include "codec/x509_parts.h"

enum { KEY_BITS = 2048, CHAIN_MOST = 8, PLIST_MOST = 256 * 1024, SIGNATURE_MOST = 2048 };

/* ---- a request ---- */

static const struct {
	int nid;
	const char *what;
	size_t offset;
	size_t least, most; /* bytes; RFC 5280, appendix A.1 */
} subject_parts[] = {
	{NID_countryName, "country", offsetof(struct x509_subject, country), 2, 2},
	{NID_organizationName, "organization", offsetof(struct x509_subject, organization), 1, 64},
	{NID_commonName, "common name", offsetof(struct x509_subject, common_name), 1, 64},
	{NID_pkcs9_emailAddress, "e-mail address", offsetof(struct x509_subject, email), 3, 128},
};

static enum err_kind
set_subject(X509_NAME *name, const struct x509_subject *subject, struct err *err)
{
	for (size_t i = 0; i < sizeof(subject_parts) / sizeof(subject_parts[0]); i++) {
		const char *value;

		memcpy(&value, (const char *)subject + subject_parts[i].offset, sizeof(value));
		if (value == NULL)
			continue;
		if (strlen(value) < subject_parts[i].least ||
			strlen(value) > 4 * subject_parts[i].most ||
			X509_NAME_add_entry_by_NID(name, subject_parts[i].nid, MBSTRING_UTF8,
				(const unsigned char *)value, -1, -1, 0) != 1)
			return err_set(err, ERR_BAD_INPUT,
				"the %s must be %zu to %zu characters that such a name may have",
				subject_parts[i].what, subject_parts[i].least,
				subject_parts[i].most);
	}
	return ERR_OK;
}

static bool
hash_public_key(const X509_PUBKEY *public_key, char hash[X509_HASH_SIZE])
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(public_key, &der);

	if (len <= 0)
		return false;
	x509_hash(der, (size_t)len, hash);
	OPENSSL_free(der);
	return true;
}

static const char *
request_to_pem(struct arena *arena, X509_REQ *request)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const char *pem = NULL;
	char *bytes;
	long len;

	if (bio != NULL && PEM_write_bio_X509_REQ(bio, request) == 1 &&
		(len = BIO_get_mem_data(bio, &bytes)) > 0)
		pem = arena_memdup(arena, bytes, (size_t)len);
	BIO_free(bio);
	return pem;
}

enum err_kind
x509_request_make(struct arena *arena, const struct x509_subject *subject,
	struct x509_key_request *request, struct err *err)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)KEY_BITS);
	X509_REQ *made = X509_REQ_new();
	enum err_kind kind;

	*request = (struct x509_key_request){0};
	kind = made == NULL ? x509_failed(err, "making a request")
			    : set_subject(X509_REQ_get_subject_name(made), subject, err);
	if (kind != ERR_OK)
		goto out;
	if (key != NULL && X509_REQ_set_version(made, X509_REQ_VERSION_1) == 1 &&
		X509_REQ_set_pubkey(made, key) == 1 && X509_REQ_sign(made, key, EVP_sha256()) > 0 &&
		hash_public_key(X509_REQ_get_X509_PUBKEY(made), request->key_hash)) {
		request->pem = request_to_pem(arena, made);
		request->key_pem = x509_key_to_pem(arena, key);
	}
	if (request->pem == NULL || request->key_pem == NULL)
		kind = x509_failed(err, "making a request");
out:
	X509_REQ_free(made);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return kind;
}

/* ---- certificates of a file ---- */

/* A lone certificate in DER, which x509_parts_read() refuses: it has no key. */
static bool
read_der(struct x509_parts *parts, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	X509 *cert = len > X509_IDENTITY_MOST ? NULL : d2i_X509(NULL, &at, (long)len);

	*parts = (struct x509_parts){0};
	ERR_clear_error();
	if (cert == NULL)
		return false;
	parts->certs = sk_X509_new_null();
	if (parts->certs != NULL && sk_X509_push(parts->certs, cert) > 0)
		return true;
	X509_free(cert);
	return false;
}

static enum err_kind
take_certificates(struct arena *arena, const struct x509_parts *parts,
	struct x509_certificates *certificates, struct err *err)
{
	int count = sk_X509_num(parts->certs);

	if (count <= 0)
		return err_set(err, ERR_BAD_INPUT, "there is no certificate in it");
	if (count > X509_CERTIFICATES_MOST)
		return err_set(err, ERR_BAD_INPUT, "there are more than %d certificates in it",
			X509_CERTIFICATES_MOST);
	for (int i = 0; i < count; i++)
		if (!hash_public_key(X509_get_X509_PUBKEY(sk_X509_value(parts->certs, i)),
			    certificates->key_hashes[i]))
			return x509_failed(err, "reading a public key");
	certificates->count = (size_t)count;
	certificates->has_key = parts->key_count > 0;
	certificates->pem = x509_certs_to_pem(arena, parts->certs);
	return certificates->pem == NULL ? x509_failed(err, "writing certificates") : ERR_OK;
}

enum err_kind
x509_certificates_read(struct arena *arena, const void *bytes, size_t len, const char *password,
	struct x509_certificates *certificates, struct err *err)
{
	struct x509_parts parts;
	enum err_kind kind = ERR_OK;

	memset(certificates, 0, sizeof(*certificates));
	if (!read_der(&parts, bytes, len)) {
		x509_parts_release(&parts);
		kind = x509_parts_read(&parts, bytes, len, password, err);
	}
	if (kind == ERR_OK)
		kind = take_certificates(arena, &parts, certificates, err);
	x509_parts_release(&parts);
	ERR_clear_error();
	return kind;
}

/* ---- Apple's portal ---- */

static const char *
subject_of(X509 *cert, char *text, size_t size)
{
	char *line = X509_NAME_oneline(X509_get_subject_name(cert), NULL, 0);

	snprintf(text, size, "%s", line == NULL ? "?" : line);
	OPENSSL_free(line);
	return text;
}

static bool
has_expired(const X509 *cert)
{
	time_t now = (time_t)(clock_now() / 1000);

	return X509_cmp_time(X509_get0_notAfter(cert), &now) <= 0;
}

/* Who signed CERT, out of ALL; NULL: nobody. */
static X509 *
find_issuer(const STACK_OF(X509) * all, X509 *cert)
{
	for (int i = 0; i < sk_X509_num(all); i++) {
		X509 *issuer = sk_X509_value(all, i);

		if (X509_check_issued(issuer, cert) == X509_V_OK &&
			X509_verify(cert, X509_get0_pubkey(issuer)) == 1)
			return issuer;
	}
	return NULL;
}

/* From the vendor's certificate to a root, in CHAIN, which borrows them. */
static enum err_kind
build_chain(const STACK_OF(X509) * all, STACK_OF(X509) * chain, struct err *err)
{
	X509 *cert = sk_X509_value(all, 0), *issuer;
	char name[160];

	for (int depth = 0; depth < CHAIN_MOST; depth++) {
		if (has_expired(cert))
			return err_set(err, ERR_BAD_INPUT, "the certificate %s has expired",
				subject_of(cert, name, sizeof(name)));
		if (sk_X509_push(chain, cert) <= 0)
			return x509_failed(err, "putting a chain together");
		issuer = find_issuer(all, cert);
		if (issuer == cert)
			return ERR_OK;
		if (issuer == NULL)
			return err_set(err, ERR_BAD_INPUT,
				"the certificate of who issued %s is missing: Apple wants the "
				"chain up to its root (Apple WWDR and Apple Root CA, "
				"www.apple.com/certificateauthority), give them with --chain",
				subject_of(cert, name, sizeof(name)));
		cert = issuer;
	}
	return err_set(err, ERR_BAD_INPUT, "the chain has more than %d certificates", CHAIN_MOST);
}

/* The vendor's parts with those of CHAIN behind them. */
static enum err_kind
read_all(struct x509_parts *vendor, const struct x509_identity *identity, const char *chain,
	struct err *err)
{
	struct x509_parts more = {0};
	enum err_kind kind = x509_parts_read_identity(vendor, identity, err);
	X509 *cert;

	if (kind == ERR_OK && chain != NULL)
		kind = x509_parts_read(&more, chain, strlen(chain), NULL, err);
	while (kind == ERR_OK && (cert = sk_X509_shift(more.certs)) != NULL)
		if (sk_X509_push(vendor->certs, cert) <= 0) {
			X509_free(cert);
			kind = x509_failed(err, "putting a chain together");
		}
	x509_parts_release(&more);
	return kind;
}

/* The request's DER; to be freed.  -1 when it is no request. */
static int
request_to_der(const char *pem, unsigned char **der)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509_REQ *request = bio == NULL ? NULL : PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
	int len = -1;

	*der = NULL;
	if (request != NULL)
		len = i2d_X509_REQ(request, der);
	X509_REQ_free(request);
	BIO_free(bio);
	return len;
}

static bool
sign(EVP_PKEY *key, const unsigned char *bytes, size_t len, unsigned char *signature, size_t *size)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool signed_it = context != NULL &&
			 EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
			 EVP_DigestSign(context, signature, size, bytes, len) == 1;

	EVP_MD_CTX_free(context);
	return signed_it;
}

static const char *
write_file(struct arena *arena, const unsigned char *der, size_t len, const char *chain,
	const unsigned char *signature, size_t signature_len)
{
	struct plist *dict = plist_dict(arena);
	struct buf xml;

	plist_set(arena, dict, "PushCertRequestCSR",
		plist_string(arena, text_base64_encode(arena, der, len)));
	plist_set(arena, dict, "PushCertCertificateChain", plist_string(arena, chain));
	plist_set(arena, dict, "PushCertSignature",
		plist_string(arena, text_base64_encode(arena, signature, signature_len)));
	buf_init(&xml, arena, PLIST_MOST);
	plist_write_xml(&xml, dict, false);
	return xml.full ? NULL : text_base64_encode(arena, xml.bytes, xml.len);
}

static enum err_kind
write_signed(struct arena *arena, const char *request_pem, EVP_PKEY *key,
	const STACK_OF(X509) * chain, const char **file, struct err *err)
{
	unsigned char signature[SIGNATURE_MOST], *der;
	size_t signature_len = sizeof(signature);
	const char *pem = x509_certs_to_pem(arena, chain);
	int len = request_to_der(request_pem, &der);

	if (len > 0 && pem != NULL && sign(key, der, (size_t)len, signature, &signature_len))
		*file = write_file(arena, der, (size_t)len, pem, signature, signature_len);
	OPENSSL_free(der);
	return *file == NULL ? x509_failed(err, "signing the request") : ERR_OK;
}

enum err_kind
x509_request_sign_for_apple(struct arena *arena, const char *request_pem,
	const struct x509_identity *vendor, const char *chain, const char **file, struct err *err)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	struct x509_parts parts;
	enum err_kind kind = read_all(&parts, vendor, chain, err);

	*file = NULL;
	if (kind == ERR_OK && !EVP_PKEY_is_a(parts.keys[0], "RSA"))
		kind = err_set(
			err, ERR_BAD_INPUT, "the vendor's key is not RSA, which Apple wants");
	if (kind == ERR_OK)
		kind = certs == NULL ? x509_failed(err, "putting a chain together")
				     : build_chain(parts.certs, certs, err);
	if (kind == ERR_OK)
		kind = write_signed(arena, request_pem, parts.keys[0], certs, file, err);
	sk_X509_free(certs);
	x509_parts_release(&parts);
	ERR_clear_error();
	return kind;
}
