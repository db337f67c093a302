/*
 * Copies: see copy.h. The layers are seen through an overlay in a mount namespace of this work's
 * own.
 */
#include "container/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/mutant.h"
#include "util/path.h"

#define DEPTH 200
#define TEMPORARY_ROOM 32
#define OPTIONS 4096 /* mount(2) takes a page of them */
#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int open_root(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* ":/proc/self/fd/N": short enough for as many layers as there may be. The descriptor stays open:
 * the option names it by its number. */
static int add_layer(char *options, size_t *used, const char *before, const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*used += (size_t)snprintf(
		options + *used, OPTIONS - *used, "%s/proc/self/fd/%d", before, fd);
	return *used + 32 < OPTIONS ? 0 : -E2BIG;
}

/* The merged tree, mounted at a place that this namespace alone has. A descriptor or -errno. */
static int open_merged(const struct layers *layers)
{
	char options[OPTIONS] = "";
	size_t used = 0;
	int r = 0;

	if (layers->count == 1 && !layers->upper)
		return open_root(layers->trees[0]);
	/* before anything is opened: overlayfs takes no directory of another mount namespace */
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	for (size_t i = layers->count; i > 0 && r == 0; i--)
		r = add_layer(options, &used, i == layers->count ? "lowerdir=" : ":",
			layers->trees[i - 1]);
	if (r == 0 && layers->upper)
		r = add_layer(options, &used, ",upperdir=", layers->upper);
	if (r == 0 && layers->upper)
		r = add_layer(options, &used, ",workdir=", layers->work);
	if (r < 0)
		return r;
	(void)snprintf(options + used, sizeof(options) - used, ",userxattr");
	if (mount("overlay", "/tmp", "overlay",
		    MS_NOSUID | MS_NODEV | (layers->upper ? 0 : MS_RDONLY), options))
		return -errno;
	return open_root("/tmp");
}

/* Ours to keep: what a program set, and where single-id mode keeps owners; never overlayfs's own.
 */
static bool is_kept(const char *name)
{
	return strncmp(name, "user.", 5) == 0 && strncmp(name, "user.overlay.", 13) != 0;
}

static int copy_attributes(int from, int to)
{
	char names[4096], value[65536];
	ssize_t length = flistxattr(from, names, sizeof(names));

	for (const char *name = names; length > 0 && name < names + length;
		name += strlen(name) + 1) {
		ssize_t size = is_kept(name) ? fgetxattr(from, name, value, sizeof(value)) : -1;

		if (size >= 0 && fsetxattr(to, name, value, (size_t)size, 0) &&
			errno != ENOTSUP) /* a volume on a file system without them */
			return -errno;
	}
	return 0;
}

static int copy_status(int from, int to, const struct stat *status, bool owners)
{
	const struct timespec times[2] = {status->st_atim, status->st_mtim};
	int r = copy_attributes(from, to);

	if (r == 0 && owners && fchown(to, status->st_uid, status->st_gid) && errno != EINVAL)
		r = -errno; /* EINVAL: an id that is not in the map stays ours */
	/* set-id bits made for one side's ids are nothing for the other's */
	if (r == 0 && fchmod(to, status->st_mode & (owners ? 07777 : 01777)))
		r = -errno;
	if (r == 0)
		(void)futimens(to, times); /* a time that cannot be kept costs nothing */
	return r;
}

/* A name in the directory that nothing has: what is there under the real one stays until the copy
 * is whole. */
static int temporary_name(char ret[TEMPORARY_ROOM])
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	(void)snprintf(ret, TEMPORARY_ROOM, ".immure-cp-%016llx", (unsigned long long)random);
	return 0;
}

/* Of files that do not tell their size: those of the host's /proc. */
static int copy_stream(int in, int out)
{
	ssize_t copied;

	do
		copied = sendfile(out, in, NULL, (size_t)1 << 30);
	while (copied > 0);
	return copied < 0 ? -errno : 0;
}

/* Holes stay holes: one system call makes a file of terabytes that way, and written out it would
 * fill the disk. No more than it was at first: a program may write to it faster than we read. */
static int copy_pieces(int in, int out, off_t size)
{
	off_t data = 0, hole;

	if (ftruncate(out, size))
		return -errno;
	while (data < size) {
		data = lseek(in, data, SEEK_DATA);
		if (data < 0)
			return errno == ENXIO ? 0 : -errno;
		hole = lseek(in, data, SEEK_HOLE);
		if (hole < 0 || lseek(out, data, SEEK_SET) < 0)
			return -errno;
		if (hole > size)
			hole = size;
		while (data < hole) {
			ssize_t copied = sendfile(out, in, &data, (size_t)(hole - data));

			if (copied <= 0) /* 0: cut off meanwhile */
				return copied < 0 ? -errno : -EAGAIN;
		}
	}
	return 0;
}

static int write_file(int from, const char *name, int to, const char *as, bool owners)
{
	_cleanup_close_ int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_close_ int out = -1;
	struct stat status;
	int r;

	if (in < 0 || fstat(in, &status))
		return -errno;
	if (!S_ISREG(status.st_mode)) /* it was one when it was looked at */
		return -EAGAIN;
	out = openat(to, as, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return -errno;
	r = status.st_size ? copy_pieces(in, out, status.st_size) : copy_stream(in, out);
	return r < 0 ? r : copy_status(in, out, &status, owners);
}

static int write_link(
	int from, const char *name, int to, const char *as, const struct stat *status, bool owners)
{
	char text[4096];
	ssize_t length = readlinkat(from, name, text, sizeof(text) - 1);

	if (length < 0)
		return -errno;
	text[length] = '\0';
	if (symlinkat(text, to, as))
		return -errno;
	if (owners && fchownat(to, as, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW) &&
		errno != EINVAL)
		return -errno;
	return 0;
}

/* A file or a link. as: what it is called there; one that is there is replaced in one step, and by
 * a whole copy only. */
static int copy_leaf(
	int from, const char *name, int to, const char *as, const struct stat *status, bool owners)
{
	char temporary[TEMPORARY_ROOM];
	int r = temporary_name(temporary);

	if (r < 0)
		return r;
	r = S_ISLNK(status->st_mode) ? write_link(from, name, to, temporary, status, owners)
				     : write_file(from, name, to, temporary, owners);
	if (r == 0 && renameat(to, temporary, to, as))
		r = -errno;
	if (r < 0)
		(void)unlinkat(to, temporary, 0); /* the copy's own error is the one to tell */
	return r;
}

static int copy_directory(int from, int to, unsigned depth, bool owners);

static int copy_entry(
	int from, const char *name, int to, const char *as, unsigned depth, bool owners)
{
	_cleanup_close_ int in = -1, out = -1;
	struct stat status;

	if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (S_ISREG(status.st_mode) || S_ISLNK(status.st_mode))
		return copy_leaf(from, name, to, as, &status, owners);
	if (!S_ISDIR(status.st_mode))
		return 0;
	if (mkdirat(to, as, 0700) && errno != EEXIST)
		return -errno;
	in = openat(from, name, DIRECTORY);
	out = openat(to, as, DIRECTORY);
	if (in < 0 || out < 0)
		return -errno;
	return depth ? copy_directory(in, out, depth - 1, owners) : -E2BIG;
}

/* What is in it, then what it is: a directory that may not be written to is written to first. */
static int copy_directory(int from, int to, unsigned depth, bool owners)
{
	_cleanup_closedir_ DIR *directory = NULL;
	struct stat status;
	const struct dirent *entry;
	int own = openat(from, ".", DIRECTORY), r = 0;

	directory = own < 0 ? NULL : fdopendir(own);
	if (!directory || fstat(from, &status))
		return -errno;
	while (r == 0 && (errno = 0, entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = copy_entry(from, entry->d_name, to, entry->d_name, depth, owners);
	if (r == 0 && errno)
		r = -errno; /* of readdir(): what it did not give was not copied */
	return r < 0 ? r : copy_status(from, to, &status, owners);
}

int copy_fill(void *context)
{
	const struct copy *copy = context;
	_cleanup_close_ int root = open_merged(copy->layers), from = -1;

	if (root < 0)
		return root;
	from = path_open_in_root(root, copy->path, O_RDONLY | O_DIRECTORY);
	if (from == -ENOENT || from == -ENOTDIR)
		return 0;
	return from < 0 ? from : copy_directory(from, copy->directory, DEPTH, true);
}

/* ---- cp ---- */

/* A path's directory, opened in root, and its last word. "/" and "/x/." are whole directories: then
 * the word is ".". */
static int open_parent(int root, const char *path, char name[NAME_MAX + 1])
{
	char parent[PATH_MAX];
	size_t length = strlen(path), end;

	while (length > 1 && path[length - 1] == '/')
		length--;
	for (end = length; end > 0 && path[end - 1] != '/';)
		end--;
	if (length - end > NAME_MAX || length >= sizeof(parent))
		return -ENAMETOOLONG;
	memcpy(name, path + end, length - end);
	name[length - end] = '\0';
	if (!name[0])
		(void)stpcpy(name, ".");
	if (strcmp(name, "..") == 0)
		return -EINVAL; /* its name there would be unknown */
	memcpy(parent, path, end);
	parent[end] = '\0';
	if (mutant(MUTANT_COPY_LINKS)) /* absolute, but of the container */
		return openat(root, end > 1 ? parent + 1 : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return path_open_in_root(root, end ? parent : ".", O_RDONLY | O_DIRECTORY);
}

/* What is at from/name goes to path in root: into it where it is a directory, else by that name. */
static int copy_between(int from, const char *name, int root, const char *path)
{
	_cleanup_close_ int to = -1, whole = -1;
	char as[NAME_MAX + 1];
	struct stat status;

	if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW))
		return -errno;
	/* left out of a directory, but not what was asked for by name */
	if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode) && !S_ISDIR(status.st_mode))
		return -EOPNOTSUPP;
	if (strcmp(name, ".") == 0)
		whole = openat(from, ".", DIRECTORY);
	to = path_open_in_root(root, path, O_RDONLY | O_DIRECTORY);
	if (to >= 0 && whole >= 0)
		return copy_directory(whole, to, DEPTH, false);
	if (to >= 0)
		return copy_entry(from, name, to, name, DEPTH, false);
	if (to != -ENOENT && to != -ENOTDIR)
		return to;
	to = open_parent(root, path, as);
	if (to < 0)
		return to;
	if (to >= 0 && path[strlen(path) - 1] == '/')
		return -ENOENT;
	if (whole >= 0) {
		_cleanup_close_ int made = -1;

		if (mkdirat(to, as, 0755))
			return -errno;
		made = openat(to, as, DIRECTORY);
		return made < 0 ? -errno : copy_directory(whole, made, DEPTH, false);
	}
	return copy_entry(from, name, to, as, DEPTH, false);
}

int copy_out(void *context)
{
	const struct copy *copy = context;
	_cleanup_close_ int root = open_merged(copy->layers), from = -1;
	char name[NAME_MAX + 1];

	if (root < 0)
		return root;
	from = open_parent(root, copy->path, name);
	return from < 0 ? from : copy_between(from, name, copy->directory, copy->name);
}

int copy_in(void *context)
{
	const struct copy *copy = context;
	_cleanup_close_ int root = open_merged(copy->layers);

	return root < 0 ? root : copy_between(copy->directory, copy->name, root, copy->path);
}
