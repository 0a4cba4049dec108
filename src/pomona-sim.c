/*
 * pomona-sim - the simulated Apple side: options, loop; nothing else.  The APNs stand-in is in
 * sim/apns_server.c, the devices are in sim/fleet.c.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "sim/apns_server.h"
#include "sim/fleet.h"
#include "sim/load.h"

enum { EXIT_USAGE = 2, OPTION_FIRST = 256, PATH_MOST = 4096, WORDS_MOST = 4096 };

/* What an option was given that may be given again. */
struct words {
	const char *words[WORDS_MOST];
	size_t count;
};

struct options {
	struct apns_options apns;
	struct fleet_options fleet;
	struct load_options load;
	struct words links;
	const char *url, *device_rules, *journal, *ready_file;
	long answer_timeout_ms, timeout_ms;
	bool stats, help, version;
};

/* ---- options ---- */

enum option_kind { STRING, STRINGS, NUMBER, SECONDS, FLAG };

/* A row with neither name nor kind opens a section of the help. */
static const struct option_row {
	const char *name;
	enum option_kind kind;
	size_t offset; /* in struct options: const char *, words, long, long (ms), bool */
	long least, most;
	const char *argument, *help;
} rows[] = {
	{NULL, FLAG, 0, 0, 0, NULL, "The APNs stand-in:"},
	{"apns-listen", STRING, offsetof(struct options, apns.listen), 0, 0, "HOST:PORT",
		"take pushes here (port 0: any)"},
	{"apns-cert", STRING, offsetof(struct options, apns.tls.certificate), 0, 0, "FILE",
		"its certificate, PEM"},
	{"apns-key", STRING, offsetof(struct options, apns.tls.key), 0, 0, "FILE", "its key, PEM"},
	{"apns-client-ca", STRING, offsetof(struct options, apns.tls.client_ca), 0, 0, "FILE",
		"CA of the push certificates, PEM"},
	{"apns-max-streams", NUMBER, offsetof(struct options, apns.max_streams), 1, 100000, "N",
		"pushes at once on a connection (default 100)"},
	{"apns-rules", STRING, offsetof(struct options, apns.rules), 0, 0, "FILE",
		"answer otherwise; JSON, read again when it changes"},
	{"apns-log", STRING, offsetof(struct options, apns.log), 0, 0, "FILE",
		"write what came, JSON lines"},
	{NULL, FLAG, 0, 0, 0, NULL, "The devices:"},
	{"devices", NUMBER, offsetof(struct options, fleet.devices), 0, 10000000, "N",
		"how many (default 0)"},
	{"url", STRING, offsetof(struct options, url), 0, 0, "URL",
		"the server, https://HOST:PORT"},
	{"tls-ca", STRING, offsetof(struct options, fleet.ca), 0, 0, "FILE",
		"what verifies the server, PEM"},
	{"identities", STRING, offsetof(struct options, fleet.identities), 0, 0, "DIR",
		"NAME.pem and NAME.key of each device, read or made"},
	{"topic", STRING, offsetof(struct options, fleet.topic), 0, 0, "TOPIC",
		"the push certificate's topic"},
	{"enroll", STRINGS, offsetof(struct options, links), 0, 0, "URL",
		"one more, which enrolls from this page; may be repeated"},
	{"enroll-devices", NUMBER, offsetof(struct options, fleet.enrolling), 1, 10000000, "N",
		"so many from these pages in turn (default: one from each)"},
	{"enroll-name", STRING, offsetof(struct options, fleet.name), 0, 0, "NAME",
		"their names are NAME-000001 and so on (default enrolled)"},
	{"enroll-unsigned", FLAG, offsetof(struct options, fleet.unsigned_too), 0, 0, NULL,
		"a profile need not be signed"},
	{"renew", FLAG, offsetof(struct options, fleet.renew), 0, 0, NULL,
		"once enrolled, each renews its identity by SCEP"},
	{"checkin-path", STRING, offsetof(struct options, fleet.checkin_path), 0, 0, "PATH",
		"for check-ins (default /mdm)"},
	{"command-path", STRING, offsetof(struct options, fleet.command_path), 0, 0, "PATH",
		"for reports (default /mdm)"},
	{"concurrency", NUMBER, offsetof(struct options, fleet.concurrency), 1, 100000, "N",
		"connected at once, at most (default 64)"},
	{"keep-identities", NUMBER, offsetof(struct options, fleet.identities_kept), 0, 10000000,
		"N", "of so many devices in memory (default 4096)"},
	{"resume", FLAG, offsetof(struct options, fleet.resume), 0, 0, NULL, "resume TLS sessions"},
	{"enrolled", FLAG, offsetof(struct options, fleet.enrolled), 0, 0, NULL,
		"they are enrolled already: no check-ins"},
	{"poll", NUMBER, offsetof(struct options, fleet.polls), 0, 1000000, "N",
		"each makes N sessions at once, without a push"},
	{"rounds", NUMBER, offsetof(struct options, fleet.rounds), 1, 1000000, "N",
		"and again N times, each after a line on the standard input"},
	{"load", SECONDS, offsetof(struct options, load.duration_ms), 0, 86400, "SECONDS",
		"all of them, enrolled already, send message after message for so long"},
	{"load-answer", NUMBER, offsetof(struct options, load.answer_bytes), 0, 10000000, "BYTES",
		"and acknowledge their commands with about so many bytes (0: Idle only)"},
	{"load-turns", FLAG, offsetof(struct options, load.turns), 0, 0, NULL,
		"Idle after each of these, whatever came with it"},
	{"load-at-once", NUMBER, offsetof(struct options, load.at_once), 1, 100000, "N",
		"so many have a message under way, in turn (default: all)"},
	{"load-wait", FLAG, offsetof(struct options, load.waits), 0, 0, NULL,
		"connected, wait for a line on the standard input"},
	{"load-once", FLAG, offsetof(struct options, load.once), 0, 0, NULL,
		"likewise; then one Idle of each is all"},
	{"not-now-retry", SECONDS, offsetof(struct options, fleet.not_now_retry_ms), 0, 86400,
		"SECONDS", "until a device polls after NotNow (default 60)"},
	{"retry-cap", SECONDS, offsetof(struct options, fleet.retry_cap_ms), 0, 86400, "SECONDS",
		"longest wait after a 503 (default 60)"},
	{"answer-timeout", SECONDS, offsetof(struct options, answer_timeout_ms), 0, 86400,
		"SECONDS", "until an answer counts as lost (default 60)"},
	{"reenroll-after-erase", FLAG, offsetof(struct options, fleet.reenroll), 0, 0, NULL,
		"an erased device enrolls anew"},
	{"await-configuration", FLAG, offsetof(struct options, fleet.await_configuration), 0, 0,
		NULL, "enrolled, they wait for DeviceConfigured"},
	{"await-poll", SECONDS, offsetof(struct options, fleet.await_poll_ms), 0, 86400, "SECONDS",
		"and ask so often meanwhile (default 1)"},
	{"device-rules", STRING, offsetof(struct options, device_rules), 0, 0, "FILE",
		"answer otherwise; JSON, read again when it changes"},
	{"journal", STRING, offsetof(struct options, journal), 0, 0, "FILE",
		"write every message and its answer, JSON lines"},
	{NULL, FLAG, 0, 0, 0, NULL, "The run:"},
	{"ready-file", STRING, offsetof(struct options, ready_file), 0, 0, "FILE",
		"made when the stand-in listens and all are enrolled"},
	{"exit-when-answered", NUMBER, offsetof(struct options, fleet.answers), 0, 1000000000, "K",
		"end when each device has answered K commands"},
	{"timeout", SECONDS, offsetof(struct options, timeout_ms), 0, 8640000, "SECONDS",
		"end with status 1 after this time"},
	{"stats", FLAG, offsetof(struct options, stats), 0, 0, NULL,
		"print counts at the end, JSON (at any time: SIGUSR1)"},
	{"help", FLAG, offsetof(struct options, help), 0, 0, NULL, "print this"},
	{"version", FLAG, offsetof(struct options, version), 0, 0, NULL, "print the version"},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void
print_help(FILE *file)
{
	char left[64];

	fputs("usage: pomona-sim [--apns-listen HOST:PORT --apns-cert FILE --apns-key FILE "
	      "--apns-client-ca FILE]\n"
	      "                  [--devices N --url URL --tls-ca FILE --identities DIR --topic "
	      "TOPIC]\n"
	      "                  [--enroll URL --tls-ca FILE --identities DIR] [option …]\n\n"
	      "Stands in for Apple: APNs, and devices that enroll, wake on a push and obey.  "
	      "Talks to this machine only.\n",
		file);
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].name == NULL) {
			fprintf(file, "\n%s\n", rows[i].help);
			continue;
		}
		snprintf(left, sizeof(left), "--%s %s", rows[i].name,
			rows[i].argument != NULL ? rows[i].argument : "");
		fprintf(file, "  %-29s %s\n", left, rows[i].help);
	}
}

static bool
take_option(const struct option_row *row, const char *text, struct options *options)
{
	char *place = (char *)options + row->offset, *end = NULL;
	struct words *words;
	double number;

	switch (row->kind) {
	case STRING:
		*(const char **)(void *)place = text;
		return text[0] != '\0';
	case STRINGS:
		words = (struct words *)(void *)place;
		if (words->count == WORDS_MOST)
			return false;
		words->words[words->count++] = text;
		return text[0] != '\0';
	case FLAG:
		*(bool *)(void *)place = true;
		return true;
	case NUMBER:
	case SECONDS:
		number = strtod(text, &end);
		if (end == text || *end != '\0' || !(number >= (double)row->least) ||
			!(number <= (double)row->most))
			return false;
		*(long *)(void *)place =
			row->kind == SECONDS ? (long)(number * 1000) : (long)number;
		return row->kind == SECONDS || number == (double)(long)number;
	}
	return false;
}

static bool
parse_options(int argc, char **argv, struct options *options)
{
	struct option longs[ROWS + 1] = {0};
	size_t count = 0;
	int found;

	for (int i = 0; i < ROWS; i++)
		if (rows[i].name != NULL)
			longs[count++] = (struct option){.name = rows[i].name,
				.has_arg = rows[i].kind == FLAG ? no_argument : required_argument,
				.val = OPTION_FIRST + i};
	while ((found = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		const struct option_row *row;

		if (found < OPTION_FIRST)
			return false;
		row = &rows[found - OPTION_FIRST];
		if (!take_option(row, optarg, options)) {
			fprintf(stderr, "pomona-sim: --%s: not a good value: %s\n", row->name,
				optarg);
			return false;
		}
	}
	if (optind < argc)
		fprintf(stderr, "pomona-sim: not an option: %s\n", argv[optind]);
	return optind == argc;
}

/* What one option needs of others. */
static bool
options_fit(const struct options *options)
{
	const struct apns_options *apns = &options->apns;
	const struct fleet_options *fleet = &options->fleet;
	const char *missing = NULL;

	if (apns->listen != NULL && (apns->tls.certificate == NULL || apns->tls.key == NULL ||
					    apns->tls.client_ca == NULL))
		missing = "--apns-listen needs --apns-cert, --apns-key and --apns-client-ca";
	else if (fleet->devices > 0 && (options->url == NULL || fleet->ca == NULL ||
					       fleet->identities == NULL || fleet->topic == NULL))
		missing = "--devices needs --url, --tls-ca, --identities and --topic";
	else if (options->links.count > 0 && (fleet->ca == NULL || fleet->identities == NULL))
		missing = "--enroll needs --tls-ca and --identities";
	else if (options->links.count > 0 && (fleet->enrolled || options->load.duration_ms > 0))
		missing = "--enroll does not go with --enrolled or --load";
	else if (options->links.count == 0 && fleet->enrolling > 0)
		missing = "--enroll-devices needs --enroll";
	else if (fleet->rounds > 0 && fleet->polls == 0)
		missing = "--rounds needs --poll";
	else if (fleet->devices == 0 && options->links.count == 0 && apns->listen == NULL)
		missing = "neither --devices, --enroll nor --apns-listen: nothing to do";
	if (missing != NULL)
		fprintf(stderr, "pomona-sim: %s\n", missing);
	return missing == NULL;
}

/* What follows from several. */
static void
complete_options(struct options *options)
{
	struct fleet_options *fleet = &options->fleet;

	if (options->load.duration_ms > 0)
		fleet->enrolled = true;
	options->load.waits |= options->load.once;
	fleet->links = options->links.words;
	fleet->link_count = options->links.count;
	if (fleet->enrolling == 0)
		fleet->enrolling = (long)fleet->link_count;
	fleet->ends_when_idle = options->apns.listen == NULL &&
				(fleet->polls > 0 || fleet->renew || fleet->link_count > 0);
}

/* ---- signals ---- */

static volatile sig_atomic_t stop_asked, stats_asked;

static void
on_signal(int signal_number)
{
	if (signal_number == SIGUSR1)
		stats_asked = 1;
	else
		stop_asked = 1;
}

/* They come in only while the loop waits; WAITING is the mask for that. */
static void
catch_signals(sigset_t *waiting)
{
	static const int caught[] = {SIGTERM, SIGINT, SIGUSR1};
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t blocked;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++) {
		sigaddset(&blocked, caught[i]);
		sigaction(caught[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, waiting);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		sigdelset(waiting, caught[i]);
}

/* ---- the run ---- */

struct run {
	struct loop_timer timeout; /* first: found from it */
	bool timed_out;
	const struct options *options;
	struct loop *loop;
	struct http_target target;
	struct fleet *fleet;
	struct load *load;
	struct apns_server *apns;
	int64_t started_us;
};

static void
on_timeout(struct loop_timer *timer)
{
	((struct run *)timer)->timed_out = true;
}

static void
print_stats(const struct run *run)
{
	json_t *object = stats_json(&run->fleet->stats);

	json_object_set_new(object, "devices", json_integer((json_int_t)run->fleet->count));
	json_object_set_new(object, "elapsed_s",
		json_real((double)(clock_ticks_us() - run->started_us) / 1000000));
	if (run->load != NULL && load_is_over(run->load))
		json_object_set_new(object, "load", load_json(run->load));
	json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
	putchar('\n');
	fflush(stdout);
	json_decref(object);
}

/* Whole, or not at all. */
static enum err_kind
write_ready_file(const struct run *run, struct err *err)
{
	const char *path = run->options->ready_file;
	char draft[PATH_MOST];
	FILE *file;

	if (path == NULL)
		return ERR_OK;
	snprintf(draft, sizeof(draft), "%s.new", path);
	file = fopen(draft, "we");
	if (file == NULL)
		return err_set(err, ERR_IO, "%s: %s", draft, strerror(errno));
	fprintf(file, "POMONA_SIM_PID=%ld\n", (long)getpid());
	if (run->apns != NULL)
		fprintf(file, "POMONA_SIM_APNS=%s\n", apns_server_address(run->apns));
	if (fclose(file) != 0 || rename(draft, path) != 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	return ERR_OK;
}

static enum err_kind
prepare_fleet(struct run *run, struct err *err)
{
	const struct options *options = run->options;
	enum err_kind kind = ERR_OK;

	run->target.timeout_ms = options->answer_timeout_ms;
	if (options->url != NULL)
		kind = address_parse_url(&run->target.address, options->url, err);
	if (options->fleet.ca != NULL) {
		if (kind == ERR_OK)
			kind = tls_client_new(&run->target.tls, options->fleet.ca, err);
		if (kind == ERR_OK && options->fleet.resume)
			http_client_keep_sessions(run->target.tls);
	}
	if (kind == ERR_OK)
		kind = fleet_new(&run->fleet, run->loop, &run->target, &options->fleet, err);
	if (kind == ERR_OK && options->journal != NULL)
		kind = fleet_write_journal(run->fleet, options->journal, err);
	if (kind == ERR_OK && options->device_rules != NULL)
		kind = fleet_obey_rules(run->fleet, options->device_rules, err);
	return kind;
}

static enum err_kind
prepare(struct run *run, struct err *err)
{
	const struct options *options = run->options;
	enum err_kind kind;

	run->started_us = clock_ticks_us();
	run->loop = loop_new();
	if (run->loop == NULL)
		return err_set(err, ERR_IO, "epoll: %s", strerror(errno));
	if (options->ready_file != NULL)
		unlink(options->ready_file);
	if (options->timeout_ms > 0)
		loop_timer_set(run->loop, &run->timeout, options->timeout_ms, on_timeout);
	kind = prepare_fleet(run, err);
	if (kind == ERR_OK && options->apns.listen != NULL)
		kind = apns_server_new(&run->apns, run->loop, run->fleet, &options->apns, err);
	return kind;
}

/* One round of polls is over; the next begins when there is a line. */
static bool
begin_round(struct run *run, long *rounds)
{
	if (*rounds == 0 || !load_wait_for_line())
		return false;
	--*rounds;
	fleet_poll_again(run->fleet);
	return true;
}

/* Until a signal, the aim, or the end of the time; the exit status. */
static enum err_kind
run_loop(struct run *run, const sigset_t *waiting, int *status, struct err *err)
{
	long rounds = run->options->fleet.rounds;
	bool ready = false;

	if (run->options->load.duration_ms > 0)
		run->load = load_new(run->fleet, &run->options->load);
	else
		fleet_start(run->fleet);
	for (;;) {
		enum fleet_verdict verdict = fleet_verdict(run->fleet);

		if (!ready && fleet_is_ready(run->fleet)) {
			if (write_ready_file(run, err) != ERR_OK)
				return err->kind;
			ready = true;
		}
		if (stats_asked) {
			stats_asked = 0;
			print_stats(run);
		}
		if (verdict == FLEET_DONE && begin_round(run, &rounds))
			continue;
		*status = run->timed_out || verdict == FLEET_FAILED ? EXIT_FAILURE : EXIT_SUCCESS;
		if (stop_asked || run->timed_out || verdict != FLEET_GOES_ON ||
			(run->load != NULL && load_is_over(run->load)))
			break;
		loop_step(run->loop, waiting);
	}
	if (run->timed_out)
		log_line(LOG_ERROR, "time is up", NULL);
	if (run->options->stats)
		print_stats(run);
	return ERR_OK;
}

static void
release(struct run *run)
{
	apns_server_free(run->apns);
	load_free(run->load);
	fleet_free(run->fleet);
	SSL_CTX_free(run->target.tls);
	if (run->loop != NULL)
		loop_timer_clear(run->loop, &run->timeout);
	loop_free(run->loop);
}

/* As many connections as the system lets us have. */
static void
raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

int
main(int argc, char **argv)
{
	static struct options options = {.apns.max_streams = 100,
		.fleet.name = "enrolled",
		.fleet.checkin_path = "/mdm",
		.fleet.command_path = "/mdm",
		.fleet.concurrency = 64,
		.fleet.identities_kept = 4096,
		.fleet.not_now_retry_ms = 60000,
		.fleet.retry_cap_ms = 60000,
		.fleet.await_poll_ms = 1000,
		.answer_timeout_ms = 60000};
	struct run run = {.options = &options};
	struct err err = {0};
	sigset_t waiting;
	int status = EXIT_FAILURE;

	log_init("pomona-sim", LOG_INFO);
	if (!parse_options(argc, argv, &options)) {
		fputs("Try pomona-sim --help.\n", stderr);
		return EXIT_USAGE;
	}
	if (options.help || options.version) {
		if (options.help)
			print_help(stdout);
		else
			puts("pomona-sim " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	if (!options_fit(&options))
		return EXIT_USAGE;
	complete_options(&options);
	catch_signals(&waiting);
	raise_limits();
	if (prepare(&run, &err) != ERR_OK || run_loop(&run, &waiting, &status, &err) != ERR_OK) {
		log_line(LOG_ERROR, "failed", "error", err.message, NULL);
		status = EXIT_FAILURE;
	}
	release(&run);
	return status;
}
