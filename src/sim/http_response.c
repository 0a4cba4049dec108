/*
 * From the bytes of a connection to a status and a body.
 */
#include "sim/http_response.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LINE_FIRST = 256, BODY_FIRST = 1024, DIGITS_MOST = 15 };

static void *
grow(void *piece, size_t size)
{
	piece = realloc(piece, size);
	if (piece == NULL) {
		fputs("level=error msg=\"out of memory\"\n", stderr);
		abort();
	}
	return piece;
}

/* ---- the head ---- */

/* Digits to the end of TEXT; -1 when it is anything else. */
static int64_t
whole_number(const char *text)
{
	size_t len = strspn(text, "0123456789");

	return len == 0 || len > DIGITS_MOST || text[len] != '\0' ? -1 : strtoll(text, NULL, 10);
}

/* HTTP/1.1 200 OK */
static enum err_kind
take_status_line(struct http_response *response, const char *line, struct err *err)
{
	static const char version[] = "HTTP/1.1 ";
	const char *code = line + sizeof(version) - 1;

	if (strncmp(line, version, sizeof(version) - 1) != 0 || strspn(code, "0123456789") != 3 ||
		(code[3] != ' ' && code[3] != '\0') || code[0] < '1' || code[0] > '5')
		return err_set(err, ERR_BAD_INPUT, "no HTTP/1.1 status line: %.40s", line);
	response->status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
	response->keep_alive = true;
	response->retry_after = -1;
	response->content_length = -1;
	response->chunked = false;
	response->type[0] = '\0';
	response->phase = HTTP_HEADERS;
	return ERR_OK;
}

static enum err_kind
take_length(struct http_response *response, const char *value, struct err *err)
{
	int64_t length = whole_number(value);

	if (length < 0 || (response->content_length >= 0 && response->content_length != length))
		return err_set(err, ERR_BAD_INPUT, "bad Content-Length: %.40s", value);
	response->content_length = length;
	return ERR_OK;
}

static void
take_type(struct http_response *response, const char *value)
{
	size_t len = strcspn(value, "; \t");

	if (len < sizeof(response->type))
		snprintf(response->type, sizeof(response->type), "%.*s", (int)len, value);
}

static enum err_kind
take_header(struct http_response *response, char *line, struct err *err)
{
	char *colon = strchr(line, ':'), *value, *end;

	if (colon == NULL || colon == line || isspace((unsigned char)line[0]) ||
		isspace((unsigned char)colon[-1]))
		return err_set(err, ERR_BAD_INPUT, "bad header: %.40s", line);
	*colon = '\0';
	value = colon + 1 + strspn(colon + 1, " \t");
	for (end = value + strlen(value); end > value && (end[-1] == ' ' || end[-1] == '\t');)
		*--end = '\0';
	if (strcasecmp(line, "Content-Length") == 0)
		return take_length(response, value, err);
	if (strcasecmp(line, "Transfer-Encoding") == 0) {
		if (strcasecmp(value, "chunked") != 0 || response->chunked)
			return err_set(err, ERR_BAD_INPUT, "Transfer-Encoding: %.40s", value);
		response->chunked = true;
	} else if (strcasecmp(line, "Connection") == 0) {
		if (strcasecmp(value, "close") == 0)
			response->keep_alive = false;
	} else if (strcasecmp(line, "Content-Type") == 0) {
		take_type(response, value);
	} else if (strcasecmp(line, "Retry-After") == 0) {
		response->retry_after = whole_number(value);
	}
	return ERR_OK;
}

static enum err_kind
end_head(struct http_response *response, struct err *err)
{
	if (response->status < 200) { /* 100 Continue: the real one is to come */
		response->phase = HTTP_STATUS_LINE;
		return ERR_OK;
	}
	if (response->chunked && response->content_length >= 0)
		return err_set(err, ERR_BAD_INPUT, "both Content-Length and chunked");
	if (response->status == 204 || response->status == 304) {
		response->phase = HTTP_WHOLE;
		return ERR_OK;
	}
	if (response->chunked) {
		response->phase = HTTP_CHUNK_SIZE;
		return ERR_OK;
	}
	if (response->content_length < 0)
		return err_set(err, ERR_BAD_INPUT, "neither Content-Length nor chunked");
	if (response->content_length > HTTP_BODY_MOST)
		return err_set(err, ERR_TOO_LARGE, "a body of over %d bytes", HTTP_BODY_MOST);
	response->left = (size_t)response->content_length;
	response->phase = response->left > 0 ? HTTP_BODY : HTTP_WHOLE;
	return ERR_OK;
}

/* ---- chunks ---- */

/* 1a4[;extension] */
static enum err_kind
take_chunk_size(struct http_response *response, const char *line, struct err *err)
{
	size_t digits = strspn(line, "0123456789abcdefABCDEF");
	const char *after = line + digits + strspn(line + digits, " \t");

	if (digits == 0 || digits > 8 || (*after != '\0' && *after != ';'))
		return err_set(err, ERR_BAD_INPUT, "bad chunk size: %.40s", line);
	response->left = strtoul(line, NULL, 16);
	if (response->left > HTTP_BODY_MOST - response->body_len)
		return err_set(err, ERR_TOO_LARGE, "a body of over %d bytes", HTTP_BODY_MOST);
	response->phase = response->left > 0 ? HTTP_BODY : HTTP_TRAILERS;
	return ERR_OK;
}

/* ---- lines and bytes ---- */

static enum err_kind
take_line(struct http_response *response, char *line, struct err *err)
{
	switch (response->phase) {
	case HTTP_STATUS_LINE:
		return take_status_line(response, line, err);
	case HTTP_HEADERS:
		return line[0] == '\0' ? end_head(response, err) : take_header(response, line, err);
	case HTTP_CHUNK_SIZE:
		return take_chunk_size(response, line, err);
	case HTTP_CHUNK_END:
		if (line[0] != '\0')
			return err_set(err, ERR_BAD_INPUT, "a chunk is longer than it says");
		response->phase = HTTP_CHUNK_SIZE;
		return ERR_OK;
	case HTTP_TRAILERS:
		if (line[0] == '\0')
			response->phase = HTTP_WHOLE;
		return ERR_OK;
	default:
		return err_set(err, ERR_INTERNAL, "no line is due");
	}
}

/* Adds to the line; when that ends it, takes it. */
static enum err_kind
feed_line(struct http_response *response, const char *bytes, size_t len, size_t *used,
	struct err *err)
{
	const char *newline = memchr(bytes, '\n', len);
	size_t piece = newline != NULL ? (size_t)(newline - bytes) : len;
	size_t need = response->line_len + piece + 1;

	*used = newline != NULL ? piece + 1 : piece;
	response->head_len += *used;
	if (need > HTTP_LINE_MOST || response->head_len > HTTP_HEAD_MOST)
		return err_set(err, ERR_TOO_LARGE, "the head of the answer is too long");
	if (need > response->line_size) {
		response->line_size = need < LINE_FIRST ? LINE_FIRST : need * 2;
		response->line = grow(response->line, response->line_size);
	}
	memcpy(response->line + response->line_len, bytes, piece);
	response->line_len += piece;
	if (newline == NULL)
		return ERR_OK;
	if (response->line_len == 0 || response->line[response->line_len - 1] != '\r' ||
		memchr(response->line, '\0', response->line_len) != NULL)
		return err_set(err, ERR_BAD_INPUT, "a line of the head does not end in CR LF");
	response->line[response->line_len - 1] = '\0';
	response->line_len = 0;
	return take_line(response, response->line, err);
}

static void
feed_body(struct http_response *response, const char *bytes, size_t len, size_t *used)
{
	size_t piece = len < response->left ? len : response->left;
	size_t need = response->body_len + piece + 1;

	if (need > response->body_size) {
		/* as large as it is going to be, where that is known */
		size_t size =
			response->chunked ? need * 2 : response->body_len + response->left + 1;

		response->body_size = size < BODY_FIRST ? BODY_FIRST : size;
		response->body = grow(response->body, response->body_size);
	}
	memcpy(response->body + response->body_len, bytes, piece);
	response->body_len += piece;
	response->body[response->body_len] = '\0';
	response->left -= piece;
	*used = piece;
	if (response->left == 0)
		response->phase = response->chunked ? HTTP_CHUNK_END : HTTP_WHOLE;
}

enum err_kind
http_response_feed(struct http_response *response, const char *bytes, size_t len, size_t *used,
	struct err *err)
{
	enum err_kind kind = ERR_OK;
	size_t at = 0, piece;

	while (kind == ERR_OK && at < len && response->phase != HTTP_WHOLE) {
		if (response->phase == HTTP_BODY)
			feed_body(response, bytes + at, len - at, &piece);
		else
			kind = feed_line(response, bytes + at, len - at, &piece, err);
		at += piece;
	}
	*used = at;
	return kind;
}

void
http_response_clear(struct http_response *response)
{
	char *line = response->line;
	size_t size = response->line_size;

	free(response->body);
	*response = (struct http_response){.line = line, .line_size = size};
}

void
http_response_release(struct http_response *response)
{
	free(response->line);
	free(response->body);
	*response = (struct http_response){0};
}
