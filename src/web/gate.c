#include "web/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FULL_PAUSE_MS = 50, STOP_PAUSE_MS = 1 };

static void
pause_ms(long ms)
{
	const struct timespec pause = {.tv_nsec = ms * 1000000};

	nanosleep(&pause, NULL);
}

void
gate_open(struct gate *gate, int listen_fd)
{
	gate->listen_fd = listen_fd;
	atomic_init(&gate->stopping, false);
	atomic_init(&gate->waiting, 0);
	fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) & ~O_NONBLOCK);
}

int
gate_accept(struct gate *gate)
{
	int fd = -1;

	atomic_fetch_add(&gate->waiting, 1);
	while (fd < 0 && !atomic_load(&gate->stopping)) {
		fd = accept4(gate->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
			pause_ms(FULL_PAUSE_MS); /* out of descriptors: no busy loop until there are
						    some */
	}
	atomic_fetch_sub(&gate->waiting, 1);
	return fd;
}

/* Wakes one who waits, here or in another process that shares the socket. */
static void
knock(const struct gate *gate)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	int fd;

	if (getsockname(gate->listen_fd, (struct sockaddr *)&name, &len) != 0)
		return;
	fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	/* When nobody takes it, the queue is full and all are awake. */
	if (connect(fd, (const struct sockaddr *)&name, len) != 0) {
	}
	close(fd);
}

void
gate_stop(struct gate *gate)
{
	atomic_store(&gate->stopping, true);
	while (atomic_load(&gate->waiting) > 0) {
		for (int i = atomic_load(&gate->waiting); i > 0; i--)
			knock(gate);
		pause_ms(STOP_PAUSE_MS);
	}
}
