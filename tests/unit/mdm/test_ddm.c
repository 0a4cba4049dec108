/*
 * Declarative management: which endpoints are Apple's and where they lead at the back-end; status
 * reports.
 */
#include "mdm/ddm.h"

#include "mdm/relay.h"
#include "unit.h"
#include "unit_store.h"

#include "base/conf.h"

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

/* ---- endpoints ---- */

static const struct {
	const char *text;
	const char *path; /* NULL: it is none */
} endpoints[] = {
	{"tokens", "tokens"},
	{"declaration-items", "declaration-items"},
	{"status", "status"},
	{"declaration/activation/a", "declaration/activation/a"},
	{"declaration/asset/A.b-c_d~e", "declaration/asset/A.b-c_d~e"},
	{"declaration/configuration/6B29FC40-CA47-1067-B31D-00DD010662DA",
		"declaration/configuration/6B29FC40-CA47-1067-B31D-00DD010662DA"},
	{"declaration/management/a/b", "declaration/management/a/b"},
	{"declaration/asset/a b", "declaration/asset/a%20b"},
	{"declaration/asset/a%20b", "declaration/asset/a%20b"},
	{"declaration/asset/ü", "declaration/asset/%C3%BC"},
	{"declaration/asset/%c3%bc", "declaration/asset/%C3%BC"},
	{"declaration/asset/100%25", "declaration/asset/100%25"},
	{"declaration/asset/a:b@c+d,e", "declaration/asset/a:b@c+d,e"},
	{"declaration/asset/a%3Fb%23c", "declaration/asset/a%3Fb%23c"},
	{"declaration/asset/\"<>{}|^`", "declaration/asset/%22%3C%3E%7B%7D%7C%5E%60"},
	{"declaration/asset/...", "declaration/asset/..."},
	{"%74okens", "tokens"},

	{"", NULL},
	{"/tokens", NULL},
	{"tokens/", NULL},
	{"Tokens", NULL},
	{"token", NULL},
	{"tokens/x", NULL},
	{"status/x", NULL},
	{"declaration", NULL},
	{"declaration/", NULL},
	{"declaration/asset", NULL},
	{"declaration/asset/", NULL},
	{"declaration/other/x", NULL},
	{"declaration/assets/x", NULL},
	{"declaration//x", NULL},
	{"declaration/asset//x", NULL},
	{"declaration/asset/x/", NULL},
	{"declaration/asset/.", NULL},
	{"declaration/asset/..", NULL},
	{"declaration/asset/../../tokens", NULL},
	{"declaration/asset/x/../y", NULL},
	{"declaration/asset/./x", NULL},
	{"../tokens", NULL},
	{"./tokens", NULL},
	{"declaration/asset/%2e%2e", NULL},
	{"declaration/asset/%2E./x", NULL},
	{"declaration/asset/a%2fb", NULL},
	{"declaration/asset/..%2f..%2fx", NULL},
	{"declaration%2fasset/x", NULL},
	{"declaration/asset/a\\b", NULL},
	{"declaration/asset/a%5cb", NULL},
	{"declaration/asset/..\\x", NULL},
	{"tokens?x=1", NULL},
	{"declaration/asset/x?y", NULL},
	{"declaration/asset/x#y", NULL},
	{"declaration/asset/a%00b", NULL},
	{"declaration/asset/a%0d%0ab", NULL},
	{"declaration/asset/a\r\nb", NULL},
	{"declaration/asset/a\tb", NULL},
	{"declaration/asset/a\x7f", NULL},
	{"declaration/asset/\xff", NULL},
	{"declaration/asset/%ff", NULL},
	{"declaration/asset/50%", NULL},
	{"declaration/asset/50%zz", NULL},
	{"http://127.0.0.1/tokens", NULL},
	{"//127.0.0.1/tokens", NULL},
};

static void
test_endpoints(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(endpoints); i++) {
		struct ddm_endpoint endpoint;
		enum err_kind kind =
			ddm_endpoint_read(&unit.arena, endpoints[i].text, &endpoint, &unit.err);

		if (endpoints[i].path == NULL) {
			if (kind != ERR_BAD_INPUT || endpoint.path != NULL)
				fail_msg("%s is taken", endpoints[i].text);
			continue;
		}
		if (kind != ERR_OK)
			fail_msg("%s: %s", endpoints[i].text, unit.err.message);
		assert_string_equal(endpoint.path, endpoints[i].path);
		assert_int_equal(endpoint.is_status, strcmp(endpoint.path, "status") == 0);
	}
}

static void
test_an_endpoint_has_an_end(void **state)
{
	char text[DDM_ENDPOINT_MOST + 2] = "declaration/asset/";
	struct ddm_endpoint endpoint;

	(void)state;
	memset(text + 18, 'x', DDM_ENDPOINT_MOST - 18);
	assert_int_equal(ddm_endpoint_read(&unit.arena, text, &endpoint, &unit.err), ERR_OK);
	text[DDM_ENDPOINT_MOST] = 'x';
	assert_int_equal(ddm_endpoint_read(&unit.arena, text, &endpoint, &unit.err), ERR_BAD_INPUT);
}

static void
test_urls(void **state)
{
	const struct ddm_endpoint endpoint = {.path = "tokens"};

	(void)state;
	assert_string_equal(
		ddm_endpoint_url(&unit.arena, "http://h", &endpoint), "http://h/tokens");
	assert_string_equal(
		ddm_endpoint_url(&unit.arena, "http://h/dm", &endpoint), "http://h/dm/tokens");
	assert_string_equal(
		ddm_endpoint_url(&unit.arena, "http://h/dm/", &endpoint), "http://h/dm/tokens");
}

/* ---- status reports ---- */

static bool
keep(const char *report)
{
	bool kept;

	unit_begin(&unit, DB_WRITE);
	if (ddm_keep_status(&unit.mdm, 1, report, strlen(report), &kept, &unit.err) != ERR_OK)
		fail_msg("%s", unit.err.message);
	unit_commit(&unit);
	return kept;
}

#define DECLARATIONS(id)                                                                           \
	"{\"StatusItems\":{\"management\":{\"declarations\":{\"assets\":[{\"identifier\":\"" id    \
	"\",\"valid\":\"valid\"},7]}}}}"

static void
test_the_last_report_is_kept(void **state)
{
	static const char identifier[] = "SELECT group_concat(kind || identifier) FROM declaration";

	(void)state;
	unit_sql(&unit, "INSERT INTO enrollment (no, id, kind, state) VALUES (1, 'D', 'device', "
			"'enrolled')");
	assert_true(keep(DECLARATIONS("one")));
	assert_string_equal(unit_sql_text(&unit, identifier), "assetone");
	assert_true(keep("{ \"Errors\" : [] }"));
	assert_string_equal(unit_sql_text(&unit, "SELECT report FROM declaration_status"),
		"{ \"Errors\" : [] }");
	assert_string_equal(unit_sql_text(&unit, identifier), "assetone");
	assert_true(keep(DECLARATIONS("two")));
	assert_string_equal(unit_sql_text(&unit, identifier), "assettwo");
	assert_true(keep("{\"StatusItems\":[]}"));
	assert_true(keep("{\"StatusItems\":{\"management\":{\"declarations\":7}}}"));
	assert_string_equal(unit_sql_text(&unit, identifier), "assettwo");
}

static void
test_what_is_no_report_is_not_kept(void **state)
{
	static const char *const reports[] = {
		"", "{", "[]", "7", "{\"a\":null}", "{\"a\":\"\\u0000\"}"};

	(void)state;
	for (size_t i = 0; i < COUNT(reports); i++)
		assert_false(keep(reports[i]));
	assert_int_equal(unit_sql_int(&unit, "SELECT COUNT(*) FROM ddm_status"), 0);
}

/* ---- the relay, without a worker ---- */

static void
test_nobody_listens(void **state)
{
	struct conf conf = {.relay_timeout = 1};
	const struct relay_request request = {
		.service = "ddm", .method = "GET", .url = "http://127.0.0.1/"};
	struct relay_answer answer;
	struct relay *relay;

	(void)state;
	conf.relay_socket = arena_printf(&unit.arena, "%s/none", unit.dir);
	relay = relay_new(&conf, 1);
	for (int i = 0; i < 2; i++) { /* who goes away leaves his place */
		assert_int_equal(
			relay_ask(relay, &unit.arena, &request, &answer, &unit.err), ERR_BUSY);
		assert_non_null(strstr(unit.err.message, "is not there"));
	}
	assert_true(relay_may_tell(relay));
	assert_false(relay_may_tell(relay));
	relay_free(relay);
	relay = relay_new(&conf, 0);
	assert_int_equal(relay_ask(relay, &unit.arena, &request, &answer, &unit.err), ERR_BUSY);
	assert_non_null(strstr(unit.err.message, "wait for back-ends already"));
	relay_free(relay);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_endpoints, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_endpoint_has_an_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_urls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_last_report_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_what_is_no_report_is_not_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_listens, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
