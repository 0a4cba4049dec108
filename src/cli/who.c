#include "cli/who.h"

#include <stdlib.h>
#include <string.h>

#include "mdm/selection.h"

/* What is being gathered. */
struct gathering {
	struct arena *arena;
	const char **ids;
	size_t count, size;
};

static enum err_kind
add(const char *id, void *context, struct err *err)
{
	struct gathering *gathering = context;
	const char **ids;

	(void)err;
	if (gathering->count == gathering->size) {
		gathering->size = gathering->size == 0 ? 64 : gathering->size * 2;
		ids = arena_calloc(gathering->arena, gathering->size, sizeof(*ids));
		if (gathering->count > 0)
			memcpy(ids, gathering->ids, gathering->count * sizeof(*ids));
		gathering->ids = ids;
	}
	gathering->ids[gathering->count++] = arena_strdup(gathering->arena, id);
	return ERR_OK;
}

static int
compare(const void *a, const void *b)
{
	const char *const *const *left = a, *const *const *right = b;
	int order = strcmp(**left, **right);

	return order != 0 ? order : (*left > *right) - (*left < *right);
}

/* Of ids that are the same the first stays. */
static void
remove_doubles(struct gathering *gathering)
{
	const char ***sorted = arena_calloc(gathering->arena, gathering->count, sizeof(*sorted));
	const char *before = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < gathering->count; i++)
		sorted[i] = &gathering->ids[i];
	qsort(sorted, gathering->count, sizeof(*sorted), compare);
	for (size_t i = 0; i < gathering->count; i++) {
		if (before != NULL && strcmp(*sorted[i], before) == 0)
			*sorted[i] = NULL;
		else
			before = *sorted[i];
	}
	for (size_t i = 0; i < gathering->count; i++)
		if (gathering->ids[i] != NULL)
			gathering->ids[kept++] = gathering->ids[i];
	gathering->count = kept;
}

bool
who_is_group(const char *word)
{
	return strncmp(word, SELECTION_GROUP, strlen(SELECTION_GROUP)) == 0;
}

static enum err_kind
gather(struct cli *cli, const char *const *words, size_t count, struct who *who, struct err *err)
{
	struct gathering gathering = {.arena = &cli->arena};
	enum err_kind kind = ERR_OK;

	for (size_t i = 0; i < count && kind == ERR_OK; i++)
		kind = who_is_group(words[i])
			       ? selection_each(&cli->mdm, words[i], add, &gathering, err)
			       : add(words[i], &gathering, err);
	if (kind == ERR_OK && gathering.count > 0)
		remove_doubles(&gathering);
	*who = (struct who){.ids = gathering.ids, .count = gathering.count};
	return kind;
}

enum err_kind
who_find(struct cli *cli, const char *const *words, size_t count, struct who *who, struct err *err)
{
	enum err_kind kind = gather(cli, words, count, who, err);

	if (kind == ERR_OK && who->count == 0)
		return err_set(err, ERR_NOT_FOUND, "there is nobody in %.100s", words[0]);
	return kind;
}

/* In a read transaction of its own. */
static enum err_kind
reading(struct cli *cli, const char *const *words, size_t count, struct who *who,
	enum err_kind (*find)(struct cli *cli, const char *const *words, size_t count,
		struct who *who, struct err *err),
	struct err *err)
{
	enum err_kind kind = db_begin(cli->mdm.db, DB_READ, err);

	if (kind != ERR_OK)
		return kind;
	kind = find(cli, words, count, who, err);
	db_rollback(cli->mdm.db);
	return kind;
}

enum err_kind
who_read(struct cli *cli, const char *const *words, size_t count, struct who *who, struct err *err)
{
	return reading(cli, words, count, who, who_find, err);
}

enum err_kind
who_members(struct cli *cli, const char *word, struct who *who, struct err *err)
{
	return reading(cli, &word, 1, who, gather, err);
}

/* ---- lists ---- */

struct counted {
	db_each_fn each;
	void *context;
	int64_t rows;
};

static enum err_kind
count_row(const struct db_row *row, void *context, struct err *err)
{
	struct counted *counted = context;

	counted->rows++;
	return counted->each(row, counted->context, err);
}

enum err_kind
who_list(struct cli *cli, const char *word, struct cli_list *list, struct db_value *args,
	unsigned numbers, db_each_fn each, void *context, struct err *err)
{
	struct counted counted = {.each = each, .context = context};
	int64_t limit = list->limit, no;
	struct who who;
	enum err_kind kind = who_members(cli, word, &who, err);

	for (size_t i = 0; kind == ERR_OK && i < who.count; i++) {
		if (limit > 0 && counted.rows >= limit)
			break;
		list->limit = limit == 0 ? 0 : limit - counted.rows;
		kind = cli_enrollment_no(cli, who.ids[i], &no, err);
		for (size_t n = 0; n < list->count; n++)
			if ((numbers >> n & 1) != 0)
				args[n] = DB_INT(no);
		if (kind == ERR_OK)
			kind = cli_list(cli, list, count_row, &counted, err);
	}
	return kind;
}
