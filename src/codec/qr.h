/*
 * qr - text as a QR code (ISO/IEC 18004), drawn by libqrencode's hand: for a telephone's camera to
 * read off a terminal or a page.
 */
#ifndef POMONA_CODEC_QR_H
#define POMONA_CODEC_QR_H

#include <stdbool.h>

#include "base/buf.h"

/*
 * For a terminal: two rows of the code in each line, by UTF-8 half blocks, with the quiet zone; as
 * most terminals are dark, what is light in the code is drawn.  False when TEXT is empty or too
 * long for a code (some 2,300 bytes).
 */
bool qr_write_text(struct buf *buf, const char *text);

/* For a page: an <svg> element without a size, that says LABEL (escaped already) to those who do
 * not see it.  False likewise. */
bool qr_write_svg(struct buf *buf, const char *text, const char *label);

#endif
