/*
 * A connection's way: open, then send and receive until the time is up; between two messages it
 * waits for its turn, where not all may be at it at once.
 */
#include "sim/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "sim/answers.h"
#include "sim/persona.h"

enum { UUID_LEN = 36, AGAIN_MS = 100, REQUEST_MOST = 32 * 1024 * 1024 };

/* A kind of message: how often it was answered, and how fast. */
struct tally {
	struct histogram took;
	uint64_t with_command;
};

struct connection {
	struct http_client http; /* first: found from it */
	struct loop_timer timer; /* until it connects again */
	struct load *load;
	struct device *device;
	struct connection *next; /* of those that wait for their turn */
	char *idle, *answer;     /* whole requests */
	size_t idle_len, answer_len;
	char *uuid;          /* in the answer, to be written over */
	bool answering, met; /* the first message is over */
	bool answers_next;
	int64_t sent_us;
};

struct load {
	struct fleet *fleet;
	struct load_options options;
	struct connection *connections;
	size_t count, met;
	struct connection *first, *last; /* wait for their turn */
	size_t under_way;
	int64_t began_us, ends_us; /* 0: not all are connected yet */
	double began_cpu, took_cpu;
	struct loop_timer timer;
	uint64_t lost, refused;
	struct tally idle, answer;
	bool over;
};

static double
cpu_seconds(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* ---- messages ---- */

static struct plist *
answer_of(struct connection *connection)
{
	static const char placeholder[] = "00000000-0000-0000-0000-000000000000";
	struct arena *arena = &connection->load->fleet->scratch;
	size_t wanted = (size_t)connection->load->options.answer_bytes, size = 300;
	struct plist *message, *apps = plist_array(arena);
	struct persona persona;

	persona_make(&persona, connection->device->name);
	message = answer_idle(arena, &persona);
	plist_set(arena, message, "Status", plist_string(arena, "Acknowledged"));
	plist_set(arena, message, "CommandUUID", plist_string(arena, placeholder));
	for (int n = 1; size < wanted; n++, size += 290) {
		struct plist *app = plist_dict(arena);

		plist_set(arena, app, "Identifier",
			plist_string(arena, arena_printf(arena, "com.example.application%d", n)));
		plist_set(arena, app, "Name",
			plist_string(arena, arena_printf(arena, "Application %d", n)));
		plist_set(arena, app, "Version", plist_string(arena, "10.2.1"));
		plist_set(arena, app, "BundleSize", plist_integer(arena, 1000000 + n));
		plist_set(arena, app, "Installing", plist_boolean(arena, false));
		plist_append(apps, app);
	}
	plist_set(arena, message, "InstalledApplicationList", apps);
	return message;
}

static char *
request_of(struct connection *connection, const struct plist *message, size_t *len)
{
	struct fleet *fleet = connection->load->fleet;
	const struct fleet_server *server = connection->device->server;
	struct http_message request;
	struct buf xml;
	char *bytes;

	buf_init(&xml, &fleet->scratch, REQUEST_MOST);
	plist_write_xml(&xml, message, false);
	request = (struct http_message){.method = "PUT",
		.path = server->command_path,
		.content_type = "application/x-apple-aspen-mdm",
		.body = xml.bytes,
		.body_len = xml.len};
	bytes = http_request(&server->target, &request, len);
	arena_reset(&fleet->scratch);
	return bytes;
}

static void
make_messages(struct connection *connection)
{
	struct persona persona;

	persona_make(&persona, connection->device->name);
	connection->idle = request_of(connection,
		answer_idle(&connection->load->fleet->scratch, &persona), &connection->idle_len);
	connection->answer = request_of(connection, answer_of(connection), &connection->answer_len);
	connection->uuid = strstr(connection->answer, "00000000-0000-0000-0000-000000000000");
}

/* ---- the way ---- */

static void
send_next(struct connection *connection, bool answering)
{
	connection->answering = answering;
	connection->sent_us = clock_ticks_us();
	http_client_send(&connection->http, answering ? connection->answer : connection->idle,
		answering ? connection->answer_len : connection->idle_len);
}

static void
begin(struct connection *connection)
{
	struct fleet *fleet = connection->load->fleet;
	struct tls_identity identity;
	struct err err = {0};

	if (fleet_take_identity(fleet, connection->device, &identity, &err) == ERR_OK) {
		http_client_open(&connection->http, &identity, &err);
		tls_identity_release(&identity);
	}
	if (err.kind != ERR_OK) {
		log_line(LOG_ERROR, "no connection", "error", err.message, NULL);
		connection->load->over = true;
		connection->load->ends_us = connection->load->began_us;
		return;
	}
	send_next(connection, false);
}

static void
begin_again(struct loop_timer *timer)
{
	begin((struct connection *)((char *)timer - offsetof(struct connection, timer)));
}

static void
finish(struct load *load)
{
	load->ends_us = clock_ticks_us();
	load->took_cpu = cpu_seconds() - load->began_cpu;
	load->over = true;
}

static void
time_is_up(struct loop_timer *timer)
{
	finish((struct load *)((char *)timer - offsetof(struct load, timer)));
}

static void
start_count(struct load *load)
{
	load->began_us = clock_ticks_us();
	load->began_cpu = cpu_seconds();
	loop_timer_set(load->fleet->loop, &load->timer, load->options.duration_ms, time_is_up);
}

/* The first answer of a connection; with the last connection's the count begins. */
static void
meet(struct connection *connection)
{
	struct load *load = connection->load;

	connection->met = true;
	if (++load->met < load->count)
		return;
	if (!load->options.waits)
		start_count(load);
}

/* ---- turns ---- */

static void
queue_up(struct connection *connection)
{
	struct load *load = connection->load;

	connection->next = NULL;
	if (load->first == NULL)
		load->first = connection;
	else
		load->last->next = connection;
	load->last = connection;
}

/* As many at once as wanted. */
static void
let_in(struct load *load)
{
	size_t most = load->options.at_once > 0 ? (size_t)load->options.at_once : load->count;

	while (load->first != NULL && load->under_way < most && !load->over) {
		struct connection *connection = load->first;

		load->first = connection->next;
		load->under_way++;
		if (http_client_is_open(&connection->http))
			send_next(connection, connection->answers_next);
		else
			begin(connection);
	}
}

static void
queue_all(struct load *load)
{
	for (size_t i = 0; i < load->count; i++)
		queue_up(&load->connections[i]);
	let_in(load);
}

/* Each sends one message: until all are connected, where they wait then, or after that, where once
 * is enough. */
static bool
has_rounds(const struct load *load)
{
	return load->began_us == 0 ? load->options.waits : load->options.once;
}

/* All have connected, or all have sent their Idle. */
static void
end_round(struct load *load)
{
	if (load->began_us != 0) {
		finish(load);
		return;
	}
	if (!load_wait_for_line()) {
		load->began_us = clock_ticks_us();
		finish(load);
		return;
	}
	start_count(load);
	queue_all(load);
}

bool
load_wait_for_line(void)
{
	int byte;

	puts("{\"waiting\":true}");
	fflush(stdout);
	while ((byte = getchar()) != '\n')
		if (byte == EOF)
			return false;
	return true;
}

/* The UUID of the command in a reply, written into the answer; false: there is no command. */
static bool
take_command(struct connection *connection)
{
	static const char mark[] = "<key>CommandUUID</key>";
	const char *at = connection->http.response.body;

	at = at == NULL ? NULL : strstr(at, mark);
	at = at == NULL ? NULL : strstr(at, "<string>");
	if (at == NULL || strlen(at) < strlen("<string>") + UUID_LEN)
		return false;
	memcpy(connection->uuid, at + strlen("<string>"), UUID_LEN);
	return true;
}

static void
on_done(struct http_client *http, bool answered)
{
	struct connection *connection = (struct connection *)http;
	struct load *load = connection->load;
	struct tally *tally = connection->answering ? &load->answer : &load->idle;
	bool command, counts = load->began_us != 0 && !load->over;

	if (!answered || http->response.status != 200) {
		load->lost += !answered;
		load->refused += answered;
		http_client_close(http);
		loop_timer_set(load->fleet->loop, &connection->timer, AGAIN_MS, begin_again);
		return;
	}
	command = take_command(connection);
	if (counts) {
		histogram_add(&tally->took, clock_ticks_us() - connection->sent_us);
		tally->with_command += command;
	}
	if (!connection->met)
		meet(connection);
	connection->answers_next = command && load->options.answer_bytes > 0 &&
				   !(load->options.turns && connection->answering);
	load->under_way--;
	if (!has_rounds(load))
		queue_up(connection);
	let_in(load);
	if (has_rounds(load) && load->under_way == 0 && !load->over)
		end_round(load);
}

struct load *
load_new(struct fleet *fleet, const struct load_options *options)
{
	struct load *load = calloc(1, sizeof(*load));

	if (load != NULL)
		load->connections = calloc(fleet->count, sizeof(*load->connections));
	if (load == NULL || load->connections == NULL) {
		fputs("level=error msg=\"out of memory\"\n", stderr);
		abort();
	}
	load->fleet = fleet;
	load->options = *options;
	load->count = fleet->count;
	for (size_t i = 0; i < load->count; i++) {
		struct connection *connection = &load->connections[i];

		connection->load = load;
		connection->device = &fleet->devices[i];
		http_client_init(&connection->http, fleet->loop,
			&connection->device->server->target, on_done);
		make_messages(connection);
	}
	queue_all(load);
	return load;
}

void
load_free(struct load *load)
{
	if (load == NULL)
		return;
	loop_timer_clear(load->fleet->loop, &load->timer);
	for (size_t i = 0; i < load->count; i++) {
		struct connection *connection = &load->connections[i];

		http_client_release(&connection->http);
		loop_timer_clear(load->fleet->loop, &connection->timer);
		free(connection->idle);
		free(connection->answer);
	}
	free(load->connections);
	free(load);
}

bool
load_is_over(const struct load *load)
{
	return load->over;
}

static json_t *
tally_json(const struct tally *tally)
{
	json_t *object = histogram_json(&tally->took);

	json_object_set_new(object, "with_command", json_integer((json_int_t)tally->with_command));
	return object;
}

json_t *
load_json(const struct load *load)
{
	return json_pack("{s:f, s:f, s:I, s:I, s:o, s:o}", "seconds",
		(double)(load->ends_us - load->began_us) / 1e6, "cpu_seconds", load->took_cpu,
		"lost", (json_int_t)load->lost, "refused", (json_int_t)load->refused, "idle",
		tally_json(&load->idle), "answer", tally_json(&load->answer));
}
