/*
 * The last step of a request, after the commit.
 */
#include "web/reply.h"

enum { BODY_MOST = 64 * 1024 * 1024, RETRY_AFTER_S = 10 };

static const struct {
	enum err_kind kind;
	int status;
} statuses[] = {
	{ERR_OK, 200},
	{ERR_BAD_INPUT, 400},
	{ERR_TOO_LARGE, 413},
	{ERR_FORBIDDEN, 403}, /* never 401: that unenrolls a device (micromdm#102) */
	{ERR_NOT_FOUND, 404},
	{ERR_NOT_ALLOWED, 405},
	{ERR_CONFLICT, 409},
	{ERR_GONE, 410},
	{ERR_BUSY, 503},
};

static const char *
phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} phrases[] = {
		{200, "OK"},
		{303, "See Other"},
		{400, "Bad Request"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{409, "Conflict"},
		{410, "Gone"},
		{413, "Content Too Large"},
		{503, "Service Unavailable"},
	};

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Internal Server Error";
}

int
reply_status(enum err_kind kind)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].kind == kind)
			return statuses[i].status;
	return 500;
}

void
reply_init(struct reply *reply, struct arena *arena)
{
	*reply = (struct reply){.status = 200};
	buf_init(&reply->body, arena, BODY_MOST);
}

void
reply_error(struct reply *reply, struct arena *arena, const struct err *err)
{
	const char *allow = reply->allow;

	reply_init(reply, arena);
	reply->status = reply_status(err->kind);
	reply->content_type = "text/plain; charset=utf-8";
	if (reply->status == 405)
		reply->allow = allow;
	if (reply->status == 503)
		reply->retry_after = RETRY_AFTER_S;
	/* What went wrong inside is for the log alone. */
	buf_printf(
		&reply->body, "%s\n", reply->status >= 500 ? phrase(reply->status) : err->message);
}

bool
reply_send(const struct reply *reply, const struct request *request)
{
	const struct gateway *gateway = request->gateway;
	struct buf out;

	/* One write for a usual reply: head and body together. */
	buf_init(&out, request->arena, BODY_MOST + 1024);
	buf_printf(&out, "Status: %d %s\r\n", reply->status, phrase(reply->status));
	if (reply->content_type != NULL)
		buf_printf(&out, "Content-Type: %s\r\n", reply->content_type);
	if (reply->retry_after > 0)
		buf_printf(&out, "Retry-After: %d\r\n", reply->retry_after);
	if (reply->allow != NULL)
		buf_printf(&out, "Allow: %s\r\n", reply->allow);
	if (reply->headers != NULL)
		buf_str(&out, reply->headers);
	buf_printf(&out, "Content-Length: %zu\r\n\r\n", reply->body.len);
	buf_add(&out, reply->body.bytes, reply->body.len);
	return gateway->write(gateway->handle, out.bytes, out.len);
}
