/*
 * The catalogue as tables of the store, for who works in SQL: the views command_type, command_key,
 * command_os and command_rule of pomona-sql(7).  Made anew with the rest of the interface.
 */
#include <string.h>

#include "mdm/catalogue_parts.h"

/* In the order of the tables: views, so that nobody takes them for something to be changed. */
static const char tables[] =
	"CREATE TABLE catalogue_type (request TEXT PRIMARY KEY, about TEXT NOT NULL, alias TEXT, "
	"confirm "
	"INTEGER NOT NULL);\n"
	"CREATE VIEW command_type AS SELECT request, about, alias, confirm FROM catalogue_type;\n"
	"CREATE TABLE catalogue_key (request TEXT NOT NULL, part TEXT NOT NULL, no INTEGER NOT "
	"NULL, path "
	"TEXT NOT NULL, type TEXT NOT NULL, presence TEXT NOT NULL, allowed TEXT, preset TEXT, "
	"PRIMARY KEY (request, part, no));\n"
	"CREATE VIEW command_key AS SELECT request, part, no, path, type, presence, allowed, "
	"preset FROM "
	"catalogue_key;\n"
	"CREATE TABLE catalogue_os (request TEXT NOT NULL, part TEXT NOT NULL, path TEXT NOT NULL, "
	"value "
	"TEXT, os TEXT NOT NULL, supported INTEGER NOT NULL, introduced TEXT, deprecated TEXT, "
	"removed "
	"TEXT, channels TEXT, supervised INTEGER NOT NULL, automated INTEGER NOT NULL, "
	"user_approved "
	"INTEGER NOT NULL, user_enrollment TEXT, shared_ipad TEXT, shared_channels TEXT, "
	"access_right "
	"INTEGER);\n"
	"CREATE VIEW command_os AS SELECT request, part, path, value, os, supported, introduced, "
	"deprecated, removed, channels, supervised, automated, user_approved, user_enrollment, "
	"shared_ipad, shared_channels, access_right FROM catalogue_os;\n"
	"CREATE TABLE catalogue_rule (request TEXT NOT NULL, path TEXT NOT NULL, rule TEXT NOT "
	"NULL, "
	"advisory INTEGER NOT NULL);\n"
	"CREATE VIEW command_rule AS SELECT request, path, rule, advisory FROM catalogue_rule;\n";

/* ---- SQL ---- */

static void
write_quoted(struct buf *buf, const char *text)
{
	if (text == NULL) {
		buf_str(buf, "NULL");
		return;
	}
	buf_byte(buf, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			buf_byte(buf, '\'');
		buf_byte(buf, *text);
	}
	buf_byte(buf, '\'');
}

/* Rows of one table are put into one statement; they stand in BUF behind the first. */
struct rows {
	struct buf *buf;
	const char *table;
	bool any;
};

static void
begin_row(struct rows *rows)
{
	if (rows->any)
		buf_str(rows->buf, ",\n(");
	else
		buf_printf(rows->buf, "INSERT INTO %s VALUES\n(", rows->table);
	rows->any = true;
}

static void
end_rows(struct rows *rows)
{
	if (rows->any)
		buf_str(rows->buf, ";\n");
}

/* ---- the types ---- */

static void
write_types(struct buf *buf)
{
	struct rows rows = {buf, "catalogue_type", false};
	const struct catalogue_request *request;

	for (size_t i = 0; (request = catalogue_row(i)) != NULL; i++) {
		begin_row(&rows);
		write_quoted(buf, request->name);
		buf_byte(buf, ',');
		write_quoted(buf, request->about == NULL ? "" : request->about);
		buf_byte(buf, ',');
		write_quoted(buf, request->alias);
		buf_printf(buf, ",%d)", request->confirm);
	}
	end_rows(&rows);
}

/* ---- walking over the keys of a part, with their paths ---- */

struct walk {
	struct arena *arena;
	struct rows *rows;
	const char *request, *part;
	int no;
	void (*write)(struct walk *walk, const struct catalogue_key *key, const char *path,
		const struct catalogue_fact *known);
};

/* "Settings[Item=Wallpaper].Image", "Updates[].ProductKey", "Configuration.*" */
static const char *
path_of(struct arena *arena, const struct catalogue_key *parent, const char *path,
	const struct catalogue_key *key)
{
	if (key->variant != NULL)
		return arena_printf(arena, "%s[%s=%s]", path, parent->by, key->variant);
	if (*key->name == '\0')
		return arena_printf(arena, "%s[]", path);
	return arena_printf(arena, "%s%s%s", path, *path == '\0' ? "" : ".", key->name);
}

static void
walk_keys(struct walk *walk, const struct catalogue_key *parent, const char *path,
	const struct catalogue_fact *above)
{
	for (const struct catalogue_key *key = catalogue_first(parent);
		key != catalogue_end(parent); key = catalogue_next(key)) {
		struct catalogue_fact known[CATALOGUE_OS_COUNT];
		const char *own = path_of(walk->arena, parent, path, key);

		memcpy(known, above, sizeof(known));
		for (size_t i = 0; i < key->fact_count; i++)
			catalogue_fact_over(&known[key->facts[i].os], &key->facts[i]);
		walk->write(walk, key, own, known);
		walk_keys(walk, key, own, known);
	}
}

static void
walk_request(struct walk *walk, const struct catalogue_request *request)
{
	struct catalogue_fact known[CATALOGUE_OS_COUNT] = {0};

	for (size_t i = 0; i < CATALOGUE_OS_COUNT; i++)
		known[i].unsupported = true;
	for (size_t i = 0; i < request->fact_count; i++)
		known[request->facts[i].os] = request->facts[i];
	walk->request = request->name;
	walk->no = 0;
	walk->part = "payload";
	walk_keys(walk, request->payload, "", known);
	walk->no = 0;
	walk->part = "response";
	if (request->response != NULL)
		walk_keys(walk, request->response, "", known);
}

/* ---- the keys ---- */

static void
write_key(struct walk *walk, const struct catalogue_key *key, const char *path,
	const struct catalogue_fact *known)
{
	static const char *const presences[] = {
		[CATALOGUE_OPTIONAL] = "optional",
		[CATALOGUE_REQUIRED] = "required",
		[CATALOGUE_FILLED] = "filled",
	};
	struct buf *buf = walk->rows->buf;

	(void)known;
	begin_row(walk->rows);
	buf_printf(buf, "'%s','%s',%d,", walk->request, walk->part, ++walk->no);
	write_quoted(buf, path);
	buf_printf(buf, ",'%s','%s',", key->any ? "any" : plist_type_name(key->type),
		presences[key->presence]);
	if (key->value_count == 0)
		buf_str(buf, "NULL");
	for (size_t i = 0; i < key->value_count; i++)
		buf_printf(buf, key->type == PLIST_STRING ? "%s\"%s\"" : "%s%s",
			i == 0 ? "'[" : ",", key->values[i].text);
	buf_str(buf, key->value_count == 0 ? "," : "]',");
	write_quoted(buf, key->preset);
	buf_byte(buf, ')');
}

/* ---- the systems ---- */

static void
write_version(struct buf *buf, int version)
{
	char text[CATALOGUE_VERSION_SIZE];

	write_quoted(buf, version == 0 ? NULL : catalogue_version_text(version, text));
	buf_byte(buf, ',');
}

static void
write_channels(struct buf *buf, int channels)
{
	static const char *const texts[] = {NULL, "device", "user", "device,user"};

	write_quoted(buf, texts[channels]);
	buf_byte(buf, ',');
}

static void
write_fact(
	struct walk *walk, const char *path, const char *value, const struct catalogue_fact *fact)
{
	static const char *const modes[] = {
		[CATALOGUE_MODE_UNSAID] = NULL,
		[CATALOGUE_MODE_ALLOWED] = "allowed",
		[CATALOGUE_MODE_FORBIDDEN] = "forbidden",
		[CATALOGUE_MODE_REQUIRED] = "required",
		[CATALOGUE_MODE_IGNORED] = "ignored",
	};
	struct buf *buf = walk->rows->buf;

	begin_row(walk->rows);
	buf_printf(buf, "'%s','%s',", walk->request, walk->part);
	write_quoted(buf, path);
	buf_byte(buf, ',');
	write_quoted(buf, value);
	buf_printf(buf, ",'%s',%d,", catalogue_os_name(fact->os), !fact->unsupported);
	write_version(buf, fact->introduced);
	write_version(buf, fact->deprecated);
	write_version(buf, fact->removed);
	write_channels(buf, fact->channels);
	buf_printf(buf, "%d,%d,%d,", fact->supervised, fact->automated, fact->user_approved);
	write_quoted(buf, modes[fact->user_enrollment]);
	buf_byte(buf, ',');
	write_quoted(buf, modes[fact->shared_ipad]);
	buf_byte(buf, ',');
	write_channels(buf, fact->shared_channels);
	if (fact->right > 0)
		buf_printf(buf, "%d)", fact->right);
	else
		buf_str(buf, fact->right == CATALOGUE_RIGHT_NONE ? "0)" : "NULL)");
}

static void
write_key_facts(struct walk *walk, const struct catalogue_key *key, const char *path,
	const struct catalogue_fact *known)
{
	for (size_t i = 0; i < key->fact_count; i++)
		write_fact(walk, path, NULL, &known[key->facts[i].os]);
	for (size_t v = 0; v < key->value_count; v++)
		for (size_t i = 0; i < key->values[v].fact_count; i++) {
			const struct catalogue_fact *own = &key->values[v].facts[i];
			struct catalogue_fact fact = known[own->os];

			catalogue_fact_over(&fact, own);
			write_fact(walk, path, key->values[v].text, &fact);
		}
}

/* ---- the rules ---- */

static void
write_rules(struct walk *walk, const struct catalogue_key *key, const char *path,
	const struct catalogue_fact *known)
{
	const struct catalogue_place root = {0};

	(void)known;
	if (strcmp(walk->part, "payload") != 0)
		return;
	for (size_t i = 0; i < key->rule_count; i++) {
		begin_row(walk->rows);
		buf_printf(walk->rows->buf, "'%s',", walk->request);
		write_quoted(walk->rows->buf, path);
		buf_byte(walk->rows->buf, ',');
		write_quoted(
			walk->rows->buf, catalogue_rule_text(walk->arena, &key->rules[i], &root));
		buf_printf(walk->rows->buf, ",%d)", key->rules[i].advisory);
	}
}

/* ---- all ---- */

/* What of a request itself belongs into the table that WALK makes. */
static void
write_own(struct walk *walk, const struct catalogue_request *request)
{
	walk->request = request->name;
	walk->part = "payload";
	if (walk->write == write_key_facts)
		for (size_t i = 0; i < request->fact_count; i++)
			write_fact(walk, "", NULL, &request->facts[i]);
	if (walk->write == write_rules)
		write_rules(walk, request->payload, "", NULL);
}

void
catalogue_write_tables(struct buf *buf)
{
	static const struct {
		const char *table;
		void (*write)(struct walk *walk, const struct catalogue_key *key, const char *path,
			const struct catalogue_fact *known);
	} parts[] = {
		{"catalogue_key", write_key},
		{"catalogue_os", write_key_facts},
		{"catalogue_rule", write_rules},
	};
	struct arena arena;

	arena_init(&arena);
	buf_str(buf, tables);
	write_types(buf);
	for (size_t p = 0; p < sizeof(parts) / sizeof(parts[0]); p++) {
		struct rows rows = {buf, parts[p].table, false};
		struct walk walk = {.arena = &arena, .rows = &rows, .write = parts[p].write};
		const struct catalogue_request *request;

		for (size_t i = 0; (request = catalogue_row(i)) != NULL; i++) {
			write_own(&walk, request);
			walk_request(&walk, request);
		}
		end_rows(&rows);
	}
	arena_release(&arena);
}
