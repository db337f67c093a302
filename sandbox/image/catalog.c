/* All images: see catalog.h. */
#include "image/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/collect_roots.h"
#include "image/print.h"
#include "image/record.h"
#include "image/short.h"
#include "image/tag.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/json.h"
#include "util/text.h"

/* ---- reading ---- */

struct reading {
	const struct storage *storage;
	struct arena *arena;
	struct catalog catalog;
	struct err *err;
};

static struct catalog_image *find_manifest(
	const struct catalog *catalog, const struct digest *manifest)
{
	for (size_t i = 0; i < catalog->count; i++)
		if (digest_equal(&catalog->images[i].manifest, manifest))
			return &catalog->images[i];
	return NULL;
}

static struct catalog_image *get_manifest(struct reading *reading, const struct digest *manifest)
{
	struct catalog_image *image = find_manifest(&reading->catalog, manifest);

	if (image)
		return image;
	image = ARENA_APPEND(reading->arena, reading->catalog.images, reading->catalog.count);
	if (image)
		image->manifest = *manifest;
	return image;
}

static int add_tag(struct reading *reading, const struct tag *tag)
{
	struct catalog_image *image = get_manifest(reading, &tag->meanings[0].manifest);
	struct reference *name = NULL;

	if (image)
		name = ARENA_APPEND(reading->arena, image->names, image->name_count);
	if (!name)
		return err_no_memory(reading->err);
	*name = tag->name;
	return 0;
}

static int add_record(void *context, int directory, const char *name)
{
	struct reading *reading = context;
	const char *dot = strstr(name, ".json");
	struct digest digest;

	(void)directory;
	if (!dot || dot[5] || digest_from_hex(name, (size_t)(dot - name), &digest) < 0)
		return 0;
	return get_manifest(reading, &digest) ? 0 : err_no_memory(reading->err);
}

bool catalog_layer_size(const struct storage *storage, const struct digest *chain, uint64_t *ret)
{
	static const char *const ways[] = {"mapped", "single"};
	static const struct json_limits limits = {
		.bytes = 4096, .depth = 2, .values = 32, .string = 256};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		_cleanup_free_ char *text = NULL;
		char path[200];
		size_t length;
		json_t *root, *size;
		json_int_t bytes;

		(void)snprintf(
			path, sizeof(path), "layers/%s/%s/layer.json", ways[i], digest_hex(chain));
		if (file_read(storage->directory, path, limits.bytes, &text, &length) < 0)
			continue;
		root = json_read(path, text, length, &limits, NULL);
		size = json_object_get(root, "size");
		bytes = json_is_integer(size) ? json_integer_value(size) : -1;
		json_decref(root);
		if (bytes < 0)
			continue;
		*ret = (uint64_t)bytes;
		return true;
	}
	return false;
}

static uint64_t size_of(const struct storage *storage, const struct image *image)
{
	const struct image_record *record = &image->config.record;
	uint64_t size = 0, one;

	for (size_t i = 0; i < record->layer_count; i++) {
		if (!catalog_layer_size(storage, &record->chains[i], &one) ||
			__builtin_add_overflow(size, one, &size))
			return image->size;
	}
	return size;
}

static bool still_means(
	const struct storage *storage, const struct reference *name, const struct digest *manifest)
{
	_cleanup_(arena_free) struct arena arena = {0};
	struct tag tag;
	int r = tag_read(storage, name, &arena, &tag, NULL);

	return r == 0 ? digest_equal(&tag.meanings[0].manifest, manifest) : r != -ENOENT;
}

/* Nothing is locked here, and what is being removed loses its names first: those that are gone
 * since they were read are none of a damaged image. */
static void drop_lost_names(const struct storage *storage, struct catalog_image *image)
{
	size_t kept = 0;

	for (size_t i = 0; i < image->name_count; i++)
		if (still_means(storage, &image->names[i], &image->manifest))
			image->names[kept++] = image->names[i];
	image->name_count = kept;
}

/* Then its record, and only then its blobs. */
static bool is_removed(const struct storage *storage, const struct catalog_image *image)
{
	char path[RECORD_PATH_ROOM];

	return image->fault < 0 && image->name_count == 0 &&
	       faccessat(storage->directory, record_path(&image->manifest, path), F_OK,
		       AT_SYMLINK_NOFOLLOW) &&
	       errno == ENOENT;
}

static void load(struct reading *reading, struct catalog_image *image)
{
	image->fault = image_load(
		reading->storage, &image->manifest, reading->arena, &image->image, &image->err);
	if (image->fault < 0) {
		drop_lost_names(reading->storage, image);
		return;
	}
	image->size = size_of(reading->storage, &image->image);
	if (config_time(image->image.config.created, &image->created) < 0)
		image->created = 0;
}

static int compare(const void *a, const void *b)
{
	const struct catalog_image *one = a, *other = b;

	if (one->created != other->created)
		return one->created < other->created ? 1 : -1;
	return strcmp(one->manifest.text, other->manifest.text);
}

static int tell_damaged(void *context, const struct reference *name, int code, struct err *reterr)
{
	char text[REFERENCE_ROOM];

	(void)context;
	(void)reterr;
	print_note("%s: %s", reference_format(name, text), tag_fault(code));
	return 0;
}

static int read_all(const struct storage *storage, struct arena *arena, tag_damaged damaged,
	struct catalog *ret, struct err *reterr)
{
	struct reading reading = {
		.storage = storage, .arena = arena, .catalog.storage = storage, .err = reterr};
	struct tag *tags = NULL;
	size_t count = 0, kept = 0;
	int r = tag_list_each(storage, arena, damaged, NULL, &tags, &count, reterr);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_tag(&reading, &tags[i]);
	if (r == 0)
		r = roots_each_entry(storage, "records", add_record, &reading);
	if (r < 0)
		return err_set(
			reterr, r, storage->path, "cannot read records in it: %s", strerror(-r));
	for (size_t i = 0; i < reading.catalog.count; i++) {
		load(&reading, &reading.catalog.images[i]);
		if (!is_removed(storage, &reading.catalog.images[i]))
			reading.catalog.images[kept++] = reading.catalog.images[i];
	}
	reading.catalog.count = kept;
	if (reading.catalog.count)
		qsort(reading.catalog.images, reading.catalog.count,
			sizeof(*reading.catalog.images), compare);
	*ret = reading.catalog;
	return 0;
}

int catalog_read(
	const struct storage *storage, struct arena *arena, struct catalog *ret, struct err *reterr)
{
	return read_all(storage, arena, tell_damaged, ret, reterr);
}

int catalog_read_quietly(
	const struct storage *storage, struct arena *arena, struct catalog *ret, struct err *reterr)
{
	return read_all(storage, arena, tag_pass_over, ret, reterr);
}

/* ---- finding ---- */

static bool same_name(const struct reference *a, const struct reference *b)
{
	return strcmp(a->registry, b->registry) == 0 && strcmp(a->repository, b->repository) == 0 &&
	       strcmp(a->tag, b->tag) == 0 && digest_equal(&a->digest, &b->digest);
}

/* Where a digest was written too, the digest decides (T-REG-05). */
static struct catalog_image *find_name(const struct catalog *catalog, const struct reference *name,
	const struct reference **ret_name)
{
	for (size_t i = 0; i < catalog->count; i++)
		for (size_t j = 0; j < catalog->images[i].name_count; j++)
			if (same_name(&catalog->images[i].names[j], name)) {
				*ret_name = &catalog->images[i].names[j];
				return &catalog->images[i];
			}
	return name->digest.text[0] ? find_manifest(catalog, &name->digest) : NULL;
}

bool catalog_same_id(const struct catalog_image *a, const struct catalog_image *b)
{
	return a->fault == 0 && b->fault == 0 &&
	       digest_equal(&a->image.config.record.id, &b->image.config.record.id);
}

static bool begins_with(const struct catalog_image *image, const char *digits)
{
	return text_starts_with(digest_hex(&image->manifest), digits) ||
	       (image->fault == 0 &&
		       text_starts_with(digest_hex(&image->image.config.record.id), digits));
}

static int find_digits(const struct catalog *catalog, const char *text, struct catalog_image **ret,
	struct err *reterr)
{
	const char *digits = digest_short(text);
	struct catalog_image *found = NULL;

	if (!digits || !catalog->images)
		return -ENOENT;
	for (size_t i = 0; i < catalog->count; i++) {
		if (!begins_with(&catalog->images[i], digits))
			continue;
		if (found && catalog_same_id(found, &catalog->images[i]))
			continue; /* one image in two manifests, OCI's and Docker's */
		if (found)
			return err_set(reterr, -ENOTUNIQ, text,
				"more than one image has an id that begins so");
		found = &catalog->images[i];
	}
	*ret = found;
	return found ? 0 : -ENOENT;
}

int catalog_find(const struct catalog *catalog, const char *text, struct catalog_image **ret,
	const struct reference **ret_name, struct err *reterr)
{
	struct err said = {0};
	struct reference name, known;
	int parsed = reference_parse(text, &name, &said), r;

	*ret_name = NULL;
	if (parsed == 0) {
		known = name;
		*ret = short_recall(catalog->storage, &known) ? find_name(catalog, &known, ret_name)
							      : NULL;
		reference_complete(&name);
		if (!*ret)
			*ret = find_name(catalog, &name, ret_name);
		if (*ret)
			return 0;
	}
	r = find_digits(catalog, text, ret, reterr);
	if (r != -ENOENT)
		return r;
	if (parsed < 0) {
		if (reterr && !reterr->code)
			*reterr = said;
		return parsed;
	}
	(void)err_set(reterr, -ENOENT, text, "this image is not here");
	err_hint(reterr, "`immure images` lists those that are; `immure pull` fetches one");
	return -ENOENT;
}

/* ---- for printing ---- */

const char *catalog_id(const struct digest *id, bool whole, char buffer[DIGEST_ROOM])
{
	if (whole)
		(void)snprintf(buffer, DIGEST_ROOM, "%s", id->text);
	else
		(void)snprintf(buffer, DIGEST_ROOM, "%.12s", digest_hex(id));
	return buffer;
}

const char *catalog_title(const struct catalog_image *image, char buffer[REFERENCE_ROOM])
{
	if (image->name_count)
		return reference_format(&image->names[0], buffer);
	return catalog_id(
		image->fault ? &image->manifest : &image->image.config.record.id, false, buffer);
}

json_t *catalog_tags_json(const struct catalog_image *image)
{
	json_t *array = json_array();
	char text[REFERENCE_ROOM];

	for (size_t i = 0; array && i < image->name_count; i++) {
		if (!image->names[i].tag[0])
			continue;
		if (json_array_append_new(
			    array, json_string(reference_format(&image->names[i], text)))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static bool is_earlier(const struct catalog_image *image, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(image->names[i].registry, image->names[index].registry) == 0 &&
			strcmp(image->names[i].repository, image->names[index].repository) == 0)
			return true;
	return false;
}

json_t *catalog_digests_json(const struct catalog_image *image)
{
	json_t *array = json_array();
	char text[REFERENCE_ROOM];

	for (size_t i = 0; array && i < image->name_count; i++) {
		struct reference name = image->names[i];

		if (is_earlier(image, i))
			continue;
		name.tag[0] = '\0';
		name.digest = image->manifest;
		if (json_array_append_new(array, json_string(reference_format(&name, text)))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

json_t *catalog_labels_json(const char *const *labels)
{
	json_t *object = *labels ? json_object() : json_null();

	for (; object && *labels; labels++) {
		const char *equals = strchr(*labels, '=');

		if (json_object_setn_new(
			    object, *labels, (size_t)(equals - *labels), json_string(equals + 1))) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}
