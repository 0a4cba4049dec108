/*
 * What commands leave behind on the device, for later ones to find.
 */
#include <string.h>

#include "sim/answer_work.h"

enum { MEMO_MOST = 1024 * 1024 };

const char *
answer_memo_name(struct answer_work *work, const char *kind, const char *key)
{
	return arena_printf(work->arena, "%s/%s", kind, key);
}

static const struct device_memo *
memos(const struct answer_work *work)
{
	const struct device_state *state = *work->device->state;

	return state != NULL ? state->memos : NULL;
}

struct plist *
answer_memo_read(const struct answer_work *work, const struct device_memo *memo)
{
	struct plist *value;

	if (plist_read_xml(work->device->reader, work->arena, memo->xml, memo->xml_len, &value,
		    NULL) != ERR_OK)
		return NULL;
	return value;
}

struct plist *
answer_recall(const struct answer_work *work, const char *name)
{
	const struct device_memo *memo = device_memo_find(memos(work), name);

	return memo != NULL ? answer_memo_read(work, memo) : NULL;
}

/* What is too large to be kept is forgotten at once. */
void
answer_keep(struct answer_work *work, const char *name, const struct plist *value)
{
	struct buf xml;

	buf_init(&xml, work->arena, MEMO_MOST);
	plist_write_xml(&xml, value, false);
	if (!xml.full)
		device_memo_keep(&answer_state(work)->memos, name, xml.bytes, xml.len);
}

bool
answer_forget(struct answer_work *work, const char *name)
{
	return memos(work) != NULL && device_memo_forget(&answer_state(work)->memos, name);
}

const struct device_memo *
answer_memo_next(const struct answer_work *work, const char *kind, const struct device_memo *last,
	const char **key)
{
	const struct device_memo *memo = last != NULL ? last->next : memos(work);
	size_t len = strlen(kind);

	for (; memo != NULL; memo = memo->next)
		if (strncmp(memo->name, kind, len) == 0 && memo->name[len] == '/') {
			*key = memo->name + len + 1;
			return memo;
		}
	return NULL;
}
