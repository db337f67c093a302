/*
 * Looking up a path through layers: see merged.h. The rules are overlayfs's own
 * (Documentation/filesystems/overlayfs.rst): the uppermost entry of a name counts; a character
 * device 0:0 hides what is below it, and so does anything that is no directory; directories are
 * merged down to the first that is opaque.
 */
#include "container/merged.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/file.h"
#include "util/mutant.h"
#include "util/overlay.h"

#define LINKS 40
#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

void merged_close(struct merged *merged)
{
	for (size_t i = 0; i < merged->count; i++)
		if (merged->trees[i] >= 0)
			(void)close(merged->trees[i]); /* a directory: nothing was written */
	merged->count = 0;
}

int merged_open(const struct layers *layers, struct merged *ret, struct err *reterr)
{
	struct merged merged = {.count = 0};

	for (size_t i = 0; i <= layers->count; i++) {
		const char *path = i ? layers->trees[layers->count - i] : layers->upper;
		int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

		if (path && fd < 0) {
			int r = err_set(
				reterr, -errno, path, "cannot be opened: %s", strerror(errno));

			merged_close(&merged);
			return r;
		}
		if (path)
			merged.trees[merged.count++] = fd;
	}
	*ret = merged;
	return 0;
}

/* What a name is in the directories of `here`: a directory, merged into `below`; else the place of
 * it. */
struct step {
	mode_t type;
	int directory; /* borrowed of here: where the entry lies */
};

static int take_step(
	const struct merged *here, const char *name, struct merged *below, struct step *ret)
{
	*ret = (struct step){.directory = -1};
	below->count = 0;
	for (size_t i = 0; i < here->count; i++) {
		struct stat status;
		int fd;

		if (fstatat(here->trees[i], name, &status, AT_SYMLINK_NOFOLLOW)) {
			if (errno == ENOENT)
				continue;
			return -errno;
		}
		if (overlay_is_whiteout(&status))
			break;
		if (!S_ISDIR(status.st_mode)) {
			if (ret->directory < 0)
				*ret = (struct step){status.st_mode & S_IFMT, here->trees[i]};
			break;
		}
		fd = openat(here->trees[i], name, DIRECTORY);
		if (fd < 0)
			return -errno;
		*ret = (struct step){S_IFDIR, here->trees[i]};
		below->trees[below->count++] = fd;
		if (overlay_is_opaque(fd))
			break;
	}
	return ret->directory < 0 ? -ENOENT : 0;
}

/* A walk: where it is (owned, but for the root's), how it came there without links, what is left.
 */
struct walk {
	struct merged here;
	bool at_root;
	char place[PATH_MAX], rest[2 * PATH_MAX];
	unsigned links;
};

static void walk_to_root(struct walk *walk, const struct merged *root)
{
	if (!walk->at_root)
		merged_close(&walk->here);
	walk->here = *root;
	walk->at_root = true;
}

/* Up one: the way there is free of links, so its text tells where that is; it is walked anew. */
static int prepend(struct walk *walk, const char *before)
{
	char joined[sizeof(walk->rest)];
	int length = snprintf(joined, sizeof(joined), "%s/%s", before, walk->rest);

	if (length < 0 || (size_t)length >= sizeof(joined))
		return -ENAMETOOLONG;
	memcpy(walk->rest, joined, (size_t)length + 1);
	return 0;
}

static int restart(struct walk *walk, const struct merged *root, size_t place_length)
{
	char before[PATH_MAX];

	memcpy(before, walk->place, place_length);
	before[place_length] = '\0';
	walk->place[0] = '\0';
	walk_to_root(walk, root);
	return prepend(walk, before);
}

static int follow_link(
	struct walk *walk, const struct merged *root, int directory, const char *name)
{
	char text[PATH_MAX];
	ssize_t length = readlinkat(directory, name, text, sizeof(text) - 1);
	int r;

	if (length <= 0)
		return length ? -errno : -ENOENT;
	text[length] = '\0';
	if (++walk->links > LINKS)
		return -ELOOP;
	r = prepend(walk, text);
	return r < 0 ? r : restart(walk, root, text[0] == '/' ? 0 : strlen(walk->place));
}

/* Takes the next component off the rest. False at the end. */
static bool next_name(struct walk *walk, char name[NAME_MAX + 1], int *ret_error)
{
	size_t start = strspn(walk->rest, "/"), length = strcspn(walk->rest + start, "/");

	*ret_error = length > NAME_MAX ? -ENAMETOOLONG : 0;
	if (!length || *ret_error)
		return false;
	memcpy(name, walk->rest + start, length);
	name[length] = '\0';
	memmove(walk->rest, walk->rest + start + length, strlen(walk->rest + start + length) + 1);
	return true;
}

static int go_up(struct walk *walk, const struct merged *root)
{
	char *slash = strrchr(walk->place, '/');

	return restart(walk, root, slash ? (size_t)(slash - walk->place) : 0);
}

static int enter(struct walk *walk, struct merged *below, const char *name)
{
	size_t used = strlen(walk->place);

	if (used + strlen(name) + 2 > sizeof(walk->place)) {
		merged_close(below);
		return -ENAMETOOLONG;
	}
	(void)stpcpy(stpcpy(walk->place + used, "/"), name);
	if (!walk->at_root)
		merged_close(&walk->here);
	walk->here = *below;
	walk->at_root = false;
	return 0;
}

static int open_regular(int directory, const char *name)
{
	_cleanup_close_ int fd =
		openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	return S_ISREG(status.st_mode) || mutant(MUTANT_TABLE_FILE) ? take_fd(&fd) : -EINVAL;
}

static int walk_on(struct walk *walk, const struct merged *root)
{
	char name[NAME_MAX + 1];
	int r = 0;

	while (next_name(walk, name, &r)) {
		struct merged below = {.count = 0};
		struct step step;

		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			r = go_up(walk, root);
			if (r < 0)
				return r;
			continue;
		}
		r = take_step(&walk->here, name, &below, &step);
		if (r == 0 && step.type == S_IFDIR) {
			r = enter(walk, &below, name);
		} else {
			merged_close(&below);
			if (r == 0 && step.type == S_IFLNK)
				r = follow_link(walk, root, step.directory, name);
			else if (r == 0)
				return walk->rest[strspn(walk->rest, "/")]
					       ? -ENOTDIR
					       : open_regular(step.directory, name);
		}
		if (r < 0)
			return r;
	}
	return r < 0 ? r : -EISDIR;
}

/* As walk_on(); walk has to be left by leave(). */
static int start_walk(struct walk *walk, const struct merged *merged, const char *path)
{
	*walk = (struct walk){.here = *merged, .at_root = true};
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(walk->rest, path, strlen(path) + 1);
	return walk_on(walk, merged);
}

static void leave(struct walk *walk)
{
	if (!walk->at_root)
		merged_close(&walk->here);
}

int merged_read(const struct merged *merged, const char *path, size_t maximum, char **ret_text,
	size_t *ret_length)
{
	struct walk walk;
	_cleanup_close_ int fd = start_walk(&walk, merged, path);

	leave(&walk);
	return fd < 0 ? fd : file_read_fd(fd, maximum, ret_text, ret_length);
}

int merged_directory(const struct merged *merged, const char *path)
{
	struct walk walk;
	_cleanup_close_ int fd = start_walk(&walk, merged, path);
	int r = fd >= 0 || fd == -EINVAL ? -ENOTDIR : fd;

	if (fd == -EISDIR) {
		r = fcntl(walk.here.trees[0], F_DUPFD_CLOEXEC, 3);
		r = r < 0 ? -errno : r;
	}
	leave(&walk);
	return r;
}
