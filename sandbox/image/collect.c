/*
 * Removing what nothing refers to: see collect.h.
 *
 * In this order, so that a kill at any instant leaves a store that works: a record goes before its
 * blobs and layers (nobody starts from an image without one), and what goes is renamed into
 * staging/ first, where it is rubbish, whoever finishes it off.
 */
#include "image/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "image/blob.h"
#include "image/collect_roots.h"
#include "image/digest_set.h"
#include "image/image.h"
#include "image/layer.h"
#include "image/print.h"
#include "image/record.h"
#include "image/short.h"
#include "image/tag.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/mutant.h"
#include "util/text.h"
#include "util/tree.h"

#define PATIENCE 3         /* seconds to wait for makers */
#define PARTIAL_AGE 604800 /* seconds that a cut off download is kept to go on from: a week */

/* ---- the lock ---- */

static int open_lock(const struct storage *storage)
{
	_cleanup_close_ int staging = storage_directory(storage, "staging");
	int fd;

	if (staging < 0)
		return staging;
	fd = openat(staging, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

int collect_hold(const struct storage *storage, struct err *reterr)
{
	_cleanup_close_ int fd = open_lock(storage);
	int r = fd < 0 ? fd : 0;

	while (r == 0 && flock(fd, LOCK_SH))
		r = errno == EINTR ? 0 : -errno;
	if (r < 0)
		return err_set(
			reterr, r, storage->path, "cannot lock staging in it: %s", strerror(-r));
	return take_fd(&fd);
}

/* The lock alone, within PATIENCE. A descriptor, -EWOULDBLOCK or -errno. */
static int take_alone(const struct storage *storage)
{
	static const struct timespec pause = {.tv_nsec = 50000000};
	_cleanup_close_ int fd = open_lock(storage);
	unsigned tries = PATIENCE * 20;

	if (fd < 0)
		return fd;
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (!tries--)
			return -EWOULDBLOCK;
		(void)nanosleep(&pause, NULL); /* cut short is tried again sooner */
	}
	return take_fd(&fd);
}

/* ---- what stays ---- */

struct collection {
	const struct storage *storage;
	struct arena *arena;
	struct digest_set images; /* manifests that are referred to */
	struct digest_set blobs, chains;
	/* of an image that stays it is not known what belongs to it: then nothing of this kind goes
	 */
	bool all_blobs, all_chains;
	bool everything;
	enum layer_way way; /* of the layers that are being looked at */
	struct collected *done;
	struct err *err;
};

static int out_of_memory(struct collection *collection)
{
	return err_no_memory(collection->err);
}

/* One line for all of them: `verify` tells of each. */
static void tell_damaged(
	const struct collection *collection, const char *what, const struct err *err)
{
	if (!collection->all_blobs && !collection->all_chains)
		print_note("%s: %s: no %s are deleted until `immure image verify` finds no fault",
			err->where, err->message, what);
}

/* A damaged document ends nothing: what it could mean is kept. */
static int keep_blobs(struct collection *collection, const struct digest *manifest)
{
	_cleanup_(arena_free) struct arena arena = {0};
	struct arena *kept = collection->arena;
	struct err err = {0};
	struct image image;
	int r = digest_set_add(&collection->blobs, kept, manifest);

	if (r < 0)
		return out_of_memory(collection);
	if (image_load(collection->storage, manifest, &arena, &image, &err) < 0) {
		tell_damaged(collection, "blobs", &err);
		collection->all_blobs = true;
		return 0;
	}
	r = digest_set_add(&collection->blobs, kept, &image.manifest.config.digest);
	for (size_t i = 0; r == 0 && i < image.manifest.layer_count; i++)
		r = digest_set_add(&collection->blobs, kept, &image.manifest.layers[i].digest);
	/* the chains, too: a record may be lost, and be made anew by `verify` */
	for (size_t i = 0; r == 0 && i < image.config.record.layer_count; i++)
		r = digest_set_add(&collection->chains, kept, &image.config.record.chains[i]);
	return r < 0 ? out_of_memory(collection) : 0;
}

static int keep_chains(struct collection *collection, const struct digest *manifest)
{
	_cleanup_(arena_free) struct arena arena = {0};
	struct image_record record;
	struct err err = {0};
	int r = record_read(collection->storage, manifest, &arena, &record, &err);

	if (r < 0) {
		tell_damaged(collection, "layers", &err);
		collection->all_chains = true;
		return 0;
	}
	for (size_t i = 0; r == 0 && i < record.layer_count; i++)
		r = digest_set_add(&collection->chains, collection->arena, &record.chains[i]);
	return r < 0 ? out_of_memory(collection) : 0;
}

static int keep_image(struct collection *collection, const struct digest *manifest)
{
	int r = keep_blobs(collection, manifest);

	return r == 0 ? keep_chains(collection, manifest) : r;
}

/* ---- what goes ---- */

static int collect_failed(struct collection *collection, const char *name, int code)
{
	return err_set(collection->err, code, name, "cannot remove it: %s", strerror(-code));
}

/*
 * A record that nothing refers to goes, unless somebody holds it: then its image stays. Containers
 * are looked at again under the lock: one may have been made since the roots were gathered, by
 * somebody who held the record meanwhile and has let go of it.
 */
static int visit_record(void *context, int directory, const char *name)
{
	struct collection *collection = context;
	const char *dot = strstr(name, ".json");
	_cleanup_close_ int lock = -1;
	const char *user = NULL;
	struct digest digest;
	int r;

	if (text_starts_with(name, ".immure-"))
		return unlinkat(directory, name, 0) ? collect_failed(collection, name, -errno) : 0;
	if (!dot || dot[5] || digest_from_hex(name, (size_t)(dot - name), &digest) < 0 ||
		digest_set_has(&collection->images, &digest))
		return 0;
	lock = record_lock(collection->storage, &digest);
	if (lock == -ENOENT)
		return 0;
	r = lock < 0 ? 0
		     : roots_find_user(collection->storage, &digest, collection->arena, &user,
			       collection->err);
	if (r < 0)
		return r;
	if (lock < 0 || user)
		return keep_image(collection, &digest);
	if (unlinkat(directory, name, 0))
		return collect_failed(collection, name, -errno);
	collection->done->records++;
	return 0;
}

static int visit_blob(void *context, int directory, const char *name)
{
	struct collection *collection = context;
	struct digest digest;
	struct stat status;

	if (digest_from_hex(name, strlen(name), &digest) < 0)
		return 0; /* not ours: another program's file in the layout */
	if (digest_set_has(&collection->blobs, &digest) ||
		fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW))
		return 0;
	if (unlinkat(directory, name, 0))
		return collect_failed(collection, name, -errno);
	collection->done->blobs++;
	collection->done->bytes += (uint64_t)status.st_size;
	return 0;
}

static int visit_layer(void *context, int directory, const char *name)
{
	struct collection *collection = context;
	struct digest digest;
	int r;

	(void)directory;
	if (digest_from_hex(name, strlen(name), &digest) < 0 ||
		digest_set_has(&collection->chains, &digest))
		return 0;
	r = layer_discard(collection->storage, collection->way, &digest);
	if (r < 0)
		return collect_failed(collection, name, r);
	collection->done->layers++;
	return 0; /* its files go with the other leftovers */
}

/* Whether a maker is still at work on it, though it should hold staging/.lock. */
static bool is_locked(int directory, const char *name)
{
	_cleanup_close_ int fd =
		openat(directory, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && !mutant(MUTANT_STAGING_LOCK) && flock(fd, LOCK_EX | LOCK_NB) &&
	       errno == EWOULDBLOCK;
}

static bool is_partial(const char *name)
{
	size_t length = strlen(name), suffix = strlen(".partial");

	return length > suffix && strcmp(name + length - suffix, ".partial") == 0;
}

static int visit_leftover(void *context, int directory, const char *name)
{
	struct collection *collection = context;
	struct stat status;
	int r;

	if (strcmp(name, ".lock") == 0 || is_locked(directory, name) ||
		fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW))
		return 0;
	if (is_partial(name) && !collection->everything &&
		status.st_mtim.tv_sec > time(NULL) - PARTIAL_AGE)
		return 0;
	r = S_ISDIR(status.st_mode)        ? tree_remove(directory, name)
	    : unlinkat(directory, name, 0) ? -errno
					   : 0;
	if (r < 0) {
		/* one that belongs to ids which are no longer ours must not keep the others */
		print_note("staging/%s: cannot remove it: %s", name, strerror(-r));
		return 0;
	}
	collection->done->leftovers++;
	if (S_ISREG(status.st_mode))
		collection->done->bytes += (uint64_t)status.st_size;
	return 0;
}

/* What a killed index_update() left. */
static int visit_layout(void *context, int directory, const char *name)
{
	if (text_starts_with(name, ".immure-") && unlinkat(directory, name, 0))
		return collect_failed(context, name, -errno);
	return 0;
}

static void tell_strange(void *context, const char *name)
{
	(void)context;
	print_note("short/%s: is no link of ours, and stays", name);
}

static int collect_alone(struct collection *collection)
{
	static const char *const algorithms[] = {"images/blobs/sha256", "images/blobs/sha512"};
	const struct storage *storage = collection->storage;
	int r = roots_gather(storage, collection->arena, &collection->images, collection->err);

	for (size_t i = 0; r == 0 && i < collection->images.count; i++)
		r = keep_image(collection, &collection->images.items[i]);
	if (r == 0)
		r = tag_sweep(storage, collection->err);
	if (r == 0)
		r = short_sweep(storage, tell_strange, NULL);
	if (r == 0)
		r = roots_each_entry(storage, "records", visit_record, collection);
	if (r == 0)
		r = roots_each_entry(storage, "images", visit_layout, collection);
	for (size_t i = 0; r == 0 && !collection->all_blobs && i < 2; i++)
		r = roots_each_entry(storage, algorithms[i], visit_blob, collection);
	for (int way = LAYER_MAPPED; r == 0 && !collection->all_chains && way <= LAYER_SINGLE;
		way++) {
		collection->way = (enum layer_way)way;
		r = roots_each_entry(
			storage, layer_directory(collection->way), visit_layer, collection);
	}
	return r == 0 ? roots_each_entry(storage, "staging", visit_leftover, collection) : r;
}

#define CUT_OFF_AGE 3600 /* seconds that a blob without a digest may rest while it is written */

/* The lock is held to the end: a maker that comes between the two would go on in what is gone. */
static int visit_cut_off(void *context, int directory, const char *name)
{
	bool blob = text_starts_with(name, "blob-");
	_cleanup_close_ int fd = -1;
	struct stat status;

	(void)context;
	if (!blob && !text_starts_with(name, "layer-"))
		return 0;
	fd = openat(directory, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status))
		return 0;
	/* its maker takes the lock after the file is made, and tries once: it must not meet ours */
	if (blob && status.st_mtim.tv_sec > time(NULL) - CUT_OFF_AGE)
		return 0;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return 0;
	if (S_ISDIR(status.st_mode))
		(void)tree_remove(directory, name); /* what stays is there for `prune` */
	else
		(void)unlinkat(directory, name, 0);
	return 0;
}

void collect_cut_off(const struct storage *storage)
{
	(void)roots_each_entry(storage, "staging", visit_cut_off, NULL);
}

int collect(
	const struct storage *storage, bool everything, struct collected *ret, struct err *reterr)
{
	_cleanup_(arena_free) struct arena arena = {0};
	_cleanup_close_ int lock = take_alone(storage);
	struct collected done = {0};
	struct collection collection = {.storage = storage,
		.arena = &arena,
		.everything = everything,
		.done = &done,
		.err = reterr};
	int r;

	if (lock == -EWOULDBLOCK) {
		*ret = (struct collected){.busy = true};
		return 0;
	}
	if (lock < 0)
		return err_set(reterr, lock, storage->path, "cannot lock staging in it: %s",
			strerror(-lock));
	r = collect_alone(&collection);
	if (r < 0)
		return err_set(reterr, r, storage->path, "cannot collect in it: %s", strerror(-r));
	*ret = done;
	return 0;
}
