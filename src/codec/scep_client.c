/*
 * What a device does in SCEP.  Not used by the server.
 */
#include "codec/scep_client.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/asn1t.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "codec/scep_parts.h"
#include "codec/text.h"
#include "codec/x509_parts.h"

enum { NONCE_SIZE = 16, TRANSACTION_SIZE = 20, RSA_BITS = 2048 };

struct scep_client {
	struct x509_parts authority;
	struct x509_parts old; /* of a renewal */
	X509 *recipient;       /* one of the authority's */
	EVP_PKEY *key;
	X509_REQ *csr;
	X509 *signer;
	EVP_PKEY *signer_key;
	const EVP_MD *digest;
	const EVP_CIPHER *cipher;
	char transaction[2 * TRANSACTION_SIZE + 1];
	unsigned char nonce[NONCE_SIZE];
};

/* ---- a wish ---- */

static X509 *
find_recipient(const struct x509_parts *authority)
{
	X509 *found = NULL;

	for (int i = 0; i < sk_X509_num(authority->certs); i++) {
		X509 *cert = sk_X509_value(authority->certs, i);
		EVP_PKEY *key = X509_get0_pubkey(cert);

		if (key == NULL || !EVP_PKEY_is_a(key, "RSA"))
			continue;
		/* A registration authority says that it enciphers, a CA alone mostly not. */
		if (found == NULL || ((X509_get_extension_flags(cert) & EXFLAG_KUSAGE) != 0 &&
					     (X509_get_key_usage(cert) & KU_KEY_ENCIPHERMENT) != 0))
			found = cert;
	}
	return found;
}

static EVP_PKEY *
read_key(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	BIO_free(bio);
	return key;
}

static EVP_PKEY *
make_key(const struct scep_client_terms *terms)
{
	if (terms->key_pem != NULL)
		return read_key(terms->key_pem);
	if (terms->key == X509_KEY_EC_P256)
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS);
}

static bool
set_name(X509_NAME *name, const char *common_name)
{
	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
		       (const unsigned char *)common_name, -1, -1, 0) == 1;
}

static X509_REQ *
make_csr(const struct scep_client *client, const struct scep_client_terms *terms)
{
	X509_REQ *csr = X509_REQ_new();

	if (csr != NULL && X509_REQ_set_pubkey(csr, client->key) == 1 &&
		set_name(X509_REQ_get_subject_name(csr), terms->common_name) &&
		(terms->challenge == NULL ||
			X509_REQ_add1_attr_by_NID(csr, NID_pkcs9_challengePassword, MBSTRING_UTF8,
				(const unsigned char *)terms->challenge, -1) == 1) &&
		X509_REQ_sign(csr, client->key, client->digest) > 0)
		return csr;
	X509_REQ_free(csr);
	return NULL;
}

/* A certificate for the one purpose of signing the request. */
static X509 *
make_signer(EVP_PKEY *key)
{
	X509 *cert = X509_new();

	if (cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1 &&
		ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
		set_name(X509_get_subject_name(cert), "SCEP SIGNER") &&
		X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1 &&
		X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
		X509_gmtime_adj(X509_getm_notAfter(cert), 24 * 3600L) != NULL &&
		X509_set_pubkey(cert, key) == 1 && X509_sign(cert, key, EVP_sha256()) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

/* The reply is encrypted to the signer, so its key must be RSA; not that of an EC identity. */
static bool
choose_signer(struct scep_client *client)
{
	if (client->old.key_count == 1 && sk_X509_num(client->old.certs) > 0) {
		client->signer = sk_X509_value(client->old.certs, 0);
		client->signer_key = client->old.keys[0];
		return X509_up_ref(client->signer) == 1 && EVP_PKEY_up_ref(client->signer_key) == 1;
	}
	client->signer_key = client->key;
	if (EVP_PKEY_is_a(client->key, "RSA")) {
		if (EVP_PKEY_up_ref(client->key) != 1)
			client->signer_key = NULL;
	} else
		client->signer_key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS);
	client->signer = client->signer_key == NULL ? NULL : make_signer(client->signer_key);
	return client->signer != NULL;
}

static bool
draw_numbers(struct scep_client *client)
{
	unsigned char id[TRANSACTION_SIZE];
	static const char digits[] = "0123456789abcdef";

	if (RAND_bytes(id, sizeof(id)) != 1 || RAND_bytes(client->nonce, NONCE_SIZE) != 1)
		return false;
	for (size_t i = 0; i < sizeof(id); i++) {
		client->transaction[2 * i] = digits[id[i] >> 4];
		client->transaction[2 * i + 1] = digits[id[i] & 15];
	}
	return true;
}

static enum err_kind
prepare(struct scep_client *client, const struct scep_client_terms *terms, struct err *err)
{
	enum err_kind kind = x509_parts_read(
		&client->authority, terms->ca_pem, strlen(terms->ca_pem), NULL, err);

	if (kind == ERR_OK && terms->old != NULL)
		kind = x509_parts_read_identity(&client->old, terms->old, err);
	if (kind != ERR_OK)
		return kind;
	client->digest = EVP_get_digestbyname(terms->digest == NULL ? "SHA256" : terms->digest);
	client->cipher =
		EVP_get_cipherbyname(terms->cipher == NULL ? "AES-128-CBC" : terms->cipher);
	client->recipient = find_recipient(&client->authority);
	if (client->digest == NULL || client->cipher == NULL || client->recipient == NULL)
		return err_set(err, ERR_BAD_INPUT,
			"no such digest or cipher, or no RSA key to encrypt to");
	client->key = make_key(terms);
	client->csr = client->key == NULL ? NULL : make_csr(client, terms);
	if (client->csr == NULL || !choose_signer(client) || !draw_numbers(client))
		return x509_failed(err, "preparing a SCEP request");
	return ERR_OK;
}

enum err_kind
scep_client_new(const struct scep_client_terms *terms, struct scep_client **client, struct err *err)
{
	struct scep_client *made = calloc(1, sizeof(*made));
	enum err_kind kind;

	if (made == NULL)
		abort();
	kind = prepare(made, terms, err);
	ERR_clear_error();
	*client = kind == ERR_OK ? made : NULL;
	if (kind != ERR_OK)
		scep_client_free(made);
	return kind;
}

void
scep_client_free(struct scep_client *client)
{
	if (client == NULL)
		return;
	X509_free(client->signer);
	EVP_PKEY_free(client->signer_key);
	X509_REQ_free(client->csr);
	EVP_PKEY_free(client->key);
	x509_parts_release(&client->old);
	x509_parts_release(&client->authority);
	free(client);
}

/* ---- the message ---- */

/* IssuerAndSubject, section 3.3.3. */
typedef struct {
	const X509_NAME *issuer, *subject;
} SCEP_POLL;

ASN1_SEQUENCE(SCEP_POLL) =
	{
		ASN1_SIMPLE(SCEP_POLL, issuer, X509_NAME),
		ASN1_SIMPLE(SCEP_POLL, subject, X509_NAME),
} static_ASN1_SEQUENCE_END(SCEP_POLL)

	/* What the envelope holds: the CSR, or for a poll who would issue what. */
	static BIO
	* make_content(const struct scep_client *client, enum scep_type type)
{
	SCEP_POLL poll = {
		.issuer = X509_get_subject_name(client->recipient),
		.subject = X509_REQ_get_subject_name(client->csr),
	};
	BIO *content = BIO_new(BIO_s_mem());
	int made = content == NULL ? 0
		   : type == SCEP_CERT_POLL
			   ? ASN1_item_i2d_bio(ASN1_ITEM_rptr(SCEP_POLL), content, &poll)
			   : i2d_X509_REQ_bio(content, client->csr);

	if (made == 1)
		return content;
	BIO_free(content);
	return NULL;
}

static BIO *
make_envelope(const struct scep_client *client, enum scep_type type)
{
	bool legacy = EVP_CIPHER_get_nid(client->cipher) == NID_des_cbc;
	OSSL_LIB_CTX *context = legacy ? x509_legacy_context() : NULL;
	STACK_OF(X509) *recipients = sk_X509_new_null();
	BIO *content = make_content(client, type), *out = BIO_new(BIO_s_mem());
	CMS_ContentInfo *message = NULL;

	if (recipients != NULL && content != NULL && out != NULL &&
		sk_X509_push(recipients, client->recipient) > 0)
		message = CMS_encrypt_ex(
			recipients, content, client->cipher, CMS_BINARY, context, NULL);
	if (message == NULL || i2d_CMS_bio(out, message) != 1) {
		BIO_free(out);
		out = NULL;
	}
	CMS_ContentInfo_free(message);
	BIO_free(content);
	sk_X509_free(recipients);
	return out;
}

static bool
add(CMS_SignerInfo *signer, const char *oid, int type, const void *bytes, size_t len)
{
	return CMS_signed_add1_attr_by_txt(signer, oid, type, bytes, (int)len) == 1;
}

static bool
add_attributes(CMS_SignerInfo *signer, const struct scep_client *client, const char *type)
{
	return add(signer, SCEP_OID_TRANSACTION_ID, V_ASN1_PRINTABLESTRING, client->transaction,
		       strlen(client->transaction)) &&
	       add(signer, SCEP_OID_MESSAGE_TYPE, V_ASN1_PRINTABLESTRING, type, strlen(type)) &&
	       add(signer, SCEP_OID_SENDER_NONCE, V_ASN1_OCTET_STRING, client->nonce, NONCE_SIZE);
}

enum err_kind
scep_client_ask(struct arena *arena, const struct scep_client *client, enum scep_type type,
	struct scep_bytes *message, struct err *err)
{
	BIO *envelope = make_envelope(client, type);
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
	CMS_SignerInfo *signer =
		cms == NULL ? NULL
			    : CMS_add1_signer(cms, client->signer, client->signer_key,
				      client->digest, CMS_PARTIAL | CMS_BINARY | CMS_NOSMIMECAP);
	const char *number = arena_printf(arena, "%d", (int)type);
	unsigned char *der = NULL;
	enum err_kind kind = ERR_OK;
	int len = -1;

	if (envelope != NULL && signer != NULL && add_attributes(signer, client, number) &&
		CMS_final(cms, envelope, NULL, CMS_BINARY) == 1)
		len = i2d_CMS_ContentInfo(cms, &der);
	if (len > 0)
		*message = (struct scep_bytes){
			.bytes = (unsigned char *)arena_memdup(arena, der, (size_t)len),
			.len = (size_t)len};
	else
		kind = x509_failed(err, "making a SCEP request");
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(envelope);
	ERR_clear_error();
	return kind;
}

/* ---- the reply ---- */

/* A signed attribute's value; NULL when it is not there. */
static const ASN1_STRING *
attribute(CMS_SignerInfo *signer, const char *oid, int type)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	const ASN1_STRING *value = CMS_signed_get0_data_by_OBJ(signer, object, -3, type);

	ASN1_OBJECT_free(object);
	return value;
}

static bool
is(const ASN1_STRING *value, const void *bytes, size_t len)
{
	return value != NULL && (size_t)ASN1_STRING_length(value) == len &&
	       memcmp(ASN1_STRING_get0_data(value), bytes, len) == 0;
}

/* Signed by the authority, and meant for us? */
static CMS_SignerInfo *
check_reply(CMS_ContentInfo *reply, const struct scep_client *client, BIO *content)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(reply);
	CMS_SignerInfo *signer =
		sk_CMS_SignerInfo_num(signers) == 1 ? sk_CMS_SignerInfo_value(signers, 0) : NULL;

	if (signer == NULL || CMS_verify(reply, client->authority.certs, NULL, NULL, content,
				      CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) != 1)
		return NULL;
	return is(attribute(signer, SCEP_OID_TRANSACTION_ID, V_ASN1_PRINTABLESTRING),
		       client->transaction, strlen(client->transaction)) &&
			       is(attribute(signer, SCEP_OID_RECIPIENT_NONCE, V_ASN1_OCTET_STRING),
				       client->nonce, NONCE_SIZE) &&
			       is(attribute(signer, SCEP_OID_MESSAGE_TYPE, V_ASN1_PRINTABLESTRING),
				       "3", 1)
		       ? signer
		       : NULL;
}

/* The certificate for our key in the encrypted message. */
static enum err_kind
take_certificate(struct arena *arena, const struct scep_client *client, BIO *envelope,
	struct x509_identity *identity, struct err *err)
{
	bool legacy = EVP_CIPHER_get_nid(client->cipher) == NID_des_cbc;
	CMS_ContentInfo *message =
		CMS_ContentInfo_new_ex(legacy ? x509_legacy_context() : NULL, NULL);
	BIO *content = BIO_new(BIO_s_mem());
	CMS_ContentInfo *inner = NULL;
	STACK_OF(X509) *certs = NULL;

	*identity = (struct x509_identity){0};
	if (message != NULL && content != NULL && d2i_CMS_bio(envelope, &message) != NULL &&
		CMS_decrypt(message, client->signer_key, client->signer, NULL, content,
			CMS_BINARY) == 1)
		inner = d2i_CMS_bio(content, NULL);
	certs = inner == NULL ? NULL : CMS_get1_certs(inner);
	if (sk_X509_num(certs) > 0 &&
		X509_check_private_key(sk_X509_value(certs, 0), client->key) == 1) {
		identity->cert_pem = x509_certs_to_pem(arena, certs);
		identity->key_pem = x509_key_to_pem(arena, client->key);
	}
	sk_X509_pop_free(certs, X509_free);
	CMS_ContentInfo_free(inner);
	CMS_ContentInfo_free(message);
	BIO_free(content);
	return identity->key_pem != NULL
		       ? ERR_OK
		       : err_set(err, ERR_BAD_INPUT, "the reply holds no certificate for the key");
}

enum err_kind
scep_client_take(struct arena *arena, const struct scep_client *client, const void *bytes,
	size_t len, struct x509_identity *identity, enum scep_fail *fail, struct err *err)
{
	BIO *in = BIO_new_mem_buf(bytes, len > INT_MAX ? 0 : (int)len);
	BIO *content = BIO_new(BIO_s_mem());
	CMS_ContentInfo *reply = in == NULL ? NULL : d2i_CMS_bio(in, NULL);
	CMS_SignerInfo *signer =
		reply == NULL || content == NULL ? NULL : check_reply(reply, client, content);
	const ASN1_STRING *why;
	enum err_kind kind;

	if (signer == NULL)
		kind = err_set(
			err, ERR_BAD_INPUT, "this is no reply of the authority to this request");
	else if (is(attribute(signer, SCEP_OID_PKI_STATUS, V_ASN1_PRINTABLESTRING), "0", 1))
		kind = take_certificate(arena, client, content, identity, err);
	else {
		why = attribute(signer, SCEP_OID_FAIL_INFO, V_ASN1_PRINTABLESTRING);
		*fail = why == NULL ? SCEP_BAD_REQUEST
				    : (enum scep_fail)(*ASN1_STRING_get0_data(why) - '0');
		kind = err_set(
			err, ERR_FORBIDDEN, "the authority refuses: failInfo %d", (int)*fail);
	}
	CMS_ContentInfo_free(reply);
	BIO_free(content);
	BIO_free(in);
	ERR_clear_error();
	return kind;
}
