/*
 * A request's way, one step after the other: see serve_one().
 */
#include "web/serve.h"

#include <fcgiapp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "mdm/enrollment.h"
#include "mdm/seen.h"
#include "web/budget.h"
#include "web/gate.h"
#include "web/peer.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/route.h"

enum {
	STACK_BYTES = 512 * 1024,
	TRIES_MOST =
		3, /* once, again when it has to write after all, again when the store was busy */
	SEEN_FLUSH_S = 2,
	STOP_PAUSE_MS = 5,
	STRANGER_MOST = 256 * 1024, /* bytes of a body from a certificate that is not pinned */
};

/* One thread: a request at a time. */
struct server {
	const struct serve_options *options;
	struct gate *gate;
	pthread_t thread;
	struct arena arena;
	struct mdm mdm;
	FCGX_Request fcgi;
	atomic_int idle_fd; /* the connection on which it waits for a request; -1: none */
	atomic_bool ended;
};

static atomic_bool stopping;
static atomic_bool store_gone; /* nothing may be answered any more */

/* ---- one request ---- */

static enum err_kind
decode(struct call *call, const struct route *route, struct err *err)
{
	struct request *request = call->request;

	if (route->body != ROUTE_PLIST)
		return ERR_OK;
	return plist_read_xml(call->mdm->reader, request->arena, request->body, request->body_len,
		&call->plist, err);
}

/* A handler at work. */
struct handling {
	struct call *call;
	const struct route *route;
	struct reply *reply;
};

static enum err_kind
run_handler(void *context, struct err *err)
{
	struct handling *handling = context;

	return handling->route->handle(handling->call, handling->reply, err);
}

/* The handler inside its transaction; the reply is worth something only when this gives ERR_OK. */
static enum err_kind
try_handle(struct call *call, const struct route *route, enum db_mode mode, struct reply *reply,
	struct err *err)
{
	struct handling handling = {.call = call, .route = route, .reply = reply};
	struct db *db = call->mdm->db;
	enum err_kind kind;

	reply_init(reply, call->request->arena);
	if (!route->store)
		return route->handle(call, reply, err);
	if (mode == DB_WRITE)
		return db_transact(db, run_handler, &handling, err);
	kind = db_begin(db, mode, err);
	if (kind != ERR_OK)
		return kind;
	kind = route->handle(call, reply, err);
	if (kind == ERR_OK)
		return db_commit(db, err);
	db_rollback(db);
	return kind;
}

/* As nothing has been sent yet, a handler can be run again. */
static enum err_kind
handle(struct call *call, const struct route *route, struct reply *reply, struct err *err)
{
	enum db_mode mode = route->writes != NULL && route->writes(call) ? DB_WRITE : DB_READ;
	enum err_kind kind = ERR_OK;
	bool was_busy = false;

	for (int tries = 0; tries < TRIES_MOST; tries++) {
		kind = try_handle(call, route, mode, reply, err);
		if (kind == ERR_NEEDS_WRITE && mode == DB_READ)
			mode = DB_WRITE;
		else if (kind == ERR_BUSY && !was_busy)
			was_busy = true;
		else
			break;
	}
	return kind;
}

static void
log_request(
	const struct call *call, const struct reply *reply, const struct err *err, int64_t began)
{
	char status[16], bytes[24], micros[24];
	bool wrong = reply->status >= 500;

	snprintf(status, sizeof(status), "%d", reply->status);
	snprintf(bytes, sizeof(bytes), "%zu", call->request->body_len);
	snprintf(micros, sizeof(micros), "%lld", (long long)(clock_ticks_us() - began));
	log_line(wrong                  ? LOG_ERROR
		 : reply->status >= 400 ? LOG_WARNING
					: LOG_INFO,
		"request", "method", call->request->method, "path", route_shown_path(call),
		"status", status, "bytes", bytes, "us", micros, "device", call->enrollment_id,
		"message", call->message, "command", call->command, "offered", call->offered,
		"remark", call->remark, "error", err->kind == ERR_OK ? NULL : err->message, NULL);
}

/*
 * A large body is read only when there is room for it, and from a device that is enrolled: an
 * enrollment begins with a small one.
 */
static enum err_kind
admit_body(struct call *call, const struct route *route, size_t len, struct err *err)
{
	bool known = true;
	enum err_kind kind = ERR_OK;

	if (route->access == ROUTE_DEVICE && len > STRANGER_MOST) {
		kind = db_begin(call->mdm->db, DB_READ, err);
		if (kind == ERR_OK) {
			kind = enrollment_knows_certificate(
				call->mdm, call->peer.certificate, &known, err);
			db_rollback(call->mdm->db);
		}
	}
	if (kind == ERR_OK && !known)
		return err_set(err, ERR_FORBIDDEN, "the certificate is of no enrolled device");
	if (kind == ERR_OK && !budget_take(len))
		return err_set(err, ERR_BUSY, "too many large messages at once");
	return kind;
}

/* Who calls, and what he sends; *ADMITTED bytes are to be given back to the budget. */
static enum err_kind
receive(struct call *call, const struct route *route, size_t cap, size_t *admitted, struct err *err)
{
	struct request *request = call->request;
	size_t len = request_length(request);
	enum err_kind kind = ERR_OK;

	if (route->store && atomic_load(&store_gone))
		kind = err_set(err, ERR_BUSY, "the store was moved away or replaced");
	if (kind == ERR_OK && route->access == ROUTE_DEVICE)
		kind = peer_identify(request, &call->peer, err);
	if (kind == ERR_OK && len <= cap) {
		kind = admit_body(call, route, len, err);
		*admitted = kind == ERR_OK ? len : 0;
	}
	if (kind == ERR_OK)
		return request_read_body(request, cap, err);
	request_read_body(request, 0, NULL); /* to its end, for the web server's sake */
	return kind;
}

static void
refuse(struct call *call, struct reply *reply, const struct err *err)
{
	reply_error(reply, call->request->arena, err);
	if (call->refuse != NULL)
		call->refuse(call, reply, err);
}

static void
serve_one(struct server *server, const struct gateway *gateway)
{
	const struct route *route = NULL;
	int64_t began = clock_ticks_us();
	struct request request;
	struct call call = {.request = &request, .mdm = &server->mdm};
	struct reply reply;
	struct err err = {0};
	size_t admitted = 0;
	enum err_kind kind;

	request_init(&request, gateway, &server->arena);
	log_set_request(request.id);
	reply_init(&reply, &server->arena);
	kind = route_find(request.method, request.path, &route, &reply.allow, &err);
	if (route != NULL) {
		call.route = route;
		call.tail = request.path + strlen(route->path);
	}
	if (kind == ERR_OK)
		kind = receive(&call, route,
			route->body_cap != 0 ? route->body_cap : server->options->max_body,
			&admitted, &err);
	else
		request_read_body(&request, 0, NULL);
	if (kind == ERR_OK)
		kind = decode(&call, route, &err);
	if (kind == ERR_OK)
		kind = handle(&call, route, &reply, &err);
	if (kind != ERR_OK)
		refuse(&call, &reply, &err);
	else
		err_clear(&err);
	if (!reply_send(&reply, &request))
		call.remark = "the web server did not take the reply";
	log_request(&call, &reply, &err, began);
	log_set_request("");
	arena_reset(&server->arena);
	budget_give(admitted);
}

/* ---- FastCGI ---- */

static const char *
fcgi_param(void *handle, const char *name)
{
	FCGX_Request *fcgi = handle;

	return FCGX_GetParam(name, fcgi->envp);
}

static long
fcgi_read(void *handle, void *bytes, size_t len)
{
	FCGX_Request *fcgi = handle;

	return FCGX_GetStr(bytes, (int)len, fcgi->in);
}

static bool
fcgi_write(void *handle, const void *bytes, size_t len)
{
	FCGX_Request *fcgi = handle;

	return FCGX_PutStr(bytes, (int)len, fcgi->out) == (int)len;
}

static void
server_init(struct server *server, const struct serve_options *options, struct seen *seen)
{
	*server = (struct server){.options = options};
	arena_init(&server->arena);
	atomic_init(&server->idle_fd, -1);
	atomic_init(&server->ended, false);
	server->mdm = (struct mdm){
		.db = db_open(options->store, &server->arena),
		.arena = &server->arena,
		.key = options->key,
		.conf = options->conf,
		.reader = plist_reader_new((struct plist_limits){.max_bytes = options->max_body,
			.max_nodes = plist_limits_default().max_nodes,
			.max_depth = plist_limits_default().max_depth}),
		.push_retry = options->push_retry,
		.seen = seen,
	};
}

static void
server_release(struct server *server)
{
	db_close(server->mdm.db);
	plist_reader_free(server->mdm.reader);
	arena_release(&server->arena);
}

/* Waits for a request; false: it is time to stop.  A connection that the web server keeps is known
 * while nothing is asked on it, so that a stop can end the wait. */
static bool
take_request(struct server *server)
{
	FCGX_Request *fcgi = &server->fcgi;
	bool taken = false;

	while (!taken && !atomic_load(&stopping)) {
		bool is_new = fcgi->ipcFd < 0;

		if (is_new) {
			fcgi->ipcFd = gate_accept(server->gate);
			fcgi->keepConnection = 1; /* else libfcgi closes it before it reads */
		}
		if (fcgi->ipcFd < 0)
			return false;
		atomic_store(&server->idle_fd, fcgi->ipcFd);
		/* libfcgi is given no socket to accept on: when the connection has ended, it comes
		 * back. */
		taken = (is_new || !atomic_load(&stopping)) && FCGX_Accept_r(fcgi) == 0;
		atomic_store(&server->idle_fd, -1);
	}
	return taken;
}

static void *
server_loop(void *argument)
{
	struct server *server = argument;
	struct gateway gateway = {.param = fcgi_param,
		.read = fcgi_read,
		.write = fcgi_write,
		.handle = &server->fcgi};

	FCGX_InitRequest(&server->fcgi, -1, 0);
	while (take_request(server)) {
		serve_one(server, &gateway);
		FCGX_Finish_r(&server->fcgi);
	}
	FCGX_Free(&server->fcgi, 1);
	atomic_store(&server->ended, true);
	return NULL;
}

/* Ends the waits on connections; false: all threads have ended. */
static bool
end_waits(struct server *servers, int count)
{
	bool any = false;

	for (int i = 0; i < count; i++) {
		int fd = atomic_load(&servers[i].idle_fd);

		if (fd >= 0)
			shutdown(fd, SHUT_RD);
		any = any || !atomic_load(&servers[i].ended);
	}
	return any;
}

/* No new connection, no further request on a kept one.  Who is serving goes on, and is waited for.
 */
static void
stop_all(struct server *servers, int count, struct gate *gate)
{
	const struct timespec pause = {.tv_nsec = STOP_PAUSE_MS * 1000000};

	atomic_store(&stopping, true);
	gate_stop(gate);
	while (end_waits(servers, count))
		nanosleep(&pause, NULL);
}

/* What is written to a file that is not the store any more would be lost. */
static void
watch_store(const struct db_store *store)
{
	bool gone = !db_store_is_there(store);

	if (gone && !atomic_load(&store_gone))
		log_line(LOG_ERROR, "the store was moved away or replaced: start again", NULL);
	atomic_store(&store_gone, gone);
}

/* Waits for a stop signal; meanwhile writes down when devices were seen. */
static void
wait_for_stop(struct seen *seen, struct mdm *mdm, const struct db_store *store)
{
	const struct timespec pause = {.tv_sec = SEEN_FLUSH_S};
	struct err err;
	sigset_t signals;
	int got;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	do {
		got = sigtimedwait(&signals, NULL, &pause);
		if (got < 0 && seen_flush(seen, mdm, &err) != ERR_OK)
			log_line(LOG_WARNING, "last-seen times are not written yet", "error",
				err.message, NULL);
		arena_reset(mdm->arena);
		watch_store(store);
	} while (got != SIGTERM && got != SIGINT);
}

static int
start_threads(struct server *servers, const struct serve_options *options, struct gate *gate,
	struct seen *seen)
{
	pthread_attr_t attributes;
	int started = 0;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (int i = 0; i < options->threads; i++) {
		server_init(&servers[i], options, seen);
		servers[i].gate = gate;
		if (pthread_create(&servers[i].thread, &attributes, server_loop, &servers[i]) !=
			0) {
			server_release(&servers[i]);
			break;
		}
		started++;
	}
	pthread_attr_destroy(&attributes);
	if (started < options->threads) {
		char count[16];

		snprintf(count, sizeof(count), "%d", started);
		log_line(LOG_WARNING, "not all threads could be started", "threads", count, NULL);
	}
	return started;
}

enum err_kind
serve_run(const struct serve_options *options, struct err *err)
{
	struct server *servers = calloc((size_t)options->threads, sizeof(*servers));
	struct seen *seen = seen_new();
	struct server main_server;
	struct gate gate;
	int started;

	if (servers == NULL)
		abort();
	server_init(&main_server, options, NULL);
	gate_open(&gate, options->listen_fd);
	started = start_threads(servers, options, &gate, seen);
	if (started > 0) {
		log_line(LOG_INFO, "ready", NULL);
		wait_for_stop(seen, &main_server.mdm, options->store);
	}
	stop_all(servers, started, &gate);
	for (int i = 0; i < started; i++) {
		pthread_join(servers[i].thread, NULL);
		server_release(&servers[i]);
	}
	gate_close(&gate);
	seen_flush(seen, &main_server.mdm, NULL);
	seen_free(seen);
	server_release(&main_server);
	free(servers);
	return started > 0 ? ERR_OK : err_set(err, ERR_INTERNAL, "no thread could be started");
}

void
serve_cgi(const struct serve_options *options)
{
	struct seen *seen = seen_new();
	struct server server;

	server_init(&server, options, seen);
	serve_one(&server, &gateway_cgi);
	seen_flush(seen, &server.mdm, NULL);
	server_release(&server);
	seen_free(seen);
}
