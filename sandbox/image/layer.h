/*
 * Unpacked layers: layers/WAY/CHAIN/tree, each made once, in staging/, and renamed into place when
 * it is whole. Second program only.
 */
#ifndef IMMURE_IMAGE_LAYER_H
#define IMMURE_IMAGE_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/digest.h"
#include "image/manifest.h"
#include "image/storage.h"
#include "util/err.h"

/* Whether this process may give files to other ids: decided by its own uid map. */
enum layer_way { LAYER_MAPPED, LAYER_SINGLE };
enum layer_way layer_way_here(void);

bool layer_exists(const struct storage *storage, enum layer_way way, const struct digest *chain);
/* Its tree/, O_PATH. A descriptor or -errno. */
int layer_open(const struct storage *storage, enum layer_way way, const struct digest *chain);

/*
 * The limits of one layer (R30): what goes beyond ends it with -EFBIG.
 */
struct layer_limits {
	uint64_t bytes;   /* unpacked, content of files (8 GiB) */
	uint64_t entries; /* (1,000,000) */
	unsigned ratio;   /* unpacked to compressed, after the first 64 MiB (200) */
	size_t depth;     /* components of a path (256) */
};
extern const struct layer_limits layer_limits_default;

/*
 * Unpacking, in two halves, so that the layers of an image can be unpacked at the same time while
 * they are still coming:
 *
 * layer_unpack() reads the compressed archive from fd (a pipe or a file) to its end and unpacks it
 * into a new staging directory, hashing what it decompressed. What needs the layers below -
 * directories that the archive does not name itself, hard links to files of a lower layer - is
 * noted.
 *
 * layer_commit() settles that with the parents' trees (lowest first, count of them), checks diff,
 * flushes the file system (syncfs(2): one call for all its files, so that a layer that has its name
 * is whole after a power failure, too), and renames the layer into place as chain; one that is
 * there already is no error. Staging directories are removed in every case but success.
 *
 * tar_check.h refuses what could be read in two ways, before libarchive reads it. Devices are
 * left out, which layer_commit() notes on standard error, and so are all xattrs but user.* (without
 * those that overlayfs obeys) and, with many ids, security.capability. What comes last under a name
 * counts. A whiteout hides what is below, never what its own layer brings, whatever the order.
 */
struct layer_staging; /* opaque */
int layer_unpack(const struct storage *storage, enum layer_way way, int fd,
	enum compression compression, const struct layer_limits *limits, struct layer_staging **ret,
	struct err *reterr);
int layer_commit(struct layer_staging *staging, const struct digest *diff,
	const struct digest *parents, size_t parent_count, const struct digest *chain,
	struct err *reterr);                       /* frees staging */
void layer_abandon(struct layer_staging *staging); /* NULL is fine */

/*
 * Instead of committing: whether the layer that is in its place is still what it was unpacked to,
 * file by file: 0, -EUCLEAN with the first difference in reterr, or -errno. Frees staging.
 */
int layer_check(struct layer_staging *staging, const struct digest *diff,
	const struct digest *parents, size_t parent_count, const struct digest *chain,
	struct err *reterr);

/* Takes a layer from its place into staging/, where it is rubbish; nobody may be using it. 0 or
 * -errno. */
int layer_discard(const struct storage *storage, enum layer_way way, const struct digest *chain);
/* "layers/mapped" or "layers/single". */
const char *layer_directory(enum layer_way way);

#endif
