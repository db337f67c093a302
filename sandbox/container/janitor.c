/*
 * The janitor: a process that outlives the launcher, only to remove the launcher's container. A
 * launcher may be killed by SIGKILL, and then nobody else is left to remove what `--rm` promised
 * to: PID 1 of the jail cannot reach it, and a later run may never come. It is in a session of its
 * own, so that no kill of the launcher's group means it too.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "container/parts.h"
#include "util/cleanup.h"

#define ATTEMPTS 40
#define PAUSE 50000000 /* nanoseconds: the kernel ends the jail soon after its supervisor */

/* Everything but these: a pipe of the caller's that stayed open here would never end for its
 * reader. */
static int keep_only(int *alive, struct container_hold *hold, struct storage *storage)
{
	int kept[3] = {*alive, hold->directory, storage->directory};

	for (int i = 0; i < 3; i++) /* out of the way of the three numbers that stay */
		if ((kept[i] = fcntl(kept[i], F_DUPFD, 6)) < 0)
			return -errno;
	for (int i = 0; i < 3; i++)
		if (dup3(kept[i], 3 + i, O_CLOEXEC) < 0)
			return -errno;
	*alive = 3;
	hold->directory = 4;
	storage->directory = 5;
	hold->storage = storage;
	return syscall(SYS_close_range, 6U, ~0U, 0U) ? -errno : 0;
}

/* newuidmap is started from here: its standard descriptors must be there, and nobody's. */
static int empty_stdio(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 3; i++)
		if (null < 0 || dup2(null, i) < 0)
			return -errno;
	return 0;
}

__attribute__((noreturn)) static void janitor(int alive, struct container_hold hold,
	const struct container *container, const struct host *host)
{
	struct storage storage = *hold.storage;
	sigset_t all;
	char byte;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)setsid();
	(void)prctl(PR_SET_NAME, "immure-janitor", 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (empty_stdio() < 0 || keep_only(&alive, &hold, &storage) < 0 || chdir("/"))
		_exit(1);
	while (read(alive, &byte, 1) < 0 && errno == EINTR)
		;
	/* what still runs in the jail may write for a moment longer: then the directory is not
	 * empty when it should be */
	for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct container_hold again = hold;
		struct err err = {0};

		again.directory = fcntl(hold.directory, F_DUPFD_CLOEXEC, 3);
		if (container_remove(&again, container, host, &err) == 0)
			_exit(0);
		(void)nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
	}
	_exit(1);
}

int janitor_start(const struct container_hold *hold, const struct container *container,
	const struct host *host, struct janitor *ret, struct err *reterr)
{
	_cleanup_close_ int read_end = -1, write_end = -1;
	int ends[2], pidfd = -1;
	/* without a signal at its end, so that no waitpid(-1) of the launch sees it */
	struct clone_args arguments = {.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = 0};
	long pid;

	if (pipe2(ends, O_CLOEXEC))
		return err_set(reterr, -errno, NULL, "pipe: %s", strerror(errno));
	read_end = ends[0];
	write_end = ends[1];
	pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (pid < 0)
		return err_set(reterr, -errno, NULL, "clone3: %s", strerror(errno));
	if (pid == 0) {
		(void)close(write_end); /* or it would wait for itself */
		janitor(read_end, *hold, container, host);
	}
	*ret = (struct janitor){take_fd(&write_end), pidfd};
	return 0;
}

void janitor_dismiss(struct janitor *janitor)
{
	siginfo_t info;

	if (janitor->pidfd < 0)
		return;
	/* by its pidfd, so that no other process can be meant; SIGKILL, since it blocks all others
	 */
	(void)syscall(SYS_pidfd_send_signal, janitor->pidfd, SIGKILL, NULL, 0);
	while (waitid(P_PIDFD, (id_t)janitor->pidfd, &info, WEXITED | __WALL) < 0 && errno == EINTR)
		;
	(void)close(janitor->pidfd);
	(void)close(janitor->alive);
	*janitor = JANITOR_NONE;
}
