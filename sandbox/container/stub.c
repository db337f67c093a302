/* Mount points that a launch made: see stub.h. */
#include "container/stub.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "container/merged.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/directory.h"
#include "util/overlay.h"
#include "util/path.h"

#define ATTRIBUTES 4096 /* bytes of names, and of a value: whoever has more of them keeps them */
#define OF_OVERLAYFS "user.overlay."

struct trees {
	int upper;
	struct merged lower;
	struct stub_list *list; /* NULL: they are removed */
};

/* The names among list that are not overlayfs's own. */
static size_t count_foreign(const char *list, size_t length)
{
	size_t count = 0;

	for (size_t at = 0; at < length; at += strlen(list + at) + 1)
		count += strncmp(list + at, OF_OVERLAYFS, strlen(OF_OVERLAYFS)) != 0;
	return count;
}

static bool have_same_value(int one, int other, const char *name)
{
	char value[2][ATTRIBUTES];
	ssize_t length = fgetxattr(one, name, value[0], ATTRIBUTES);

	return length >= 0 && fgetxattr(other, name, value[1], ATTRIBUTES) == length &&
	       memcmp(value[0], value[1], (size_t)length) == 0;
}

static bool have_same_attributes(int one, int other)
{
	char list[2][ATTRIBUTES];
	ssize_t length = flistxattr(one, list[0], ATTRIBUTES),
		other_length = flistxattr(other, list[1], ATTRIBUTES);

	if (length < 0 || other_length < 0 ||
		count_foreign(list[0], (size_t)length) !=
			count_foreign(list[1], (size_t)other_length))
		return false;
	for (size_t at = 0; at < (size_t)length; at += strlen(list[0] + at) + 1)
		if (strncmp(list[0] + at, OF_OVERLAYFS, strlen(OF_OVERLAYFS)) != 0 &&
			!have_same_value(one, other, list[0] + at))
			return false;
	return true;
}

/* A directory that says nothing but what the image says, or what every launch says of a new one. */
static bool is_plain(const struct trees *trees, int directory, const char *path)
{
	_cleanup_close_ int below = merged_directory(&trees->lower, path);
	struct stat status, lower;

	if (fstat(directory, &status) || overlay_is_opaque(directory))
		return false;
	if (below == -ENOENT)
		return status.st_uid == getuid() && status.st_gid == getgid() &&
		       (status.st_mode & 07777) == 0755;
	return below >= 0 && fstat(below, &lower) == 0 && status.st_mode == lower.st_mode &&
	       status.st_uid == lower.st_uid && status.st_gid == lower.st_gid &&
	       have_same_attributes(directory, below);
}

/* The directory above path in the upper; path is cut to it, *ret_name what was cut. -errno. */
static int open_above(const struct trees *trees, char *path, const char **ret_name)
{
	char *slash = strrchr(path, '/');

	*slash = '\0';
	*ret_name = slash + 1;
	return path_open_no_links(trees->upper, path[0] ? path + 1 : ".", O_RDONLY | O_DIRECTORY);
}

static bool is_listed(const struct stub_list *list, const char *path)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->paths[i], path) == 0)
			return true;
	return false;
}

/* True where nothing is in it but what is listed. */
static bool holds_stubs_only(const struct trees *trees, int directory, const char *path)
{
	_cleanup_closedir_ DIR *stream = NULL;
	const struct dirent *entry;
	char inside[PATH_MAX];
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	    r = directory_start(fd < 0 ? -errno : fd, &stream);

	while (r == 0 && (r = directory_next(stream, &entry)) > 0) {
		int length = snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name);

		if (length < 0 || (size_t)length >= sizeof(inside) ||
			!is_listed(trees->list, inside))
			return false;
		r = 0;
	}
	return r == 0;
}

/* Takes name, in the directory above at path, away or into the list. False where more is in it. */
static bool take(
	const struct trees *trees, int above, const char *path, const char *name, bool directory)
{
	_cleanup_close_ int fd = -1;
	const char *whole, **place;

	if (!trees->list)
		return unlinkat(above, name, directory ? AT_REMOVEDIR : 0) == 0;
	whole = arena_format(trees->list->arena, "%s/%s", path, name);
	if (whole && directory) {
		fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || !holds_stubs_only(trees, fd, whole))
			return false;
	}
	place = whole ? arena_append(trees->list->arena, &trees->list->paths, &trees->list->count,
				sizeof(*place))
		      : NULL;
	if (place)
		*place = whole;
	return place != NULL;
}

/* What lay under a mount all the time. Where the container has renamed a directory above it, it
 * went along, and stays; something of the container's own at the old place goes if it is as empty.
 */
static bool take_covered(const struct trees *trees, char *path)
{
	_cleanup_close_ int below = merged_directory(&trees->lower, path), above = -1;
	struct stat status;
	const char *name;

	if (below != -ENOENT)
		return false; /* the image's own */
	above = open_above(trees, path, &name);
	if (above < 0 || fstatat(above, name, &status, AT_SYMLINK_NOFOLLOW))
		return false;
	if (S_ISREG(status.st_mode) && (status.st_size != 0 || status.st_nlink != 1))
		return false;
	return (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) &&
	       take(trees, above, path, name, S_ISDIR(status.st_mode));
}

static bool take_above(const struct trees *trees, char *path)
{
	_cleanup_close_ int directory = path_open_no_links(
				    trees->upper, path + 1, O_RDONLY | O_DIRECTORY),
			    above = -1;
	const char *name;

	if (directory < 0 || !is_plain(trees, directory, path))
		return false;
	above = open_above(trees, path, &name);
	return above >= 0 && take(trees, above, path, name, true);
}

static void take_stub(const struct trees *trees, const char *target)
{
	char path[PATH_MAX];

	if (strlen(target) >= sizeof(path) || target[0] != '/' || !target[1])
		return;
	(void)stpcpy(path, target);
	if (!take_covered(trees, path))
		return;
	while (path[0] && take_above(trees, path))
		;
}

static void take_all(
	const struct layers *layers, const struct profile *profile, struct stub_list *list)
{
	static const char *const always[] = {"/dev", "/proc", "/sys"};
	struct layers below = *layers;
	struct trees trees = {.upper = -1, .list = list};
	struct err ignored = {0};

	below.upper = NULL;
	if (merged_open(&below, &trees.lower, &ignored) < 0)
		return;
	trees.upper = open(layers->upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	for (size_t i = 0; trees.upper >= 0 && i < sizeof(always) / sizeof(always[0]); i++)
		take_stub(&trees, always[i]);
	/* a later mount may lie below an earlier one */
	for (size_t i = profile->files.mount_count; trees.upper >= 0 && i-- > 0;) {
		const struct mount_rule *rule = &profile->files.mounts[i];

		if (rule->kind == MOUNT_BIND || rule->kind == MOUNT_TMPFS ||
			rule->kind == MOUNT_FILE)
			take_stub(&trees, rule->target);
	}
	if (trees.upper >= 0)
		(void)close(trees.upper); /* a directory: nothing was written through it */
	merged_close(&trees.lower);
}

void stub_remove_all(const struct layers *layers, const struct profile *profile)
{
	take_all(layers, profile, NULL);
}

void stub_find_all(
	const struct layers *layers, const struct profile *profile, struct stub_list *ret)
{
	take_all(layers, profile, ret);
}
