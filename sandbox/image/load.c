/*
 * The verb load: images out of an archive on standard input, docker-archive or oci-archive (or both
 * at once, as docker writes them now).
 *
 * No file is made under a name that the archive gives. Every regular file of it becomes a blob, by
 * what is in it, and the names stay in a table in memory; so there is no path for "../" or a link
 * to lead along (CVE-2014-9357, CVE-2025-11395, T-TAR-39). Then manifest.json, or else index.json,
 * says which of them are what.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/blob.h"
#include "image/collect.h"
#include "image/image.h"
#include "image/import.h"
#include "image/layer.h"
#include "image/make.h"
#include "image/options.h"
#include "image/stream.h"
#include "image/unpack.h"
#include "image/verbs.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/overlay.h"
#include "util/path.h"

#define FILES 100000
#define LINKS 8 /* of links to links */
#define ARCHIVE_BYTES (UINT64_C(256) << 30)

/* One file of the archive. */
struct file {
	const char *name;   /* canonical: "/blobs/sha256/…" */
	const char *target; /* of a link; NULL: a file */
	struct make_layer blob;
};

struct load {
	struct verb_context *context;
	struct stream *stream;
	struct archive *archive;
	struct file *files; /* the arena's; as they came */
	size_t count;
	bool quiet;
	size_t images;
};

/* ---- the archive into blobs ---- */

static la_ssize_t read_block(struct archive *archive, void *context, const void **ret)
{
	struct load *load = context;

	(void)archive;
	return (la_ssize_t)stream_read(load->stream, ret);
}

static int archive_fault(struct load *load, struct err *reterr)
{
	stream_error(load->stream, reterr);
	return err_set(reterr, -EBADMSG, "standard input", "the archive cannot be read: %s",
		archive_error_string(load->archive));
}

/* A name as the table has it; NULL for one that cannot be any. */
static const char *clean_name(struct load *load, const char *name)
{
	char whole[PATH_MAX + 1];

	if (!name || strlen(name) + 1 >= sizeof(whole))
		return NULL;
	(void)snprintf(whole, sizeof(whole), "/%s", name);
	return path_canonical(&load->context->arena, whole);
}

static int store_file(struct load *load, struct make_layer *ret, struct err *reterr)
{
	struct make_layer layer = {.compression = COMPRESSION_NONE};
	struct blob_writer blob = {.fd = -1};
	const void *data;
	uint64_t offset;
	size_t length;
	int64_t at;
	int r = blob_begin(&load->context->storage, NULL, UINT64_MAX, &blob, &offset, reterr);

	while (r == 0) {
		int read = archive_read_data_block(load->archive, &data, &length, &at);

		if (read == ARCHIVE_EOF)
			break;
		if (read != ARCHIVE_OK || at != (int64_t)blob.written)
			r = archive_fault(load, reterr); /* with holes: no such file has any */
		else if (blob.written + length > LAYER_BYTES)
			r = err_set(reterr, -EFBIG, NULL, "a file in it is over %llu bytes",
				(unsigned long long)LAYER_BYTES);
		if (r == 0 && blob.written == 0)
			layer.compression = stream_guess(data, length);
		if (r == 0)
			r = blob_append(&blob, data, length, reterr);
	}
	layer.size = blob.written;
	if (r < 0) {
		blob_abandon(&blob, false);
		return r;
	}
	r = blob_finish(&blob, &layer.blob, reterr);
	if (r == 0)
		*ret = layer;
	return r;
}

/* Where a link leads, by names alone: there is no file system in this. */
static const char *link_target(struct load *load, const char *name, const char *target)
{
	char whole[2 * PATH_MAX], *end;
	const char *slash = strrchr(name, '/');

	if (!target || strlen(target) >= PATH_MAX)
		return NULL;
	(void)snprintf(whole, sizeof(whole), "%.*s", (int)(slash - name), name);
	while (strncmp(target, "../", 3) == 0) { /* docker's way to share a layer of two images */
		target += 3;
		end = strrchr(whole, '/');
		if (!end)
			return NULL;
		*end = '\0';
	}
	end = whole + strlen(whole);
	(void)snprintf(end, sizeof(whole) - (size_t)(end - whole), "/%s", target);
	return path_canonical(&load->context->arena, whole);
}

static int read_entry(struct load *load, struct archive_entry *entry, struct err *reterr)
{
	const char *name = clean_name(load, archive_entry_pathname(entry)),
		   *hard = archive_entry_hardlink(entry);
	mode_t type = archive_entry_filetype(entry);
	struct file *file;

	if (type == AE_IFDIR && !hard)
		return 0;
	if (!name)
		return err_set(reterr, -EBADMSG, archive_entry_pathname(entry),
			"is no name for a file of an image archive");
	if (!hard && type != AE_IFREG && type != AE_IFLNK)
		return err_set(reterr, -EBADMSG, name, "is neither a file nor a link");
	if (load->count >= FILES)
		return err_set(reterr, -EFBIG, NULL, "more than %d files", FILES);
	file = ARENA_APPEND(&load->context->arena, load->files, load->count);
	if (!file)
		return err_no_memory(reterr);
	file->name = name;
	if (!hard && type == AE_IFREG)
		return store_file(load, &file->blob, reterr);
	file->target = hard ? clean_name(load, hard)
			    : link_target(load, name, archive_entry_symlink(entry));
	return file->target ? 0 : err_set(reterr, -EBADMSG, name, "is a link out of the archive");
}

static int read_entries(struct load *load, struct err *reterr)
{
	struct archive_entry *entry;
	int r;

	load->archive = archive_read_new();
	if (!load->archive || archive_read_support_format_tar(load->archive) != ARCHIVE_OK)
		return err_no_memory(reterr);
	if (archive_read_open(load->archive, load, NULL, read_block, NULL) != ARCHIVE_OK)
		return archive_fault(load, reterr);
	while ((r = archive_read_next_header(load->archive, &entry)) == ARCHIVE_OK) {
		r = read_entry(load, entry, reterr);
		if (r < 0)
			return r;
	}
	return r == ARCHIVE_EOF ? 0 : archive_fault(load, reterr);
}

static int read_archive(struct load *load, struct err *reterr)
{
	struct layer_limits wide = layer_limits_default;
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), before;
	struct stream_result ignored;
	int r;

	if (!utf8)
		return err_no_memory(reterr);
	before = uselocale(utf8);
	wide.bytes = ARCHIVE_BYTES;
	r = stream_start_guessing(STDIN_FILENO, &wide, &load->stream, reterr);
	if (r == 0)
		r = read_entries(load, reterr);
	if (r == 0)
		r = stream_finish(load->stream, &ignored, reterr);
	(void)archive_read_free(load->archive);
	stream_free(load->stream);
	(void)uselocale(before);
	freelocale(utf8);
	return r;
}

/* ---- what the archive says of them ---- */

/* The blob that a name of the archive stands for; what came last under it counts. */
static const struct make_layer *find_file(const struct load *load, const char *name)
{
	for (unsigned links = 0; name && links <= LINKS; links++) {
		const struct file *found = NULL;

		for (size_t i = load->count; i-- > 0 && !found;)
			if (strcmp(load->files[i].name, name) == 0)
				found = &load->files[i];
		if (!found || !found->target)
			return found ? &found->blob : NULL;
		name = found->target;
	}
	return NULL;
}

static int need_file(struct load *load, const json_t *name, const char *what,
	struct make_layer *ret, struct err *reterr)
{
	const char *clean = clean_name(load, json_string_value(name));
	const struct make_layer *blob = clean ? find_file(load, clean) : NULL;

	if (!blob)
		return err_set(
			reterr, -EBADMSG, "manifest.json", "names %s that is not in it", what);
	*ret = *blob;
	return 0;
}

static int read_document(struct load *load, const char *name, json_t **ret, struct err *reterr)
{
	const struct make_layer *blob = find_file(load, name);
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

static int told(struct load *load, const struct reference *name, const struct digest *id)
{
	char whole[REFERENCE_ROOM];
	int printed;

	load->images++;
	if (load->quiet)
		return 0;
	printed = name ? printf("Loaded image: %s\n", reference_format(name, whole))
		       : printf("Loaded image: %s\n", id->text);
	return printed < 0 ? -EIO : 0;
}

static int parse_name(const char *text, struct reference *ret, struct err *reterr)
{
	int r = reference_parse(text, ret, reterr);

	if (r == 0)
		reference_complete(ret);
	return r;
}

/*
 * Unpacking checks a layer against its diff id; one that is unpacked already would go by unseen,
 * and with it whatever else the archive has in its place, to be saved or pushed on.
 */
static int check_present(struct load *load, const struct image *image, struct err *reterr)
{
	const struct storage *storage = &load->context->storage;
	struct digest diff;
	uint64_t size;
	int r = 0;

	for (size_t i = 0; r == 0 && i < image->manifest.layer_count; i++) {
		const struct descriptor *layer = &image->manifest.layers[i];
		const struct make_layer blob = {.blob = layer->digest,
			.size = layer->size,
			.compression = layer->compression};

		if (!layer_exists(storage, layer_way_here(), &image->config.record.chains[i]))
			continue;
		r = import_diff(storage, &blob, &diff, &size, reterr);
		if (r == 0 && !digest_equal(&diff, &image->config.diffs[i]))
			r = err_set(reterr, -EBADMSG, layer->digest.text,
				"is not the layer that the image says it is");
	}
	return r;
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

static int make_docker(
	struct load *load, const struct docker_image *image, const char *tag, struct err *reterr)
{
	struct verb_context *context = load->context;
	struct reference name;
	struct image made;
	struct digest id;
	int r = tag ? parse_name(tag, &name, reterr) : 0;

	if (r == 0)
		r = make_documents(&context->storage, &context->arena, image->text, image->length,
			image->layers, image->count, &made, reterr);
	if (r == 0)
		r = check_present(load, &made, reterr);
	if (r == 0)
		r = make_image(&context->storage, &context->arena, image->text, image->length,
			image->layers, image->count, tag ? &name : NULL, &id, reterr);
	return r == 0 ? told(load, tag ? &name : NULL, &id) : r;
}

static int load_docker(struct load *load, const json_t *entry, struct err *reterr)
{
	const json_t *tags = json_object_get(entry, "RepoTags"), *tag;
	struct docker_image *image = arena_zeroed(&load->context->arena, 1, sizeof(*image));
	size_t i;
	int r = image ? read_docker(load, entry, image, reterr) : err_no_memory(reterr);

	if (r == 0 && json_array_size(tags) == 0)
		r = make_docker(load, image, NULL, reterr);
	json_array_foreach(tags, i, tag)
	{
		if (r == 0 && !json_is_string(tag))
			r = err_set(reterr, -EBADMSG, "manifest.json", "RepoTags are no texts");
		if (r == 0)
			r = make_docker(load, image, json_string_value(tag), reterr);
	}
	if (image)
		free(image->text);
	return r;
}

/* ---- oci-archive ---- */

static const char *oci_name(const json_t *descriptor)
{
	const json_t *annotations = json_object_get(descriptor, "annotations"),
		     *name = json_object_get(annotations, "io.containerd.image.name");

	if (!json_is_string(name))
		name = json_object_get(annotations, "org.opencontainers.image.ref.name");
	return json_string_value(name);
}

/* The manifest that is meant, where the descriptor is of an index. */
static int choose(struct load *load, struct digest *digest, struct err *reterr)
{
	struct verb_context *context = load->context;
	const struct descriptor *chosen;
	_cleanup_free_ char *text = NULL;
	struct manifest manifest = {0};
	size_t length = 0;
	int r = blob_read(&context->storage, digest, MANIFEST_BYTES, &text, &length, reterr);

	if (r == 0)
		r = manifest_parse(
			digest->text, text, length, NULL, &context->arena, &manifest, reterr);
	if (r < 0 || manifest.kind == DOCUMENT_MANIFEST)
		return r;
	r = manifest_choose(&manifest, NULL, &chosen, reterr);
	if (r == 0)
		*digest = chosen->digest;
	return r;
}

static int load_oci(struct load *load, const json_t *descriptor, struct err *reterr)
{
	struct verb_context *context = load->context;
	const char *digest_text = json_string_value(json_object_get(descriptor, "digest")),
		   *text = oci_name(descriptor);
	struct reference name;
	struct digest digest;
	struct image image;
	int r;

	if (!digest_text || digest_parse(digest_text, &digest) < 0)
		return err_set(reterr, -EBADMSG, "index.json", "has a descriptor without a digest");
	r = text ? parse_name(text, &name, reterr) : 0;
	if (r == 0)
		r = choose(load, &digest, reterr);
	if (r == 0)
		r = image_load(&context->storage, &digest, &context->arena, &image, reterr);
	if (r == 0)
		r = check_present(load, &image, reterr);
	if (r == 0)
		r = unpack_image(&context->storage, &image, reterr);
	if (r == 0)
		r = text ? image_publish(&context->storage, &name, &image.config.record, reterr)
			 : record_write(&context->storage, &image.config.record, reterr);
	return r == 0 ? told(load, text ? &name : NULL, &image.config.record.id) : r;
}

/* ---- the verb ---- */

static int load_list(struct load *load, const json_t *list, const char *name,
	int (*one)(struct load *load, const json_t *entry, struct err *reterr), struct err *reterr)
{
	const json_t *entry;
	size_t i;
	int r = 0;

	if (!json_is_array(list))
		return err_set(reterr, -EBADMSG, name, "has no list of images");
	json_array_foreach(list, i, entry)
	{
		if (r == 0)
			r = one(load, entry, reterr);
	}
	return r;
}

static int load_all(struct load *load, struct err *reterr)
{
	json_t *document = NULL;
	int r = read_archive(load, reterr);

	if (r == 0)
		r = read_document(load, "/manifest.json", &document, reterr);
	if (r == 0 && document) {
		r = load_list(load, document, "manifest.json", load_docker, reterr);
		json_decref(document);
		return r;
	}
	if (r == 0)
		r = read_document(load, "/index.json", &document, reterr);
	if (r == 0 && !document)
		r = err_set(reterr, -EBADMSG, "standard input",
			"is no archive of images: there is neither manifest.json nor index.json in "
			"it");
	if (r == 0)
		r = load_list(load, json_object_get(document, "manifests"), "index.json", load_oci,
			reterr);
	json_decref(document);
	return r;
}

int verb_load(struct verb_context *context, int argc, char **argv)
{
	struct load load = {.context = context};
	const struct option options[] = {{"quiet", 'q', OPTION_FLAG, &load.quiet}};
	_cleanup_close_ int hold = -1;
	int r = options_take(options, 1, &context->arena, &argc, argv, 0, 0, &context->err);

	if (r < 0)
		return r;
	hold = collect_hold(&context->storage, &context->err);
	return hold < 0 ? hold : load_all(&load, &context->err);
}
