/*
 * The verb load: images out of an archive on standard input, docker-archive or oci-archive (or both
 * at once, as docker writes them now), or out of a directory, which holds what the archive would.
 *
 * load_files.c makes blobs of the files; manifest.json, or else index.json, says which of them are
 * what.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/blob.h"
#include "image/collect.h"
#include "image/image.h"
#include "image/import.h"
#include "image/layer.h"
#include "image/load_files.h"
#include "image/make.h"
#include "image/options.h"
#include "image/unpack.h"
#include "image/verbs.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/overlay.h"

#define NAMES 1024 /* of all images of an archive: as many as save puts there */

/* Blobs that have been decompressed for their diff ids: images share layers. */
struct checked {
	struct digest blob, diff;
	enum compression compression;
};

struct load {
	struct verb_context *context;
	struct load_files files;
	const char *directory; /* NULL: standard input */
	bool quiet;
	struct checked *checked; /* the arena's */
	size_t checked_count;
};

/* ---- what the archive says of them ---- */

static int need_file(struct load *load, const json_t *name, const char *what,
	struct make_layer *ret, struct err *reterr)
{
	const char *clean = load_files_name(&load->files, json_string_value(name));
	const struct make_layer *blob = clean ? load_files_find(&load->files, clean) : NULL;

	if (!blob)
		return err_set(
			reterr, -EBADMSG, "manifest.json", "names %s that is not in it", what);
	*ret = *blob;
	return 0;
}

static int read_document(struct load *load, const char *name, json_t **ret, struct err *reterr)
{
	const struct make_layer *blob = load_files_find(&load->files, name);
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r;

	*ret = NULL;
	if (!blob)
		return 0;
	r = blob_read(&load->context->storage, &blob->blob, MANIFEST_BYTES, &text, &length, reterr);
	if (r < 0)
		return r;
	*ret = json_read(name + 1, text, length, &manifest_limits, reterr);
	return *ret ? 0 : -EBADMSG;
}

static int told(const struct load *load, const struct reference *name, const struct digest *id)
{
	char whole[REFERENCE_ROOM];
	int printed;

	if (load->quiet)
		return 0;
	printed = name ? printf("Loaded image: %s\n", reference_format(name, whole))
		       : printf("Loaded image: %s\n", id->text);
	return printed < 0 ? -EIO : 0;
}

/* is: what the archive says that the image is, by its manifest's digest; NULL: nothing. A
 * stranger's image under another one's digest would be taken for that one. */
static int parse_name(
	const char *text, const struct digest *is, struct reference *ret, struct err *reterr)
{
	int r = reference_parse(text, ret, reterr);

	if (r < 0)
		return r;
	if (ret->digest.text[0] && (!is || !digest_equal(&ret->digest, is)))
		return err_set(reterr, -EBADMSG, text, "is, by its digest, another image's name");
	reference_complete(ret);
	return 0;
}

static int find_diff(struct load *load, const struct descriptor *layer, const struct digest **ret,
	struct err *reterr)
{
	struct verb_context *context = load->context;
	const struct make_layer blob = {
		.blob = layer->digest, .size = layer->size, .compression = layer->compression};
	struct checked *checked;
	struct digest diff;
	uint64_t size;
	int r;

	for (size_t i = 0; i < load->checked_count; i++)
		if (load->checked[i].compression == layer->compression &&
			digest_equal(&load->checked[i].blob, &layer->digest)) {
			*ret = &load->checked[i].diff;
			return 0;
		}
	r = import_diff(&context->storage, &blob, &diff, &size, reterr);
	if (r < 0)
		return r;
	checked = ARENA_APPEND(&context->arena, load->checked, load->checked_count);
	if (!checked)
		return err_no_memory(reterr);
	*checked = (struct checked){
		.blob = layer->digest, .diff = diff, .compression = layer->compression};
	*ret = &checked->diff;
	return 0;
}

/*
 * Unpacking checks a layer against its diff id; one that is unpacked already would go by unseen,
 * and with it whatever else the archive has in its place, to be saved or pushed on.
 */
static int check_present(struct load *load, const struct image *image, struct err *reterr)
{
	const struct digest *diff;
	int r = 0;

	for (size_t i = 0; r == 0 && i < image->manifest.layer_count; i++) {
		const struct descriptor *layer = &image->manifest.layers[i];

		if (!layer_exists(&load->context->storage, layer_way_here(),
			    &image->config.record.chains[i]))
			continue;
		r = find_diff(load, layer, &diff, reterr);
		if (r == 0 && !digest_equal(diff, &image->config.diffs[i]))
			r = err_set(reterr, -EBADMSG, layer->digest.text,
				"is not the layer that the image says it is");
	}
	return r;
}

static int unpack(struct load *load, const struct image *image, struct err *reterr)
{
	int r = check_present(load, image, reterr);

	return r == 0 ? unpack_image(&load->context->storage, image, reterr) : r;
}

/* name NULL: under none. */
static int publish(struct load *load, const struct image *image, const struct reference *name,
	struct err *reterr)
{
	const struct storage *storage = &load->context->storage;
	const struct image_record *record = &image->config.record;
	int r = name ? image_publish(storage, name, record, reterr)
		     : record_write(storage, record, reterr);

	return r == 0 ? told(load, name, &record->id) : r;
}

/* ---- docker-archive ---- */

struct docker_image {
	char *text; /* of the configuration; owned */
	size_t length;
	struct make_layer layers[OVERLAY_LAYERS];
	size_t count;
};

static int read_docker(
	struct load *load, const json_t *entry, struct docker_image *image, struct err *reterr)
{
	const json_t *layers = json_object_get(entry, "Layers"), *item;
	struct make_layer config;
	size_t i;
	int r = need_file(
		load, json_object_get(entry, "Config"), "a configuration", &config, reterr);

	if (r == 0 && (!json_is_array(layers) || json_array_size(layers) > OVERLAY_LAYERS))
		r = err_set(reterr, -EBADMSG, "manifest.json", "has no list of at most %d layers",
			OVERLAY_LAYERS);
	if (r < 0)
		return r;
	json_array_foreach(layers, i, item)
	{
		r = need_file(load, item, "a layer", &image->layers[image->count++], reterr);
		if (r < 0)
			return r;
	}
	return blob_read(&load->context->storage, &config.blob, MANIFEST_BYTES, &image->text,
		&image->length, reterr);
}

/* All of them, before any is given. */
static int check_tags(const json_t *tags, struct err *reterr)
{
	struct reference name;
	const json_t *tag;
	size_t i;
	int r = 0;

	json_array_foreach(tags, i, tag)
	{
		if (r == 0 && !json_is_string(tag))
			r = err_set(reterr, -EBADMSG, "manifest.json", "RepoTags are no texts");
		if (r == 0)
			r = parse_name(json_string_value(tag), NULL, &name, reterr);
	}
	return r;
}

static int publish_tags(
	struct load *load, const struct image *image, const json_t *tags, struct err *reterr)
{
	struct reference name;
	const json_t *tag;
	size_t i;
	int r = json_array_size(tags) ? 0 : publish(load, image, NULL, reterr);

	json_array_foreach(tags, i, tag)
	{
		if (r == 0)
			r = parse_name(json_string_value(tag), NULL, &name, reterr);
		if (r == 0)
			r = publish(load, image, &name, reterr);
	}
	return r;
}

static int load_docker(struct load *load, const json_t *entry, struct err *reterr)
{
	_cleanup_(arena_free) struct arena arena = {0};
	const struct storage *storage = &load->context->storage;
	const json_t *tags = json_object_get(entry, "RepoTags");
	struct docker_image *parts = arena_zeroed(&arena, 1, sizeof(*parts));
	struct image image;
	int r = parts ? read_docker(load, entry, parts, reterr) : err_no_memory(reterr);

	if (r == 0)
		r = check_tags(tags, reterr);
	if (r == 0)
		r = make_documents(storage, &arena, parts->text, parts->length, parts->layers,
			parts->count, &image, reterr);
	if (parts)
		free(parts->text);
	if (r == 0)
		r = unpack(load, &image, reterr);
	return r == 0 ? publish_tags(load, &image, tags, reterr) : r;
}

/* ---- by its manifest: oci-archive, oci-dir, docker-dir ---- */

static const char *oci_name(const json_t *descriptor)
{
	const json_t *annotations = json_object_get(descriptor, "annotations"),
		     *name = json_object_get(annotations, "io.containerd.image.name");

	if (!json_is_string(name))
		name = json_object_get(annotations, "org.opencontainers.image.ref.name");
	return json_string_value(name);
}

/* The manifest that is meant, where the descriptor is of an index. */
static int choose(struct load *load, struct arena *arena, struct digest *digest, struct err *reterr)
{
	const struct descriptor *chosen;
	_cleanup_free_ char *text = NULL;
	struct manifest manifest = {0};
	size_t length = 0;
	int r = blob_read(&load->context->storage, digest, MANIFEST_BYTES, &text, &length, reterr);

	if (r == 0)
		r = manifest_parse(digest->text, text, length, NULL, arena, &manifest, reterr);
	if (r < 0 || manifest.kind == DOCUMENT_MANIFEST)
		return r;
	r = manifest_choose(&manifest, NULL, &chosen, reterr);
	if (r == 0)
		*digest = chosen->digest;
	return r;
}

/* What the archive has under a blob's name, in a layout or in "dir:"; NULL: nothing that is it. */
static const struct make_layer *find_blob(const struct load *load, const struct digest *digest)
{
	const struct make_layer *blob;
	char name[DIGEST_ROOM + 16];

	(void)snprintf(name, sizeof(name), "/blobs/%.*s/%s", (int)digest_algorithm_length(digest),
		digest->text, digest_hex(digest));
	blob = load_files_find(&load->files, name);
	if (!blob) {
		(void)snprintf(name, sizeof(name), "/%s", digest_hex(digest));
		blob = load_files_find(&load->files, name);
	}
	return blob && digest_equal(&blob->blob, digest) ? blob : NULL;
}

/* `podman save --format docker-dir` calls layers gzip that are not compressed at all. */
static bool is_mistyped(const struct load *load, const struct image *image)
{
	for (size_t i = 0; i < image->manifest.layer_count; i++) {
		const struct descriptor *layer = &image->manifest.layers[i];
		const struct make_layer *blob = find_blob(load, &layer->digest);

		if (blob && blob->compression != layer->compression)
			return true;
	}
	return false;
}

/* With a manifest of our own, which says what the layers are; that they are the right ones is told
 * by their diff ids. */
static int make_anew(
	struct load *load, struct arena *arena, struct image *image, struct err *reterr)
{
	const struct storage *storage = &load->context->storage;
	struct make_layer *layers =
		arena_zeroed(arena, image->manifest.layer_count, sizeof(*layers));
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r = layers ? blob_read(storage, &image->manifest.config.digest, MANIFEST_BYTES, &text,
				 &length, reterr)
		       : err_no_memory(reterr);

	for (size_t i = 0; r == 0 && i < image->manifest.layer_count; i++) {
		const struct descriptor *layer = &image->manifest.layers[i];
		const struct make_layer *blob = find_blob(load, &layer->digest);

		if (blob)
			layers[i] = *blob;
		else
			r = err_set(reterr, -EBADMSG, layer->digest.text, "is not in it");
	}
	return r == 0 ? make_documents(storage, arena, text, length, layers,
				image->manifest.layer_count, image, reterr)
		      : r;
}

/* text: the name that it gets, or NULL. */
static int load_manifest(
	struct load *load, struct digest digest, const char *text, struct err *reterr)
{
	_cleanup_(arena_free) struct arena arena = {0};
	struct reference name;
	struct image image;
	int r = text ? parse_name(text, &digest, &name, reterr) : 0;

	if (r == 0)
		r = choose(load, &arena, &digest, reterr);
	if (r == 0)
		r = image_load(&load->context->storage, &digest, &arena, &image, reterr);
	if (r == 0 && is_mistyped(load, &image)) {
		if (text && name.digest.text[0])
			text = NULL; /* which was of the other manifest */
		r = make_anew(load, &arena, &image, reterr);
	}
	if (r == 0)
		r = unpack(load, &image, reterr);
	return r == 0 ? publish(load, &image, text ? &name : NULL, reterr) : r;
}

static int load_oci(struct load *load, const json_t *descriptor, struct err *reterr)
{
	const char *text = json_string_value(json_object_get(descriptor, "digest"));
	struct digest digest;

	if (!text || digest_parse(text, &digest) < 0)
		return err_set(reterr, -EBADMSG, "index.json", "has a descriptor without a digest");
	return load_manifest(load, digest, oci_name(descriptor), reterr);
}

/* ---- the verb ---- */

static int load_list(struct load *load, const json_t *list, const char *name,
	int (*one)(struct load *load, const json_t *entry, struct err *reterr), struct err *reterr)
{
	const json_t *entry;
	size_t i, names = 0;
	int r = 0;

	if (!json_is_array(list))
		return err_set(reterr, -EBADMSG, name, "has no list of images");
	json_array_foreach(list, i, entry)
	{
		size_t tags = json_array_size(json_object_get(entry, "RepoTags"));

		names += tags ? tags : 1;
	}
	if (names > NAMES)
		return err_set(
			reterr, -EFBIG, name, "has more than %d images or names of them", NAMES);
	json_array_foreach(list, i, entry)
	{
		if (r == 0)
			r = one(load, entry, reterr);
	}
	return r;
}

static int load_all(struct load *load, struct err *reterr)
{
	static const char docker[] = "/manifest.json", oci[] = "/index.json";
	json_t *document = NULL;
	int r = load->directory ? load_files_of_directory(&load->files, load->directory, reterr)
				: load_files_of_archive(&load->files, STDIN_FILENO, reterr);

	if (r == 0)
		r = read_document(load, docker, &document, reterr);
	if (r == 0 && json_is_object(document)) /* "dir:": it is the image's own */
		r = load_manifest(load, load_files_find(&load->files, docker)->blob, NULL, reterr);
	else if (r == 0 && document)
		r = load_list(load, document, docker + 1, load_docker, reterr);
	if (r < 0 || document) {
		json_decref(document);
		return r;
	}
	r = read_document(load, oci, &document, reterr);
	if (r == 0 && !document)
		r = err_set(reterr, -EBADMSG, load->directory ? "--input" : "standard input",
			"holds no images: there is neither manifest.json nor index.json in it");
	if (r == 0)
		r = load_list(
			load, json_object_get(document, "manifests"), oci + 1, load_oci, reterr);
	json_decref(document);
	return r;
}

int verb_load(struct verb_context *context, int argc, char **argv)
{
	struct load load = {.context = context,
		.files = {.storage = &context->storage, .arena = &context->arena}};
	const struct option options[] = {{"quiet", 'q', OPTION_FLAG, &load.quiet},
		{"directory", 0, OPTION_TEXT, &load.directory}};
	_cleanup_close_ int hold = -1;
	int r = options_take(options, sizeof(options) / sizeof(options[0]), &context->arena, &argc,
		argv, 0, 0, &context->err);

	if (r < 0)
		return r;
	hold = collect_hold(&context->storage, &context->err);
	return hold < 0 ? hold : load_all(&load, &context->err);
}
