#include "sim/session_journal.h"

#include <jansson.h>

#include "sim/answers.h"

static json_t *
line_for(const struct persona *persona)
{
	char now[CLOCK_ISO_SIZE];
	json_t *line = json_object();

	json_object_set_new(line, "time", json_string(jsonl_iso(clock_now(), now)));
	json_object_set_new(line, "device", json_string(persona->udid));
	return line;
}

static json_t *
reply_json(const struct plist *reply)
{
	const char *uuid, *request_type;
	json_t *object;

	if (reply == NULL)
		return json_null();
	answer_peek(reply, &uuid, &request_type);
	object = json_object();
	json_object_set_new(object, "command_uuid", jsonl_string(uuid));
	json_object_set_new(object, "request_type", jsonl_string(request_type));
	return object;
}

void
journal_exchange(struct fleet *fleet, const struct journal_exchange *exchange)
{
	json_t *line;

	if (!fleet->journal.open)
		return;
	line = line_for(exchange->persona);
	json_object_set_new(line, "message", json_string(exchange->message));
	json_object_set_new(line, "command_uuid", jsonl_string(exchange->uuid));
	json_object_set_new(line, "request_type", jsonl_string(exchange->request_type));
	json_object_set_new(line, "attempt", json_integer((json_int_t)exchange->attempt));
	json_object_set_new(line, "http_status",
		exchange->http_status != 0 ? json_integer(exchange->http_status) : json_null());
	json_object_set_new(line, "reply", reply_json(exchange->reply));
	if (exchange->error != NULL)
		json_object_set_new(line, "error", jsonl_string(exchange->error));
	json_object_set_new(line, "ms", json_real((double)exchange->us / 1000));
	jsonl_write(&fleet->journal, line);
}

void
journal_event(struct fleet *fleet, const struct persona *persona, const char *event,
	const char *request_type)
{
	json_t *line;

	if (!fleet->journal.open)
		return;
	line = line_for(persona);
	json_object_set_new(line, "event", json_string(event));
	if (request_type != NULL)
		json_object_set_new(line, "request_type", jsonl_string(request_type));
	jsonl_write(&fleet->journal, line);
}
