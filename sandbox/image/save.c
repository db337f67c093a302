/*
 * The verb save: images as one archive on standard output, as docker load, podman load and skopeo
 * read it: docker-archive (moby image/spec, "Combined Image JSON + Filesystem Changeset Format") or
 * oci-archive (image-spec image-layout.md in a tar).
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "image/blob.h"
#include "image/catalog.h"
#include "image/import.h"
#include "image/make.h"
#include "image/options.h"
#include "image/stream.h"
#include "image/verbs.h"
#include "util/cleanup.h"
#include "util/file.h"

struct save {
	struct verb_context *context;
	struct archive *archive;
	struct archive_entry *entry;
	bool broken; /* nothing more is written: not even an end, which would look whole */
	struct digest *written; /* layers and documents that are in it already; the arena's */
	size_t written_count;
};

/* ---- the archive ---- */

static int archive_fault(struct save *save, struct err *reterr)
{
	return err_set(reterr, -EIO, "standard output", "cannot write the archive: %s",
		archive_error_string(save->archive));
}

static la_ssize_t put_bytes(struct archive *archive, void *context, const void *data, size_t length)
{
	struct save *save = context;
	int r = save->broken ? 0 : file_write_all(STDOUT_FILENO, data, length);

	if (r < 0)
		archive_set_error(archive, -r, "%s", strerror(-r));
	return r < 0 ? -1 : (la_ssize_t)length;
}

static int open_archive(struct save *save, struct err *reterr)
{
	save->archive = archive_write_new();
	save->entry = archive_entry_new();
	if (!save->archive || !save->entry)
		return err_no_memory(reterr);
	if (archive_write_set_format_ustar(save->archive) != ARCHIVE_OK ||
		archive_write_set_bytes_in_last_block(save->archive, 512) != ARCHIVE_OK ||
		archive_write_open(save->archive, save, NULL, put_bytes, NULL) != ARCHIVE_OK)
		return archive_fault(save, reterr);
	return 0;
}

static int begin_file(struct save *save, const char *name, uint64_t size, struct err *reterr)
{
	archive_entry_clear(save->entry);
	archive_entry_set_pathname(save->entry, name);
	archive_entry_set_mode(save->entry, S_IFREG | 0644);
	archive_entry_set_size(save->entry, (la_int64_t)size);
	archive_entry_set_mtime(save->entry, 0, 0);
	return archive_write_header(save->archive, save->entry) == ARCHIVE_OK
		       ? 0
		       : archive_fault(save, reterr);
}

static int put_data(struct save *save, const void *data, size_t length, struct err *reterr)
{
	return archive_write_data(save->archive, data, length) == (la_ssize_t)length
		       ? 0
		       : archive_fault(save, reterr);
}

static int put_text(
	struct save *save, const char *name, const char *text, size_t length, struct err *reterr)
{
	int r = begin_file(save, name, length, reterr);

	return r < 0 ? r : put_data(save, text, length, reterr);
}

static int put_json(struct save *save, const char *name, const json_t *document, struct err *reterr)
{
	size_t length = 0;
	_cleanup_free_ char *text = make_text(document, &length, reterr);

	return text ? put_text(save, name, text, length, reterr) : -ENOMEM;
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

/* ---- oci-archive ---- */

/* Named, since containers/image cannot make them itself for a user who may not chown. */
static int put_directories(struct save *save, struct err *reterr)
{
	static const char *const names[] = {"blobs/", "blobs/sha256/"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		archive_entry_clear(save->entry);
		archive_entry_set_pathname(save->entry, names[i]);
		archive_entry_set_mode(save->entry, S_IFDIR | 0755);
		archive_entry_set_mtime(save->entry, 0, 0);
		if (archive_write_header(save->archive, save->entry) != ARCHIVE_OK)
			return archive_fault(save, reterr);
	}
	return 0;
}

static int put_blob(struct save *save, const struct digest *digest, struct err *reterr)
{
	char name[DIGEST_ROOM + 16], buffer[64 * 1024];
	uint64_t size, left;
	_cleanup_close_ int fd = -1;
	int r = first_time(save, digest, reterr);

	if (r <= 0)
		return r;
	fd = blob_open(&save->context->storage, digest, &size, reterr);
	if (fd < 0)
		return fd;
	(void)snprintf(name, sizeof(name), "blobs/%.*s/%s", (int)digest_algorithm_length(digest),
		digest->text, digest_hex(digest));
	r = begin_file(save, name, size, reterr);
	for (left = size; r == 0 && left > 0;) {
		ssize_t got = read(fd, buffer, sizeof(buffer));

		if (got <= 0 || (uint64_t)got > left)
			return err_set(reterr, -EIO, digest->text, "cannot be read");
		r = put_data(save, buffer, (size_t)got, reterr);
		left -= (uint64_t)got;
	}
	return r;
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
	for (size_t i = 0; r == 0 && i < image->manifest.layer_count; i++)
		r = put_blob(save, &image->manifest.layers[i].digest, reterr);
	if (r == 0)
		r = put_blob(save, &image->manifest.config.digest, reterr);
	return r == 0 ? put_blob(save, &found->manifest, reterr) : r;
}

static int finish_oci(struct save *save, json_t *list, struct err *reterr)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	json_t *index = json_pack("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType",
		"application/vnd.oci.image.index.v1+json", "manifests", list);
	int r = index ? put_text(save, "oci-layout", layout, strlen(layout), reterr)
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
		r = begin_file(save, name, size, reterr);
	if (r < 0)
		return r;
	fd = blob_open(&save->context->storage, &layer->digest, &stored, reterr);
	r = fd < 0 ? fd
		   : stream_start(fd, layer->compression, &layer_limits_default, &stream, reterr);
	if (r < 0)
		return r;
	while (r == 0 && (length = stream_read(stream, &block)) > 0)
		r = put_data(save, block, length, reterr);
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
		r = put_text(save, config_name, text, length, reterr);
	if (r == 0 && json_array_append(list, document))
		r = err_no_memory(reterr);
	json_decref(document);
	return r;
}

/* ---- the verb ---- */

typedef int save_one(struct save *save, const struct catalog_image *found, const char *name,
	json_t *list, struct err *reterr);

static int save_named(struct save *save, save_one *one, const struct catalog *catalog,
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
	return one(save, found, name ? reference_format(name, whole) : NULL, list, reterr);
}

static int save_all(struct save *save, bool oci, int argc, char **argv, struct err *reterr)
{
	struct verb_context *context = save->context;
	struct catalog catalog;
	json_t *list = json_array();
	int r = list ? catalog_read(&context->storage, &context->arena, &catalog, reterr)
		     : err_no_memory(reterr);

	if (r == 0)
		r = open_archive(save, reterr);
	if (r == 0 && oci)
		r = put_directories(save, reterr);
	for (int i = 1; r == 0 && i < argc; i++)
		r = save_named(save, oci ? save_oci : save_docker, &catalog, argv[i], list, reterr);
	if (r == 0)
		r = oci ? finish_oci(save, list, reterr)
			: put_json(save, "manifest.json", list, reterr);
	json_decref(list);
	if (r == 0 && archive_write_close(save->archive) != ARCHIVE_OK)
		r = archive_fault(save, reterr);
	save->broken = r < 0; /* freeing closes it */
	(void)archive_write_free(save->archive);
	archive_entry_free(save->entry);
	return r;
}

int verb_save(struct verb_context *context, int argc, char **argv)
{
	struct save save = {.context = context};
	const char *format = "docker-archive";
	bool multi = false, quiet = false;
	const struct option options[] = {{"format", 0, OPTION_TEXT, &format},
		{"multi-image-archive", 'm', OPTION_FLAG, &multi},
		{"quiet", 'q', OPTION_FLAG, &quiet}};
	bool oci;
	int r = options_take(options, sizeof(options) / sizeof(options[0]), &context->arena, &argc,
		argv, 1, 1024, &context->err);

	if (r < 0)
		return r;
	oci = strcmp(format, "oci-archive") == 0;
	if (!oci && strcmp(format, "docker-archive") != 0)
		return err_set(&context->err, -EINVAL, "--format",
			"one of docker-archive and oci-archive");
	return save_all(&save, oci, argc, argv, &context->err);
}
