/*
 * seal: what was sealed opens, under its key and at its place only; the file of the key.
 */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>

#include "codec/seal.h"

static const struct seal_key key = {.bytes = {1, 2, 3, 4, 5}};
static const char place[] = "enrollment/unlock_token/7";

static void
test_what_was_sealed_opens(void **state)
{
	static const size_t lengths[] = {0, 1, 15, 16, 17, 40, 4096, 1000000};
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < COUNT(lengths); i++) {
		size_t len = lengths[i], sealed_len, open_len;
		unsigned char *plain = arena_alloc(&arena, len + 1), *sealed, *opened;
		struct err err = {0};

		for (size_t j = 0; j < len; j++)
			plain[j] = (unsigned char)(j * 31);
		sealed = seal_close(&key, &arena, place, plain, len, &sealed_len);
		assert_int_equal(sealed_len, len + SEAL_OVERHEAD);
		assert_int_equal(seal_open(&key, &arena, place, sealed, sealed_len, &opened,
					 &open_len, &err),
			ERR_OK);
		assert_int_equal(open_len, len);
		assert_memory_equal(opened, plain, len);
		assert_int_equal(opened[len], '\0');
		arena_reset(&arena);
	}
	arena_release(&arena);
}

static void
test_no_two_seals_are_alike(void **state)
{
	static const char secret[] = "a secret that must not be seen";
	struct arena arena;
	unsigned char *one, *two;
	size_t len;

	(void)state;
	arena_init(&arena);
	one = seal_close(&key, &arena, place, secret, sizeof(secret), &len);
	two = seal_close(&key, &arena, place, secret, sizeof(secret), &len);
	assert_memory_equal(one, two, 2);              /* version, key number */
	assert_memory_not_equal(one + 2, two + 2, 12); /* nonce */
	assert_memory_not_equal(one + 14, two + 14, sizeof(secret));
	for (size_t i = 0; i + 8 <= len; i++)
		assert_memory_not_equal(one + i, secret, 8);
	arena_release(&arena);
}

/*
 * Fixed once and for all: a store written by an older release opens.  Made with Python's
 * cryptography: AESGCM(key).encrypt(nonce, b"pomona", b"\x01\x01" + place).
 */
static void
test_the_form_stays(void **state)
{
	static const unsigned char sealed[] = {
		0x01,
		0x01,
		0x10,
		0x11,
		0x12,
		0x13,
		0x14,
		0x15,
		0x16,
		0x17,
		0x18,
		0x19,
		0x1a,
		0x1b,
		0x91,
		0x1d,
		0x76,
		0xd9,
		0x69,
		0x6a,
		0xb7,
		0xca,
		0x76,
		0x7d,
		0x96,
		0x67,
		0x2b,
		0xe9,
		0x97,
		0x52,
		0x11,
		0x8c,
		0x11,
		0x7e,
		0x30,
		0x44,
	};
	struct arena arena;
	struct err err = {0};
	unsigned char *opened;
	size_t len;

	(void)state;
	arena_init(&arena);
	if (seal_open(&key, &arena, place, sealed, sizeof(sealed), &opened, &len, &err) != ERR_OK)
		fail_msg("%s", err.message);
	assert_int_equal(len, 6);
	assert_string_equal((char *)opened, "pomona");
	arena_release(&arena);
}

static void
assert_does_not_open(struct arena *arena, const struct seal_key *with, const char *at,
	const void *sealed, size_t len, const char *says)
{
	struct err err = {0};
	unsigned char *opened = (unsigned char *)1;
	size_t opened_len;

	assert_int_equal(
		seal_open(with, arena, at, sealed, len, &opened, &opened_len, &err), ERR_INTERNAL);
	assert_null(opened);
	assert_non_null(strstr(err.message, says));
	assert_non_null(strstr(err.message, at));
	assert_null(strstr(err.message, "hush"));
	assert_int_equal(ERR_peek_error(), 0);
}

static void
test_a_changed_byte_does_not_open(void **state)
{
	struct arena arena;
	unsigned char *sealed;
	size_t len;

	(void)state;
	arena_init(&arena);
	sealed = seal_close(&key, &arena, place, "hush", 4, &len);
	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++) {
			sealed[i] ^= (unsigned char)(1 << bit);
			assert_does_not_open(&arena, &key, place, sealed, len,
				i < 2 ? "this program opens version 1, key 1" : "does not open");
			sealed[i] ^= (unsigned char)(1 << bit);
		}
	for (size_t short_len = 0; short_len < len; short_len++)
		assert_does_not_open(&arena, &key, place, sealed, short_len,
			short_len < SEAL_OVERHEAD ? "no sealed value" : "does not open");
	assert_does_not_open(&arena, &key, place, NULL, 0, "no sealed value");
	arena_release(&arena);
}

static void
test_another_place_or_key_does_not_open(void **state)
{
	static const char *const places[] = {"", "enrollment/unlock_token/8",
		"enrollment/unlock_token/", "enrollment/push_magic/7"};
	struct seal_key other = key;
	struct arena arena;
	unsigned char *sealed;
	size_t len;

	(void)state;
	arena_init(&arena);
	sealed = seal_close(&key, &arena, place, "hush", 4, &len);
	for (size_t i = 0; i < COUNT(places); i++)
		assert_does_not_open(&arena, &key, places[i], sealed, len, "another place");
	other.bytes[31] = 1;
	assert_does_not_open(&arena, &other, place, sealed, len, "another master key");
	arena_release(&arena);
}

/* ---- the file ---- */

struct dir {
	char path[64];
	char key[96];
};

static struct dir
dir_make(void)
{
	struct dir dir;

	snprintf(dir.path, sizeof(dir.path), "%s/pomona-seal-XXXXXX", P_tmpdir);
	assert_non_null(mkdtemp(dir.path));
	snprintf(dir.key, sizeof(dir.key), "%s/master.key", dir.path);
	return dir;
}

static void
dir_remove(struct dir *dir)
{
	unlink(dir->key);
	assert_int_equal(rmdir(dir->path), 0);
}

static void
write_key(const struct dir *dir, const char *text, mode_t mode)
{
	FILE *file = fopen(dir->key, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(dir->key, mode), 0);
}

static void
test_a_key_is_made_once(void **state)
{
	struct seal_key made, again, other = {0};
	struct dir dir = dir_make();
	struct err err = {0};
	struct stat about;

	(void)state;
	assert_int_equal(seal_key_create(&made, dir.key, &err), ERR_OK);
	assert_int_equal(stat(dir.key, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	assert_int_equal(about.st_size, 65);
	assert_int_equal(seal_key_read(&again, dir.key, &err), ERR_OK);
	assert_memory_equal(made.bytes, again.bytes, SEAL_KEY_SIZE);

	assert_int_equal(seal_key_create(&other, dir.key, &err), ERR_CONFLICT);
	assert_non_null(strstr(err.message, dir.key));
	assert_int_equal(seal_key_read(&again, dir.key, &err), ERR_OK);
	assert_memory_equal(made.bytes, again.bytes, SEAL_KEY_SIZE);

	assert_int_equal(unlink(dir.key), 0);
	assert_int_equal(seal_key_create(&other, dir.key, &err), ERR_OK);
	assert_memory_not_equal(made.bytes, other.bytes, SEAL_KEY_SIZE);
	dir_remove(&dir);
}

static void
test_a_key_is_not_made_nowhere(void **state)
{
	struct seal_key made;
	struct err err = {0};

	(void)state;
	assert_int_equal(seal_key_create(&made, "/nonexistent/master.key", &err), ERR_IO);
	assert_string_equal(err.message, "/nonexistent/master.key: No such file or directory");
	assert_int_equal(seal_key_read(&made, "/nonexistent/master.key", &err), ERR_NOT_FOUND);
	assert_int_equal(seal_key_read(&made, "/dev/null", &err), ERR_BAD_INPUT);
	assert_string_equal(err.message, "/dev/null is not a file");
}

#define HEX32 "000102030405060708090a0b0c0d0e0f"

static void
test_a_key_file_is_read_or_refused(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		enum err_kind kind;
	} cases[] = {
		{HEX32 HEX32 "\n", 0600, ERR_OK},
		{HEX32 HEX32, 0400, ERR_OK},
		{HEX32 "000102030405060708090A0B0C0D0E0F\r\n", 0600, ERR_OK},
		{HEX32 HEX32 "\n", 0640, ERR_FORBIDDEN},
		{HEX32 HEX32 "\n", 0604, ERR_FORBIDDEN},
		{HEX32 HEX32 "\n", 0610, ERR_FORBIDDEN},
		{HEX32 HEX32 "\n", 0602, ERR_FORBIDDEN},
		{"", 0600, ERR_BAD_INPUT},
		{"\n", 0600, ERR_BAD_INPUT},
		{HEX32 "\n", 0600, ERR_BAD_INPUT},
		{HEX32 HEX32 "00", 0600, ERR_BAD_INPUT},
		{HEX32 HEX32 HEX32 HEX32, 0600, ERR_BAD_INPUT},
		{HEX32 "000102030405060708090a0b0c0d0e0g", 0600, ERR_BAD_INPUT},
		{HEX32 "00:01:02:03:04:05:06:07:08:09:0a", 0600, ERR_BAD_INPUT},
	};
	struct dir dir = dir_make();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct seal_key read;
		struct err err = {0};

		write_key(&dir, cases[i].text, cases[i].mode);
		assert_int_equal(seal_key_read(&read, dir.key, &err), cases[i].kind);
		assert_int_equal(ERR_peek_error(), 0);
		if (cases[i].kind == ERR_OK)
			for (size_t j = 0; j < SEAL_KEY_SIZE; j++)
				assert_int_equal(read.bytes[j], j % 16);
		else
			assert_non_null(strstr(err.message, dir.key));
		if (cases[i].kind == ERR_FORBIDDEN)
			assert_non_null(strstr(err.message, "chmod 600 /"));
		assert_null(strstr(err.message, "0001020304"));
		assert_int_equal(unlink(dir.key), 0);
	}
	dir_remove(&dir);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_sealed_opens),
		cmocka_unit_test(test_no_two_seals_are_alike),
		cmocka_unit_test(test_the_form_stays),
		cmocka_unit_test(test_a_changed_byte_does_not_open),
		cmocka_unit_test(test_another_place_or_key_does_not_open),
		cmocka_unit_test(test_a_key_is_made_once),
		cmocka_unit_test(test_a_key_is_not_made_nowhere),
		cmocka_unit_test(test_a_key_file_is_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
