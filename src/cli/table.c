/*
 * The lists and the single things a command prints.
 */
#include "cli/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/escape.h"

enum { PAGE_ROWS = 256, CELL_MOST = 256 * 1024 * 1024 };

/* ---- a value ---- */

static const char *
span_text(struct arena *arena, int64_t seconds)
{
	static const struct {
		int64_t seconds;
		char letter;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (seconds >= 2 * units[i].seconds)
			return arena_printf(arena, "%lld%c",
				(long long)(seconds / units[i].seconds), units[i].letter);
	return arena_printf(arena, "%llds", (long long)seconds);
}

/* The time in ISO 8601, of a value that is milliseconds or ISO already. */
static const char *
time_text(struct arena *arena, const struct db_value *value, bool whole_seconds)
{
	char text[CLOCK_ISO_SIZE];
	int64_t ms = value->integer;

	if (value->type != DB_TYPE_INTEGER && clock_parse_iso(value->bytes, &ms) != 0)
		return value->bytes;
	if (whole_seconds)
		ms -= ((ms % 1000) + 1000) % 1000;
	return arena_strdup(arena, clock_iso(ms, text));
}

static const char *
people_text(struct arena *arena, enum table_kind kind, const struct db_value *value)
{
	if (value->type == DB_TYPE_NULL)
		return "-";
	if (kind == TABLE_TIME)
		return time_text(arena, value, true);
	if (kind == TABLE_SPAN)
		return span_text(arena, value->integer);
	if (kind == TABLE_BOOL)
		return value->integer != 0 ? "yes" : "no";
	if (value->type == DB_TYPE_INTEGER)
		return arena_printf(arena, "%lld", (long long)value->integer);
	return value->bytes;
}

/* A cell of people's table: escaped, and cut where it is too wide. */
static const char *
cell(struct arena *arena, const struct table_column *column, const struct db_value *value)
{
	const char *text = people_text(arena, column->kind, value);
	struct buf buf;
	size_t fits;

	buf_init(&buf, arena, CELL_MOST);
	escape_text(&buf, text, strlen(text), false);
	if (column->most == 0 || escape_width(buf.bytes) <= column->most)
		return buf.bytes;
	fits = escape_fit(buf.bytes, column->most - 1);
	return arena_printf(arena, "%.*s…", (int)fits, buf.bytes);
}

static void
add_json_value(struct buf *json, const struct table_column *column, const struct db_value *value)
{
	const char *text = value->bytes;

	if (value->type == DB_TYPE_NULL) {
		buf_str(json, "null");
		return;
	}
	if (column->kind == TABLE_BOOL) {
		buf_str(json, value->integer != 0 ? "true" : "false");
		return;
	}
	if (column->kind == TABLE_TIME)
		text = time_text(json->arena, value, false);
	else if (value->type == DB_TYPE_INTEGER) {
		buf_printf(json, "%lld", (long long)value->integer);
		return;
	}
	if (column->kind == TABLE_JSON)
		escape_json_again(json, text, strlen(text));
	else
		escape_json(json, text, strlen(text));
}

static const char *
json_object(struct arena *arena, const struct table_column *columns, size_t count,
	const struct db_value *values)
{
	const char *comma = "";
	struct buf json;

	buf_init(&json, arena, CELL_MOST);
	buf_byte(&json, '{');
	for (size_t i = 0; i < count; i++) {
		if (columns[i].name == NULL)
			continue;
		buf_printf(&json, "%s\"%s\":", comma, columns[i].name);
		add_json_value(&json, &columns[i], &values[i]);
		comma = ",";
	}
	buf_byte(&json, '}');
	return json.bytes;
}

/* ---- a list ---- */

void
table_init(
	struct table *table, FILE *out, bool json, const struct table_column *columns, size_t count)
{
	*table = (struct table){.out = out, .json = json, .columns = columns, .count = count};
	arena_init(&table->arena);
	table->widths = calloc(count + 1, sizeof(*table->widths));
	table->rows = calloc(PAGE_ROWS, sizeof(*table->rows));
	if (table->widths == NULL || table->rows == NULL)
		abort();
	for (size_t i = 0; i < count; i++)
		if (columns[i].title != NULL)
			table->widths[i] = escape_width(columns[i].title);
}

static void
write_spaces(FILE *out, size_t count)
{
	while (count-- > 0)
		putc(' ', out);
}

static void
write_line(const struct table *table, const char *const *cells)
{
	size_t owed = 0; /* spaces, written only when something follows */

	for (size_t i = 0; i < table->count; i++) {
		size_t gap;

		if (table->columns[i].title == NULL)
			continue;
		if (cells[i][0] ==
			'\0') { /* nothing to be seen: at the end of a line not even spaces */
			owed += table->widths[i] + 2;
			continue;
		}
		gap = table->widths[i] - escape_width(cells[i]);
		if (table->columns[i].kind == TABLE_INTEGER) {
			owed += gap;
			gap = 0;
		}
		write_spaces(table->out, owed);
		fputs(cells[i], table->out);
		owed = gap + 2;
	}
	putc('\n', table->out);
}

static void
write_heading(struct table *table)
{
	const char **titles = arena_calloc(&table->arena, table->count, sizeof(*titles));

	for (size_t i = 0; i < table->count; i++)
		titles[i] = table->columns[i].title;
	write_line(table, titles);
}

static void
write_page(struct table *table)
{
	if (!table->begun)
		write_heading(table);
	table->begun = true;
	for (size_t i = 0; i < table->row_count; i++)
		write_line(table, table->rows[i]);
	table->row_count = 0;
	arena_reset(&table->arena);
}

static void
add_for_people(struct table *table, const struct db_value *values)
{
	const char **cells = arena_calloc(&table->arena, table->count, sizeof(*cells));

	for (size_t i = 0; i < table->count; i++) {
		size_t width;

		if (table->columns[i].title == NULL)
			continue;
		cells[i] = cell(&table->arena, &table->columns[i], &values[i]);
		width = escape_width(cells[i]);
		if (width > table->widths[i])
			table->widths[i] = width;
	}
	table->rows[table->row_count++] = cells;
	if (table->row_count == PAGE_ROWS)
		write_page(table);
}

void
table_add(struct table *table, const struct db_value *values)
{
	if (!table->json) {
		add_for_people(table, values);
		return;
	}
	fputs(table->begun ? ",\n" : "[\n", table->out);
	table->begun = true;
	fputs(json_object(&table->arena, table->columns, table->count, values), table->out);
	arena_reset(&table->arena);
}

void
table_release(struct table *table, bool whole)
{
	bool any = table->begun || table->row_count > 0;

	if (table->json && any)
		fputs("\n]\n", table->out);
	else if (table->json && whole)
		fputs("[]\n", table->out);
	else if (!table->json && (any || whole))
		write_page(table);
	arena_release(&table->arena);
	free(table->widths);
	free(table->rows);
}

/* ---- one thing ---- */

static void
show_for_people(FILE *out, struct arena *arena, const struct table_column *columns, size_t count,
	const struct db_value *values)
{
	size_t width = 0;

	for (size_t i = 0; i < count; i++)
		if (columns[i].title != NULL && escape_width(columns[i].title) > width)
			width = escape_width(columns[i].title);
	for (size_t i = 0; i < count; i++) {
		if (columns[i].title == NULL)
			continue;
		fputs(columns[i].title, out);
		write_spaces(out, width - escape_width(columns[i].title) + 2);
		fprintf(out, "%s\n", cell(arena, &columns[i], &values[i]));
	}
}

void
table_show(FILE *out, bool json, const struct table_column *columns, size_t count,
	const struct db_value *values)
{
	struct arena arena;

	arena_init(&arena);
	if (json)
		fprintf(out, "%s\n", json_object(&arena, columns, count, values));
	else
		show_for_people(out, &arena, columns, count, values);
	arena_release(&arena);
}
