/*
 * Between what would happen and what happens: the stand-in asks here before it answers a push, a
 * device before it answers a command.
 */
#include "sim/rules.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"

enum { FILE_MOST = 4 * 1024 * 1024, FILE_READ = 16 * 1024 };

struct rules {
	enum rules_kind kind;
	const char *path;
	struct stat seen; /* of the file that was read last; all zero: none */
	struct arena arena;
	struct rule *list;
	size_t count;
};

/* ---- one rule ---- */

struct word {
	const char *word;
	enum rule_action action;
};

static const struct word apns_words[] = {
	{"goaway", RULE_GOAWAY}, {"drop", RULE_DROP}, {"hang", RULE_HANG}, {NULL, RULE_NORMAL}};
static const struct word device_words[] = {{"NotNow", RULE_NOT_NOW}, {"Error", RULE_ERROR},
	{"CommandFormatError", RULE_FORMAT_ERROR}, {"drop", RULE_DROP}, {"repeat", RULE_REPEAT},
	{NULL, RULE_NORMAL}};

/* One key of a rule (or of its "answer" object), and where it goes. */
struct reading {
	struct arena *arena;
	struct rule *rule;
	struct err *err;
};

static enum err_kind
take_string(struct reading *reading, const char *key, const json_t *value, const char **out)
{
	if (!json_is_string(value))
		return err_set(reading->err, ERR_BAD_INPUT, "%s is no string", key);
	*out = arena_strdup(reading->arena, json_string_value(value));
	return ERR_OK;
}

static enum err_kind
take_number(struct reading *reading, const char *key, const json_t *value, int64_t *out)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return err_set(reading->err, ERR_BAD_INPUT, "%s is no number from 0", key);
	*out = json_integer_value(value);
	return ERR_OK;
}

static enum err_kind
take_word(struct reading *reading, const struct word *words, const json_t *value)
{
	const char *word = json_string_value(value);

	for (; word != NULL && words->word != NULL; words++) {
		if (strcmp(words->word, word) == 0) {
			reading->rule->action = words->action;
			return ERR_OK;
		}
	}
	return err_set(reading->err, ERR_BAD_INPUT, "there is no answer \"%.40s\"",
		word != NULL ? word : "(no string)");
}

static enum err_kind
take_status(struct reading *reading, const char *key, const json_t *value)
{
	int64_t status = 0;

	if (take_number(reading, key, value, &status) != ERR_OK)
		return reading->err->kind;
	if (status < 200 || status > 599)
		return err_set(reading->err, ERR_BAD_INPUT, "status is not from 200 to 599");
	reading->rule->status = (int)status;
	return ERR_OK;
}

/* {"status":410,"reason":"Unregistered","timestamp":…} */
static enum err_kind
take_answer_object(struct reading *reading, json_t *object)
{
	struct rule *rule = reading->rule;
	const char *key;
	json_t *value;
	enum err_kind kind = ERR_OK;

	json_object_foreach(object, key, value)
	{
		if (strcmp(key, "status") == 0)
			kind = take_status(reading, key, value);
		else if (strcmp(key, "reason") == 0)
			kind = take_string(reading, key, value, &rule->reason);
		else if (strcmp(key, "timestamp") == 0)
			kind = take_number(reading, key, value, &rule->timestamp);
		else if (strcmp(key, "retry_after") == 0)
			kind = take_number(reading, key, value, &rule->retry_after);
		else
			kind = err_set(
				reading->err, ERR_BAD_INPUT, "unknown key answer.%.40s", key);
		if (kind != ERR_OK)
			return kind;
	}
	rule->action = RULE_STATUS;
	return rule->status != 0 ? ERR_OK
				 : err_set(reading->err, ERR_BAD_INPUT, "answer has no status");
}

static enum err_kind
take_both_kinds(struct reading *reading, const char *key, json_t *value)
{
	if (strcmp(key, "delay_ms") == 0)
		return take_number(reading, key, value, &reading->rule->delay_ms);
	if (strcmp(key, "times") == 0)
		return take_number(reading, key, value, &reading->rule->times);
	return err_set(reading->err, ERR_BAD_INPUT, "unknown key %.40s", key);
}

static enum err_kind
take_apns(struct reading *reading, const char *key, json_t *value)
{
	struct rule *rule = reading->rule;

	if (strcmp(key, "token") == 0)
		return take_string(reading, key, value, &rule->subject);
	if (strcmp(key, "answer") == 0 && json_is_object(value))
		return take_answer_object(reading, value);
	if (strcmp(key, "answer") == 0)
		return take_word(reading, apns_words, value);
	if (strcmp(key, "reason") == 0)
		return take_string(reading, key, value, &rule->reason);
	if (strcmp(key, "retry_after") == 0)
		return take_number(reading, key, value, &rule->retry_after);
	return take_both_kinds(reading, key, value);
}

static enum err_kind
take_device(struct reading *reading, const char *key, json_t *value)
{
	struct rule *rule = reading->rule;

	if (strcmp(key, "device") == 0)
		return take_string(reading, key, value, &rule->subject);
	if (strcmp(key, "request") == 0)
		return take_string(reading, key, value, &rule->request);
	if (strcmp(key, "answer") == 0)
		return take_word(reading, device_words, value);
	if (strcmp(key, "error_code") == 0)
		return take_number(reading, key, value, &rule->error_code);
	return take_both_kinds(reading, key, value);
}

static enum err_kind
read_rule(enum rules_kind kind, struct reading *reading, json_t *object)
{
	struct rule *rule = reading->rule;
	const char *key;
	json_t *value;

	*rule = (struct rule){
		.timestamp = -1, .retry_after = -1, .error_code = -1, .times = -1, .subject = "*"};
	if (kind == RULES_DEVICE)
		rule->request = "*";
	if (!json_is_object(object))
		return err_set(reading->err, ERR_BAD_INPUT, "it is no object");
	json_object_foreach(object, key, value)
	{
		enum err_kind bad = kind == RULES_APNS ? take_apns(reading, key, value)
						       : take_device(reading, key, value);

		if (bad != ERR_OK)
			return bad;
	}
	return ERR_OK;
}

/* ---- the list ---- */

static enum err_kind
read_list(struct rules *rules, struct arena *arena, json_t *array, struct err *err)
{
	size_t count = json_array_size(array);
	struct rule *list = arena_calloc(arena, count > 0 ? count : 1, sizeof(*list));

	if (!json_is_array(array))
		return err_set(err, ERR_BAD_INPUT, "rules are a JSON array");
	for (size_t i = 0; i < count; i++) {
		struct reading reading = {.arena = arena, .rule = &list[i], .err = err};

		if (read_rule(rules->kind, &reading, json_array_get(array, i)) != ERR_OK)
			return err_prefix(err, "rule %zu", i + 1);
	}
	rules->list = list;
	rules->count = count;
	return ERR_OK;
}

enum err_kind
rules_parse(struct rules *rules, const char *text, size_t len, struct err *err)
{
	json_error_t bad;
	json_t *array = json_loadb(text, len, JSON_REJECT_DUPLICATES, &bad);
	struct err unheard;
	struct arena arena;
	enum err_kind kind;

	if (err == NULL)
		err = &unheard;
	if (array == NULL)
		return err_set(err, ERR_BAD_INPUT, "line %d: %.160s", bad.line, bad.text);
	arena_init(&arena);
	kind = read_list(rules, &arena, array, err);
	json_decref(array);
	if (kind != ERR_OK) {
		arena_release(&arena);
		return kind;
	}
	arena_release(&rules->arena);
	rules->arena = arena;
	return ERR_OK;
}

static enum err_kind
read_file(struct rules *rules, struct err *err)
{
	FILE *file = fopen(rules->path, "re");
	struct arena arena;
	struct buf text;
	char piece[FILE_READ];
	size_t got;
	enum err_kind kind;

	if (file == NULL)
		return err_set(err, ERR_IO, "%s: %s", rules->path, strerror(errno));
	arena_init(&arena);
	buf_init(&text, &arena, FILE_MOST);
	while ((got = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(&text, piece, got);
	if (ferror(file))
		kind = err_set(err, ERR_IO, "%s: cannot be read", rules->path);
	else if (text.full)
		kind = err_set(err, ERR_TOO_LARGE, "%s: over %d bytes", rules->path, FILE_MOST);
	else if (rules_parse(rules, text.bytes, text.len, err) != ERR_OK)
		kind = err_prefix(err, "%s", rules->path);
	else
		kind = ERR_OK;
	fclose(file);
	arena_release(&arena);
	return kind;
}

static void
forget(struct rules *rules)
{
	arena_release(&rules->arena);
	rules->list = NULL;
	rules->count = 0;
	rules->seen = (struct stat){0};
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_size == b->st_size && a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/* Reads the file if it is another than it was. */
static enum err_kind
refresh(struct rules *rules, struct err *err)
{
	struct stat now;

	if (stat(rules->path, &now) != 0) {
		forget(rules);
		return ERR_OK;
	}
	if (same_file(&now, &rules->seen))
		return ERR_OK;
	rules->seen = now;
	return read_file(rules, err);
}

struct rules *
rules_new(enum rules_kind kind)
{
	struct rules *rules = calloc(1, sizeof(*rules));

	if (rules == NULL) {
		fputs("level=error msg=\"out of memory\"\n", stderr);
		abort();
	}
	rules->kind = kind;
	arena_init(&rules->arena);
	return rules;
}

enum err_kind
rules_open(struct rules **rules, enum rules_kind kind, const char *path, struct err *err)
{
	enum err_kind bad;

	*rules = rules_new(kind);
	(*rules)->path = path;
	bad = refresh(*rules, err);
	if (bad != ERR_OK) {
		rules_free(*rules);
		*rules = NULL;
	}
	return bad;
}

void
rules_free(struct rules *rules)
{
	if (rules == NULL)
		return;
	arena_release(&rules->arena);
	free(rules);
}

/* ---- the question ---- */

static bool
fits(const char *pattern, const char *value)
{
	return strcmp(pattern, "*") == 0 || (value != NULL && strcasecmp(pattern, value) == 0);
}

const struct rule *
rules_match(struct rules *rules, const char *subject, const char *request)
{
	struct err err = {0};

	if (rules == NULL)
		return NULL;
	if (rules->path != NULL && refresh(rules, &err) != ERR_OK)
		log_line(
			LOG_ERROR, "rules not read, the old ones stay", "error", err.message, NULL);
	for (size_t i = 0; i < rules->count; i++) {
		struct rule *rule = &rules->list[i];

		if (rule->times == 0 || !fits(rule->subject, subject) ||
			(rule->request != NULL && !fits(rule->request, request)))
			continue;
		if (rule->times > 0)
			rule->times--;
		return rule;
	}
	return NULL;
}
