/*
 * The command line taken apart: words, options, values, with the real table of commands.
 */
#include "cli/cli.h"

#include "base/clock.h"
#include "unit.h"

enum { ARGS_MOST = 12 };

/* Words and options as one string: "ID DeviceLock [all= limit=3]". */
static const char *
summary(struct arena *arena, const struct words *words)
{
	struct buf buf;

	buf_init(&buf, arena, 1000);
	if (words->command != NULL)
		buf_printf(&buf, "%s/%s:", words->command->noun,
			words->command->verb == NULL ? "" : words->command->verb);
	for (size_t i = 0; i < words->count; i++)
		buf_printf(&buf, " %s", words->words[i]);
	for (size_t i = 0; i < words->given_count; i++)
		buf_printf(&buf, " [%s=%s]", words->given[i].name, words->given[i].value);
	return buf.bytes;
}

static const struct {
	const char *args[ARGS_MOST];
	const char *summary;
	const char *error; /* NULL: none */
} cases[] = {
	{{"device", "list"}, "device/list:", NULL},
	{{"device", "list", "--limit", "3"}, "device/list: [limit=3]", NULL},
	{{"--json", "device", "list", "--limit=3"}, "device/list: [json=] [limit=3]", NULL},
	{{"--limit", "3", "device", "--json", "list"}, "device/list: [limit=3] [json=]", NULL},
	{{"push", "A", "B"}, "push/: A B", NULL},
	{{"push-cert", "list"}, "push-cert/list:", NULL},
	/* --plist takes a value in one command and none in another */
	{{"--plist", "f", "queue", "add", "A"}, "queue/add: A [plist=f]", NULL},
	{{"result", "show", "--plist", "U"}, "result/show: U [plist=]", NULL},
	{{"--plist", "result", "show", "U"}, "result/show: U [plist=]", NULL},
	{{"queue", "add", "A", "DeviceLock", "--", "--odd"}, "queue/add: A DeviceLock --odd", NULL},
	{{"profile", "uuid", "-"}, "profile/uuid: -", NULL},
	{{"queue", "add", "A", "DeviceLock", "--priority", "-5"},
		"queue/add: A DeviceLock [priority=-5]", NULL},
	{{"device", "show", "--help"}, "device/show: [help=]", NULL},
	{{"device", "--help"}, " device [help=]", NULL},
	{{"device", "show", "-h"}, "device/show: [help=]", NULL},
	{{"--help"}, " [help=]", NULL},
	{{NULL}, "", "which command?"},
	{{"device"}, " device", "device: which command?"},
	{{"device", "eat"}, " device eat", "there is no command \"device eat\""},
	{{"devices"}, " devices", "there is no command \"devices\""},
	{{"device", "show"}, "device/show:", "something is missing: device show ID"},
	{{"device", "show", "A", "B"}, "device/show: A B",
		"too many words: \"B\" is not understood"},
	{{"device", "list", "--all"}, "device/list:", "there is no option --all here"},
	{{"device", "list", "-x"}, "device/list:", "there is no option -x here"},
	{{"device", "list", "--limit"}, "device/list: [limit=]", "--limit wants a value"},
	{{"device", "list", "--json=1"}, "device/list: [json=]", "--json takes no value"},
};

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena arena;
		struct words words;
		struct err err = {0};
		int argc = 0;

		while (cases[i].args[argc] != NULL)
			argc++;
		arena_init(&arena);
		words_parse(&words, &arena, cli_commands, argc, cases[i].args, &err);
		assert_string_equal(summary(&arena, &words), cases[i].summary);
		assert_string_equal(err.message, cases[i].error == NULL ? "" : cases[i].error);
		arena_release(&arena);
	}
}

static void
test_last_option_counts(void **state)
{
	static const char *const args[] = {"device", "list", "--limit", "1", "--limit", "2"};
	struct arena arena;
	struct words words;
	int64_t value;

	(void)state;
	arena_init(&arena);
	assert_int_equal(words_parse(&words, &arena, cli_commands, 6, args, NULL), ERR_OK);
	assert_string_equal(words_option(&words, "limit"), "2");
	assert_null(words_option(&words, "state"));
	assert_int_equal(words_integer(&words, "limit", 1, 5, 0, &value, NULL), ERR_OK);
	assert_int_equal(value, 2);
	arena_release(&arena);
}

static void
test_integers(void **state)
{
	static const struct {
		const char *text;
		int64_t value; /* 0: refused */
	} texts[] = {{"1", 1}, {"99", 99}, {"100", 0}, {"0", 0}, {"", 0}, {"7x", 0}, {"x", 0},
		{"99999999999999999999", 0}, {"1.5", 0}};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct words_given given = {.name = "n", .value = texts[i].text};
		struct words words = {.given = &given, .given_count = 1};
		int64_t value;
		enum err_kind kind = words_integer(&words, "n", 1, 99, 5, &value, NULL);

		assert_int_equal(kind, texts[i].value == 0 ? ERR_BAD_INPUT : ERR_OK);
		if (kind == ERR_OK)
			assert_int_equal(value, texts[i].value);
	}
}

static void
test_times(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} texts[] = {
		{"1970-01-01T00:00:01Z", 1000},
		{"1970-01-01T01:00:01+01:00", 1000},
		{"+30s", 1000000 + 30 * 1000},
		{"+15m", 1000000 + 15 * 60 * 1000},
		{"+2h", 1000000 + 2 * 3600 * 1000},
		{"+7d", 1000000 + INT64_C(7) * 86400 * 1000},
		{"+7w", -1},
		{"+-7d", -1},
		{"+7", -1},
		{"+1000000d", -1},
		{"7d", -1},
		{"tomorrow", -1},
		{"", -1},
	};

	(void)state;
	clock_fake(1000000);
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct words_given given = {.name = "t", .value = texts[i].text};
		struct words words = {.given = &given, .given_count = 1};
		int64_t ms;
		enum err_kind kind = words_time(&words, "t", &ms, NULL);

		assert_int_equal(kind, texts[i].ms < 0 ? ERR_BAD_INPUT : ERR_OK);
		if (kind == ERR_OK)
			assert_int_equal(ms, texts[i].ms);
	}
	clock_fake(-1);
}

/* No command has an option twice, or one that is global. */
static void
test_table_is_sound(void **state)
{
	(void)state;
	for (const struct cli_command *c = cli_commands; c->noun != NULL; c++) {
		assert_true(c->least <= c->most);
		assert_non_null(c->run);
		for (const struct words_option *o = c->options; o != NULL && o->name != NULL; o++) {
			for (const struct words_option *g = words_global_options; g->name != NULL;
				g++)
				assert_string_not_equal(o->name, g->name);
			for (const struct words_option *p = c->options; p != o; p++)
				assert_string_not_equal(o->name, p->name);
		}
	}
}

static void
test_since(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} texts[] = {
		{"1970-01-01T00:00:01Z", 1000},
		{"30s", 1000000 - 30 * 1000},
		{"0m", 1000000},
		{"7d", 1000000 - INT64_C(7) * 86400 * 1000},
		{"+7d", -1},
		{"-7d", -1},
		{"7w", -1},
		{"7", -1},
		{"yesterday", -1},
		{"", -1},
	};

	(void)state;
	clock_fake(1000000);
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct words_given given = {.name = "t", .value = texts[i].text};
		struct words words = {.given = &given, .given_count = 1};
		bool refused = texts[i].ms == -1;
		int64_t ms;

		assert_int_equal(
			words_since(&words, "t", &ms, NULL), refused ? ERR_BAD_INPUT : ERR_OK);
		if (!refused)
			assert_int_equal(ms, texts[i].ms);
	}
	clock_fake(-1);
}

static void
test_span(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} texts[] = {
		{"90s", 90},
		{"30m", 1800},
		{"24h", 86400},
		{"366d", INT64_C(366) * 86400},
		{"0h", -1},
		{"-1h", -1},
		{"+1h", -1},
		{"1.5h", -1},
		{"24", -1},
		{"24 h", -1},
		{"24h ", -1},
		{"h", -1},
		{"1w", -1},
		{"99999999999999999999h", -1},
		{"", -1},
	};
	struct words none = {0};
	int64_t seconds = 7;

	(void)state;
	assert_int_equal(words_span(&none, "t", &seconds, NULL), ERR_OK);
	assert_int_equal(seconds, 0);
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct words_given given = {.name = "t", .value = texts[i].text};
		struct words words = {.given = &given, .given_count = 1};
		bool refused = texts[i].seconds == -1;

		assert_int_equal(
			words_span(&words, "t", &seconds, NULL), refused ? ERR_BAD_INPUT : ERR_OK);
		if (!refused)
			assert_int_equal(seconds, texts[i].seconds);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_last_option_counts),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_since),
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_table_is_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
