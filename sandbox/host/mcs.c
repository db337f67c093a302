/*
 * Pairs of SELinux categories, one for each live launch, without a daemon: pair number N is byte N
 * of a file, locked by an open file description lock (fcntl(2), F_OFD_SETLK). The kernel drops the
 * lock with the last copy of the descriptor, however its holders end; nothing is written, so
 * nothing can be stale; and two launchers that draw the same number at once cannot both get it.
 *
 * Why there: the file lies in the user's runtime directory (0700, on tmpfs), below a directory of
 * our own, each checked by descriptor to be this user's alone. An abstract socket as lock would be
 * free of files, but anybody may take its name, and one in another network namespace would not be
 * seen. Below /tmp anybody may take the directory first. So pairs are unique among the launches of
 * one user; between users, whose processes already differ in uid, two of 523,776 pairs are equal by
 * chance only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "host/parts.h"
#include "util/cleanup.h"

#define DRAWS 64 /* before the search goes through all of them */
#define OPEN_ATTEMPTS 8

void mcs_categories(unsigned index, unsigned *ret_first, unsigned *ret_second)
{
	unsigned first = 0;

	while (index >= MCS_CATEGORIES - 1 - first) {
		index -= MCS_CATEGORIES - 1 - first;
		first++;
	}
	*ret_first = first;
	*ret_second = first + 1 + index;
}

/* "c12", below the number of categories; NULL where it is none. */
static const char *parse_category(const char *text, unsigned *ret)
{
	char *end;
	unsigned long number;

	if (text[0] != 'c' || text[1] < '0' || text[1] > '9')
		return NULL;
	number = strtoul(text + 1, &end, 10);
	*ret = (unsigned)number;
	return number < MCS_CATEGORIES ? end : NULL;
}

bool mcs_index(const char *label, unsigned *ret)
{
	const char *level = strrchr(label, ':'), *rest;
	unsigned first, second;

	rest = level ? parse_category(level + 1, &first) : NULL;
	rest = rest && *rest == ',' ? parse_category(rest + 1, &second) : NULL;
	if (!rest || *rest || first >= second)
		return false;
	*ret = first * (2 * MCS_CATEGORIES - first - 1) / 2 + second - first - 1;
	return true;
}

static bool is_private_to(int fd, uid_t uid, mode_t type, mode_t forbidden)
{
	struct stat status;

	return fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) == type &&
	       status.st_uid == uid && !(status.st_mode & forbidden);
}

int mcs_open_locks(const char *runtime, uid_t uid)
{
	_cleanup_close_ int base = -1, directory = -1, fd = -1;

	if (runtime[0] != '/')
		return -EINVAL;
	base = open(runtime, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (base < 0)
		return -errno;
	if (!is_private_to(base, uid, S_IFDIR, S_IWGRP | S_IWOTH))
		return -EPERM;
	if (mkdirat(base, "immure", 0700) && errno != EEXIST)
		return -errno;
	directory = openat(base, "immure", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	if (!is_private_to(directory, uid, S_IFDIR, S_IRWXG | S_IRWXO))
		return -EPERM;
	fd = openat(directory, "mcs",
		O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (!is_private_to(fd, uid, S_IFREG, S_IRWXG | S_IRWXO))
		return -EPERM;
	return take_fd(&fd);
}

/* 1: ours now; 0: somebody else's. */
static int try_pair(int fd, unsigned index)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = index, .l_len = 1};

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 1;
	return errno == EAGAIN || errno == EACCES ? 0 : -errno;
}

int mcs_lock_pair(int fd, unsigned pairs, unsigned wish)
{
	unsigned drawn = 0;
	int r = wish < pairs ? try_pair(fd, wish) : 0;

	if (r != 0)
		return r < 0 ? r : (int)wish;

	for (unsigned attempt = 0; attempt < DRAWS; attempt++) {
		if (getrandom(&drawn, sizeof(drawn), 0) != (ssize_t)sizeof(drawn))
			return -EIO;
		drawn %= pairs; /* not quite even, and need not be: it is no secret */
		r = try_pair(fd, drawn);
		if (r != 0)
			return r < 0 ? r : (int)drawn;
	}
	for (unsigned step = 0; step < pairs; step++) {
		unsigned index = (drawn + step) % pairs;

		r = try_pair(fd, index);
		if (r != 0)
			return r < 0 ? r : (int)index;
	}
	return -EBUSY;
}

static int open_where_it_may_be(const struct host *host)
{
	const char *given = secure_getenv("XDG_RUNTIME_DIR");
	char usual[64];
	int fd = given ? mcs_open_locks(given, host->uid) : -ENOENT;

	if (fd < 0) {
		(void)snprintf(usual, sizeof(usual), "/run/user/%u", host->uid);
		fd = mcs_open_locks(usual, host->uid);
	}
	return fd < 0 && host->uid == 0 ? mcs_open_locks("/run", 0) : fd;
}

/* Whatever cannot be read there is no pair, and a fresh one is taken. */
static unsigned kept_pair(const char *directory)
{
	char label[4096];
	ssize_t length =
		directory ? lgetxattr(directory, "security.selinux", label, sizeof(label) - 1) : 0;
	unsigned index;

	if (length <= 0)
		return MCS_NO_WISH;
	label[length] = '\0';
	return mcs_index(label, &index) ? index : MCS_NO_WISH;
}

int host_mcs_pair(const struct host *host, const char *kept, unsigned *ret_first,
	unsigned *ret_second, int *ret_lock, struct err *reterr)
{
	struct stat status;
	int index;

	for (unsigned attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
		_cleanup_close_ int fd = open_where_it_may_be(host);

		if (fd < 0) {
			(void)err_set(reterr, fd, "$XDG_RUNTIME_DIR",
				"no place for the locks on MCS categories: %s", strerror(-fd));
			err_hint(reterr, "set XDG_RUNTIME_DIR to a directory that only this user "
					 "can write, or give a \"level\" of your own");
			return fd;
		}
		index = mcs_lock_pair(fd, MCS_PAIRS, kept_pair(kept));
		if (index < 0)
			return err_set(reterr, index, "selinux",
				"no pair of MCS categories can be had: %s", strerror(-index));
		if (fstat(fd, &status) || status.st_nlink == 0)
			continue; /* somebody removed the file: a lock on it binds nobody who comes
				     later */
		mcs_categories((unsigned)index, ret_first, ret_second);
		*ret_lock = take_fd(&fd);
		return 0;
	}
	return err_set(
		reterr, -ESTALE, "selinux", "the file of MCS locks is removed again and again");
}
