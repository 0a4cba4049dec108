/*
 * Between a device's ErrorChain and whoever wants to know what it says.
 */
#include "mdm/error_meaning.h"

#include <string.h>

#include "mdm/error_meaning_data.h"

const struct error_meaning *
error_meaning_row(size_t n)
{
	return n < error_meaning_count ? &error_meanings[n] : NULL;
}

static bool
is_same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

const struct error_meaning *
error_meaning_find(const char *request, const char *domain, int64_t code)
{
	const struct error_meaning *found = NULL;

	for (size_t i = 0; i < error_meaning_count; i++) {
		const struct error_meaning *row = &error_meanings[i];

		if (row->code != code)
			continue;
		if (is_same(row->request, request))
			return row;
		if (is_same(row->domain, domain))
			found = row;
	}
	return found;
}

/* ---- chains ---- */

struct walk {
	struct arena *arena;
	const char *request;
	error_link_fn each;
	void *context;
};

static void
walk_chain(const struct walk *walk, const struct plist *chain, const char *path)
{
	if (chain == NULL || chain->type != PLIST_ARRAY)
		return;
	for (const struct plist *item = chain->as.items.first; item != NULL; item = item->next) {
		struct error_link link = {.path = path,
			.domain = plist_get_string(item, "ErrorDomain"),
			.english = plist_get_string(item, "USEnglishDescription"),
			.localized = plist_get_string(item, "LocalizedDescription")};

		if (!plist_get_int64(item, "ErrorCode", &link.code))
			continue;
		link.meaning = error_meaning_find(walk->request, link.domain, link.code);
		walk->each(&link, walk->context);
	}
}

void
error_links(struct arena *arena, const char *request, const struct plist *answer,
	error_link_fn each, void *context)
{
	static const char *const lists[] = {"Settings", "UpdateResults"};
	struct walk walk = {.arena = arena, .request = request, .each = each, .context = context};

	walk_chain(&walk, plist_get(answer, "ErrorChain"), "ErrorChain");
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct plist *list = plist_get(answer, lists[i]), *item = NULL;
		size_t n = 0;

		walk_chain(&walk, plist_get(list, "ErrorChain"),
			arena_printf(arena, "%s.ErrorChain", lists[i]));
		if (list != NULL && list->type == PLIST_ARRAY)
			item = list->as.items.first;
		for (; item != NULL; item = item->next, n++)
			walk_chain(&walk, plist_get(item, "ErrorChain"),
				arena_printf(arena, "%s[%zu].ErrorChain", lists[i], n));
	}
}

/* ---- for the SQL interface ---- */

void
error_meaning_write_view(struct buf *buf)
{
	/* The rows are in a table, as every connection to the store holds the views in memory. */
	buf_str(buf, "CREATE TABLE meaning_of_error (domain TEXT, request TEXT, code BIGINT NOT "
		     "NULL, meaning TEXT NOT NULL, advice TEXT);\n"
		     "CREATE VIEW error_meaning AS\n"
		     "SELECT domain, request, code, meaning, advice FROM meaning_of_error;\n"
		     "INSERT INTO meaning_of_error VALUES");
	for (size_t i = 0; i < error_meaning_count; i++) {
		const struct error_meaning *row = &error_meanings[i];

		buf_str(buf, i == 0 ? "\n\t(" : ",\n\t(");
		buf_sql_text(buf, row->domain);
		buf_str(buf, ", ");
		buf_sql_text(buf, row->request);
		buf_printf(buf, ", %lld, ", (long long)row->code);
		buf_sql_text(buf, row->meaning);
		buf_str(buf, ", ");
		buf_sql_text(buf, row->advice);
		buf_byte(buf, ')');
	}
	buf_str(buf, ";\n");
}
