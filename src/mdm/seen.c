#include "mdm/seen.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "mdm/mdm.h"

enum { SEEN_MOST = 4096, FLUSH_MOST = 500 };

struct entry {
	int64_t enrollment_no, ms;
};

struct seen {
	pthread_mutex_t lock;
	size_t count;
	struct entry entries[SEEN_MOST];
};

struct seen *
seen_new(void)
{
	struct seen *seen = calloc(1, sizeof(*seen));

	if (seen == NULL)
		abort();
	pthread_mutex_init(&seen->lock, NULL);
	return seen;
}

void
seen_free(struct seen *seen)
{
	if (seen == NULL)
		return;
	pthread_mutex_destroy(&seen->lock);
	free(seen);
}

void
seen_note(struct seen *seen, int64_t enrollment_no, int64_t ms)
{
	pthread_mutex_lock(&seen->lock);
	if (seen->count < SEEN_MOST)
		seen->entries[seen->count++] =
			(struct entry){.enrollment_no = enrollment_no, .ms = ms};
	pthread_mutex_unlock(&seen->lock);
}

/* Takes up to FLUSH_MOST entries out. */
static size_t
take(struct seen *seen, struct entry *entries)
{
	size_t count;

	pthread_mutex_lock(&seen->lock);
	count = seen->count < FLUSH_MOST ? seen->count : FLUSH_MOST;
	seen->count -= count;
	memcpy(entries, seen->entries + seen->count, count * sizeof(*entries));
	pthread_mutex_unlock(&seen->lock);
	return count;
}

static enum err_kind
write_entries(struct mdm *mdm, const struct entry *entries, size_t count, struct err *err)
{
	enum err_kind kind = db_begin(mdm->db, DB_WRITE, err);

	if (kind != ERR_OK)
		return kind;
	for (size_t i = 0; i < count && kind == ERR_OK; i++)
		kind = db_run(mdm->db, SQL_ENROLLMENT_SEEN,
			DB_ARGS(DB_INT(entries[i].enrollment_no), DB_INT(entries[i].ms)), NULL,
			err);
	if (kind != ERR_OK) {
		db_rollback(mdm->db);
		return kind;
	}
	return db_commit(mdm->db, err);
}

enum err_kind
seen_flush(struct seen *seen, struct mdm *mdm, struct err *err)
{
	struct entry entries[FLUSH_MOST];
	enum err_kind kind = ERR_OK;
	size_t count;

	while (kind == ERR_OK && (count = take(seen, entries)) > 0) {
		kind = write_entries(mdm, entries, count, err);
		if (kind != ERR_OK)
			for (size_t i = 0; i < count; i++)
				seen_note(seen, entries[i].enrollment_no, entries[i].ms);
	}
	return kind;
}
