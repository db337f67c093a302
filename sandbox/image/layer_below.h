/*
 * The layers below one that is being made, looked at as overlayfs would show them: the topmost has
 * the say, whiteouts hide, opaque directories hide what is below them. Kernel, filesystems/
 * overlayfs.rst. Second program only.
 */
#ifndef IMMURE_IMAGE_LAYER_BELOW_H
#define IMMURE_IMAGE_LAYER_BELOW_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/digest.h"
#include "image/layer.h"
#include "image/record.h"
#include "util/err.h"
#include "util/overlay.h"

/* Their trees, topmost first. */
struct layer_below {
	int trees[OVERLAY_LAYERS];
	size_t count;
};

/* chains: lowest first. The caller ends it with layer_below_close(), also after a failure. */
int layer_below_open(const struct storage *storage, enum layer_way way, const struct digest *chains,
	size_t count, struct layer_below *ret, struct err *reterr);
void layer_below_close(struct layer_below *below);

/* Which of the layers a directory is made of: bit i for trees[i]. */
struct layer_set {
	uint64_t bits[OVERLAY_LAYERS / 64];
};
struct layer_set layer_below_all(const struct layer_below *below);
bool layer_set_is_empty(const struct layer_set *set);

enum layer_kind { LAYER_NOTHING, LAYER_DIRECTORY, LAYER_LINK, LAYER_FILE, LAYER_OTHER };

/*
 * What is at path, whose directory is made of the layers of set. ret_fd: of the topmost, open for
 * reading where it is a directory or a file, else -1; ret_tree: its index. ret_set: of a directory.
 * 0 or -errno.
 */
struct layer_found {
	enum layer_kind kind;
	int fd; /* the caller's */
	size_t tree;
	struct layer_set set;
};
int layer_below_look(const struct layer_below *below, const struct layer_set *set, const char *path,
	struct layer_found *ret, struct err *reterr);

/*
 * Follows path from the root, links and "..", never out of it. ret_place: where it leads, without
 * links, whether all of it exists or not. follow_last: also a link at the very end. ret_found as
 * above.
 */
int layer_below_resolve(const struct layer_below *below, const char *path, bool follow_last,
	char ret_place[static PATH_MAX], struct layer_found *ret_found, struct err *reterr);

#endif
