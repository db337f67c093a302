/*
 * The janitor: a process that outlives the launcher, only to remove the launcher's cgroup. The
 * launcher may be killed by SIGKILL, and then nobody else is left to kill what is in the cgroup and
 * to remove its directory: PID 1 of the jail cannot reach it, and a later launch may never come. It
 * holds a pipe that ends with the launcher and the parent directory, and nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isolation/cgroup_parts.h"
#include "util/cleanup.h"

#define JANITOR_MILLISECONDS 10000 /* longer than the launcher waits: nobody waits for us */
#define JANITOR_ATTEMPTS 6

/*
 * Never returns. System calls only: the memory is a copy of the launcher's. Its own session, all
 * signals blocked and its directory the root: neither a terminal's hang-up nor an unmount has to do
 * with it.
 */
__attribute__((noreturn)) static void janitor(int alive, int parent, const char *name)
{
	sigset_t all;
	char byte;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)setsid();
	(void)prctl(PR_SET_NAME, "immure-janitor", 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	alive = fcntl(alive, F_DUPFD, 2); /* out of the way of the two numbers that stay */
	parent = fcntl(parent, F_DUPFD, 2);
	if (alive < 0 || parent < 0 || chdir("/") || dup2(alive, 0) < 0 || dup2(parent, 1) < 0 ||
		syscall(SYS_close_range, 2U, ~0U, 0U))
		_exit(1);
	while (read(0, &byte, 1) < 0 && errno == EINTR)
		;
	for (unsigned attempt = 0; attempt < JANITOR_ATTEMPTS; attempt++)
		if (cgroup_remove(1, name, JANITOR_MILLISECONDS) == 0)
			_exit(0);
	_exit(1);
}

/*
 * The janitor ends without a signal (exit_signal 0), so that the supervisor's waitpid(-1) for the
 * program does not see it, and without the launcher's signal handlers.
 */
int cgroup_janitor_start(struct cgroup *cgroup)
{
	_cleanup_close_ int read_end = -1, write_end = -1;
	int ends[2], pidfd = -1;
	struct clone_args arguments = {.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = 0};
	long pid;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	read_end = ends[0];
	write_end = ends[1];
	pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		(void)close(write_end); /* or it would wait for itself */
		janitor(read_end, cgroup->parent, cgroup->name);
	}
	cgroup->alive = take_fd(&write_end);
	cgroup->janitor = pidfd;
	return 0;
}

void cgroup_janitor_dismiss(struct cgroup *cgroup)
{
	siginfo_t info;

	if (cgroup->janitor < 0)
		return;
	/* by its pidfd, so that no other process can be meant; SIGKILL, since it blocks all others
	 */
	(void)syscall(SYS_pidfd_send_signal, cgroup->janitor, SIGKILL, NULL, 0);
	while (waitid(P_PIDFD, (id_t)cgroup->janitor, &info, WEXITED | __WALL) < 0 &&
		errno == EINTR)
		;
}
