/*
 * What a web server does in a TLS handshake with client certificates, for those that come in
 * another way: in a header (web/peer_header) or in a signature (cms_verify).
 */
#include "codec/x509_chain.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "codec/x509_parts.h"

enum { DEPTH_MOST = 4 }; /* CAs between a certificate and its anchor */

struct x509_trust {
	X509_STORE *store;
};

static bool
fill(X509_STORE *store, const STACK_OF(X509) * certs)
{
	for (int i = 0; i < sk_X509_num(certs); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(certs, i)) != 1)
			return false;
	return X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
	       X509_STORE_set_purpose(store, X509_PURPOSE_SSL_CLIENT) == 1 &&
	       X509_STORE_set_depth(store, DEPTH_MOST) == 1;
}

enum err_kind
x509_trust_new(const char *pem, struct x509_trust **trust, struct err *err)
{
	struct x509_parts parts;
	struct x509_trust *new = NULL;
	enum err_kind kind = x509_parts_read(&parts, pem, strlen(pem), NULL, err);

	*trust = NULL;
	if (kind == ERR_OK && sk_X509_num(parts.certs) <= 0)
		kind = err_set(err, ERR_BAD_INPUT, "there is no certificate in PEM here");
	if (kind != ERR_OK)
		goto out;
	new = calloc(1, sizeof(*new));
	if (new == NULL)
		abort();
	new->store = X509_STORE_new();
	if (new->store == NULL || !fill(new->store, parts.certs)) {
		kind = x509_failed(err, "the trusted certificates");
		goto out;
	}
	*trust = new;
	new = NULL;
out:
	x509_trust_free(new);
	x509_parts_release(&parts);
	ERR_clear_error();
	return kind;
}

void
x509_trust_free(struct x509_trust *trust)
{
	if (trust == NULL)
		return;
	X509_STORE_free(trust->store);
	free(trust);
}

enum err_kind
x509_chain_check(
	const struct x509_trust *trust, X509 *cert, STACK_OF(X509) * between, struct err *err)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	enum err_kind kind = ERR_OK;
	int wrong;

	if (context == NULL || X509_STORE_CTX_init(context, trust->store, cert, between) != 1) {
		kind = x509_failed(err, "verifying a certificate");
		goto out;
	}
	X509_STORE_CTX_set_time(context, 0, (time_t)(clock_now() / 1000));
	if (X509_verify_cert(context) == 1)
		goto out;
	wrong = X509_STORE_CTX_get_error(context);
	kind = err_set(err, ERR_FORBIDDEN, "the certificate is not acceptable (%.100s)",
		X509_verify_cert_error_string(wrong));
out:
	X509_STORE_CTX_free(context);
	return kind;
}

/* Not another encoding of the same certificate either, which would be known by another hash. */
static bool
is_written_as(const X509 *cert, const void *der, size_t len)
{
	unsigned char *again = NULL;
	int again_len = i2d_X509(cert, &again);
	bool same = again_len >= 0 && (size_t)again_len == len && memcmp(again, der, len) == 0;

	OPENSSL_free(again);
	return same;
}

enum err_kind
x509_verify_chain(const struct x509_trust *trust, const void *der, size_t len, struct err *err)
{
	const unsigned char *at = der;
	X509 *cert = len > LONG_MAX ? NULL : d2i_X509(NULL, &at, (long)len);
	enum err_kind kind;

	if (cert == NULL || !is_written_as(cert, der, len))
		kind = err_set(err, ERR_FORBIDDEN, "the client certificate cannot be read");
	else
		kind = x509_chain_check(trust, cert, NULL, err);
	X509_free(cert);
	ERR_clear_error();
	return kind;
}
