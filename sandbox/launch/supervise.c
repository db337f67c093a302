/* The supervisor's loop: messages of PID 1, signals to pass on, the clock, the terminal. */
#include "launch/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launch/control.h"
#include "util/cleanup.h"
#include "util/mutant.h"
#include "util/segments.h"

#define GRACE 500000 /* microseconds that PID 1 gets to end the jail by itself */

/* By the system call: a launch asks a few times, and to find the vDSO's way costs more. */
uint64_t supervise_clock(void)
{
	struct timespec now = {0};

	/* goes on while the machine sleeps; cannot fail on Linux */
	(void)syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int supervise_signals(void)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < forwarded_signal_count; i++)
		(void)sigaddset(&set, forwarded_signals[i].number);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static void kill_jail(const struct supervision *supervision, int number)
{
	/* by descriptor, never by number (R20); the jail may have ended meanwhile */
	(void)syscall(SYS_pidfd_send_signal, supervision->pidfd, number, NULL, 0);
}

/* ---- messages ---- */

/* A descriptor that came along, or -1; closes all but the first. The kernel gives them under one
 * header, and nothing else was asked for: unix(7). */
static int take_descriptor(struct msghdr *message)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int taken = -1, fd;

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return -1;
	for (size_t i = 0; CMSG_LEN(sizeof(int) * (i + 1)) <= header->cmsg_len; i++) {
		memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
		if (taken < 0)
			taken = fd;
		else
			(void)close(fd);
	}
	return taken;
}

static void take_message(struct supervision *supervision, const struct control_message *message)
{
	if (supervision->reported)
		return;
	supervision->reported = true;
	supervision->failed = message->kind == CONTROL_FAILED;
	if (supervision->failed) {
		supervision->failed_step = message->step < STEP_COUNT ? message->step : STEP_EXEC;
		supervision->failed_item = message->item;
		supervision->failed_error = message->value > 0 ? message->value : EPROTO;
	} else {
		supervision->status = message->value;
	}
}

/* False at the end of the socket. */
static bool receive(const struct plan *plan, struct supervision *supervision)
{
	struct control_message message = {0};
	struct iovec data = {.iov_base = &message, .iov_len = sizeof(message)};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} buffer;
	struct msghdr header = {.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = buffer.bytes,
		.msg_controllen = sizeof(buffer.bytes)};
	ssize_t length = recvmsg(supervision->control, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	int fd;

	if (length < 0)
		return errno == EAGAIN || errno == EINTR;
	fd = take_descriptor(&header);
	if (fd >= 0)
		relay_start(&supervision->relay, &plan->terminal, fd);
	if (length == (ssize_t)sizeof(message))
		take_message(supervision, &message);
	return length > 0;
}

/* ---- signals ---- */

/* The caller's ^Z: the jail stops, then we do, and both go on together. */
static void stop_with_jail(struct supervision *supervision)
{
	sigset_t stop;

	kill_jail(supervision, SIGTSTP);
	relay_suspend(&supervision->relay);
	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGTSTP);
	(void)raise(SIGTSTP);
	(void)sigprocmask(SIG_UNBLOCK, &stop, NULL); /* stops here */
	(void)sigprocmask(SIG_BLOCK, &stop, NULL);
	relay_resume(&supervision->relay);
	kill_jail(supervision, SIGCONT);
}

static void take_signals(struct supervision *supervision, int signals)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGWINCH)
			relay_resize(&supervision->relay);
		else if (info.ssi_signo == SIGTSTP)
			stop_with_jail(supervision);
		else if (info.ssi_signo != SIGCHLD)
			kill_jail(supervision, (int)info.ssi_signo);
	}
}

/* ---- the loop ---- */

static int milliseconds_left(const struct supervision *supervision)
{
	uint64_t now;

	if (!supervision->deadline)
		return -1;
	now = supervise_clock();
	if (now >= supervision->deadline)
		return 0;
	now = (supervision->deadline - now + 999) / 1000;
	return now > 3600000 ? 3600000 : (int)now;
}

static void check_clock(struct supervision *supervision)
{
	if (milliseconds_left(supervision) != 0 || mutant(MUTANT_NO_WALL_TIME))
		return;
	kill_jail(supervision, supervision->timed_out ? SIGKILL : CONTROL_END_SIGNAL);
	supervision->timed_out = true;
	supervision->deadline += GRACE;
}

int supervise(const struct plan *plan, struct supervision *supervision, struct err *reterr)
{
	_cleanup_close_ int signals = supervise_signals();
	struct pollfd polls[5];

	if (signals < 0)
		return err_set(reterr, signals, NULL, "signalfd: %s", strerror(-signals));
	for (bool open = true, settled = false; open && !supervision->reported;) {
		size_t count = 2 + relay_poll(&supervision->relay, polls + 2);
		int left = milliseconds_left(supervision), ready;

		polls[0] = (struct pollfd){.fd = supervision->control, .events = POLLIN};
		polls[1] = (struct pollfd){.fd = signals, .events = POLLIN};
		ready = poll(polls, count,
			settled || (left >= 0 && left < SUPERVISE_SETTLED) ? left
									   : SUPERVISE_SETTLED);
		if (ready < 0 && errno != EINTR)
			return err_set(reterr, -errno, NULL, "poll: %s", strerror(errno));
		if (ready == 0 && !settled) {
			segments_settle();
			settled = true;
		}
		check_clock(supervision);
		if (polls[1].revents)
			take_signals(supervision, signals);
		if (polls[0].revents)
			open = receive(plan, supervision);
		relay_move(&supervision->relay);
	}
	return 0;
}
