/*
 * What a CA of ours signs: a certificate is a draft first.
 */
#include "codec/x509.h"

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "codec/x509_draft.h"
#include "codec/x509_parts.h"

enum {
	CLIENT_BITS = 2048,
	SLOW_CLOCK = 3600, /* seconds that a device's clock may be behind ours */
	SERIAL_SIZE = 16,
};

const struct x509_extension x509_client_rsa[] = {
	{NID_basic_constraints, "critical,CA:FALSE"},
	{NID_key_usage, "critical,digitalSignature,keyEncipherment"},
	{NID_ext_key_usage, "clientAuth"},
	{NID_subject_key_identifier, "hash"},
	{NID_authority_key_identifier, "keyid,issuer"},
	{0, NULL},
};

/* An EC key enciphers nothing: RFC 5480, section 3. */
const struct x509_extension x509_client_ec[] = {
	{NID_basic_constraints, "critical,CA:FALSE"},
	{NID_key_usage, "critical,digitalSignature"},
	{NID_ext_key_usage, "clientAuth"},
	{NID_subject_key_identifier, "hash"},
	{NID_authority_key_identifier, "keyid,issuer"},
	{0, NULL},
};

/* ---- the pieces of a certificate ---- */

static bool
set_serial(X509 *cert)
{
	unsigned char bytes[SERIAL_SIZE];
	BIGNUM *number;
	bool set;

	if (RAND_bytes(bytes, SERIAL_SIZE) != 1)
		return false;
	bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and always of 16 bytes */
	number = BN_bin2bn(bytes, SERIAL_SIZE, NULL);
	set = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
	BN_free(number);
	return set;
}

static bool
set_name(X509 *cert, const struct x509_draft *draft)
{
	X509_NAME *name = X509_get_subject_name(cert);
	bool set = true;

	if (draft->organization != NULL)
		set = X509_NAME_add_entry_by_NID(name, NID_organizationName, MBSTRING_UTF8,
			      (const unsigned char *)draft->organization, -1, -1, 0) == 1;
	return set && X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
			      (const unsigned char *)draft->common_name, -1, -1, 0) == 1;
}

/* From an hour ago to so many days from now, or to the issuer's end, whichever comes first. */
static bool
set_times(X509 *cert, const struct x509_draft *draft)
{
	time_t now = (time_t)(clock_now() / 1000);
	ASN1_TIME *end = ASN1_TIME_adj(NULL, now, draft->days, 0);
	const ASN1_TIME *last =
		draft->issuer == NULL ? NULL : X509_get0_notAfter(draft->issuer->cert);
	bool set;

	if (end == NULL)
		return false;
	if (last == NULL || ASN1_TIME_compare(end, last) < 0)
		last = end;
	set = ASN1_TIME_adj(X509_getm_notBefore(cert), now, 0, -SLOW_CLOCK) != NULL &&
	      X509_set1_notAfter(cert, last) == 1;
	ASN1_TIME_free(end);
	return set;
}

static bool
add_extensions(X509 *cert, X509 *issuer, const struct x509_extension *extension)
{
	X509V3_CTX context;
	bool added = true;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	for (; added && extension->nid != 0; extension++) {
		X509_EXTENSION *made =
			X509V3_EXT_conf_nid(NULL, &context, extension->nid, extension->value);

		added = made != NULL && X509_add_ext(cert, made, -1) == 1;
		X509_EXTENSION_free(made);
	}
	return added;
}

X509 *
x509_draft_sign(const struct x509_draft *draft)
{
	X509 *cert = X509_new();
	X509 *issuer = draft->issuer == NULL ? cert : draft->issuer->cert;
	EVP_PKEY *issuer_key = draft->issuer == NULL ? draft->key : draft->issuer->key;

	if (cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
		set_name(cert, draft) && set_times(cert, draft) &&
		X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 &&
		X509_set_pubkey(cert, draft->key) == 1 &&
		add_extensions(cert, issuer, draft->extensions) &&
		X509_sign(cert, issuer_key, EVP_sha256()) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

enum err_kind
x509_draft_identity(struct arena *arena, const struct x509_draft *draft,
	struct x509_identity *identity, struct err *err)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	X509 *cert = draft->key == NULL || certs == NULL ? NULL : x509_draft_sign(draft);
	enum err_kind kind = ERR_OK;

	*identity = (struct x509_identity){0};
	if (cert != NULL && sk_X509_push(certs, cert) > 0) {
		identity->cert_pem = x509_certs_to_pem(arena, certs);
		identity->key_pem = x509_key_to_pem(arena, draft->key);
	}
	if (identity->cert_pem == NULL || identity->key_pem == NULL)
		kind = x509_failed(err, "making a certificate");
	X509_free(cert);
	sk_X509_free(certs);
	ERR_clear_error();
	return kind;
}

/* ---- what is asked for ---- */

enum err_kind
x509_check_name(const char *what, const char *name, struct err *err)
{
	int type = name == NULL ? -1
				: ASN1_mbstring_ncopy(NULL, (const unsigned char *)name, -1,
					  MBSTRING_UTF8, B_ASN1_UTF8STRING, 1, X509_NAME_MOST);

	ERR_clear_error();
	if (type < 0)
		return err_set(err, ERR_BAD_INPUT, "the %s must be 1 to %d characters in UTF-8",
			what, X509_NAME_MOST);
	return ERR_OK;
}

static bool
hash_of(const X509 *cert, char hash[X509_HASH_SIZE])
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);

	if (len > 0)
		x509_hash(der, (size_t)len, hash);
	OPENSSL_free(der);
	return len > 0;
}

/* Takes certificate and key out of PARTS. */
static enum err_kind
take_issuer(struct x509_parts *parts, struct x509_issuer *issuer, struct err *err)
{
	X509 *cert = sk_X509_value(parts->certs, 0);

	if (cert == NULL || parts->key_count != 1)
		return err_set(err, ERR_BAD_INPUT, "a CA is a certificate and its key");
	if (X509_check_private_key(cert, parts->keys[0]) != 1)
		return err_set(
			err, ERR_BAD_INPUT, "the key of the CA does not belong to its certificate");
	if (X509_check_ca(cert) != 1)
		return err_set(err, ERR_BAD_INPUT, "the certificate is not that of a CA");
	if (!hash_of(cert, issuer->hash))
		return x509_failed(err, "the certificate of the CA");
	issuer->cert = sk_X509_shift(parts->certs);
	issuer->key = parts->keys[0];
	parts->key_count = 0;
	return ERR_OK;
}

enum err_kind
x509_issuer_new(const struct x509_identity *ca, struct x509_issuer **issuer, struct err *err)
{
	struct x509_issuer *made = calloc(1, sizeof(*made));
	struct x509_parts parts;
	enum err_kind kind;

	*issuer = NULL;
	if (made == NULL)
		return err_set(err, ERR_INTERNAL, "out of memory");
	kind = x509_parts_read_identity(&parts, ca, err);
	if (kind == ERR_OK)
		kind = take_issuer(&parts, made, err);
	x509_parts_release(&parts);
	ERR_clear_error();
	if (kind == ERR_OK)
		*issuer = made;
	else
		free(made);
	return kind;
}

const char *
x509_issuer_hash(const struct x509_issuer *issuer)
{
	return issuer->hash;
}

void
x509_issuer_free(struct x509_issuer *issuer)
{
	if (issuer == NULL)
		return;
	X509_free(issuer->cert);
	EVP_PKEY_free(issuer->key);
	free(issuer);
}

static EVP_PKEY *
make_key(enum x509_key_type type)
{
	if (type == X509_KEY_EC_P256)
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)CLIENT_BITS);
}

enum err_kind
x509_check_days(const struct x509_issuer *issuer, int days, struct err *err)
{
	time_t now = (time_t)(clock_now() / 1000);

	if (days < 1 || days > X509_DAYS_MOST)
		return err_set(err, ERR_BAD_INPUT, "a certificate is issued for 1 to %d days",
			X509_DAYS_MOST);
	if (X509_cmp_time(X509_get0_notAfter(issuer->cert), &now) <= 0)
		return err_set(err, ERR_CONFLICT, "the CA has expired");
	return ERR_OK;
}

enum err_kind
x509_issue_client(struct arena *arena, const struct x509_issuer *issuer,
	const struct x509_client *client, struct x509_identity *identity, struct err *err)
{
	struct x509_draft draft = {
		.common_name = client->common_name,
		.extensions = client->key == X509_KEY_RSA_2048 ? x509_client_rsa : x509_client_ec,
		.days = client->days,
		.issuer = issuer,
	};
	enum err_kind kind = x509_check_days(issuer, client->days, err);

	if (kind == ERR_OK)
		kind = x509_check_name("name in the certificate", client->common_name, err);
	if (kind != ERR_OK)
		return kind;
	draft.key = make_key(client->key);
	kind = x509_draft_identity(arena, &draft, identity, err);
	EVP_PKEY_free(draft.key);
	return kind;
}
