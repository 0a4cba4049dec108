/*
 * A condition's text becomes a tree.  Recursive descent: alternatives (OR) -> terms (AND) ->
 * negation (NOT) -> a condition in parentheses or a predicate of one column.
 */
#include "mdm/condition_parts.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"

const struct condition_column_row condition_columns[CONDITION_COLUMNS] = {
	[CONDITION_ID] = {"id", CONDITION_TEXT},
	[CONDITION_DEVICE_ID] = {"device_id", CONDITION_TEXT},
	[CONDITION_KIND] = {"kind", CONDITION_TEXT},
	[CONDITION_UDID] = {"udid", CONDITION_TEXT},
	[CONDITION_SERIAL] = {"serial", CONDITION_TEXT},
	[CONDITION_NAME] = {"name", CONDITION_TEXT},
	[CONDITION_MODEL] = {"model", CONDITION_TEXT},
	[CONDITION_MODEL_NAME] = {"model_name", CONDITION_TEXT},
	[CONDITION_PRODUCT] = {"product", CONDITION_TEXT},
	[CONDITION_OS_VERSION] = {"os_version", CONDITION_VERSION},
	[CONDITION_OS_MAJOR] = {"os_major", CONDITION_INTEGER},
	[CONDITION_BUILD] = {"build", CONDITION_TEXT},
	[CONDITION_TOPIC] = {"topic", CONDITION_TEXT},
	[CONDITION_STATE] = {"state", CONDITION_TEXT},
	[CONDITION_ENROLLED_AT] = {"enrolled_at", CONDITION_TIME},
	[CONDITION_LAST_SEEN] = {"last_seen", CONDITION_TIME},
	[CONDITION_SUPERVISED] = {"supervised", CONDITION_TRUTH},
	[CONDITION_ENROLLED_VIA_DEP] = {"enrolled_via_dep", CONDITION_TRUTH},
	[CONDITION_USER_APPROVED] = {"user_approved", CONDITION_TRUTH},
	[CONDITION_USER_SHORT_NAME] = {"user_short_name", CONDITION_TEXT},
};

/* ---- words of the text ---- */

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_TEXT, TOKEN_NUMBER, TOKEN_SYMBOL };

struct token {
	enum token_kind kind;
	size_t at;        /* counted from 1 */
	const char *text; /* of a text, what is between the quotes */
};

struct parser {
	struct arena *arena;
	const char *start, *p; /* behind the token */
	struct token token;    /* the one that is looked at */
	unsigned nodes, depth;
	struct condition *condition;
	struct err *err;
};

static enum err_kind fail(struct parser *parser, size_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static enum err_kind
fail(struct parser *parser, size_t at, const char *format, ...)
{
	char message[300];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return err_set(parser->err, ERR_BAD_INPUT, "at %zu: %s", at, message);
}

/* What stands there, for a message. */
static const char *
shown(const struct parser *parser)
{
	const struct token *token = &parser->token;

	switch (token->kind) {
	case TOKEN_END:
		return "the end";
	case TOKEN_TEXT:
		return arena_printf(parser->arena, "'%.60s'", token->text);
	default:
		return arena_printf(parser->arena, "%.60s", token->text);
	}
}

/* Takes LEN bytes as the token. */
static enum err_kind
take(struct parser *parser, enum token_kind kind, size_t len)
{
	parser->token.kind = kind;
	parser->token.text = arena_memdup(parser->arena, parser->p, len);
	parser->p += len;
	return ERR_OK;
}

/* Text between quotes; two of them inside are one. */
static enum err_kind
take_text(struct parser *parser)
{
	const char *p = parser->p + 1;
	char *text = arena_alloc(parser->arena, strlen(p) + 1);
	size_t len = 0;

	for (; *p != '\0' && (*p != '\'' || p[1] == '\''); p++) {
		p += *p == '\'';
		text[len++] = *p;
	}
	if (*p == '\0')
		return fail(parser, parser->token.at, "the text that begins here has no end");
	text[len] = '\0';
	parser->token.kind = TOKEN_TEXT;
	parser->token.text = text;
	parser->p = p + 1;
	return ERR_OK;
}

static size_t
symbol_length(const char *p)
{
	static const char *const symbols[] = {
		"<>", "<=", ">=", "!=", "==", "<", ">", "=", "(", ")", ","};

	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
		if (strncmp(p, symbols[i], strlen(symbols[i])) == 0)
			return strlen(symbols[i]);
	return 0;
}

static enum err_kind
advance(struct parser *parser)
{
	const char *p;
	size_t len;

	parser->p += strspn(parser->p, " \t\r\n");
	p = parser->p;
	parser->token = (struct token){.at = (size_t)(p - parser->start) + 1, .text = ""};
	if (*p == '\0')
		return ERR_OK;
	if (*p == '\'')
		return take_text(parser);
	len = symbol_length(p);
	if (len > 0)
		return take(parser, TOKEN_SYMBOL, len);
	len = strspn(p, "0123456789.");
	if (isdigit((unsigned char)*p))
		return take(parser, TOKEN_NUMBER, len);
	while (isalnum((unsigned char)p[len]) || p[len] == '_')
		len++;
	if (isalpha((unsigned char)*p))
		return take(parser, TOKEN_WORD, len);
	if (*p == '"')
		return fail(parser, parser->token.at, "text stands in single quotes");
	return isprint((unsigned char)*p) ? fail(parser, parser->token.at, "unexpected %c", *p)
					  : fail(parser, parser->token.at, "unexpected byte");
}

static bool
is_word(const struct parser *parser, const char *word)
{
	return parser->token.kind == TOKEN_WORD && strcasecmp(parser->token.text, word) == 0;
}

static bool
is_symbol(const struct parser *parser, const char *symbol)
{
	return parser->token.kind == TOKEN_SYMBOL && strcmp(parser->token.text, symbol) == 0;
}

static enum err_kind
want_symbol(struct parser *parser, const char *symbol)
{
	if (!is_symbol(parser, symbol))
		return fail(
			parser, parser->token.at, "%s is wanted, not %s", symbol, shown(parser));
	return advance(parser);
}

static enum err_kind
want_word(struct parser *parser, const char *word)
{
	if (!is_word(parser, word))
		return fail(parser, parser->token.at, "%s is wanted, not %s", word, shown(parser));
	return advance(parser);
}

/* ---- values ---- */

/* "7 days ago" -> -604800000 */
static bool
read_span(const char *text, int64_t *ms)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {{"second", 1000}, {"minute", 60000}, {"hour", 3600000}, {"day", 86400000},
		{"week", 604800000}};
	char *end;
	long count;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	count = strtol(text, &end, 10);
	if (errno != 0 || count > 1000000 || *end != ' ')
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t len = strlen(units[i].name);

		if (strncasecmp(end + 1, units[i].name, len) != 0)
			continue;
		*ms = -count * units[i].ms;
		end += 1 + len;
		return strcasecmp(tolower((unsigned char)*end) == 's' ? end + 1 : end, " ago") == 0;
	}
	return false;
}

static bool
read_time(struct arena *arena, struct condition_value *value)
{
	const char *text = value->text;

	value->relative = strcasecmp(text, "now") == 0 || read_span(text, &value->number);
	if (value->relative)
		return true;
	if (strlen(text) == strlen("2026-11-24"))
		text = arena_printf(arena, "%sT00:00:00Z", text);
	return clock_parse_iso(text, &value->number) == 0;
}

static bool
read_integer(struct condition_value *value)
{
	char *end;

	errno = 0;
	value->number = strtoll(value->text, &end, 10);
	return isdigit((unsigned char)value->text[0]) && *end == '\0' && errno == 0;
}

static bool
read_truth(const struct token *token, struct condition_value *value)
{
	value->number = strcasecmp(token->text, "true") == 0 || strcmp(token->text, "1") == 0;
	return token->kind != TOKEN_TEXT &&
	       (value->number == 1 || strcasecmp(token->text, "false") == 0 ||
		       strcmp(token->text, "0") == 0);
}

/* Reads the token as a value of the column's type. */
static bool
read_value(struct parser *parser, enum condition_type type, struct condition_value *value)
{
	const struct token *token = &parser->token;
	int order;

	if (type == CONDITION_TRUTH)
		return read_truth(token, value);
	if (token->kind != TOKEN_TEXT && token->kind != TOKEN_NUMBER)
		return false;
	switch (type) {
	case CONDITION_VERSION:
		return condition_compare_versions(value->text, value->text, &order);
	case CONDITION_INTEGER:
		return read_integer(value);
	case CONDITION_TIME:
		return read_time(parser->arena, value);
	default:
		return true;
	}
}

static const char *
value_wanted(enum condition_type type)
{
	switch (type) {
	case CONDITION_VERSION:
		return "a version like '17.4'";
	case CONDITION_INTEGER:
		return "a whole number";
	case CONDITION_TIME:
		return "a time like '2026-11-24', '2026-11-24T08:00:00Z' or '7 days ago'";
	case CONDITION_TRUTH:
		return "TRUE or FALSE";
	default:
		return "a text in single quotes";
	}
}

static enum err_kind
count_node(struct parser *parser)
{
	if (++parser->nodes > CONDITION_NODES_MOST)
		return fail(parser, parser->token.at, "the condition has more than %d parts",
			CONDITION_NODES_MOST);
	return ERR_OK;
}

/* PATTERN: a text, whatever the column's type. */
static enum err_kind
parse_value(struct parser *parser, enum condition_column column, bool pattern,
	struct condition_value **value)
{
	enum condition_type type = pattern ? CONDITION_TEXT : condition_columns[column].type;

	if (count_node(parser) != ERR_OK)
		return parser->err->kind;
	*value = arena_calloc(parser->arena, 1, sizeof(**value));
	(*value)->text = parser->token.text;
	if (!read_value(parser, type, *value))
		return fail(parser, parser->token.at, "%s wants %s, not %s",
			condition_columns[column].name, value_wanted(type), shown(parser));
	parser->condition->relative |= (*value)->relative;
	return advance(parser);
}

/* ---- predicates ---- */

static enum err_kind
new_node(struct parser *parser, enum condition_node_kind kind, struct condition_node **node)
{
	*node = arena_calloc(parser->arena, 1, sizeof(**node));
	(*node)->kind = kind;
	return count_node(parser);
}

/* Puts NODE under a new one of KIND. */
static enum err_kind
wrap(struct parser *parser, enum condition_node_kind kind, struct condition_node **node)
{
	struct condition_node *child = *node;
	enum err_kind result = new_node(parser, kind, node);

	(*node)->first = child;
	return result;
}

static enum err_kind
parse_column(struct parser *parser, enum condition_column *column)
{
	for (unsigned i = 0; i < CONDITION_COLUMNS && parser->token.kind == TOKEN_WORD; i++)
		if (strcasecmp(parser->token.text, condition_columns[i].name) == 0) {
			*column = (enum condition_column)i;
			parser->condition->named[i] = true;
			return advance(parser);
		}
	if (parser->token.kind == TOKEN_WORD)
		return fail(parser, parser->token.at, "there is no column %s", shown(parser));
	return fail(parser, parser->token.at, "a column is wanted, not %s", shown(parser));
}

static enum err_kind
parse_list(struct parser *parser, struct condition_node *node)
{
	struct condition_value **end = &node->values;
	enum err_kind kind = want_symbol(parser, "(");

	while (kind == ERR_OK) {
		kind = parse_value(parser, node->column, false, end);
		if (kind != ERR_OK || !is_symbol(parser, ","))
			break;
		end = &(*end)->next;
		kind = advance(parser);
	}
	return kind == ERR_OK ? want_symbol(parser, ")") : kind;
}

static enum err_kind
parse_like(struct parser *parser, struct condition_node *node)
{
	enum condition_type type = condition_columns[node->column].type;

	if (type != CONDITION_TEXT && type != CONDITION_VERSION)
		return fail(parser, parser->token.at, "%s is no text: LIKE is not for it",
			condition_columns[node->column].name);
	if (advance(parser) != ERR_OK)
		return parser->err->kind;
	return parse_value(parser, node->column, true, &node->values);
}

/* [NOT] LIKE, [NOT] IN */
static enum err_kind
parse_matching(struct parser *parser, struct condition_node **node)
{
	bool negated = is_word(parser, "not");
	enum err_kind kind = negated ? advance(parser) : ERR_OK;

	if (kind != ERR_OK)
		return kind;
	if (is_word(parser, "like")) {
		(*node)->kind = CONDITION_LIKE;
		kind = parse_like(parser, *node);
	} else if (is_word(parser, "in")) {
		(*node)->kind = CONDITION_IN;
		kind = advance(parser);
		if (kind == ERR_OK)
			kind = parse_list(parser, *node);
	} else
		kind = fail(
			parser, parser->token.at, "LIKE or IN is wanted, not %s", shown(parser));
	return kind == ERR_OK && negated ? wrap(parser, CONDITION_NOT, node) : kind;
}

/* IS [NOT] NULL */
static enum err_kind
parse_is(struct parser *parser, struct condition_node **node)
{
	enum err_kind kind = advance(parser);
	bool negated = kind == ERR_OK && is_word(parser, "not");

	(*node)->kind = CONDITION_IS_NULL;
	if (negated)
		kind = advance(parser);
	if (kind == ERR_OK)
		kind = want_word(parser, "null");
	return kind == ERR_OK && negated ? wrap(parser, CONDITION_NOT, node) : kind;
}

static bool
find_operator(const struct parser *parser, enum condition_operator *op)
{
	static const struct {
		const char *symbol;
		enum condition_operator op;
	} operators[] = {{"=", CONDITION_EQUAL}, {"==", CONDITION_EQUAL}, {"<>", CONDITION_UNEQUAL},
		{"!=", CONDITION_UNEQUAL}, {"<", CONDITION_BELOW}, {"<=", CONDITION_NOT_ABOVE},
		{">", CONDITION_ABOVE}, {">=", CONDITION_NOT_BELOW}};

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (is_symbol(parser, operators[i].symbol)) {
			*op = operators[i].op;
			return true;
		}
	return false;
}

static enum err_kind
parse_comparison(struct parser *parser, struct condition_node *node)
{
	if (condition_columns[node->column].type == CONDITION_TRUTH &&
		node->op != CONDITION_EQUAL && node->op != CONDITION_UNEQUAL)
		return fail(parser, parser->token.at, "%s is true or false: = or <> is wanted",
			condition_columns[node->column].name);
	node->kind = CONDITION_COMPARE;
	if (advance(parser) != ERR_OK)
		return parser->err->kind;
	return parse_value(parser, node->column, false, &node->values);
}

static enum err_kind
parse_predicate(struct parser *parser, struct condition_node **node)
{
	enum err_kind kind = new_node(parser, CONDITION_HOLDS, node);

	if (kind == ERR_OK)
		kind = parse_column(parser, &(*node)->column);
	if (kind != ERR_OK)
		return kind;
	if (find_operator(parser, &(*node)->op))
		return parse_comparison(parser, *node);
	if (is_word(parser, "is"))
		return parse_is(parser, node);
	if (is_word(parser, "not") || is_word(parser, "like") || is_word(parser, "in"))
		return parse_matching(parser, node);
	if (condition_columns[(*node)->column].type == CONDITION_TRUTH)
		return ERR_OK;
	return fail(parser, parser->token.at, "an operator is wanted behind %s, not %s",
		condition_columns[(*node)->column].name, shown(parser));
}

/* ---- what puts them together ---- */

static enum err_kind parse_alternatives(struct parser *parser, struct condition_node **node);

static enum err_kind
parse_negation(struct parser *parser, struct condition_node **node)
{
	bool negated = is_word(parser, "not"), inside = is_symbol(parser, "(");
	enum err_kind kind = ERR_OK;

	if (!negated && !inside)
		return parse_predicate(parser, node);
	if (++parser->depth > CONDITION_DEPTH_MOST)
		return fail(parser, parser->token.at, "it is nested deeper than %d",
			CONDITION_DEPTH_MOST);
	kind = advance(parser);
	if (kind == ERR_OK)
		kind = negated ? parse_negation(parser, node) : parse_alternatives(parser, node);
	if (kind == ERR_OK)
		kind = negated ? wrap(parser, CONDITION_NOT, node) : want_symbol(parser, ")");
	parser->depth--;
	return kind;
}

/* Parts with WORD between them, under a node of KIND when there are several. */
static enum err_kind
parse_series(struct parser *parser, const char *word, enum condition_node_kind series,
	enum err_kind (*parse)(struct parser *parser, struct condition_node **node),
	struct condition_node **node)
{
	enum err_kind kind = parse(parser, node);
	struct condition_node *last = *node;

	if (kind != ERR_OK || !is_word(parser, word))
		return kind;
	kind = wrap(parser, series, node);
	while (kind == ERR_OK && is_word(parser, word)) {
		kind = advance(parser);
		if (kind == ERR_OK)
			kind = parse(parser, &last->next);
		last = last->next;
	}
	return kind;
}

static enum err_kind
parse_terms(struct parser *parser, struct condition_node **node)
{
	return parse_series(parser, "and", CONDITION_AND, parse_negation, node);
}

static enum err_kind
parse_alternatives(struct parser *parser, struct condition_node **node)
{
	return parse_series(parser, "or", CONDITION_OR, parse_terms, node);
}

enum err_kind
condition_parse(
	struct arena *arena, const char *text, struct condition **condition, struct err *err)
{
	struct err unused;
	struct parser parser = {
		.arena = arena, .start = text, .p = text, .err = err == NULL ? &unused : err};
	enum err_kind kind;

	*condition = parser.condition = arena_calloc(arena, 1, sizeof(**condition));
	if (strlen(text) > CONDITION_BYTES_MOST)
		return err_set(
			err, ERR_BAD_INPUT, "it is longer than %d bytes", CONDITION_BYTES_MOST);
	kind = advance(&parser);
	if (kind == ERR_OK)
		kind = parse_alternatives(&parser, &(*condition)->root);
	if (kind == ERR_OK && parser.token.kind != TOKEN_END)
		kind = fail(&parser, parser.token.at, "AND, OR or the end is wanted, not %s",
			shown(&parser));
	return kind;
}

const char *
condition_column_name(enum condition_column column)
{
	return condition_columns[column].name;
}
