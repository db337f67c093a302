/*
 * Two trees of one layer side by side: what is in its place, and what its archive unpacks to
 * (layer.h). Times of directories are left out: those that the archive does not name have none of
 * their own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "image/layer_parts.h"
#include "image/pack.h"
#include "util/cleanup.h"
#include "util/path.h"
#include "util/text.h"

struct comparison {
	int other; /* O_PATH */
	char target[2][PATH_MAX];
	char names[64 * 1024]; /* of xattrs: as long as the kernel has them */
	char block[2][64 * 1024];
};

static int differs(const char *path, const char *what, struct err *reterr)
{
	return err_set(reterr, -EUCLEAN, *path ? path : "/", "%s", what);
}

static int fail(const char *path, struct err *reterr)
{
	int code = -errno;

	return err_set(reterr, code, *path ? path : "/", "cannot be compared: %s", strerror(-code));
}

/* The directory in the other tree that path lies in, for *ret_name; -ENOENT where there is none. */
static int open_other(int root, const char *path, const char **ret_name)
{
	char parent[PATH_MAX];
	int fd;

	*ret_name = layer_split_path(*path ? path : ".", parent);
	fd = path_open_no_links(root, parent, O_PATH | O_DIRECTORY);
	return fd == -ENOTDIR || fd == -ELOOP ? -ENOENT : fd;
}

/* 1 and its status, 0 where the other tree has nothing at path. */
static int find_other(int root, const char *path, int *ret_directory, const char **ret_name,
	struct stat *ret, struct err *reterr)
{
	_cleanup_close_ int directory = open_other(root, path, ret_name);

	if (directory == -ENOENT)
		return 0;
	if (directory < 0) {
		errno = -directory;
		return fail(path, reterr);
	}
	if (fstatat(directory, *ret_name, ret, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : fail(path, reterr);
	*ret_directory = take_fd(&directory);
	return 1;
}

/* ---- what is in them ---- */

static int compare_content(
	struct comparison *comparison, int one, int two, const char *path, struct err *reterr)
{
	off_t at = 0;

	for (;;) {
		ssize_t got = pread(one, comparison->block[0], sizeof(comparison->block[0]), at),
			other = got < 0 ? -1
					: pread(two, comparison->block[1],
						  sizeof(comparison->block[1]), at);

		if (got < 0 || other < 0)
			return fail(path, reterr);
		if (got != other ||
			memcmp(comparison->block[0], comparison->block[1], (size_t)got) != 0)
			return differs(path, "has other content", reterr);
		if (got == 0)
			return 0;
		at += got;
	}
}

/* Labels of a security module are the machine's, not the layer's. */
static bool is_of_layer(const char *name)
{
	return text_starts_with(name, "user.") || strcmp(name, "security.capability") == 0;
}

/* Each of one's is two's. */
static int compare_each(
	struct comparison *comparison, int one, int two, const char *path, struct err *reterr)
{
	char *names = comparison->names;
	ssize_t length = flistxattr(one, names, sizeof(comparison->names));

	if (length < 0)
		return errno == ENOTSUP ? 0 : fail(path, reterr); /* then two has none either */
	for (char *name = names; name < names + length; name += strlen(name) + 1) {
		ssize_t size, other;

		if (!is_of_layer(name))
			continue;
		size = fgetxattr(one, name, comparison->block[0], sizeof(comparison->block[0]));
		other = fgetxattr(two, name, comparison->block[1], sizeof(comparison->block[1]));
		if (size < 0 || (other < 0 && errno != ENODATA))
			return fail(path, reterr);
		if (size != other ||
			memcmp(comparison->block[0], comparison->block[1], (size_t)size) != 0)
			return differs(path, "has other extended attributes", reterr);
	}
	return 0;
}

static int compare_xattrs(
	struct comparison *comparison, int one, int two, const char *path, struct err *reterr)
{
	int r = compare_each(comparison, one, two, path, reterr);

	return r == 0 ? compare_each(comparison, two, one, path, reterr) : r;
}

static int compare_opened(struct comparison *comparison, int directory, const char *name,
	int other_directory, const char *other_name, mode_t mode, const char *path,
	struct err *reterr)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	_cleanup_close_ int one = openat(directory, name, flags),
			    two = openat(other_directory, other_name, flags);
	int r;

	if (one < 0 || two < 0)
		return fail(path, reterr);
	r = compare_xattrs(comparison, one, two, path, reterr);
	return r == 0 && S_ISREG(mode) ? compare_content(comparison, one, two, path, reterr) : r;
}

static int compare_targets(struct comparison *comparison, int directory, const char *name,
	int other_directory, const char *other_name, const char *path, struct err *reterr)
{
	ssize_t one = readlinkat(directory, name, comparison->target[0], PATH_MAX),
		two = readlinkat(other_directory, other_name, comparison->target[1], PATH_MAX);

	if (one < 0 || two < 0)
		return fail(path, reterr);
	return one == two && memcmp(comparison->target[0], comparison->target[1], (size_t)one) == 0
		       ? 0
		       : differs(path, "leads elsewhere", reterr);
}

/* ---- what they are ---- */

static int compare_status(
	const struct stat *one, const struct stat *two, const char *path, struct err *reterr)
{
	if ((one->st_mode & S_IFMT) != (two->st_mode & S_IFMT) || one->st_rdev != two->st_rdev)
		return differs(path, "is of another type", reterr);
	if (one->st_mode != two->st_mode)
		return differs(path, "has another mode", reterr);
	if (one->st_uid != two->st_uid || one->st_gid != two->st_gid)
		return differs(path, "has another owner", reterr);
	if (S_ISDIR(one->st_mode))
		return 0;
	if (one->st_size != two->st_size)
		return differs(path, "has another size", reterr);
	return one->st_nlink == two->st_nlink
		       ? 0
		       : differs(path, "has another number of names", reterr);
}

/* Last: it tells the least. A whiteout has no time of its own. */
static int compare_time(
	const struct stat *one, const struct stat *two, const char *path, struct err *reterr)
{
	return S_ISDIR(one->st_mode) || S_ISCHR(one->st_mode) ||
			       (one->st_mtim.tv_sec == two->st_mtim.tv_sec &&
				       one->st_mtim.tv_nsec == two->st_mtim.tv_nsec)
		       ? 0
		       : differs(path, "has another time", reterr);
}

static int visit_right(void *context, int directory, const char *name, const char *path,
	const struct stat *status, bool empty, struct err *reterr)
{
	struct comparison *comparison = context;
	_cleanup_close_ int other_directory = -1;
	struct stat other = {0};
	const char *other_name;
	int r = find_other(comparison->other, path, &other_directory, &other_name, &other, reterr);

	(void)empty;
	if (r == 0)
		r = differs(path, "is missing", reterr);
	if (r > 0)
		r = compare_status(status, &other, path, reterr);
	if (r < 0)
		return r;
	if (S_ISLNK(status->st_mode))
		r = compare_targets(
			comparison, directory, name, other_directory, other_name, path, reterr);
	else if (S_ISREG(status->st_mode) || S_ISDIR(status->st_mode))
		r = compare_opened(comparison, directory, name, other_directory, other_name,
			status->st_mode, path, reterr);
	return r < 0 ? r : compare_time(status, &other, path, reterr);
}

static int visit_found(void *context, int directory, const char *name, const char *path,
	const struct stat *status, bool empty, struct err *reterr)
{
	struct comparison *comparison = context;
	_cleanup_close_ int right_directory = -1;
	struct stat right;
	const char *right_name;
	int r = find_other(comparison->other, path, &right_directory, &right_name, &right, reterr);

	(void)directory;
	(void)name;
	(void)status;
	(void)empty;
	return r == 0 ? differs(path, "is not in the image", reterr) : r < 0 ? r : 0;
}

int layer_compare(int right, int found, struct err *reterr)
{
	struct comparison *comparison = calloc(1, sizeof(*comparison));
	struct pack_walk walk = {.visit = visit_right, .context = comparison};
	int r;

	if (!comparison)
		return err_no_memory(reterr);
	comparison->other = found;
	r = pack_walk(right, &walk, reterr);
	if (r == 0) {
		walk.visit = visit_found;
		comparison->other = right;
		r = pack_walk(found, &walk, reterr);
	}
	free(comparison);
	return r;
}
