/*
 * Ending a container that somebody else's launcher runs. Its pid is in no file of ours, which could
 * be old: the kernel itself says who holds the lock (/proc/locks), and a pidfd makes sure that the
 * one who is killed is the one who was found (R20). It names what is locked by inode number, which
 * a new container may have as soon as this one is removed, unless somebody has it open. Only a
 * launcher holds the exclusive lock (container.h): who sweeps, removes or changes a container is
 * waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "container/container.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/file.h"

#define LOCKS_BYTES ((size_t)4 * 1024 * 1024)
#define END_MILLISECONDS 5000
#define ATTEMPTS 100 /* 20 ms apart: what ran in it may end a moment after its launcher */

/* "7: FLOCK  ADVISORY  WRITE 1234 00:1f:5678 0 EOF" (proc_locks(5)). */
static bool is_lock_on(char *line, dev_t device, ino_t inode, pid_t *ret)
{
	char *words[6], *end;
	unsigned long numbers[3];
	size_t count = 0;

	for (char *word; count < 6 && (word = strsep(&line, " "));)
		if (*word)
			words[count++] = word;
	if (count < 6 || strcmp(words[1], "FLOCK") != 0 || strcmp(words[3], "WRITE") != 0)
		return false;
	end = words[5] - 1;
	for (size_t i = 0; i < 3; i++) { /* MAJOR:MINOR:INODE, the first two in hexadecimal */
		if (i && *end != ':')
			return false;
		numbers[i] = strtoul(end + 1, &end, i < 2 ? 16 : 10);
	}
	if (*end)
		return false;
	*ret = (pid_t)strtol(words[4], &end, 10);
	return !*end && *ret > 0 && makedev((unsigned)numbers[0], (unsigned)numbers[1]) == device &&
	       numbers[2] == inode;
}

static pid_t find_holder(const struct stat *status)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	char *rest;
	pid_t pid;

	if (file_read(AT_FDCWD, "/proc/locks", LOCKS_BYTES, &text, &length) < 0)
		return 0;
	rest = text;
	for (char *line; (line = strsep(&rest, "\n"));)
		if (is_lock_on(line, status->st_dev, status->st_ino, &pid))
			return pid;
	return 0;
}

/* 0 once the launcher is gone; -ESRCH where nobody is found; -ENOENT where path is not there. */
static int kill_holder(int at, const char *path)
{
	_cleanup_close_ int directory = -1, pidfd = -1;
	struct pollfd wait;
	struct stat status;
	pid_t pid;

	directory = openat(at, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0 || fstat(directory, &status))
		return -errno;
	pid = find_holder(&status);
	if (!pid)
		return -ESRCH;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0U);
	if (pidfd < 0)
		return -errno;
	if (find_holder(&status) != pid) /* it ended, and the number may be another's */
		return -ESRCH;
	if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0))
		return -errno;
	wait = (struct pollfd){.fd = pidfd, .events = POLLIN};
	(void)poll(&wait, 1, END_MILLISECONDS);
	return 0;
}

static int kill_and_claim(const struct storage *storage, const struct container *container,
	struct container_hold *ret, struct err *reterr)
{
	char path[96];
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s",
		container->transient ? "transient" : "containers", container->id);
	for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct err err = {0};

		r = kill_holder(storage->directory, path);
		if (r == -ENOENT)
			return 0; /* its own janitor has removed it */
		if (r < 0 && r != -ESRCH)
			return err_set(
				reterr, r, container->name, "cannot be killed: %s", strerror(-r));
		r = container_claim(storage, container, ret, &err);
		if (r == 0 || r == -ENOENT)
			return 0;
		(void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
	return err_set(reterr, -EBUSY, container->name, "does not end");
}

int container_kill(const struct storage *storage, const struct container *container,
	struct container_hold *ret, struct err *reterr)
{
	struct err err = {0};
	int r;

	*ret = CONTAINER_HOLD_NONE;
	r = container_claim(storage, container, ret, &err);
	if (r == -EBUSY || r == -EAGAIN)
		return kill_and_claim(storage, container, ret, reterr);
	if (r < 0 && r != -ENOENT)
		*reterr = err;
	return r == -ENOENT ? 0 : r;
}

int container_end(const struct storage *storage, const struct container *container, bool force,
	struct err *reterr)
{
	_cleanup_(arena_free) struct arena arena = {NULL};
	struct container_hold hold = CONTAINER_HOLD_NONE;
	struct container room;
	struct err err = {0};
	int r = force ? container_kill(storage, container, &hold, &err)
		      : container_claim(storage, container, &hold, &err);

	if (r == -ENOENT)
		return err_set(
			reterr, r, container->name, "is gone: another process has removed it");
	if (r == -EBUSY && !force)
		err_hint(&err, "`immure rm -f` kills it first");
	if (r == 0 && hold.directory >= 0)
		r = container_remove(
			&hold, container_reread(&hold, container, &arena, &room), NULL, &err);
	if (r < 0)
		*reterr = err;
	return r;
}
