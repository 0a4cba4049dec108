/*
 * What a device says decides which URL of the back-end is asked for: hence the care.
 */
#include "mdm/ddm.h"

#include <string.h>

#include "base/clock.h"
#include "codec/text.h"

enum { URL_MOST = 8192 };

/* What a part of a path may hold unescaped (RFC 3986, pchar), and the / between parts. */
static const char plain[] = "/!$&'()*+,;=:@";

static const char *const kinds[] = {"activation", "asset", "configuration", "management"};

/* ---- endpoints ---- */

/* "declaration/KIND/…" */
static bool
is_declaration(const char *path)
{
	static const char prefix[] = "declaration/";

	if (strncmp(path, prefix, sizeof(prefix) - 1) != 0)
		return false;
	path += sizeof(prefix) - 1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i]);

		if (strncmp(path, kinds[i], len) == 0 && path[len] == '/' && path[len + 1] != '\0')
			return true;
	}
	return false;
}

static bool
is_known(const char *path)
{
	return strcmp(path, "tokens") == 0 || strcmp(path, "declaration-items") == 0 ||
	       strcmp(path, "status") == 0 || is_declaration(path);
}

/* No part is empty, "." or "..". */
static bool
leads_down(const char *path)
{
	for (;;) {
		size_t len = strcspn(path, "/");

		if (len == 0 || (len == 1 && path[0] == '.') ||
			(len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (path[len] == '\0')
			return true;
		path += len + 1;
	}
}

static bool
is_printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return text_is_utf8(text, len);
}

static size_t
count_of(const char *text, char c)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += *text == c;
	return count;
}

/* An identifier may come escaped or not; what is checked is what it says. */
static bool
is_sound(const char *text, const char *decoded, size_t len)
{
	return decoded != NULL && is_printable(decoded, len) && strpbrk(text, "?#") == NULL &&
	       strchr(decoded, '\\') == NULL && count_of(text, '/') == count_of(decoded, '/') &&
	       leads_down(decoded) && is_known(decoded);
}

enum err_kind
ddm_endpoint_read(
	struct arena *arena, const char *text, struct ddm_endpoint *endpoint, struct err *err)
{
	size_t len = 0, text_len = strlen(text);
	const char *decoded = NULL;
	struct buf path;

	*endpoint = (struct ddm_endpoint){0};
	if (text_len <= DDM_ENDPOINT_MOST)
		decoded = text_url_decode(arena, text, text_len, false, &len);
	if (!is_sound(text, decoded, len))
		return err_set(err, ERR_BAD_INPUT, "Endpoint is none of declarative management");
	buf_init(&path, arena, URL_MOST);
	text_url_append(&path, decoded, len, plain);
	endpoint->path = path.bytes;
	endpoint->is_status = strcmp(decoded, "status") == 0;
	return ERR_OK;
}

const char *
ddm_endpoint_url(struct arena *arena, const char *base, const struct ddm_endpoint *endpoint)
{
	size_t len = strlen(base);

	return arena_printf(
		arena, "%s%s%s", base, len > 0 && base[len - 1] == '/' ? "" : "/", endpoint->path);
}

/* ---- status reports ---- */

/* What it says of the declarations, as JSON; NULL: nothing. */
static const char *
declarations_of(struct arena *arena, const struct plist *report, size_t most)
{
	const struct plist *declarations =
		plist_get_typed(plist_get(plist_get(report, "StatusItems"), "management"),
			"declarations", PLIST_DICT);
	struct buf json;

	if (declarations == NULL)
		return NULL;
	/* A character of the report may come out as an escape. */
	buf_init(&json, arena, most * 6);
	plist_write_json(&json, declarations, false);
	return json.full ? NULL : json.bytes;
}

enum err_kind
ddm_keep_status(struct mdm *mdm, int64_t enrollment_no, const char *report, size_t len, bool *kept,
	struct err *err)
{
	const char *text = arena_memdup(mdm->arena, report, len), *declarations;
	int64_t now = clock_now();
	struct plist *plist;

	*kept = plist_read_json(plist_limits_default(), mdm->arena, report, len, &plist, NULL) ==
			ERR_OK &&
		plist->type == PLIST_DICT;
	if (!*kept)
		return ERR_OK;
	declarations = declarations_of(mdm->arena, plist, len);
	return db_run(mdm->db, SQL_DDM_KEEP_STATUS,
		DB_ARGS(DB_INT(enrollment_no), DB_INT(now), DB_TEXT(text), DB_TEXT(declarations),
			declarations == NULL ? DB_NULL() : DB_INT(now)),
		NULL, err);
}

enum err_kind
ddm_forget_status(struct mdm *mdm, int64_t device_no, struct err *err)
{
	return db_run(mdm->db, SQL_DDM_FORGET_STATUS, DB_ARGS(DB_INT(device_no)), NULL, err);
}
