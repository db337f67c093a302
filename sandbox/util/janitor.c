/* Processes beside a jail: see janitor.h. */
#include "util/janitor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/signals.h"

#define FIRST 3 /* after the standard ones */

pid_t janitor_clone(int *ret_pidfd)
{
	int pidfd = -1;
	struct clone_args arguments = {.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = 0};
	long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (pid < 0)
		return -errno;
	if (pid > 0)
		*ret_pidfd = pidfd;
	return (pid_t)pid;
}

void janitor_wait(int *pidfd)
{
	siginfo_t info;

	while (waitid(P_PIDFD, (id_t)*pidfd, &info, WEXITED | __WALL) < 0 && errno == EINTR)
		;
	(void)close(*pidfd);
	*pidfd = -1;
}

/* A pipe of the caller's that stayed open here would never end for its reader. */
int janitor_keep_only(int *const *kept, size_t count)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), all[JANITOR_KEPT];

	for (int i = 0; i < FIRST; i++)
		if (null < 0 || dup2(null, i) < 0)
			return -errno;
	for (size_t i = 0; i < count; i++) /* out of the way of the numbers that stay */
		if ((all[i] = fcntl(*kept[i], F_DUPFD, FIRST + JANITOR_KEPT)) < 0)
			return -errno;
	for (size_t i = 0; i < count; i++) {
		*kept[i] = dup3(all[i], FIRST + (int)i, O_CLOEXEC);
		if (*kept[i] < 0)
			return -errno;
	}
	return syscall(SYS_close_range, FIRST + (unsigned)count, ~0U, 0U) ? -errno : 0;
}

__attribute__((noreturn)) static void janitor(
	int alive, int *const *kept, size_t count, void (*work)(void *context), void *context)
{
	int *all[JANITOR_KEPT] = {&alive};
	char byte;

	for (size_t i = 0; i < count; i++)
		all[1 + i] = kept[i];
	signals_block(NULL);
	(void)setsid();
	(void)prctl(PR_SET_NAME, "immure-janitor", 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (janitor_keep_only(all, 1 + count) < 0 || chdir("/"))
		_exit(1);
	while (read(alive, &byte, 1) < 0 && errno == EINTR)
		;
	work(context);
	_exit(0);
}

int janitor_start(int *const *kept, size_t count, void (*work)(void *context), void *context,
	struct janitor *ret)
{
	_cleanup_close_ int read_end = -1, write_end = -1;
	int ends[2], pidfd = -1;
	pid_t pid;

	if (count >= JANITOR_KEPT)
		return -EINVAL;
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	read_end = ends[0];
	write_end = ends[1];
	pid = janitor_clone(&pidfd);
	if (pid < 0)
		return pid;
	if (pid == 0) {
		(void)close(write_end); /* or it would wait for itself */
		janitor(read_end, kept, count, work, context);
	}
	*ret = (struct janitor){take_fd(&write_end), pidfd};
	return 0;
}

void janitor_dismiss(struct janitor *janitor)
{
	if (janitor->pidfd >= 0) {
		/* by its pidfd, so that no other process can be meant; SIGKILL, since it blocks all
		 * others */
		(void)syscall(SYS_pidfd_send_signal, janitor->pidfd, SIGKILL, NULL, 0);
		janitor_wait(&janitor->pidfd);
	}
	janitor_release(janitor);
}

void janitor_release(struct janitor *janitor)
{
	if (janitor->pidfd >= 0)
		(void)close(janitor->pidfd);
	if (janitor->alive >= 0)
		(void)close(janitor->alive);
	*janitor = JANITOR_NONE;
}
