/*
 * Between a signed file and the plist reader: unwraps what Apple's tools have signed.
 */
#include "codec/cms.h"

#include <limits.h>

#include <openssl/asn1.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>

static enum err_kind
take_content(struct arena *arena, CMS_ContentInfo *message, unsigned char **content,
	size_t *content_len, struct err *err)
{
	ASN1_OCTET_STRING **place;

	if (OBJ_obj2nid(CMS_get0_type(message)) != NID_pkcs7_signed)
		return err_set(err, ERR_BAD_INPUT, "this CMS message is not a signed one");
	place = CMS_get0_content(message);
	if (place == NULL || *place == NULL)
		return err_set(err, ERR_BAD_INPUT,
			"the signed message holds no content: its signature is a detached one");
	*content_len = (size_t)ASN1_STRING_length(*place);
	*content =
		(unsigned char *)arena_memdup(arena, ASN1_STRING_get0_data(*place), *content_len);
	return ERR_OK;
}

enum err_kind
cms_content(struct arena *arena, const void *bytes, size_t len, unsigned char **content,
	size_t *content_len, struct err *err)
{
	const unsigned char *at = bytes;
	CMS_ContentInfo *message = NULL;
	enum err_kind kind;

	if (len > 0 && len <= LONG_MAX)
		message = d2i_CMS_ContentInfo(NULL, &at, (long)len);
	if (message == NULL)
		kind = err_set(err, ERR_BAD_INPUT, "this is no signed message (CMS)");
	else
		kind = take_content(arena, message, content, content_len, err);
	CMS_ContentInfo_free(message);
	ERR_clear_error();
	return kind;
}
