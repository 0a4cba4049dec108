#include "web/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

enum { FULL_PAUSE_MS = 50, STOP_PAUSE_MS = 1 };

/* A thread that waits; on its stack.  While it is in the list, and only then, it may be sent a
 * signal. */
struct seat {
	pthread_t thread;
	struct seat *next;
};

static void
pause_ms(long ms)
{
	const struct timespec pause = {.tv_nsec = ms * 1000000};

	nanosleep(&pause, NULL);
}

/* That it comes is enough: accept() gives EINTR. */
static void
on_signal(int number)
{
	(void)number;
}

void
gate_open(struct gate *gate, int listen_fd)
{
	const struct sigaction action = {.sa_handler = on_signal};

	*gate = (struct gate){.listen_fd = listen_fd};
	pthread_mutex_init(&gate->lock, NULL);
	sigaction(SIGUSR1, &action, NULL);
	fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) & ~O_NONBLOCK);
}

void
gate_close(struct gate *gate)
{
	pthread_mutex_destroy(&gate->lock);
}

static bool
sit_down(struct gate *gate, struct seat *seat)
{
	bool stopping;

	pthread_mutex_lock(&gate->lock);
	stopping = gate->stopping;
	if (!stopping) {
		seat->next = gate->seats;
		gate->seats = seat;
	}
	pthread_mutex_unlock(&gate->lock);
	return !stopping;
}

static bool
is_stopping(struct gate *gate)
{
	bool stopping;

	pthread_mutex_lock(&gate->lock);
	stopping = gate->stopping;
	pthread_mutex_unlock(&gate->lock);
	return stopping;
}

static void
stand_up(struct gate *gate, const struct seat *seat)
{
	struct seat **at = &gate->seats;

	pthread_mutex_lock(&gate->lock);
	while (*at != seat)
		at = &(*at)->next;
	*at = seat->next;
	pthread_mutex_unlock(&gate->lock);
}

int
gate_accept(struct gate *gate)
{
	struct seat seat = {.thread = pthread_self()};
	sigset_t wake;
	int fd;

	if (!sit_down(gate, &seat))
		return -1;
	sigemptyset(&wake);
	sigaddset(&wake, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &wake, NULL);
	do {
		fd = accept4(gate->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
			pause_ms(FULL_PAUSE_MS); /* out of descriptors: no busy loop until there are
						    some */
	} while (fd < 0 && !is_stopping(gate));
	stand_up(gate, &seat);
	pthread_sigmask(SIG_BLOCK, &wake, NULL);
	return fd;
}

void
gate_stop(struct gate *gate)
{
	bool waiting;

	do {
		pthread_mutex_lock(&gate->lock);
		gate->stopping = true;
		waiting = gate->seats != NULL;
		for (const struct seat *seat = gate->seats; seat != NULL; seat = seat->next)
			pthread_kill(seat->thread, SIGUSR1);
		pthread_mutex_unlock(&gate->lock);
		if (waiting)
			pause_ms(STOP_PAUSE_MS);
	} while (waiting);
}
