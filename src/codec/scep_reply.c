/*
 * What the authority says: CertRep, and its certificates.
 */
#include "codec/scep.h"

#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/rand.h>

#include "codec/scep_parts.h"
#include "codec/x509_parts.h"

enum { NONCE_SIZE = 16 };

/* ---- bytes ---- */

/* DER is what an i2d function has made, with what it returned. */
static bool
keep_der(struct arena *arena, unsigned char *der, int len, struct scep_bytes *kept)
{
	if (len > 0)
		*kept = (struct scep_bytes){
			.bytes = (unsigned char *)arena_memdup(arena, der, (size_t)len),
			.len = (size_t)len};
	OPENSSL_free(der);
	return len > 0;
}

static bool
keep_message(struct arena *arena, const CMS_ContentInfo *message, struct scep_bytes *kept)
{
	unsigned char *der = NULL;
	int len = message == NULL ? -1 : i2d_CMS_ContentInfo(message, &der);

	return keep_der(arena, der, len, kept);
}

/* ---- certificates only ---- */

/* The "degenerate" PKCS#7 message: signed by nobody, it only holds CERTS. */
static bool
write_degenerate(struct arena *arena, STACK_OF(X509) * certs, struct scep_bytes *out)
{
	PKCS7 *message = PKCS7_new();
	unsigned char *der = NULL;
	bool made = message != NULL && PKCS7_set_type(message, NID_pkcs7_signed) == 1;
	int len;

	if (made)
		message->d.sign->contents->type = OBJ_nid2obj(NID_pkcs7_data);
	for (int i = 0; made && i < sk_X509_num(certs); i++)
		made = PKCS7_add_certificate(message, sk_X509_value(certs, i)) == 1;
	len = made ? i2d_PKCS7(message, &der) : -1;
	PKCS7_free(message);
	return keep_der(arena, der, len, out);
}

static bool
write_only(struct arena *arena, const X509 *cert, struct scep_bytes *out)
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);

	return keep_der(arena, der, len, out);
}

enum err_kind
scep_write_certs(
	struct arena *arena, const char *pem, struct scep_bytes *reply, bool *many, struct err *err)
{
	struct x509_parts parts;
	enum err_kind kind = x509_parts_read(&parts, pem, strlen(pem), NULL, err);
	int count = sk_X509_num(parts.certs);
	bool made;

	*reply = (struct scep_bytes){0};
	*many = count > 1;
	if (kind == ERR_OK) {
		made = *many ? write_degenerate(arena, parts.certs, reply)
			     : count == 1 &&
				       write_only(arena, sk_X509_value(parts.certs, 0), reply);
		kind = made ? ERR_OK : x509_failed(err, "writing the CA's certificates");
	}
	x509_parts_release(&parts);
	ERR_clear_error();
	return kind;
}

/* ---- signing ---- */

/* A signed message that has its content already, but not its attributes. */
static CMS_ContentInfo *
start_signed(const struct scep_key *key, int digest, CMS_SignerInfo **signer)
{
	CMS_ContentInfo *message = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);

	*signer = message == NULL ? NULL
				  : CMS_add1_signer(message, key->cert, key->key,
					    EVP_get_digestbynid(digest),
					    CMS_PARTIAL | CMS_BINARY | CMS_NOSMIMECAP);
	if (*signer != NULL)
		return message;
	CMS_ContentInfo_free(message);
	return NULL;
}

static bool
finish_signed(struct arena *arena, CMS_ContentInfo *message, const struct scep_bytes *content,
	struct scep_bytes *out)
{
	BIO *bio = BIO_new_mem_buf(
		content->len == 0 ? "" : (const void *)content->bytes, (int)content->len);
	bool made = bio != NULL && CMS_final(message, bio, NULL, CMS_BINARY) == 1 &&
		    keep_message(arena, message, out);

	BIO_free(bio);
	return made;
}

static bool
add(CMS_SignerInfo *signer, const char *oid, int type, const void *bytes, size_t len)
{
	return CMS_signed_add1_attr_by_txt(signer, oid, type, bytes, (int)len) == 1;
}

static bool
add_text(CMS_SignerInfo *signer, const char *oid, const char *text)
{
	return add(signer, oid, V_ASN1_PRINTABLESTRING, text, strlen(text));
}

/* FAIL is NULL in a success. */
static bool
add_attributes(CMS_SignerInfo *signer, const struct scep_request *request, const char *fail)
{
	unsigned char nonce[NONCE_SIZE];

	return RAND_bytes(nonce, NONCE_SIZE) == 1 &&
	       add_text(signer, SCEP_OID_TRANSACTION_ID, request->transaction_id) &&
	       add_text(signer, SCEP_OID_MESSAGE_TYPE, "3") && /* CertRep */
	       add_text(signer, SCEP_OID_PKI_STATUS, fail == NULL ? "0" : "2") &&
	       (fail == NULL || add_text(signer, SCEP_OID_FAIL_INFO, fail)) &&
	       add(signer, SCEP_OID_SENDER_NONCE, V_ASN1_OCTET_STRING, nonce, NONCE_SIZE) &&
	       (request->nonce.bytes == NULL ||
		       add(signer, SCEP_OID_RECIPIENT_NONCE, V_ASN1_OCTET_STRING,
			       request->nonce.bytes, request->nonce.len));
}

static bool
write_reply(struct arena *arena, const struct scep_key *key, const struct scep_request *request,
	const char *fail, const struct scep_bytes *content, struct scep_bytes *reply)
{
	CMS_SignerInfo *signer;
	CMS_ContentInfo *message = start_signed(key, request->digest, &signer);
	bool made = message != NULL && add_attributes(signer, request, fail) &&
		    finish_signed(arena, message, content, reply);

	CMS_ContentInfo_free(message);
	return made;
}

enum err_kind
scep_write_failure(struct arena *arena, const struct scep_key *key,
	const struct scep_request *request, struct scep_bytes *reply, struct err *err)
{
	const struct scep_bytes nothing = {0}; /* an empty content, and not none */
	enum err_kind kind;
	char fail[12];
	bool made;

	snprintf(fail, sizeof(fail), "%d", (int)request->fail);
	made = write_reply(arena, key, request, fail, &nothing, reply);
	kind = made ? ERR_OK : x509_failed(err, "writing a SCEP reply");
	ERR_clear_error();
	return kind;
}

/* ---- the certificate ---- */

/* CONTENT encrypted to the request's signer, with the cipher of the request. */
static bool
encrypt(struct arena *arena, const struct scep_request *request, const struct scep_bytes *content,
	struct scep_bytes *out)
{
	OSSL_LIB_CTX *context = scep_context_of(request->cipher);
	X509 *signer = X509_new_ex(context, NULL);
	STACK_OF(X509) *recipients = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(content->bytes, (int)content->len);
	const unsigned char *at = request->signer.bytes;
	CMS_ContentInfo *message = NULL;
	bool made = false;

	if (signer != NULL && recipients != NULL && bio != NULL &&
		d2i_X509(&signer, &at, (long)request->signer.len) != NULL &&
		sk_X509_push(recipients, signer) > 0) {
		message = CMS_encrypt_ex(recipients, bio, EVP_get_cipherbynid(request->cipher),
			CMS_BINARY, context, NULL);
		made = keep_message(arena, message, out);
	}
	CMS_ContentInfo_free(message);
	BIO_free(bio);
	sk_X509_free(recipients);
	X509_free(signer);
	return made;
}

static bool
write_issued(struct arena *arena, const void *cert, size_t cert_len, struct scep_bytes *out)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	const unsigned char *at = cert;
	X509 *issued = d2i_X509(NULL, &at, (long)cert_len);
	bool made = certs != NULL && issued != NULL && sk_X509_push(certs, issued) > 0 &&
		    write_degenerate(arena, certs, out);

	sk_X509_free(certs);
	X509_free(issued);
	return made;
}

enum err_kind
scep_write_success(struct arena *arena, const struct scep_key *key,
	const struct scep_request *request, const void *cert, size_t cert_len,
	struct scep_bytes *reply, struct err *err)
{
	struct scep_bytes issued, content;
	bool made = write_issued(arena, cert, cert_len, &issued) &&
		    encrypt(arena, request, &issued, &content) &&
		    write_reply(arena, key, request, NULL, &content, reply);
	enum err_kind kind = made ? ERR_OK : x509_failed(err, "writing a SCEP reply");

	ERR_clear_error();
	return kind;
}

enum err_kind
scep_write_next(struct arena *arena, const struct scep_key *key, const char *pem,
	struct scep_bytes *reply, struct err *err)
{
	struct x509_parts parts;
	enum err_kind kind = x509_parts_read(&parts, pem, strlen(pem), NULL, err);
	struct scep_bytes content;
	CMS_ContentInfo *message;
	CMS_SignerInfo *signer;

	if (kind == ERR_OK) {
		message = start_signed(key, NID_sha256, &signer);
		if (message == NULL || !write_degenerate(arena, parts.certs, &content) ||
			!finish_signed(arena, message, &content, reply))
			kind = x509_failed(err, "writing the next CA's certificates");
		CMS_ContentInfo_free(message);
	}
	x509_parts_release(&parts);
	ERR_clear_error();
	return kind;
}
