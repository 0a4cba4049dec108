/*
 * A device that cannot show its certificate in TLS signs each message: here is proved that it did.
 */
#include "codec/cms.h"

#include <limits.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "codec/x509_parts.h"

static const int digests[] = {NID_sha1, NID_sha256, NID_sha384, NID_sha512};

static enum err_kind
refuse(struct err *err, const char *reason)
{
	return err_set(err, ERR_FORBIDDEN, "the signature %s", reason);
}

static enum err_kind
check_digest(CMS_SignerInfo *info, bool allow_sha1, bool *sha1, struct err *err)
{
	X509_ALGOR *digest;
	const ASN1_OBJECT *object;
	int nid;

	CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, NULL);
	X509_ALGOR_get0(&object, NULL, NULL, digest);
	nid = OBJ_obj2nid(object);
	*sha1 = nid == NID_sha1;
	if (*sha1 && !allow_sha1)
		return refuse(err, "is made with SHA-1, which the setting signature_sha1 forbids");
	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++)
		if (nid == digests[i])
			return ERR_OK;
	return refuse(err, "has a digest that is not accepted");
}

/* Some bring their content all the same: then it is to be the body. */
static bool
brings_another(CMS_ContentInfo *message, const struct cms_detached *detached)
{
	ASN1_OCTET_STRING **content = CMS_get0_content(message);

	if (content == NULL || *content == NULL || detached->body == NULL)
		return false;
	return (size_t)ASN1_STRING_length(*content) != detached->body_len ||
	       memcmp(ASN1_STRING_get0_data(*content), detached->body, detached->body_len) != 0;
}

/* Its one signature. */
static enum err_kind
check_form(CMS_ContentInfo *message, const struct cms_detached *detached, CMS_SignerInfo **info,
	struct err *err)
{
	STACK_OF(CMS_SignerInfo) * infos;

	if (message == NULL)
		return refuse(err, "cannot be read");
	if (OBJ_obj2nid(CMS_get0_type(message)) != NID_pkcs7_signed)
		return refuse(err, "is another kind of CMS message");
	if (brings_another(message, detached))
		return refuse(err, "brings another content than this message");
	infos = CMS_get0_SignerInfos(message);
	if (sk_CMS_SignerInfo_num(infos) != 1)
		return refuse(err, "has not one signer");
	*info = sk_CMS_SignerInfo_value(infos, 0);
	return ERR_OK;
}

static enum err_kind
check_signer(CMS_ContentInfo *message, CMS_SignerInfo *info, const struct cms_detached *detached,
	struct cms_signer *signer, struct err *err)
{
	STACK_OF(X509) *certs = CMS_get1_certs(message);
	unsigned char *der = NULL;
	X509 *cert = NULL;
	enum err_kind kind;
	int len = -1;

	if (CMS_set1_signers_certs(message, NULL, 0) == 1)
		CMS_SignerInfo_get0_algs(info, NULL, &cert, NULL, NULL);
	if (cert == NULL)
		kind = refuse(err, "comes without its signer's certificate");
	else
		kind = x509_chain_check(detached->trust, cert, certs, err);
	if (kind == ERR_OK && (len = i2d_X509(cert, &der)) < 0)
		kind = x509_failed(err, "writing a certificate");
	if (kind == ERR_OK)
		x509_hash(der, (size_t)len, signer->certificate);
	if (kind == ERR_OK && detached->arena != NULL) {
		signer->der_len = (size_t)len;
		signer->der = (unsigned char *)arena_memdup(detached->arena, der, (size_t)len);
	}
	OPENSSL_free(der);
	sk_X509_pop_free(certs, X509_free);
	return kind;
}

/* All but the signature itself; *MESSAGE is to be freed in any case. */
static enum err_kind
open_message(const struct cms_detached *detached, CMS_ContentInfo **message,
	struct cms_signer *signer, struct err *err)
{
	const unsigned char *at = detached->signature;
	CMS_SignerInfo *info = NULL;
	enum err_kind kind;

	*signer = (struct cms_signer){0};
	*message = NULL;
	if (detached->signature_len > 0 && detached->signature_len <= LONG_MAX)
		*message = d2i_CMS_ContentInfo(NULL, &at, (long)detached->signature_len);
	kind = check_form(*message, detached, &info, err);
	if (kind == ERR_OK)
		kind = check_digest(info, detached->allow_sha1, &signer->sha1, err);
	if (kind == ERR_OK)
		kind = check_signer(*message, info, detached, signer, err);
	return kind;
}

static enum err_kind
close_message(CMS_ContentInfo *message, enum err_kind kind, struct cms_signer *signer)
{
	CMS_ContentInfo_free(message);
	ERR_clear_error();
	if (kind != ERR_OK)
		*signer = (struct cms_signer){0};
	return kind;
}

enum err_kind
cms_claimed_signer(const struct cms_detached *detached, struct cms_signer *signer, struct err *err)
{
	CMS_ContentInfo *message;
	enum err_kind kind = open_message(detached, &message, signer, err);

	return close_message(message, kind, signer);
}

/* The chain has been looked at, by our own rules: OpenSSL's are for mail. */
static enum err_kind
check_signature(CMS_ContentInfo *message, const struct cms_detached *detached, struct err *err)
{
	const unsigned flags = CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY;
	enum err_kind kind = ERR_OK;
	BIO *body = NULL;

	if (detached->body_len <= INT_MAX)
		body = BIO_new_mem_buf(detached->body, (int)detached->body_len);
	if (body == NULL)
		kind = x509_failed(err, "verifying a signature");
	else if (CMS_verify(message, NULL, NULL, body, NULL, flags) != 1)
		kind = refuse(err, "is not one of this message");
	BIO_free(body);
	return kind;
}

enum err_kind
cms_verify_detached(const struct cms_detached *detached, struct cms_signer *signer, struct err *err)
{
	CMS_ContentInfo *message;
	enum err_kind kind = open_message(detached, &message, signer, err);

	if (kind == ERR_OK)
		kind = check_signature(message, detached, err);
	return close_message(message, kind, signer);
}
