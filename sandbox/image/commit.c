/* The verb commit: what a container changed becomes a layer, and with it a new image. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "image/collect.h"
#include "image/gzip.h"
#include "image/image.h"
#include "image/make.h"
#include "image/options.h"
#include "image/print.h"
#include "image/short.h"
#include "image/verbs.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/overlay.h"

struct commit {
	struct verb_context *context;
	const char *upper, *message, *author;
	struct option_texts changes, without;
	bool quiet;
	struct image image;
	struct make_layer layers[OVERLAY_LAYERS];
	size_t count;
	struct digest diff;
};

/* ---- the layer ---- */

static int pack_upper(struct commit *commit, int upper, struct err *reterr)
{
	const struct storage *storage = &commit->context->storage;
	const struct image_record *record = &commit->image.config.record;
	struct layer_below below = {.count = 0};
	struct pack_result result = {0};
	struct tar_sink sink;
	struct gzip *gzip = NULL;
	int r = layer_below_open(
		storage, layer_way_here(), record->chains, record->layer_count, &below, reterr);

	if (r == 0)
		r = gzip_start(storage, &gzip, &sink, reterr);
	if (r == 0)
		r = pack_tree(upper, layer_way_here(), PACK_LAYER, &below,
			&(struct pack_without){commit->without.items, commit->without.count}, &sink,
			&result, reterr);
	if (r == 0)
		r = gzip_finish(
			take_pointer(&gzip), &commit->layers[commit->count], &commit->diff, reterr);
	gzip_abandon(gzip);
	layer_below_close(&below);
	if (r < 0)
		return r;
	commit->count++;
	if (result.skipped && !commit->quiet)
		print_note("%llu sockets, devices or names that begin with .wh. are left out",
			(unsigned long long)result.skipped);
	return 0;
}

static int add_layer(struct commit *commit, struct err *reterr)
{
	const struct manifest *manifest = &commit->image.manifest;
	_cleanup_close_ int upper = open(commit->upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (upper < 0)
		return err_set(
			reterr, -errno, commit->upper, "cannot open it: %s", strerror(errno));
	if (manifest->layer_count >= OVERLAY_LAYERS)
		return err_set(reterr, -EFBIG, NULL,
			"the image has %zu layers, and %d are the most that one can have",
			manifest->layer_count, OVERLAY_LAYERS);
	for (size_t i = 0; i < manifest->layer_count; i++)
		commit->layers[commit->count++] =
			(struct make_layer){.blob = manifest->layers[i].digest,
				.size = manifest->layers[i].size,
				.compression = manifest->layers[i].compression};
	return pack_upper(commit, upper, reterr);
}

/* ---- the configuration ---- */

static int change_config(struct commit *commit, json_t *root, struct err *reterr)
{
	json_t *config = json_object_get(root, "config");
	int r;

	if (!json_is_object(config)) {
		config = json_object();
		if (!config || json_object_set_new(root, "config", config))
			return err_no_memory(reterr);
	}
	for (size_t i = 0; i < commit->changes.count; i++) {
		r = make_change(config, commit->changes.items[i], reterr);
		if (r < 0)
			return r;
	}
	return make_add_layer(
		root, &commit->diff, "immure commit", commit->message, commit->author, reterr);
}

static int make_config(
	struct commit *commit, char **ret_text, size_t *ret_length, struct err *reterr)
{
	const struct digest *digest = &commit->image.manifest.config.digest;
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	json_t *root;
	int r = blob_read(
		&commit->context->storage, digest, MANIFEST_BYTES, &text, &length, reterr);

	if (r < 0)
		return r;
	root = json_read(digest->text, text, length, &manifest_limits, reterr);
	if (!root)
		return -EBADMSG;
	r = change_config(commit, root, reterr);
	if (r == 0) {
		*ret_text = make_text(root, ret_length, reterr);
		r = *ret_text ? 0 : -ENOMEM;
	}
	json_decref(root);
	return r;
}

/* ---- the whole ---- */

static int commit_all(struct commit *commit, const char *manifest, const char *name)
{
	struct verb_context *context = commit->context;
	_cleanup_close_ int hold = collect_hold(&context->storage, &context->err);
	_cleanup_free_ char *text = NULL;
	struct reference reference = {0};
	struct digest digest, id;
	size_t length = 0;
	int r = hold < 0 ? hold : 0;

	if (r == 0 && digest_parse(manifest, &digest) < 0)
		r = err_set(&context->err, -EINVAL, manifest, "is no digest of a manifest");
	if (r == 0 && name)
		r = short_complete(&context->storage, name, &reference, &context->err);
	if (r == 0)
		r = image_load(
			&context->storage, &digest, &context->arena, &commit->image, &context->err);
	if (r == 0)
		r = add_layer(commit, &context->err);
	if (r == 0)
		r = make_config(commit, &text, &length, &context->err);
	if (r < 0)
		return r;
	r = make_image(&context->storage, &context->arena, text, length, commit->layers,
		commit->count, name ? &reference : NULL, &id, &context->err);
	if (r == 0 && printf("%s\n", digest_hex(&id)) < 0)
		r = -EIO;
	return r;
}

int verb_commit(struct verb_context *context, int argc, char **argv)
{
	struct commit *commit = arena_zeroed(&context->arena, 1, sizeof(*commit));
	int r;

	if (!commit)
		return err_no_memory(&context->err);
	commit->context = context;
	{
		const struct option options[] = {{"upper", 0, OPTION_TEXT, &commit->upper},
			{"without", 0, OPTION_TEXTS, &commit->without},
			{"message", 'm', OPTION_TEXT, &commit->message},
			{"author", 'a', OPTION_TEXT, &commit->author},
			{"change", 'c', OPTION_TEXTS, &commit->changes},
			{"quiet", 'q', OPTION_FLAG, &commit->quiet}};

		r = options_take(options, sizeof(options) / sizeof(options[0]), &context->arena,
			&argc, argv, 1, 2, &context->err);
	}
	if (r == 0 && !commit->upper)
		r = err_set(&context->err, -EINVAL, "--upper", "is missing");
	return r < 0 ? r : commit_all(commit, argv[1], argc > 2 ? argv[2] : NULL);
}
