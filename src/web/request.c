/*
 * The first step of a request: what the web server passed on.
 */
#include "web/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

enum { READ_CHUNK = 16 * 1024 };

static const char *
cgi_param(void *handle, const char *name)
{
	(void)handle;
	return getenv(name);
}

extern char **environ;

static int
cgi_count(void *handle, const char *name)
{
	(void)handle;
	return request_count_in(environ, name);
}

static long
cgi_read(void *handle, void *bytes, size_t len)
{
	ssize_t got;

	(void)handle;
	do
		got = read(STDIN_FILENO, bytes, len);
	while (got < 0 && errno == EINTR);
	return (long)got;
}

static bool
cgi_write(void *handle, const void *bytes, size_t len)
{
	const char *p = bytes;

	(void)handle;
	while (len > 0) {
		ssize_t put = write(STDOUT_FILENO, p, len);

		if (put < 0 && errno != EINTR)
			return false;
		if (put > 0) {
			p += put;
			len -= (size_t)put;
		}
	}
	return true;
}

const struct gateway gateway_cgi = {
	.param = cgi_param, .read = cgi_read, .write = cgi_write, .count = cgi_count};

int
request_count_in(char *const *environment, const char *name)
{
	size_t len = strlen(name);
	int count = 0;

	for (; *environment != NULL; environment++)
		count += strncmp(*environment, name, len) == 0 && (*environment)[len] == '=';
	return count;
}

int
request_param_count(const struct request *request, const char *name)
{
	return request->gateway->count(request->gateway->handle, name);
}

const char *
request_param(const struct request *request, const char *name)
{
	const char *value = request->gateway->param(request->gateway->handle, name);

	return value == NULL ? "" : value;
}

void
request_init(struct request *request, const struct gateway *gateway, struct arena *arena)
{
	const char *uri;

	*request = (struct request){.gateway = gateway, .arena = arena, .body = ""};
	clock_serial_uuid(request->id);
	request->method = request_param(request, "REQUEST_METHOD");
	uri = request_param(request, "DOCUMENT_URI");
	if (*uri == '\0')
		uri = request_param(request, "REQUEST_URI");
	if (*uri == '\0')
		uri = request_param(request, "SCRIPT_NAME");
	request->path = arena_memdup(arena, uri, strcspn(uri, "?"));
}

size_t
request_length(const struct request *request)
{
	const char *text = request_param(request, "CONTENT_LENGTH");
	char *end;
	unsigned long long length = strtoull(text, &end, 10);

	return *end == '\0' && length < (size_t)-1 / 2 ? (size_t)length : 0;
}

enum err_kind
request_read_body(struct request *request, size_t cap, struct err *err)
{
	const struct gateway *gateway = request->gateway;
	size_t left = request_length(request);
	struct buf body;
	char chunk[READ_CHUNK];
	long got = 1;

	buf_init(&body, request->arena, cap);
	if (left <= cap)
		buf_room(&body, left); /* one allocation instead of a few */
	while (left > 0 && (got = gateway->read(gateway->handle, chunk,
				    left < READ_CHUNK ? left : READ_CHUNK)) > 0) {
		buf_add(&body, chunk, (size_t)got);
		left -= (size_t)got;
	}
	if (left > 0)
		return err_set(err, ERR_BUSY, "the body broke off, %zu bytes are missing", left);
	if (body.full)
		return err_set(err, ERR_TOO_LARGE, "the body is larger than %zu bytes", cap);
	request->body = body.bytes;
	request->body_len = body.len;
	return ERR_OK;
}
