/*
 * `pomona result show`, for whatever a device may answer: nothing here knows a command.
 */
#include "cli/facts.h"

#include <string.h>

#include "base/clock.h"
#include "cli/escape.h"
#include "cli/table.h"

enum { COLUMNS_MOST = 8, CELL_WIDTH = 40, TEXT_MOST = 64 * 1024 };

static const char *const envelope[] = {"UDID", "EnrollmentID", "UserID", "EnrollmentUserID",
	"UserShortName", "UserLongName", "NotOnConsole", "Status", "CommandUUID"};

static bool
is_envelope(const char *key)
{
	for (size_t i = 0; i < sizeof(envelope) / sizeof(envelope[0]); i++)
		if (strcmp(envelope[i], key) == 0)
			return true;
	return false;
}

static bool
is_scalar(const struct plist *value)
{
	return value->type != PLIST_DICT && value->type != PLIST_ARRAY;
}

static const char *
scalar_text(struct arena *arena, const struct plist *value)
{
	char iso[CLOCK_ISO_SIZE];

	switch (value->type) {
	case PLIST_STRING:
		return value->as.string.bytes;
	case PLIST_INTEGER:
		return arena_printf(arena, "%s%llu", value->as.integer.negative ? "-" : "",
			(unsigned long long)value->as.integer.magnitude);
	case PLIST_REAL:
		return arena_printf(arena, "%.10g", value->as.real);
	case PLIST_BOOLEAN:
		return value->as.boolean ? "true" : "false";
	case PLIST_DATE:
		return arena_strdup(arena, clock_iso(value->as.date, iso));
	case PLIST_DATA:
		return arena_printf(arena, "(%zu bytes)", value->as.string.len);
	default:
		return "";
	}
}

static bool
all(const struct plist *array, bool (*is)(const struct plist *value))
{
	for (const struct plist *value = array->as.items.first; value != NULL; value = value->next)
		if (!is(value))
			return false;
	return true;
}

/* A key is the device's text too. */
static const char *
escaped(struct arena *arena, const char *key)
{
	struct buf buf;

	buf_init(&buf, arena, TEXT_MOST);
	escape_text(&buf, key, strlen(key), false);
	return buf.bytes;
}

static bool
is_dict(const struct plist *value)
{
	return value->type == PLIST_DICT;
}

static bool
is_records(const struct plist *value)
{
	return value->type == PLIST_ARRAY && value->as.items.count > 0 && all(value, is_dict);
}

/* ---- name and value ---- */

static const char *
joined(struct arena *arena, const struct plist *array)
{
	struct buf buf;

	buf_init(&buf, arena, TEXT_MOST);
	for (const struct plist *value = array->as.items.first; value != NULL;
		value = value->next) {
		if (buf.len > 0)
			buf_str(&buf, ", ");
		buf_str(&buf, scalar_text(arena, value));
	}
	return buf.bytes;
}

static void
add_pair(struct table *table, const char *name, const char *value)
{
	table_add(table, (const struct db_value[]){DB_TEXT(name), DB_TEXT(value)});
}

/* VALUE under NAME; its depth is bounded by the plist's. */
static void
flatten(struct table *table, struct arena *arena, const char *name, const struct plist *value)
{
	size_t n = 0;

	if (is_scalar(value)) {
		add_pair(table, name, scalar_text(arena, value));
		return;
	}
	if (value->type == PLIST_ARRAY && all(value, is_scalar)) {
		add_pair(table, name, joined(arena, value));
		return;
	}
	for (const struct plist *item = value->as.items.first; item != NULL; item = item->next, n++)
		flatten(table, arena,
			value->type == PLIST_DICT ? arena_printf(arena, "%s%s%s", name,
							    *name == '\0' ? "" : ".", item->key)
						  : arena_printf(arena, "%s[%zu]", name, n),
			item);
}

static void
pairs_init(struct table *table, FILE *out)
{
	static const struct table_column columns[] = {
		{"name", "NAME", TABLE_TEXT, 0}, {"value", "VALUE", TABLE_TEXT, 0}};

	table_init(table, out, false, columns, 2);
}

/* ---- records ---- */

struct records {
	struct table_column columns[COLUMNS_MOST];
	const char *keys[COLUMNS_MOST];
	size_t count;
	bool more; /* there is something that is not shown */
};

/* What a record is called stands first: 0 a name, 1 an identifier, 2 all else. */
static int
rank(const char *key)
{
	static const char *const endings[] = {"Name", "Identifier"};
	size_t len = strlen(key);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t ending = strlen(endings[i]);

		if (len >= ending && strcmp(key + len - ending, endings[i]) == 0)
			return (int)i;
	}
	return 2;
}

static void
learn_column(struct records *records, struct arena *arena, const struct plist *value)
{
	for (size_t i = 0; i < records->count; i++)
		if (strcmp(records->keys[i], value->key) == 0)
			return;
	if (!is_scalar(value) || records->count == COLUMNS_MOST) {
		records->more = true;
		return;
	}
	records->keys[records->count] = value->key;
	records->columns[records->count++] = (struct table_column){.name = value->key,
		.title = escaped(arena, value->key),
		.kind = TABLE_TEXT,
		.most = CELL_WIDTH};
}

static void
learn_columns(struct records *records, struct arena *arena, const struct plist *array)
{
	for (int wanted = 0; wanted <= 2; wanted++)
		for (const struct plist *record = array->as.items.first; record != NULL;
			record = record->next)
			for (const struct plist *value = record->as.items.first; value != NULL;
				value = value->next)
				if (rank(value->key) == wanted)
					learn_column(records, arena, value);
}

static void
print_records(FILE *out, struct arena *arena, const struct plist *array)
{
	struct records records = {.count = 0};
	struct db_value values[COLUMNS_MOST];
	struct table table;

	learn_columns(&records, arena, array);
	table_init(&table, out, false, records.columns, records.count);
	for (const struct plist *record = array->as.items.first; record != NULL;
		record = record->next) {
		for (size_t i = 0; i < records.count; i++) {
			const struct plist *value = plist_get(record, records.keys[i]);

			values[i] = value == NULL || !is_scalar(value)
					    ? DB_NULL()
					    : DB_TEXT(scalar_text(arena, value));
		}
		table_add(&table, values);
	}
	table_release(&table, true);
	if (records.more)
		fputs("(there is more: --json shows all)\n", out);
}

/* ---- an answer ---- */

/* Scalars of the answer itself come first, without a title. */
static void
print_scalars(FILE *out, struct arena *arena, const struct plist *answer)
{
	struct table table;
	bool any = false;

	for (const struct plist *value = answer->as.items.first; value != NULL;
		value = value->next) {
		if (!is_scalar(value) || is_envelope(value->key))
			continue;
		if (!any) {
			putc('\n', out);
			pairs_init(&table, out);
		}
		any = true;
		add_pair(&table, value->key, scalar_text(arena, value));
	}
	if (any)
		table_release(&table, true);
}

static void
print_section(FILE *out, struct arena *arena, const struct plist *value)
{
	struct table table;

	fprintf(out, "\n%s\n", escaped(arena, value->key));
	if (is_records(value)) {
		print_records(out, arena, value);
		return;
	}
	if (value->as.items.count == 0) {
		fputs("(none)\n", out);
		return;
	}
	pairs_init(&table, out);
	flatten(&table, arena, value->type == PLIST_DICT ? "" : value->key, value);
	table_release(&table, true);
}

void
facts_print(FILE *out, struct arena *arena, const struct plist *answer)
{
	if (answer->type != PLIST_DICT)
		return;
	print_scalars(out, arena, answer);
	for (const struct plist *value = answer->as.items.first; value != NULL; value = value->next)
		if (!is_scalar(value) && !is_envelope(value->key))
			print_section(out, arena, value);
}
