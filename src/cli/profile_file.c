#include "cli/profile_file.h"

#include "cli/file.h"
#include "codec/cms.h"

enum { FILE_MOST = 16 * 1024 * 1024 };

/* DER begins with a SEQUENCE; a plist, in whatever encoding, does not. */
static bool
is_der(const char *bytes, size_t len)
{
	return len > 0 && bytes[0] == '0';
}

enum err_kind
profile_file_read(struct cli *cli, const char *path, struct profile_file *file, struct err *err)
{
	struct plist_reader *reader;
	unsigned char *content;
	enum err_kind kind;
	char *bytes;

	*file = (struct profile_file){0};
	kind = file_read(&cli->arena, path, FILE_MOST, &bytes, &file->len, err);
	if (kind != ERR_OK)
		return kind;
	file->bytes = bytes;
	file->content = bytes;
	file->content_len = file->len;
	file->is_signed = is_der(bytes, file->len);
	if (file->is_signed) {
		kind = cms_content(
			&cli->arena, bytes, file->len, &content, &file->content_len, err);
		file->content = content;
	}
	if (kind == ERR_OK) {
		reader = plist_reader_new(plist_limits_default());
		kind = plist_read_xml(
			reader, &cli->arena, file->content, file->content_len, &file->plist, err);
		plist_reader_free(reader);
	}
	if (kind != ERR_OK)
		err_prefix(err, "%s", path);
	return kind;
}
