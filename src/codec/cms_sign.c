/*
 * Signs what devices are to install, and opens what devices and operators bring.
 */
#include "codec/cms_sign.h"

#include <limits.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "codec/x509_parts.h"

static const int digests[] = {NID_sha1, NID_sha256, NID_sha384, NID_sha512};

/* ---- signing ---- */

/* The leaf comes first in an identity. */
static CMS_ContentInfo *
make_message(const struct x509_parts *parts, BIO *content)
{
	const unsigned flags = CMS_BINARY | CMS_NOSMIMECAP | CMS_PARTIAL;
	CMS_ContentInfo *message = CMS_sign(NULL, NULL, NULL, content, flags);

	if (message == NULL)
		return NULL;
	for (int i = 1; i < sk_X509_num(parts->certs); i++)
		if (CMS_add1_cert(message, sk_X509_value(parts->certs, i)) != 1)
			goto failed;
	if (CMS_add1_signer(message, sk_X509_value(parts->certs, 0), parts->keys[0], EVP_sha256(),
		    flags) == NULL)
		goto failed;
	if (CMS_final(message, content, NULL, flags) == 1)
		return message;
failed:
	CMS_ContentInfo_free(message);
	return NULL;
}

enum err_kind
cms_sign(struct arena *arena, const struct x509_identity *identity, const void *content, size_t len,
	unsigned char **message, size_t *message_len, struct err *err)
{
	struct x509_parts parts = {0};
	CMS_ContentInfo *made = NULL;
	unsigned char *der = NULL;
	BIO *bio = NULL;
	int der_len = -1;
	enum err_kind kind = x509_parts_read_identity(&parts, identity, err);

	*message = NULL;
	*message_len = 0;
	if (kind != ERR_OK)
		goto out;
	bio = len <= INT_MAX ? BIO_new_mem_buf(len == 0 ? "" : content, (int)len) : NULL;
	if (bio != NULL)
		made = make_message(&parts, bio);
	if (made != NULL)
		der_len = i2d_CMS_ContentInfo(made, &der);
	if (der_len < 0) {
		kind = x509_failed(err, "signing");
		goto out;
	}
	*message = (unsigned char *)arena_memdup(arena, der, (size_t)der_len);
	*message_len = (size_t)der_len;
out:
	OPENSSL_free(der);
	CMS_ContentInfo_free(made);
	BIO_free(bio);
	x509_parts_release(&parts);
	ERR_clear_error();
	return kind;
}

/* ---- opening ---- */

static enum err_kind
refuse(struct err *err, const char *reason)
{
	return err_set(err, ERR_FORBIDDEN, "the signature %s", reason);
}

/* A signed message with its content and one signature. */
static enum err_kind
check_form(CMS_ContentInfo *message, CMS_SignerInfo **info, struct err *err)
{
	STACK_OF(CMS_SignerInfo) * infos;

	if (message == NULL)
		return err_set(err, ERR_BAD_INPUT, "this is no signed message (CMS)");
	if (OBJ_obj2nid(CMS_get0_type(message)) != NID_pkcs7_signed)
		return err_set(err, ERR_BAD_INPUT, "this CMS message is not a signed one");
	if (CMS_is_detached(message) != 0)
		return err_set(err, ERR_BAD_INPUT,
			"the signed message holds no content: its signature is a detached one");
	infos = CMS_get0_SignerInfos(message);
	if (sk_CMS_SignerInfo_num(infos) != 1)
		return refuse(err, "is not that of one signer");
	*info = sk_CMS_SignerInfo_value(infos, 0);
	return ERR_OK;
}

static enum err_kind
check_digest(CMS_SignerInfo *info, bool *sha1, struct err *err)
{
	const ASN1_OBJECT *object;
	X509_ALGOR *digest;
	int nid;

	CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, NULL);
	X509_ALGOR_get0(&object, NULL, NULL, digest);
	nid = OBJ_obj2nid(object);
	*sha1 = nid == NID_sha1;
	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++)
		if (nid == digests[i])
			return ERR_OK;
	return refuse(err, "has a digest that is not accepted");
}

static X509 *
find_signer(CMS_ContentInfo *message, CMS_SignerInfo *info)
{
	X509 *cert = NULL;

	if (CMS_set1_signers_certs(message, NULL, 0) == 1)
		CMS_SignerInfo_get0_algs(info, NULL, &cert, NULL, NULL);
	return cert;
}

/* Who is believed; NULL with the error set. */
static X509_STORE *
make_store(const struct cms_trust *trust, struct err *err)
{
	X509_STORE *store = X509_STORE_new();
	X509_VERIFY_PARAM *param;
	BIO *bio = trust->anchors == NULL ? NULL : BIO_new_mem_buf(trust->anchors, -1);
	X509 *cert;
	int count = 0;

	if (store == NULL)
		goto failed;
	param = X509_STORE_get0_param(store);
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	if (trust->ignore_time)
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
	if (trust->system && X509_STORE_set_default_paths(store) != 1)
		goto failed;
	while (bio != NULL && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		X509_STORE_add_cert(store, cert);
		X509_free(cert);
		count++;
	}
	BIO_free(bio);
	if (count > 0 || trust->system)
		return store;
	err_set(err, ERR_BAD_INPUT, "there is no certificate to trust");
	X509_STORE_free(store);
	return NULL;
failed:
	x509_failed(err, "the certificates to trust");
	BIO_free(bio);
	X509_STORE_free(store);
	return NULL;
}

static enum err_kind
check_chain(CMS_ContentInfo *message, X509 *signer, const struct cms_trust *trust, struct err *err)
{
	X509_STORE_CTX *context = NULL;
	STACK_OF(X509) *between = NULL;
	X509_STORE *store;
	enum err_kind kind = ERR_OK;

	if (trust->anchors == NULL && !trust->system)
		return ERR_OK;
	store = make_store(trust, err);
	if (store == NULL)
		return err == NULL ? ERR_INTERNAL : err->kind;
	context = X509_STORE_CTX_new();
	between = CMS_get1_certs(message);
	if (context == NULL || X509_STORE_CTX_init(context, store, signer, between) != 1)
		kind = x509_failed(err, "verifying a certificate");
	else if (X509_verify_cert(context) != 1)
		kind = err_set(err, ERR_FORBIDDEN, "the signer's certificate is not trusted: %s",
			X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
	X509_STORE_CTX_free(context);
	sk_X509_pop_free(between, X509_free);
	X509_STORE_free(store);
	return kind;
}

/* The chain is looked at by rules of our own: OpenSSL's are for mail. */
static enum err_kind
take_content(
	struct arena *arena, CMS_ContentInfo *message, struct cms_signed *opened, struct err *err)
{
	const unsigned flags = CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY;
	BIO *content = BIO_new(BIO_s_mem());
	enum err_kind kind = ERR_OK;
	char *bytes;
	long len;

	if (content == NULL)
		return x509_failed(err, "verifying a signature");
	if (CMS_verify(message, NULL, NULL, NULL, content, flags) != 1)
		kind = refuse(err, "is not one of this content");
	else {
		len = BIO_get_mem_data(content, &bytes);
		opened->content_len = len > 0 ? (size_t)len : 0;
		opened->content = (unsigned char *)arena_memdup(
			arena, len > 0 ? bytes : "", opened->content_len);
	}
	BIO_free(content);
	return kind;
}

static const char *
to_pem(struct arena *arena, X509 *cert)
{
	STACK_OF(X509) *one = sk_X509_new_null();
	const char *pem = NULL;

	if (one != NULL && sk_X509_push(one, cert) > 0)
		pem = x509_certs_to_pem(arena, one);
	sk_X509_free(one);
	return pem;
}

enum err_kind
cms_open(struct arena *arena, const void *bytes, size_t len, const struct cms_trust *trust,
	struct cms_signed *opened, struct err *err)
{
	const unsigned char *at = bytes;
	CMS_ContentInfo *message = NULL;
	CMS_SignerInfo *info = NULL;
	X509 *signer = NULL;
	enum err_kind kind;

	*opened = (struct cms_signed){0};
	if (len > 0 && len <= LONG_MAX)
		message = d2i_CMS_ContentInfo(NULL, &at, (long)len);
	kind = check_form(message, &info, err);
	if (kind == ERR_OK)
		kind = check_digest(info, &opened->sha1, err);
	if (kind == ERR_OK && (signer = find_signer(message, info)) == NULL)
		kind = refuse(err, "comes without its signer's certificate");
	if (kind == ERR_OK)
		kind = check_chain(message, signer, trust, err);
	if (kind == ERR_OK)
		kind = take_content(arena, message, opened, err);
	if (kind == ERR_OK && (opened->signer = to_pem(arena, signer)) == NULL)
		kind = x509_failed(err, "writing a certificate");
	if (kind != ERR_OK)
		*opened = (struct cms_signed){0};
	CMS_ContentInfo_free(message);
	ERR_clear_error();
	return kind;
}
