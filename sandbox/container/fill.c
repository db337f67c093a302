/*
 * A new volume begins with what the image has at its place, as docker's do. The layers are seen
 * through a read-only overlay in a mount namespace of this work's own; everything is reached by
 * descriptors, no link is followed, and nothing but directories, regular files and links is copied.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "container/volume.h"
#include "util/cleanup.h"
#include "util/path.h"

#define DEPTH 200
#define OPTIONS 4096 /* mount(2) takes a page of them */
#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* The merged tree, mounted at a place that this namespace alone has. A descriptor or -errno. */
static int open_merged(const struct layers *layers)
{
	char options[OPTIONS] = "lowerdir=";
	size_t used = strlen(options);

	if (layers->count == 1)
		return open(layers->trees[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = layers->count; i > 0; i--) {
		/* left open until the end: the option names it by its number */
		int fd = open(layers->trees[i - 1], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return -errno;
		used += (size_t)snprintf(options + used, sizeof(options) - used,
			"%s/proc/self/fd/%d", i == layers->count ? "" : ":", fd);
		if (used + 16 >= sizeof(options))
			return -E2BIG;
	}
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	(void)snprintf(options + used, sizeof(options) - used, ",userxattr");
	if (mount("overlay", "/tmp", "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV, options))
		return -errno;
	return open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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

static int copy_status(int from, int to, const struct stat *status)
{
	const struct timespec times[2] = {status->st_atim, status->st_mtim};
	int r = copy_attributes(from, to);

	if (r == 0 && fchown(to, status->st_uid, status->st_gid) && errno != EINVAL)
		r = -errno; /* EINVAL: an id that is not in the map stays ours */
	if (r == 0 && fchmod(to, status->st_mode & 07777))
		r = -errno;
	if (r == 0)
		(void)futimens(to, times); /* a time that cannot be kept costs nothing */
	return r;
}

static int copy_file(int from, const char *name, int to)
{
	_cleanup_close_ int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_close_ int out = -1;
	struct stat status;
	ssize_t copied = 1;

	if (in < 0 || fstat(in, &status))
		return -errno;
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return -errno;
	while (copied > 0) {
		copied = sendfile(out, in, NULL, (size_t)1 << 30);
		if (copied < 0)
			return -errno;
	}
	return copy_status(in, out, &status);
}

static int copy_link(int from, const char *name, int to, const struct stat *status)
{
	char text[4096];
	ssize_t length = readlinkat(from, name, text, sizeof(text) - 1);

	if (length < 0)
		return -errno;
	text[length] = '\0';
	if (symlinkat(text, to, name))
		return -errno;
	if (fchownat(to, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW) &&
		errno != EINVAL)
		return -errno;
	return 0;
}

static int copy_directory(int from, int to, unsigned depth);

static int copy_entry(int from, const char *name, int to, unsigned depth)
{
	_cleanup_close_ int in = -1, out = -1;
	struct stat status;

	if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (S_ISREG(status.st_mode))
		return copy_file(from, name, to);
	if (S_ISLNK(status.st_mode))
		return copy_link(from, name, to, &status);
	if (!S_ISDIR(status.st_mode))
		return 0;
	if (mkdirat(to, name, 0700))
		return -errno;
	in = openat(from, name, DIRECTORY);
	out = openat(to, name, DIRECTORY);
	if (in < 0 || out < 0)
		return -errno;
	return depth ? copy_directory(in, out, depth - 1) : -ELOOP;
}

/* What is in it, then what it is: a directory that may not be written to is written to first. */
static int copy_directory(int from, int to, unsigned depth)
{
	_cleanup_closedir_ DIR *directory = NULL;
	struct stat status;
	const struct dirent *entry;
	int own = openat(from, ".", DIRECTORY), r = 0;

	directory = own < 0 ? NULL : fdopendir(own);
	if (!directory || fstat(from, &status))
		return -errno;
	while (r == 0 && (entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = copy_entry(from, entry->d_name, to, depth);
	return r < 0 ? r : copy_status(from, to, &status);
}

int fill_copy(void *context)
{
	const struct fill *fill = context;
	_cleanup_close_ int root = open_merged(fill->layers), from = -1;

	if (root < 0)
		return root;
	from = path_open_in_root(root, fill->path, O_RDONLY | O_DIRECTORY);
	if (from == -ENOENT || from == -ENOTDIR)
		return 0;
	return from < 0 ? from : copy_directory(from, fill->directory, DEPTH);
}
