/*
 * The floor of the benchmark: what libfcgi costs with threads like ours that read the body and give
 * a fixed reply of 300 bytes, the size of a short command.
 *
 *	trivial SOCKET THREADS [sessions]
 *
 * With "sessions" only an Idle gets the command, and all else an empty reply, so that a device's
 * session ends.
 */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { REPLY = 300, THREADS_MOST = 1024, BACKLOG = 1024, STACK_BYTES = 512 * 1024 };

static int listen_fd;
static bool sessions;
static char reply[REPLY + 1];

static void
make_reply(void)
{
	static const char command[] =
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist "
		"version=\"1.0\"><dict><key>Command</key>"
		"<dict><key>RequestType</key><string>SecurityInfo</string></dict>"
		"<key>CommandUUID</key><string>11111111-2222-3333-4444-555555555555</string>"
		"</dict></plist>\n";

	memset(reply, ' ', REPLY);
	memcpy(reply, command, sizeof(command) - 1);
}

static void *
serve(void *unused)
{
	FCGX_Request request;
	char piece[16 * 1024];
	int got;

	(void)unused;
	FCGX_InitRequest(&request, listen_fd, 0);
	while (FCGX_Accept_r(&request) == 0) {
		bool idle = false;

		while ((got = FCGX_GetStr(piece, sizeof(piece) - 1, request.in)) > 0) {
			piece[got] = '\0';
			idle = idle || (sessions && strstr(piece, "<string>Idle<") != NULL);
		}
		if (sessions && !idle) {
			FCGX_PutS("Status: 200 OK\r\nContent-Length: 0\r\n\r\n", request.out);
			FCGX_Finish_r(&request);
			continue;
		}
		FCGX_FPrintF(request.out,
			"Status: 200 OK\r\nContent-Type: application/xml\r\nContent-Length: "
			"%d\r\n\r\n%s",
			REPLY, reply);
		FCGX_Finish_r(&request);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	int threads = argc == 3 || argc == 4 ? (int)strtol(argv[2], NULL, 10) : 0;
	pthread_attr_t attributes;
	pthread_t thread;

	if (threads < 1 || threads > THREADS_MOST) {
		fputs("usage: trivial SOCKET THREADS [sessions]\n", stderr);
		return 2;
	}
	sessions = argc == 4;
	make_reply();
	FCGX_Init();
	umask(0);
	listen_fd = FCGX_OpenSocket(argv[1], BACKLOG);
	if (listen_fd < 0)
		return 1;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (int i = 1; i < threads; i++)
		if (pthread_create(&thread, &attributes, serve, NULL) != 0)
			return 1;
	puts("ready");
	fflush(stdout);
	serve(NULL);
	return 0;
}
