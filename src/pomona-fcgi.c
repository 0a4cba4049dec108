/*
 * pomona-fcgi - the responder: options, privileges, loop; nothing else.  What it does is in
 * web/serve.c.
 */
#include <fcgiapp.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef HAVE_MALLOPT
#include <malloc.h>
#endif

#include "base/conf.h"
#include "base/log.h"
#include "mdm/mdm.h"
#include "web/listen.h"
#include "web/serve.h"

enum { BUSY_MS = 3000, MMAP_FROM = 256 * 1024, EXIT_USAGE = 2, OPTION_SOCKET_MODE = 256 };

static const char usage[] =
	"usage: pomona-fcgi [--config FILE] [--listen PATH|HOST:PORT] [--socket-mode MODE] "
	"[--threads N]\n"
	"\n"
	"Serves Apple devices behind a web server, over FastCGI.  Without --listen it takes the "
	"socket it inherits (systemd,\n"
	"spawn-fcgi), or serves one request as a CGI program, or listens where the configuration "
	"file says.\n"
	"\n"
	"  --config FILE            configuration (else $POMONA_CONF, else " SYSCONFDIR
	"/pomona/pomona.conf)\n"
	"  --listen PATH|HOST:PORT  listen on a socket of its own\n"
	"  --socket-mode MODE       mode of the unix socket, octal (default 660)\n"
	"  --threads N              requests served at once (default 64)\n"
	"  --help, --version\n";

/* What a device is told when a CGI process cannot start: it comes again. */
static const char cgi_failure[] = "Status: 503 Service Unavailable\r\nRetry-After: 60\r\n"
				  "Content-Type: text/plain\r\n\r\nThe store is not ready.\n";

struct options {
	const char *config, *listen;
	unsigned socket_mode;
	long threads;
};

/* -1: go on; else the exit status. */
static int
parse_options(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"listen", required_argument, NULL, 'l'},
		{"socket-mode", required_argument, NULL, OPTION_SOCKET_MODE},
		{"threads", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	char *end = "";
	int option;

	*options = (struct options){.socket_mode = 0660};
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->config = optarg;
			break;
		case 'l':
			options->listen = optarg;
			break;
		case OPTION_SOCKET_MODE:
			options->socket_mode = (unsigned)strtoul(optarg, &end, 8) & 0777;
			break;
		case 't':
			options->threads = strtol(optarg, &end, 10);
			if (options->threads < 1 || options->threads > 1024)
				end = "?";
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("pomona-fcgi " PACKAGE_VERSION);
			return EXIT_SUCCESS;
		default:
			end = "?";
		}
		if (*end != '\0')
			break;
	}
	if (*end == '\0' && optind == argc)
		return -1;
	fputs(usage, stderr);
	return EXIT_USAGE;
}

/* No core file may hold a key; signals are for the thread that waits for them; a few malloc arenas
 * are enough.  A thread that is woken waits until the one at work (the web server's, that has just
 * passed it a request) is done: under load that is up to a third more Idles a second (see
 * pomona-fcgi(8)).  Where it is forbidden, the systemd unit has asked for the same. */
static void
prepare_process(void)
{
	const struct rlimit none = {0, 0};
	sigset_t signals;

	setrlimit(RLIMIT_CORE, &none);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
#ifdef SCHED_BATCH
	sched_setscheduler(0, SCHED_BATCH, &(const struct sched_param){0});
#endif
#ifdef HAVE_MALLOPT
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_THRESHOLD, MMAP_FROM); /* what is large goes back at once */
#endif
}

/* The socket to serve on; -1: none, this is a CGI process. */
static enum err_kind
find_socket(const struct options *options, const struct conf *conf, const char **own, int *fd,
	struct err *err)
{
	*own = options->listen;
	if (*own != NULL)
		return listen_open(*own, options->socket_mode, fd, err);
	*fd = listen_inherited();
	if (*fd >= 0)
		return ERR_OK;
	if (listen_is_socket(STDIN_FILENO)) {
		*fd = STDIN_FILENO;
		return ERR_OK;
	}
	if (getenv("REQUEST_METHOD") != NULL)
		return ERR_OK;
	*own = conf->listen;
	if (*own == NULL)
		return err_set(err, ERR_BAD_INPUT,
			"there is no socket: no --listen, none inherited, none in %s", conf->path);
	return listen_open(*own, options->socket_mode, fd, err);
}

/* Without the master key what needs no secret is served; with a wrong one, nothing. */
static enum err_kind
find_key(struct mdm *mdm, const char *path, struct err *err)
{
	enum err_kind kind = mdm_find_key(mdm, path, err);

	if (kind != ERR_NOT_FOUND)
		return kind;
	log_line(LOG_ERROR, "what is sealed cannot be used, only the rest is served", "error",
		err->message, NULL);
	err_clear(err);
	return ERR_OK;
}

/* The text of all views and triggers is made on the way: its memory is given back. */
static enum err_kind
open_store(const struct conf *conf, struct db_store **store, struct seal_key *key, struct err *err)
{
	const struct db_options options = {.database = conf->database, .busy_ms = BUSY_MS};
	enum err_kind kind = db_store_open(store, &options, err);
	struct arena arena;
	struct mdm mdm = {.arena = &arena, .key = key};

	if (kind != ERR_OK)
		return kind;
	arena_init(&arena);
	mdm.db = db_open(*store, &arena);
	kind = mdm_prepare_store(mdm.db, &arena, false, err);
	if (kind == ERR_OK)
		kind = find_key(&mdm, conf->key, err);
	db_close(mdm.db);
	arena_release(&arena);
#ifdef HAVE_MALLOC_TRIM
	malloc_trim(0);
#endif
	return kind;
}

static enum err_kind
run(const struct options *options, const struct conf *conf, struct arena *arena, struct err *err)
{
	struct serve_options serve = {
		.threads = (int)(options->threads > 0 ? options->threads : conf->threads),
		.max_body = (size_t)conf->max_body,
		.push_retry = conf->retry * 1000,
		.key_path = conf->key,
	};
	struct db_store *store = NULL;
	struct seal_key key;
	const char *own;
	enum err_kind kind;

	seal_key_init(&key);
	kind = open_store(conf, &store, &key, err);
	if (kind == ERR_OK)
		kind = peer_header_rules_read(&serve.header, conf, arena, err);
	serve.key = &key;
	serve.conf = conf;
	serve.store = store;
	if (kind == ERR_OK)
		kind = find_socket(options, conf, &own, &serve.listen_fd, err);
	if (kind == ERR_OK && serve.listen_fd < 0)
		serve_cgi(&serve);
	else if (kind == ERR_OK) {
		/* libfcgi installs a SIGTERM handler of its own; ours is a blocked signal and a
		 * thread that waits for it. */
		FCGX_Init();
		kind = serve_run(&serve, err);
		if (own != NULL)
			listen_remove(own, serve.listen_fd);
	}
	db_store_close(store);
	seal_key_release(&key);
	return kind;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct conf conf;
	struct arena arena;
	struct err err = {0};
	enum err_kind kind;
	int status = parse_options(argc, argv, &options);

	if (status >= 0)
		return status;
	prepare_process();
	log_init("pomona-fcgi", LOG_INFO);
	arena_init(&arena);
	kind = conf_read(&conf, options.config, &arena, &err);
	if (kind == ERR_OK) {
		log_init("pomona-fcgi", (enum log_level)log_level_from_name(conf.log_level));
		kind = run(&options, &conf, &arena, &err);
	}
	if (kind != ERR_OK) {
		log_line(LOG_ERROR, "cannot run", "error", err.message, NULL);
		if (getenv("REQUEST_METHOD") != NULL)
			fputs(cgi_failure, stdout);
	} else
		log_line(LOG_DEBUG, "stopped", NULL);
	arena_release(&arena);
	return kind == ERR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
