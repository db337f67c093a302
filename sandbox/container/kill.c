/*
 * Ending a container that somebody else's launcher runs. Its pid is in no file of ours, which could
 * be old: the kernel itself says who holds the lock (/proc/locks), and a pidfd makes sure that the
 * one who is killed is the one who was found (R20). It names what is locked by inode number, which
 * a new container may have as soon as this one is removed, unless somebody has it open. And it
 * names who took the lock, who may be gone while a child of his still has it, and his number
 * another's: so the one who is killed must have the container open himself. Only a launcher holds
 * the exclusive lock (container.h): who sweeps, removes or changes a container is waited for.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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
struct lock {
	const char *type, *access, *pid, *file;
};

static bool read_lock(char *line, struct lock *ret)
{
	char *words[6];
	size_t count = 0;

	for (char *word; count < 6 && (word = strsep(&line, " \t"));)
		if (*word)
			words[count++] = word;
	if (count < 6)
		return false;
	*ret = (struct lock){words[1], words[3], words[4], words[5]};
	return true;
}

/*
 * How the kernel calls a file in its lists of locks. Not by what stat(2) says: the device of a
 * subvolume of btrfs, or of a file of overlayfs, is another there. A lock of our own, of a kind
 * that disturbs no flock(2), is listed with the file: /proc/PID/fdinfo (proc_pid_fdinfo(5)).
 */
static int ask_name(int directory, char *ret, size_t size)
{
	struct flock mark = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	_cleanup_free_ char *text = NULL;
	struct lock lock;
	char path[48];
	size_t length;
	char *rest;
	int r;

	if (fcntl(directory, F_OFD_SETLK, &mark))
		return -errno;
	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", directory);
	r = file_read(AT_FDCWD, path, LOCKS_BYTES, &text, &length);
	rest = text;
	for (char *line; r == 0 && (line = strsep(&rest, "\n"));)
		if (strncmp(line, "lock:", 5) == 0 && read_lock(line + 5, &lock) &&
			strcmp(lock.type, "OFDLCK") == 0)
			return (size_t)snprintf(ret, size, "%s", lock.file) < size ? 0 : -ERANGE;
	return r < 0 ? r : -ENODATA;
}

/* 0: nobody. */
static pid_t find_holder(const char *file)
{
	_cleanup_free_ char *text = NULL;
	struct lock lock;
	size_t length;
	char *rest;

	if (file_read(AT_FDCWD, "/proc/locks", LOCKS_BYTES, &text, &length) < 0)
		return 0;
	rest = text;
	for (char *line; (line = strsep(&rest, "\n"));)
		if (read_lock(line, &lock) && strcmp(lock.file, file) == 0 &&
			strcmp(lock.type, "FLOCK") == 0 && strcmp(lock.access, "WRITE") == 0)
			return (pid_t)strtol(lock.pid, NULL, 10);
	return 0;
}

/* Where that cannot be told, true: the lock says so. */
static bool has_open(pid_t pid, int at)
{
	_cleanup_closedir_ DIR *directory = NULL;
	const struct dirent *entry;
	struct stat wanted, open;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	directory = opendir(path);
	if (!directory || fstat(at, &wanted))
		return errno != ENOENT;
	while ((entry = readdir(directory)))
		if (fstatat(dirfd(directory), entry->d_name, &open, 0) == 0 &&
			open.st_dev == wanted.st_dev && open.st_ino == wanted.st_ino)
			return true;
	return false;
}

/* 0 once the launcher is gone; -ESRCH where nobody is found; -ENOENT where path is not there. */
static int kill_holder(int at, const char *path)
{
	_cleanup_close_ int directory = -1, pidfd = -1;
	struct pollfd wait;
	char file[64];
	pid_t pid;
	int r;

	directory = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	r = ask_name(directory, file, sizeof(file));
	if (r < 0)
		return r;
	pid = find_holder(file);
	if (pid <= 0)
		return -ESRCH;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0U);
	if (pidfd < 0)
		return -errno;
	/* it ended, and the number may be another's */
	if (find_holder(file) != pid || !has_open(pid, directory))
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
	struct err err = {0};
	char path[96];
	int r = 0;

	(void)snprintf(path, sizeof(path), "%s/%s",
		container->transient ? "transient" : "containers", container->id);
	for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
		err = (struct err){0};
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
	if (r == -EAGAIN) { /* it has ended, but somebody reads it */
		*reterr = err;
		return r;
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
