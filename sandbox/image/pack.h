/*
 * Trees into tar archives: what a container changed as a layer (commit), all of it as a plain
 * archive (export). The tree was written by a program that nobody trusts; nothing in it is
 * followed. Second program only.
 */
#ifndef IMMURE_IMAGE_PACK_H
#define IMMURE_IMAGE_PACK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "image/layer.h"
#include "image/layer_below.h"
#include "image/tar_writer.h"
#include "util/err.h"

enum pack_kind {
	PACK_LAYER, /* whiteouts and opaque directories become the files that stand for them */
	PACK_TREE
};

struct pack_result {
	uint64_t entries;
	uint64_t skipped; /* sockets, devices, names that would be whiteouts */
};

/* Absolute paths of what is not to be seen, as if it were not there. */
struct pack_without {
	const char *const *paths;
	size_t count;
};

/*
 * Writes the tree below root into sink as a tar archive (pax, names sorted, so that the same tree
 * is the same archive), ownership as way keeps it. below: of a layer, what it lies on: directories
 * that are the same there are only named where something lies in them; NULL for PACK_TREE. without:
 * may be NULL.
 */
int pack_tree(int root, enum layer_way way, enum pack_kind kind, const struct layer_below *below,
	const struct pack_without *without, const struct tar_sink *sink, struct pack_result *ret,
	struct err *reterr);

/*
 * Every entry of a tree, names sorted, each directory before what is in it, without following links
 * or recursion. visit gets the open directory it lies in, its name and its path from the root; the
 * root itself comes first, with directory root, name "." and path "". It answers 0; 1: not into
 * this directory; or -errno. empty: of a directory, that nothing is in it.
 */
struct pack_walk {
	int (*visit)(void *context, int directory, const char *name, const char *path,
		const struct stat *status, bool empty, struct err *reterr);
	void *context;
	const struct pack_without *without; /* may be NULL */
};
int pack_walk(int root, const struct pack_walk *walk, struct err *reterr);

#endif
