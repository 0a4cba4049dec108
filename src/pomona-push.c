/*
 * pomona-push - the worker: options, privileges, loop; nothing else.  What it does is in
 * worker/worker.c.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/conf.h"
#include "base/log.h"
#include "mdm/mdm.h"
#include "worker/worker.h"

enum { BUSY_MS = 5000, EXIT_USAGE = 2 };

static const char usage[] = "usage: pomona-push [--config FILE]\n"
			    "\n"
			    "Wakes Apple devices that have commands waiting, through APNs.\n"
			    "\n"
			    "  --config FILE  configuration (else $POMONA_CONF, else " SYSCONFDIR
			    "/pomona/pomona.conf)\n"
			    "  --help, --version\n";

/* -1: go on; else the exit status. */
static int
parse_options(int argc, char **argv, const char **config)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			*config = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("pomona-push " PACKAGE_VERSION);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fputs(usage, stderr);
	return EXIT_USAGE;
}

static enum err_kind
run(const struct conf *conf, struct arena *arena, struct err *err)
{
	const struct db_options options = {.database = conf->database, .busy_ms = BUSY_MS};
	struct db_store *store = NULL;
	struct seal_key key;
	struct db *db = NULL;
	enum err_kind kind;

	seal_key_init(&key);
	kind = seal_key_read(&key, conf->key, err);
	if (kind == ERR_OK)
		kind = db_store_open(&store, &options, err);
	if (kind == ERR_OK) {
		db = db_open(store, arena);
		kind = mdm_start(&(struct mdm){.db = db, .arena = arena, .key = &key}, err);
		db_close(db);
	}
	if (kind == ERR_OK)
		kind = worker_run(store, &key, conf, err);
	db_store_close(store);
	seal_key_release(&key);
	return kind;
}

int
main(int argc, char **argv)
{
	const struct rlimit none = {0, 0}; /* no core file may hold a key */
	const char *config = NULL;
	struct conf conf;
	struct arena arena;
	struct err err = {0};
	enum err_kind kind;
	int status = parse_options(argc, argv, &config);

	if (status >= 0)
		return status;
	setrlimit(RLIMIT_CORE, &none);
	signal(SIGPIPE, SIG_IGN);
	log_init("pomona-push", LOG_INFO);
	arena_init(&arena);
	kind = conf_read(&conf, config, &arena, &err);
	if (kind == ERR_OK) {
		log_init("pomona-push", (enum log_level)log_level_from_name(conf.log_level));
		kind = run(&conf, &arena, &err);
	}
	if (kind != ERR_OK)
		log_line(LOG_ERROR, "cannot run", "error", err.message, NULL);
	arena_release(&arena);
	return kind == ERR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
