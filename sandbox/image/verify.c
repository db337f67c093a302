/* `immure image verify`: whether what is stored is what its names say, and mending what is not. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/blob.h"
#include "image/catalog.h"
#include "image/collect.h"
#include "image/collect_roots.h"
#include "image/digest_set.h"
#include "image/index.h"
#include "image/layer.h"
#include "image/options.h"
#include "image/print.h"
#include "image/record.h"
#include "image/tag.h"
#include "image/verbs.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/file.h"

struct verification {
	struct verb_context *context;
	const struct catalog *catalog;
	struct digest_set present;  /* what names mean at present, and containers were made from */
	struct digest_set compared; /* layers, by their chains */
	bool quick;                 /* unpacked layers are not compared */
	size_t images, blobs, faults, mended;
	uint64_t bytes;
};

/* One line of findings. */
__attribute__((format(printf, 4, 5))) static void tell(
	struct verification *verification, bool mended, const char *where, const char *format, ...)
{
	char message[600];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	print_text(stdout, where);
	(void)fputs(": ", stdout);
	print_text(stdout, message);
	(void)fputs(mended ? " (mended)\n" : "\n", stdout);
	if (mended)
		verification->mended++;
	else
		verification->faults++;
}

/* ---- names ---- */

/* A name that cannot be read means nothing: it goes. One that the disk does not give us stays. */
static int mend_tag(void *context, const struct reference *name, int code, struct err *reterr)
{
	struct verification *verification = context;
	struct verb_context *verb = verification->context;
	char text[REFERENCE_ROOM];

	(void)reterr;
	(void)reference_format(name, text);
	if (code == -EBADMSG) {
		code = tag_remove(&verb->storage, name, NULL);
		if (code == 0) {
			tell(verification, true, text,
				"what it means was damaged: the name is removed");
			return 0;
		}
	}
	tell(verification, false, text, "what it means cannot be read: %s", strerror(-code));
	return 0;
}

/* ---- blobs ---- */

static void check_blob(struct verification *verification, const struct digest *digest)
{
	const struct storage *storage = &verification->context->storage;
	struct err err = {0};
	uint64_t size = 0;
	int fd = blob_open(storage, digest, &size, NULL);

	if (fd < 0)
		return;  /* told of with its image */
	(void)close(fd); /* was read from only */
	verification->blobs++;
	verification->bytes += size;
	if (blob_verify(storage, digest, &err) == 0)
		return;
	/* a later pull would take it for good and not fetch it */
	if (err.code == -EBADMSG && blob_remove(storage, digest) == 0)
		tell(verification, false, digest->text,
			"this blob was damaged (%s): it is removed, and the next pull fetches it "
			"again",
			err.message);
	else
		tell(verification, false, digest->text, "%s", err.message);
}

static int visit_blob(void *context, int directory, const char *name)
{
	struct digest digest;

	(void)directory;
	if (digest_from_hex(name, strlen(name), &digest) == 0)
		check_blob(context, &digest);
	return 0;
}

static void check_blobs_of(struct verification *verification, const struct catalog_image *image)
{
	check_blob(verification, &image->manifest);
	if (image->fault)
		return;
	check_blob(verification, &image->image.manifest.config.digest);
	for (size_t i = 0; i < image->image.manifest.layer_count; i++)
		check_blob(verification, &image->image.manifest.layers[i].digest);
}

/* ---- images ---- */

/* Unpacks its blob again, and hands it to what is to be done with it: layer_commit() or
 * layer_check(). */
typedef int layer_end(struct layer_staging *staging, const struct digest *diff,
	const struct digest *parents, size_t parent_count, const struct digest *chain,
	struct err *reterr);
static int unpack_layer(struct verification *verification, const struct image *image, size_t index,
	enum layer_way way, layer_end *end, struct err *reterr)
{
	const struct storage *storage = &verification->context->storage;
	const struct descriptor *descriptor = &image->manifest.layers[index];
	const struct image_config *config = &image->config;
	struct layer_staging *staging = NULL;
	uint64_t size;
	_cleanup_close_ int fd = blob_open(storage, &descriptor->digest, &size, reterr);
	int r;

	if (fd < 0)
		return fd;
	r = layer_unpack(
		storage, way, fd, descriptor->compression, &layer_limits_default, &staging, reterr);
	if (r < 0)
		return r;
	return end(staging, &config->diffs[index], config->record.chains, index,
		&config->record.chains[index], reterr);
}

static bool has_chain(const struct image_record *record, const struct digest *chain)
{
	for (size_t i = 0; i < record->layer_count; i++)
		if (digest_equal(&record->chains[i], chain))
			return true;
	return false;
}

/* Locks every image that has the layer, so that nothing runs from it: 0, -EBUSY or another -errno.
 * The locks: the arena's, and the caller's to close. */
static int lock_users(struct verification *verification, const struct digest *chain, int *locks,
	size_t *ret_count)
{
	struct verb_context *context = verification->context;

	for (size_t i = 0; i < verification->catalog->count; i++) {
		const struct digest *manifest = &verification->catalog->images[i].manifest;
		struct image_record record;
		int r = record_read(&context->storage, manifest, &context->arena, &record, NULL);

		if (r == -ENOENT || (r == 0 && !has_chain(&record, chain)))
			continue; /* without a record, nobody starts from it */
		r = r < 0 ? r : record_lock(&context->storage, manifest);
		if (r < 0)
			return r == -EWOULDBLOCK ? -EBUSY : r;
		locks[(*ret_count)++] = r;
	}
	return 0;
}

/* Another in place of a damaged one, if nothing runs from it. */
static int replace_layer(struct verification *verification, const struct image *image, size_t index,
	enum layer_way way, struct err *reterr)
{
	struct verb_context *context = verification->context;
	const struct digest *chain = &image->config.record.chains[index];
	int *locks =
		arena_zeroed(&context->arena, verification->catalog->count + 1, sizeof(*locks));
	size_t count = 0;
	int r = locks ? lock_users(verification, chain, locks, &count) : -ENOMEM;

	if (r < 0)
		r = err_set(reterr, r, chain->text, "%s",
			r == -EBUSY ? "containers run from it: verify again when they have ended"
				    : strerror(-r));
	if (r == 0) {
		r = layer_discard(&context->storage, way, chain);
		if (r < 0)
			(void)err_set(reterr, r, chain->text, "cannot move it: %s", strerror(-r));
	}
	if (r == 0)
		r = unpack_layer(verification, image, index, way, layer_commit, reterr);
	while (count)
		(void)close(locks[--count]); /* locks: nothing was written through them */
	return r;
}

/* Whether what is unpacked is what the blob says, file by file. */
static void check_tree(struct verification *verification, const struct image *image, size_t index,
	enum layer_way way, const char *title)
{
	struct err difference = {0}, err = {0};
	int r = unpack_layer(verification, image, index, way, layer_check, &difference);

	if (r == 0)
		return;
	if (r != -EUCLEAN)
		tell(verification, false, title, "its layer %zu cannot be compared: %s%s%s",
			index + 1, difference.where, difference.where[0] ? ": " : "",
			difference.message);
	else if (replace_layer(verification, image, index, way, &err) < 0)
		tell(verification, false, title, "its layer %zu is damaged: %s %s; %s", index + 1,
			difference.where, difference.message, err.message);
	else
		tell(verification, true, title, "its layer %zu was damaged: %s %s", index + 1,
			difference.where, difference.message);
}

/* A layer that several images share is looked at once. */
static void check_trees(struct verification *verification, const struct image *image, size_t index,
	const char *title)
{
	struct verb_context *context = verification->context;
	const struct digest *chain = &image->config.record.chains[index];

	if (verification->quick || digest_set_has(&verification->compared, chain))
		return;
	for (int way = layer_way_here(); way <= LAYER_SINGLE; way++)
		if (layer_exists(&context->storage, (enum layer_way)way, chain))
			check_tree(verification, image, index, (enum layer_way)way, title);
	/* without memory it is looked at once more */
	(void)digest_set_add(&verification->compared, &context->arena, chain);
}

static void check_layers(
	struct verification *verification, const struct image *image, const char *title)
{
	const struct storage *storage = &verification->context->storage;

	for (size_t i = 0; i < image->manifest.layer_count; i++) {
		const struct digest *chain = &image->config.record.chains[i];
		struct err err = {0};
		uint64_t size;
		_cleanup_close_ int fd =
			blob_open(storage, &image->manifest.layers[i].digest, &size, NULL);

		if (fd < 0)
			tell(verification, false, title,
				"the blob of its layer %zu is not here (%s): it runs, but cannot "
				"be "
				"pushed or saved until it is pulled again",
				i + 1, image->manifest.layers[i].digest.text);
		else if (size != image->manifest.layers[i].size)
			tell(verification, false, title, "the manifest is wrong of the size of %s",
				image->manifest.layers[i].digest.text);
		if (layer_exists(storage, LAYER_MAPPED, chain) ||
			layer_exists(storage, LAYER_SINGLE, chain)) {
			if (fd >= 0)
				check_trees(verification, image, i, title);
			continue;
		}
		if (unpack_layer(verification, image, i, layer_way_here(), layer_commit, &err) ==
			0) {
			tell(verification, true, title, "its layer %zu was not unpacked", i + 1);
			continue;
		}
		tell(verification, false, title, "its layer %zu is not unpacked, and cannot be: %s",
			i + 1, err.message);
		return; /* those above need it */
	}
}

static bool same_record(const struct image_record *a, const struct image_record *b)
{
	_cleanup_free_ char *one = NULL, *other = NULL;
	size_t length, other_length;

	return record_emit(a, &one, &length, NULL) == 0 &&
	       record_emit(b, &other, &other_length, NULL) == 0 && strcmp(one, other) == 0;
}

static void check_record(
	struct verification *verification, const struct image *image, const char *title)
{
	struct verb_context *context = verification->context;
	const struct image_record *right = &image->config.record;
	struct image_record record;
	struct err err = {0};
	int r = record_read(&context->storage, &right->manifest, &context->arena, &record, NULL);

	if (r == 0 && same_record(&record, right))
		return;
	if (record_write(&context->storage, right, &err) < 0)
		tell(verification, false, title, "its record is %s, and cannot be made anew: %s",
			r == -ENOENT ? "missing" : "damaged", err.message);
	else
		tell(verification, true, title, "its record was %s",
			r == -ENOENT ? "missing" : "damaged");
}

/* A former meaning that is lost is forgotten; a present one stays, to be pulled again by its name.
 */
static void mend_lost(struct verification *verification, const struct digest *digest,
	const char *title, const struct err *err)
{
	struct verb_context *context = verification->context;
	char path[RECORD_PATH_ROOM];

	if (digest_set_has(&verification->present, digest)) {
		tell(verification, false, title, "%s: %s; `immure pull` it again", err->where,
			err->message);
		return;
	}
	/* what a disk or a want of memory kept from us this time may be there the next time */
	if ((err->code == -ENOENT || err->code == -EBADMSG) &&
		tag_drop(&context->storage, digest, NULL) == 0 &&
		(unlinkat(context->storage.directory, record_path(digest, path), 0) == 0 ||
			errno == ENOENT))
		tell(verification, true, title,
			"what a name meant before is lost (%s: %s): it is forgotten", err->where,
			err->message);
	else
		tell(verification, false, title, "%s: %s", err->where, err->message);
}

static void check_image(
	struct verification *verification, const struct digest *digest, const char *title)
{
	struct verb_context *context = verification->context;
	struct err err = {0};
	struct image image;

	verification->images++;
	/* anew: a damaged blob has been removed meanwhile */
	if (image_load(&context->storage, digest, &context->arena, &image, &err) < 0) {
		mend_lost(verification, digest, title, &err);
		return;
	}
	check_record(verification, &image, title);
	check_layers(verification, &image, title);
}

static int check_all(struct verification *verification)
{
	struct verb_context *context = verification->context;
	static const char *const algorithms[] = {"images/blobs/sha256", "images/blobs/sha512"};
	const struct catalog *catalog = verification->catalog;
	struct digest_set roots = {0};
	char title[REFERENCE_ROOM];
	int r = roots_gather(&context->storage, &context->arena, &roots, &context->err);

	for (size_t i = 0; r == 0 && i < 2; i++)
		r = roots_each_entry(&context->storage, algorithms[i], visit_blob, verification);
	if (r < 0)
		return err_set(&context->err, r, NULL, "cannot read blobs: %s", strerror(-r));
	for (size_t i = 0; i < catalog->count; i++)
		check_image(verification, &catalog->images[i].manifest,
			catalog_title(&catalog->images[i], title));
	/* what names meant before and has no record: nothing else knows it */
	for (size_t i = 0; i < roots.count; i++) {
		bool known = false;

		for (size_t j = 0; j < catalog->count; j++)
			known |= digest_equal(&catalog->images[j].manifest, &roots.items[i]);
		for (size_t j = 0; j < i; j++)
			known |= digest_equal(&roots.items[j], &roots.items[i]);
		if (!known)
			check_image(verification, &roots.items[i], roots.items[i].text);
	}
	return 0;
}

static int check_one(struct verification *verification, const char *name)
{
	struct verb_context *context = verification->context;
	const struct reference *reference = NULL;
	struct catalog_image *image = NULL;
	char title[REFERENCE_ROOM];
	int r = catalog_find(verification->catalog, name, &image, &reference, &context->err);

	if (r < 0)
		return r;
	check_blobs_of(verification, image);
	check_image(verification, &image->manifest, catalog_title(image, title));
	return 0;
}

/* ---- the layout ---- */

/* Other programs refuse the whole layout where this file is not what it should be. */
static void check_layout(struct verification *verification)
{
	static const char right[] = "{\"imageLayoutVersion\":\"1.0.0\"}\n";
	_cleanup_close_ int images = storage_directory(&verification->context->storage, "images");
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r;

	if (images < 0)
		return; /* the index tells */
	r = file_read(images, "oci-layout", 4096, &text, &length);
	if (r == 0 && strstr(text, "\"imageLayoutVersion\"") && strstr(text, "\"1.0.0\""))
		return;
	r = file_replace_at(images, "oci-layout", right, sizeof(right) - 1);
	tell(verification, r == 0, "images/oci-layout", "was damaged");
}

static int find_present(struct verification *verification)
{
	struct verb_context *context = verification->context;
	const char *user;
	int r = 0;

	for (size_t i = 0; r == 0 && i < verification->catalog->count; i++) {
		const struct catalog_image *image = &verification->catalog->images[i];

		user = NULL;
		if (!image->name_count)
			r = roots_find_user(&context->storage, &image->manifest, &context->arena,
				&user, &context->err);
		if (r == 0 && (image->name_count || user))
			r = digest_set_add(
				&verification->present, &context->arena, &image->manifest);
	}
	return r;
}

static int verify(struct verification *verification, const char *name)
{
	struct verb_context *context = verification->context;
	struct catalog catalog = {0};
	struct tag *tags = NULL;
	size_t count = 0;
	int r = tag_list_each(&context->storage, &context->arena, mend_tag, verification, &tags,
		&count, &context->err);

	if (r == 0)
		r = catalog_read(&context->storage, &context->arena, &catalog, &context->err);
	if (r < 0)
		return r;
	verification->catalog = &catalog;
	r = find_present(verification);
	if (r == 0)
		r = name ? check_one(verification, name) : check_all(verification);
	verification->catalog = NULL; /* ours, and about to go */
	check_layout(verification);
	return r == 0 ? index_update(&context->storage, &context->err) : r;
}

int verb_verify(struct verb_context *context, int argc, char **argv)
{
	struct verification verification = {.context = context};
	_cleanup_close_ int hold = -1;
	char size[PRINT_SIZE_ROOM];
	const struct option options[] = {{"quick", 'q', OPTION_FLAG, &verification.quick}};
	int r = options_take(options, 1, &context->arena, &argc, argv, 0, 1, &context->err);

	if (r < 0)
		return r;
	hold = collect_hold(&context->storage, &context->err);
	if (hold < 0)
		return hold;
	r = verify(&verification, argv[1]);
	if (r < 0)
		return r;
	(void)printf("%zu images, %zu blobs (%s): ", verification.images, verification.blobs,
		print_size(verification.bytes, size));
	if (verification.faults || verification.mended)
		(void)printf(
			"%zu faults, %zu more mended\n", verification.faults, verification.mended);
	else
		(void)puts("no faults"); /* main flushes and tells */
	return verification.faults ? 1 : 0;
}
