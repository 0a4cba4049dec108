#include "disk.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_MOST = 16, PATH_MOST = 512, PERCENT = 100, GROWN_ANYWAY = 25 };

/* A write, or (bytes NULL) a truncate to `offset`. */
struct change {
	sqlite3_int64 offset;
	size_t len;
	unsigned char *bytes;
};

struct bytes {
	unsigned char *at;
	size_t len, room;
};

/* A file: what is on the platter, and what is not. */
struct image {
	char path[PATH_MOST]; /* "": not in use */
	struct bytes durable;
	struct change *changes;
	size_t count, room;
};

struct disk_file {
	sqlite3_file base;
	struct image *image; /* NULL: a temporary file, which nobody misses */
	sqlite3_file *real;  /* behind this */
};

static sqlite3_vfs *real_vfs;
static struct disk_options options;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct image images[FILES_MOST];
static uint64_t chance;
static bool dead;

/* xorshift64* */
uint64_t
chance_below(uint64_t *number, uint64_t limit)
{
	*number ^= *number >> 12;
	*number ^= *number << 25;
	*number ^= *number >> 27;
	return limit == 0 ? 0 : (*number * UINT64_C(0x2545f4914f6cdd1d) >> 16) % limit;
}

/* ---- bytes and changes; the lock is held ---- */

static void *
must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

/* Longer: what is new is zero. */
static void
bytes_resize(struct bytes *bytes, size_t len)
{
	if (len > bytes->room) {
		bytes->room = len * 2;
		bytes->at = must(realloc(bytes->at, bytes->room));
	}
	if (len > bytes->len)
		memset(bytes->at + bytes->len, 0, len - bytes->len);
	bytes->len = len;
}

static void
bytes_put(struct bytes *bytes, size_t offset, const unsigned char *from, size_t len)
{
	if (offset + len > bytes->len)
		bytes_resize(bytes, offset + len);
	memcpy(bytes->at + offset, from, len);
}

static void
change_add(struct image *image, const void *bytes, size_t len, sqlite3_int64 offset)
{
	struct change change = {.offset = offset, .len = len};

	if (bytes != NULL) {
		change.bytes = must(malloc(len + 1));
		memcpy(change.bytes, bytes, len);
	}
	if (image->count == image->room) {
		image->room = image->room * 2 + 64;
		image->changes = must(realloc(image->changes, image->room * sizeof(change)));
	}
	image->changes[image->count++] = change;
}

static void
change_apply(struct bytes *bytes, const struct change *change)
{
	if (change->bytes == NULL)
		bytes_resize(bytes, (size_t)change->offset);
	else
		bytes_put(bytes, (size_t)change->offset, change->bytes, change->len);
}

static void
forget_changes(struct image *image)
{
	for (size_t i = 0; i < image->count; i++)
		free(image->changes[i].bytes);
	image->count = 0;
}

/* ---- images ---- */

static void
load(struct image *image, const char *path)
{
	unsigned char piece[8192];
	size_t got;
	FILE *file = fopen(path, "rb");

	snprintf(image->path, sizeof(image->path), "%s", path);
	image->durable.len = 0;
	while (file != NULL && (got = fread(piece, 1, sizeof(piece), file)) > 0)
		bytes_put(&image->durable, image->durable.len, piece, got);
	if (file != NULL)
		fclose(file);
}

static struct image *
image_of(const char *path, bool make)
{
	struct image *empty = NULL;

	for (size_t i = 0; i < FILES_MOST; i++) {
		if (strcmp(images[i].path, path) == 0)
			return &images[i];
		if (images[i].path[0] == '\0' && empty == NULL)
			empty = &images[i];
	}
	if (!make)
		return NULL;
	load(must(empty), path);
	return empty;
}

/* ---- the power ---- */

/* With the lock held: false when the power is gone.  With the last operation it goes. */
static bool
is_powered(void)
{
	if (!dead && --options.operations <= 0)
		dead = true;
	return !dead;
}

bool
disk_is_dead(void)
{
	bool is;

	pthread_mutex_lock(&lock);
	is = dead;
	pthread_mutex_unlock(&lock);
	return is;
}

/* ---- a file ---- */

#define REAL(file) (((struct disk_file *)(file))->real)
#define IMAGE(file) (((struct disk_file *)(file))->image)

static int
on_close(sqlite3_file *file)
{
	return REAL(file)->pMethods->xClose(REAL(file));
}

static int
on_read(sqlite3_file *file, void *to, int len, sqlite3_int64 offset)
{
	return REAL(file)->pMethods->xRead(REAL(file), to, len, offset);
}

/* A write during which the power goes may arrive, or some of its sectors. */
static int
on_write(sqlite3_file *file, const void *from, int len, sqlite3_int64 offset)
{
	int code = SQLITE_IOERR_WRITE;
	bool was_dead;

	pthread_mutex_lock(&lock);
	was_dead = dead;
	if (IMAGE(file) == NULL || is_powered())
		code = REAL(file)->pMethods->xWrite(REAL(file), from, len, offset);
	if (IMAGE(file) != NULL && !was_dead)
		change_add(IMAGE(file), from, (size_t)len, offset);
	pthread_mutex_unlock(&lock);
	return code;
}

static int
on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	int code = SQLITE_IOERR_TRUNCATE;

	pthread_mutex_lock(&lock);
	if (IMAGE(file) == NULL || is_powered()) {
		code = REAL(file)->pMethods->xTruncate(REAL(file), size);
		if (IMAGE(file) != NULL)
			change_add(IMAGE(file), NULL, 0, size);
	}
	pthread_mutex_unlock(&lock);
	return code;
}

static int
on_sync(sqlite3_file *file, int flags)
{
	struct image *image = IMAGE(file);
	int code = SQLITE_IOERR_FSYNC;

	(void)flags;
	pthread_mutex_lock(&lock);
	if (image == NULL || is_powered()) {
		for (size_t i = 0; image != NULL && !options.lies && i < image->count; i++)
			change_apply(&image->durable, &image->changes[i]);
		if (image != NULL && !options.lies)
			forget_changes(image);
		code = SQLITE_OK;
	}
	pthread_mutex_unlock(&lock);
	return code;
}

static int
on_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return REAL(file)->pMethods->xFileSize(REAL(file), size);
}

static int
on_lock(sqlite3_file *file, int level)
{
	return REAL(file)->pMethods->xLock(REAL(file), level);
}

static int
on_unlock(sqlite3_file *file, int level)
{
	return REAL(file)->pMethods->xUnlock(REAL(file), level);
}

static int
on_check_reserved(sqlite3_file *file, int *is)
{
	return REAL(file)->pMethods->xCheckReservedLock(REAL(file), is);
}

static int
on_control(sqlite3_file *file, int what, void *argument)
{
	return REAL(file)->pMethods->xFileControl(REAL(file), what, argument);
}

static int
on_sector_size(sqlite3_file *file)
{
	return REAL(file)->pMethods->xSectorSize(REAL(file));
}

static int
on_characteristics(sqlite3_file *file)
{
	return REAL(file)->pMethods->xDeviceCharacteristics(REAL(file));
}

static int
on_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **at)
{
	return REAL(file)->pMethods->xShmMap(REAL(file), page, size, extend, at);
}

static int
on_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return REAL(file)->pMethods->xShmLock(REAL(file), offset, n, flags);
}

static void
on_shm_barrier(sqlite3_file *file)
{
	REAL(file)->pMethods->xShmBarrier(REAL(file));
}

static int
on_shm_unmap(sqlite3_file *file, int remove)
{
	return REAL(file)->pMethods->xShmUnmap(REAL(file), remove);
}

/* Version 2: no memory-mapped reading, which would pass by. */
static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_file_size,
	.xLock = on_lock,
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_check_reserved,
	.xFileControl = on_control,
	.xSectorSize = on_sector_size,
	.xDeviceCharacteristics = on_characteristics,
	.xShmMap = on_shm_map,
	.xShmLock = on_shm_lock,
	.xShmBarrier = on_shm_barrier,
	.xShmUnmap = on_shm_unmap,
};

/* ---- the VFS ---- */

static int
on_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *got)
{
	const int kept = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
	struct disk_file *own = (struct disk_file *)file;
	int code = SQLITE_CANTOPEN;

	(void)vfs;
	*own = (struct disk_file){.real = (sqlite3_file *)(own + 1)};
	pthread_mutex_lock(&lock);
	if (!dead) {
		if (name != NULL && (flags & kept) != 0)
			own->image = image_of(name, true);
		code = real_vfs->xOpen(real_vfs, name, own->real, flags, got);
	}
	if (code == SQLITE_OK)
		own->base.pMethods = &methods;
	pthread_mutex_unlock(&lock);
	return code;
}

static int
on_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	struct image *image;
	int code = SQLITE_IOERR_DELETE;

	(void)vfs;
	pthread_mutex_lock(&lock);
	if (is_powered()) {
		code = real_vfs->xDelete(real_vfs, name, sync);
		image = image_of(name, false);
		if (image != NULL && code == SQLITE_OK) {
			forget_changes(image);
			image->path[0] = '\0';
		}
	}
	pthread_mutex_unlock(&lock);
	return code;
}

void
disk_install(const struct disk_options *wanted)
{
	static sqlite3_vfs vfs;

	options = *wanted;
	chance = options.seed | 1;
	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.zName = "power";
	vfs.pNext = NULL;
	vfs.szOsFile = (int)sizeof(struct disk_file) + real_vfs->szOsFile;
	vfs.xOpen = on_open;
	vfs.xDelete = on_delete;
	sqlite3_vfs_register(&vfs, 1);
}

/* ---- what is left ---- */

/* Each piece of the change that lies in one sector arrives or does not. */
static void
tear(struct bytes *bytes, const struct change *change, size_t sector, uint64_t percent)
{
	size_t offset = (size_t)change->offset, end = offset + change->len;

	while (offset < end) {
		size_t next = (offset / sector + 1) * sector;
		size_t len = (next < end ? next : end) - offset;

		if (chance_below(&chance, PERCENT) < percent)
			bytes_put(bytes, offset, change->bytes + (offset - (size_t)change->offset),
				len);
		offset += len;
	}
}

static void
survive(struct image *image, uint64_t percent)
{
	size_t sector = options.loss == DISK_TEARS_512 ? 512 : 4096;

	for (size_t i = 0; i < image->count; i++) {
		const struct change *change = &image->changes[i];
		size_t end = (size_t)change->offset + change->len;
		bool whole = change->bytes == NULL || options.loss == DISK_KEEPS_SOME;

		if (!whole)
			tear(&image->durable, change, sector, percent);
		else if (chance_below(&chance, PERCENT) < percent)
			change_apply(&image->durable, change);
		/* The length is another thing than the data: there may be zeros. */
		if (change->bytes != NULL && end > image->durable.len &&
			chance_below(&chance, PERCENT) < GROWN_ANYWAY)
			bytes_resize(&image->durable, end);
	}
}

void
disk_leave_remains(void)
{
	char path[PATH_MOST + 8];
	uint64_t percent = chance_below(&chance, PERCENT + 1);

	for (size_t i = 0; i < FILES_MOST; i++) {
		struct image *image = &images[i];
		FILE *file;

		if (image->path[0] == '\0')
			continue;
		if (options.loss != DISK_FORGETS)
			survive(image, percent);
		file = must(fopen(image->path, "wb"));
		if (image->durable.len > 0 && fwrite(image->durable.at, 1, image->durable.len,
						      file) != image->durable.len)
			abort();
		if (fclose(file) != 0)
			abort();
		snprintf(path, sizeof(path), "%s-shm", image->path);
		unlink(path);
	}
}
