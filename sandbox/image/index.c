/* The index of the layout: see index.h. */
#include "image/index.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/blob.h"
#include "image/manifest.h"
#include "image/record.h"
#include "image/tag.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/file.h"

#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define REF_NAME "org.opencontainers.image.ref.name"

static json_t *platform_json(const struct storage *storage, const struct digest *digest)
{
	_cleanup_(arena_free) struct arena arena = {0};
	struct image_record record;

	if (record_read(storage, digest, &arena, &record, NULL) < 0)
		return NULL;
	return json_pack("{s:s, s:s}", "architecture", record.architecture, "os", record.os);
}

/*
 * NULL where the manifest is not there or is none: an entry that cannot be read would make other
 * programs refuse all of the layout. name NULL: none.
 */
static json_t *entry_json(
	const struct storage *storage, const struct digest *digest, const char *name)
{
	_cleanup_(arena_free) struct arena arena = {0};
	_cleanup_free_ char *text = NULL;
	struct manifest manifest;
	json_t *entry, *platform;
	size_t length;

	if (blob_read(storage, digest, MANIFEST_BYTES, &text, &length, NULL) < 0 ||
		manifest_parse(digest->text, text, length, NULL, &arena, &manifest, NULL) < 0)
		return NULL;
	entry = json_pack("{s:s, s:s, s:I}", "mediaType", manifest.media_type, "digest",
		digest->text, "size", (json_int_t)length);
	platform = entry ? platform_json(storage, digest) : NULL;
	if (platform && json_object_set_new(entry, "platform", platform)) {
		json_decref(entry);
		return NULL;
	}
	if (entry && name &&
		json_object_set_new(entry, "annotations", json_pack("{s:s}", REF_NAME, name))) {
		json_decref(entry);
		return NULL;
	}
	return entry;
}

/* What names mean first, then what they meant. */
static int fill(
	const struct storage *storage, json_t *entries, const struct tag *tags, size_t count)
{
	char name[REFERENCE_ROOM];
	json_t *entry;

	for (size_t i = 0; i < count; i++) {
		entry = entry_json(storage, &tags[i].meanings[0].manifest,
			reference_format(&tags[i].name, name));
		if (entry && json_array_append_new(entries, entry))
			return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		for (size_t j = 1; j < tags[i].meaning_count; j++) {
			entry = entry_json(storage, &tags[i].meanings[j].manifest, NULL);
			if (entry && json_array_append_new(entries, entry))
				return -ENOMEM;
		}
	return 0;
}

static int make_text(const struct storage *storage, char **ret_text, struct err *reterr)
{
	_cleanup_(arena_free) struct arena arena = {0};
	json_t *entries = json_array(), *root;
	struct tag *tags = NULL;
	size_t count = 0;
	int r = tag_list_each(storage, &arena, tag_pass_over, NULL, &tags, &count, reterr);

	if (r == 0 && (!entries || fill(storage, entries, tags, count) < 0))
		r = err_set(reterr, -ENOMEM, "index.json", "out of memory");
	if (r < 0) {
		json_decref(entries);
		return r;
	}
	/* takes entries, also where it fails */
	root = json_pack("{s:i, s:s, s:o}", "schemaVersion", 2, "mediaType", OCI_INDEX, "manifests",
		entries);
	*ret_text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	return *ret_text ? 0 : err_set(reterr, -ENOMEM, "index.json", "out of memory");
}

int index_update(const struct storage *storage, struct err *reterr)
{
	_cleanup_close_ int images = storage_directory(storage, "images");
	_cleanup_free_ char *text = NULL;
	int r = images < 0 ? images : 0;

	/* who comes later sees the tags later: the last one to write has seen them all */
	while (r == 0 && flock(images, LOCK_EX))
		r = errno == EINTR ? 0 : -errno;
	if (r < 0)
		return err_set(
			reterr, r, storage->path, "cannot lock images in it: %s", strerror(-r));
	r = make_text(storage, &text, reterr);
	if (r < 0)
		return r;
	r = file_replace_at(images, "index.json", text, strlen(text));
	return r < 0 ? err_set(reterr, r, storage->path, "cannot write images/index.json in it: %s",
			       strerror(-r))
		     : 0;
}
