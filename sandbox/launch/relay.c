/*
 * Bytes between the caller's terminal and the jail's pty, without blocking and without growing:
 * each direction has one small buffer, and what does not fit waits in the kernel (T-TTY-06).
 */
#include "launch/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util/cleanup.h"

/* Turns without any progress after the end of the program, and the milliseconds of one: while we
 * are stopped, or the machine is, no time goes by for a reader who could not know. */
#define STALLED 20
#define TURN 100

static void enter_raw(struct relay *relay)
{
	struct termios raw;

	if (relay->terminal < 0 || tcgetattr(relay->terminal, &relay->saved))
		return;
	if (tcgetpgrp(relay->terminal) !=
		getpgrp()) /* in the background it is not ours to change */
		return;
	raw = relay->saved;
	cfmakeraw(&raw);
	raw.c_oflag =
		relay->saved.c_oflag; /* other writers to this terminal keep their line ends */
	relay->raw = tcsetattr(relay->terminal, TCSANOW, &raw) == 0;
}

static void leave_raw(struct relay *relay)
{
	if (relay->raw)
		(void)tcsetattr(relay->terminal, TCSADRAIN,
			&relay->saved); /* a terminal that is gone needs no mode */
	relay->raw = false;
}

void relay_resize(const struct relay *relay)
{
	struct winsize size;

	if (relay->master >= 0 && relay->terminal >= 0 &&
		ioctl(relay->terminal, TIOCGWINSZ, &size) == 0)
		(void)ioctl(relay->master, TIOCSWINSZ, &size); /* cosmetic */
}

/*
 * A terminal that takes no more would block a write for good, and with it the clock and the
 * signals. Its flags are shared with the caller's shell, so it is opened once more, for us alone.
 * What cannot be opened again (a pipe, a socket) is asked by poll first.
 */
static int unblocked(int fd)
{
	char path[32];
	int own = -1;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (isatty(fd))
		own = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return own < 0 ? fd : own;
}

void relay_start(struct relay *relay, const struct terminal_plan *plan, int master)
{
	int to = isatty(STDOUT_FILENO) || !isatty(STDERR_FILENO) ? STDOUT_FILENO : STDERR_FILENO;

	if (relay->master >= 0 ||
		!plan->pty) { /* one pty was asked for: a second master is a liar's */
		(void)close(master);
		return;
	}
	(void)fcntl(master, F_SETFL, O_NONBLOCK); /* we opened it, in the child: cannot fail */
	relay->master = master;
	relay->terminal = isatty(STDIN_FILENO) ? STDIN_FILENO : isatty(to) ? to : -1;
	relay->input =
		(struct relay_half){.from = STDIN_FILENO, .to = master, .open = plan->replaced[0]};
	relay->output = (struct relay_half){.from = master, .to = unblocked(to), .open = true};
	relay_resize(relay);
	if (plan->replaced[0] && isatty(STDIN_FILENO))
		enter_raw(relay);
}

static void half_poll(const struct relay_half *half, struct pollfd *polls, size_t *count)
{
	if (half->start < half->end)
		polls[(*count)++] = (struct pollfd){.fd = half->to, .events = POLLOUT};
	else if (half->open)
		polls[(*count)++] = (struct pollfd){.fd = half->from, .events = POLLIN};
}

size_t relay_poll(const struct relay *relay, struct pollfd *polls)
{
	size_t count = 0;

	if (relay->master < 0)
		return 0;
	half_poll(&relay->input, polls, &count);
	half_poll(&relay->output, polls, &count);
	return count;
}

static bool ready(int fd, short events)
{
	struct pollfd one = {.fd = fd, .events = events};

	return poll(&one, 1, 0) > 0;
}

static bool half_move(struct relay_half *half)
{
	ssize_t length;

	if (half->start < half->end) {
		if (!ready(half->to, POLLOUT))
			return false;
		length = write(half->to, half->buffer + half->start, half->end - half->start);
		if (length < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (length <= 0) { /* the reader is gone: drop what it will never take */
			half->start = half->end = 0;
			half->open = false;
			return false;
		}
		half->start += (size_t)length;
		return true;
	}
	if (!half->open || !ready(half->from, POLLIN))
		return false;
	length = read(half->from, half->buffer, sizeof(half->buffer));
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	half->start = 0;
	half->end = length > 0 ? (size_t)length : 0;
	half->open = length > 0;
	return half->open;
}

/* The end of the caller's input, in the terminal's own language: what ^D says. */
static void end_input(struct relay *relay)
{
	struct termios mode;
	char end = 4;

	if (tcgetattr(relay->master, &mode) == 0 && mode.c_lflag & ICANON)
		end = (char)mode.c_cc[VEOF];
	if (write(relay->master, &end, 1) != 1)
		return; /* a program that reads no more does not miss it */
}

void relay_move(struct relay *relay)
{
	bool was_open = relay->input.open;

	if (relay->master < 0)
		return;
	(void)half_move(&relay->input);
	if (was_open && !relay->input.open)
		end_input(relay);
	(void)half_move(&relay->output);
}

void relay_finish(struct relay *relay)
{
	if (relay->master < 0)
		return;
	for (unsigned stalled = 0; stalled < STALLED;) {
		struct pollfd to = {.fd = relay->output.to, .events = POLLOUT};

		if (half_move(&relay->output))
			stalled = 0;
		else if (relay->output.start == relay->output.end)
			break;
		else
			stalled += poll(&to, 1, TURN) <= 0;
	}
	leave_raw(relay);
	(void)close(take_fd(&relay->master));
}

void relay_suspend(struct relay *relay)
{
	leave_raw(relay);
}

void relay_resume(struct relay *relay)
{
	if (relay->master >= 0 && relay->input.open)
		enter_raw(relay);
	relay_resize(relay);
}
