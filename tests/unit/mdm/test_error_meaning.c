/*
 * What a device's errors mean: the table, the chains of an answer, the view.
 */
#include "mdm/error_meaning.h"

#include "unit.h"
#include "unit_store.h"

#include <ctype.h>

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

/* ---- the table ---- */

static void
test_find(void **state)
{
	static const struct {
		const char *request, *domain;
		int64_t code;
		const char *meaning; /* how it begins; NULL: not known */
	} cases[] = {
		{"DeviceLock", "MCMDMErrorDomain", 12021, "the request type is not valid"},
		{NULL, "MCMDMErrorDomain", 12021, "the request type is not valid"},
		{"InstallProfile", "MCInstallationErrorDomain", 4001, "the installation failed"},
		/* The same code elsewhere says something else, or nothing. */
		{"InstallProfile", "MCMDMErrorDomain", 4001, NULL},
		{"InstallProfile", NULL, 4001, NULL},
		{"DeviceLock", "MCMDMErrorDomain", 99, NULL},
		{"DeviceLock", "MCMDMErrorDomain", -1, NULL},
		/* The numbered errors of Apple's schema. */
		{"DeviceLocation", "MCMDMErrorDomain", 12067, "the device is not in Lost Mode"},
		{"DeviceLocation", "MCMDMErrorDomain", 12068, "the location is unknown"},
		{"DisableLostMode", "MCMDMErrorDomain", 12069, "Lost Mode could not be turned off"},
		{"DeleteUser", "MCMDMErrorDomain", 12071, "there is no such user"},
		{"DeleteUser", "MCMDMErrorDomain", 12072, "the user is logged in"},
		{"DeleteUser", "MCMDMErrorDomain", 12073, "the user has unsynced data"},
		{"DeleteUser", "MCMDMErrorDomain", 12074, "the user could not be deleted"},
		{"PlayLostModeSound", "MCMDMErrorDomain", 12078,
			"the command is not valid in Lost Mode"},
		{"RefreshCellularPlans", "MCCellularErrorDomain", 36001,
			"the cellular software could not be reached"},
		{"RefreshCellularPlans", "X", 36002, "the hardware has no support"},
		{"RefreshCellularPlans", NULL, 36003, "the request failed"},
		{"InstallProfile", "MCCellularErrorDomain", 36001, "internal error"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct error_meaning *found =
			error_meaning_find(cases[i].request, cases[i].domain, cases[i].code);

		if (cases[i].meaning == NULL)
			assert_null(found);
		else if (found == NULL ||
			 strncmp(found->meaning, cases[i].meaning, strlen(cases[i].meaning)) != 0)
			fail_msg("%lld: %s", (long long)cases[i].code,
				found == NULL ? "not found" : found->meaning);
	}
}

/* Each row is text for people, has one owner, and is there once. */
static void
test_rows(void **state)
{
	const struct error_meaning *row;
	size_t n;

	(void)state;
	for (n = 0; (row = error_meaning_row(n)) != NULL; n++) {
		assert_true((row->domain == NULL) != (row->request == NULL));
		assert_true(*row->meaning != '\0' && !isspace((unsigned char)*row->meaning));
		assert_null(strchr(row->meaning, '|'));
		assert_ptr_equal(error_meaning_find(row->request, row->domain, row->code), row);
	}
	assert_true(n > 200);
}

/* ---- chains ---- */

#define LINK(domain, code, text)                                                                   \
	"{\"ErrorDomain\":\"" domain "\",\"ErrorCode\":" code ",\"USEnglishDescription\":\"" text  \
	"\"}"

static void
add_link(const struct error_link *link, void *context)
{
	struct buf *buf = context;

	buf_printf(buf, "%s %s %lld %s %s;", link->path, link->domain == NULL ? "-" : link->domain,
		(long long)link->code, link->english == NULL ? "-" : link->english,
		link->meaning == NULL ? "?" : "!");
}

static const struct {
	const char *request, *answer, *expected;
} chains[] = {
	{"X", "{}", ""},
	{"X", "{\"ErrorChain\":[]}", ""},
	{"X",
		"{\"ErrorChain\":[" LINK("MCMDMErrorDomain", "12021", "no") "," LINK(
			"Other", "5", "why") "]}",
		"ErrorChain MCMDMErrorDomain 12021 no !;ErrorChain Other 5 why ?;"},
	{"Settings",
		"{\"Settings\":[{\"Status\":\"Acknowledged\"},{\"Status\":\"Error\",\"ErrorChain\":"
		"[" LINK("MCSettingsErrorDomain", "28000", "item") "]}]}",
		"Settings[1].ErrorChain MCSettingsErrorDomain 28000 item !;"},
	{"Settings",
		"{\"Settings\":{\"Status\":\"Error\",\"ErrorChain\":[" LINK(
			"MCSettingsErrorDomain", "28001", "img") "]}}",
		"Settings.ErrorChain MCSettingsErrorDomain 28001 img !;"},
	{"ScheduleOSUpdate",
		"{\"UpdateResults\":[{\"ErrorChain\":[" LINK(
			"MCMDMErrorDomain", "12050", "s") "]}]}",
		"UpdateResults[0].ErrorChain MCMDMErrorDomain 12050 s !;"},
	/* What is malformed is passed over. */
	{"X", "{\"ErrorChain\":\"x\"}", ""},
	{"X", "{\"ErrorChain\":[\"x\",{},{\"ErrorCode\":\"1\"},{\"ErrorCode\":7}]}",
		"ErrorChain - 7 - ?;"},
};

static void
test_chains(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(chains); i++) {
		struct plist *answer;
		struct buf buf;

		buf_init(&buf, &unit.arena, 10000);
		buf_str(&buf, "");
		assert_int_equal(
			plist_read_json(plist_limits_default(), &unit.arena, chains[i].answer,
				strlen(chains[i].answer), &answer, &unit.err),
			ERR_OK);
		error_links(&unit.arena, chains[i].request, answer, add_link, &buf);
		assert_string_equal(buf.len == 0 ? "" : buf.bytes, chains[i].expected);
	}
}

/* ---- the views say the same ---- */

static void
test_views(void **state)
{
	const struct error_meaning *row;
	size_t n;

	(void)state;
	for (n = 0; (row = error_meaning_row(n)) != NULL; n++)
		;
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM error_meaning"), n);
	assert_string_equal(unit_sql_text(&unit, "SELECT meaning FROM error_meaning WHERE domain = "
						 "'MCCertificateErrorDomain' AND code = 9006"),
		"the certificate is no identity");
	unit_sql(&unit, "INSERT INTO enrollment (no, id, kind, state) VALUES (1, 'A', 'device', "
			"'enrolled')");
	for (size_t i = 0; i < COUNT(chains); i++)
		unit_sql(&unit,
			arena_printf(&unit.arena,
				"INSERT INTO payload (no, uuid, request, origin, created_at) "
				"VALUES (%zu, 'U%zu', '%s', 'cli', 0);"
				"INSERT INTO answer (enrollment_no, payload_no, status, "
				"received_at, response, error, raw) VALUES (1, %zu, 'Error', 0, "
				"'%s', json_extract('%s', '$.ErrorChain'), x'00')",
				i + 1, i + 1, chains[i].request, i + 1, chains[i].answer,
				chains[i].answer));
	for (size_t i = 0; i < COUNT(chains); i++)
		assert_string_equal(
			unit_sql_text(&unit,
				arena_printf(&unit.arena,
					"SELECT COALESCE(group_concat(chain || ' ' || "
					"COALESCE(domain, '-') || ' ' || code || ' ' || "
					"COALESCE(description, '-') || ' ' || "
					"CASE WHEN meaning IS NULL THEN '?' ELSE '!' END || ';', "
					"''), '') FROM (SELECT * FROM result_error WHERE uuid = "
					"'U%zu' AND typeof(code) = 'integer' ORDER BY link)",
					i + 1)),
			chains[i].expected);
	assert_string_equal(unit_sql_text(&unit, "SELECT errors FROM result WHERE uuid = 'U3'"),
		"MCMDMErrorDomain 12021: no [the request type is not valid here]; Other 5: why");
	assert_string_equal(
		unit_sql_text(&unit, "SELECT advice FROM result_error WHERE uuid = 'U3'"),
		"this system does not know the command, or not on this channel");
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_rows),
		STORE_TEST(test_chains),
		STORE_TEST(test_views),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
