#include "web/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPT_PAUSE_MS = 50 };

bool
gate_open(struct gate *gate, int listen_fd)
{
	gate->listen_fd = listen_fd;
	gate->stop_fd = eventfd(0, EFD_CLOEXEC);
	pthread_mutex_init(&gate->lock, NULL);
	return gate->stop_fd >= 0 && fcntl(listen_fd, F_SETFL, O_NONBLOCK) == 0;
}

void
gate_close(struct gate *gate)
{
	if (gate->stop_fd >= 0)
		close(gate->stop_fd);
	pthread_mutex_destroy(&gate->lock);
}

int
gate_accept(struct gate *gate)
{
	struct pollfd fds[] = {
		{.fd = gate->stop_fd, .events = POLLIN}, {.fd = gate->listen_fd, .events = POLLIN}};
	int fd = -1;

	pthread_mutex_lock(&gate->lock);
	while (fd < 0) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents != 0)
			break;
		fd = accept4(gate->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
			poll(fds, 1, ACCEPT_PAUSE_MS); /* not a busy loop until there is room */
	}
	pthread_mutex_unlock(&gate->lock);
	return fd;
}

void
gate_stop(struct gate *gate)
{
	eventfd_write(gate->stop_fd, 1);
}
