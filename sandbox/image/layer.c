/* Layers in their places: see layer.h. */
#include "image/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/layer_below.h"
#include "image/layer_parts.h"
#include "image/print.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/mutant.h"
#include "util/path.h"
#include "util/tree.h"

const char *layer_directory(enum layer_way way)
{
	static const char *const directories[] = {
		[LAYER_MAPPED] = "layers/mapped", [LAYER_SINGLE] = "layers/single"};

	return directories[way];
}

int layer_open(const struct storage *storage, enum layer_way way, const struct digest *chain)
{
	char path[DIGEST_ROOM + 32];

	if (!digest_is_valid(chain->text))
		return -EINVAL;
	(void)snprintf(path, sizeof(path), "%s/%s/tree", layer_directory(way), digest_hex(chain));
	return path_open_no_links(storage->directory, path, O_PATH | O_DIRECTORY);
}

bool layer_exists(const struct storage *storage, enum layer_way way, const struct digest *chain)
{
	_cleanup_close_ int tree = layer_open(storage, way, chain);

	return tree >= 0;
}

/* ---- committing ---- */

static int write_description(struct layer_staging *staging, struct err *reterr)
{
	char text[512];
	int length = snprintf(text, sizeof(text),
		"{\"version\": 1, \"diff\": \"%s\", \"size\": %llu, \"entries\": %llu}\n",
		staging->diff.text, (unsigned long long)staging->size,
		(unsigned long long)staging->entries);
	int r = file_replace_at(staging->directory, "layer.json", text, (size_t)length);

	return r < 0 ? err_set(reterr, r, "staging", "cannot write layer.json: %s", strerror(-r))
		     : 0;
}

/* A layer that somebody else has made meanwhile is the same. */
static int put_in_place(struct layer_staging *staging, const struct digest *chain, bool *ret_placed,
	struct err *reterr)
{
	const char *way = layer_directory(staging->way);
	_cleanup_close_ int layers = storage_directory(staging->storage, way);

	if (layers < 0)
		return err_set(reterr, layers, way, "cannot open it: %s", strerror(-layers));
	*ret_placed = renameat(staging->staging, staging->name, layers, digest_hex(chain)) == 0;
	if (!*ret_placed && errno != EEXIST && errno != ENOTEMPTY)
		return err_set(
			reterr, -errno, way, "cannot put the layer in it: %s", strerror(errno));
	/* what has lost its tree is no layer: it takes our place, and goes as rubbish does */
	if (!*ret_placed && !layer_exists(staging->storage, staging->way, chain) &&
		renameat2(staging->staging, staging->name, layers, digest_hex(chain),
			RENAME_EXCHANGE))
		return err_set(reterr, -errno, way, "cannot replace a damaged layer in it: %s",
			strerror(errno));
	(void)fsync(layers); /* the name's durability; some file systems refuse it on directories */
	return 0;
}

/* What the archive has come to, complete: parents are known only now. below: the caller's to close
 * in every case. */
static int complete(struct layer_staging *staging, const struct digest *diff,
	const struct digest *parents, size_t parent_count, const struct digest *chain,
	struct layer_below *below, struct err *reterr)
{
	int r = digest_is_valid(chain->text)
			? 0
			: err_set(reterr, -EINVAL, chain->text, "is no digest");

	if (r == 0)
		r = layer_below_open(
			staging->storage, staging->way, parents, parent_count, below, reterr);
	if (r == 0 && !digest_equal(diff, &staging->diff) && !mutant(MUTANT_LAYER_DIFF))
		r = err_set(reterr, -EBADMSG, diff->text,
			"is what the image says of the layer unpacked, and it is %s",
			staging->diff.text);
	return r == 0 ? layer_settle(staging, below, reterr) : r;
}

int layer_commit(struct layer_staging *staging, const struct digest *diff,
	const struct digest *parents, size_t parent_count, const struct digest *chain,
	struct err *reterr)
{
	struct layer_below below = {.count = 0};
	bool placed = false;
	int r = complete(staging, diff, parents, parent_count, chain, &below, reterr);

	if (r == 0)
		r = write_description(staging, reterr);
	if (r == 0 && !mutant(MUTANT_LAYER_FLUSH) && syncfs(staging->directory))
		r = err_set(reterr, -errno, "staging", "cannot flush it: %s", strerror(errno));
	if (r == 0)
		r = put_in_place(staging, chain, &placed, reterr);
	layer_below_close(&below);
	if (placed && staging->skipped)
		print_note("layer %s: %llu devices in it are left out: they cannot be made without "
			   "root",
			diff->text, (unsigned long long)staging->skipped);
	if (placed)
		staging->name[0] = '\0'; /* it has another now */
	layer_abandon(staging);
	return r;
}

int layer_check(struct layer_staging *staging, const struct digest *diff,
	const struct digest *parents, size_t parent_count, const struct digest *chain,
	struct err *reterr)
{
	struct layer_below below = {.count = 0};
	_cleanup_close_ int found = -1;
	int r = complete(staging, diff, parents, parent_count, chain, &below, reterr);

	if (r == 0) {
		found = layer_open(staging->storage, staging->way, chain);
		r = found < 0 ? err_set(reterr, found, chain->text, "cannot open it: %s",
					strerror(-found))
			      : layer_compare(staging->tree, found, reterr);
	}
	layer_below_close(&below);
	layer_abandon(staging);
	return r;
}

/* ---- out of its place ---- */

int layer_discard(const struct storage *storage, enum layer_way way, const struct digest *chain)
{
	const char *directory = layer_directory(way), *hex = digest_hex(chain);
	_cleanup_close_ int layers = storage_directory(storage, directory),
			    staging = storage_directory(storage, "staging");
	char gone[200];
	int r;

	if (layers < 0 || staging < 0)
		return layers < 0 ? layers : staging;
	(void)snprintf(gone, sizeof(gone), "gone-%s-%s", strchr(directory, '/') + 1, hex);
	if (renameat(layers, hex, staging, gone) == 0)
		return 0;
	if (errno != EEXIST && errno != ENOTEMPTY)
		return -errno;
	r = tree_remove(staging, gone); /* what an earlier collection did not finish */
	return r == 0 && renameat(layers, hex, staging, gone) ? -errno : r;
}
