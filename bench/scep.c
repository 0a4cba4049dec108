/*
 * Identities a second by SCEP: N requests, made beforehand, over K connections in plain HTTP.
 *
 *	scep PORT CA.pem CHALLENGE COUNT CONNECTIONS
 *
 * Prints the seconds from the first request to the last reply.  Then each reply is read as a device
 * would: whoever got no identity ends it with an error.
 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "codec/scep_client.h"

enum { REPLY_MOST = 64 * 1024, CONNECTIONS_MOST = 256, PEM_MOST = 64 * 1024 };

struct asking {
	struct scep_client *client;
	struct scep_bytes message;
	char *reply; /* head and body */
	size_t reply_len, head_len;
};

static struct asking *all;
static long count;
static atomic_long next_one;
static uint16_t port;

static void
die(const char *what)
{
	fprintf(stderr, "scep: %s\n", what);
	exit(1);
}

static const char *
read_pem(const char *path, struct arena *arena)
{
	FILE *file = fopen(path, "r");
	char *pem = arena_alloc(arena, PEM_MOST);
	size_t len = file == NULL ? 0 : fread(pem, 1, PEM_MOST - 1, file);

	if (len == 0)
		die(path);
	fclose(file);
	pem[len] = '\0';
	return pem;
}

/* All with one key, as making keys takes longer than all the rest. */
static void
prepare(struct arena *arena, const char *ca_pem, const char *challenge)
{
	struct x509_identity ca, device;
	struct x509_issuer *issuer;
	struct x509_client template = {.common_name = "bench", .days = 1};
	struct scep_client_terms terms = {
		.ca_pem = ca_pem, .common_name = "bench", .challenge = challenge};
	struct err err;

	if (x509_make_ca(arena, "bench", NULL, 1, &ca, &err) != ERR_OK ||
		x509_issuer_new(&ca, &issuer, &err) != ERR_OK ||
		x509_issue_client(arena, issuer, &template, &device, &err) != ERR_OK)
		die(err.message);
	x509_issuer_free(issuer);
	terms.key_pem = device.key_pem;
	for (long i = 0; i < count; i++)
		if (scep_client_new(&terms, &all[i].client, &err) != ERR_OK ||
			scep_client_ask(arena, all[i].client, SCEP_PKCS_REQ, &all[i].message,
				&err) != ERR_OK)
			die(err.message);
}

static int
connect_to(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		die(strerror(errno));
	return fd;
}

static void
send_all(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len > 0) {
		ssize_t put = write(fd, p, len);

		if (put <= 0)
			die("the connection broke");
		p += put;
		len -= (size_t)put;
	}
}

/* How long the whole reply is, once its head is there; 0 before. */
static size_t
reply_length(struct asking *asking)
{
	const char *end = strstr(asking->reply, "\r\n\r\n");
	const char *length = strstr(asking->reply, "Content-Length: ");

	if (end == NULL)
		return 0;
	if (length == NULL || length > end)
		die("a reply without a length");
	asking->head_len = (size_t)(end + 4 - asking->reply);
	return asking->head_len + strtoul(length + strlen("Content-Length: "), NULL, 10);
}

static void
receive(int fd, struct asking *asking)
{
	size_t wanted = 0;

	asking->reply = calloc(1, REPLY_MOST);
	if (asking->reply == NULL)
		abort();
	while (wanted == 0 || asking->reply_len < wanted) {
		ssize_t got = read(
			fd, asking->reply + asking->reply_len, REPLY_MOST - 1 - asking->reply_len);

		if (got <= 0)
			die("a reply broke off");
		asking->reply_len += (size_t)got;
		if (wanted == 0)
			wanted = reply_length(asking);
	}
}

static void *
work(void *unused)
{
	char *request = malloc(REPLY_MOST);
	int fd = connect_to();
	long i;

	if (request == NULL)
		abort();

	while ((i = atomic_fetch_add(&next_one, 1)) < count) {
		/* In one piece, or the kernel waits before it sends the second one. */
		int len = snprintf(request, REPLY_MOST,
			"POST /scep?operation=PKIOperation HTTP/1.1\r\nHost: localhost\r\n"
			"Content-Length: %zu\r\n\r\n",
			all[i].message.len);

		memcpy(request + len, all[i].message.bytes, all[i].message.len);
		send_all(fd, request, (size_t)len + all[i].message.len);
		receive(fd, &all[i]);
	}
	close(fd);
	free(request);
	return unused;
}

static void
check(struct arena *arena)
{
	struct x509_identity identity;
	enum scep_fail fail;
	struct err err;

	for (long i = 0; i < count; i++)
		if (scep_client_take(arena, all[i].client, all[i].reply + all[i].head_len,
			    all[i].reply_len - all[i].head_len, &identity, &fail, &err) != ERR_OK)
			die(err.message);
}

int
main(int argc, char **argv)
{
	pthread_t threads[CONNECTIONS_MOST];
	struct arena arena;
	int64_t began;
	long connections;

	if (argc != 6)
		die("usage: scep PORT CA.pem CHALLENGE COUNT CONNECTIONS");
	port = (uint16_t)strtoul(argv[1], NULL, 10);
	count = strtol(argv[4], NULL, 10);
	connections = strtol(argv[5], NULL, 10);
	all = calloc((size_t)(count > 0 ? count : 1), sizeof(*all));
	if (all == NULL || count < 1 || connections < 1 || connections > CONNECTIONS_MOST)
		die("COUNT is at least 1, CONNECTIONS 1 to 256");
	arena_init(&arena);
	prepare(&arena, read_pem(argv[2], &arena), argv[3]);
	began = clock_ticks_us();
	for (long i = 0; i < connections; i++)
		if (pthread_create(&threads[i], NULL, work, NULL) != 0)
			die("no thread");
	for (long i = 0; i < connections; i++)
		pthread_join(threads[i], NULL);
	printf("%.6f\n", (double)(clock_ticks_us() - began) / 1e6);
	check(&arena);
	return 0;
}
