#include "codec/anchor.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "codec/x509_parts.h"

static enum err_kind
take(struct arena *arena, X509 *cert, struct anchor *anchor, struct err *err)
{
	STACK_OF(X509) *one = sk_X509_new_null();
	unsigned char *der = NULL;
	unsigned size = ANCHOR_SHA1_SIZE;
	struct x509_info info;
	enum err_kind kind = ERR_OK;
	int len = i2d_X509(cert, &der);

	if (one != NULL && sk_X509_push(one, cert) > 0)
		anchor->pem = x509_certs_to_pem(arena, one);
	sk_X509_free(one);
	if (len < 0 || anchor->pem == NULL ||
		X509_digest(cert, EVP_sha1(), anchor->sha1, &size) != 1)
		kind = x509_failed(err, "reading a certificate");
	if (kind == ERR_OK)
		kind = x509_inspect(arena, anchor->pem, &info, err);
	if (kind == ERR_OK) {
		anchor->name = info.common_name != NULL ? info.common_name : info.subject;
		anchor->der = arena_memdup(arena, der, (size_t)len);
		anchor->der_len = (size_t)len;
		anchor->self_signed =
			(X509_get_extension_flags(cert) & EXFLAG_SI) != 0; /* names alike */
		memcpy(anchor->sha256, info.sha256, sizeof(info.sha256));
	}
	OPENSSL_free(der);
	return kind;
}

enum err_kind
anchor_read(struct arena *arena, const char *pem, struct anchor **anchors, size_t *count,
	struct err *err)
{
	struct x509_parts parts = {0};
	enum err_kind kind = x509_parts_read(&parts, pem, strlen(pem), NULL, err);
	int found = kind == ERR_OK && parts.certs != NULL ? sk_X509_num(parts.certs) : 0;

	*anchors = NULL;
	*count = 0;
	if (kind == ERR_OK && found == 0)
		kind = err_set(err, ERR_BAD_INPUT, "there is no certificate in it");
	if (kind == ERR_OK)
		*anchors = arena_calloc(arena, (size_t)found, sizeof(**anchors));
	for (int i = 0; i < found && kind == ERR_OK; i++)
		kind = take(arena, sk_X509_value(parts.certs, i), &(*anchors)[i], err);
	if (kind == ERR_OK)
		*count = (size_t)found;
	x509_parts_release(&parts);
	ERR_clear_error();
	return kind;
}
