/*
 * html - what is written into a page.
 */
#ifndef POMONA_WEB_HTML_H
#define POMONA_WEB_HTML_H

#include "base/buf.h"

/* TEXT, so that it is text in an element and in a quoted attribute, whatever it holds. */
void html_text(struct buf *buf, const char *text);

/* FORMAT with each %s replaced by the next string, escaped by html_text(); it holds no other %. */
void html_fill(struct buf *buf, const char *format, ...);

#endif
