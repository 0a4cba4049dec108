/*
 * Identities from outside (a push certificate out of Keychain) and to outside (PKCS#12): which of a
 * file's certificates belongs to which key.
 */
#include "codec/x509.h"

#include <stdbool.h>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "codec/x509_parts.h"

enum { P12_ITERATIONS = 10000, P12_CIPHER = NID_pbe_WithSHA1And3_Key_TripleDES_CBC };

/* The key's certificate; of several the one that ends last.  NULL when there is none. */
static X509 *
find_leaf(const STACK_OF(X509) * certs, const EVP_PKEY *key)
{
	X509 *leaf = NULL;

	for (int i = 0; i < sk_X509_num(certs); i++) {
		X509 *cert = sk_X509_value(certs, i);

		if (X509_check_private_key(cert, key) == 1 &&
			(leaf == NULL || ASN1_TIME_compare(X509_get0_notAfter(cert),
						 X509_get0_notAfter(leaf)) > 0))
			leaf = cert;
	}
	return leaf;
}

static enum err_kind
find_identity(const struct x509_parts *parts, X509 **leaf, EVP_PKEY **key, struct err *err)
{
	*leaf = NULL;
	*key = NULL;
	if (parts->key_count == 0 && sk_X509_num(parts->certs) <= 0)
		return err_set(err, ERR_BAD_INPUT,
			"there is neither a certificate nor a private key in it");
	if (parts->key_count == 0)
		return err_set(err, ERR_BAD_INPUT,
			"there is no private key in it: export it together with its certificate");
	if (sk_X509_num(parts->certs) <= 0)
		return err_set(
			err, ERR_BAD_INPUT, "there is no certificate in it, only a private key");
	for (int i = 0; i < parts->key_count; i++) {
		X509 *cert = find_leaf(parts->certs, parts->keys[i]);

		if (cert == NULL || cert == *leaf) /* the same key may be there twice */
			continue;
		if (*leaf != NULL)
			return err_set(err, ERR_BAD_INPUT,
				"there is more than one certificate with its private key in it: "
				"export one alone");
		*leaf = cert;
		*key = parts->keys[i];
	}
	if (*leaf == NULL)
		return err_set(err, ERR_BAD_INPUT,
			"there is no certificate in it that belongs to the private key");
	return ERR_OK;
}

/* The place in CERTS of who issued CERT; -1 when nobody, or itself, did. */
static int
find_issuer(const STACK_OF(X509) * certs, X509 *cert)
{
	for (int i = 0; i < sk_X509_num(certs); i++)
		if (X509_check_issued(sk_X509_value(certs, i), cert) == X509_V_OK)
			return i;
	return -1;
}

static bool
push(STACK_OF(X509) * chain, X509 *cert)
{
	return X509_up_ref(cert) == 1 && sk_X509_push(chain, cert) > 0;
}

/* Moves certificates out of REST into CHAIN, whose last one is the leaf. */
static bool
follow_issuers(STACK_OF(X509) * chain, STACK_OF(X509) * rest)
{
	bool moved = true;
	int at;

	while (moved && (at = find_issuer(rest, sk_X509_value(chain, sk_X509_num(chain) - 1))) >= 0)
		moved = sk_X509_push(chain, sk_X509_delete(rest, at)) > 0;
	return moved;
}

/* Leaf, issuers, others.  NULL when OpenSSL fails. */
static STACK_OF(X509) * order_chain(const STACK_OF(X509) * certs, X509 *leaf, const EVP_PKEY *key)
{
	STACK_OF(X509) *chain = sk_X509_new_null(), *rest = sk_X509_new_null();
	bool whole = chain != NULL && rest != NULL && push(chain, leaf);

	for (int i = 0; whole && i < sk_X509_num(certs); i++) {
		X509 *cert = sk_X509_value(certs, i);

		if (X509_check_private_key(cert, key) != 1)
			whole = push(rest, cert);
	}
	whole = whole && follow_issuers(chain, rest);
	while (whole && sk_X509_num(rest) > 0)
		whole = sk_X509_push(chain, sk_X509_shift(rest)) > 0;
	sk_X509_pop_free(rest, X509_free);
	if (!whole) {
		sk_X509_pop_free(chain, X509_free);
		return NULL;
	}
	return chain;
}

enum err_kind
x509_identity_read(struct arena *arena, const void *bytes, size_t len, const char *password,
	struct x509_identity *identity, struct err *err)
{
	STACK_OF(X509) *chain = NULL;
	struct x509_parts parts;
	EVP_PKEY *key;
	X509 *leaf;
	enum err_kind kind;

	*identity = (struct x509_identity){0};
	kind = x509_parts_read(&parts, bytes, len, password, err);
	if (kind == ERR_OK)
		kind = find_identity(&parts, &leaf, &key, err);
	if (kind != ERR_OK)
		goto out;
	chain = order_chain(parts.certs, leaf, key);
	if (chain != NULL) {
		identity->cert_pem = x509_certs_to_pem(arena, chain);
		identity->key_pem = x509_key_to_pem(arena, key);
	}
	if (identity->cert_pem == NULL || identity->key_pem == NULL)
		kind = x509_failed(err, "writing the identity");
out:
	sk_X509_pop_free(chain, X509_free);
	x509_parts_release(&parts);
	ERR_clear_error();
	return kind;
}

/* ---- PKCS#12 ---- */

static enum err_kind
take_der(struct arena *arena, PKCS12 *p12, unsigned char **bytes, size_t *len, struct err *err)
{
	unsigned char *der = NULL;
	int der_len = p12 == NULL ? -1 : i2d_PKCS12(p12, &der);

	if (der_len < 0)
		return x509_failed(err, "writing PKCS#12");
	*bytes = (unsigned char *)arena_memdup(arena, der, (size_t)der_len);
	*len = (size_t)der_len;
	OPENSSL_free(der);
	return ERR_OK;
}

enum err_kind
x509_write_p12(struct arena *arena, const struct x509_identity *identity, const char *name,
	const char *password, unsigned char **bytes, size_t *len, struct err *err)
{
	struct x509_parts parts;
	EVP_PKEY *key;
	PKCS12 *p12;
	X509 *leaf;
	enum err_kind kind;

	if (password == NULL || *password == '\0')
		return err_set(err, ERR_BAD_INPUT, "a PKCS#12 file wants a password");
	kind = x509_parts_read_identity(&parts, identity, err);
	if (kind == ERR_OK)
		kind = find_identity(&parts, &leaf, &key, err);
	if (kind != ERR_OK)
		goto out;
	sk_X509_delete_ptr(parts.certs, leaf);
	/* The MAC is made apart (-1: not yet), as OpenSSL's own would be of SHA-256. */
	p12 = PKCS12_create(password, name, key, leaf, parts.certs, P12_CIPHER, P12_CIPHER,
		P12_ITERATIONS, -1, 0);
	if (p12 != NULL &&
		PKCS12_set_mac(p12, password, -1, NULL, 0, P12_ITERATIONS, EVP_sha1()) != 1) {
		PKCS12_free(p12);
		p12 = NULL;
	}
	kind = take_der(arena, p12, bytes, len, err);
	PKCS12_free(p12);
	X509_free(leaf);
out:
	x509_parts_release(&parts);
	ERR_clear_error();
	return kind;
}
