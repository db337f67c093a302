/*
 * Inside of unpacking (layer.h): a tree that is being made, and what its files are to look like.
 *
 *	stream.c           bytes of the archive, decompressed, hashed, checked
 *	layer_unpack.c     entries of it, by libarchive: what each means in a layer
 *	layer_tree.c       makes them below one directory, whatever their names say
 *	layer_attributes.c owner, mode, time, extended attributes, in both ways
 *	layer_settle.c     what only the layers below can tell
 *	layer.c            into place
 *	layer_compare.c    whether it is still there as it was
 */
#ifndef IMMURE_IMAGE_LAYER_PARTS_H
#define IMMURE_IMAGE_LAYER_PARTS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "image/layer.h"
#include "util/arena.h"

/* ---- attributes ---- */

#define LAYER_XATTRS 64
#define XATTR_OVERRIDE "user.containers.override_stat"

struct layer_xattr {
	const char *name;
	const void *value;
	size_t length;
};

struct layer_attributes {
	uint32_t uid, gid;
	mode_t mode; /* with its type */
	struct timespec mtime;
	struct layer_xattr xattrs[LAYER_XATTRS]; /* those that layers may have */
	size_t xattr_count;
};

/* Whether a layer's xattr of that name is kept on a file of that mode (R33). */
bool layer_xattr_is_kept(const char *name, mode_t mode, enum layer_way way);

/*
 * Gives the file or directory open at fd its attributes, but for a directory's time. where: its
 * path, for messages. 0 or -errno.
 */
int layer_attributes_apply(int fd, const struct layer_attributes *attributes, enum layer_way way,
	const char *where, struct err *reterr);

/* The same for what cannot be opened: a symbolic link or a FIFO, name in directory. With one id,
 * whose it was meant to be is lost: the kernel lets nobody note it on such files. */
int layer_attributes_apply_at(int directory, const char *name,
	const struct layer_attributes *attributes, enum layer_way way, const char *where,
	struct err *reterr);

/* The attributes of a file of a layer, out of either way's form; xattrs are left out. */
int layer_attributes_read(
	int fd, enum layer_way way, struct layer_attributes *ret, struct err *reterr);

/* ---- the tree ---- */

/* Directories that the archive names itself: by inode, with the time that they get at the end. */
struct layer_times {
	struct layer_time {
		uint64_t inode; /* 0: free */
		struct timespec mtime;
		bool gone; /* no longer explicit: replaced since */
	} * slots;
	size_t size, used; /* of slots: a power of two */
};

struct layer_tree {
	int root; /* O_DIRECTORY */
	enum layer_way way;
	const struct layer_limits *limits;
	uint64_t made; /* files, directories, links */
	struct layer_times times;
	uint64_t implicit; /* directories made because something lies in them */
	/* the directory of the last entry, which is most often that of the next one */
	int parent;
	char parent_path[PATH_MAX];
};

void layer_tree_start(
	struct layer_tree *tree, int root, enum layer_way way, const struct layer_limits *limits);
void layer_tree_close(struct layer_tree *tree); /* root stays open */
/* Forgets the directory of the last entry: what leads to it may have changed. */
void layer_tree_close_parent(struct layer_tree *tree);

/*
 * Paths are relative, canonical and without "..": "a/b", and "" for the root. Links on the way are
 * followed inside the tree (R1); what is missing on the way is made.
 *
 * All of them put something new at path, in place of what is there, and answer 0, a descriptor, or
 * -errno.
 */
int layer_tree_file(struct layer_tree *tree, const char *path, struct err *reterr); /* O_RDWR */
/* A symbolic link; target NULL: a FIFO. */
int layer_tree_special(struct layer_tree *tree, const char *path, const char *target,
	const struct layer_attributes *attributes, struct err *reterr);
int layer_tree_directory(struct layer_tree *tree, const char *path,
	const struct layer_attributes *attributes, struct err *reterr);
/* -ENOENT without reterr: target is not in this tree. */
int layer_tree_link(
	struct layer_tree *tree, const char *path, const char *target, struct err *reterr);
int layer_tree_whiteout(struct layer_tree *tree, const char *path, struct err *reterr);
int layer_tree_opaque(struct layer_tree *tree, const char *path, struct err *reterr);
/* Removes what is at path, if anything. */
int layer_tree_clear(struct layer_tree *tree, const char *path, struct err *reterr);

/* The directory that path lies in, made where it is missing: a descriptor that stays the tree's,
 * until the next call. ret_name points into path. */
int layer_tree_parent(
	struct layer_tree *tree, const char *path, const char **ret_name, struct err *reterr);

/* The time that a directory is to get at the end; false where the archive does not name it. */
bool layer_times_find(const struct layer_times *times, uint64_t inode, struct timespec *ret);

/* Whether it is known at all. */
bool layer_times_has(const struct layer_times *times, uint64_t inode);
int layer_times_put(struct layer_times *times, uint64_t inode, const struct timespec *mtime,
	bool gone, struct err *reterr);

/* Gives every directory its time, at the end: whatever is made in one changes it. */
int layer_tree_set_times(struct layer_tree *tree, struct err *reterr);

/* ---- walking ---- */

#define LAYER_WALK_DEPTH 400 /* descriptors at once: links can lead deeper than any name */

/*
 * Every directory below root and root itself, each before what is in it (visit) and again after it
 * (leave); path is relative. Ends with the first negative answer.
 */
struct layer_walk {
	int (*visit)(void *context, int directory, const char *path, const struct stat *status,
		struct err *reterr);
	int (*leave)(void *context, int directory, const char *path, const struct stat *status,
		struct err *reterr);
	void *context;
};
int layer_walk_directories(int root, const struct layer_walk *walk, struct err *reterr);

/* Puts name behind the first length bytes of path, which are the directory it lies in ("": the
 * root). */
int layer_walk_name(
	char path[static PATH_MAX], size_t length, const char *name, struct err *reterr);

/* The other way: the last name of path (shorter than PATH_MAX), and the directory it lies in, "."
 * for the root. */
const char *layer_split_path(const char *path, char parent[static PATH_MAX]);

/* ---- what unpacking leaves for committing ---- */

/* A hard link to something that is not in this layer. */
struct layer_link {
	const char *path, *target;
};

struct layer_staging {
	const struct storage *storage;
	enum layer_way way;
	struct layer_limits limits;
	char name[48]; /* in staging/ */
	int staging;   /* STORAGE/staging */
	int directory; /* staging/NAME, locked */
	int tree;      /* staging/NAME/tree */
	struct digest diff;
	uint64_t size, entries;
	uint64_t skipped; /* devices */
	uint64_t implicit;
	struct layer_times times;
	struct arena arena;
	struct layer_link *links;
	size_t link_count, link_bytes;
};

/* A new one, empty but for tree/, locked; layer_abandon() ends it. */
int layer_staging_make(const struct storage *storage, enum layer_way way,
	const struct layer_limits *limits, struct layer_staging **ret, struct err *reterr);

/* Whether the tree found has all that right has, and nothing else: both open for their paths or for
 * reading. 0; -EUCLEAN with the first difference in reterr; or -errno. */
int layer_compare(int right, int found, struct err *reterr);

struct layer_below;
/* Does what layer_unpack() noted for later; leaves nothing to do. */
int layer_settle(
	struct layer_staging *staging, const struct layer_below *below, struct err *reterr);

#endif
