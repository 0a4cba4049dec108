#include "codec/qr.h"

#include <qrencode.h>

enum { QUIET_TEXT = 2, QUIET = 4 /* modules; the standard's width */ };

/* NULL when it cannot be one. */
static QRcode *
encode(const char *text)
{
	return *text == '\0' ? NULL : QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
}

static bool
is_dark(const QRcode *code, int row, int column)
{
	return row >= 0 && column >= 0 && row < code->width && column < code->width &&
	       (code->data[row * code->width + column] & 1) != 0;
}

bool
qr_write_text(struct buf *buf, const char *text)
{
	/* by the upper and the lower half's darkness */
	static const char *const blocks[2][2] = {{"█", "▀"}, {"▄", " "}};
	QRcode *code = encode(text);

	if (code == NULL)
		return false;
	for (int row = -QUIET_TEXT; row < code->width + QUIET_TEXT; row += 2) {
		for (int column = -QUIET_TEXT; column < code->width + QUIET_TEXT; column++)
			buf_str(buf,
				blocks[is_dark(code, row, column)][is_dark(code, row + 1, column)]);
		buf_byte(buf, '\n');
	}
	QRcode_free(code);
	return true;
}

/* Dark modules side by side become one piece of the path. */
static void
add_row(struct buf *buf, const QRcode *code, int row)
{
	for (int column = 0; column < code->width; column++) {
		int len = 0;

		while (is_dark(code, row, column + len))
			len++;
		if (len > 0)
			buf_printf(buf, "M%d %dh%dv1h-%dz", column + QUIET, row + QUIET, len, len);
		column += len;
	}
}

bool
qr_write_svg(struct buf *buf, const char *text, const char *label)
{
	QRcode *code = encode(text);
	int size;

	if (code == NULL)
		return false;
	size = code->width + 2 * QUIET;
	buf_printf(buf,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" "
		"aria-label=\"%s\" shape-rendering=\"crispEdges\">"
		"<path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/><path fill=\"#000\" d=\"",
		size, size, label, size, size);
	for (int row = 0; row < code->width; row++)
		add_row(buf, code, row);
	buf_str(buf, "\"/></svg>");
	QRcode_free(code);
	return true;
}
