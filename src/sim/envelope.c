#include "sim/envelope.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

/* Who shall read it; NULL: no certificate. */
static STACK_OF(X509) * recipient(const void *certificate, size_t len)
{
	const unsigned char *at = certificate;
	X509 *one = len <= LONG_MAX ? d2i_X509(NULL, &at, (long)len) : NULL;
	STACK_OF(X509) *list = one != NULL ? sk_X509_new_null() : NULL;

	if (list == NULL || sk_X509_push(list, one) == 0) {
		X509_free(one);
		sk_X509_free(list);
		return NULL;
	}
	return list;
}

enum err_kind
envelope_encrypt(struct arena *arena, const void *certificate, size_t certificate_len,
	const void *bytes, size_t len, unsigned char **der, size_t *der_len)
{
	STACK_OF(X509) *recipients = recipient(certificate, certificate_len);
	BIO *content = len <= INT_MAX ? BIO_new_mem_buf(bytes, (int)len) : NULL;
	CMS_ContentInfo *message = NULL;
	enum err_kind kind = ERR_BAD_INPUT;
	unsigned char *out = NULL;
	int out_len = -1;

	if (recipients != NULL && content != NULL)
		message = CMS_encrypt(recipients, content, EVP_aes_256_cbc(), CMS_BINARY);
	if (message != NULL)
		out_len = i2d_CMS_ContentInfo(message, &out);
	if (out_len > 0) {
		*der = (unsigned char *)arena_memdup(arena, out, (size_t)out_len);
		*der_len = (size_t)out_len;
		kind = ERR_OK;
	}
	OPENSSL_free(out);
	CMS_ContentInfo_free(message);
	BIO_free(content);
	sk_X509_pop_free(recipients, X509_free);
	ERR_clear_error();
	return kind;
}
