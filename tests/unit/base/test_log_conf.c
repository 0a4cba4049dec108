/*
 * The log's escaping and the configuration file.
 */
#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"

/* Runs one log_line() with stderr in a file and gives what it wrote. */
static const char *
logged(const char *key, const char *value)
{
	static char text[8192];
	char name[] = P_tmpdir "/pomona-log-XXXXXX";
	int file = mkstemp(name), saved = dup(STDERR_FILENO);
	ssize_t len;

	assert_true(file >= 0);
	dup2(file, STDERR_FILENO);
	log_line(LOG_INFO, "test", key, value, NULL);
	dup2(saved, STDERR_FILENO);
	close(saved);
	len = pread(file, text, sizeof(text) - 1, 0);
	text[len < 0 ? 0 : len] = '\0';
	close(file);
	unlink(name);
	return text;
}

static void
test_log_escapes(void **state)
{
	static const struct {
		const char *value, *written;
	} cases[] = {
		{"plain", " k=plain\n"},
		{"", " k=\"\"\n"},
		{"two words", " k=\"two words\"\n"},
		{"a=b", " k=\"a=b\"\n"},
		{"quote\"back\\slash", " k=\"quote\\\"back\\\\slash\"\n"},
		{"line\nlevel=error", " k=\"line\\x0alevel=error\"\n"},
		{"\x1b[31m", " k=\"\\x1b[31m\"\n"},
		{"\xc3\xa4", " k=\"\\xc3\\xa4\"\n"},
	};

	(void)state;
	log_init("unit", LOG_INFO);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *line = logged("k", cases[i].value);
		const char *tail = strstr(line, " k=");

		assert_non_null(tail);
		assert_string_equal(tail, cases[i].written);
		assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	}
	assert_null(strstr(logged("k", NULL), "k="));
}

static void
test_log_line_is_bounded(void **state)
{
	char *huge = malloc(100000);

	(void)state;
	memset(huge, '\n', 99999);
	huge[99999] = '\0';
	assert_true(strlen(logged("k", huge)) <= 4096);
	free(huge);
}

static void
test_log_leaves_out_lower_levels(void **state)
{
	(void)state;
	log_init("unit", LOG_ERROR);
	assert_string_equal(logged("k", "v"), "");
	log_init("unit", LOG_INFO);
	assert_int_equal(log_level_from_name("debug"), LOG_DEBUG);
	assert_int_equal(log_level_from_name("loud"), -1);
}

/* Reads TEXT as a configuration file; the error's message, or "". */
static const char *
read_conf(const char *text, struct conf *conf, struct arena *arena)
{
	static struct err err;
	char name[] = P_tmpdir "/pomona-conf-XXXXXX";
	int file = mkstemp(name);
	size_t len = strlen(text);

	assert_int_equal(write(file, text, len), (ssize_t)len);
	close(file);
	err_clear(&err);
	conf_read(conf, name, arena, &err);
	unlink(name);
	return err.message;
}

static void
test_conf(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"", ""},
		{"[store]\ndatabase = /x/y.db\n[fcgi]\nthreads = 8\n[log]\nlevel = debug\n", ""},
		{"[store]\ndatabse = /x\n",
			"line 2: there is no key \"databse\" in section [store]"},
		{"[fcgi]\n\nthreads = many\n", "line 3: threads wants a number from 1 to 1024"},
		{"[fcgi]\nthreads = 0\n", "line 2: threads wants a number from 1 to 1024"},
		{"[log]\nlevel = loud\n", "level is error, warning, info or debug"},
		{"[store]\ndatabase =\n", "must not be empty"},
		{"[store\n", "line 1"},
		{"[enroll]\nsign_certificate = /x/s.pem\nsign_key = /x/s.key\n", ""},
		{"[enroll]\ntrust = /x/t.pem\napple_ca = /x/a.pem\n", ""},
		{"[enroll]\nsign_key = /x/s.key\n", "sign_key without sign_certificate"},
	};
	struct arena arena;
	struct conf conf;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *error = read_conf(cases[i].text, &conf, &arena);

		if (*cases[i].error == '\0')
			assert_string_equal(error, "");
		else
			assert_non_null(strstr(error, cases[i].error));
	}
	read_conf(cases[1].text, &conf, &arena);
	assert_string_equal(conf.database, "/x/y.db");
	assert_int_equal(conf.threads, 8);
	assert_int_equal(conf_read(&conf, "/nonexistent/pomona.conf", &arena, NULL), ERR_IO);
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_escapes),
		cmocka_unit_test(test_log_line_is_bounded),
		cmocka_unit_test(test_log_leaves_out_lower_levels),
		cmocka_unit_test(test_conf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
