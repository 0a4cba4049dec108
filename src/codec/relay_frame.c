/*
 * Between mdm/relay.c, which asks, and worker/relay_server.c, which answers.  What is read here
 * ends up in an HTTP request, so that it is looked at closely although a program of ours has
 * written it.
 */
#include "codec/relay_frame.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "codec/plist.h"

enum { HEAD_NODES_MOST = 64, HEAD_DEPTH_MOST = 3, STATUS_LEAST = 100, STATUS_MOST = 599 };

static const char mark[4] = {'P', 'm', 'R', '1'};

/* ---- writing ---- */

static void
put_length(struct buf *buf, size_t len)
{
	const char bytes[4] = {(char)(len >> 24 & 0xff), (char)(len >> 16 & 0xff),
		(char)(len >> 8 & 0xff), (char)(len & 0xff)};

	buf_add(buf, bytes, sizeof(bytes));
}

static void
write_frame(struct buf *buf, const struct plist *head, const void *body, size_t body_len)
{
	struct buf json;

	buf_init(&json, buf->arena, RELAY_HEAD_MOST);
	plist_write_json(&json, head, false);
	if (json.full || body_len > RELAY_BODY_MOST) {
		buf->full = true;
		return;
	}
	buf_add(buf, mark, sizeof(mark));
	put_length(buf, json.len);
	put_length(buf, body_len);
	buf_add(buf, json.bytes, json.len);
	buf_add(buf, body, body_len);
}

static void
set_string(struct arena *arena, struct plist *head, const char *key, const char *value)
{
	if (value != NULL)
		plist_set(arena, head, key, plist_string(arena, value));
}

void
relay_write_request(struct buf *buf, const struct relay_request *request)
{
	struct plist *head = plist_dict(buf->arena), *headers = plist_dict(buf->arena);

	set_string(buf->arena, head, "service", request->service);
	set_string(buf->arena, head, "method", request->method);
	set_string(buf->arena, head, "url", request->url);
	for (size_t i = 0; i < request->header_count; i++)
		set_string(
			buf->arena, headers, request->headers[i].name, request->headers[i].value);
	plist_set(buf->arena, head, "headers", headers);
	write_frame(buf, head, request->body, request->body_len);
}

void
relay_write_answer(struct buf *buf, const struct relay_answer *answer)
{
	struct plist *head = plist_dict(buf->arena);

	if (answer->status != 0)
		plist_set(buf->arena, head, "status", plist_integer(buf->arena, answer->status));
	set_string(buf->arena, head, "content_type", answer->content_type);
	set_string(buf->arena, head, "error", answer->error);
	write_frame(buf, head, answer->body, answer->body_len);
}

/* ---- reading ---- */

static size_t
get_length(const unsigned char *p)
{
	return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

enum err_kind
relay_frame_size(const void *bytes, size_t len, size_t *whole, struct err *err)
{
	const unsigned char *p = bytes;
	size_t head, body;

	*whole = 0;
	if (memcmp(p, mark, len < sizeof(mark) ? len : sizeof(mark)) != 0)
		return err_set(err, ERR_BAD_INPUT, "this is no frame of the relay");
	if (len < RELAY_PREFIX_SIZE)
		return ERR_OK;
	head = get_length(p + 4);
	body = get_length(p + 8);
	if (head > RELAY_HEAD_MOST || body > RELAY_BODY_MOST)
		return err_set(err, ERR_TOO_LARGE, "a frame of the relay has at most %d bytes",
			RELAY_FRAME_MOST);
	*whole = RELAY_PREFIX_SIZE + head + body;
	return ERR_OK;
}

/* A frame in its parts. */
struct parts {
	struct plist *head;
	const void *body;
	size_t body_len;
};

static enum err_kind
split(struct arena *arena, const void *bytes, size_t len, struct parts *parts, struct err *err)
{
	const struct plist_limits limits = {.max_bytes = RELAY_HEAD_MOST,
		.max_nodes = HEAD_NODES_MOST,
		.max_depth = HEAD_DEPTH_MOST};
	const char *head = (const char *)bytes + RELAY_PREFIX_SIZE;
	size_t whole, head_len;

	if (relay_frame_size(bytes, len, &whole, err) != ERR_OK)
		return err->kind;
	if (whole == 0 || whole != len)
		return err_set(err, ERR_BAD_INPUT, "the frame is not whole");
	head_len = get_length((const unsigned char *)bytes + 4);
	parts->body = head + head_len;
	parts->body_len = len - RELAY_PREFIX_SIZE - head_len;
	return plist_read_json(limits, arena, head, head_len, &parts->head, err);
}

/* Nothing that ends a line of HTTP. */
static bool
is_line(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static bool
is_header_name(const char *name)
{
	if (*name == '\0')
		return false;
	for (; *name != '\0'; name++)
		if (!isalnum((unsigned char)*name) && *name != '-')
			return false;
	return true;
}

static bool
is_method(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "PUT") == 0 ||
	       strcmp(method, "POST") == 0;
}

static bool
is_url(const char *url)
{
	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		return false;
	for (; *url != '\0'; url++)
		if (!isgraph((unsigned char)*url))
			return false;
	return true;
}

static enum err_kind
take_headers(const struct plist *headers, struct relay_request *request, struct err *err)
{
	if (headers == NULL || headers->type != PLIST_DICT)
		return err_set(err, ERR_BAD_INPUT, "headers must be an object");
	for (const struct plist *p = headers->as.items.first; p != NULL; p = p->next) {
		if (request->header_count == RELAY_HEADERS_MOST)
			return err_set(err, ERR_TOO_LARGE, "a request has at most %d headers",
				RELAY_HEADERS_MOST);
		if (p->type != PLIST_STRING || !is_header_name(p->key) ||
			!is_line(p->as.string.bytes))
			return err_set(err, ERR_BAD_INPUT, "a header will not do");
		request->headers[request->header_count++] =
			(struct relay_header){p->key, p->as.string.bytes};
	}
	return ERR_OK;
}

enum err_kind
relay_read_request(struct arena *arena, const void *bytes, size_t len,
	struct relay_request *request, struct err *err)
{
	struct parts parts;

	*request = (struct relay_request){0};
	if (split(arena, bytes, len, &parts, err) != ERR_OK)
		return err->kind;
	request->service = plist_get_string(parts.head, "service");
	request->method = plist_get_string(parts.head, "method");
	request->url = plist_get_string(parts.head, "url");
	if (request->service == NULL)
		return err_set(err, ERR_BAD_INPUT, "service must be a string");
	if (request->method == NULL || !is_method(request->method))
		return err_set(err, ERR_BAD_INPUT, "method must be GET, PUT or POST");
	if (request->url == NULL || !is_url(request->url))
		return err_set(err, ERR_BAD_INPUT, "url must be one of http:// or https://");
	request->body = parts.body;
	request->body_len = parts.body_len;
	return take_headers(plist_get(parts.head, "headers"), request, err);
}

enum err_kind
relay_read_answer(struct arena *arena, const void *bytes, size_t len, struct relay_answer *answer,
	struct err *err)
{
	struct parts parts;
	int64_t status = 0;

	*answer = (struct relay_answer){0};
	if (split(arena, bytes, len, &parts, err) != ERR_OK)
		return err->kind;
	answer->error = plist_get_string(parts.head, "error");
	if (answer->error != NULL)
		return ERR_OK;
	if (!plist_get_int64(parts.head, "status", &status) || status < STATUS_LEAST ||
		status > STATUS_MOST)
		return err_set(err, ERR_BAD_INPUT, "there is neither a status nor an error");
	answer->status = (int)status;
	answer->content_type = plist_get_string(parts.head, "content_type");
	answer->body = parts.body;
	answer->body_len = parts.body_len;
	return ERR_OK;
}
