/*
 * seal: what was sealed opens, under its key and at its place only; the file of the key.
 */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>

#include "codec/seal.h"

static const unsigned char key_bytes[SEAL_KEY_SIZE] = {1, 2, 3, 4, 5};
static struct seal_key key;
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
assert_does_not_open(struct arena *arena, struct seal_key *with, const char *at, const void *sealed,
	size_t len, const char *says)
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
				i == 0   ? "this program opens version 1"
				: i == 1 ? "which is not in the key file"
					 : "does not open");
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
	unsigned char bytes[SEAL_KEY_SIZE];
	struct seal_key other;
	struct arena arena;
	unsigned char *sealed;
	size_t len;

	(void)state;
	arena_init(&arena);
	sealed = seal_close(&key, &arena, place, "hush", 4, &len);
	for (size_t i = 0; i < COUNT(places); i++)
		assert_does_not_open(&arena, &key, places[i], sealed, len, "another place");
	memcpy(bytes, key_bytes, sizeof(bytes));
	bytes[31] = 1;
	seal_key_init(&other);
	seal_key_set(&other, bytes);
	assert_does_not_open(&arena, &other, place, sealed, len, "another master key");
	seal_key_release(&other);
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
	struct seal_key made, again, other;
	struct dir dir = dir_make();
	struct err err = {0};
	struct stat about;

	(void)state;
	seal_key_init(&made);
	seal_key_init(&again);
	seal_key_init(&other);
	assert_int_equal(seal_key_create(&made, dir.key, &err), ERR_OK);
	assert_int_equal(stat(dir.key, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	assert_int_equal(about.st_size, 65);
	assert_int_equal(seal_key_read(&again, dir.key, &err), ERR_OK);
	assert_memory_equal(&made.keys, &again.keys, sizeof(made.keys));

	assert_int_equal(seal_key_create(&other, dir.key, &err), ERR_CONFLICT);
	assert_non_null(strstr(err.message, dir.key));
	assert_int_equal(seal_key_read(&again, dir.key, &err), ERR_OK);
	assert_memory_equal(&made.keys, &again.keys, sizeof(made.keys));

	assert_int_equal(unlink(dir.key), 0);
	assert_int_equal(seal_key_create(&other, dir.key, &err), ERR_OK);
	assert_memory_not_equal(&made.keys, &other.keys, sizeof(made.keys));
	seal_key_release(&made);
	seal_key_release(&again);
	seal_key_release(&other);
	dir_remove(&dir);
}

static void
test_a_key_is_not_made_nowhere(void **state)
{
	struct seal_key made;
	struct err err = {0};

	(void)state;
	seal_key_init(&made);
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
		{"7 " HEX32 HEX32 "\n6 " HEX32 HEX32 "\n", 0600, ERR_OK},
		{"7 " HEX32 HEX32 "\nformer " HEX32 HEX32 "\n", 0600, ERR_OK},
		{HEX32 HEX32 " \t\n", 0600, ERR_OK},
		{"0 " HEX32 HEX32 "\n", 0600, ERR_BAD_INPUT},
		{"256 " HEX32 HEX32 "\n", 0600, ERR_BAD_INPUT},
		{"x " HEX32 HEX32 "\n", 0600, ERR_BAD_INPUT},
		{"1 " HEX32 HEX32 "\n1 " HEX32 HEX32 "\n", 0600, ERR_BAD_INPUT},
		{"1 " HEX32 HEX32 "\n2 " HEX32 HEX32 "\n3 " HEX32 HEX32 "\n", 0600, ERR_BAD_INPUT},
		{"former " HEX32 HEX32 "\n", 0600, ERR_BAD_INPUT},
		{HEX32 HEX32 "\nformer " HEX32 "\n", 0600, ERR_BAD_INPUT},
	};
	struct dir dir = dir_make();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct seal_key read;
		struct err err = {0};

		seal_key_init(&read);
		write_key(&dir, cases[i].text, cases[i].mode);
		assert_int_equal(seal_key_read(&read, dir.key, &err), cases[i].kind);
		assert_int_equal(ERR_peek_error(), 0);
		if (cases[i].kind == ERR_OK)
			for (size_t j = 0; j < SEAL_KEY_SIZE; j++)
				assert_int_equal(read.keys.keys[0].bytes[j], j % 16);
		else
			assert_non_null(strstr(err.message, dir.key));
		if (cases[i].kind == ERR_FORBIDDEN)
			assert_non_null(strstr(err.message, "chmod 600 /"));
		assert_null(strstr(err.message, "0001020304"));
		assert_int_equal(seal_key_is_there(&read), cases[i].kind == ERR_OK);
		seal_key_release(&read);
		assert_int_equal(unlink(dir.key), 0);
	}
	dir_remove(&dir);
}

/* ---- rotation: two programs with one file ---- */

struct pair {
	struct dir dir;
	struct arena arena;
	struct seal_key mine, theirs; /* the rotating program's, and that of one that runs */
	struct err err;
};

static void
pair_open(struct pair *pair)
{
	*pair = (struct pair){.dir = dir_make()};
	arena_init(&pair->arena);
	seal_key_init(&pair->mine);
	seal_key_init(&pair->theirs);
	assert_int_equal(seal_key_create(&pair->mine, pair->dir.key, &pair->err), ERR_OK);
	assert_int_equal(seal_key_read(&pair->theirs, pair->dir.key, &pair->err), ERR_OK);
}

static void
pair_close(struct pair *pair)
{
	seal_key_release(&pair->mine);
	seal_key_release(&pair->theirs);
	arena_release(&pair->arena);
	dir_remove(&pair->dir);
}

static unsigned char *
sealed_by(struct pair *pair, struct seal_key *by, size_t *len)
{
	return seal_close(by, &pair->arena, place, "hush", 4, len);
}

static void
assert_opens(struct pair *pair, struct seal_key *with, const unsigned char *sealed, size_t len)
{
	unsigned char *opened;
	size_t opened_len;

	if (seal_open(with, &pair->arena, place, sealed, len, &opened, &opened_len, &pair->err) !=
		ERR_OK)
		fail_msg("%s", pair->err.message);
	assert_string_equal((char *)opened, "hush");
}

static void
begin(struct pair *pair, bool resumes)
{
	bool resumed;

	if (seal_key_begin_rotation(&pair->mine, &resumed, &pair->err) != ERR_OK)
		fail_msg("%s", pair->err.message);
	assert_int_equal(resumed, resumes);
}

static void
test_a_rotation_under_a_running_program(void **state)
{
	struct pair pair;
	unsigned char *before, *during, *theirs;
	size_t len;
	struct stat about;

	(void)state;
	pair_open(&pair);
	before = sealed_by(&pair, &pair.theirs, &len);
	begin(&pair, false);
	during = sealed_by(&pair, &pair.mine, &len);
	assert_int_equal(before[1], 1);
	assert_int_equal(during[1], 2);
	assert_false(seal_is_current(&pair.mine, before, len));
	assert_true(seal_is_current(&pair.mine, during, len));
	assert_opens(&pair, &pair.theirs, during, len);
	assert_opens(&pair, &pair.theirs, before, len);
	assert_opens(&pair, &pair.mine, before, len);
	theirs = sealed_by(&pair, &pair.theirs, &len);
	assert_int_equal(theirs[1], 2);
	assert_true(seal_key_is_rotating(&pair.theirs));

	assert_int_equal(seal_key_end_rotation(&pair.mine, &pair.err), ERR_OK);
	assert_int_equal(seal_key_refresh(&pair.theirs, &pair.err), ERR_OK);
	for (int i = 0; i < 2; i++) {
		struct seal_key *with = i == 0 ? &pair.mine : &pair.theirs;

		assert_false(seal_key_is_rotating(with));
		assert_opens(&pair, with, during, len);
		assert_does_not_open(&pair.arena, with, place, before, len, "master key 1");
	}
	assert_int_equal(stat(pair.dir.key, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	pair_close(&pair);
}

/* A program that saw nothing of it seals under the newest key all the same. */
static void
test_whole_rotations_go_by(void **state)
{
	struct pair pair;
	size_t len;

	(void)state;
	pair_open(&pair);
	for (int i = 0; i < 300; i++) {
		begin(&pair, false);
		assert_int_equal(seal_key_end_rotation(&pair.mine, &pair.err), ERR_OK);
		if (i % 10 == 9) {
			unsigned char *theirs = sealed_by(&pair, &pair.theirs, &len);

			assert_opens(&pair, &pair.mine, theirs, len);
		}
	}
	assert_int_equal(seal_key_number(&pair.theirs), 1 + 300 % 255);
	pair_close(&pair);
}

static void
test_a_rotation_is_resumed(void **state)
{
	struct pair pair;
	size_t len;
	unsigned char *sealed;

	(void)state;
	pair_open(&pair);
	begin(&pair, false);
	sealed = sealed_by(&pair, &pair.mine, &len);
	begin(&pair, true);
	assert_opens(&pair, &pair.theirs, sealed, len);
	assert_int_equal(seal_key_end_rotation(&pair.mine, &pair.err), ERR_OK);
	assert_int_equal(seal_key_end_rotation(&pair.mine, &pair.err), ERR_OK);
	assert_opens(&pair, &pair.theirs, sealed, len);
	pair_close(&pair);
}

/* What was left of a program that was killed is no obstacle. */
static void
test_a_left_over_is_no_obstacle(void **state)
{
	struct pair pair;
	char left_over[128];
	FILE *file;

	(void)state;
	pair_open(&pair);
	snprintf(left_over, sizeof(left_over), "%s.new", pair.dir.key);
	file = fopen(left_over, "w");
	assert_non_null(file);
	fputs(HEX32 HEX32 HEX32 HEX32 HEX32 HEX32 "\n", file);
	fclose(file);
	begin(&pair, false);
	assert_int_equal(access(left_over, F_OK), -1);
	assert_int_equal(seal_key_refresh(&pair.theirs, &pair.err), ERR_OK);
	assert_true(seal_key_is_rotating(&pair.theirs));
	pair_close(&pair);
}

static void
test_a_foreign_file_is_not_taken(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		enum err_kind kind;
	} cases[] = {
		{HEX32 HEX32 "\n", 0600, ERR_CONFLICT},
		{"2 " HEX32 HEX32 "\nformer " HEX32 HEX32 "\n", 0600, ERR_CONFLICT},
		{"nonsense\n", 0600, ERR_BAD_INPUT},
		{HEX32 HEX32 "\n", 0644, ERR_FORBIDDEN},
		{NULL, 0, ERR_NOT_FOUND},
	};
	struct pair pair;
	unsigned char *sealed;
	size_t len;

	(void)state;
	pair_open(&pair);
	sealed = sealed_by(&pair, &pair.theirs, &len);
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(unlink(pair.dir.key), 0);
		if (cases[i].text != NULL)
			write_key(&pair.dir, cases[i].text, cases[i].mode);
		assert_int_equal(seal_key_refresh(&pair.theirs, &pair.err), cases[i].kind);
		assert_non_null(strstr(pair.err.message, pair.dir.key));
		assert_opens(&pair, &pair.theirs, sealed, len);
		sealed = sealed_by(&pair, &pair.theirs, &len);
		assert_opens(&pair, &pair.mine, sealed, len);
		if (cases[i].text == NULL)
			write_key(&pair.dir, "x", 0600);
	}
	pair_close(&pair);
}

static void
test_without_a_key(void **state)
{
	struct seal_key none;
	struct arena arena;
	struct err err = {0};
	unsigned char *opened, *sealed;
	size_t len;
	bool resumed;

	(void)state;
	arena_init(&arena);
	seal_key_init(&none);
	assert_false(seal_key_is_there(&none));
	assert_false(seal_key_is_there(NULL));
	sealed = seal_close(&key, &arena, place, "hush", 4, &len);
	assert_int_equal(
		seal_open(&none, &arena, place, sealed, len, &opened, &len, &err), ERR_BUSY);
	assert_non_null(strstr(err.message, "there is no master key"));
	assert_int_equal(seal_key_refresh(&none, &err), ERR_OK);
	assert_int_equal(seal_key_begin_rotation(&none, &resumed, &err), ERR_CONFLICT);
	seal_key_release(&none);
	arena_release(&arena);
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
		cmocka_unit_test(test_a_rotation_under_a_running_program),
		cmocka_unit_test(test_whole_rotations_go_by),
		cmocka_unit_test(test_a_rotation_is_resumed),
		cmocka_unit_test(test_a_left_over_is_no_obstacle),
		cmocka_unit_test(test_a_foreign_file_is_not_taken),
		cmocka_unit_test(test_without_a_key),
	};

	seal_key_init(&key);
	seal_key_set(&key, key_bytes);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
