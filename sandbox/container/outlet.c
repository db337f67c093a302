/* Pipes instead of a terminal: see outlet.h. */
#include "container/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/file.h"
#include "util/janitor.h"

#define STREAMS 3 /* input: from the terminal into the pipe; output and error: out of theirs */

struct stream {
	int from, to; /* -1: not one of ours */
};

static void close_stream(struct stream *stream)
{
	if (stream->from >= 0)
		(void)close(stream->from);
	if (stream->to >= 0)
		(void)close(stream->to); /* what was written has been written */
	*stream = (struct stream){-1, -1};
}

/* Never returns. Ends when both outputs have ended: the input alone keeps nobody waiting. */
__attribute__((noreturn)) static void copy(struct stream *streams)
{
	int *kept[2 * STREAMS];
	char buffer[16384];
	size_t count = 0;

	for (int i = 0; i < STREAMS; i++)
		if (streams[i].from >= 0) {
			kept[count++] = &streams[i].from;
			kept[count++] = &streams[i].to;
		}
	/* with a terminal that nobody reads it outlives a launcher that was killed, and would keep
	 * the container locked */
	if (janitor_keep_only(kept, count) < 0)
		_exit(1);
	(void)signal(
		SIGINT, SIG_IGN); /* the terminal's: for the program, whose last words come here */
	(void)signal(SIGQUIT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)prctl(PR_SET_NAME, "immure-outlet", 0, 0, 0);
	while (streams[1].from >= 0 || streams[2].from >= 0) {
		struct pollfd polls[STREAMS];

		for (int i = 0; i < STREAMS; i++)
			polls[i] = (struct pollfd){.fd = streams[i].from, .events = POLLIN};
		if (poll(polls, STREAMS, -1) < 0 && errno != EINTR)
			break;
		for (int i = 0; i < STREAMS; i++) {
			ssize_t got;

			if (streams[i].from < 0 || !polls[i].revents)
				continue;
			got = read(streams[i].from, buffer, sizeof(buffer));
			if (got <= 0 || file_write_all(streams[i].to, buffer, (size_t)got) < 0)
				close_stream(&streams[i]);
		}
	}
	_exit(0);
}

/* A pipe for descriptor number; ours stays in its place, the far end goes to stream. */
static int divert(int number, struct stream *stream)
{
	int ends[2], terminal = fcntl(number, F_DUPFD_CLOEXEC, 3);
	bool input = number == STDIN_FILENO;

	if (terminal < 0)
		return -errno;
	if (pipe2(ends, O_CLOEXEC)) {
		(void)close(terminal);
		return -errno;
	}
	*stream = input ? (struct stream){terminal, ends[1]} : (struct stream){ends[0], terminal};
	if (dup2(ends[input ? 0 : 1], number) < 0)
		return -errno;
	(void)close(ends[input ? 0 : 1]); /* its copy is what counts */
	return 0;
}

int outlet_start(struct outlet *ret, struct err *reterr)
{
	struct stream streams[STREAMS] = {{-1, -1}, {-1, -1}, {-1, -1}};
	int r = 0;
	pid_t pid;

	*ret = OUTLET_NONE;
	if (!isatty(STDIN_FILENO) && !isatty(STDOUT_FILENO) && !isatty(STDERR_FILENO))
		return 0;
	for (int i = 0; i < STREAMS && r == 0; i++)
		if (isatty(i))
			r = divert(i, &streams[i]);
	if (r < 0)
		return err_set(reterr, r, NULL, "pipe: %s", strerror(-r));
	pid = janitor_clone(&ret->pidfd);
	if (pid < 0)
		return err_set(reterr, pid, NULL, "clone3: %s", strerror(-pid));
	if (pid == 0)
		copy(streams);
	for (int i = 0; i < STREAMS; i++)
		close_stream(&streams[i]);
	return 0;
}

void outlet_finish(struct outlet *outlet)
{
	if (outlet->pidfd < 0)
		return;
	for (int i = 0; i < STREAMS; i++)
		(void)close(i); /* pipes of ours, or nothing more to write */
	janitor_wait(&outlet->pidfd);
}
