/*
 * A push comes from apns_connection.c, is judged and written down here, and wakes its device.
 */
#include "sim/apns_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "codec/text.h"
#include "sim/apns_connection.h"
#include "sim/fleet.h"

enum { BACKLOG = 128, ACCEPTS_MOST = 32 };

struct apns_server {
	struct loop_watch watch; /* first: found from it */
	struct loop *loop;
	struct fleet *fleet;
	SSL_CTX *tls;
	struct rules *rules;
	struct jsonl log;
	long max_streams;
	unsigned long connections_made;
	struct apns_connection *connections;
	char address[ADDRESS_TEXT_MOST];
	int fd;
};

struct loop *
apns_server_loop(const struct apns_server *server)
{
	return server->loop;
}

long
apns_server_max_streams(const struct apns_server *server)
{
	return server->max_streams;
}

const char *
apns_server_address(const struct apns_server *server)
{
	return server->address;
}

/* ---- judging ---- */

static void
obey(struct apns_answer *answer, const struct rule *rule)
{
	answer->delay_ms = rule->delay_ms;
	if (rule->action == RULE_NORMAL)
		return;
	answer->action = rule->action;
	if (rule->action == RULE_STATUS)
		answer->status = rule->status;
	else
		answer->status = 0;
	answer->retry_after = rule->retry_after;
	answer->timestamp = rule->timestamp;
	if (answer->status == 410 && answer->timestamp < 0)
		answer->timestamp = clock_now();
	if (answer->status != 200)
		snprintf(answer->reason, sizeof(answer->reason), "%s",
			rule->reason != NULL          ? rule->reason
			: rule->action == RULE_GOAWAY ? "Shutdown"
			: answer->status != 0         ? apns_reason_for(answer->status)
						      : "");
}

void
apns_server_decide(struct apns_server *server, const struct apns_request *request,
	const char *topic, struct apns_answer *answer)
{
	const char *reason;
	const struct rule *rule;

	*answer = (struct apns_answer){.action = RULE_STATUS, .timestamp = -1, .retry_after = -1};
	apns_request_id(request, answer->id);
	reason = apns_request_check(request, topic, &answer->status);
	if (reason != NULL) {
		snprintf(answer->reason, sizeof(answer->reason), "%s", reason);
		return;
	}
	rule = rules_match(server->rules, apns_request_token(request), NULL);
	if (rule != NULL)
		obey(answer, rule);
}

/* ---- writing down ---- */

static json_t *
text_or_null(const char *text)
{
	return text[0] != '\0' ? jsonl_string(text) : json_null();
}

static const char *
word_of(enum rule_action action)
{
	return action == RULE_GOAWAY ? "goaway" : action == RULE_DROP ? "drop" : "hang";
}

static void
write_down(struct apns_server *server, unsigned long connection, const struct apns_request *request,
	const struct apns_answer *answer, bool abandoned)
{
	bool answered = answer->action == RULE_STATUS && !abandoned;
	json_t *line, *payload;
	char time[CLOCK_ISO_SIZE];

	if (!server->log.open)
		return;
	line = json_object();
	payload = apns_request_payload(request);
	json_object_set_new(line, "time", json_string(jsonl_iso(request->came, time)));
	json_object_set_new(line, "connection", json_integer((json_int_t)connection));
	json_object_set_new(line, "token", text_or_null(apns_request_token(request)));
	json_object_set_new(line, "topic", text_or_null(request->topic));
	json_object_set_new(line, "push_type", text_or_null(request->push_type));
	json_object_set_new(line, "payload", payload != NULL ? payload : json_null());
	json_object_set_new(line, "priority", text_or_null(request->priority));
	json_object_set_new(line, "expiration", text_or_null(request->expiration));
	json_object_set_new(line, "apns_id", json_string(answer->id));
	json_object_set_new(line, "status", answered ? json_integer(answer->status) : json_null());
	json_object_set_new(line, "reason", text_or_null(answer->reason));
	if (!answered)
		json_object_set_new(line, "answer",
			json_string(abandoned ? "abandoned" : word_of(answer->action)));
	jsonl_write(&server->log, line);
}

static void
wake_device(struct apns_server *server, const struct apns_request *request)
{
	const char *token = apns_request_token(request);
	json_t *payload = apns_request_payload(request);
	const char *magic = apns_request_magic(payload);
	struct arena arena;
	unsigned char *bytes;
	size_t len;

	arena_init(&arena);
	bytes = text_hex_decode(&arena, token, strlen(token), &len);
	if (bytes != NULL && magic != NULL)
		fleet_push(server->fleet, bytes, len, magic);
	arena_release(&arena);
	json_decref(payload);
}

void
apns_server_told(struct apns_server *server, unsigned long connection,
	const struct apns_request *request, const struct apns_answer *answer, bool abandoned)
{
	write_down(server, connection, request, answer, abandoned);
	if (!abandoned && answer->action == RULE_STATUS && answer->status == 200)
		wake_device(server, request);
	else
		server->fleet->stats.push_errors++;
}

/* ---- listening ---- */

static void
on_client(struct loop_watch *watch, uint32_t events)
{
	struct apns_server *server = (struct apns_server *)watch;

	(void)events;
	for (int i = 0; i < ACCEPTS_MOST; i++) {
		struct err err;
		int fd = accept4(server->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		if (apns_connection_new(server, &server->connections, ++server->connections_made,
			    server->tls, fd, &err) != ERR_OK)
			log_line(LOG_ERROR, "no connection", "error", err.message, NULL);
	}
}

static enum err_kind
start_listening(struct apns_server *server, const char *text, struct err *err)
{
	struct address address;
	int on = 1;

	if (address_parse(&address, text, err) != ERR_OK)
		return err->kind;
	server->fd =
		socket(address.socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server->fd < 0)
		return err_set(err, ERR_IO, "%s: %s", text, strerror(errno));
	setsockopt(server->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(server->fd, (struct sockaddr *)&address.socket, address.len) != 0 ||
		listen(server->fd, BACKLOG) != 0)
		return err_set(err, ERR_IO, "%s: %s", text, strerror(errno));
	if (address_of_socket(server->fd, server->address, err) != ERR_OK)
		return err->kind;
	return loop_watch(server->loop, &server->watch, server->fd, EPOLLIN, on_client, err);
}

static enum err_kind
set_up(struct apns_server *server, const struct apns_options *options, struct err *err)
{
	enum err_kind kind = ERR_OK;

	if (options->rules != NULL)
		kind = rules_open(&server->rules, RULES_APNS, options->rules, err);
	if (kind == ERR_OK && options->log != NULL)
		kind = jsonl_open(&server->log, options->log, err);
	if (kind == ERR_OK)
		kind = tls_server_new(&server->tls, &options->tls, err);
	if (kind == ERR_OK)
		kind = start_listening(server, options->listen, err);
	return kind;
}

enum err_kind
apns_server_new(struct apns_server **out, struct loop *loop, struct fleet *fleet,
	const struct apns_options *options, struct err *err)
{
	struct apns_server *server = calloc(1, sizeof(*server));
	enum err_kind kind;

	*out = NULL;
	if (server == NULL) {
		fputs("level=error msg=\"out of memory\"\n", stderr);
		abort();
	}
	server->loop = loop;
	server->fleet = fleet;
	server->max_streams = options->max_streams;
	server->fd = -1;
	kind = set_up(server, options, err);
	if (kind == ERR_OK)
		*out = server;
	else
		apns_server_free(server);
	return kind;
}

void
apns_server_free(struct apns_server *server)
{
	if (server == NULL)
		return;
	while (server->connections != NULL)
		apns_connection_free(server->connections);
	loop_unwatch(server->loop, &server->watch);
	if (server->fd >= 0)
		close(server->fd);
	SSL_CTX_free(server->tls);
	rules_free(server->rules);
	jsonl_close(&server->log);
	free(server);
}
