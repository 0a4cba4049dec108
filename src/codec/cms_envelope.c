/*
 * Between a Mac's encrypted FileVault key and the escrow, which holds the certificate's key.
 */
#include "codec/cms_envelope.h"

#include <limits.h>
#include <stdbool.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include "codec/x509_parts.h"

/* Is CERT among the recipients?  Else OpenSSL, told no certificate, would try its key on all. */
static bool
is_recipient(CMS_ContentInfo *message, X509 *cert)
{
	STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(message);

	for (int i = 0; i < sk_CMS_RecipientInfo_num(infos); i++) {
		CMS_RecipientInfo *info = sk_CMS_RecipientInfo_value(infos, i);

		if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_TRANS &&
			CMS_RecipientInfo_ktri_cert_cmp(info, cert) == 0)
			return true;
	}
	return false;
}

static enum err_kind
take_content(struct arena *arena, BIO *plain, size_t most, unsigned char **content,
	size_t *content_len, struct err *err)
{
	char *bytes;
	long len = BIO_get_mem_data(plain, &bytes);

	if (len < 0 || (size_t)len > most)
		return err_set(err, ERR_BAD_INPUT, "the encrypted message is too large");
	*content = (unsigned char *)arena_memdup(arena, bytes, (size_t)len);
	*content_len = (size_t)len;
	return ERR_OK;
}

static enum err_kind
open_message(struct arena *arena, CMS_ContentInfo *message, const struct x509_parts *parts,
	size_t most, unsigned char **content, size_t *content_len, struct err *err)
{
	X509 *cert = sk_X509_value(parts->certs, 0);
	BIO *plain = BIO_new(BIO_s_mem());
	enum err_kind kind;

	if (plain == NULL || cert == NULL || parts->key_count != 1)
		kind = x509_failed(err, "opening an encrypted message");
	else if (OBJ_obj2nid(CMS_get0_type(message)) != NID_pkcs7_enveloped)
		kind = err_set(err, ERR_BAD_INPUT, "this CMS message is not an encrypted one");
	else if (!is_recipient(message, cert))
		kind = err_set(
			err, ERR_NOT_FOUND, "the message is encrypted to another certificate");
	else if (CMS_decrypt(message, parts->keys[0], cert, NULL, plain, CMS_BINARY) != 1)
		kind = err_set(err, ERR_BAD_INPUT, "the encrypted message is damaged");
	else
		kind = take_content(arena, plain, most, content, content_len, err);
	BIO_free(plain);
	return kind;
}

enum err_kind
cms_envelope_open(struct arena *arena, const struct x509_identity *identity, const void *bytes,
	size_t len, size_t most, unsigned char **content, size_t *content_len, struct err *err)
{
	const unsigned char *at = bytes;
	CMS_ContentInfo *message = NULL;
	struct x509_parts parts;
	enum err_kind kind = x509_parts_read_identity(&parts, identity, err);

	*content = NULL;
	if (kind == ERR_OK && len > 0 && len <= LONG_MAX)
		message = d2i_CMS_ContentInfo(NULL, &at, (long)len);
	if (kind == ERR_OK && message == NULL)
		kind = err_set(err, ERR_BAD_INPUT, "this is no encrypted message (CMS)");
	if (kind == ERR_OK)
		kind = open_message(arena, message, &parts, most, content, content_len, err);
	CMS_ContentInfo_free(message);
	x509_parts_release(&parts);
	ERR_clear_error();
	return kind;
}
