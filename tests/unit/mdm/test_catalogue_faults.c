/*
 * For every command of the catalogue: a minimal and a maximal one pass, and each single fault in
 * the maximal one is refused with a message that names the key.
 */
#include "unit.h"
#include "unit_store.h"

#include "mdm/catalogue_check.h"

static struct arena arena;
static size_t faults;
static size_t choice; /* which key of a group of which one is to be given */

enum { CHOICES = 3 };

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena);
	faults = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

/* ---- right values ---- */

static struct plist *make_dict(const struct catalogue_key *parent, bool whole);

static struct plist *
plain(enum plist_type type, const char *text)
{
	switch (type) {
	case PLIST_STRING:
		return plist_string(&arena, text == NULL ? "text" : text);
	case PLIST_INTEGER:
		return plist_integer(&arena, text == NULL ? 42 : strtoll(text, NULL, 10));
	case PLIST_REAL:
		return plist_real(&arena, 0.5);
	case PLIST_BOOLEAN:
		return plist_boolean(&arena, true);
	case PLIST_DATE:
		return plist_date(&arena, 1795507200000);
	default:
		return plist_data(&arena, "data", 4);
	}
}

static struct plist *
make(const struct catalogue_key *key, bool whole)
{
	struct plist *array;

	if (key->any)
		return plist_boolean(&arena, true);
	if (key->type == PLIST_DICT)
		return make_dict(key, whole);
	if (key->type != PLIST_ARRAY)
		return plain(key->type, key->value_count == 0 ? NULL : key->values[0].text);
	array = plist_array(&arena);
	for (const struct catalogue_key *item = catalogue_first(key); item != catalogue_end(key);
		item = catalogue_next(item)) {
		plist_append(array, make(item, whole));
		for (size_t i = 1; whole && i < item->value_count; i++)
			plist_append(array, plain(item->type, item->values[i].text));
	}
	return array;
}

static void
add(struct plist *dict, const struct catalogue_key *parent, const char *name, bool whole)
{
	const struct catalogue_key *key = catalogue_subkey(parent, name);

	assert_non_null(key);
	if (plist_get(dict, name) == NULL)
		plist_set(&arena, dict, name, make(key, whole));
}

static char *
repeat(char byte, size_t count)
{
	char *text = arena_alloc(&arena, count + 1);

	memset(text, byte, count);
	text[count] = '\0';
	return text;
}

static bool
is_true(const struct plist *dict, const char *key)
{
	return plist_get_boolean(dict, key, false);
}

/* Makes a dictionary keep the rule. */
static void
keep(struct plist *dict, const struct catalogue_key *parent, const struct catalogue_rule *rule,
	bool whole)
{
	const char *key = rule->keys == NULL ? NULL : rule->keys[0];
	bool given = key != NULL && plist_get(dict, key) != NULL;
	size_t count = 0;

	switch (rule->kind) {
	case CATALOGUE_RULE_EXACTLY_ONE_OF:
		while (rule->keys[count] != NULL)
			plist_remove(dict, rule->keys[count++]);
		add(dict, parent, rule->keys[choice % count], whole);
		break;
	case CATALOGUE_RULE_AT_LEAST_ONE_OF:
		add(dict, parent, key, whole);
		break;
	case CATALOGUE_RULE_REQUIRED_IF:
		if ((rule->when == CATALOGUE_WHEN_NOT_TRUE && !is_true(dict, rule->other)) ||
			(rule->when == CATALOGUE_WHEN_ABSENT &&
				plist_get(dict, rule->other) == NULL))
			add(dict, parent, key, whole);
		break;
	case CATALOGUE_RULE_RANGE:
		if (given)
			plist_set(&arena, dict, key,
				plist_integer(
					&arena, (int64_t)(rule->has_max ? rule->max : rule->min)));
		break;
	case CATALOGUE_RULE_LENGTH:
		if (given)
			plist_set(&arena, dict, key,
				plist_string(&arena, repeat('1', (size_t)rule->max)));
		break;
	case CATALOGUE_RULE_PREFIX:
		if (given)
			plist_set(&arena, dict, key,
				plist_string(&arena,
					arena_printf(&arena, "%s//example.com/", rule->value)));
		break;
	default:
		break;
	}
}

static struct plist *
make_dict(const struct catalogue_key *parent, bool whole)
{
	struct plist *dict = plist_dict(&arena);

	for (const struct catalogue_key *key = catalogue_first(parent);
		key != catalogue_end(parent); key = catalogue_next(key)) {
		if (!whole && key->presence == CATALOGUE_OPTIONAL)
			continue;
		plist_set(&arena, dict, strcmp(key->name, "*") == 0 ? "Any name" : key->name,
			make(key, whole));
	}
	for (size_t i = 0; i < parent->rule_count; i++)
		keep(dict, parent, &parent->rules[i], whole);
	return dict;
}

/* ---- what is right passes ---- */

static void
passes(const struct catalogue_request *request, const struct plist *args, bool wire)
{
	struct catalogue_remarks remarks = {0};
	const struct catalogue_options options = {
		.strict = true, .wire = wire, .remarks = &remarks};
	struct plist *keys;
	struct err err = {0};

	if (catalogue_check_args(&arena, request, args, &options, &keys, &err) != ERR_OK)
		fail_msg("%s", err.message);
	if (wire)
		assert_true(plist_equal(keys, args));
	for (const struct catalogue_remark *remark = remarks.first; remark != NULL;
		remark = remark->next)
		if (strstr(remark->text, "takes no effect") == NULL)
			fail_msg("%s", remark->text);
}

/* The same arguments as JSON: data in base64, dates as text. */
static struct plist *
through_json(const struct plist *args)
{
	struct plist *read;
	struct buf json;

	buf_init(&json, &arena, 1 << 20);
	plist_write_json(&json, args, false);
	assert_false(json.full);
	assert_int_equal(
		plist_read_json(plist_limits_default(), &arena, json.bytes, json.len, &read, NULL),
		ERR_OK);
	return read;
}

static void
test_right_ones_pass(void **state)
{
	const struct catalogue_request *request;
	size_t count = 0;

	(void)state;
	for (; (request = catalogue_row(count)) != NULL; count++)
		for (size_t n = 0; n < 2 * CHOICES; n++) {
			struct plist *args;

			choice = n / 2;
			args = make_dict(request->payload, n % 2);
			passes(request, args, true);
			passes(request, through_json(args), false);
		}
	assert_int_equal(count, 68);
}

/* ---- each fault is refused ---- */

struct scene {
	const struct catalogue_request *request;
	struct plist *args; /* all of them */
};

/* The arguments, as they are now, are refused with a message that names the key. */
static void
refused(const struct scene *scene, const char *path, const char *what, bool strict)
{
	const struct catalogue_options options = {.strict = strict, .wire = true};
	struct arena local;
	struct err err = {0};
	enum err_kind kind;

	arena_init(&local);
	kind = catalogue_check_args(&local, scene->request, scene->args, &options, NULL, &err);
	arena_release(&local);
	faults++;
	if (kind != ERR_BAD_INPUT)
		fail_msg("%s: %s: %s is not refused", scene->request->name, path, what);
	if (strncmp(err.message, scene->request->name, strlen(scene->request->name)) != 0 ||
		strstr(err.message, path) == NULL)
		fail_msg("%s: %s: %s gives \"%s\"", scene->request->name, path, what, err.message);
}

static struct plist *
member(struct plist *dict, const char *key)
{
	for (struct plist *value = dict->as.items.first; value != NULL; value = value->next)
		if (strcmp(value->key, key) == 0)
			return value;
	return NULL;
}

/* The value of NODE becomes that of OTHER; returns the one it was. */
static struct plist
exchange(struct plist *node, const struct plist *other)
{
	struct plist before = *node;

	node->type = other->type;
	node->as = other->as;
	return before;
}

static void
fault_value(const struct scene *scene, struct plist *node, const struct plist *wrong,
	const char *path, const char *what)
{
	struct plist before = exchange(node, wrong);

	refused(scene, path, what, false);
	exchange(node, &before);
}

static void
fault_missing(const struct scene *scene, struct plist *node, const char *path, const char *what)
{
	const char *key = node->key;

	node->key = "Another";
	refused(scene, path, what, false);
	node->key = key;
}

static void
break_group(const struct scene *scene, const struct catalogue_key *parent, struct plist *dict,
	const struct catalogue_rule *rule, const char *path)
{
	struct plist *nodes[16] = {0};

	for (size_t i = 0; rule->keys[i] != NULL; i++) {
		assert_true(i < COUNT(nodes));
		nodes[i] = member(dict, rule->keys[i]);
		if (nodes[i] != NULL)
			nodes[i]->key = arena_printf(&arena, "Another%zu", i);
	}
	refused(scene, path, "none of the group", false);
	for (size_t i = 0; rule->keys[i] != NULL; i++)
		if (nodes[i] != NULL)
			nodes[i]->key = rule->keys[i];
	if (rule->kind != CATALOGUE_RULE_EXACTLY_ONE_OF)
		return;
	for (size_t i = 0; rule->keys[i] != NULL; i++) {
		if (nodes[i] != NULL)
			continue;
		add(dict, parent, rule->keys[i], true);
		refused(scene, path, "two of the group", false);
		plist_remove(dict, rule->keys[i]);
	}
}

static void
break_required_if(const struct scene *scene, struct plist *dict, const struct catalogue_rule *rule,
	const char *path)
{
	struct plist *other = member(dict, rule->other);
	struct plist before = {0};
	const char *key = other == NULL ? NULL : other->key;

	if (rule->when == CATALOGUE_WHEN_EQUALS)
		before = exchange(other, plist_string(&arena, rule->value));
	if (rule->when == CATALOGUE_WHEN_NOT_TRUE || rule->when == CATALOGUE_WHEN_ABSENT)
		other->key = "Other";
	fault_missing(scene, member(dict, rule->keys[0]), path, "what another key requires");
	if (rule->when == CATALOGUE_WHEN_EQUALS)
		exchange(other, &before);
	if (other != NULL)
		other->key = key;
}

static void
break_rule(const struct scene *scene, const struct catalogue_key *parent, struct plist *dict,
	const struct catalogue_rule *rule, const char *prefix)
{
	const char *path = arena_printf(&arena, "%s%s", prefix, rule->keys[0]);
	struct plist *node = member(dict, rule->keys[0]);
	struct plist *array;

	/* Another one of its group is given. */
	if (node == NULL && rule->kind != CATALOGUE_RULE_EXACTLY_ONE_OF)
		return;
	switch (rule->kind) {
	case CATALOGUE_RULE_EXACTLY_ONE_OF:
	case CATALOGUE_RULE_AT_LEAST_ONE_OF:
		break_group(scene, parent, dict, rule, path);
		break;
	case CATALOGUE_RULE_REQUIRED_IF:
		break_required_if(scene, dict, rule, path);
		break;
	case CATALOGUE_RULE_CONTAINS_IF:
		array = plist_array(&arena);
		plist_append(array, plist_string(&arena, "UDID"));
		fault_value(
			scene, member(dict, rule->other), array, path, "what does not contain it");
		break;
	case CATALOGUE_RULE_RANGE:
		if (rule->has_min)
			fault_value(scene, node, plist_integer(&arena, (int64_t)rule->min - 1),
				path, "too little");
		if (rule->has_max)
			fault_value(scene, node, plist_integer(&arena, (int64_t)rule->max + 1),
				path, "too much");
		break;
	case CATALOGUE_RULE_MAX_BYTES:
		fault_value(scene, node,
			plist_data(
				&arena, repeat('x', (size_t)rule->max + 1), (size_t)rule->max + 1),
			path, "too long");
		break;
	case CATALOGUE_RULE_LENGTH:
	case CATALOGUE_RULE_PATTERN:
	case CATALOGUE_RULE_PREFIX:
		fault_value(scene, node, plist_string(&arena, "\xc3\xa9"), path, "text");
		break;
	default:
		fail_msg("%s: no fault is known for this rule", path);
	}
}

static void break_inside(const struct scene *scene, const struct catalogue_key *key,
	struct plist *node, const char *path);

static void
break_dict(const struct scene *scene, const struct catalogue_key *parent, struct plist *dict,
	const char *path)
{
	const char *prefix = *path == '\0' ? "" : arena_printf(&arena, "%s.", path);
	bool wild = catalogue_wildcard(parent) != NULL;

	for (struct plist *node = dict->as.items.first; node != NULL; node = node->next) {
		const struct catalogue_key *key = catalogue_subkey(parent, node->key);
		const char *own = arena_printf(&arena, "%s%s", prefix, node->key);

		if (key == NULL)
			key = catalogue_wildcard(parent);
		if (key->presence == CATALOGUE_REQUIRED)
			fault_missing(scene, node, own, "a required key");
		break_inside(scene, key, node, own);
	}
	for (size_t i = 0; i < parent->rule_count; i++)
		if (!parent->rules[i].advisory)
			break_rule(scene, parent, dict, &parent->rules[i], prefix);
	if (wild)
		return;
	plist_set(&arena, dict, "Unheard", plist_boolean(&arena, true));
	refused(scene, arena_printf(&arena, "%sUnheard", prefix), "an unknown key", true);
	plist_remove(dict, "Unheard");
}

static void
break_array(const struct scene *scene, const struct catalogue_key *array, struct plist *node,
	const char *path)
{
	const struct catalogue_key *item = catalogue_first(array);
	size_t n = 0;

	for (struct plist *element = node->as.items.first; element != NULL;
		element = element->next, n++) {
		break_inside(scene, item, element, arena_printf(&arena, "%s[%zu]", path, n));
		if (array->by != NULL)
			item = catalogue_next(item);
	}
}

/* A wrong type, a value that is not allowed; and what is inside. */
static void
break_inside(const struct scene *scene, const struct catalogue_key *key, struct plist *node,
	const char *path)
{
	if (key->any)
		return;
	fault_value(scene, node,
		key->type == PLIST_STRING ? plist_integer(&arena, 7)
					  : plist_string(&arena, "seven"),
		path, "a wrong type");
	if (key->type == PLIST_BOOLEAN)
		fault_value(scene, node, plist_integer(&arena, 1), path, "1 for true");
	if (key->type == PLIST_INTEGER)
		fault_value(scene, node, plist_real(&arena, 1.5), path, "a fraction");
	if (key->values != NULL)
		fault_value(scene, node,
			key->type == PLIST_STRING ? plist_string(&arena, "Nonsense")
						  : plist_integer(&arena, -12345),
			path, "a value that is not allowed");
	if (key->type == PLIST_DICT)
		break_dict(scene, key, node, path);
	else if (key->type == PLIST_ARRAY)
		break_array(scene, key, node, path);
}

static void
test_each_fault_is_refused(void **state)
{
	const struct catalogue_request *request;

	(void)state;
	for (size_t i = 0; (request = catalogue_row(i / CHOICES)) != NULL; i++) {
		struct scene scene = {request, NULL};

		choice = i % CHOICES;
		scene.args = make_dict(request->payload, true);
		break_dict(&scene, request->payload, scene.args, "");
		/* All was put back into its place. */
		passes(request, scene.args, true);
	}
	print_message("%zu faults\n", faults);
	assert_true(faults / CHOICES > 700);
}

/* ---- the SQL interface says the same of the command's own keys ---- */

static struct unit_store unit;

static int
setup_store(void **state)
{
	setup(state);
	unit_store_open(&unit);
	unit_sql(&unit, "INSERT INTO enrollment (id, kind, state) VALUES ('AAA', 'device', "
			"'enrolled')");
	return 0;
}

static int
teardown_store(void **state)
{
	unit_store_close(&unit);
	return teardown(state);
}

/* The error of a command with these arguments; "" when it is queued. */
static const char *
queue_in_sql(const struct catalogue_request *request, const struct plist *args)
{
	struct plist *given = plist_copy(&arena, args);
	struct buf json, sql;

	if (request->confirm)
		plist_set(&arena, given, "confirm", plist_string(&arena, "AAA"));
	buf_init(&json, &arena, 1 << 20);
	plist_write_json(&json, given, false);
	assert_null(strchr(json.bytes, '\''));
	buf_init(&sql, &arena, 1 << 20);
	buf_printf(&sql, "INSERT INTO queue (device, request, args) VALUES ('AAA', '%s', '%s')",
		request->name, json.bytes);
	return unit_sql_error(&unit, sql.bytes);
}

static void
refused_in_sql(const struct catalogue_request *request, const struct plist *args, const char *key)
{
	const char *error = queue_in_sql(request, args);

	faults++;
	if (strncmp(error, request->name, strlen(request->name)) != 0 || strstr(error, key) == NULL)
		fail_msg("%s: %s: \"%s\"", request->name, key, error);
}

static void
break_in_sql(const struct catalogue_request *request, struct plist *args)
{
	for (struct plist *node = args->as.items.first; node != NULL; node = node->next) {
		const struct catalogue_key *key = catalogue_subkey(request->payload, node->key);
		const char *name = node->key;
		struct plist before =
			exchange(node, key->type == PLIST_INTEGER ? plist_real(&arena, 1.5)
								  : plist_integer(&arena, 1));

		refused_in_sql(request, args, name);
		exchange(node, &before);
		if (key->presence == CATALOGUE_REQUIRED) {
			node->key = "Another";
			refused_in_sql(request, args, name);
			node->key = name;
		}
		if (key->values == NULL)
			continue;
		exchange(node, key->type == PLIST_STRING ? plist_string(&arena, "Nonsense")
							 : plist_integer(&arena, -12345));
		refused_in_sql(request, args, name);
		exchange(node, &before);
	}
}

static void
test_sql(void **state)
{
	const struct catalogue_request *request;

	(void)state;
	for (size_t i = 0; (request = catalogue_row(i)) != NULL; i++)
		for (int whole = 0; whole < 2; whole++) {
			struct plist *args = make_dict(request->payload, whole);
			const char *error = queue_in_sql(request, args);

			if (*error != '\0')
				fail_msg("%s", error);
			if (whole)
				break_in_sql(request, args);
		}
	print_message("%zu faults\n", faults);
	assert_true(faults > 120);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_right_ones_pass, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_fault_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sql, setup_store, teardown_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
