/*
 * PID 1 of the jail, once the program runs: collects every orphan, passes on the signals that come
 * from outside, and when the program ends says so and goes, which makes the kernel kill whatever is
 * left. It holds no descriptor but the control socket and lives under a filter that knows these few
 * calls only.
 */
#include "launch/parts.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "isolation/child.h"
#include "launch/control.h"
#include "util/mutant.h"
#include "util/segments.h"

const struct forwarded_signal forwarded_signals[] = {
	{SIGHUP, true},
	{SIGINT, true},
	{SIGQUIT, true},
	{SIGTSTP, true},
	{SIGCONT, true},
	{SIGTERM, false},
	{SIGUSR1, false},
	{SIGUSR2, false},
	{SIGALRM, false},
	{SIGWINCH, true},
};
const size_t forwarded_signal_count = sizeof(forwarded_signals) / sizeof(forwarded_signals[0]);

/*
 * The program has ended: whatever it left behind is killed and waited for first, so that the report
 * comes when the jail is empty and what the kernel counted for each is in our own usage.
 */
_Noreturn static void report(int control, int status)
{
	struct control_message message = {.kind = CONTROL_ENDED, .value = status};

	/* every process in here descends from us; where none is left, kill(2) need not look through
	 * all that the host has */
	if (syscall(SYS_wait4, -1, NULL, WNOHANG, NULL) >= 0)
		(void)kill(-1, SIGKILL); /* everybody but us */
	while (syscall(SYS_wait4, -1, NULL, 0, NULL) > 0)
		;
	/* an absent supervisor needs no report; SIGPIPE is blocked like every signal here */
	if (write(control, &message, sizeof(message)) < 0)
		_exit(125);
	_exit(0);
}

static void reap(int control, pid_t program)
{
	int status;
	pid_t ended;

	while ((ended = (pid_t)syscall(SYS_wait4, -1, &status, WNOHANG, NULL)) > 0)
		if (ended == program)
			report(control, status);
}

static void forward(pid_t program, const siginfo_t *info)
{
	if (info->si_pid != 0 ||
		info->si_code != SI_USER) /* sent, or forged (rt_sigqueueinfo), inside the jail: not
					     ours to pass on */
		return;
	if (info->si_signo == CONTROL_END_SIGNAL)
		(void)kill(
			-1, SIGKILL); /* the program's end then comes as SIGCHLD, and is reported */
	for (size_t i = 0; i < forwarded_signal_count; i++)
		if (forwarded_signals[i].number == info->si_signo)
			(void)kill(forwarded_signals[i].group ? -program : program,
				info->si_signo); /* it may be gone */
}

/* The supervisor keeps the clock; this one is for when it is stopped itself (T-LIFE-22), and a
 * little later, so that it seldom speaks. */
#define LATER 300000 /* microseconds */

/* Microseconds until the deadline, or until the program has stayed long enough for PID 1 to settle;
 * UINT64_MAX where there is nothing to wake up for. */
static uint64_t time_left(uint64_t deadline, bool settled)
{
	uint64_t now = deadline ? supervise_clock() : 0;
	uint64_t left = !deadline ? UINT64_MAX : deadline > now ? deadline - now : 0;
	uint64_t until_settled = (uint64_t)SUPERVISE_SETTLED * 1000;

	return settled || left < until_settled ? left : until_settled;
}

/* The next signal, -EAGAIN once the time is over, or -errno. */
static int next_signal(uint64_t left, siginfo_t *ret)
{
	uint64_t every = UINT64_MAX; /* the kernel's signal set: 64 signals */
	struct timespec limit = {
		.tv_sec = (time_t)(left / 1000000), .tv_nsec = (long)(left % 1000000) * 1000};
	long number = syscall(SYS_rt_sigtimedwait, &every, ret, left == UINT64_MAX ? NULL : &limit,
		sizeof(every));

	return number < 0 ? -errno : (int)number;
}

_Noreturn void init_run(const struct plan *plan, int control, pid_t program)
{
	struct child child = {
		.control = control, .root = -1, .label = -1, .terminal = -1, .network = -1};
	uint16_t item;
	uint64_t deadline = plan->wall_milliseconds && !mutant(MUTANT_NO_WALL_TIME)
				    ? supervise_clock() + plan->wall_milliseconds * 1000 + LATER
				    : 0;
	bool settled = false;
	siginfo_t info;

	if (control > 0)
		(void)syscall(SYS_close_range, 0, control - 1, 0);
	(void)syscall(SYS_close_range, control + 1, ~0u, 0);
	if (seccomp_apply(&plan->init_filter, &child, &item) < 0)
		_exit(125); /* the program dies with us: better than a PID 1 without its filter */
	for (;;) {
		uint64_t left = time_left(deadline, settled);
		int number = next_signal(left, &info);

		if (number == SIGCHLD)
			reap(control, program);
		else if (number > 0)
			forward(program, &info);
		else if (number != -EAGAIN && number != -EINTR)
			_exit(125);
		else if (number == -EAGAIN && !settled)
			segments_settle();
		else if (number == -EAGAIN)
			(void)kill(-1,
				SIGKILL); /* the clock; the program's end then comes as SIGCHLD */
		settled |= number == -EAGAIN;
	}
}
