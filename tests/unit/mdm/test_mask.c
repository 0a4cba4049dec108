/*
 * Secrets in commands and answers: what is shown has none; the view hides what the table in mask.c
 * hides.
 */
#include "mdm/mask.h"

#include "unit.h"
#include "unit_store.h"

#include "mdm/catalogue.h"

static struct unit_store unit;

static int
setup(void **state)
{
	(void)state;
	unit_store_open(&unit);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unit_store_close(&unit);
	return 0;
}

static void
test_args(void **state)
{
	static const struct {
		const char *request, *args, *expected;
	} cases[] = {
		{"SetRecoveryLock", "{\"NewPassword\":\"x\",\"CurrentPassword\":\"y\"}",
			"{\"NewPassword\":\"(secret)\",\"CurrentPassword\":\"(secret)\"}"},
		{"SetRecoveryLock", "{\"NewPassword\":\"\"}", "{\"NewPassword\":\"(secret)\"}"},
		{"SetFirmwarePassword", "{\"NewPassword\":\"x\",\"AllowOroms\":true}",
			"{\"NewPassword\":\"(secret)\",\"AllowOroms\":true}"},
		/* Of a wrong type it is a secret all the same. */
		{"SetFirmwarePassword", "{\"NewPassword\":[1]}", "{\"NewPassword\":\"(secret)\"}"},
		{"ClearPasscode", "{\"UnlockToken\":\"AQID\"}", "{\"UnlockToken\":\"(secret)\"}"},
		{"RotateFileVaultKey",
			"{\"KeyType\":\"personal\",\"FileVaultUnlock\":{\"Password\":\"x\"}}",
			"{\"KeyType\":\"personal\",\"FileVaultUnlock\":{\"Password\":\"(secret)\"}"
			"}"},
		{"AccountConfiguration",
			"{\"AutoSetupAdminAccounts\":[{\"shortName\":\"a\",\"passwordHash\":\"AA\"}"
			",{\"shortName\":\"b\"},\"c\"]}",
			"{\"AutoSetupAdminAccounts\":[{\"shortName\":\"a\",\"passwordHash\":"
			"\"(secret)\"},{\"shortName\":\"b\"},\"c\"]}"},
		{"EraseDevice",
			"{\"ReturnToService\":{\"Enabled\":true,\"BootstrapToken\":\"AA\"}}",
			"{\"ReturnToService\":{\"Enabled\":true,\"BootstrapToken\":\"(secret)\"}}"},
		/* Nothing to hide. */
		{"EraseDevice", "{\"ReturnToService\":{\"Enabled\":true}}",
			"{\"ReturnToService\":{\"Enabled\":true}}"},
		{"EraseDevice", "{\"ReturnToService\":\"x\"}", "{\"ReturnToService\":\"x\"}"},
		{"DeviceLock", "{\"NewPassword\":\"x\"}", "{\"NewPassword\":\"x\"}"},
		{"SetRecoveryLock", "{}", "{}"},
		{"SetRecoveryLock", NULL, NULL},
		{"SetRecoveryLock", "no JSON", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *shown = mask_args(&unit.arena, cases[i].request, cases[i].args);

		if (cases[i].expected == NULL)
			assert_null(shown);
		else
			assert_string_equal(shown, cases[i].expected);
	}
}

static void
test_answers(void **state)
{
	struct plist *answer = plist_dict(&unit.arena);
	const struct plist *masked;

	(void)state;
	plist_set(&unit.arena, answer, "ActivationLockBypassCode",
		plist_string(&unit.arena, "12345"));
	masked = mask_plist(&unit.arena, "ActivationLockBypassCode", true, answer);
	assert_string_equal(plist_get_string(masked, "ActivationLockBypassCode"), MASK_TEXT);
	assert_string_equal(plist_get_string(answer, "ActivationLockBypassCode"), "12345");
	assert_null(mask_plist(&unit.arena, "ActivationLockBypassCode", false, answer));
	assert_null(mask_plist(&unit.arena, "DeviceLock", true, answer));
	assert_null(
		mask_plist(&unit.arena, "ActivationLockBypassCode", true, plist_dict(&unit.arena)));
}

/* Each row names a key that the catalogue has. */
static void
test_rows_are_in_the_catalogue(void **state)
{
	const struct mask_key *row;

	(void)state;
	for (size_t n = 0; (row = mask_row(n)) != NULL; n++) {
		const struct catalogue_request *request = catalogue_find(row->request);
		const struct catalogue_key *key;
		const char *path = row->path;

		assert_non_null(request);
		key = row->answer ? request->response : request->payload;
		while (key != NULL && *path != '\0') {
			size_t len = strcspn(path, ".[");

			key = catalogue_subkey(key, arena_memdup(&unit.arena, path, len));
			path += len;
			if (key != NULL && strncmp(path, "[]", 2) == 0) {
				key = catalogue_first(key);
				path += 2;
			}
			path += *path == '.';
		}
		if (key == NULL)
			fail_msg("%s: %s is not in the catalogue", row->request, row->path);
	}
}

/* {"a":{"b":[{"c":SECRET}]}} for a.b[].c */
static struct plist *
at_path(const char *path, struct plist *value)
{
	size_t len = strcspn(path, ".[");
	struct plist *dict = plist_dict(&unit.arena), *inner = value;
	const char *key = arena_memdup(&unit.arena, path, len);

	path += len;
	if (strncmp(path, "[]", 2) == 0) {
		struct plist *array = plist_array(&unit.arena);

		plist_append(array, at_path(path + 3, value));
		inner = array;
	} else if (*path == '.') {
		inner = at_path(path + 1, value);
	}
	plist_set(&unit.arena, dict, key, inner);
	return dict;
}

/* What came through SQL, and is not sealed yet, shows in no view. */
static void
test_views_hide_the_same(void **state)
{
	const struct mask_key *row;

	(void)state;
	unit_sql(&unit, "INSERT INTO enrollment (no, id, kind, state) VALUES (1, 'A', 'device', "
			"'enrolled')");
	for (size_t n = 0; (row = mask_row(n)) != NULL; n++) {
		struct buf json;

		if (row->answer)
			continue;
		buf_init(&json, &unit.arena, 10000);
		plist_write_json(
			&json, at_path(row->path, plist_string(&unit.arena, "UNSEEN")), false);
		unit_sql(&unit,
			arena_printf(&unit.arena,
				"DELETE FROM delivery; DELETE FROM payload;"
				"INSERT INTO payload (no, uuid, request, args, origin, created_at) "
				"VALUES (1, 'U', '%s', '%s', 'cli', 0);"
				"INSERT INTO delivery (enrollment_no, payload_no, state, "
				"queued_at) VALUES (1, 1, 'queued', 0)",
				row->request, json.bytes));
		assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM queue q JOIN command c "
						     "USING (uuid) WHERE q.args = c.args AND "
						     "q.args LIKE '%(secret)%'"),
			1);
		assert_string_equal(
			unit_sql_text(&unit, "SELECT request FROM command WHERE args LIKE "
					     "'%UNSEEN%' UNION ALL SELECT request FROM queue "
					     "WHERE args LIKE '%UNSEEN%'"),
			"");
	}
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_args),
		STORE_TEST(test_answers),
		STORE_TEST(test_rows_are_in_the_catalogue),
		STORE_TEST(test_views_hide_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
