/*
 * Layers, unpacked onto a scratch tree beside a canary: whatever the archive says, nothing outside
 * the staging directory changes, nothing is left in it after a refusal, and what was committed can
 * be removed.
 *
 * First byte: 0, the rest is the archive, its checksums put right; 1, the same compressed as gzip
 * would have to be; 2, zstd; 3, as it is; from 4 on, the rest is a list of entries to make an
 * archive of, five bytes each, whose names meet one another often.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "fuzz.h"
#include "image/hash.h"
#include "image/layer.h"
#include "image/storage.h"
#include "util/tree.h"

/* ---- the scratch tree ---- */

static char place[64];
static char storage_path[sizeof(place) + 16], outside_path[sizeof(place) + 16];
static int top = -1, outside = -1, staging = -1, layers = -1;
static struct storage storage = {.directory = -1};
static struct digest below; /* of the layer that all others lie on */

static void remove_all(void)
{
	(void)tree_remove(AT_FDCWD, place);
}

/* ---- archives ---- */

/* Names that lie in one another, lead out, or mean something. */
static const char *names[] = {"a", "b", "a/b", "a/b/c", "a/l", "l", "l/x", "l/l", "m", "m/a",
	"b/m/x", ".", "./", "a/", ".wh.a", ".wh.b", "a/.wh.b", "l/.wh.x", ".wh..wh..opq",
	"a/.wh..wh..opq", "l/.wh..wh..opq", "m/.wh..wh..opq", "usr/lib/x", "lib/x", "lib/.wh.f",
	"lib/d/e", "lost/x", "loop/x", "usr/f", "up/x", ".wh.lib", "usr", "lib", "usr/lib", "-",
	"a/../b", "../f", "file/x"};
static const char *targets[] = {"a", "b", "a/b", "..", "../..", "../../../..", "/", ".", "l", "m",
	"a/l", "/a", "/a/b", "usr/lib", "usr/f", "lib/f", "nothing", "l/../..", "pipe",
	outside_path, "../../../outside", "../../../../outside/file", "a/b/c/../../..", "lib"};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ENTRIES 64

static size_t make_archive(const uint8_t *data, size_t size, uint8_t *ret)
{
	static const char types[] = "0005521166x73L";
	size_t used = 0;

	for (size_t i = 0; i + 5 <= size && i < 5 * ENTRIES; i += 5) {
		const char *name = names[data[i + 1] % COUNT(names)],
			   *target = targets[data[i + 2] % COUNT(targets)];
		char type = types[data[i] % (sizeof(types) - 1)], text[200];
		size_t length = type == '0' ? data[i + 4] : 0;

		if (type == 'L')
			length = strlen(target) + 1;
		if (type == 'x') /* the length of it with its own two digits */
			length = (size_t)snprintf(
				text, sizeof(text), "%zu path=%s\n", strlen(target) + 9, target);
		used += put_header(ret + used, name, type, type == '1' || type == '2' ? target : "",
			data[i + 3] * 16U + 7, length);
		if (length == 0)
			continue;
		memset(ret + used, 0, TAR_BLOCK);
		memcpy(ret + used,
			type == 'x'   ? text
			: type == 'L' ? target
				      : (const char *)data,
			type == '0' ? (length < size ? length : size) : length);
		used += TAR_BLOCK;
	}
	memset(ret + used, 0, (size_t)2 * TAR_BLOCK);
	return used + (size_t)2 * TAR_BLOCK;
}

/* So that a header that was changed is still looked at. */
static void mend_checksums(uint8_t *data, size_t size)
{
	for (size_t i = 0; i + TAR_BLOCK <= size; i += TAR_BLOCK)
		if (memcmp(data + i + 257, "ustar", 5) == 0)
			put_checksum(data + i);
}

/* ---- unpacking ---- */

static int unpack(
	const uint8_t *data, size_t size, enum compression compression, struct layer_staging **ret)
{
	static const struct layer_limits limits = {
		.bytes = 1 << 20, .entries = 2000, .ratio = 200, .depth = 64};
	struct err err = {0};
	int fd = as_file(data, size), r;

	r = layer_unpack(&storage, LAYER_SINGLE, fd, compression, &limits, ret, &err);
	(void)close(fd);
	HOLDS(r == 0 || (r == err.code && err.message[0]));
	return r;
}

static void make_below(void)
{
	static uint8_t archive[16 * TAR_BLOCK];
	struct layer_staging *layer;
	struct err err = {0};
	size_t used = 0;

	used += put_header(archive + used, "usr/lib/f", '0', "", 0644, 0);
	used += put_header(archive + used, "usr/f", '0', "", 0600, 0);
	used += put_header(archive + used, "lib", '2', "usr/lib", 0777, 0);
	used += put_header(archive + used, "lost", '2', "usr/new", 0777, 0);
	used += put_header(archive + used, "loop", '2', "loop", 0777, 0);
	used += put_header(archive + used, "up", '2', "../../../../../outside", 0777, 0);
	used += put_header(archive + used, "file", '0', "", 0644, 0);
	used += put_header(archive + used, "pipe", '6', "", 0644, 0);
	used += (size_t)2 * TAR_BLOCK;
	HOLDS(hash_memory(NULL, archive, used, &below) == 0);
	HOLDS(unpack(archive, used, COMPRESSION_NONE, &layer) == 0);
	HOLDS(layer_commit(layer, &below, NULL, 0, &below, &err) == 0);
}

static void prepare(void)
{
	struct err err = {0};

	make_place(place, "layer");
	HOLDS(atexit(remove_all) == 0);
	(void)snprintf(storage_path, sizeof(storage_path), "%s/storage", place);
	(void)snprintf(outside_path, sizeof(outside_path), "%s/outside", place);
	top = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	HOLDS(top >= 0 && mkdirat(top, "outside", 0750) == 0);
	outside = openat(top, "outside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	HOLDS(close(openat(outside, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0640)) == 0);
	HOLDS(storage_open(storage_path, true, &storage, &err) == 0);
	staging = storage_directory(&storage, "staging");
	layers = storage_directory(&storage, "layers/single");
	HOLDS(staging >= 0 && layers >= 0);
	make_below();
}

/* ---- the oracle ---- */

struct seen {
	struct stat directory, file, top, storage;
};

static void look(struct seen *ret)
{
	memset(ret, 0, sizeof(*ret));
	HOLDS(fstat(outside, &ret->directory) == 0 && fstat(top, &ret->top) == 0);
	HOLDS(fstatat(outside, "file", &ret->file, AT_SYMLINK_NOFOLLOW) == 0);
	HOLDS(fstat(storage.directory, &ret->storage) == 0);
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_mode == b->st_mode && a->st_nlink == b->st_nlink &&
	       a->st_uid == b->st_uid && a->st_gid == b->st_gid && a->st_size == b->st_size &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void try_layer(const uint8_t *data, size_t size, enum compression compression)
{
	static const struct digest chain = {
		"sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"};
	struct layer_staging *layer;
	struct seen before, after;
	struct stat status;
	struct digest diff;
	struct err err = {0};
	int r;

	look(&before);
	r = unpack(data, size, compression, &layer);
	if (r == 0 && compression == COMPRESSION_NONE) {
		HOLDS(hash_memory(NULL, data, size, &diff) == 0);
		r = layer_commit(layer, &diff, &below, 1, &chain, &err);
		HOLDS(r == 0 || err.message[0]);
		HOLDS((r == 0) == layer_exists(&storage, LAYER_SINGLE, &chain));
		HOLDS(tree_remove(layers, digest_hex(&chain)) == 0);
	} else if (r == 0) {
		layer_abandon(layer);
	}
	look(&after);
	HOLDS(same(&before.directory, &after.directory) && same(&before.file, &after.file));
	HOLDS(same(&before.top, &after.top) && same(&before.storage, &after.storage));
	HOLDS(fstat(staging, &status) == 0 && status.st_nlink == 2); /* nothing is left in it */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t archive[(2 * ENTRIES + 2) * TAR_BLOCK];
	uint8_t *copy;

	if (size < 1)
		return 0;
	if (top < 0)
		prepare();
	if (data[0] >= 4) {
		try_layer(archive, make_archive(data + 1, size - 1, archive), COMPRESSION_NONE);
		return 0;
	}
	copy = malloc(size);
	HOLDS(copy);
	memcpy(copy, data + 1, size - 1);
	if (data[0] == 0)
		mend_checksums(copy, size - 1);
	try_layer(copy, size - 1,
		data[0] == 1   ? COMPRESSION_GZIP
		: data[0] == 2 ? COMPRESSION_ZSTD
			       : COMPRESSION_NONE);
	free(copy);
	return 0;
}
