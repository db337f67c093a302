/*
 * Files below one directory, whatever an archive calls them: see layer_parts.h.
 *
 * A name of an entry is split into the directory it lies in and its last component. The directory
 * is opened as if the tree were the root of everything (R1), so that links that the same archive
 * brought lead nowhere else; the last component is made there anew, exclusively, and never opened
 * or changed where it was a link (CVE-2021-31566, CVE-2026-26960).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "image/layer_parts.h"
#include "util/cleanup.h"
#include "util/mutant.h"
#include "util/overlay.h"
#include "util/path.h"
#include "util/tree.h"

#define LINKS_MAXIMUM 40 /* MAXSYMLINKS of the kernel */
#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int fail(const char *path, const char *what, struct err *reterr)
{
	int code = -errno;

	return err_set(reterr, code, path, "cannot %s: %s", what, strerror(-code));
}

static int count_one(struct layer_tree *tree, struct err *reterr)
{
	if (++tree->made > tree->limits->entries && !mutant(MUTANT_TAR_ENTRIES))
		return err_set(reterr, -EFBIG, NULL, "the layer has more than %llu entries",
			(unsigned long long)tree->limits->entries);
	return 0;
}

/* ---- times of directories ---- */

static struct layer_time *find_slot(struct layer_time *slots, size_t size, uint64_t inode)
{
	/* a multiplicative hash: inodes come in runs */
	size_t i = (size_t)(inode * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (size - 1);

	while (slots[i].inode && slots[i].inode != inode)
		i = (i + 1) & (size - 1);
	return &slots[i];
}

static int grow_times(struct layer_times *times)
{
	size_t size = times->size ? times->size * 2 : 256;
	struct layer_time *slots = calloc(size, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < times->size; i++)
		if (times->slots[i].inode)
			*find_slot(slots, size, times->slots[i].inode) = times->slots[i];
	free(times->slots);
	times->slots = slots;
	times->size = size;
	return 0;
}

int layer_times_put(struct layer_times *times, uint64_t inode, const struct timespec *mtime,
	bool gone, struct err *reterr)
{
	struct layer_time *slot;

	if (times->used * 2 >= times->size && grow_times(times) < 0)
		return err_no_memory(reterr);
	slot = find_slot(times->slots, times->size, inode);
	times->used += slot->inode == 0;
	*slot = (struct layer_time){.inode = inode, .mtime = *mtime, .gone = gone};
	return 0;
}

bool layer_times_find(const struct layer_times *times, uint64_t inode, struct timespec *ret)
{
	const struct layer_time *slot;

	if (times->size == 0)
		return false;
	slot = find_slot(times->slots, times->size, inode);
	if (!slot->inode || slot->gone)
		return false;
	*ret = slot->mtime;
	return true;
}

bool layer_times_has(const struct layer_times *times, uint64_t inode)
{
	return times->size > 0 && find_slot(times->slots, times->size, inode)->inode;
}

/* ---- the directory of an entry ---- */

void layer_tree_close_parent(struct layer_tree *tree)
{
	if (tree->parent >= 0)
		(void)close(tree->parent);
	tree->parent = -1;
}

/* Takes over fd. */
static void keep_parent(struct layer_tree *tree, int fd, const char *path, size_t length)
{
	layer_tree_close_parent(tree);
	memcpy(tree->parent_path, path, length);
	tree->parent_path[length] = '\0';
	tree->parent = fd;
}

/* Where a whiteout stood, what comes in its place must not show what lies below. */
static int mark_opaque(int fd, const char *path, struct err *reterr)
{
	if (fsetxattr(fd, OVERLAY_OPAQUE, "y", 1, 0))
		return fail(path, "mark the directory opaque", reterr);
	return 0;
}

/* A directory that no entry names, with what root would get by mkdir; layer_commit() asks the
 * layers below. */
static int make_implicit(
	struct layer_tree *tree, int directory, const char *name, bool opaque, struct err *reterr)
{
	static const struct layer_attributes plain = {.mode = S_IFDIR | 0755};
	_cleanup_close_ int fd = -1;
	struct stat status;
	int r = count_one(tree, reterr);

	if (r < 0)
		return r;
	if (mkdirat(directory, name, 0700))
		return fail(name, "make the directory", reterr);
	fd = openat(directory, name, DIRECTORY_FLAGS);
	if (fd < 0 || fstat(fd, &status))
		return fail(name, "open the directory", reterr);
	r = layer_attributes_apply(fd, &plain, tree->way, name, reterr);
	if (r == 0 && opaque)
		r = mark_opaque(fd, name, reterr);
	/*
	 * Anew in any case, since the inode may have been that of a directory that is gone. In the
	 * place of a whiteout it is as good as named: nothing below has a say in it.
	 */
	if (r == 0)
		r = layer_times_put(&tree->times, status.st_ino, &plain.mtime, !opaque, reterr);
	if (r < 0)
		return r;
	tree->implicit += !opaque;
	return take_fd(&fd);
}

/*
 * The way to a directory, name by name, for where some of it is missing. Real names are kept, so
 * that ".." in a link goes back by them and not by the kernel's (a directory moved meanwhile would
 * lead out).
 */
struct way {
	int here;             /* -1: the root of the tree */
	char place[PATH_MAX]; /* its real name */
	char rest[2 * PATH_MAX];
	unsigned links;
};

static int go_to_place(struct layer_tree *tree, struct way *way, struct err *reterr)
{
	if (way->here >= 0)
		(void)close(way->here);
	way->here = -1;
	if (!way->place[0])
		return 0;
	way->here = path_open_no_links(tree->root, way->place, O_RDONLY | O_DIRECTORY);
	if (way->here < 0)
		return err_set(reterr, way->here, way->place, "cannot open the directory: %s",
			strerror(-way->here));
	return 0;
}

static int go_up(struct layer_tree *tree, struct way *way, struct err *reterr)
{
	char *slash = strrchr(way->place, '/');

	*(slash ? slash : way->place) = '\0';
	return go_to_place(tree, way, reterr);
}

/* The link's text takes the place of its name before the rest. */
static int go_by_link(
	struct layer_tree *tree, struct way *way, const char *name, struct err *reterr)
{
	char text[PATH_MAX], whole[2 * PATH_MAX];
	ssize_t length =
		readlinkat(way->here < 0 ? tree->root : way->here, name, text, sizeof(text));
	size_t rest = strlen(way->rest);

	if (length < 0)
		return fail(name, "read the link", reterr);
	if (way->links++ >= LINKS_MAXIMUM || (size_t)length + rest + 2 > sizeof(whole))
		return err_set(reterr, -ELOOP, name, "a link in the layer leads in circles");
	memcpy(whole, text, (size_t)length);
	whole[length] = '/';
	memcpy(whole + length + 1, way->rest, rest + 1);
	memcpy(way->rest, whole, (size_t)length + 1 + rest + 1);
	if (text[0] != '/')
		return 0;
	way->place[0] = '\0';
	return go_to_place(tree, way, reterr);
}

static int go_into(struct way *way, int fd, const char *name, struct err *reterr)
{
	size_t place = strlen(way->place), length = strlen(name);

	if (place + length + 2 > sizeof(way->place)) {
		(void)close(fd);
		return err_set(reterr, -ENAMETOOLONG, name, "lies too deep");
	}
	if (place)
		way->place[place++] = '/';
	memcpy(way->place + place, name, length + 1);
	if (way->here >= 0)
		(void)close(way->here);
	way->here = fd;
	return 0;
}

static int go_down(struct layer_tree *tree, struct way *way, const char *name, struct err *reterr)
{
	int here = way->here < 0 ? tree->root : way->here, fd;
	struct stat status;

	if (fstatat(here, name, &status, AT_SYMLINK_NOFOLLOW)) {
		if (errno != ENOENT)
			return fail(name, "look at it", reterr);
		fd = make_implicit(tree, here, name, false, reterr);
		return fd < 0 ? fd : go_into(way, fd, name, reterr);
	}
	if (S_ISLNK(status.st_mode))
		return go_by_link(tree, way, name, reterr);
	if (overlay_is_whiteout(&status)) {
		if (unlinkat(here, name, 0))
			return fail(name, "replace the whiteout", reterr);
		fd = make_implicit(tree, here, name, true, reterr);
		return fd < 0 ? fd : go_into(way, fd, name, reterr);
	}
	if (!S_ISDIR(status.st_mode))
		return err_set(reterr, -ENOTDIR, name,
			"is a file in this layer, and a directory in the name of another entry");
	fd = openat(here, name, DIRECTORY_FLAGS);
	return fd < 0 ? fail(name, "open the directory", reterr) : go_into(way, fd, name, reterr);
}

/* The first component of the rest, taken off it; false at the end. */
static bool next_name(struct way *way, char name[static NAME_MAX + 2])
{
	const char *start = way->rest + strspn(way->rest, "/");
	size_t length = strcspn(start, "/");

	if (length == 0)
		return false;
	/* a name that is too long comes cut, but still too long: the kernel then says so */
	memcpy(name, start, length > NAME_MAX ? NAME_MAX + 1 : length);
	name[length > NAME_MAX ? NAME_MAX + 1 : length] = '\0';
	memmove(way->rest, start + length, strlen(start + length) + 1);
	return true;
}

static int make_way(struct layer_tree *tree, const char *path, size_t length, struct err *reterr)
{
	struct way way = {.here = -1};
	char name[NAME_MAX + 2];
	int r = 0;

	memcpy(way.rest, path, length);
	way.rest[length] = '\0';
	while (r == 0 && next_name(&way, name)) {
		if (strcmp(name, ".") == 0)
			continue;
		r = strcmp(name, "..") == 0 ? go_up(tree, &way, reterr)
					    : go_down(tree, &way, name, reterr);
	}
	if (r == 0 && way.here < 0) {
		way.here = openat(tree->root, ".", DIRECTORY_FLAGS);
		r = way.here < 0 ? fail(path, "open the directory", reterr) : 0;
	}
	if (r == 0)
		keep_parent(tree, way.here, path, length);
	else if (way.here >= 0)
		(void)close(way.here);
	return r;
}

int layer_tree_parent(
	struct layer_tree *tree, const char *path, const char **ret_name, struct err *reterr)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;
	int fd, r;

	*ret_name = slash ? slash + 1 : path;
	if (tree->parent >= 0 && strncmp(tree->parent_path, path, length) == 0 &&
		tree->parent_path[length] == '\0')
		return tree->parent;
	if (length == 0) {
		fd = openat(tree->root, ".", DIRECTORY_FLAGS);
	} else {
		char directory[PATH_MAX];

		memcpy(directory, path, length);
		directory[length] = '\0';
		fd = mutant(MUTANT_TAR_LINKS)
			     ? openat(tree->root, directory, O_PATH | O_DIRECTORY | O_CLOEXEC)
			     : path_open_in_root(tree->root, directory, O_PATH | O_DIRECTORY);
	}
	if (fd >= 0) {
		keep_parent(tree, fd, path, length);
		return fd;
	}
	r = make_way(tree, path, length, reterr);
	return r < 0 ? r : tree->parent;
}

/* ---- what is there already ---- */

/* What comes later in the archive is what counts. 1 where there was something, else 0. */
static int remove_old(struct layer_tree *tree, int parent, const char *name, struct err *reterr)
{
	int r;

	if (unlinkat(parent, name, 0) == 0) {
		/* it may have been a link on the way to the directory at hand */
		layer_tree_close_parent(tree);
		return 1;
	}
	if (errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return fail(name, "replace it", reterr);
	r = tree_remove(parent, name);
	layer_tree_close_parent(tree);
	return r < 0 ? err_set(reterr, r, name, "cannot replace the directory: %s", strerror(-r))
		     : 1;
}

/*
 * Removes what is at path, and gives the directory to make something new in. The tree's own may
 * have gone with what was removed.
 */
static int make_room(struct layer_tree *tree, const char *path, const char **ret_name,
	bool *ret_replaced, struct err *reterr)
{
	int parent, r = count_one(tree, reterr);

	if (r < 0)
		return r;
	parent = layer_tree_parent(tree, path, ret_name, reterr);
	if (parent < 0)
		return parent;
	r = remove_old(tree, parent, *ret_name, reterr);
	if (r < 0)
		return r;
	*ret_replaced = r > 0;
	return layer_tree_parent(tree, path, ret_name, reterr);
}

int layer_tree_clear(struct layer_tree *tree, const char *path, struct err *reterr)
{
	const char *name;
	bool replaced;
	int r = make_room(tree, path, &name, &replaced, reterr);

	return r < 0 ? r : 0;
}

/* ---- making ---- */

int layer_tree_file(struct layer_tree *tree, const char *path, struct err *reterr)
{
	const int flags = O_WRONLY | O_CREAT | O_CLOEXEC |
			  (mutant(MUTANT_TAR_EXCLUSIVE) ? O_TRUNC : O_EXCL | O_NOFOLLOW);
	const char *name;
	bool replaced;
	int parent = layer_tree_parent(tree, path, &name, reterr), fd, r;

	if (parent < 0)
		return parent;
	r = count_one(tree, reterr);
	if (r < 0)
		return r;
	fd = openat(parent, name, flags, 0600);
	if (fd >= 0)
		return fd;
	if (errno == EEXIST) {
		tree->made--;
		parent = make_room(tree, path, &name, &replaced, reterr);
		if (parent < 0)
			return parent;
		fd = openat(parent, name, flags, 0600);
	}
	return fd < 0 ? fail(path, "make the file", reterr) : fd;
}

int layer_tree_special(struct layer_tree *tree, const char *path, const char *target,
	const struct layer_attributes *attributes, struct err *reterr)
{
	const char *name;
	bool replaced;
	int parent = make_room(tree, path, &name, &replaced, reterr);

	if (parent < 0)
		return parent;
	/* the mode of a FIFO as the filter of image-store wants it */
	if (target ? symlinkat(target, parent, name) : mkfifoat(parent, name, 0600))
		return fail(path, target ? "make the symbolic link" : "make the FIFO", reterr);
	return layer_attributes_apply_at(parent, name, attributes, tree->way, path, reterr);
}

/* A new directory at path: a descriptor. What stood there before is gone, and with it what the
 * layers below have there. */
static int make_directory(struct layer_tree *tree, const char *path, struct err *reterr)
{
	const char *name;
	bool replaced;
	int parent = make_room(tree, path, &name, &replaced, reterr), fd, r;

	if (parent < 0)
		return parent;
	if (mkdirat(parent, name, 0700))
		return fail(path, "make the directory", reterr);
	fd = openat(parent, name, DIRECTORY_FLAGS);
	if (fd < 0)
		return fail(path, "open the directory", reterr);
	r = replaced ? mark_opaque(fd, path, reterr) : 0;
	if (r < 0)
		(void)close(fd);
	return r < 0 ? r : fd;
}

static int open_directory(
	struct layer_tree *tree, const char *path, bool *ret_made, struct err *reterr)
{
	const char *name;
	struct stat status;
	int parent = layer_tree_parent(tree, path, &name, reterr), fd;

	if (parent < 0)
		return parent;
	if (!*name) /* "": the root itself */
		return openat(tree->root, ".", DIRECTORY_FLAGS);
	fd = openat(parent, name, DIRECTORY_FLAGS);
	if (fd >= 0)
		return fd;
	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) && errno != ENOENT)
		return fail(path, "look at it", reterr);
	*ret_made = true;
	return make_directory(tree, path, reterr);
}

int layer_tree_directory(struct layer_tree *tree, const char *path,
	const struct layer_attributes *attributes, struct err *reterr)
{
	bool made = false;
	_cleanup_close_ int fd = open_directory(tree, path, &made, reterr);
	struct timespec old;
	struct stat status;
	int r = 0;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status))
		return fail(path, "look at the directory", reterr);
	if (layer_times_find(&tree->times, status.st_ino, &old))
		r = count_one(tree, reterr); /* the same again: it must not be for nothing */
	else if (!made)
		tree->implicit--;
	if (r == 0)
		r = layer_attributes_apply(fd, attributes, tree->way, path, reterr);
	if (r == 0)
		r = layer_times_put(&tree->times, status.st_ino, &attributes->mtime, false, reterr);
	if (r == 0) /* what lies in it most often comes next */
		keep_parent(tree, take_fd(&fd), path, strlen(path));
	return r;
}

/* Opens the directory that target lies in, where the tree has it; -ENOENT without reterr. */
static int open_target(const struct layer_tree *tree, const char *target, const char **ret_name,
	struct stat *ret_status)
{
	char directory[PATH_MAX];
	int fd;

	*ret_name = layer_split_path(target, directory);
	fd = mutant(MUTANT_TAR_LINK_TARGET)
		     ? openat(tree->root, directory, O_PATH | O_DIRECTORY | O_CLOEXEC)
		     : path_open_in_root(tree->root, directory, O_PATH | O_DIRECTORY);
	if (fd >= 0 && fstatat(fd, *ret_name, ret_status, AT_SYMLINK_NOFOLLOW)) {
		(void)close(fd);
		return -errno;
	}
	return fd;
}

int layer_tree_link(
	struct layer_tree *tree, const char *path, const char *target, struct err *reterr)
{
	_cleanup_close_ int directory = -1;
	const char *target_name, *name;
	struct stat status, old;
	bool replaced;
	int parent;

	directory = open_target(tree, target, &target_name, &status);
	if (directory == -ENOENT)
		return -ENOENT;
	if (directory < 0)
		return err_set(reterr, directory, path, "cannot find what it is a hard link to: %s",
			strerror(-directory));
	if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode) && !S_ISFIFO(status.st_mode) &&
		!mutant(MUTANT_TAR_HARD_LINK))
		return err_set(reterr, -EBADMSG, path, "is a hard link to what is no file");
	parent = layer_tree_parent(tree, path, &name, reterr);
	if (parent < 0)
		return parent;
	if (fstatat(parent, name, &old, AT_SYMLINK_NOFOLLOW) == 0 && old.st_ino == status.st_ino)
		return count_one(tree, reterr); /* it is that file already */
	parent = make_room(tree, path, &name, &replaced, reterr);
	if (parent < 0)
		return parent;
	if (linkat(directory, target_name, parent, name, 0))
		return fail(path, "make the hard link", reterr);
	return 0;
}

int layer_tree_whiteout(struct layer_tree *tree, const char *path, struct err *reterr)
{
	const char *name;
	struct timespec never = {0};
	struct stat status;
	int parent = layer_tree_parent(tree, path, &name, reterr), r = count_one(tree, reterr);
	_cleanup_close_ int fd = -1;

	if (parent < 0 || r < 0)
		return parent < 0 ? parent : r;
	/* image-spec layer.md: a whiteout hides what is below, never what its own layer brings */
	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!S_ISDIR(status.st_mode))
			return 0;
		fd = openat(parent, name, DIRECTORY_FLAGS);
		r = fd < 0 ? fail(path, "open the directory", reterr)
			   : mark_opaque(fd, path, reterr);
		if (r == 0 && !layer_times_find(&tree->times, status.st_ino, &never)) {
			tree->implicit--;
			r = layer_times_put(&tree->times, status.st_ino, &never, false, reterr);
		}
		return r;
	}
	/* not a device: overlayfs's sign for "nothing", which the kernel lets anybody make */
	if (mknodat(parent, name, S_IFCHR, OVERLAY_WHITEOUT)) {
		r = fail(path, "make the whiteout", reterr);
		if (r == -EPERM)
			err_hint(reterr, "is the storage on overlayfs, as in a container of "
					 "somebody else's? It needs another file system: a volume, "
					 "a tmpfs (--storage)");
		return r;
	}
	return 0;
}

int layer_tree_opaque(struct layer_tree *tree, const char *path, struct err *reterr)
{
	char inside[PATH_MAX + 2];
	const char *name;
	int parent;

	/* the directory itself, with whatever leads to it: as if something lay in it */
	memcpy(inside, path, strlen(path));
	memcpy(inside + strlen(path), *path ? "/." : ".", *path ? 3 : 2);
	parent = layer_tree_parent(tree, inside, &name, reterr);
	if (parent < 0)
		return parent;
	{
		_cleanup_close_ int fd = openat(parent, ".", DIRECTORY_FLAGS);

		return fd < 0 ? fail(path, "open the directory", reterr)
			      : mark_opaque(fd, path, reterr);
	}
}

/* ---- beginning and end ---- */

static int set_time(void *context, int directory, const char *path, const struct stat *status,
	struct err *reterr)
{
	const struct layer_tree *tree = context;
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {0}};

	/* one that no entry names gets a time that is the same wherever the layer is unpacked */
	if (!layer_times_find(&tree->times, status->st_ino, &times[1]))
		times[1] = (struct timespec){0};
	return futimens(directory, times) ? fail(path, "set its time", reterr) : 0;
}

int layer_tree_set_times(struct layer_tree *tree, struct err *reterr)
{
	struct layer_walk walk = {.leave = set_time, .context = tree};

	return layer_walk_directories(tree->root, &walk, reterr);
}

void layer_tree_start(
	struct layer_tree *tree, int root, enum layer_way way, const struct layer_limits *limits)
{
	tree->root = root;
	tree->way = way;
	tree->limits = limits;
	tree->parent = -1;
	tree->implicit = 1; /* the root, until an entry names it */
}

void layer_tree_close(struct layer_tree *tree)
{
	layer_tree_close_parent(tree);
	free(tree->times.slots);
	tree->times = (struct layer_times){0};
}
