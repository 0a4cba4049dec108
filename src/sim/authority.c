#include "sim/authority.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

enum { SHA1_SIZE = 20, SHA256_SIZE = 32, PEM_MOST = 256 * 1024 };

/* ---- what it can do ---- */

static bool
has_word(const char *text, size_t len, const char *word)
{
	size_t want = strlen(word);

	for (size_t at = 0; at < len;) {
		size_t rest = len - at, line = 0;

		while (line < rest && text[at + line] != '\n' && text[at + line] != '\r')
			line++;
		if (line == want && strncasecmp(text + at, word, want) == 0)
			return true;
		at += line + 1;
	}
	return false;
}

void
authority_read_caps(struct authority *authority, const char *text, size_t len)
{
	bool standard = has_word(text, len, "SCEPStandard");

	authority->post = standard || has_word(text, len, "POSTPKIOperation");
	authority->renewal = standard || has_word(text, len, "Renewal");
	authority->digest = has_word(text, len, "SHA-512")               ? "SHA512"
			    : standard || has_word(text, len, "SHA-256") ? "SHA256"
									 : "SHA1";
	authority->cipher = standard || has_word(text, len, "AES") ? "AES-128-CBC" : "DES-EDE3-CBC";
}

/* ---- its certificates ---- */

/* All in the reply; NULL: it is none. */
static STACK_OF(X509) * read_all(struct scep_bytes reply)
{
	const unsigned char *at = reply.bytes;
	X509 *only = d2i_X509(NULL, &at, (long)reply.len);
	STACK_OF(X509) *certs = NULL;
	CMS_ContentInfo *message = NULL;
	BIO *bio;

	if (only != NULL) {
		certs = at == reply.bytes + reply.len ? sk_X509_new_null() : NULL;
		if (certs != NULL && sk_X509_push(certs, only) > 0)
			return certs;
		X509_free(only);
		sk_X509_free(certs);
		return NULL;
	}
	bio = BIO_new_mem_buf(reply.bytes, (int)reply.len);
	if (bio != NULL)
		message = d2i_CMS_bio(bio, NULL);
	if (message != NULL)
		certs = CMS_get1_certs(message);
	CMS_ContentInfo_free(message);
	BIO_free(bio);
	return certs;
}

/* The one with this fingerprint; NULL: nobody. */
static X509 *
find_anchor(STACK_OF(X509) * certs, struct scep_bytes fingerprint)
{
	const EVP_MD *digest = fingerprint.len == SHA1_SIZE     ? EVP_sha1()
			       : fingerprint.len == SHA256_SIZE ? EVP_sha256()
								: NULL;

	for (int i = 0; digest != NULL && i < sk_X509_num(certs); i++) {
		unsigned char own[EVP_MAX_MD_SIZE];
		unsigned len;

		if (X509_digest(sk_X509_value(certs, i), digest, own, &len) == 1 &&
			len == fingerprint.len && memcmp(own, fingerprint.bytes, len) == 0)
			return sk_X509_value(certs, i);
	}
	return NULL;
}

/* Is there a way from CERT to ANCHOR? */
static bool
comes_from(X509 *cert, X509 *anchor, STACK_OF(X509) * certs)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	bool good = store != NULL && context != NULL && X509_STORE_add_cert(store, anchor) == 1 &&
		    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
		    X509_STORE_CTX_init(context, store, cert, certs) == 1 &&
		    X509_verify_cert(context) == 1;

	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	return good;
}

static void
add_pem(struct buf *pem, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (bio != NULL && PEM_write_bio_X509(bio, cert) == 1) {
		len = BIO_get_mem_data(bio, &text);
		buf_add(pem, text, (size_t)len);
	}
	BIO_free(bio);
}

enum err_kind
authority_read_certs(struct arena *arena, struct authority *authority, struct scep_bytes reply,
	struct scep_bytes fingerprint, struct err *err)
{
	STACK_OF(X509) *certs = reply.len > 0 && reply.len < PEM_MOST ? read_all(reply) : NULL;
	X509 *anchor = fingerprint.len > 0 ? find_anchor(certs, fingerprint) : NULL;
	enum err_kind kind = ERR_OK;
	struct buf pem;

	buf_init(&pem, arena, PEM_MOST);
	if (sk_X509_num(certs) <= 0)
		kind = err_set(err, ERR_BAD_INPUT, "these are no certificates of an authority");
	else if (fingerprint.len > 0 && anchor == NULL)
		kind = err_set(err, ERR_FORBIDDEN,
			"no certificate of the authority has the profile's CAFingerprint");
	for (int i = 0; kind == ERR_OK && i < sk_X509_num(certs); i++) {
		X509 *cert = sk_X509_value(certs, i);

		if (anchor == NULL || cert == anchor || comes_from(cert, anchor, certs))
			add_pem(&pem, cert);
	}
	sk_X509_pop_free(certs, X509_free);
	ERR_clear_error();
	authority->pem = pem.bytes;
	return kind == ERR_OK && pem.full ? err_set(err, ERR_TOO_LARGE, "too many certificates")
					  : kind;
}
