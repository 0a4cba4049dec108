/*
 * page - what a web page offers for download, as a person would find it who looks for the one
 * button.
 */
#ifndef POMONA_CODEC_PAGE_H
#define POMONA_CODEC_PAGE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum { PAGE_MOST = 1024 * 1024 }; /* bytes */

struct page_download {
	const char *method; /* "GET" of a link, "POST" or "GET" of a form without fields */
	const char *url;    /* absolute */
};

/*
 * The first form or link on the page (HTML, UTF-8) whose address ends in SUFFIX, resolved against
 * BASE_URL, which the page came from (RFC 3986).  ERR_NOT_FOUND when there is none;
 * ERR_TOO_LARGE above PAGE_MOST; ERR_BAD_INPUT when it is no HTML at all.
 */
enum err_kind page_find_download(struct arena *arena, const char *html, size_t len,
	const char *base_url, const char *suffix, struct page_download *download, struct err *err);

#endif
