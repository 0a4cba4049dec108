/*
 * The master key: its file, which other programs read while it changes, and the keys out of it.
 * Each change is a new file in the place of the old one (rename), so that whoever reads it sees one
 * or the other.
 */
#include "codec/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "codec/x509.h"

enum {
	HEX_SIZE = 2 * SEAL_KEY_SIZE,
	FILE_MOST = 4096,
	NUMBER_MOST = 255,
	PATH_MOST = 4096,
};

static const char former_word[] = "former ";

static _Noreturn void
die(const char *reason)
{
	fprintf(stderr, "level=error msg=\"%s\"\n", reason);
	abort();
}

/* ---- the text of the file ---- */

/* A key is known by this where it must not be told. */
static void
hash_key(const struct seal_one *one, char hash[SEAL_HASH_SIZE])
{
	x509_hash(one->bytes, SEAL_KEY_SIZE, hash);
}

/* Exactly the hex of a key. */
static bool
parse_hex(struct seal_one *one, const char *text)
{
	size_t got;

	return strlen(text) == HEX_SIZE &&
	       OPENSSL_hexstr2buf_ex(one->bytes, SEAL_KEY_SIZE, &got, text, '\0') == 1 &&
	       got == SEAL_KEY_SIZE;
}

static bool
parse_former(struct seal_keys *keys, const char *hash)
{
	if (keys->former_count == SEAL_FORMER_MOST || strlen(hash) != SEAL_HASH_SIZE - 1 ||
		strspn(hash, "0123456789abcdef") != SEAL_HASH_SIZE - 1)
		return false;
	memcpy(keys->former[keys->former_count++], hash, SEAL_HASH_SIZE);
	return true;
}

static bool
parse_line(struct seal_keys *keys, char *line)
{
	struct seal_one *one;
	size_t len = strlen(line);
	char *hex = line;
	long number = 1;

	while (len > 0 && strchr(" \t", line[len - 1]) != NULL)
		line[--len] = '\0';
	if (strncmp(line, former_word, sizeof(former_word) - 1) == 0)
		return parse_former(keys, line + sizeof(former_word) - 1);
	if (keys->count == SEAL_KEYS_MOST)
		return false;
	one = &keys->keys[keys->count];
	if (strchr(line, ' ') != NULL) {
		number = strtol(line, &hex, 10);
		if (hex == line || *hex != ' ' || number < 1 || number > NUMBER_MOST)
			return false;
		hex++;
	}
	one->number = (unsigned char)number;
	if (!parse_hex(one, hex))
		return false;
	keys->count++;
	return keys->count == 1 || keys->keys[0].number != one->number;
}

static bool
parse(struct seal_keys *keys, char *text)
{
	char *line, *rest;

	*keys = (struct seal_keys){0};
	for (line = strtok_r(text, "\r\n", &rest); line != NULL;
		line = strtok_r(NULL, "\r\n", &rest))
		if (!parse_line(keys, line))
			return false;
	return keys->count > 0;
}

static size_t
put_key(char *text, size_t len, const struct seal_one *one)
{
	if (one->number != 1)
		len += (size_t)snprintf(text + len, FILE_MOST - len, "%u ", (unsigned)one->number);
	for (size_t i = 0; i < SEAL_KEY_SIZE; i++)
		len += (size_t)snprintf(
			text + len, FILE_MOST - len, "%02x", (unsigned)one->bytes[i]);
	text[len++] = '\n';
	return len;
}

/* What parse() reads; its length. */
static size_t
write_text(const struct seal_keys *keys, char text[FILE_MOST])
{
	size_t len = 0;

	for (int i = 0; i < keys->count; i++)
		len = put_key(text, len, &keys->keys[i]);
	for (int i = 0; i < keys->former_count; i++)
		len += (size_t)snprintf(
			text + len, FILE_MOST - len, "%s%s\n", former_word, keys->former[i]);
	return len;
}

/* ---- files ---- */

/* A new file is only safe from power loss when its directory is, too. */
static int
sync_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	int fd, result;

	if (directory == NULL)
		return -1;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(directory);
	if (fd < 0)
		return -1;
	result = fsync(fd);
	if (result != 0 && errno == EINVAL)
		result = 0; /* a file system that has no such thing */
	close(fd);
	return result;
}

static int
write_keys(int fd, const struct seal_keys *keys)
{
	char text[FILE_MOST];
	size_t len = write_text(keys, text), done = 0;

	while (done < len) {
		ssize_t written = write(fd, text + done, len - done);

		if (written < 0 && errno != EINTR)
			break;
		done += written > 0 ? (size_t)written : 0;
	}
	OPENSSL_cleanse(text, sizeof(text));
	return done == len ? fsync(fd) : -1;
}

/* The file's text into TEXT, cut at SIZE; its length, or -1 with errno. */
static ssize_t
read_all(int fd, char *text, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t got = read(fd, text + len, size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

static enum err_kind
read_open_file(struct seal_keys *keys, struct stat *file, int fd, const char *path, struct err *err)
{
	char text[FILE_MOST + 1];
	enum err_kind kind = ERR_OK;
	ssize_t len;

	if (fstat(fd, file) != 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	if (!S_ISREG(file->st_mode))
		return err_set(err, ERR_BAD_INPUT, "%s is not a file", path);
	if ((file->st_mode & 077) != 0)
		return err_set(err, ERR_FORBIDDEN,
			"others than its owner may use the master key (mode %03o): chmod 600 %s",
			(unsigned)(file->st_mode & 0777), path);
	len = read_all(fd, text, FILE_MOST);
	text[len > 0 ? len : 0] = '\0';
	if (len < 0)
		kind = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	else if (strlen(text) != (size_t)len || !parse(keys, text))
		kind = err_set(err, ERR_BAD_INPUT, "%s holds no master key (%d hex digits)", path,
			HEX_SIZE);
	if (kind != ERR_OK)
		OPENSSL_cleanse(keys, sizeof(*keys));
	OPENSSL_cleanse(text, sizeof(text));
	ERR_clear_error();
	return kind;
}

static enum err_kind
read_file(struct seal_keys *keys, struct stat *file, const char *path, struct err *err)
{
	/* O_NONBLOCK: a FIFO in its place must not hold us up before it is refused. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum err_kind kind;

	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "there is no master key at %s", path);
	if (fd < 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	kind = read_open_file(keys, file, fd, path, err);
	close(fd);
	return kind;
}

/* ---- its life ---- */

void
seal_key_init(struct seal_key *key)
{
	memset(key, 0, sizeof(*key));
	pthread_mutex_init(&key->lock, NULL);
}

static void
empty(struct seal_key *key)
{
	free(key->path);
	key->path = NULL;
	OPENSSL_cleanse(&key->keys, sizeof(key->keys));
}

void
seal_key_release(struct seal_key *key)
{
	empty(key);
	pthread_mutex_destroy(&key->lock);
	seal_key_init(key);
}

void
seal_key_set(struct seal_key *key, const unsigned char bytes[SEAL_KEY_SIZE])
{
	empty(key);
	key->keys = (struct seal_keys){.count = 1, .keys = {{.number = 1}}};
	memcpy(key->keys.keys[0].bytes, bytes, SEAL_KEY_SIZE);
}

static char *
copy_path(const char *path)
{
	char *copy = strdup(path);

	if (copy == NULL)
		die("out of memory");
	return copy;
}

enum err_kind
seal_key_create(struct seal_key *key, const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool failed;

	if (fd < 0 && errno == EEXIST)
		return err_set(err, ERR_CONFLICT, "there is a master key already: %s", path);
	if (fd < 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	empty(key);
	key->keys = (struct seal_keys){.count = 1, .keys = {{.number = 1}}};
	if (RAND_priv_bytes(key->keys.keys[0].bytes, SEAL_KEY_SIZE) != 1)
		die("the system gives no random bytes");
	failed = write_keys(fd, &key->keys) != 0 || fstat(fd, &key->file) != 0;
	if (close(fd) != 0 || failed || sync_directory_of(path) != 0) {
		err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
		unlink(path);
		empty(key);
		return ERR_IO;
	}
	key->path = copy_path(path);
	return ERR_OK;
}

enum err_kind
seal_key_read(struct seal_key *key, const char *path, struct err *err)
{
	enum err_kind kind;

	pthread_mutex_lock(&key->lock);
	empty(key);
	kind = read_file(&key->keys, &key->file, path, err);
	if (kind == ERR_OK)
		key->path = copy_path(path);
	pthread_mutex_unlock(&key->lock);
	return kind;
}

void
seal_key_take(struct seal_key *key, struct seal_key *from)
{
	pthread_mutex_lock(&key->lock);
	empty(key);
	key->path = from->path;
	key->file = from->file;
	key->keys = from->keys;
	from->path = NULL;
	empty(from);
	pthread_mutex_unlock(&key->lock);
}

/* ---- the file changes under us ---- */

static const struct seal_one *
find(const struct seal_keys *keys, int number)
{
	for (int i = 0; i < keys->count; i++)
		if (keys->keys[i].number == number)
			return &keys->keys[i];
	return NULL;
}

/* Do the keys NEXT follow on OURS?  One of ours is among them, or was. */
static bool
follows(const struct seal_keys *next, const struct seal_keys *ours)
{
	for (int i = 0; i < ours->count; i++) {
		const struct seal_one *one = &ours->keys[i], *same = find(next, one->number);
		char hash[SEAL_HASH_SIZE];

		if (same != NULL && CRYPTO_memcmp(same->bytes, one->bytes, SEAL_KEY_SIZE) == 0)
			return true;
		hash_key(one, hash);
		for (int f = 0; f < next->former_count; f++)
			if (strcmp(next->former[f], hash) == 0)
				return true;
	}
	return false;
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Under the lock. */
static enum err_kind
refresh(struct seal_key *key, struct err *err)
{
	struct seal_keys next = {0};
	struct stat file;
	enum err_kind kind;

	if (key->path == NULL || (stat(key->path, &file) == 0 && is_same_file(&file, &key->file)))
		return ERR_OK;
	kind = read_file(&next, &file, key->path, err);
	if (kind == ERR_OK && !follows(&next, &key->keys))
		kind = err_set(err, ERR_CONFLICT,
			"the master key in %s was replaced by one of another store", key->path);
	if (kind == ERR_OK) {
		key->keys = next;
		key->file = file;
	}
	OPENSSL_cleanse(&next, sizeof(next));
	return kind;
}

enum err_kind
seal_key_refresh(struct seal_key *key, struct err *err)
{
	enum err_kind kind;

	pthread_mutex_lock(&key->lock);
	kind = refresh(key, err);
	pthread_mutex_unlock(&key->lock);
	return kind;
}

bool
seal_key_is_there(struct seal_key *key)
{
	bool there;

	if (key == NULL)
		return false;
	pthread_mutex_lock(&key->lock);
	there = key->keys.count > 0;
	pthread_mutex_unlock(&key->lock);
	return there;
}

bool
seal_key_to_seal(struct seal_key *key, struct seal_one *one)
{
	bool there;

	if (key == NULL)
		return false;
	pthread_mutex_lock(&key->lock);
	refresh(key, NULL);
	there = key->keys.count > 0;
	*one = key->keys.keys[0];
	pthread_mutex_unlock(&key->lock);
	return there;
}

bool
seal_key_to_open(struct seal_key *key, unsigned char number, struct seal_one *one)
{
	const struct seal_one *found;

	pthread_mutex_lock(&key->lock);
	found = find(&key->keys, number);
	if (found == NULL) {
		refresh(key, NULL);
		found = find(&key->keys, number);
	}
	if (found != NULL)
		*one = *found;
	pthread_mutex_unlock(&key->lock);
	return found != NULL;
}

int
seal_key_number(struct seal_key *key)
{
	int number;

	pthread_mutex_lock(&key->lock);
	number = key->keys.keys[0].number;
	pthread_mutex_unlock(&key->lock);
	return number;
}

bool
seal_key_is_rotating(struct seal_key *key)
{
	bool rotating;

	pthread_mutex_lock(&key->lock);
	rotating = key->keys.count > 1;
	pthread_mutex_unlock(&key->lock);
	return rotating;
}

/* ---- rotation ---- */

/* The new file while it is being made, which is also the lock of whoever makes it: held until it
 * takes the place of the old one.  Its lock goes with its process, a left-over is no obstacle. */
struct change {
	char path[PATH_MOST];
	int fd;
};

static bool
lock_file(int fd)
{
	const struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_SETLK, &lock) == 0;
}

/* Is what is open the file at its path? */
static bool
is_at_path(const struct change *change)
{
	struct stat open_file, at_path;

	return fstat(change->fd, &open_file) == 0 && stat(change->path, &at_path) == 0 &&
	       open_file.st_dev == at_path.st_dev && open_file.st_ino == at_path.st_ino;
}

static enum err_kind
change_begin(struct change *change, const char *path, struct err *err)
{
	if ((size_t)snprintf(change->path, sizeof(change->path), "%s.new", path) >=
		sizeof(change->path))
		return err_set(err, ERR_BAD_INPUT, "the path of the master key is too long");
	change->fd =
		open(change->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	if (change->fd < 0)
		return err_set(err, ERR_IO, "%s: %s", change->path, strerror(errno));
	if (lock_file(change->fd) && is_at_path(change) && ftruncate(change->fd, 0) == 0)
		return ERR_OK;
	close(change->fd);
	return err_set(err, ERR_CONFLICT, "another program is changing the master key just now");
}

static void
change_abandon(struct change *change)
{
	unlink(change->path);
	close(change->fd);
}

/* The new file is whoever's the old one is, or it could not be read by the servers. */
static bool
keep_owner(const struct change *change, const struct stat *file)
{
	struct stat mine;

	if (fstat(change->fd, &mine) != 0)
		return false;
	if ((mine.st_uid != file->st_uid || mine.st_gid != file->st_gid) &&
		fchown(change->fd, file->st_uid, file->st_gid) != 0)
		return false;
	return fchmod(change->fd, file->st_mode & 0700) == 0;
}

static enum err_kind
change_commit(struct change *change, const char *path, const struct seal_keys *keys,
	const struct stat *file, struct err *err)
{
	bool done = keep_owner(change, file) && write_keys(change->fd, keys) == 0 &&
		    rename(change->path, path) == 0 && sync_directory_of(path) == 0;

	if (!done) {
		err_set(err, ERR_IO, "%s: %s", change->path, strerror(errno));
		change_abandon(change);
		return ERR_IO;
	}
	close(change->fd);
	return ERR_OK;
}

/* A random key with the next number. */
static void
add_key(struct seal_keys *keys)
{
	keys->keys[1] = keys->keys[0];
	keys->keys[0].number = (unsigned char)(keys->keys[1].number % NUMBER_MOST + 1);
	if (RAND_priv_bytes(keys->keys[0].bytes, SEAL_KEY_SIZE) != 1)
		die("the system gives no random bytes");
	keys->count = 2;
}

static void
remove_old_key(struct seal_keys *keys)
{
	if (keys->former_count < SEAL_FORMER_MOST)
		keys->former_count++;
	memmove(keys->former[1], keys->former[0],
		(size_t)(keys->former_count - 1) * sizeof(keys->former[0]));
	hash_key(&keys->keys[1], keys->former[0]);
	OPENSSL_cleanse(&keys->keys[1], sizeof(keys->keys[1]));
	keys->count = 1;
}

/* Rewrites the file when it has FROM keys; *CHANGED tells.  Nobody else does meanwhile. */
static enum err_kind
rewrite(struct seal_key *key, int from, void (*edit)(struct seal_keys *keys), bool *changed,
	struct err *err)
{
	struct seal_keys keys = {0};
	struct change change;
	struct stat file;
	enum err_kind kind;

	*changed = false;
	if (key->path == NULL)
		return err_set(err, ERR_CONFLICT, "the master key has no file");
	kind = change_begin(&change, key->path, err);
	if (kind != ERR_OK)
		return kind;
	kind = read_file(&keys, &file, key->path, err);
	if (kind == ERR_OK && keys.count == from) {
		edit(&keys);
		kind = change_commit(&change, key->path, &keys, &file, err);
		*changed = kind == ERR_OK;
	} else
		change_abandon(&change);
	OPENSSL_cleanse(&keys, sizeof(keys));
	return kind == ERR_OK ? seal_key_refresh(key, err) : kind;
}

enum err_kind
seal_key_begin_rotation(struct seal_key *key, bool *resumed, struct err *err)
{
	bool begun;
	enum err_kind kind = rewrite(key, 1, add_key, &begun, err);

	*resumed = !begun;
	return kind;
}

enum err_kind
seal_key_end_rotation(struct seal_key *key, struct err *err)
{
	bool ended;

	return rewrite(key, 2, remove_old_key, &ended, err);
}
