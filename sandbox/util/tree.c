/*
 * Removing a tree in two levels: each directory below the top is emptied of files, and the
 * directories in it that are not empty are moved up beside it. So the depth shrinks by one with
 * every move, and three descriptors are enough (T-TAR-44). Two may be at the same tree: what is not
 * there any more is what was wanted.
 */
#include "util/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"

/* getdents64(2): opendir(3) would allocate, and the janitor's memory is a copy of another
 * process's. */
struct entries {
	char buffer[4096] __attribute__((aligned(8)));
	long length, at;
};

/* The next name in the directory, "." and ".." left out; NULL at its end; ret_error says whether it
 * could be read. */
static const char *next_entry(int directory, struct entries *entries, int *ret_error)
{
	for (;;) {
		const struct dirent64 *entry;

		if (entries->at == entries->length) {
			entries->at = 0;
			entries->length = syscall(SYS_getdents64, directory, entries->buffer,
				sizeof(entries->buffer));
			/* ENOENT: the directory itself has been removed */
			*ret_error = entries->length < 0 && errno != ENOENT ? -errno : 0;
			if (entries->length <= 0)
				return NULL;
		}
		entry = (const struct dirent64 *)(entries->buffer + entries->at);
		entries->at += entry->d_reclen;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return entry->d_name;
	}
}

/* By the descriptor, so that a link put in its place is not what is changed. */
static int unlock_mode(int at, const char *name)
{
	_cleanup_close_ int place = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char path[32];

	if (place < 0)
		return -errno;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
	return chmod(path, 0700) ? -errno : 0;
}

/* For reading and for removing what is in it, whatever its mode forbids its own owner. */
static int open_directory(int at, const char *name)
{
	struct stat status;
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;

	if (fd < 0 && errno == EACCES) {
		r = unlock_mode(at, name);
		if (r < 0)
			return r;
		fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && (status.st_mode & 0700) != 0700)
		(void)fchmod(fd, 0700); /* a refusal is told by the removals below */
	return fd;
}

/* A file, or a directory that is empty. -ENOTEMPTY: one that is not. */
static int remove_entry(int at, const char *name)
{
	if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	if (unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return errno == EEXIST ? -ENOTEMPTY : -errno;
}

/* Beside its parent, by a name that nothing has. */
static int move_up(int from, const char *name, int top)
{
	for (unsigned attempt = 0; attempt < 16; attempt++) {
		uint64_t random;
		char moved[32];

		if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
			return -EIO;
		(void)snprintf(moved, sizeof(moved), ".%016llx", (unsigned long long)random);
		if (syscall(SYS_renameat2, from, name, top, moved, 1U /* RENAME_NOREPLACE */) ==
				0 ||
			errno == ENOENT)
			return 0;
		if (errno == EACCES || errno == EPERM) { /* its ".." changes: it must be writable */
			int error = errno;

			if (unlock_mode(from, name) < 0 || attempt)
				return -error;
		} else if (errno != EEXIST) {
			return -errno;
		}
	}
	return -EEXIST;
}

/* Removes everything in directory; what resists does not keep the rest from going. top -1: nothing
 * is moved, and a directory that is not empty is told by -ENOTEMPTY. */
static int empty_directory(int directory, int top)
{
	struct entries entries = {.length = 0};
	int first = 0, error = 0;
	const char *name;

	while ((name = next_entry(directory, &entries, &error))) {
		int r = remove_entry(directory, name);

		if (r == -ENOTEMPTY && top >= 0)
			r = move_up(directory, name, top);
		first = first ? first : r;
	}
	return first ? first : error;
}

/* One pass over the top's directories: each one emptied, what was in it moved up. */
static int flatten(int top)
{
	struct entries entries = {.length = 0};
	int first = 0, error = 0;
	const char *name;

	while ((name = next_entry(top, &entries, &error))) {
		int r = remove_entry(top, name);

		if (r == -ENOTEMPTY) {
			_cleanup_close_ int below = open_directory(top, name);

			r = below >= 0 ? empty_directory(below, top) : below == -ENOENT ? 0 : below;
			if (r == 0 && unlinkat(top, name, AT_REMOVEDIR) && errno != ENOENT)
				r = -errno;
		}
		first = first ? first : r;
	}
	return first ? first : error;
}

#define PASSES 100000 /* one a level of depth; PATH_MAX does not bound what chdir(2) reaches */

int tree_remove(int directory, const char *name)
{
	_cleanup_close_ int top = -1;
	int r = remove_entry(directory, name);

	if (r != -ENOTEMPTY)
		return r;
	top = open_directory(directory, name);
	if (top < 0)
		return top == -ENOENT ? 0 : top;
	for (unsigned pass = 0; pass < PASSES; pass++) {
		if (lseek(top, 0, SEEK_SET) < 0)
			return -errno;
		r = flatten(top);
		if (unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (r < 0)
			return r;
		if (errno != ENOTEMPTY && errno != EEXIST)
			return -errno;
	}
	return -ELOOP;
}
