/*
 * Whole files: see file.h. Everything is relative to a directory descriptor and close-on-exec from
 * birth.
 */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/mutant.h"

#define CHUNK ((size_t)16 * 1024)

static ssize_t read_some(int fd, void *buffer, size_t size)
{
	ssize_t got;

	do
		got = read(fd, buffer, size);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

/*
 * Room for at least one byte more than is used, but never for more than maximum + 1 bytes and the
 * NUL.
 */
static int grow(char **text, size_t *capacity, size_t used, size_t maximum)
{
	size_t wanted = used ? used * 2 : CHUNK;
	char *grown;

	if (used + 1 < *capacity)
		return 0;
	if (wanted > maximum)
		wanted = maximum + 1; /* the one byte more tells "at the limit" from "over it" */
	grown = realloc(*text, wanted + 1);
	if (!grown)
		return -ENOMEM;
	*text = grown;
	*capacity = wanted + 1;
	return 0;
}

int file_read_fd(int fd, size_t maximum, char **ret_text, size_t *ret_length)
{
	_cleanup_free_ char *text = NULL;
	size_t used = 0, capacity = 0;
	ssize_t got;
	int r;

	if (maximum > SIZE_MAX / 4)
		return -EINVAL;
	for (;;) {
		r = grow(&text, &capacity, used, maximum);
		if (r < 0)
			return r;
		got = read_some(fd, text + used, capacity - 1 - used);
		if (got < 0)
			return (int)got;
		if (got == 0)
			break;
		used += (size_t)got;
		if (used > maximum)
			return -EFBIG;
	}
	text[used] = '\0';
	*ret_length = used;
	*ret_text = take_pointer(&text);
	return 0;
}

int file_read(int directory, const char *path, size_t maximum, char **ret_text, size_t *ret_length)
{
	/*
	 * O_NONBLOCK: a FIFO put in the place of a file must not hang us; O_NOCTTY: nor a terminal
	 * become ours
	 */
	_cleanup_close_ int fd =
		openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	return file_read_fd(fd, maximum, ret_text, ret_length);
}

int file_read_line(int directory, const char *path, char *buffer, size_t size)
{
	_cleanup_close_ int fd =
		openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t used = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	do {
		if (used == size)
			return -EFBIG;
		got = read_some(fd, buffer + used, size - used);
		if (got < 0)
			return (int)got;
		used += (size_t)got;
	} while (got > 0);
	if (used > 0 && buffer[used - 1] == '\n')
		used--;
	buffer[used] = '\0';
	return (int)used;
}

int file_write_kernel(int directory, const char *path, const char *text, size_t length)
{
	_cleanup_close_ int fd = openat(directory, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t put;

	if (fd < 0)
		return -errno;
	do
		put = write(fd, text, length);
	while (put < 0 && errno == EINTR);
	if (put < 0)
		return -errno;
	return (size_t)put == length ? 0 : -EIO;
}

int file_write_all(int fd, const void *data, size_t length)
{
	const char *rest = data;

	while (length > 0) {
		ssize_t put = write(fd, rest, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		if (put == 0)
			return -EIO;
		rest += put;
		length -= (size_t)put;
	}
	return 0;
}

int file_open_parent(const char *path, int *ret_directory, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char parent[PATH_MAX] = ".";
	int directory;

	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EISDIR;
	if (slash && (size_t)(name - path) >= sizeof(parent))
		return -ENAMETOOLONG;
	if (slash)
		(void)snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	*ret_directory = directory;
	*ret_name = name;
	return 0;
}

/* A new file that nobody else can have open; a name somebody has taken is simply left alone. */
static int create_temporary(int directory, char name[static 32])
{
	for (unsigned attempt = 0; attempt < 16; attempt++) {
		uint64_t random;
		int fd;

		if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
			return -EIO;
		(void)snprintf(name, 32, ".immure-%016llx", (unsigned long long)random);
		fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
		if (fd >= 0 || errno != EEXIST)
			return fd >= 0 ? fd : -errno;
	}
	return -EEXIST;
}

static int write_and_rename(int directory, const char *temporary, int fd, const char *name,
	const char *text, size_t length)
{
	int r = fchmod(fd, mutant(MUTANT_FILE_MODE) ? 0644 : 0600)
			? -errno
			: 0; /* an odd umask may have left less */

	if (r == 0)
		r = file_write_all(fd, text, length);
	if (r == 0 && !mutant(MUTANT_FILE_FLUSH) && fsync(fd))
		r = -errno;
	if (r == 0 && renameat(directory, temporary, directory, name))
		r = -errno;
	return r;
}

int file_replace_at(int directory, const char *name, const char *text, size_t length)
{
	_cleanup_close_ int fd = -1;
	char temporary[32];
	int r;

	fd = create_temporary(directory, temporary);
	if (fd < 0)
		return fd;
	r = write_and_rename(directory, temporary, fd, name, text, length);
	if (r < 0) {
		(void)unlinkat(directory, temporary, 0); /* the first error is the one to tell */
		return r;
	}
	(void)fsync(
		directory); /* the name's durability; some file systems refuse it on directories */
	return 0;
}
