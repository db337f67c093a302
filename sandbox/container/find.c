/* Finding an image: see find.h. */
#include "container/find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "image/short.h"
#include "image/tag.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/text.h"

static int read_by_digest(const struct storage *storage, const struct digest *manifest,
	struct arena *arena, struct image *ret, struct err *reterr)
{
	int lock = record_hold(storage, manifest, reterr), r;

	if (lock < 0)
		return lock;
	r = record_read(storage, manifest, arena, &ret->record, reterr);
	if (r < 0)
		(void)close(lock);
	else
		ret->lock = lock;
	return r;
}

int image_open(const struct storage *storage, const struct digest *manifest, const char *name,
	struct arena *arena, struct image *ret, struct err *reterr)
{
	*ret = (struct image){.lock = -1, .name = name};
	return read_by_digest(storage, manifest, arena, ret, reterr);
}

/* What the tag means; where a digest was written too, the digest decides (T-REG-05). */
static int find_complete(const struct storage *storage, const struct reference *name,
	struct arena *arena, struct image *ret, struct err *reterr)
{
	char text[REFERENCE_ROOM];
	struct tag tag;
	int r;

	ret->name = arena_copy(arena, reference_format(name, text));
	if (!ret->name)
		return err_no_memory(reterr);
	if (name->digest.text[0])
		return read_by_digest(storage, &name->digest, arena, ret, reterr);
	r = tag_read(storage, name, arena, &tag, reterr);
	return r < 0 ? r : read_by_digest(storage, &tag.meanings[0].manifest, arena, ret, reterr);
}

/* A name without a registry means what it was pulled as; else as docker completes it. */
static int find_by_name(const struct storage *storage, const struct reference *written,
	struct arena *arena, struct image *ret, struct err *reterr)
{
	struct reference name = *written;
	struct err said = {0};

	if (short_recall(storage, &name)) {
		int r = find_complete(storage, &name, arena, ret, &said);

		if (r != -ENOENT) {
			if (r < 0)
				*reterr = said;
			return r;
		}
		name = *written;
	}
	reference_complete(&name);
	return find_complete(storage, &name, arena, ret, reterr);
}

/*
 * Ids are those of the configuration, which only the record knows. Every record is looked at: this
 * is the way of people who copy an id from a list, not of every start.
 */
static int find_by_id(const struct storage *storage, const char *digits, struct arena *arena,
	struct image *ret, struct err *reterr)
{
	_cleanup_closedir_ DIR *directory = NULL;
	int fd = storage_directory(storage, "records");
	const struct dirent *entry;
	struct digest found = {""}, id = {""};

	if (fd < 0)
		return fd;
	directory = fdopendir(fd);
	if (!directory) {
		(void)close(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(directory))) {
		struct image_record record;
		struct digest manifest;
		char text[DIGEST_ROOM];
		size_t length = strcspn(entry->d_name, ".");

		(void)snprintf(text, sizeof(text), "sha256:%.*s", (int)(length < 64 ? length : 64),
			entry->d_name);
		if (strcmp(entry->d_name + length, ".json") != 0 ||
			digest_parse(text, &manifest) < 0 ||
			record_read(storage, &manifest, arena, &record, NULL) < 0)
			continue;
		if (!text_starts_with(digest_hex(&record.id), digits) &&
			!text_starts_with(digest_hex(&manifest), digits))
			continue;
		if (found.text[0] && !digest_equal(&id, &record.id))
			return err_set(reterr, -ENOTUNIQ, digits,
				"more than one image has an id that begins so");
		/* one image in two manifests, OCI's and Docker's: the first of them */
		if (!found.text[0] || strcmp(manifest.text, found.text) < 0)
			found = manifest;
		id = record.id;
	}
	if (!found.text[0])
		return -ENOENT;
	ret->name = arena_copy(arena, digits);
	return ret->name ? read_by_digest(storage, &found, arena, ret, reterr) : -ENOMEM;
}

int image_find(const struct storage *storage, const char *word, struct arena *arena,
	struct image *ret, bool *ret_pullable, struct err *reterr)
{
	const char *digits = digest_short(word);
	struct reference name;
	struct err said = {0};
	int r = reference_parse(word, &name, &said);

	*ret = (struct image){.lock = -1};
	*ret_pullable = r == 0;
	if (r < 0 && !digits) {
		*reterr = said;
		return r;
	}
	if (r == 0) {
		said = (struct err){0};
		r = find_by_name(storage, &name, arena, ret, &said);
		if (r == 0)
			return 0;
		if (r != -ENOENT) {
			*reterr = said;
			return r;
		}
	}
	if (digits) {
		said = (struct err){0};
		r = find_by_id(storage, digits, arena, ret, &said);
		if (r < 0 && r != -ENOENT) {
			*reterr = said;
			return err_set(reterr, r, word, "cannot be looked for: %s", strerror(-r));
		}
		if (r == 0)
			return 0;
	}
	err_set(reterr, -ENOENT, word, "this image is not here");
	err_hint(reterr, "`immure images` lists those that are; `immure pull` fetches one");
	return -ENOENT;
}

static const char *way_name(bool mapped)
{
	return mapped ? "mapped" : "single";
}

bool image_is_unpacked(
	const struct storage *storage, const struct image_record *record, bool mapped)
{
	char path[160];

	for (size_t i = 0; i < record->layer_count; i++) {
		(void)snprintf(path, sizeof(path), "layers/%s/%s/tree", way_name(mapped),
			digest_hex(&record->chains[i]));
		if (faccessat(storage->directory, path, F_OK, AT_SYMLINK_NOFOLLOW))
			return false;
	}
	return true;
}

const char *image_layer_path(const struct storage *storage, const struct image_record *record,
	size_t index, bool mapped, struct arena *arena)
{
	return arena_format(arena, "%s/layers/%s/%s/tree", storage->path, way_name(mapped),
		digest_hex(&record->chains[index]));
}
