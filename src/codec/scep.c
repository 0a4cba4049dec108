/*
 * SCEP requests: from the bytes a device sends to a certificate request whose sender is known.
 */
#include "codec/scep.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/asn1t.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/err.h>

#include "codec/scep_parts.h"
#include "codec/text.h"
#include "codec/x509_parts.h"

enum {
	RECIPIENTS_MOST = 4, /* each may cost us a decryption */
	TRANSACTION_MOST = 255,
	NONCE_MOST = 64,
	CHALLENGE_MOST = 255, /* ub-challenge-password */
	SIGNER_BITS_LEAST = 1024,
	KEY_BITS_LEAST = 2048,
	KEY_BITS_MOST = 8192,
	READ_CHUNK = 4096,
};

/* ---- the authority's key ---- */

/* The key once more, for the context that knows old ciphers. */
static EVP_PKEY *
copy_to_legacy(const EVP_PKEY *key)
{
	OSSL_LIB_CTX *context = x509_legacy_context();
	unsigned char *der = NULL;
	int len = context == NULL ? -1 : i2d_PrivateKey(key, &der);
	const unsigned char *at = der;
	EVP_PKEY *copy =
		len <= 0 ? NULL : d2i_PrivateKey_ex(EVP_PKEY_RSA, NULL, &at, len, context, NULL);

	OPENSSL_clear_free(der, len <= 0 ? 0 : (size_t)len);
	return copy;
}

enum err_kind
scep_key_new(const struct x509_identity *identity, struct scep_key **key, struct err *err)
{
	struct x509_parts parts;
	enum err_kind kind = x509_parts_read_identity(&parts, identity, err);

	*key = NULL;
	if (kind == ERR_OK &&
		(sk_X509_num(parts.certs) < 1 || parts.key_count != 1 ||
			!EVP_PKEY_is_a(parts.keys[0], "RSA") ||
			X509_check_private_key(sk_X509_value(parts.certs, 0), parts.keys[0]) != 1))
		kind = err_set(err, ERR_BAD_INPUT, "SCEP wants a certificate and its RSA key");
	if (kind == ERR_OK) {
		*key = calloc(1, sizeof(**key));
		if (*key == NULL)
			abort();
		(*key)->cert = sk_X509_shift(parts.certs);
		(*key)->key = parts.keys[0];
		(*key)->legacy_key = copy_to_legacy(parts.keys[0]);
		parts.key_count = 0;
	}
	x509_parts_release(&parts);
	ERR_clear_error();
	return kind;
}

void
scep_key_free(struct scep_key *key)
{
	if (key == NULL)
		return;
	X509_free(key->cert);
	EVP_PKEY_free(key->key);
	EVP_PKEY_free(key->legacy_key);
	free(key);
}

OSSL_LIB_CTX *
scep_context_of(int cipher)
{
	return cipher == NID_des_cbc ? x509_legacy_context() : NULL;
}

/* ---- saying no ---- */

static enum err_kind
refuse(struct scep_request *request, enum scep_fail fail, struct err *err, const char *why)
{
	request->fail = fail;
	return err_set(err, ERR_FORBIDDEN, "%s", why);
}

static enum err_kind
malformed(struct err *err, const char *what)
{
	return err_set(err, ERR_BAD_INPUT, "this is no SCEP message: %s", what);
}

static struct scep_bytes
keep(struct arena *arena, const void *bytes, size_t len)
{
	return (struct scep_bytes){
		.bytes = (unsigned char *)arena_memdup(arena, bytes, len), .len = len};
}

/* ---- the signed message ---- */

/*
 * The value of a signed attribute, which must be there once, and of one of two types; NULL when it
 * is not.
 */
static const ASN1_STRING *
attribute(CMS_SignerInfo *signer, const char *oid)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	int place = object == NULL ? -1 : CMS_signed_get_attr_by_OBJ(signer, object, -1);
	bool twice = place >= 0 && CMS_signed_get_attr_by_OBJ(signer, object, place) >= 0;
	X509_ATTRIBUTE *found = place < 0 || twice ? NULL : CMS_signed_get_attr(signer, place);
	ASN1_TYPE *value = NULL;

	ASN1_OBJECT_free(object);
	if (found != NULL && X509_ATTRIBUTE_count(found) == 1)
		value = X509_ATTRIBUTE_get0_type(found, 0);
	if (value == NULL)
		return NULL;
	switch (ASN1_TYPE_get(value)) {
	case V_ASN1_PRINTABLESTRING:
	case V_ASN1_UTF8STRING:
	case V_ASN1_IA5STRING:
	case V_ASN1_T61STRING:
	case V_ASN1_OCTET_STRING:
		return value->value.asn1_string;
	default:
		return NULL;
	}
}

static enum err_kind
take_type(struct scep_request *request, CMS_SignerInfo *signer, struct err *err)
{
	const ASN1_STRING *value = attribute(signer, SCEP_OID_MESSAGE_TYPE);
	const unsigned char *digits = value == NULL ? NULL : ASN1_STRING_get0_data(value);
	int type = 0;

	if (value == NULL || ASN1_STRING_length(value) != 2)
		return malformed(err, "it has no messageType");
	for (int i = 0; i < 2; i++)
		type = type * 10 + (digits[i] - '0');
	request->type = (enum scep_type)type;
	return ERR_OK;
}

static int64_t
signing_time(CMS_SignerInfo *signer)
{
	int place = CMS_signed_get_attr_by_NID(signer, NID_pkcs9_signingTime, -1);
	X509_ATTRIBUTE *found = place < 0 ? NULL : CMS_signed_get_attr(signer, place);
	ASN1_TYPE *value = found == NULL ? NULL : X509_ATTRIBUTE_get0_type(found, 0);
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0;

	if (value != NULL && epoch != NULL &&
		(value->type == V_ASN1_UTCTIME || value->type == V_ASN1_GENERALIZEDTIME) &&
		ASN1_TIME_diff(&days, &seconds, epoch, value->value.asn1_string) != 1)
		days = seconds = 0;
	ASN1_TIME_free(epoch);
	return (days * (int64_t)86400 + seconds) * 1000;
}

static enum err_kind
take_attributes(
	struct arena *arena, struct scep_request *request, CMS_SignerInfo *signer, struct err *err)
{
	const ASN1_STRING *id = attribute(signer, SCEP_OID_TRANSACTION_ID);
	const ASN1_STRING *nonce = attribute(signer, SCEP_OID_SENDER_NONCE);
	size_t len = id == NULL ? 0 : (size_t)ASN1_STRING_length(id);
	struct scep_bytes kept;

	if (len == 0 || len > TRANSACTION_MOST ||
		memchr(ASN1_STRING_get0_data(id), '\0', len) != NULL)
		return malformed(err, "it has no transactionID");
	kept = keep(arena, ASN1_STRING_get0_data(id), len);
	request->transaction_id = (const char *)kept.bytes;
	if (nonce != NULL && ASN1_STRING_length(nonce) > NONCE_MOST)
		return malformed(err, "its senderNonce is too long");
	if (nonce != NULL)
		request->nonce = keep(
			arena, ASN1_STRING_get0_data(nonce), (size_t)ASN1_STRING_length(nonce));
	request->signing_time = signing_time(signer);
	return take_type(request, signer, err);
}

/* The certificate among CERTS that belongs to the signature; NULL: none. */
static X509 *
find_signer(CMS_SignerInfo *signer, STACK_OF(X509) * certs)
{
	for (int i = 0; i < sk_X509_num(certs); i++)
		if (CMS_SignerInfo_cert_cmp(signer, sk_X509_value(certs, i)) == 0)
			return sk_X509_value(certs, i);
	return NULL;
}

static enum err_kind
take_signer(struct arena *arena, struct scep_request *request, X509 *cert, struct err *err)
{
	X509_PUBKEY *key = X509_get_X509_PUBKEY(cert);
	unsigned char *der = NULL, *key_der = NULL;
	int len = i2d_X509(cert, &der), key_len = i2d_X509_PUBKEY(key, &key_der);
	enum err_kind kind = ERR_OK;

	if (len > 0 && key_len > 0) {
		request->signer = keep(arena, der, (size_t)len);
		x509_hash(der, (size_t)len, request->signer_sha256);
		x509_hash(key_der, (size_t)key_len, request->signer_key);
	} else
		kind = malformed(err, "its signer's certificate cannot be read");
	OPENSSL_free(der);
	OPENSSL_free(key_der);
	return kind;
}

/* Which digest, and is it one we take? */
static enum err_kind
take_digest(struct scep_request *request, CMS_SignerInfo *signer, bool legacy, struct err *err)
{
	static const int digests[] = {NID_sha256, NID_sha384, NID_sha512};
	const ASN1_OBJECT *name;
	X509_ALGOR *algorithm;

	CMS_SignerInfo_get0_algs(signer, NULL, NULL, &algorithm, NULL);
	X509_ALGOR_get0(&name, NULL, NULL, algorithm);
	request->digest = OBJ_obj2nid(name);
	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++)
		if (request->digest == digests[i])
			return ERR_OK;
	if (request->digest == NID_sha1 && legacy)
		return ERR_OK;
	if (request->digest == NID_sha1) {
		/* That much of it is known, and may be answered with. */
		return refuse(request, SCEP_BAD_ALG, err,
			"the message is signed with SHA-1: see setting scep_legacy");
	}
	request->digest = NID_sha256;
	return refuse(request, SCEP_BAD_ALG, err, "the message is signed with an unknown digest");
}

/* A key that costs us too much, or is none to encrypt the reply to. */
static enum err_kind
check_signer_key(struct scep_request *request, X509 *cert, struct err *err)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);

	if (key != NULL && EVP_PKEY_is_a(key, "RSA") &&
		EVP_PKEY_get_bits(key) >= SIGNER_BITS_LEAST &&
		EVP_PKEY_get_bits(key) <= KEY_BITS_MOST)
		return ERR_OK;
	if (key != NULL && EVP_PKEY_is_a(key, "EC"))
		return ERR_OK;
	return refuse(request, SCEP_BAD_ALG, err,
		"the signer's key is not RSA of 1024 to 8192 bits, or EC");
}

static enum err_kind
check_signature(struct scep_request *request, CMS_ContentInfo *message, struct err *err)
{
	BIO *nowhere = BIO_new(BIO_s_null());
	int good = nowhere == NULL ? -1
				   : CMS_verify(message, NULL, NULL, NULL, nowhere,
					     CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY);

	BIO_free(nowhere);
	return good == 1 ? ERR_OK
			 : refuse(request, SCEP_BAD_MESSAGE_CHECK, err,
				   "the signature of the message is wrong");
}

static enum err_kind
read_signed(struct arena *arena, CMS_ContentInfo *message, STACK_OF(X509) * certs, bool legacy,
	struct scep_request *request, struct err *err)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(message);
	ASN1_OCTET_STRING **content = CMS_get0_content(message);
	CMS_SignerInfo *signer;
	X509 *cert;
	enum err_kind kind;

	if (sk_CMS_SignerInfo_num(signers) != 1)
		return malformed(err, "it has not one signature");
	if (content == NULL || *content == NULL)
		return malformed(err, "it has no content");
	signer = sk_CMS_SignerInfo_value(signers, 0);
	cert = find_signer(signer, certs);
	if (cert == NULL)
		return malformed(err, "its signer's certificate is missing");
	request->envelope =
		keep(arena, ASN1_STRING_get0_data(*content), (size_t)ASN1_STRING_length(*content));
	kind = take_attributes(arena, request, signer, err);
	if (kind == ERR_OK)
		kind = take_signer(arena, request, cert, err);
	if (kind == ERR_OK)
		kind = take_digest(request, signer, legacy, err);
	if (kind == ERR_OK)
		kind = check_signer_key(request, cert, err);
	return kind == ERR_OK ? check_signature(request, message, err) : kind;
}

enum err_kind
scep_read(struct arena *arena, const void *bytes, size_t len, bool legacy,
	struct scep_request *request, struct err *err)
{
	const unsigned char *at = bytes;
	CMS_ContentInfo *message = NULL;
	STACK_OF(X509) *certs = NULL;
	enum err_kind kind;

	*request = (struct scep_request){.digest = NID_sha256};
	if (len > 0 && len <= LONG_MAX)
		message = d2i_CMS_ContentInfo(NULL, &at, (long)len);
	if (message == NULL || OBJ_obj2nid(CMS_get0_type(message)) != NID_pkcs7_signed)
		kind = malformed(err, "it is not signed");
	else {
		certs = CMS_get1_certs(message);
		kind = read_signed(arena, message, certs, legacy, request, err);
	}
	sk_X509_pop_free(certs, X509_free);
	CMS_ContentInfo_free(message);
	ERR_clear_error();
	return kind;
}

/* ---- the encrypted message ---- */

/*
 * OpenSSL tells not which cipher an enveloped message has been encrypted with; and the one decides
 * about the library context in which it must be read.  So this is read first: ContentInfo around
 * EnvelopedData, RFC 5652, section 6.1.
 */
typedef struct {
	ASN1_OBJECT *type;
	X509_ALGOR *cipher;
	ASN1_OCTET_STRING *bytes;
} SCEP_ENCRYPTED;

ASN1_SEQUENCE(SCEP_ENCRYPTED) =
	{
		ASN1_SIMPLE(SCEP_ENCRYPTED, type, ASN1_OBJECT),
		ASN1_SIMPLE(SCEP_ENCRYPTED, cipher, X509_ALGOR),
		ASN1_IMP_OPT(SCEP_ENCRYPTED, bytes, ASN1_OCTET_STRING, 0),
} static_ASN1_SEQUENCE_END(SCEP_ENCRYPTED)

		typedef struct {
	ASN1_INTEGER *version;
	ASN1_SEQUENCE_ANY *originator;
	ASN1_SEQUENCE_ANY *recipients;
	SCEP_ENCRYPTED *encrypted;
	ASN1_SEQUENCE_ANY *attributes;
} SCEP_ENVELOPED;

ASN1_SEQUENCE(SCEP_ENVELOPED) =
	{
		ASN1_SIMPLE(SCEP_ENVELOPED, version, ASN1_INTEGER),
		ASN1_IMP_SEQUENCE_OF_OPT(SCEP_ENVELOPED, originator, ASN1_ANY, 0),
		ASN1_SET_OF(SCEP_ENVELOPED, recipients, ASN1_ANY),
		ASN1_SIMPLE(SCEP_ENVELOPED, encrypted, SCEP_ENCRYPTED),
		ASN1_IMP_SET_OF_OPT(SCEP_ENVELOPED, attributes, ASN1_ANY, 1),
} static_ASN1_SEQUENCE_END(SCEP_ENVELOPED)

		typedef struct {
	ASN1_OBJECT *type;
	SCEP_ENVELOPED *enveloped;
} SCEP_ENVELOPE;

ASN1_SEQUENCE(SCEP_ENVELOPE) =
	{
		ASN1_SIMPLE(SCEP_ENVELOPE, type, ASN1_OBJECT),
		ASN1_EXP(SCEP_ENVELOPE, enveloped, SCEP_ENVELOPED, 0),
} static_ASN1_SEQUENCE_END(SCEP_ENVELOPE)

	/* The message has the right to this answer alone; see scep.h. */
	static enum err_kind not_opened(struct scep_request * request, struct err *err)
{
	return refuse(request, SCEP_BAD_MESSAGE_CHECK, err,
		"the message does not decrypt to a request: not for this CA, or damaged");
}

static enum err_kind
check_cipher(struct scep_request *request, bool legacy, struct err *err)
{
	static const int ciphers[] = {
		NID_aes_128_cbc, NID_aes_192_cbc, NID_aes_256_cbc, NID_des_ede3_cbc};

	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
		if (request->cipher == ciphers[i])
			return ERR_OK;
	if (request->cipher != NID_des_cbc)
		return refuse(request, SCEP_BAD_ALG, err,
			"the message is encrypted with a cipher that is not taken");
	if (!legacy)
		return refuse(request, SCEP_BAD_ALG, err,
			"the message is encrypted with single DES: see setting scep_legacy");
	return x509_legacy_context() != NULL
		       ? ERR_OK
		       : refuse(request, SCEP_BAD_ALG, err,
				 "the message is encrypted with single DES, which wants OpenSSL's "
				 "legacy provider");
}

/* The cipher, and whether all is within bounds. */
static enum err_kind
look_at_envelope(struct scep_request *request, bool legacy, struct err *err)
{
	const unsigned char *at = request->envelope.bytes;
	SCEP_ENVELOPE *envelope = (SCEP_ENVELOPE *)ASN1_item_d2i(
		NULL, &at, (long)request->envelope.len, ASN1_ITEM_rptr(SCEP_ENVELOPE));
	const ASN1_OBJECT *cipher;
	enum err_kind kind;

	if (envelope == NULL || OBJ_obj2nid(envelope->type) != NID_pkcs7_enveloped)
		kind = not_opened(request, err);
	else if (sk_ASN1_TYPE_num(envelope->enveloped->recipients) > RECIPIENTS_MOST)
		kind = refuse(
			request, SCEP_BAD_REQUEST, err, "the message has too many recipients");
	else {
		X509_ALGOR_get0(&cipher, NULL, NULL, envelope->enveloped->encrypted->cipher);
		request->cipher = OBJ_obj2nid(cipher);
		kind = check_cipher(request, legacy, err);
	}
	ASN1_item_free((ASN1_VALUE *)envelope, ASN1_ITEM_rptr(SCEP_ENVELOPE));
	return kind;
}

/* The key that the message is encrypted to; NULL: none of KEYS. */
static const struct scep_key *
find_key(CMS_ContentInfo *message, const struct scep_key *const *keys)
{
	STACK_OF(CMS_RecipientInfo) *recipients = CMS_get0_RecipientInfos(message);

	for (int i = 0; i < sk_CMS_RecipientInfo_num(recipients); i++) {
		CMS_RecipientInfo *recipient = sk_CMS_RecipientInfo_value(recipients, i);

		if (CMS_RecipientInfo_type(recipient) != CMS_RECIPINFO_TRANS)
			continue;
		for (const struct scep_key *const *key = keys; *key != NULL; key++)
			if (CMS_RecipientInfo_ktri_cert_cmp(recipient, (*key)->cert) == 0)
				return *key;
	}
	return NULL;
}

/*
 * No certificate is given: then OpenSSL goes on with a random key where the encrypted one does not
 * decrypt, so that nothing is learnt from it.
 */
static bool
decrypt(CMS_ContentInfo *message, const struct scep_key *key, bool legacy, BIO *content)
{
	EVP_PKEY *private = legacy ? key->legacy_key : key->key;

	return private != NULL &&
	       CMS_decrypt(message, private, NULL, NULL, content, CMS_BINARY) == 1;
}

static enum err_kind
open_envelope(struct scep_request *request, const struct scep_key *const *keys, BIO *content,
	struct err *err)
{
	OSSL_LIB_CTX *context = scep_context_of(request->cipher);
	CMS_ContentInfo *message = CMS_ContentInfo_new_ex(context, NULL);
	const unsigned char *at = request->envelope.bytes;
	const struct scep_key *key;
	bool opened = false;

	if (message != NULL &&
		d2i_CMS_ContentInfo(&message, &at, (long)request->envelope.len) != NULL) {
		key = find_key(message, keys);
		opened = key != NULL && decrypt(message, key, context != NULL, content);
		request->key = key;
	}
	CMS_ContentInfo_free(message);
	return opened ? ERR_OK : not_opened(request, err);
}

/* ---- the certificate request ---- */

static enum err_kind
check_key(struct scep_request *request, EVP_PKEY *key, struct err *err)
{
	char curve[32] = "";

	if (EVP_PKEY_is_a(key, "RSA"))
		return EVP_PKEY_get_bits(key) >= KEY_BITS_LEAST &&
				       EVP_PKEY_get_bits(key) <= KEY_BITS_MOST
			       ? ERR_OK
			       : refuse(request, SCEP_BAD_ALG, err,
					 "an RSA key must have 2048 to 8192 bits");
	if (EVP_PKEY_is_a(key, "EC") &&
		EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) == 1 &&
		(strcmp(curve, SN_X9_62_prime256v1) == 0 || strcmp(curve, SN_secp384r1) == 0))
		return ERR_OK;
	return refuse(request, SCEP_BAD_ALG, err, "a key must be RSA, or EC on P-256 or P-384");
}

/* A request without a challenge is one; one with a broken or second challenge is not. */
static enum err_kind
take_challenge(struct arena *arena, struct scep_request *request, X509_REQ *csr, struct err *err)
{
	int place = X509_REQ_get_attr_by_NID(csr, NID_pkcs9_challengePassword, -1);
	X509_ATTRIBUTE *found = place < 0 ? NULL : X509_REQ_get_attr(csr, place);
	ASN1_TYPE *value = found == NULL ? NULL : X509_ATTRIBUTE_get0_type(found, 0);
	unsigned char *text = NULL;
	int len;

	if (place < 0)
		return ERR_OK;
	len = value == NULL || value->type < V_ASN1_UTF8STRING || value->type > V_ASN1_BMPSTRING
		      ? -1
		      : ASN1_STRING_to_UTF8(&text, value->value.asn1_string);
	if (len >= 0 && len <= CHALLENGE_MOST && text_is_utf8((const char *)text, (size_t)len))
		request->challenge = arena_memdup(arena, text, (size_t)len);
	if (text != NULL)
		OPENSSL_clear_free(text, (size_t)len);
	return request->challenge != NULL ? ERR_OK
					  : refuse(request, SCEP_BAD_REQUEST, err,
						    "the challengePassword is malformed");
}

/* OpenSSL verifies it over the bytes as they came: attributes may be in any order. */
static enum err_kind
take_csr(struct arena *arena, struct scep_request *request, X509_REQ *csr, struct err *err)
{
	EVP_PKEY *key = X509_REQ_get0_pubkey(csr);
	enum err_kind kind;

	if (key == NULL)
		return refuse(request, SCEP_BAD_ALG, err, "the key in the request is unknown");
	kind = check_key(request, key, err);
	if (kind == ERR_OK && X509_REQ_verify(csr, key) != 1)
		kind = refuse(request, SCEP_BAD_MESSAGE_CHECK, err,
			"the signature of the certificate request is wrong");
	return kind == ERR_OK ? take_challenge(arena, request, csr, err) : kind;
}

static enum err_kind
read_csr(struct arena *arena, struct scep_request *request, const unsigned char *bytes, long len,
	struct err *err)
{
	const unsigned char *at = bytes;
	X509_REQ *csr = d2i_X509_REQ(NULL, &at, len);
	enum err_kind kind;

	if (csr == NULL)
		return not_opened(request, err);
	len = (long)(at - bytes); /* what is behind it is not looked at */
	request->csr = keep(arena, bytes, (size_t)len);
	x509_hash(bytes, (size_t)len, request->csr_sha256);
	kind = take_csr(arena, request, csr, err);
	X509_REQ_free(csr);
	return kind;
}

enum err_kind
scep_open(struct arena *arena, const struct scep_key *const *keys, bool legacy,
	struct scep_request *request, struct err *err)
{
	BIO *content = BIO_new(BIO_s_mem());
	enum err_kind kind;
	char *bytes;
	long len;

	if (content == NULL)
		return x509_failed(err, "opening a SCEP message");
	kind = look_at_envelope(request, legacy, err);
	if (kind == ERR_OK)
		kind = open_envelope(request, keys, content, err);
	len = BIO_get_mem_data(content, &bytes);
	if (kind == ERR_OK && (request->type == SCEP_PKCS_REQ || request->type == SCEP_RENEWAL_REQ))
		kind = read_csr(arena, request, (const unsigned char *)bytes, len, err);
	BIO_free(content);
	ERR_clear_error();
	return kind;
}
