/*
 * One loop: new connections, requests, what libcurl has to do, answers.  libcurl waits for all of
 * them together.
 */
#include "worker/relay_server.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/local.h"
#include "base/log.h"
#include "worker/relay_call.h"

enum {
	SOCKET_MODE = 0600, /* responder and worker are the same user */
	CONNECTIONS_MOST = 256,
	CALLS_MOST = 64,
	BUSY_MS = 500,       /* deadlines are looked at so often */
	IDLE_MS = 60 * 1000, /* a new connection and a stop end the wait */
	STACK_BYTES = 512 * 1024,
};

struct relay_server {
	const struct conf *conf;
	int listen_fd;
	bool running;
	bool complained;
	pthread_t thread;
	atomic_bool stopping;
	CURLM *multi;

	/* the thread's own */
	struct relay_call *calls;
	size_t count, calling;
};

/* ---- the steps of all calls ---- */

static void
accept_some(struct relay_server *server)
{
	while (server->count < CONNECTIONS_MOST) {
		int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct relay_call *call;

		if (fd < 0)
			return;
		call = relay_call_new(fd);
		call->next = server->calls;
		server->calls = call;
		server->count++;
	}
}

static void
start_call(struct relay_server *server, struct relay_call *call)
{
	if (server->calling >= CALLS_MOST) {
		relay_call_refuse(call, "too many calls are under way");
		return;
	}
	if (!relay_call_prepare(call, server->conf))
		return;
	if (curl_multi_add_handle(server->multi, call->easy) == CURLM_OK)
		server->calling++;
	else
		relay_call_refuse(call, "libcurl does not take the call");
}

static void
end_call(struct relay_server *server, struct relay_call *call)
{
	curl_multi_remove_handle(server->multi, call->easy);
	server->calling--;
}

static void
collect(struct relay_server *server)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(server->multi, &left)) != NULL) {
		CURLcode code = message->data.result;
		struct relay_call *call = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		end_call(server, call);
		relay_call_done(call, code);
	}
}

/* What has happened on a call's connection. */
static void
step(struct relay_server *server, struct relay_call *call, short events)
{
	if (call->state == RELAY_READING && events != 0 && relay_call_read(call))
		start_call(server, call);
	else if (call->state == RELAY_CALLING &&
		 (events & (CURL_WAIT_POLLPRI | CURL_WAIT_POLLIN)) != 0) {
		end_call(server, call); /* whoever asked has gone */
		call->state = RELAY_OVER;
	}
	if (call->state == RELAY_WRITING)
		relay_call_write(call);
	if (call->state != RELAY_CALLING && call->deadline < clock_ticks_us())
		call->state = RELAY_OVER;
}

static void
sweep(struct relay_server *server)
{
	struct relay_call **at = &server->calls;

	while (*at != NULL) {
		struct relay_call *call = *at;

		if (call->state != RELAY_OVER) {
			at = &call->next;
			continue;
		}
		*at = call->next;
		server->count--;
		relay_call_free(call);
	}
}

/* ---- the loop ---- */

/* Everything that is waited for: the calls in the order of the list, then the socket. */
static unsigned
fill_in(const struct relay_server *server, struct curl_waitfd *fds)
{
	static const short wanted[] = {[RELAY_READING] = CURL_WAIT_POLLIN,
		[RELAY_CALLING] = CURL_WAIT_POLLIN,
		[RELAY_WRITING] = CURL_WAIT_POLLOUT};
	unsigned n = 0;

	for (const struct relay_call *call = server->calls; call != NULL; call = call->next)
		fds[n++] = (struct curl_waitfd){.fd = call->fd, .events = wanted[call->state]};
	if (server->count < CONNECTIONS_MOST)
		fds[n++] =
			(struct curl_waitfd){.fd = server->listen_fd, .events = CURL_WAIT_POLLIN};
	return n;
}

static void
turn(struct relay_server *server)
{
	struct curl_waitfd fds[CONNECTIONS_MOST + 1];
	unsigned n = 0, count = fill_in(server, fds);
	int running;

	curl_multi_poll(server->multi, fds, count, server->count > 0 ? BUSY_MS : IDLE_MS, NULL);
	curl_multi_perform(server->multi, &running);
	for (struct relay_call *call = server->calls; call != NULL; call = call->next)
		step(server, call, fds[n++].revents);
	curl_multi_perform(server->multi, &running);
	collect(server);
	sweep(server);
	accept_some(server);
}

static void *
run(void *argument)
{
	struct relay_server *server = argument;

	while (!atomic_load(&server->stopping))
		turn(server);
	for (struct relay_call *call = server->calls; call != NULL; call = call->next) {
		if (call->state == RELAY_CALLING)
			end_call(server, call);
		call->state = RELAY_OVER;
	}
	sweep(server);
	return NULL;
}

/* ---- beginning and end ---- */

struct relay_server *
relay_server_new(const struct conf *conf)
{
	struct relay_server *server = calloc(1, sizeof(*server));

	if (server == NULL)
		abort();
	server->conf = conf;
	atomic_init(&server->stopping, false);
	server->multi = curl_multi_init();
	if (server->multi == NULL)
		abort();
	return server;
}

/* Signals are for the main thread. */
static bool
start_thread(struct relay_server *server)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	bool started;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	started = pthread_create(&server->thread, &attributes, run, server) == 0;
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

static enum err_kind
start(struct relay_server *server, struct err *err)
{
	const char *path = server->conf->relay_socket;
	enum err_kind kind = local_listen(path, SOCKET_MODE, &server->listen_fd, err);

	if (kind != ERR_OK)
		return kind;
	fcntl(server->listen_fd, F_SETFL, fcntl(server->listen_fd, F_GETFL) | O_NONBLOCK);
	fcntl(server->listen_fd, F_SETFD, FD_CLOEXEC);
	server->running = start_thread(server);
	if (server->running)
		return ERR_OK;
	local_remove(path, server->listen_fd);
	close(server->listen_fd);
	return err_set(err, ERR_INTERNAL, "its thread cannot be started");
}

void
relay_server_tend(struct relay_server *server)
{
	struct err err;

	if (server->running)
		return;
	if (start(server, &err) == ERR_OK) {
		log_line(LOG_INFO, "the relay to back-ends is open", "socket",
			server->conf->relay_socket, NULL);
		server->complained = false;
	} else if (!server->complained) {
		log_line(LOG_WARNING, "there is no relay to back-ends here", "error", err.message,
			NULL);
		server->complained = true;
	}
}

void
relay_server_free(struct relay_server *server)
{
	if (server == NULL)
		return;
	if (server->running) {
		local_remove(server->conf->relay_socket, server->listen_fd);
		atomic_store(&server->stopping, true);
		curl_multi_wakeup(server->multi);
		pthread_join(server->thread, NULL);
		close(server->listen_fd);
	}
	curl_multi_cleanup(server->multi);
	free(server);
}
