#include "sim/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static bool
is_loopback(const struct sockaddr_storage *socket)
{
	if (socket->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)socket;

		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	}
	if (socket->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)socket)->sin6_addr);
	return false;
}

static bool
is_number(const char *host)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static enum err_kind
resolve(struct address *address, const char *port, struct err *err)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	int failed = getaddrinfo(address->host, port, &hints, &found);

	if (failed != 0)
		return err_set(
			err, ERR_BAD_INPUT, "%s: %s", address->authority, gai_strerror(failed));
	memcpy(&address->socket, found->ai_addr, found->ai_addrlen);
	address->len = found->ai_addrlen;
	freeaddrinfo(found);
	if (!is_loopback(&address->socket))
		return err_set(err, ERR_FORBIDDEN,
			"%s: the simulator talks to this machine only (127.0.0.1, [::1])",
			address->authority);
	return ERR_OK;
}

enum err_kind
address_parse(struct address *address, const char *text, struct err *err)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon != NULL ? (size_t)(colon - text) : 0;

	*address = (struct address){0};
	if (len == 0 || colon[1] == '\0')
		return err_set(err, ERR_BAD_INPUT, "%.100s: not HOST:PORT", text);
	snprintf(address->authority, sizeof(address->authority), "%s", text);
	if (text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(address->host))
		return err_set(err, ERR_BAD_INPUT, "%.100s: no such host", text);
	memcpy(address->host, text, len);
	address->is_ip = is_number(address->host);
	return resolve(address, colon + 1, err);
}

/* The schemes a URL may have, and their ports. */
static const struct scheme {
	const char *start, *port;
	bool tls;
} schemes[] = {{"https://", ":443", true}, {"http://", ":80", false}};

enum err_kind
address_read_url(struct url *out, const char *url, struct err *err)
{
	const struct scheme *scheme = &schemes[0];
	char text[ADDRESS_TEXT_MOST];
	const char *rest, *port;
	size_t len;

	*out = (struct url){0};
	if (strncmp(url, schemes[1].start, strlen(schemes[1].start)) == 0)
		scheme = &schemes[1];
	else if (strncmp(url, scheme->start, strlen(scheme->start)) != 0)
		return err_set(err, ERR_BAD_INPUT, "%.100s: not an http:// or https:// URL", url);
	rest = url + strlen(scheme->start);
	len = strcspn(rest, "/?#");
	if (len + strlen(scheme->port) + 1 > sizeof(text))
		return err_set(err, ERR_BAD_INPUT, "%.100s: the host's name is too long", url);
	memcpy(text, rest, len);
	text[len] = '\0';
	port = strrchr(text, ':');
	if (port == NULL || strchr(port, ']') != NULL)
		memcpy(text + len, scheme->port, strlen(scheme->port) + 1);
	rest += len;
	out->tls = scheme->tls;
	if (strcspn(rest, "#") + 2 > sizeof(out->path) || strcspn(rest, " \t\r\n") < strlen(rest))
		return err_set(err, ERR_BAD_INPUT, "%.100s: too long a path, or blanks in it", url);
	snprintf(out->path, sizeof(out->path), "%s%.*s", *rest == '/' ? "" : "/",
		(int)strcspn(rest, "#"), rest);
	return address_parse(&out->address, text, err);
}

enum err_kind
address_parse_url(struct address *address, const char *text, struct err *err)
{
	struct url url;
	enum err_kind kind = address_read_url(&url, text, err);

	*address = url.address;
	if (kind == ERR_OK && !url.tls)
		return err_set(err, ERR_BAD_INPUT, "%.100s: not an https:// URL", text);
	if (kind == ERR_OK && strcmp(url.path, "/") != 0)
		return err_set(
			err, ERR_BAD_INPUT, "%.100s: a URL without a path is asked for", text);
	return kind;
}

enum err_kind
address_of_socket(int fd, char text[ADDRESS_TEXT_MOST], struct err *err)
{
	struct sockaddr_storage socket = {0};
	socklen_t len = sizeof(socket);
	char host[ADDRESS_HOST_MOST], port[16];

	if (getsockname(fd, (struct sockaddr *)&socket, &len) != 0)
		return err_set(err, ERR_IO, "getsockname: %s", strerror(errno));
	if (getnameinfo((struct sockaddr *)&socket, len, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return err_set(err, ERR_IO, "getnameinfo failed");
	snprintf(text, ADDRESS_TEXT_MOST, socket.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
		port);
	return ERR_OK;
}
