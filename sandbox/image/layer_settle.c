/*
 * What an archive leaves open and only the layers below can tell, done as a merged tree would have
 * had it from the start (containerd's and docker's way of applying a layer):
 *
 *	a hard link to a file, link or FIFO of a lower layer: it is copied up, and linked;
 *	a directory without an entry of its own: it is the one below, with its attributes;
 *	the same where below there is a link: what lies in it belongs where the link leads.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/fs.h>

#include "image/layer_below.h"
#include "image/layer_parts.h"
#include "util/cleanup.h"
#include "util/directory.h"
#include "util/mutant.h"
#include "util/overlay.h"
#include "util/path.h"
#include "util/tree.h"

#define ROUNDS 40 /* links that lead to links: as the kernel counts them */

struct settle {
	struct layer_staging *staging;
	struct layer_tree tree;
	const struct layer_below *below;
	struct layer_set *sets; /* of each level of the walk */
	size_t level;
	char moving[PATH_MAX]; /* a directory that lies where below there is a link; "" : none */
};

static int fail(const char *path, const char *what, struct err *reterr)
{
	int code = -errno;

	return err_set(reterr, code, path, "cannot %s: %s", what, strerror(-code));
}

/* ---- hard links ---- */

/* Shares the blocks where the file system can; else copies what is not a hole. */
static int copy_content(int from, int to, const char *path, struct err *reterr)
{
	struct stat status;
	off_t data = 0, hole;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	if (fstat(from, &status) || ftruncate(to, status.st_size))
		return fail(path, "copy it up", reterr);
	while (data < status.st_size) {
		data = lseek(from, data, SEEK_DATA);
		if (data < 0)
			return errno == ENXIO ? 0 : fail(path, "copy it up", reterr);
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0 || lseek(to, data, SEEK_SET) < 0 || lseek(from, data, SEEK_SET) < 0)
			return fail(path, "copy it up", reterr);
		while (data < hole) {
			ssize_t copied =
				copy_file_range(from, NULL, to, NULL, (size_t)(hole - data), 0);

			if (copied <= 0)
				return fail(path, "copy it up", reterr);
			data += copied;
		}
	}
	return 0;
}

/* The xattrs that layers keep, of a file that is one of ours. */
static int copy_xattrs(int from, int to, enum layer_way way, const char *path, struct err *reterr)
{
	char names[64 * 1024], value[64 * 1024];
	ssize_t length = flistxattr(from, names, sizeof(names)), size;

	if (length < 0)
		return errno == ENOTSUP ? 0 : fail(path, "copy its extended attributes", reterr);
	for (const char *name = names; name < names + length; name += strlen(name) + 1) {
		if (!layer_xattr_is_kept(name, S_IFREG, way))
			continue;
		size = fgetxattr(from, name, value, sizeof(value));
		if (size < 0 || fsetxattr(to, name, value, (size_t)size, 0))
			return fail(path, "copy its extended attributes", reterr);
	}
	return 0;
}

/* Against the same bound as what the archive itself brings: a link costs it a few bytes, and where
 * the layer hides what it leads to, each one is a copy of its own. */
static int count_bytes(struct settle *settle, int from, const char *path, struct err *reterr)
{
	struct layer_staging *staging = settle->staging;
	struct stat status;

	if (fstat(from, &status))
		return fail(path, "look at what it is a hard link to", reterr);
	if ((uint64_t)status.st_size > staging->limits.bytes - staging->size &&
		!mutant(MUTANT_TAR_COPY_UP))
		return err_set(reterr, -EFBIG, path, "makes the layer larger than %llu bytes",
			(unsigned long long)staging->limits.bytes);
	staging->size += (uint64_t)status.st_size;
	return 0;
}

static int copy_up_file(struct settle *settle, int from, const char *path,
	const struct layer_attributes *attributes, struct err *reterr)
{
	enum layer_way way = settle->staging->way;
	_cleanup_close_ int to = -1;
	int r = count_bytes(settle, from, path, reterr);

	if (r < 0)
		return r;
	to = layer_tree_file(&settle->tree, path, reterr);
	if (to < 0)
		return to;
	r = copy_content(from, to, path, reterr);
	if (r == 0)
		r = layer_attributes_apply(to, attributes, way, path, reterr);
	/* capabilities last: the owner's change would take them */
	return r == 0 ? copy_xattrs(from, to, way, path, reterr) : r;
}

static int copy_up_special(struct settle *settle, int from, const char *path,
	const struct layer_attributes *attributes, struct err *reterr)
{
	char target[PATH_MAX];
	ssize_t length = 0;

	if (!S_ISLNK(attributes->mode))
		return layer_tree_special(&settle->tree, path, NULL, attributes, reterr);
	length = readlinkat(from, "", target, sizeof(target) - 1);
	if (length < 0)
		return fail(path, "read the link that it is a hard link to", reterr);
	target[length] = '\0';
	return layer_tree_special(&settle->tree, path, target, attributes, reterr);
}

/* What was found at place below, anew at path. */
static int copy_up(struct settle *settle, const struct layer_found *found, const char *place,
	const char *path, struct err *reterr)
{
	struct layer_attributes attributes;
	/* what is not opened for reading */
	_cleanup_close_ int special =
		found->fd < 0 ? path_open_no_links(settle->below->trees[found->tree], place,
					O_PATH | O_NOFOLLOW)
			      : -1;
	const char *name;
	struct stat status;
	int from = found->fd < 0 ? special : found->fd, parent, r;

	if (from < 0)
		return err_set(reterr, from, place, "cannot open it in a layer below: %s",
			strerror(-from));
	r = layer_attributes_read(from, settle->staging->way, &attributes, reterr);
	if (r == 0)
		r = S_ISREG(attributes.mode)
			    ? copy_up_file(settle, from, path, &attributes, reterr)
			    : copy_up_special(settle, from, path, &attributes, reterr);
	if (r < 0)
		return r;
	parent = layer_tree_parent(&settle->tree, path, &name, reterr);
	if (parent < 0)
		return parent;
	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW))
		return fail(path, "look at it", reterr);
	return layer_times_put(&settle->tree.times, status.st_ino, &attributes.mtime, true, reterr);
}

/* A directory (O_PATH) that lets what lies below it be seen. */
static bool lets_see(int place)
{
	_cleanup_close_ int directory = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return directory >= 0 && !overlay_is_opaque(directory);
}

/* Whether this layer leaves path as the layers below have it. */
static bool is_untouched(const struct settle *settle, const char *path)
{
	bool goes_on = true, absent = false;
	char part[PATH_MAX];

	for (size_t end = 1; goes_on; end++) {
		int place;

		if (path[end] != '/' && path[end] != '\0')
			continue;
		memcpy(part, path, end);
		part[end] = '\0';
		place = path_open_no_links(settle->staging->tree, part, O_PATH | O_NOFOLLOW);
		absent = place == -ENOENT;
		goes_on = place >= 0 && path[end] && lets_see(place);
		if (place >= 0)
			(void)close(place);
	}
	return absent;
}

static bool exists(const struct settle *settle, const char *path)
{
	int fd = path_open_no_links(settle->staging->tree, path, O_PATH | O_NOFOLLOW);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0 || fd == -ELOOP;
}

/* What was copied up is known by its inode, beside the directories. */
static bool is_copied(const struct settle *settle, const char *path)
{
	int fd = path_open_no_links(settle->staging->tree, path, O_PATH | O_NOFOLLOW);
	struct stat status;
	bool known = fd >= 0 && fstat(fd, &status) == 0 && !S_ISDIR(status.st_mode) &&
		     layer_times_has(&settle->tree.times, status.st_ino);

	if (fd >= 0)
		(void)close(fd);
	return known;
}

static int copy_up_and_link(struct settle *settle, const struct layer_link *link,
	const struct layer_found *found, const char *place, struct err *reterr)
{
	int r;

	if (found->kind == LAYER_NOTHING || found->kind == LAYER_DIRECTORY)
		return err_set(reterr, -EBADMSG, link->path,
			found->kind == LAYER_NOTHING
				? "is a hard link to %s, which is neither in this layer before "
				  "it nor in one below"
				: "is a hard link to %s, which is no file",
			link->target);
	r = copy_up(settle, found, place, link->path, reterr);
	if (r == 0 && is_untouched(settle, place))
		r = layer_tree_link(&settle->tree, place, link->path, reterr);
	return r;
}

static int settle_link(struct settle *settle, size_t index, struct err *reterr)
{
	const struct layer_link *link = &settle->staging->links[index];
	struct layer_found found = {.fd = -1};
	char place[PATH_MAX];
	int r;

	if (exists(settle, link->path))
		return 0; /* a later entry of the archive has that name */
	if (is_copied(settle, link->target))
		return layer_tree_link(&settle->tree, link->path, link->target, reterr);
	r = layer_below_resolve(settle->below, link->target, false, place, &found, reterr);
	if (r == 0 && is_copied(settle, place))
		r = layer_tree_link(&settle->tree, link->path, place, reterr);
	else if (r == 0)
		r = copy_up_and_link(settle, link, &found, place, reterr);
	if (found.fd >= 0)
		(void)close(found.fd);
	return r;
}

/* ---- directories without an entry ---- */

static int take_attributes(struct settle *settle, int directory, const struct stat *status,
	const struct layer_found *found, const char *path, struct err *reterr)
{
	struct layer_attributes attributes = {.mode = S_IFDIR | 0755};
	int r = 0;

	if (found->kind == LAYER_DIRECTORY)
		r = layer_attributes_read(found->fd, settle->staging->way, &attributes, reterr);
	if (r == 0)
		r = layer_attributes_apply(
			directory, &attributes, settle->staging->way, path, reterr);
	if (r == 0)
		r = layer_times_put(
			&settle->tree.times, status->st_ino, &attributes.mtime, false, reterr);
	return r;
}

static int visit(void *context, int directory, const char *path, const struct stat *status,
	struct err *reterr)
{
	struct settle *settle = context;
	struct layer_set none = {0}, *set = &settle->sets[settle->level + 1];
	struct layer_found found = {.fd = -1};
	struct timespec ignored;
	bool named = layer_times_find(&settle->tree.times, status->st_ino, &ignored), opaque;
	int r = 0;

	*set = none;
	settle->level++;
	if (settle->moving[0]) /* it, or what comes with it: after the move */
		return 0;
	opaque = overlay_is_opaque(directory);
	if (!layer_set_is_empty(&settle->sets[settle->level - 1]) && !(named && opaque)) {
		r = layer_below_look(
			settle->below, &settle->sets[settle->level - 1], path, &found, reterr);
		if (r < 0)
			return r;
		if (!opaque)
			*set = found.set;
	}
	if (!named) {
		if (found.kind == LAYER_LINK)
			memcpy(settle->moving, path, strlen(path) + 1);
		else if (found.kind == LAYER_FILE || found.kind == LAYER_OTHER)
			r = err_set(reterr, -ENOTDIR, path,
				"is a file in a layer below, and a directory in the name of an "
				"entry");
		else
			r = take_attributes(settle, directory, status, &found, path, reterr);
	}
	if (found.fd >= 0)
		(void)close(found.fd);
	return r;
}

static int leave(void *context, int directory, const char *path, const struct stat *status,
	struct err *reterr)
{
	struct settle *settle = context;

	(void)directory;
	(void)status;
	settle->level--;
	/* one at a time: where the next one leads may depend on it */
	if (settle->moving[0] && strcmp(settle->moving, path) == 0)
		return err_set(reterr, -EXDEV, path, "lies where there is a link");
	return 0;
}

/* ---- moving ---- */

/* What is in one directory goes into another; where both have a directory, that is still to do. */
struct merge {
	const char *from, *to; /* arena's */
};

static int merge_attributes(
	struct settle *settle, int from, int to, const char *path, struct err *reterr)
{
	struct layer_attributes attributes;
	struct stat from_status, to_status;
	struct timespec mtime;
	int r;

	if (fstat(from, &from_status) || fstat(to, &to_status))
		return fail(path, "look at the directory", reterr);
	if (overlay_is_opaque(from) && fsetxattr(to, OVERLAY_OPAQUE, "y", 1, 0))
		return fail(path, "mark the directory opaque", reterr);
	if (!layer_times_find(&settle->tree.times, from_status.st_ino, &mtime))
		return 0;
	r = layer_attributes_read(from, settle->staging->way, &attributes, reterr);
	if (r == 0)
		r = layer_attributes_apply(to, &attributes, settle->staging->way, path, reterr);
	if (r == 0)
		r = layer_times_put(&settle->tree.times, to_status.st_ino, &mtime, false, reterr);
	return r;
}

static int move_one(int from, int to, const char *name, bool *ret_both, struct err *reterr)
{
	struct stat old, status;
	int r;

	*ret_both = false;
	if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW))
		return fail(name, "look at it", reterr);
	if (fstatat(to, name, &old, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISDIR(old.st_mode) && S_ISDIR(status.st_mode)) {
			*ret_both = true;
			return 0;
		}
		r = tree_remove(to, name);
		if (r < 0)
			return err_set(reterr, r, name, "cannot replace it: %s", strerror(-r));
	}
	if (renameat(from, name, to, name))
		return fail(name, "move it to where a link below leads", reterr);
	return 0;
}

static int move_all(struct settle *settle, struct arena *arena, const struct merge *merge, int from,
	int to, struct merge **todo, size_t *todo_count, struct err *reterr)
{
	_cleanup_closedir_ DIR *stream = NULL;
	int own = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = directory_start(own < 0 ? -errno : own, &stream);
	const struct dirent *entry;
	struct merge *next;
	bool both;

	(void)settle;
	while (r == 0 && (r = directory_next(stream, &entry)) > 0) {
		r = move_one(from, to, entry->d_name, &both, reterr);
		if (r < 0)
			return r;
		if (!both)
			continue;
		next = ARENA_APPEND(arena, *todo, *todo_count);
		if (!next)
			return err_no_memory(reterr);
		next->from = arena_format(arena, "%s/%s", merge->from, entry->d_name);
		next->to = arena_format(
			arena, "%s%s%s", merge->to, *merge->to ? "/" : "", entry->d_name);
		if (!next->from || !next->to)
			return err_no_memory(reterr);
	}
	/* what was not read would be removed with the directory */
	return r < 0 ? err_set(reterr, r, merge->from, "cannot read the directory: %s",
			       strerror(-r))
		     : 0;
}

static int merge_one(struct settle *settle, struct arena *arena, size_t index, struct merge **todo,
	size_t *todo_count, struct err *reterr)
{
	struct merge merge = (*todo)[index];
	_cleanup_close_ int from = path_open_no_links(
				    settle->staging->tree, merge.from, O_RDONLY | O_DIRECTORY),
			    to = -1;
	char inside[PATH_MAX + 2];
	const char *name;
	int r;

	if (from < 0)
		return err_set(reterr, from, merge.from, "cannot open it: %s", strerror(-from));
	(void)snprintf(inside, sizeof(inside), "%s%s.", merge.to, *merge.to ? "/" : "");
	r = layer_tree_parent(&settle->tree, inside, &name, reterr);
	if (r < 0)
		return r;
	to = openat(r, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		return fail(merge.to, "open the directory", reterr);
	r = merge_attributes(settle, from, to, merge.to, reterr);
	if (r < 0)
		return r;
	return move_all(settle, arena, &merge, from, to, todo, todo_count, reterr);
}

static int move_subtree(struct settle *settle, struct err *reterr)
{
	struct arena arena = {0};
	struct layer_found found = {.fd = -1};
	struct merge *todo = NULL, *first;
	size_t count = 0;
	char place[PATH_MAX];
	int r = layer_below_resolve(settle->below, settle->moving, true, place, &found, reterr);

	if (r < 0)
		return r;
	if (found.fd >= 0)
		(void)close(found.fd);
	if (found.kind == LAYER_FILE || found.kind == LAYER_OTHER || found.kind == LAYER_LINK)
		return err_set(reterr, -ENOTDIR, settle->moving,
			"is a link to a file in a layer below, and a directory in the name of an "
			"entry");
	if (strncmp(place, settle->moving, strlen(settle->moving)) == 0 &&
		(place[strlen(settle->moving)] == '/' || !place[strlen(settle->moving)]))
		return err_set(reterr, -ELOOP, settle->moving, "this link leads in circles");
	first = ARENA_APPEND(&arena, todo, count);
	if (!first)
		return err_no_memory(reterr);
	first->from = settle->moving;
	first->to = place;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = merge_one(settle, &arena, i, &todo, &count, reterr);
	arena_free(&arena);
	layer_tree_close_parent(&settle->tree);
	if (r == 0) {
		r = tree_remove(settle->staging->tree, settle->moving);
		if (r < 0)
			(void)err_set(
				reterr, r, settle->moving, "cannot remove it: %s", strerror(-r));
	}
	return r;
}

/* ---- all of it ---- */

static int settle_directories(struct settle *settle, struct err *reterr)
{
	struct layer_walk walk = {.visit = visit, .leave = leave, .context = settle};

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct err err = {0};
		int r;

		settle->level = 0;
		settle->moving[0] = '\0';
		settle->sets[0] = layer_below_all(settle->below);
		r = layer_walk_directories(settle->staging->tree, &walk, &err);
		if (r == 0)
			return 0;
		if (r != -EXDEV || !settle->moving[0])
			return err_set(reterr, r, err.where, "%s", err.message);
		r = move_subtree(settle, reterr);
		if (r < 0)
			return r;
	}
	return err_set(reterr, -ELOOP, settle->moving,
		"more than %d directories of this layer are links below", ROUNDS);
}

static int run(struct settle *settle, struct err *reterr)
{
	struct layer_staging *staging = settle->staging;
	int r = 0;

	for (size_t i = 0; r == 0 && i < staging->link_count; i++)
		r = settle_link(settle, i, reterr);
	if (r == 0)
		r = settle_directories(settle, reterr);
	if (r == 0)
		r = layer_tree_set_times(&settle->tree, reterr);
	return r;
}

int layer_settle(struct layer_staging *staging, const struct layer_below *below, struct err *reterr)
{
	struct settle *settle;
	int r;

	if (staging->link_count == 0 && (staging->implicit == 0 || below->count == 0))
		return 0;
	settle = calloc(1, sizeof(*settle));
	if (settle)
		settle->sets = calloc(LAYER_WALK_DEPTH + 2, sizeof(*settle->sets));
	if (!settle || !settle->sets) {
		free(settle);
		return err_no_memory(reterr);
	}
	settle->staging = staging;
	settle->below = below;
	layer_tree_start(&settle->tree, staging->tree, staging->way, &staging->limits);
	settle->tree.times = staging->times;
	staging->times = (struct layer_times){0};
	r = run(settle, reterr);
	layer_tree_close(&settle->tree);
	free(settle->sets);
	free(settle);
	return r;
}
