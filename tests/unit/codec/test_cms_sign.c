/*
 * cms_sign: what is signed opens again, and nothing else does.
 */
#include "codec/cms_sign.h"

#include "unit.h"

#include <openssl/err.h>

#include "codec/anchor.h"
#include "codec/cms.h"
#include "codec_data.h"

static const struct cms_trust anybody = {0};

/* leaf.pem and leaf.key, and its issuers. */
static void
read_identity(struct arena *arena, struct x509_identity *identity)
{
	size_t len;

	identity->cert_pem = arena_printf(arena, "%s%s", data_read(arena, "x509/leaf.pem", &len),
		data_read(arena, "x509/middle.pem", &len));
	identity->key_pem = data_read(arena, "x509/leaf.key", &len);
}

static void
sign(struct arena *arena, const char *content, size_t len, unsigned char **message,
	size_t *message_len)
{
	struct x509_identity identity;
	struct err err = {0};

	read_identity(arena, &identity);
	if (cms_sign(arena, &identity, content, len, message, message_len, &err) != ERR_OK)
		fail_msg("%s", err.message);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
test_what_is_signed_opens(void **state)
{
	static const char *const contents[] = {"", "x", "line\nline\r\n\n", "<plist/>"};
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < COUNT(contents); i++) {
		size_t len = strlen(contents[i]), message_len, inner_len, root_len;
		struct cms_trust trust = {.anchors = data_read(&arena, "x509/root.pem", &root_len)};
		unsigned char *message, *inner;
		struct cms_signed opened;
		struct x509_info info;
		struct err err = {0};

		sign(&arena, contents[i], len, &message, &message_len);
		if (cms_open(&arena, message, message_len, &trust, &opened, &err) != ERR_OK)
			fail_msg("%s", err.message);
		assert_int_equal(opened.content_len, len);
		assert_memory_equal(opened.content, contents[i], len + 1); /* with the NUL */
		assert_false(opened.sha1);
		assert_int_equal(x509_inspect(&arena, opened.signer, &info, &err), ERR_OK);
		assert_non_null(info.common_name);
		assert_int_equal(
			cms_content(&arena, message, message_len, &inner, &inner_len, &err),
			ERR_OK);
		assert_int_equal(inner_len, len);
	}
	arena_release(&arena);
}

/* The leaf's issuers go along: a device knows roots alone. */
static void
test_the_chain_goes_along(void **state)
{
	static const struct {
		const char *anchors;
		enum err_kind kind;
	} cases[] = {
		{"x509/root.pem", ERR_OK},
		{"x509/middle.pem", ERR_OK}, /* an anchor without its root */
		{"x509/leaf.pem", ERR_OK}, {"x509/ec.pem", ERR_FORBIDDEN},
		{"x509/leaf.key", ERR_BAD_INPUT}, /* no certificate in it */
	};
	unsigned char *message;
	struct arena arena;
	size_t len;

	(void)state;
	arena_init(&arena);
	sign(&arena, "content", 7, &message, &len);
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t anchors_len;
		struct cms_trust trust = {
			.anchors = data_read(&arena, cases[i].anchors, &anchors_len)};
		struct cms_signed opened;
		struct err err = {0};

		if (cms_open(&arena, message, len, &trust, &opened, &err) != cases[i].kind)
			fail_msg("%s: %s", cases[i].anchors, err.message);
		assert_int_equal(opened.content == NULL, cases[i].kind != ERR_OK);
		assert_int_equal(ERR_peek_error(), 0);
	}
	arena_release(&arena);
}

/* Whichever byte is changed or cut off, what opens is the content that was signed, or nothing. */
static void
test_no_other_content_opens(void **state)
{
	static const char content[] = "the content";
	unsigned char *message;
	struct arena arena;
	struct cms_trust trust = {0};
	size_t len, root_len, opens = 0;

	(void)state;
	arena_init(&arena);
	trust.anchors = data_read(&arena, "x509/root.pem", &root_len);
	sign(&arena, content, sizeof(content) - 1, &message, &len);
	for (size_t i = 0; i < len; i++) {
		unsigned char *changed = malloc(len);
		struct cms_signed opened;
		struct arena other;

		arena_init(&other);
		assert_non_null(changed);
		memcpy(changed, message, len);
		changed[i] ^= 1;
		if (cms_open(&other, changed, len, &trust, &opened, NULL) == ERR_OK) {
			assert_string_equal((char *)opened.content, content);
			opens++;
		}
		assert_int_not_equal(cms_open(&other, message, i, &trust, &opened, NULL), ERR_OK);
		free(changed);
		arena_release(&other);
	}
	/* Some bytes mean nothing, such as the NULL parameters of an algorithm. */
	assert_true(opens < len / 20);
	arena_release(&arena);
}

static void
test_what_is_refused(void **state)
{
	static const struct {
		const char *file;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{"x509/signed.der", ERR_OK, NULL},
		{"x509/signed.ber", ERR_OK, NULL},
		{"x509/detached.der", ERR_BAD_INPUT, "detached"},
		{"x509/enveloped.der", ERR_BAD_INPUT, "not a signed one"},
		{"x509/profile.mobileconfig", ERR_BAD_INPUT, "no signed message"},
		{"x509/leaf.cer", ERR_BAD_INPUT, "no signed message"},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct cms_signed opened;
		struct err err = {0};
		size_t len;
		char *bytes = data_read(&arena, cases[i].file, &len);

		if (cms_open(&arena, bytes, len, &anybody, &opened, &err) != cases[i].kind)
			fail_msg("%s: %s", cases[i].file, err.message);
		if (cases[i].says != NULL)
			assert_non_null(strstr(err.message, cases[i].says));
		assert_int_equal(ERR_peek_error(), 0);
	}
	arena_release(&arena);
}

/* A key that is another's signs nothing. */
static void
test_identities_that_cannot_sign(void **state)
{
	struct x509_identity identity;
	unsigned char *message;
	struct err err = {0};
	struct arena arena;
	size_t len;

	(void)state;
	arena_init(&arena);
	read_identity(&arena, &identity);
	identity.key_pem = data_read(&arena, "x509/other.key", &len);
	assert_int_not_equal(cms_sign(&arena, &identity, "x", 1, &message, &len, &err), ERR_OK);
	assert_null(message);
	identity.key_pem = "";
	assert_int_not_equal(cms_sign(&arena, &identity, "x", 1, &message, &len, &err), ERR_OK);
	assert_int_equal(ERR_peek_error(), 0);
	arena_release(&arena);
}

static void
test_anchors(void **state)
{
	struct anchor *anchors;
	struct err err = {0};
	struct arena arena;
	size_t count, len;
	char *pem;

	(void)state;
	arena_init(&arena);
	pem = arena_printf(&arena, "%s%s", data_read(&arena, "x509/root.pem", &len),
		data_read(&arena, "x509/middle.pem", &len));
	assert_int_equal(anchor_read(&arena, pem, &anchors, &count, &err), ERR_OK);
	assert_int_equal(count, 2);
	assert_true(anchors[0].self_signed);
	assert_false(anchors[1].self_signed);
	for (size_t i = 0; i < count; i++) {
		struct x509_info info;

		assert_int_equal(x509_inspect(&arena, anchors[i].pem, &info, &err), ERR_OK);
		assert_string_equal(info.sha256, anchors[i].sha256);
		assert_string_equal(info.common_name, anchors[i].name);
	}
	assert_int_equal(anchor_read(&arena, "", &anchors, &count, &err), ERR_BAD_INPUT);
	assert_int_equal(anchor_read(&arena, "none\n", &anchors, &count, &err), ERR_BAD_INPUT);
	assert_int_equal(count, 0);
	assert_int_equal(ERR_peek_error(), 0);
	arena_release(&arena);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_signed_opens),
		cmocka_unit_test(test_the_chain_goes_along),
		cmocka_unit_test(test_no_other_content_opens),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_identities_that_cannot_sign),
		cmocka_unit_test(test_anchors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
