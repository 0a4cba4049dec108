/*
 * The tree: building, changing, looking up, copying, comparing.
 */
#include "unit.h"

#include <math.h>

#include "codec/plist.h"

static struct arena arena;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

/* The keys of a dict, one after the other, checked against its count and its last item. */
static const char *
keys_of(const struct plist *dict)
{
	const struct plist *last = NULL;
	size_t count = 0;
	struct buf buf;

	buf_init(&buf, &arena, 1000);
	for (const struct plist *item = dict->as.items.first; item != NULL; item = item->next) {
		buf_str(&buf, item->key);
		last = item;
		count++;
	}
	assert_int_equal(count, dict->as.items.count);
	assert_ptr_equal(last, dict->as.items.last);
	return buf.bytes;
}

static void
test_set_and_remove(void **state)
{
	struct plist *dict = plist_dict(&arena);
	char key[] = "a";

	(void)state;
	for (; key[0] <= 'd'; key[0]++)
		plist_set(&arena, dict, key, plist_integer(&arena, key[0]));
	assert_string_equal(keys_of(dict), "abcd");

	/* An old key stays in its place: the first, one in the middle, the last. */
	plist_set(&arena, dict, "a", plist_string(&arena, "new"));
	plist_set(&arena, dict, "c", plist_string(&arena, "new"));
	plist_set(&arena, dict, "d", plist_string(&arena, "new"));
	assert_string_equal(keys_of(dict), "abcd");
	assert_string_equal(plist_get_string(dict, "a"), "new");
	assert_string_equal(plist_get_string(dict, "c"), "new");
	assert_string_equal(plist_get_string(dict, "d"), "new");

	assert_false(plist_remove(dict, "x"));
	assert_true(plist_remove(dict, "c"));
	assert_string_equal(keys_of(dict), "abd");
	assert_true(plist_remove(dict, "d"));
	assert_string_equal(keys_of(dict), "ab");
	plist_set(&arena, dict, "e", plist_boolean(&arena, true));
	assert_string_equal(keys_of(dict), "abe");
	assert_true(plist_remove(dict, "a"));
	assert_true(plist_remove(dict, "b"));
	assert_true(plist_remove(dict, "e"));
	assert_string_equal(keys_of(dict), "");
	plist_set(&arena, dict, "f", plist_boolean(&arena, true));
	assert_string_equal(keys_of(dict), "f");
}

static void
test_get(void **state)
{
	struct plist *dict = plist_dict(&arena);

	(void)state;
	plist_set(&arena, dict, "string", plist_string(&arena, "text"));
	plist_set(&arena, dict, "true", plist_boolean(&arena, true));
	plist_set(&arena, dict, "data", plist_data(&arena, "a\0b", 3));

	assert_null(plist_get(NULL, "string"));
	assert_null(plist_get(plist_get(dict, "string"), "string"));
	assert_null(plist_get(dict, "String"));
	assert_non_null(plist_get_typed(dict, "string", PLIST_STRING));
	assert_null(plist_get_typed(dict, "string", PLIST_DATA));
	assert_string_equal(plist_get_string(dict, "string"), "text");
	assert_null(plist_get_string(dict, "data"));
	assert_true(plist_get_boolean(dict, "true", false));
	assert_true(plist_get_boolean(dict, "string", true));
	assert_false(plist_get_boolean(dict, "string", false));
	assert_int_equal(plist_get(dict, "data")->as.string.len, 3);
	assert_memory_equal(plist_get(dict, "data")->as.string.bytes, "a\0b\0", 4);
}

static void
test_integers(void **state)
{
	static const int64_t values[] = {0, 1, -1, 42, -42, INT64_MAX, INT64_MIN, INT64_MIN + 1};
	struct plist *dict = plist_dict(&arena);
	int64_t value = 7;

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		plist_set(&arena, dict, "n", plist_integer(&arena, values[i]));
		assert_true(plist_get_int64(dict, "n", &value));
		assert_true(value == values[i]);
	}
	plist_set(&arena, dict, "n", plist_unsigned(&arena, (uint64_t)INT64_MAX + 1));
	assert_false(plist_get_int64(dict, "n", &value));
	plist_set(&arena, dict, "n", plist_real(&arena, 1));
	assert_false(plist_get_int64(dict, "n", &value));
	assert_false(plist_get_int64(dict, "m", &value));
}

/* One of each type, an array within. */
static struct plist *
sample(struct arena *in)
{
	struct plist *dict = plist_dict(in), *array = plist_array(in);

	plist_append(array, plist_string(in, "one"));
	plist_append(array, plist_dict(in));
	plist_append(array, plist_integer(in, -5));
	plist_set(in, dict, "array", array);
	plist_set(in, dict, "string", plist_string_len(in, "textual", 4));
	plist_set(in, dict, "real", plist_real(in, 0.5));
	plist_set(in, dict, "boolean", plist_boolean(in, true));
	plist_set(in, dict, "date", plist_date(in, 1000));
	plist_set(in, dict, "data", plist_data(in, "\0\1", 2));
	return dict;
}

static void
test_copy(void **state)
{
	struct arena other;
	struct plist *original, *copy, *of_item;

	(void)state;
	arena_init(&other);
	original = sample(&other);
	copy = plist_copy(&arena, original);
	of_item = plist_copy(&arena, plist_get(original, "array"));
	assert_true(plist_equal(original, copy));
	assert_true(plist_equal(original, sample(&arena)));
	assert_true(plist_equal(plist_get(original, "array"), of_item));
	assert_null(of_item->key);
	assert_null(of_item->next);

	/* The copy stands alone. */
	arena_release(&other);
	assert_string_equal(keys_of(copy), "arraystringrealbooleandatedata");
	assert_true(plist_equal(copy, sample(&arena)));
	plist_set(&arena, copy, "more", plist_array(&arena));
	assert_false(plist_equal(copy, sample(&arena)));
}

/* Deeper than any stack of calls would be. */
static void
test_depth(void **state)
{
	enum { DEPTH = 200000 };
	struct plist *root = plist_array(&arena), *copy;
	struct buf buf;

	(void)state;
	for (int i = 1; i < DEPTH; i++) {
		struct plist *outer = plist_array(&arena);

		plist_append(outer, root);
		root = outer;
	}
	copy = plist_copy(&arena, root);
	assert_true(plist_equal(root, copy));
	buf_init(&buf, &arena, 10 * DEPTH);
	plist_write_json(&buf, copy, true);
	assert_int_equal(buf.len, 2 * DEPTH);
	assert_false(buf.full);
}

static void
test_equal(void **state)
{
	struct plist *values[] = {
		plist_dict(&arena),
		plist_array(&arena),
		plist_string(&arena, ""),
		plist_string(&arena, "a"),
		plist_string(&arena, "b"),
		plist_string(&arena, "ab"),
		plist_data(&arena, "", 0),
		plist_data(&arena, "a", 1),
		plist_integer(&arena, 0),
		plist_integer(&arena, 1),
		plist_integer(&arena, -1),
		plist_unsigned(&arena, UINT64_MAX),
		plist_real(&arena, 1),
		plist_real(&arena, NAN),
		plist_real(&arena, INFINITY),
		plist_real(&arena, -INFINITY),
		plist_boolean(&arena, true),
		plist_boolean(&arena, false),
		plist_date(&arena, 0),
		plist_date(&arena, 1),
		sample(&arena),
		plist_array(&arena),
		plist_array(&arena),
		plist_dict(&arena),
		plist_dict(&arena),
	};

	(void)state;
	plist_append(values[21], plist_dict(&arena));
	plist_append(values[22], plist_array(&arena));
	plist_set(&arena, values[23], "a", plist_integer(&arena, 1));
	plist_set(&arena, values[24], "b", plist_integer(&arena, 1));
	for (size_t i = 0; i < COUNT(values); i++)
		for (size_t j = 0; j < COUNT(values); j++)
			assert_int_equal(plist_equal(values[i], values[j]), i == j);
}

static void
test_equal_whatever_the_order(void **state)
{
	enum { KEYS = 100000 };
	struct plist *up = plist_dict(&arena), *down = plist_dict(&arena);

	(void)state;
	/* Appended, as plist_set() would look for each key. */
	for (int i = 0; i < KEYS; i++) {
		plist_append(up, plist_integer(&arena, i));
		up->as.items.last->key = arena_printf(&arena, "%d", i);
		plist_append(down, plist_integer(&arena, KEYS - 1 - i));
		down->as.items.last->key = arena_printf(&arena, "%d", KEYS - 1 - i);
	}
	assert_true(plist_equal(up, down));
	down->as.items.last->as.integer.magnitude = 1;
	assert_false(plist_equal(up, down));
}

static void
test_type_names(void **state)
{
	static const char *const names[] = {
		"dictionary", "array", "string", "integer", "real", "boolean", "date", "data"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		assert_string_equal(plist_type_name((enum plist_type)i), names[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_set_and_remove, setup, teardown),
		cmocka_unit_test_setup_teardown(test_get, setup, teardown),
		cmocka_unit_test_setup_teardown(test_integers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_depth, setup, teardown),
		cmocka_unit_test_setup_teardown(test_equal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_equal_whatever_the_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_type_names, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
