/*
 * pomona doctor: looks at the installation as a colleague would.  The checks run in the order of
 * the table; one that needs what an earlier one found missing is left out, as that has been said.
 */
#include "cli/doctor.h"

#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "mdm/ca.h"
#include "store/migrate.h"

enum {
	BUSY_MS = 10 * 1000,
	DAY_MS = 24 * 3600 * 1000,
	END_PROBLEM_DAYS = 7,
	END_WARNING_DAYS = 60,
	FREE_PROBLEM = 64 * 1024 * 1024,
	FREE_WARNING = 512 * 1024 * 1024,
	LOG_WARNING_BYTES = 256 * 1024 * 1024,
	MIB = 1024 * 1024,
};

static const struct table_column columns[] = {
	{"state", "STATE", TABLE_TEXT, 0},
	{"check", "CHECK", TABLE_TEXT, 0},
	{NULL, "FINDING", TABLE_TEXT, 0},
	{"finding", NULL, TABLE_TEXT, 0},
	{"mend", NULL, TABLE_TEXT, 0},
};

/* ---- telling ---- */

void
doctor_say(
	struct doctor *doctor, enum doctor_state state, const char *mend, const char *format, ...)
{
	static const char *const names[] = {"ok", "warning", "problem"};
	struct arena *arena = &doctor->cli->arena;
	const char *finding;
	va_list args;

	va_start(args, format);
	finding = arena_vprintf(arena, format, args);
	va_end(args);
	table_add(&doctor->table,
		(const struct db_value[]){DB_TEXT(names[state]), DB_TEXT(doctor->check),
			DB_TEXT(mend == NULL ? finding
					     : arena_printf(arena, "%s: %s", finding, mend)),
			DB_TEXT(finding), DB_TEXT(mend)});
	doctor->problem = doctor->problem || state == DOCTOR_PROBLEM;
}

void
doctor_say_end(struct doctor *doctor, const char *what, int64_t not_after, const char *mend)
{
	int64_t left = not_after - clock_now(), days = left / DAY_MS;
	char when[CLOCK_ISO_SIZE];

	clock_iso(not_after, when);
	if (left <= 0)
		doctor_say(doctor, DOCTOR_PROBLEM, mend, "%s has expired on %s", what, when);
	else if (days < END_WARNING_DAYS)
		doctor_say(doctor, days < END_PROBLEM_DAYS ? DOCTOR_PROBLEM : DOCTOR_WARNING, mend,
			"%s expires in %lld days, on %s", what, (long long)days, when);
	else
		doctor_say(doctor, DOCTOR_OK, NULL, "%s is good until %s", what, when);
}

void
doctor_read(struct doctor *doctor, enum err_kind (*read)(struct doctor *doctor, struct err *err))
{
	struct db *db = doctor->cli->mdm.db;
	struct err err = {0};

	if (db_begin(db, DB_READ, &err) != ERR_OK || read(doctor, &err) != ERR_OK)
		doctor_say(doctor, DOCTOR_PROBLEM, NULL, "%s", err.message);
	db_rollback(db);
}

/* ---- configuration ---- */

static void
check_conf(struct doctor *doctor)
{
	struct cli *cli = doctor->cli;
	struct err err = {0};

	if (conf_read(&cli->conf, cli_option(cli, "config"), &cli->arena, &err) != ERR_OK) {
		doctor_say(doctor, DOCTOR_PROBLEM, "pomona.conf(5) tells what it holds", "%s",
			err.message);
		return;
	}
	doctor->has_conf = true;
	doctor_say(doctor, DOCTOR_OK, NULL, "%s", cli->conf.path);
}

/* ---- store ---- */

static enum err_kind
say_damage(const char *problem, void *context, struct err *err)
{
	(void)err;
	doctor_say(context, DOCTOR_PROBLEM,
		"stop the servers, keep a copy of the file, and put a backup back or run .recover "
		"in the sqlite3 shell",
		"the database is damaged: %s", problem);
	return ERR_OK;
}

static void
check_integrity(struct doctor *doctor)
{
	struct cli *cli = doctor->cli;
	bool before = doctor->problem;
	struct err err = {0};

	doctor->problem = false;
	if (db_store_check(cli->store, say_damage, doctor, &err) != ERR_OK)
		doctor_say(doctor, DOCTOR_PROBLEM, NULL, "%s", err.message);
	if (!doctor->problem)
		doctor_say(doctor, DOCTOR_OK, NULL, "%s is whole", cli->conf.database);
	doctor->problem = doctor->problem || before;
}

static void
check_schema(struct doctor *doctor)
{
	struct cli *cli = doctor->cli;
	struct err err = {0};
	int step, newest;

	if (migrate_look(cli->mdm.db, &step, &newest, &err) != ERR_OK)
		doctor_say(doctor, DOCTOR_PROBLEM, NULL, "%s", err.message);
	else if (step > newest)
		doctor_say(doctor, DOCTOR_PROBLEM, "install that version, or a newer one",
			"the store was made by a newer version (schema %d, this program knows %d)",
			step, newest);
	else if (step < newest)
		doctor_say(doctor, DOCTOR_WARNING,
			"any other command or a restart of the servers brings it up, then run this "
			"again",
			"the store is at schema %d, this program at %d", step, newest);
	else {
		doctor->has_schema = true;
		doctor_say(doctor, DOCTOR_OK, NULL, "schema %d", step);
	}
}

static void
check_store(struct doctor *doctor)
{
	struct cli *cli = doctor->cli;
	const struct db_options options = {.database = cli->conf.database, .busy_ms = BUSY_MS};
	struct err err = {0};

	if (db_store_open(&cli->store, &options, &err) != ERR_OK) {
		doctor_say(doctor, DOCTOR_PROBLEM,
			"is `database` right in the configuration?  pomona init makes a store",
			"%s", err.message);
		return;
	}
	cli->mdm = (struct mdm){
		.db = db_open(cli->store, &cli->arena), .arena = &cli->arena, .key = &cli->key};
	doctor->has_store = true;
	check_integrity(doctor);
	check_schema(doctor);
}

/* ---- master key ---- */

static void
check_key(struct doctor *doctor)
{
	struct cli *cli = doctor->cli;
	struct err err = {0};
	enum err_kind kind = mdm_find_key(&cli->mdm, cli->conf.key, &err);

	if (kind != ERR_OK) {
		doctor_say(doctor, DOCTOR_PROBLEM,
			kind == ERR_FORBIDDEN ? NULL
					      : "put it back from where it is kept; what is "
						"sealed in the store opens with it alone",
			"%s", err.message);
		return;
	}
	doctor->has_key = true;
	if (seal_key_is_rotating(&cli->key))
		doctor_say(doctor, DOCTOR_WARNING, "pomona key rotate goes on",
			"a rotation of the master key is not at its end");
	else
		doctor_say(doctor, DOCTOR_OK, NULL, "%s (key %d) opens the store", cli->conf.key,
			seal_key_number(&cli->key));
}

/* ---- files ---- */

static const char *
directory_of(struct doctor *doctor, const char *path)
{
	return dirname(arena_strdup(&doctor->cli->arena, path));
}

/* One file or directory: who may do what with it?  FORBIDDEN are rights that nobody should have. */
static bool
check_mode(struct doctor *doctor, const char *path, mode_t forbidden, enum doctor_state state,
	struct stat *about)
{
	if (stat(path, about) != 0) {
		doctor_say(doctor, DOCTOR_PROBLEM, NULL, "%s: %s", path, strerror(errno));
		return false;
	}
	if ((about->st_mode & forbidden) == 0 || (about->st_mode & S_ISVTX) != 0)
		return true;
	doctor_say(doctor, state,
		arena_printf(&doctor->cli->arena, "chmod %s %s",
			(forbidden & 044) != 0 ? "go-rwx" : "go-w", path),
		"others than its owner may %s %s (mode %03o)",
		(forbidden & 044) != 0 ? "read" : "write to", path,
		(unsigned)(about->st_mode & 0777));
	return false;
}

static bool
check_owner(struct doctor *doctor, const char *path, const struct stat *about,
	const struct stat *database)
{
	if (about->st_uid == database->st_uid)
		return true;
	doctor_say(doctor, DOCTOR_PROBLEM,
		"chown them to the user that pomona-fcgi and pomona-push run as",
		"%s belongs to another user (%ld) than the database (%ld)", path,
		(long)about->st_uid, (long)database->st_uid);
	return false;
}

static void
check_files(struct doctor *doctor)
{
	const struct conf *conf = &doctor->cli->conf;
	const char *key_directory = directory_of(doctor, conf->key);
	const char *directory = directory_of(doctor, conf->database);
	struct stat database, about;
	bool good;

	if (!check_mode(doctor, conf->database, 077, DOCTOR_WARNING, &database) &&
		stat(conf->database, &database) != 0)
		return;
	good = (database.st_mode & 077) == 0;
	good = check_mode(doctor, directory, 022, DOCTOR_PROBLEM, &about) &&
	       check_owner(doctor, directory, &about, &database) && good;
	good = check_mode(doctor, key_directory, 022, DOCTOR_PROBLEM, &about) && good;
	good = check_mode(doctor, conf->path, 022, DOCTOR_PROBLEM, &about) && good;
	if (stat(conf->key, &about) == 0) /* whether it is there is another check's */
		good = check_owner(doctor, conf->key, &about, &database) && good;
	if (good)
		doctor_say(doctor, DOCTOR_OK, NULL,
			"database, key, configuration and their directories are for their owner");
}

/* ---- disk ---- */

static void
check_disk(struct doctor *doctor)
{
	const struct cli *cli = doctor->cli;
	const char *directory = directory_of(doctor, cli->conf.database);
	int64_t database, log, bytes;
	struct statvfs disk;

	if (statvfs(directory, &disk) != 0) {
		doctor_say(doctor, DOCTOR_PROBLEM, NULL, "%s: %s", directory, strerror(errno));
		return;
	}
	bytes = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
	db_store_sizes(cli->store, &database, &log);
	doctor_say(doctor,
		bytes < FREE_PROBLEM   ? DOCTOR_PROBLEM
		: bytes < FREE_WARNING ? DOCTOR_WARNING
				       : DOCTOR_OK,
		bytes < FREE_WARNING ? "make room: devices get 503 when it is full" : NULL,
		"%lld MiB free where the store is (it takes %s)", (long long)(bytes / MIB),
		database < MIB ? "under 1 MiB"
			       : arena_printf(&doctor->cli->arena, "%lld MiB",
					 (long long)(database / MIB)));
	if (log > LOG_WARNING_BYTES)
		doctor_say(doctor, DOCTOR_WARNING,
			"somebody reads without an end: look for an open sqlite3 shell",
			"the store's log (-wal) has grown to %lld MiB", (long long)(log / MIB));
}

/* ---- all of them ---- */

enum needs { NOTHING, CONF, STORE, SCHEMA };

static const struct {
	const char *name;
	enum needs needs;
	void (*run)(struct doctor *doctor);
} checks[] = {
	{"configuration", NOTHING, check_conf},
	{"store", CONF, check_store},
	{"master key", SCHEMA, check_key},
	{"files", CONF, check_files},
	{"disk", STORE, check_disk},
	{"device CA", SCHEMA, doctor_check_ca},
	{"push certificates", SCHEMA, doctor_check_push_certificates},
	{"worker", SCHEMA, doctor_check_worker},
	{"pushes", SCHEMA, doctor_check_pushes},
	{"queue", SCHEMA, doctor_check_queue},
	{"devices", SCHEMA, doctor_check_devices},
	{"identities", SCHEMA, doctor_check_identities},
	{"groups", SCHEMA, doctor_check_groups},
	{"schedules", SCHEMA, doctor_check_schedules},
	{"audit trail", SCHEMA, doctor_check_audit},
	{"server", SCHEMA, doctor_check_server},
	{"back-ends", SCHEMA, doctor_check_backends},
	{"APNs", SCHEMA, doctor_check_apns},
};

enum err_kind
cli_doctor(struct cli *cli, struct err *err)
{
	struct doctor doctor = {.cli = cli};

	(void)err;
	table_init(
		&doctor.table, cli->out, cli->json, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		const bool has[] = {true, doctor.has_conf, doctor.has_store, doctor.has_schema};

		doctor.check = checks[i].name;
		if (has[checks[i].needs])
			checks[i].run(&doctor);
	}
	table_release(&doctor.table, true);
	return doctor.problem ? ERR_CONFLICT : ERR_OK;
}
