/*
 * power - nothing that db_commit() promised is lost when the power fails, and nothing is there by
 * half.
 *
 *	power [--rounds N] [--seed S]
 *
 * A round: a child works on a store with several threads and two stores open (as two processes
 * would), on a disk whose power fails at a random operation (disk.h), and leaves what survived.
 * The parent, which knows no such disk, opens that through the driver and looks.  Every few rounds
 * the store begins anew; in between, each works on what the last one left.  N rounds for each way
 * of losing writes; what it tells is TAP.
 */
#include "disk.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "mdm/mdm.h"

enum {
	ROUNDS = 12,
	LIES_ROUNDS = 20,
	ROUNDS_OF_A_STORE = 5,
	STORES = 2, /* open at once */
	THREADS = 6,
	CYCLE_MOST =
		120, /* transactions of a thread until the stores are closed and opened again */
	TURNS_MOST = 4000,
	SHORT_BODY = 600,
	LONG_BODY = 40000,
	DOUBLINGS = 12, /* the power fails within 8 … 8 << 11 operations */
	BUSY_MS = 5000,
};

/* Not "maybe": the caller was told. */
enum outcome { MAYBE, COMMITTED, ROLLED_BACK };

/* What the child tells the parent while it lives. */
struct told {
	char failure[400];
	int turns[THREADS];
	unsigned char outcome[THREADS][TURNS_MOST];
};

struct worker {
	int number, round;
	uint64_t chance;
	struct db_store *store;
	struct told *told;
};

struct trial {
	char dir[64], path[96];
	struct told *told;
	uint64_t seed;
	long long before; /* transactions that were there after the last round */
	bool quiet;
};

static const char *const names[] = {"all that was not synced is forgotten",
	"some of what was not synced arrives, in any order", "sectors of 512 bytes arrive",
	"sectors of 4096 bytes arrive"};

/* ---- the child: work until the power fails ---- */

static enum err_kind
set(struct db *db, const char *name, const char *value, struct err *err)
{
	return db_run(db, SQL_SCHEMA_STATE_SET, DB_ARGS(DB_TEXT(name), DB_TEXT(value)), NULL, err);
}

/*
 * What belongs together: a payload, a row that tells how long its body is, and two counters of the
 * thread that are alike.
 */
static enum err_kind
write_all(struct worker *worker, struct db *db, int turn, struct err *err)
{
	bool is_long = chance_below(&worker->chance, 8) == 0;
	size_t len = chance_below(&worker->chance, is_long ? LONG_BODY : SHORT_BODY);
	struct arena *arena = db_arena(db);
	char *name = arena_printf(arena, "r%d-%d-%d", worker->round, worker->number, turn);
	char *body = arena_calloc(arena, len + 1, 1);
	enum err_kind kind = set(db, arena_printf(arena, "left-%d", worker->number), name, err);
	struct db_row row;

	memset(body, 'a' + turn % 26, len);
	if (kind == ERR_OK)
		kind = db_first(db, SQL_QUEUE_PAYLOAD_ADD,
			DB_ARGS(DB_TEXT(name), DB_TEXT("Power"), DB_NULL(), DB_BLOB(body, len),
				DB_TEXT("cli"), DB_INT(1)),
			&row, err);
	if (kind == ERR_OK)
		kind = set(db, name, arena_printf(arena, "%zu", len), err);
	if (kind == ERR_OK)
		kind = set(db, arena_printf(arena, "right-%d", worker->number), name, err);
	return kind;
}

struct writing {
	struct worker *worker;
	struct db *db;
	int turn;
	bool roll_back;
};

static enum err_kind
write_in(void *context, struct err *err)
{
	struct writing *writing = context;
	enum err_kind kind = write_all(writing->worker, writing->db, writing->turn, err);

	return kind == ERR_OK && writing->roll_back ? ERR_GONE : kind;
}

/* In a transaction of its own. */
static enum err_kind
write_alone(struct writing *writing, struct err *err)
{
	enum err_kind kind = db_begin(writing->db, DB_WRITE, err);

	if (kind == ERR_OK)
		kind = write_in(writing, err);
	if (kind == ERR_OK)
		return db_commit(writing->db, err);
	db_rollback(writing->db);
	return kind;
}

/* Most share a commit.  ERR_BUSY while the disk lives is no harm: the lock was not to be had. */
static void
take_turn(struct worker *worker, struct db *db)
{
	unsigned char *outcome = worker->told->outcome[worker->number];
	struct writing writing = {.worker = worker,
		.db = db,
		.turn = worker->told->turns[worker->number]++,
		.roll_back = chance_below(&worker->chance, 6) == 0};
	struct err err = {0};
	enum err_kind kind = chance_below(&worker->chance, 4) == 0
				     ? write_alone(&writing, &err)
				     : db_transact(db, write_in, &writing, &err);

	if (kind == ERR_OK)
		outcome[writing.turn] = COMMITTED;
	else if (kind == ERR_GONE)
		outcome[writing.turn] = ROLLED_BACK;
}

/* A reader's snapshot keeps checkpoints from going all the way. */
static void
look(struct worker *worker, struct db *db)
{
	struct db_row row;
	struct err err;

	if (db_begin(db, DB_READ, &err) != ERR_OK)
		return;
	db_first(db, SQL_SCHEMA_STATE,
		DB_ARGS(DB_TEXT(arena_printf(db_arena(db), "left-%d", worker->number))), &row,
		&err);
	if (chance_below(&worker->chance, 4) == 0)
		usleep((useconds_t)chance_below(&worker->chance, 2000));
	db_rollback(db);
}

static void *
work(void *argument)
{
	struct worker *worker = argument;
	int cycle = 1 + (int)chance_below(&worker->chance, CYCLE_MOST);
	struct arena arena;
	struct db *db;

	arena_init(&arena);
	db = db_open(worker->store, &arena);
	while (cycle-- > 0 && !disk_is_dead() && worker->told->turns[worker->number] < TURNS_MOST) {
		if (chance_below(&worker->chance, 5) == 0)
			look(worker, db);
		else
			take_turn(worker, db);
		arena_reset(&arena);
	}
	db_close(db);
	arena_release(&arena);
	return NULL;
}

static enum err_kind
open_store(struct db_store **store, const char *path, struct err *err)
{
	const struct db_options options = {.database = path, .create = true, .busy_ms = BUSY_MS};
	enum err_kind kind = db_store_open(store, &options, err);
	struct arena arena;
	struct db *db;

	if (kind != ERR_OK)
		return kind;
	arena_init(&arena);
	db = db_open(*store, &arena);
	kind = mdm_prepare_store(db, &arena, true, err);
	db_close(db);
	arena_release(&arena);
	if (kind != ERR_OK)
		db_store_close(*store);
	return kind;
}

/* Opens the stores, lets all threads work for a while, and closes them (a checkpoint). */
static enum err_kind
work_a_cycle(struct worker workers[THREADS], const char *path, struct err *err)
{
	struct db_store *stores[STORES];
	pthread_t threads[THREADS];
	enum err_kind kind = ERR_OK;
	int opened;

	for (opened = 0; opened < STORES; opened++)
		if ((kind = open_store(&stores[opened], path, err)) != ERR_OK)
			break;
	for (int i = 0; i < THREADS && kind == ERR_OK; i++) {
		workers[i].store = stores[i % STORES];
		if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
			abort();
	}
	for (int i = 0; i < THREADS && kind == ERR_OK; i++)
		pthread_join(threads[i], NULL);
	while (opened-- > 0)
		db_store_close(stores[opened]);
	return kind;
}

static void
child(const struct trial *trial, const struct disk_options *options, int round)
{
	struct worker workers[THREADS];
	struct err err = {0};
	uint64_t chance = options->seed;

	for (int i = 0; i < THREADS; i++)
		workers[i] = (struct worker){.number = i,
			.round = round,
			.chance = chance_below(&chance, UINT64_MAX) | 1,
			.told = trial->told};
	disk_install(options);
	while (!disk_is_dead())
		if (work_a_cycle(workers, trial->path, &err) != ERR_OK && !disk_is_dead()) {
			snprintf(trial->told->failure, sizeof(trial->told->failure), "%s",
				err.message);
			break;
		}
	disk_leave_remains();
	_exit(0);
}

/* ---- the parent: what is there? ---- */

static bool
say(const struct trial *trial, const char *what, const char *about)
{
	if (!trial->quiet)
		printf("# seed %llu: %s%s%s\n", (unsigned long long)trial->seed, what,
			about[0] != '\0' ? ": " : "", about);
	return false;
}

/* The first column of the first row as text, in a static buffer; NULL when there is an error. */
static const char *
ask(sqlite3 *sqlite, const char *sql)
{
	static char text[200];
	sqlite3_stmt *stmt;
	int code = sqlite3_prepare_v2(sqlite, sql, -1, &stmt, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		snprintf(text, sizeof(text), "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return code == SQLITE_ROW ? text : NULL;
}

static bool
is_whole(const struct trial *trial, sqlite3 *sqlite)
{
	static const struct question {
		const char *what, *sql, *answer;
	} questions[] = {
		{"integrity", "PRAGMA integrity_check", "ok"},
		{"payloads without their row",
			"SELECT count(*) FROM payload WHERE NOT EXISTS (SELECT 1 FROM schema_state "
			"WHERE name = uuid AND CAST(value AS INTEGER) = length(body))",
			"0"},
		{"rows without their payload",
			"SELECT count(*) FROM schema_state WHERE name GLOB 'r[0-9]*' AND NOT "
			"EXISTS "
			"(SELECT 1 FROM payload WHERE uuid = name)",
			"0"},
		{"bodies that are not of one letter",
			"SELECT count(*) FROM payload WHERE length(body) > 0 AND "
			"replace(CAST(body AS TEXT), substr(CAST(body AS TEXT), 1, 1), '') <> ''",
			"0"},
		{"counters that are not alike",
			"SELECT count(*) FROM schema_state l LEFT JOIN schema_state r "
			"ON r.name = 'right-' || substr(l.name, 6) "
			"WHERE l.name GLOB 'left-*' AND r.value IS NOT l.value",
			"0"},
	};

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		const char *answer = ask(sqlite, questions[i].sql);

		if (answer == NULL || strcmp(answer, questions[i].answer) != 0)
			return say(trial, questions[i].what,
				answer != NULL ? answer : sqlite3_errmsg(sqlite));
	}
	return true;
}

static bool
keeps_promises(const struct trial *trial, sqlite3 *sqlite, int round)
{
	char sql[200], name[60];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM payload WHERE uuid NOT GLOB 'r%d-*'",
		round);
	if (strtoll(ask(sqlite, sql), NULL, 10) != trial->before)
		return say(trial, "what an earlier round left is not what is there", "");
	for (int i = 0; i < THREADS; i++)
		for (int turn = 0; turn < trial->told->turns[i]; turn++) {
			unsigned char outcome = trial->told->outcome[i][turn];
			bool is_there;

			snprintf(name, sizeof(name), "r%d-%d-%d", round, i, turn);
			snprintf(sql, sizeof(sql), "SELECT count(*) FROM payload WHERE uuid = '%s'",
				name);
			is_there = strcmp(ask(sqlite, sql), "1") == 0;
			if (outcome == COMMITTED && !is_there)
				return say(trial, "committed and lost", name);
			if (outcome == ROLLED_BACK && is_there)
				return say(trial, "rolled back and there", name);
		}
	return true;
}

/* The store is opened as a program would, and then looked at. */
static bool
is_good(struct trial *trial, int round)
{
	struct db_store *store;
	struct err err = {0};
	sqlite3 *sqlite = NULL;
	bool good;

	if (trial->told->failure[0] != '\0')
		return say(trial, "the store could not be opened", trial->told->failure);
	if (open_store(&store, trial->path, &err) != ERR_OK)
		return say(trial, "the store cannot be opened any more", err.message);
	good = sqlite3_open(trial->path, &sqlite) == SQLITE_OK && is_whole(trial, sqlite) &&
	       keeps_promises(trial, sqlite, round);
	if (good)
		trial->before = strtoll(ask(sqlite, "SELECT count(*) FROM payload"), NULL, 10);
	sqlite3_close(sqlite);
	db_store_close(store);
	return good;
}

static void
begin_anew(struct trial *trial)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	char path[128];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", trial->path, suffixes[i]);
		unlink(path);
	}
	trial->before = 0;
}

static long
promises(const struct told *told)
{
	long sum = 0;

	for (int i = 0; i < THREADS; i++)
		for (int turn = 0; turn < told->turns[i]; turn++)
			sum += told->outcome[i][turn] == COMMITTED;
	return sum;
}

static bool
run_round(struct trial *trial, enum disk_loss loss, int round, bool lies)
{
	uint64_t chance = trial->seed | 1;
	const struct disk_options options = {.loss = loss,
		.seed = chance_below(&chance, UINT64_MAX) | 1,
		.operations =
			(long)(1 + chance_below(&chance, 8U << chance_below(&chance, DOUBLINGS))),
		.lies = lies};
	int status;
	pid_t pid;

	memset(trial->told, 0, sizeof(*trial->told));
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		child(trial, &options, round);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
		WEXITSTATUS(status) != 0)
		return say(trial, "the child did not end well", "");
	return is_good(trial, round);
}

/* ---- the rounds ---- */

/* A line of TAP for each way of losing writes. */
static bool
run_losses(struct trial *trial, long rounds, uint64_t *chance)
{
	bool all = true;

	for (int loss = 0; loss < DISK_LOSSES; loss++) {
		long committed = 0, bad = 0;

		for (int round = 0; round < rounds; round++) {
			trial->seed = chance_below(chance, UINT64_MAX);
			if (round % ROUNDS_OF_A_STORE == 0)
				begin_anew(trial);
			if (!run_round(trial, (enum disk_loss)loss, round, false)) {
				begin_anew(trial);
				bad++;
			}
			committed += promises(trial->told);
		}
		printf("%sok %d - %s\n# %ld rounds, %ld transactions committed, %ld rounds bad\n",
			bad == 0 && committed > 0 ? "" : "not ", loss + 1, names[loss], rounds,
			committed, bad);
		all = all && bad == 0 && committed > 0;
	}
	return all;
}

/* The test can fail: on a disk that lies something is lost soon. */
static bool
finds_a_liar(struct trial *trial, uint64_t *chance)
{
	bool found = false;

	trial->quiet = true;
	for (int round = 0; round < LIES_ROUNDS && !found; round++) {
		begin_anew(trial);
		trial->seed = chance_below(chance, UINT64_MAX);
		found = !run_round(trial, DISK_FORGETS, round, true);
	}
	printf("%sok %d - a disk that lies about syncing is found out\n", found ? "" : "not ",
		DISK_LOSSES + 1);
	return found;
}

int
main(int argc, char **argv)
{
	long rounds = ROUNDS;
	uint64_t chance = (uint64_t)clock_now() << 16 ^ (uint64_t)getpid();
	struct trial trial = {.told = mmap(NULL, sizeof(struct told), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
	bool good;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--rounds") == 0)
			rounds = strtol(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			chance = strtoull(argv[i + 1], NULL, 10);
	}
	snprintf(trial.dir, sizeof(trial.dir), "%s/pomona-power-XXXXXX", P_tmpdir);
	if (trial.told == MAP_FAILED || mkdtemp(trial.dir) == NULL)
		return 2;
	snprintf(trial.path, sizeof(trial.path), "%s/store.db", trial.dir);
	printf("1..%d\n# power --rounds %ld --seed %llu\n", DISK_LOSSES + 1, rounds,
		(unsigned long long)chance);
	chance |= 1;
	good = run_losses(&trial, rounds, &chance);
	good = finds_a_liar(&trial, &chance) && good;
	begin_anew(&trial);
	rmdir(trial.dir);
	return good ? 0 : 1;
}
