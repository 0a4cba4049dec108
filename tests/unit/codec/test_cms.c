/*
 * cms: the content of signed profiles, made with the openssl command (tests/data/x509/make.sh).
 */
#include "unit.h"

#include <openssl/err.h>

#include "codec/cms.h"
#include "codec_data.h"

static void
test_content_is_taken_or_refused(void **state)
{
	static const struct {
		const char *file;
		const char *content; /* NULL: refused */
		const char *says;
	} cases[] = {
		{"x509/signed.der", "x509/profile.mobileconfig", NULL},
		{"x509/signed.ber", "x509/profile.mobileconfig", NULL},
		{"x509/signed.p7", "x509/profile.mobileconfig", NULL},
		{"x509/empty.der", "", NULL},
		{"x509/detached.der", NULL, "detached"},
		{"x509/enveloped.der", NULL, "not a signed one"},
		{"x509/profile.mobileconfig", NULL, "no signed message"},
		{"x509/leaf.cer", NULL, "no signed message"},
		{"x509/aes.p12", NULL, "no signed message"},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = {0};
		unsigned char *content;
		size_t len, content_len, wanted_len = 0;
		char *bytes = data_read(&arena, cases[i].file, &len), *wanted;
		enum err_kind kind = cms_content(&arena, bytes, len, &content, &content_len, &err);

		assert_int_equal(ERR_peek_error(), 0);
		if (cases[i].content == NULL) {
			assert_int_equal(kind, ERR_BAD_INPUT);
			assert_non_null(strstr(err.message, cases[i].says));
			continue;
		}
		if (kind != ERR_OK)
			fail_msg("%s: %s", cases[i].file, err.message);
		wanted = *cases[i].content == '\0'
				 ? ""
				 : data_read(&arena, cases[i].content, &wanted_len);
		assert_int_equal(content_len, wanted_len);
		assert_memory_equal(content, wanted, wanted_len + 1); /* with the NUL */
	}
	arena_release(&arena);
}

/* Cut anywhere, it is refused and nothing is read beyond its end. */
static void
test_what_is_cut_short_is_refused(void **state)
{
	static const char *const files[] = {"x509/signed.der", "x509/signed.ber"};
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < COUNT(files); i++) {
		size_t len, content_len;
		char *whole = data_read(&arena, files[i], &len);

		for (size_t cut = 0; cut < len; cut++) {
			char *bytes = malloc(cut == 0 ? 1 : cut);
			unsigned char *content;

			assert_non_null(bytes);
			memcpy(bytes, whole, cut);
			assert_int_equal(
				cms_content(&arena, bytes, cut, &content, &content_len, NULL),
				ERR_BAD_INPUT);
			free(bytes);
		}
	}
	arena_release(&arena);
}

/* What stands behind it does not matter; a padded file is still read. */
static void
test_what_follows_is_left_alone(void **state)
{
	struct arena arena;
	unsigned char *content;
	size_t len, content_len;
	char *bytes;

	(void)state;
	arena_init(&arena);
	bytes = data_read(&arena, "x509/signed.der", &len);
	assert_int_equal(cms_content(&arena, bytes, len + 1, &content, &content_len, NULL), ERR_OK);
	arena_release(&arena);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_content_is_taken_or_refused),
		cmocka_unit_test(test_what_is_cut_short_is_refused),
		cmocka_unit_test(test_what_follows_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
