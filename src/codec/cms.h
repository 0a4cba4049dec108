/*
 * cms - signed messages (RFC 5652): here, taking the content out of a signed profile.
 */
#ifndef POMONA_CODEC_CMS_H
#define POMONA_CODEC_CMS_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

/*
 * The content of a SignedData message (DER or BER), in ARENA, with a NUL behind it, without asking
 * who signed it: a .mobileprovision or signed .mobileconfig is read, not trusted.  What follows the
 * message is not looked at.
 *
 * ERR_BAD_INPUT when it is no such message (another kind of CMS, or cut short) or holds no content
 * (a detached signature).  An empty content is one: *CONTENT_LEN is 0.
 */
enum err_kind cms_content(struct arena *arena, const void *bytes, size_t len,
	unsigned char **content, size_t *content_len, struct err *err);

#endif
