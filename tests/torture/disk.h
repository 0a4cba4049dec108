/*
 * disk - a disk whose power fails: an SQLite VFS over the default one that knows what was synced.
 *
 * Reads and writes go to the real files, so that SQLite sees what it always sees.  Beside that, the
 * disk keeps for each database and WAL file what would be there after a power loss (its bytes at
 * the last sync) and the writes and truncates since.  Once the power has failed every operation
 * fails, and disk_leave_remains() puts into the files what has survived.
 *
 * That a file is there or is gone is durable at once; -shm need not survive, and is removed.
 */
#ifndef POMONA_TESTS_DISK_H
#define POMONA_TESTS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What becomes of writes that were not synced. */
enum disk_loss {
	DISK_FORGETS,    /* all of them are gone */
	DISK_KEEPS_SOME, /* any of them may have arrived, in any order */
	DISK_TEARS_512,  /* … and each sector of this size for itself */
	DISK_TEARS_4096,
	DISK_LOSSES
};

struct disk_options {
	enum disk_loss loss;
	uint64_t seed;
	long operations; /* writes, truncates, syncs and deletions until the power fails */
	bool lies;       /* it says "synced" and has done nothing */
};

/* Makes it the default VFS of this process, for good. */
void disk_install(const struct disk_options *options);

bool disk_is_dead(void);

/* Nobody may use the disk any more. */
void disk_leave_remains(void);

/* ---- chance: the same on every system ---- */

/* 0 to LIMIT - 1; *CHANCE must not be 0. */
uint64_t chance_below(uint64_t *chance, uint64_t limit);

#endif
