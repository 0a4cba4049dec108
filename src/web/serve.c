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
#include "mdm/relay.h"
#include "mdm/scep_desk.h"
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

/* What all threads work with. */
struct shared {
	const struct serve_options *options;
	struct peer_rules peers;
	struct scep_desk *desk;
	struct seen *seen;
	struct relay *relay;
	struct gate *gate; /* NULL: plain CGI */
};

/* One thread: a request at a time. */
struct server {
	const struct serve_options *options;
	const struct peer_rules *peers;
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
	call->after = NULL;
	if (route->store != ROUTE_TRANSACTION)
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
	char status[16], bytes[24], micros[24], sha1[24];
	bool wrong = reply->status >= 500;

	snprintf(status, sizeof(status), "%d", reply->status);
	snprintf(bytes, sizeof(bytes), "%zu", call->request->body_len);
	snprintf(micros, sizeof(micros), "%lld", (long long)(clock_ticks_us() - began));
	snprintf(sha1, sizeof(sha1), "%llu", (unsigned long long)call->peer.sha1_count);
	log_line(wrong                  ? LOG_ERROR
		 : reply->status >= 400 ? LOG_WARNING
					: LOG_INFO,
		"request", "method", call->request->method, "path", route_shown_path(call),
		"status", status, "bytes", bytes, "us", micros, "device", call->enrollment_id,
		"message", call->message, "command", call->command, "offered", call->offered,
		"remark", call->remark, "sha1_signatures", call->peer.sha1_count > 0 ? sha1 : NULL,
		"error", err->kind == ERR_OK ? NULL : err->message, NULL);
}

/* Is his certificate, or the one he claims, an enrolled device's? */
static enum err_kind
knows_caller(struct server *server, struct call *call, bool *known, struct err *err)
{
	char certificate[X509_HASH_SIZE];
	enum err_kind kind = ERR_OK;

	memcpy(certificate, call->peer.certificate, sizeof(certificate));
	if (call->peer.signature != NULL)
		kind = peer_claim(server->peers, call->mdm, &call->peer, certificate, err);
	if (kind == ERR_OK)
		kind = db_begin(call->mdm->db, DB_READ, err);
	if (kind != ERR_OK)
		return kind;
	kind = enrollment_knows_certificate(call->mdm, certificate, known, err);
	db_rollback(call->mdm->db);
	return kind;
}

/*
 * A large body is read only when there is room for it, and from a device that is enrolled: an
 * enrollment begins with a small one.
 */
static enum err_kind
admit_body(struct server *server, struct call *call, const struct route *route, size_t len,
	struct err *err)
{
	bool known = true;
	enum err_kind kind = ERR_OK;

	if (route->access == ROUTE_DEVICE && len > STRANGER_MOST)
		kind = knows_caller(server, call, &known, err);
	if (kind == ERR_OK && !known)
		return err_set(err, ERR_FORBIDDEN, "the certificate is of no enrolled device");
	if (kind == ERR_OK && !budget_take(len))
		return err_set(err, ERR_BUSY, "too many large messages at once");
	return kind;
}

/* Who calls, and what he sends; *ADMITTED bytes are to be given back to the budget. */
static enum err_kind
receive(struct server *server, struct call *call, const struct route *route, size_t *admitted,
	struct err *err)
{
	size_t cap = route->body_cap != 0 ? route->body_cap : server->options->max_body;
	struct request *request = call->request;
	size_t len = request_length(request);
	enum err_kind kind = ERR_OK;

	if (route->store != ROUTE_NO_STORE && atomic_load(&store_gone))
		kind = err_set(err, ERR_BUSY, "the store was moved away or replaced");
	if (kind == ERR_OK && route->access == ROUTE_DEVICE)
		kind = peer_identify(server->peers, call->mdm, request, &call->peer, err);
	if (kind == ERR_OK && len <= cap) {
		kind = admit_body(server, call, route, len, err);
		*admitted = kind == ERR_OK ? len : 0;
	}
	if (kind != ERR_OK) {
		request_read_body(request, 0, NULL); /* to its end, for the web server's sake */
		return kind;
	}
	kind = request_read_body(request, cap, err);
	if (kind == ERR_OK)
		kind = peer_verify_body(server->peers, call->mdm, request, &call->peer, err);
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
		kind = receive(server, &call, route, &admitted, &err);
	else
		request_read_body(&request, 0, NULL);
	if (kind == ERR_OK)
		kind = decode(&call, route, &err);
	if (kind == ERR_OK)
		kind = handle(&call, route, &reply, &err);
	if (kind == ERR_OK && call.after != NULL)
		kind = call.after(&call, &reply, &err);
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

static int
fcgi_count(void *handle, const char *name)
{
	FCGX_Request *fcgi = handle;

	return request_count_in(fcgi->envp, name);
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
server_init(struct server *server, const struct shared *shared)
{
	const struct serve_options *options = shared->options;

	*server =
		(struct server){.options = options, .peers = &shared->peers, .gate = shared->gate};
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
		.relay = shared->relay,
		.scep_desk = shared->desk,
		.seen = shared->seen,
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
		.count = fcgi_count,
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

/* Takes what became of the master key; while there is none it may be put back.  Tells what is wrong
 * once. */
static void
watch_key(struct mdm *mdm, const char *path)
{
	static enum err_kind told = ERR_NOT_FOUND; /* said at the start */
	struct err err = {0};
	bool had = seal_key_is_there(mdm->key);
	enum err_kind kind = had ? seal_key_refresh(mdm->key, &err) : mdm_find_key(mdm, path, &err);

	if (kind == ERR_OK && !had)
		log_line(LOG_INFO, "the master key is there", NULL);
	if (kind != ERR_OK && kind != told)
		log_line(LOG_ERROR, "the master key cannot be used", "error", err.message, NULL);
	told = kind;
}

/* Waits for a stop signal; meanwhile writes down when devices were seen. */
static void
wait_for_stop(struct seen *seen, struct mdm *mdm, const struct serve_options *options)
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
		watch_key(mdm, options->key_path);
		arena_reset(mdm->arena);
		watch_store(options->store);
	} while (got != SIGTERM && got != SIGINT);
}

static int
start_threads(struct server *servers, const struct shared *shared)
{
	pthread_attr_t attributes;
	int started = 0;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (int i = 0; i < shared->options->threads; i++) {
		server_init(&servers[i], shared);
		if (pthread_create(&servers[i].thread, &attributes, server_loop, &servers[i]) !=
			0) {
			server_release(&servers[i]);
			break;
		}
		started++;
	}
	pthread_attr_destroy(&attributes);
	if (started < shared->options->threads) {
		char count[16];

		snprintf(count, sizeof(count), "%d", started);
		log_line(LOG_WARNING, "not all threads could be started", "threads", count, NULL);
	}
	return started;
}

static void
shared_open(struct shared *shared, const struct serve_options *options, struct gate *gate)
{
	*shared = (struct shared){
		.options = options,
		.peers = {.header = options->header,
			.trust = peer_trust_new(),
			.cache = peer_cache_new()},
		.desk = scep_desk_new(),
		.relay = relay_new(options->conf, (options->threads + 1) / 2),
		.seen = seen_new(),
		.gate = gate,
	};
}

static void
shared_close(struct shared *shared)
{
	seen_free(shared->seen);
	relay_free(shared->relay);
	scep_desk_free(shared->desk);
	peer_trust_free(shared->peers.trust);
	peer_cache_free(shared->peers.cache);
}

enum err_kind
serve_run(const struct serve_options *options, struct err *err)
{
	struct server *servers = calloc((size_t)options->threads, sizeof(*servers));
	struct server main_server;
	struct shared shared;
	struct gate gate;
	int started;

	if (servers == NULL)
		abort();
	shared_open(&shared, options, &gate);
	server_init(&main_server, &shared);
	gate_open(&gate, options->listen_fd);
	started = start_threads(servers, &shared);
	if (started > 0) {
		log_line(LOG_INFO, "ready", NULL);
		wait_for_stop(shared.seen, &main_server.mdm, options);
	}
	stop_all(servers, started, &gate);
	for (int i = 0; i < started; i++) {
		pthread_join(servers[i].thread, NULL);
		server_release(&servers[i]);
	}
	gate_close(&gate);
	seen_flush(shared.seen, &main_server.mdm, NULL);
	server_release(&main_server);
	shared_close(&shared);
	free(servers);
	return started > 0 ? ERR_OK : err_set(err, ERR_INTERNAL, "no thread could be started");
}

void
serve_cgi(const struct serve_options *options)
{
	struct server server;
	struct shared shared;

	shared_open(&shared, options, NULL);
	server_init(&server, &shared);
	serve_one(&server, &gateway_cgi);
	seen_flush(shared.seen, &server.mdm, NULL);
	server_release(&server);
	shared_close(&shared);
}
