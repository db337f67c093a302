/*
 * The verb save: images as docker load, podman load and skopeo read them. docker-archive is of moby
 * (image/spec, "Combined Image JSON + Filesystem Changeset Format"); oci-archive and oci-dir are of
 * image-spec, image-layout.md, in a tar or not; docker-dir is skopeo's "dir:"
 * (containers-transports (5)), one image in a directory, its blobs beside its manifest.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/blob.h"
#include "image/catalog.h"
#include "image/import.h"
#include "image/make.h"
#include "image/options.h"
#include "image/save_output.h"
#include "image/stream.h"
#include "image/verbs.h"
#include "util/cleanup.h"
#include "util/text.h"

struct save {
	struct verb_context *context;
	struct save_output output;
	struct digest *written; /* layers and documents that are in it already; the arena's */
	size_t written_count;
	bool flat;   /* blobs by their digits alone, not in blobs/ALGORITHM/ */
	bool sha512; /* blobs/sha512/ is there */
};

static int put_json(struct save *save, const char *name, const json_t *document, struct err *reterr)
{
	size_t length = 0;
	_cleanup_free_ char *text = make_text(document, &length, reterr);

	return text ? save_output_text(&save->output, name, text, length, reterr) : -ENOMEM;
}

/* 1 where digest is to be written, 0 where it has been. */
static int first_time(struct save *save, const struct digest *digest, struct err *reterr)
{
	struct digest *added;

	for (size_t i = 0; i < save->written_count; i++)
		if (digest_equal(&save->written[i], digest))
			return 0;
	added = ARENA_APPEND(&save->context->arena, save->written, save->written_count);
	if (!added)
		return err_no_memory(reterr);
	*added = *digest;
	return 1;
}

/* Where a blob lies. Directories are named, since containers/image cannot make them itself for a
 * user who may not chown. */
static int name_blob(
	struct save *save, const struct digest *digest, char *name, size_t size, struct err *reterr)
{
	int algorithm = (int)digest_algorithm_length(digest);

	if (save->flat)
		(void)snprintf(name, size, "%s", digest_hex(digest));
	else
		(void)snprintf(
			name, size, "blobs/%.*s/%s", algorithm, digest->text, digest_hex(digest));
	if (save->flat || save->sha512 || !text_starts_with(digest->text, "sha512:"))
		return 0;
	save->sha512 = true;
	return save_output_make_directory(&save->output, "blobs/sha512/", reterr);
}

/* A blob as it is, unless it is there already. */
static int put_blob(struct save *save, const struct digest *digest, struct err *reterr)
{
	char name[DIGEST_ROOM + 16], buffer[64 * 1024];
	uint64_t size, left;
	_cleanup_close_ int fd = -1;
	int r = first_time(save, digest, reterr);

	if (r <= 0)
		return r;
	r = name_blob(save, digest, name, sizeof(name), reterr);
	if (r < 0)
		return r;
	fd = blob_open(&save->context->storage, digest, &size, reterr);
	if (fd < 0)
		return fd;
	r = save_output_begin(&save->output, name, size, reterr);
	for (left = size; r == 0 && left > 0;) {
		ssize_t got = read(fd, buffer, sizeof(buffer));

		if (got <= 0 || (uint64_t)got > left)
			return err_set(reterr, -EIO, digest->text, "cannot be read");
		r = save_output_put(&save->output, buffer, (size_t)got, reterr);
		left -= (uint64_t)got;
	}
	return r;
}

/* Layers and configuration. */
static int put_content(struct save *save, const struct image *image, struct err *reterr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < image->manifest.layer_count; i++)
		r = put_blob(save, &image->manifest.layers[i].digest, reterr);
	return r == 0 ? put_blob(save, &image->manifest.config.digest, reterr) : r;
}

/* ---- oci-archive, oci-dir ---- */

static int begin_oci(struct save *save, struct err *reterr)
{
	int r = save_output_make_directory(&save->output, "blobs/", reterr);

	return r == 0 ? save_output_make_directory(&save->output, "blobs/sha256/", reterr) : r;
}

static int save_oci(struct save *save, const struct catalog_image *found, const char *name,
	json_t *list, struct err *reterr)
{
	const struct image *image = &found->image;
	json_t *descriptor = json_pack("{s:s, s:s, s:I}", "mediaType", image->manifest.media_type,
		"digest", found->manifest.text, "size", (json_int_t)image->manifest_size);
	int r = descriptor ? 0 : err_no_memory(reterr);

	if (r == 0 && name &&
		json_object_set_new(descriptor, "annotations",
			json_pack("{s:s}", "org.opencontainers.image.ref.name", name)))
		r = err_no_memory(reterr);
	if (r == 0 && json_array_append(list, descriptor))
		r = err_no_memory(reterr);
	json_decref(descriptor);
	if (r == 0)
		r = put_content(save, image, reterr);
	return r == 0 ? put_blob(save, &found->manifest, reterr) : r;
}

static int finish_oci(struct save *save, json_t *list, struct err *reterr)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	json_t *index = json_pack("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType",
		"application/vnd.oci.image.index.v1+json", "manifests", list);
	int r = index ? save_output_text(
				&save->output, "oci-layout", layout, strlen(layout), reterr)
		      : err_no_memory(reterr);

	if (r == 0)
		r = put_json(save, "index.json", index, reterr);
	json_decref(index);
	return r;
}

/* ---- docker-archive ---- */

/* Decompressed, as docker has them: once through to know the size, once to write it. */
static int put_layer(struct save *save, const struct descriptor *layer, const struct digest *diff,
	const char *name, struct err *reterr)
{
	const struct make_layer source = {
		.blob = layer->digest, .size = layer->size, .compression = layer->compression};
	struct stream_result result;
	struct stream *stream;
	struct digest is;
	uint64_t size, stored;
	const void *block;
	size_t length;
	_cleanup_close_ int fd = -1;
	int r = import_diff(&save->context->storage, &source, &is, &size, reterr);

	if (r == 0 && !digest_equal(&is, diff))
		r = err_set(reterr, -EBADMSG, layer->digest.text,
			"is not the layer that the image says it is");
	if (r == 0)
		r = save_output_begin(&save->output, name, size, reterr);
	if (r < 0)
		return r;
	fd = blob_open(&save->context->storage, &layer->digest, &stored, reterr);
	r = fd < 0 ? fd
		   : stream_start(fd, layer->compression, &layer_limits_default, &stream, reterr);
	if (r < 0)
		return r;
	while (r == 0 && (length = stream_read(stream, &block)) > 0)
		r = save_output_put(&save->output, block, length, reterr);
	if (r == 0)
		r = stream_finish(stream, &result, reterr);
	stream_free(stream);
	return r;
}

static int put_layers(
	struct save *save, const struct image *image, json_t *names, struct err *reterr)
{
	char name[DIGEST_ROOM + 8];
	int r = 0;

	for (size_t i = 0; r >= 0 && i < image->manifest.layer_count; i++) {
		const struct digest *diff = &image->config.diffs[i];

		(void)snprintf(name, sizeof(name), "%s.tar", digest_hex(diff));
		if (json_array_append_new(names, json_string(name)))
			return err_no_memory(reterr);
		r = first_time(save, diff, reterr);
		if (r > 0)
			r = put_layer(save, &image->manifest.layers[i], diff, name, reterr);
	}
	return r < 0 ? r : 0;
}

static int save_docker(struct save *save, const struct catalog_image *found, const char *name,
	json_t *list, struct err *reterr)
{
	const struct digest *config = &found->image.manifest.config.digest;
	_cleanup_free_ char *text = NULL;
	char config_name[DIGEST_ROOM + 8];
	json_t *layers = json_array(), *tags = json_array(), *document;
	size_t length = 0;
	int r;

	(void)snprintf(config_name, sizeof(config_name), "%s.json", digest_hex(config));
	document = json_pack(
		"{s:s, s:o, s:o}", "Config", config_name, "RepoTags", tags, "Layers", layers);
	r = document ? put_layers(save, &found->image, layers, reterr) : err_no_memory(reterr);
	if (r == 0 && name && json_array_append_new(tags, json_string(name)))
		r = err_no_memory(reterr);
	if (r == 0)
		r = blob_read(
			&save->context->storage, config, MANIFEST_BYTES, &text, &length, reterr);
	if (r == 0)
		r = first_time(save, config, reterr);
	if (r > 0)
		r = save_output_text(&save->output, config_name, text, length, reterr);
	if (r == 0 && json_array_append(list, document))
		r = err_no_memory(reterr);
	json_decref(document);
	return r;
}

static int finish_docker(struct save *save, json_t *list, struct err *reterr)
{
	return put_json(save, "manifest.json", list, reterr);
}

/* ---- docker-dir ---- */

static int begin_flat(struct save *save, struct err *reterr)
{
	static const char version[] = "Directory Transport Version: 1.1\n";

	save->flat = true;
	return save_output_text(&save->output, "version", version, strlen(version), reterr);
}

/* The manifest last: without it there is no image in the directory. */
static int save_flat(struct save *save, const struct catalog_image *found, const char *name,
	json_t *list, struct err *reterr)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r = blob_read(
		&save->context->storage, &found->manifest, MANIFEST_BYTES, &text, &length, reterr);

	(void)name; /* there is no place for it */
	(void)list;
	if (r == 0)
		r = put_content(save, &found->image, reterr);
	return r == 0 ? save_output_text(&save->output, "manifest.json", text, length, reterr) : r;
}

/* ---- the verb ---- */

static const struct form {
	const char *name;
	bool directory; /* it makes one; else an archive */
	int most;       /* images in it */
	int (*begin)(struct save *save, struct err *reterr);
	int (*one)(struct save *save, const struct catalog_image *found, const char *name,
		json_t *list, struct err *reterr);
	int (*finish)(struct save *save, json_t *list, struct err *reterr);
} forms[] = {
	{"docker-archive", false, 1024, NULL, save_docker, finish_docker},
	{"oci-archive", false, 1024, begin_oci, save_oci, finish_oci},
	{"oci-dir", true, 1024, begin_oci, save_oci, finish_oci},
	{"docker-dir", true, 1, begin_flat, save_flat, NULL},
};

static int save_named(struct save *save, const struct form *form, const struct catalog *catalog,
	const char *text, json_t *list, struct err *reterr)
{
	const struct reference *name = NULL;
	struct catalog_image *found;
	char whole[REFERENCE_ROOM];
	int r = catalog_find(catalog, text, &found, &name, reterr);

	if (r < 0)
		return r;
	if (found->fault)
		return err_set(reterr, found->fault, text, "%s", found->err.message);
	if (name && !name->tag[0])
		name = NULL; /* a digest is no tag to give it */
	return form->one(save, found, name ? reference_format(name, whole) : NULL, list, reterr);
}

static int save_all(struct save *save, const struct form *form, const char *directory, int argc,
	char **argv, struct err *reterr)
{
	struct verb_context *context = save->context;
	struct catalog catalog;
	json_t *list = json_array();
	int closed, r = list ? catalog_read(&context->storage, &context->arena, &catalog, reterr)
			     : err_no_memory(reterr);

	if (r == 0)
		r = save_output_open(directory, &save->output, reterr);
	if (r == 0 && form->begin)
		r = form->begin(save, reterr);
	for (int i = 1; r == 0 && i < argc; i++)
		r = save_named(save, form, &catalog, argv[i], list, reterr);
	if (r == 0 && form->finish)
		r = form->finish(save, list, reterr);
	json_decref(list);
	closed = save_output_close(&save->output, r == 0, reterr);
	return r < 0 ? r : closed;
}

static int find_form(const char *name, const char *directory, int images, const struct form **ret,
	struct err *reterr)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strcmp(name, forms[i].name) != 0)
			continue;
		if (forms[i].directory != (directory != NULL))
			return err_set(reterr, -EINVAL, "--output",
				forms[i].directory ? "%s needs the name of a directory"
						   : "%s is written to a file, not a directory",
				name);
		if (images > forms[i].most)
			return err_set(reterr, -EINVAL, "--format", "%s holds one image", name);
		*ret = &forms[i];
		return 0;
	}
	return err_set(reterr, -EINVAL, "--format",
		"expected docker-archive, oci-archive, oci-dir or docker-dir");
}

int verb_save(struct verb_context *context, int argc, char **argv)
{
	struct save save = {.context = context, .output = {.directory = -1, .file = -1}};
	const char *name = "docker-archive", *directory = NULL;
	const struct form *form;
	bool multi = false, quiet = false;
	const struct option options[] = {{"format", 0, OPTION_TEXT, &name},
		{"directory", 0, OPTION_TEXT, &directory},
		{"multi-image-archive", 'm', OPTION_FLAG, &multi},
		{"quiet", 'q', OPTION_FLAG, &quiet}};
	int r = options_take(options, sizeof(options) / sizeof(options[0]), &context->arena, &argc,
		argv, 1, 1024, &context->err);

	if (r == 0)
		r = find_form(name, directory, argc - 1, &form, &context->err);
	(void)umask(022); /* for others to read, as an archive is by their own umask */
	return r == 0 ? save_all(&save, form, directory, argc, argv, &context->err) : r;
}
