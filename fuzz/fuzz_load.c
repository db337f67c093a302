/*
 * Archives of images, loaded into a store of their own: whatever they say, what is in the store
 * afterwards is whole, nothing is left in staging/, and a refusal has a reason.
 *
 * First byte: 0, the rest is the archive, its checksums put right; 1, manifest.json of an archive
 * that has what docker's has; 2, index.json of one that has what OCI's has, where "$" stands for
 * its manifest's digest; from 3 on, the rest is a list of entries to make an archive of, three
 * bytes each: what it is, its name, and what is in it or where it leads.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "fuzz.h"
#include "image/hash.h"
#include "image/image.h"
#include "image/layer.h"
#include "image/record.h"
#include "image/storage.h"
#include "image/tag.h"
#include "image/verbs.h"
#include "util/arena.h"
#include "util/directory.h"
#include "util/tree.h"

#define DOCUMENT 8192
#define ENTRIES 64

static char place[64], storage_path[sizeof(place) + 16];
static struct storage storage = {.directory = -1};

/* ---- an honest image ---- */

static uint8_t layer[3 * TAR_BLOCK];
static char config[512], manifest[1024], config_name[128], layer_name[128], manifest_name[128];
static struct digest layer_digest, config_digest, manifest_digest;
static const char docker[] =
	"[{\"Config\":\"config.json\",\"RepoTags\":[\"a:1\"],\"Layers\":[\"layer.tar\"]}]";
static char oci[512];

static void name_blob(const struct digest *digest, char name[128])
{
	(void)snprintf(name, 128, "blobs/sha256/%s", digest_hex(digest));
}

static void make_image(void)
{
	(void)put_header(layer, "file", '0', "", 0644, 0);
	HOLDS(hash_memory(NULL, layer, sizeof(layer), &layer_digest) == 0);
	(void)snprintf(config, sizeof(config),
		"{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{},\"rootfs\":{\"type\":"
		"\"layers\",\"diff_ids\":[\"%s\"]}}",
		layer_digest.text);
	HOLDS(hash_memory(NULL, config, strlen(config), &config_digest) == 0);
	(void)snprintf(manifest, sizeof(manifest),
		"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
		"\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":"
		"\"%s\",\"size\":%zu},\"layers\":[{\"mediaType\":"
		"\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\",\"size\":%zu}]}",
		config_digest.text, strlen(config), layer_digest.text, sizeof(layer));
	HOLDS(hash_memory(NULL, manifest, strlen(manifest), &manifest_digest) == 0);
	(void)snprintf(oci, sizeof(oci),
		"{\"manifests\":[{\"digest\":\"%s\",\"annotations\":{"
		"\"org.opencontainers.image.ref.name\":\"a:1\"}}]}",
		manifest_digest.text);
	name_blob(&layer_digest, layer_name);
	name_blob(&config_digest, config_name);
	name_blob(&manifest_digest, manifest_name);
}

/* ---- archives ---- */

static uint8_t archive[(ENTRIES * 3 + 32) * TAR_BLOCK + 2 * DOCUMENT];

static size_t put_file(size_t used, const char *name, const void *data, size_t length)
{
	size_t padded = (length + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;

	used += put_header(archive + used, name, '0', "", 0644, length);
	memset(archive + used, 0, padded);
	memcpy(archive + used, data, length);
	return used + padded;
}

static size_t put_end(size_t used)
{
	memset(archive + used, 0, (size_t)2 * TAR_BLOCK);
	return used + (size_t)2 * TAR_BLOCK;
}

static size_t make_docker(const uint8_t *text, size_t length)
{
	size_t used = put_file(0, "manifest.json", text, length < DOCUMENT ? length : DOCUMENT);

	used = put_file(used, "config.json", config, strlen(config));
	used += put_header(archive + used, "link", '2', "layer.tar", 0777, 0);
	return put_end(put_file(used, "layer.tar", layer, sizeof(layer)));
}

static size_t make_oci(const uint8_t *text, size_t length)
{
	static char whole[DOCUMENT];
	size_t filled = 0, used;

	for (size_t i = 0; i < length && filled + sizeof(manifest_digest.text) < DOCUMENT; i++) {
		if (text[i] == '$')
			filled += (size_t)snprintf(
				whole + filled, sizeof(whole) - filled, "%s", manifest_digest.text);
		else
			whole[filled++] = (char)text[i];
	}
	used = put_file(0, "index.json", whole, filled);
	used = put_file(used, config_name, config, strlen(config));
	used = put_file(used, manifest_name, manifest, strlen(manifest));
	return put_end(put_file(used, layer_name, layer, sizeof(layer)));
}

static size_t make_list(const uint8_t *data, size_t size)
{
	static const char types[] = "00001125366";
	static const char *const names[] = {"manifest.json", "index.json", "config.json",
		"layer.tar", "./layer.tar", "a/layer.tar", "a/b", "b", "a/../b", "../b", "/b", "",
		"b/", manifest_name, config_name, layer_name, "../layer.tar", "../../layer.tar"};
	const struct {
		const char *text;
		size_t length;
	} contents[] = {{config, strlen(config)}, {manifest, strlen(manifest)},
		{(const char *)layer, sizeof(layer)}, {docker, strlen(docker)}, {oci, strlen(oci)},
		{"", 0}, {"{}", 2}};
	const size_t count = sizeof(names) / sizeof(names[0]),
		     choices = sizeof(contents) / sizeof(contents[0]);
	size_t used = 0;

	for (size_t i = 0; i + 3 <= size && i < 3 * ENTRIES; i += 3) {
		char type = types[data[i] % (sizeof(types) - 1)];
		const char *name = names[data[i + 1] % count];

		if (type == '0')
			used = put_file(used, name, contents[data[i + 2] % choices].text,
				contents[data[i + 2] % choices].length);
		else
			used += put_header(archive + used, name, type,
				type == '1' || type == '2' ? names[data[i + 2] % count] : "", 0644,
				0);
	}
	return put_end(used);
}

static size_t make_raw(const uint8_t *data, size_t size)
{
	size_t length = size < sizeof(archive) ? size : sizeof(archive);

	memcpy(archive, data, length);
	for (size_t i = 0; i + TAR_BLOCK <= length; i += TAR_BLOCK)
		if (memcmp(archive + i + 257, "ustar", 5) == 0)
			put_checksum(archive + i);
	return length;
}

/* ---- the store ---- */

static void remove_all(void)
{
	(void)tree_remove(AT_FDCWD, place);
}

static void begin(void)
{
	struct err err = {0};

	if (!place[0]) {
		make_place(place, "load");
		HOLDS(atexit(remove_all) == 0);
		(void)snprintf(storage_path, sizeof(storage_path), "%s/storage", place);
		make_image();
	}
	HOLDS(storage_open(storage_path, true, &storage, &err) == 0);
}

static void end(void)
{
	storage_close(&storage);
	HOLDS(tree_remove(AT_FDCWD, storage_path) == 0);
}

static void check_staging(void)
{
	const struct dirent *entry;
	DIR *stream;

	HOLDS(directory_start(storage_directory(&storage, "staging"), &stream) == 0);
	while (directory_next(stream, &entry) > 0)
		HOLDS(strcmp(entry->d_name, ".lock") == 0);
	HOLDS(closedir(stream) == 0);
}

/* Whatever has a name can be run: its record, its documents and its layers are there. */
static void check_names(struct arena *arena)
{
	struct tag *tags = NULL;
	size_t count = 0;

	HOLDS(tag_list(&storage, arena, &tags, &count, NULL) == 0);
	for (size_t i = 0; i < count; i++) {
		const struct digest *is = &tags[i].meanings[0].manifest;
		struct image_record record;
		struct image image;

		HOLDS(!tags[i].name.digest.text[0] || digest_equal(&tags[i].name.digest, is));
		HOLDS(image_load(&storage, is, arena, &image, NULL) == 0);
		HOLDS(record_read(&storage, is, arena, &record, NULL) == 0);
		for (size_t j = 0; j < record.layer_count; j++)
			HOLDS(layer_exists(&storage, layer_way_here(), &record.chains[j]));
	}
}

static void try_archive(size_t length)
{
	char verb[] = "load", quiet[] = "-q", *argv[] = {verb, quiet, NULL};
	struct verb_context context = {.storage = storage};
	int fd = as_file(archive, length), r;

	HOLDS(dup2(fd, STDIN_FILENO) == STDIN_FILENO && close(fd) == 0);
	r = verb_load(&context, 2, argv);
	HOLDS(r == 0 || (r < 0 && context.err.code && context.err.message[0]));
	check_staging();
	check_names(&context.arena);
	arena_free(&context.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	begin();
	switch (data[0]) {
	case 0: try_archive(make_raw(data + 1, size - 1)); break;
	case 1: try_archive(make_docker(data + 1, size - 1)); break;
	case 2: try_archive(make_oci(data + 1, size - 1)); break;
	default: try_archive(make_list(data + 1, size - 1)); break;
	}
	end();
	return 0;
}
