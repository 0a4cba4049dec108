/*
 * A device asks for a certificate (SCEP): out of its PKCS#10 comes the key, and nothing else.
 */
#include "codec/x509.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "codec/x509_draft.h"
#include "codec/x509_parts.h"

enum { RSA_BITS_LEAST = 2048, RSA_BITS_MOST = 8192, GROUP_MOST = 80 };

static enum err_kind
check_rsa(const EVP_PKEY *key, struct err *err)
{
	int bits = EVP_PKEY_get_bits(key);

	if (bits < RSA_BITS_LEAST || bits > RSA_BITS_MOST)
		return err_set(err, ERR_BAD_INPUT, "an RSA key has %d to %d bits here, not %d",
			RSA_BITS_LEAST, RSA_BITS_MOST, bits);
	return ERR_OK;
}

static enum err_kind
check_ec(const EVP_PKEY *key, struct err *err)
{
	static const char *const groups[] = {SN_X9_62_prime256v1, SN_secp384r1};
	char group[GROUP_MOST];
	size_t len;

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1)
		for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
			if (strcmp(group, groups[i]) == 0)
				return ERR_OK;
	return err_set(err, ERR_BAD_INPUT, "an EC key is on P-256 or P-384 here");
}

enum err_kind
x509_check_key(const EVP_PKEY *key, struct err *err)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		return check_rsa(key, err);
	case EVP_PKEY_EC:
		return check_ec(key, err);
	default:
		return err_set(err, ERR_BAD_INPUT, "the key is neither RSA nor EC");
	}
}

static enum err_kind
write_der(struct arena *arena, X509 *cert, unsigned char **der, size_t *der_len, struct err *err)
{
	unsigned char *bytes = NULL;
	int len = cert == NULL ? -1 : i2d_X509(cert, &bytes);

	if (len <= 0)
		return x509_failed(err, "making a certificate");
	*der = (unsigned char *)arena_memdup(arena, bytes, (size_t)len);
	*der_len = (size_t)len;
	OPENSSL_free(bytes);
	return ERR_OK;
}

enum err_kind
x509_issue_csr(struct arena *arena, const struct x509_issuer *issuer,
	const struct x509_request *request, unsigned char **der, size_t *der_len, struct err *err)
{
	struct x509_draft draft = {
		.common_name = request->common_name, .days = request->days, .issuer = issuer};
	const unsigned char *at = request->csr, *end = at + request->csr_len;
	X509_REQ *csr = NULL;
	X509 *cert = NULL;
	enum err_kind kind = x509_check_days(issuer, request->days, err);

	*der = NULL;
	*der_len = 0;
	if (kind == ERR_OK)
		kind = x509_check_name("name in the certificate", request->common_name, err);
	if (kind != ERR_OK)
		return kind;
	if (request->csr_len <= LONG_MAX)
		csr = d2i_X509_REQ(NULL, &at, (long)request->csr_len);
	if (csr == NULL || at != end)
		kind = err_set(err, ERR_BAD_INPUT, "the certificate request is damaged");
	if (kind == ERR_OK)
		draft.key = X509_REQ_get0_pubkey(csr);
	if (kind == ERR_OK)
		kind = draft.key == NULL ? err_set(err, ERR_BAD_INPUT,
						   "the key in the request is of no known kind")
					 : x509_check_key(draft.key, err);
	/* OpenSSL keeps the bytes that were signed. */
	if (kind == ERR_OK && X509_REQ_verify(csr, draft.key) != 1)
		kind = err_set(
			err, ERR_BAD_INPUT, "the certificate request is not signed by its own key");
	if (kind == ERR_OK) {
		draft.extensions = EVP_PKEY_get_base_id(draft.key) == EVP_PKEY_RSA ? x509_client_rsa
										   : x509_client_ec;
		cert = x509_draft_sign(&draft);
		kind = write_der(arena, cert, der, der_len, err);
	}
	X509_free(cert);
	X509_REQ_free(csr);
	ERR_clear_error();
	return kind;
}
