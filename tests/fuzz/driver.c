/*
 * driver - a main() for a fuzz target where there is no libFuzzer: the files, then mutations.
 *
 *	fuzz_NAME [--runs N] [--seed S] [FILE...]
 *
 * Gives the target each FILE as it is, and then N random mutations of them; the same seed and files
 * give the same mutations.  Without files it takes the target's usual ones.  What it
 * tells is TAP.  The input a target dies of is left in fuzz.crash (with a sanitizer:
 * ASAN_OPTIONS=abort_on_error=1 UBSAN_OPTIONS=abort_on_error=1), to be given as a FILE.
 */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Patterns of the target's usual files, below the sources; NULL behind the last. */
extern const char *const fuzz_files[];

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { FILES_MOST = 1000, BYTES_MOST = 128 * 1024, RUNS = 20000 };

struct input {
	uint8_t *bytes;
	size_t len;
};

static struct input files[FILES_MOST];
static size_t file_count;
static struct input current; /* what the target is at */

static void
fail(const char *what, const char *about)
{
	fprintf(stderr, "%s: %s\n", what, about);
	exit(2);
}

/* ---- chance ---- */

static uint64_t chance;

/* xorshift64*: the same on every system, which random() is not. */
static uint64_t
next_number(void)
{
	chance ^= chance >> 12;
	chance ^= chance << 25;
	chance ^= chance >> 27;
	return chance * UINT64_C(0x2545f4914f6cdd1d);
}

/* 0 to LIMIT - 1; 0 when LIMIT is 0. */
static size_t
below(size_t limit)
{
	return limit == 0 ? 0 : (size_t)((next_number() >> 16) % limit);
}

/* Most runs are short. */
static size_t
run_length(size_t most)
{
	size_t cap = (size_t)1 << below(12);

	return below((cap < most ? cap : most) + 1);
}

/* ---- mutations ---- */

/* Puts LEN bytes in place of GONE ones at AT; does nothing when that would be too much. */
static void
replace(struct input *input, size_t at, size_t gone, const uint8_t *bytes, size_t len)
{
	uint8_t *tail = input->bytes + at + gone;

	if (input->len - gone + len > BYTES_MOST)
		return;
	memmove(input->bytes + at + len, tail, input->len - at - gone);
	memmove(input->bytes + at, bytes, len);
	input->len = input->len - gone + len;
}

static void
flip_bit(struct input *input)
{
	if (input->len > 0)
		input->bytes[below(input->len)] ^= (uint8_t)(1u << below(8));
}

static void
set_byte(struct input *input)
{
	static const uint8_t telling[] =
		"<>&;/\"'[]{},:-+.0179eEx=!?# \t\r\n\0\x01\x7f\x80\xc3\xd8\xff";
	uint8_t byte = below(2) ? (uint8_t)below(256) : telling[below(sizeof(telling))];

	if (input->len > 0)
		input->bytes[below(input->len)] = byte;
}

static void
insert_bytes(struct input *input)
{
	uint8_t bytes[16];
	size_t len = below(sizeof(bytes)) + 1;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)below(256);
	replace(input, below(input->len + 1), 0, bytes, len);
}

static void
delete_run(struct input *input)
{
	size_t at = below(input->len + 1);

	replace(input, at, run_length(input->len - at), input->bytes, 0);
}

/* A run of this one or another, put in as often as chance has it. */
static void
copy_run(struct input *input)
{
	const struct input *from = &files[below(file_count)];
	size_t begin = below(from->len + 1), len = run_length(from->len - begin);
	size_t at = below(input->len + 1), times = below(8) == 0 ? below(200) : 1;

	for (size_t i = 0; i < times; i++)
		replace(input, at, 0, from->bytes + begin, len);
}

static void
duplicate_run(struct input *input)
{
	uint8_t run[4096];
	size_t begin = below(input->len + 1), len = run_length(input->len - begin);

	memcpy(run, input->bytes + begin, len);
	replace(input, begin, 0, run, len);
}

/* The beginning of this one, the end of another. */
static void
splice_files(struct input *input)
{
	const struct input *from = &files[below(file_count)];
	size_t at = below(input->len + 1), begin = below(from->len + 1);

	replace(input, at, input->len - at, from->bytes + begin, from->len - begin);
}

/* The line that AT is in, without its line feed. */
static struct input
line_of(const struct input *input, size_t at)
{
	size_t begin = at, end = at;

	while (begin > 0 && input->bytes[begin - 1] != '\n')
		begin--;
	while (end < input->len && input->bytes[end] != '\n')
		end++;
	return (struct input){input->bytes + begin, end - begin};
}

/* A line in place of another: as a line is often one element, much of this stays well-formed, and
 * so goes deeper than the rest. */
static void
swap_line(struct input *input)
{
	const struct input *from = &files[below(file_count)];
	struct input new = line_of(from, below(from->len + 1));
	struct input old = line_of(input, below(input->len + 1));

	replace(input, (size_t)(old.bytes - input->bytes), old.len, new.bytes, new.len);
}

static void
mutate(struct input *input)
{
	static void (*const ways[])(struct input *) = {flip_bit, set_byte, insert_bytes, delete_run,
		copy_run, duplicate_run, splice_files, swap_line, swap_line, swap_line};
	size_t times = below(4) == 0 ? below(16) + 1 : 1;

	while (times-- > 0)
		ways[below(sizeof(ways) / sizeof(ways[0]))](input);
}

/* ---- running ---- */

static void
on_death(int signal_number)
{
	int fd = open("fuzz.crash", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd >= 0 && write(fd, current.bytes, current.len) == (ssize_t)current.len)
		close(fd);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

/* In memory of exactly its size, so that a sanitizer sees a step too far. */
static void
run_target(const struct input *input)
{
	current.bytes = malloc(input->len);
	current.len = input->len;
	if (input->len > 0 && current.bytes == NULL)
		fail("no memory for", "an input");
	if (input->len > 0)
		memcpy(current.bytes, input->bytes, input->len);
	LLVMFuzzerTestOneInput(current.bytes, current.len);
	free(current.bytes);
	current = (struct input){0};
}

static void
run_mutations(size_t runs)
{
	static uint8_t bytes[BYTES_MOST];

	for (size_t i = 0; i < runs; i++) {
		const struct input *file = &files[below(file_count)];
		struct input input = {bytes, file->len};

		memcpy(bytes, file->bytes, file->len);
		mutate(&input);
		run_target(&input);
	}
}

static void
load(const char *path)
{
	static uint8_t bytes[BYTES_MOST];
	FILE *file = fopen(path, "rb");
	struct input *input = &files[file_count];

	if (file == NULL)
		fail("cannot open", path);
	if (file_count == FILES_MOST)
		fail("too many files, at", path);
	input->len = fread(bytes, 1, sizeof(bytes), file);
	if (ferror(file) || fgetc(file) != EOF)
		fail("cannot read, or too large", path);
	input->bytes = malloc(input->len + 1);
	if (input->bytes == NULL)
		fail("no memory for", path);
	memcpy(input->bytes, bytes, input->len);
	file_count++;
	fclose(file);
}

/* What PATTERN finds below the sources. */
static void
load_all(const char *pattern)
{
	const char *top = getenv("srcdir");
	char path[4096];
	glob_t found;

	snprintf(path, sizeof(path), "%s/%s", top == NULL ? "." : top, pattern);
	if (glob(path, 0, NULL, &found) != 0)
		fail("no files", path);
	for (size_t i = 0; i < found.gl_pathc; i++)
		load(found.gl_pathv[i]);
	globfree(&found);
}

static void
load_usual(void)
{
	for (const char *const *pattern = fuzz_files; *pattern != NULL; pattern++)
		load_all(*pattern);
}

static uint64_t
number(const char *text)
{
	char *end;
	uint64_t value = text == NULL ? 0 : strtoull(text, &end, 10);

	if (text == NULL || *text == '\0' || *end != '\0')
		fail("a number is wanted, not", text == NULL ? "nothing" : text);
	return value;
}

int
main(int argc, char **argv)
{
	size_t runs = RUNS;
	uint64_t seed = 1;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--runs") == 0)
			runs = (size_t)number(argv[++i]);
		else if (strcmp(argv[i], "--seed") == 0)
			seed = number(argv[++i]);
		else
			load(argv[i]);
	}
	if (file_count == 0)
		load_usual();
	chance = seed * UINT64_C(0x9e3779b97f4a7c15) + 1; /* not 0, which would stay */
	signal(SIGABRT, on_death);
	signal(SIGSEGV, on_death);

	puts("1..1");
	fflush(stdout);
	for (size_t i = 0; i < file_count; i++)
		run_target(&files[i]);
	run_mutations(runs);
	printf("ok 1 - %zu files, %zu mutations of them, seed %llu\n", file_count, runs,
		(unsigned long long)seed);
	for (size_t i = 0; i < file_count; i++)
		free(files[i].bytes);
	return 0;
}
