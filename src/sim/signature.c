#include "sim/signature.h"

#include <limits.h>
#include <openssl/cms.h>
#include <openssl/err.h>

#include "codec/text.h"

enum err_kind
signature_header(struct arena *arena, const struct tls_identity *identity, const void *body,
	size_t len, const char **header, struct err *err)
{
	BIO *content = len <= INT_MAX ? BIO_new_mem_buf(body, (int)len) : NULL;
	CMS_ContentInfo *message = NULL;
	unsigned char *der = NULL;
	int der_len = -1;

	if (content != NULL)
		message = CMS_sign(identity->certificate, identity->key, NULL, content,
			CMS_DETACHED | CMS_BINARY | CMS_NOSMIMECAP);
	if (message != NULL)
		der_len = i2d_CMS_ContentInfo(message, &der);
	if (der_len > 0)
		*header = arena_printf(arena, "Mdm-Signature: %s\r\n",
			text_base64_encode(arena, der, (size_t)der_len));
	OPENSSL_free(der);
	CMS_ContentInfo_free(message);
	BIO_free(content);
	ERR_clear_error();
	return der_len > 0 ? ERR_OK : err_set(err, ERR_INTERNAL, "a message cannot be signed");
}
