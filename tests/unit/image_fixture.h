/*
 * A store in a directory of its own, and images made up for it: what the tests of sandbox/image/
 * share. Everything aborts where it fails: a test without its ground tells nothing.
 */
#ifndef IMMURE_TESTS_IMAGE_FIXTURE_H
#define IMMURE_TESTS_IMAGE_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/blob.h"
#include "image/hash.h"
#include "image/image.h"
#include "image/record.h"
#include "image/reference.h"
#include "image/storage.h"
#include "util/arena.h"
#include "util/err.h"

#define MUST(condition)                                                                       \
	do {                                                                                  \
		if (!(condition)) {                                                           \
			printf("# %s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
			(void)fflush(stdout);                                                 \
			abort();                                                              \
		}                                                                             \
	} while (0)

struct fixture {
	char path[64];
	struct storage storage;
	struct arena arena;
};

static inline int fixture_remove_one(
	const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

static inline void fixture_open(struct fixture *fixture)
{
	struct err err = {0};

	*fixture = (struct fixture){.path = "/tmp/immure-image-XXXXXX"};
	MUST(mkdtemp(fixture->path));
	if (storage_open(fixture->path, true, &fixture->storage, &err) < 0) {
		printf("# %s: %s\n", err.where, err.message);
		abort();
	}
}

static inline void fixture_close(struct fixture *fixture)
{
	storage_close(&fixture->storage);
	arena_free(&fixture->arena);
	MUST(nftw(fixture->path, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

static inline struct reference fixture_name(const char *text)
{
	struct reference name;

	MUST(reference_parse(text, &name, NULL) == 0);
	reference_complete(&name);
	return name;
}

static inline struct digest fixture_blob(struct fixture *fixture, const char *text)
{
	struct digest digest;

	MUST(blob_put(&fixture->storage, text, strlen(text), &digest, NULL) == 0);
	return digest;
}

/* An image whose configuration holds word and whose layers are the texts of layers (no archives:
 * nothing here unpacks them). Its trees are made, too. Not published. */
static inline struct digest fixture_image(
	struct fixture *fixture, const char *word, const char *const *layers)
{
	char config[4096], manifest[8192], path[256];
	struct digest diff, chain = {""}, blob, config_blob;
	size_t c, m;

	c = (size_t)snprintf(config, sizeof(config),
		"{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"2026-11-21T12:00:00Z\","
		"\"config\":{\"Env\":[\"WORD=%s\"],\"Cmd\":[\"/bin/%s\"],\"Labels\":{\"word\":"
		"\"%s\"}},\"history\":[{\"created_by\":\"%s\"}],\"rootfs\":{\"type\":\"layers\","
		"\"diff_ids\":[",
		word, word, word, word);
	m = (size_t)snprintf(manifest, sizeof(manifest), "%s", "");
	for (size_t i = 0; layers[i]; i++) {
		struct digest before = chain;

		blob = fixture_blob(fixture, layers[i]);
		diff = blob; /* as of a layer without compression */
		MUST(hash_chain(i ? &before : NULL, &diff, &chain) == 0);
		c += (size_t)snprintf(config + c, sizeof(config) - c, "%s\"%s\"", i ? "," : "",
			diff.text);
		m += (size_t)snprintf(manifest + m, sizeof(manifest) - m,
			"%s{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
			"\"digest\":\"%s\",\"size\":%zu}",
			i ? "," : "", blob.text, strlen(layers[i]));
		(void)snprintf(
			path, sizeof(path), "layers/single/%s", digest_hex(&chain));
		if (mkdirat(fixture->storage.directory, path, 0700))
			MUST(errno == EEXIST);
		(void)snprintf(
			path, sizeof(path), "layers/single/%s/tree", digest_hex(&chain));
		if (mkdirat(fixture->storage.directory, path, 0755))
			MUST(errno == EEXIST);
	}
	c += (size_t)snprintf(config + c, sizeof(config) - c, "]}}");
	MUST(c < sizeof(config) && m < sizeof(manifest));
	config_blob = fixture_blob(fixture, config);
	(void)snprintf(config, sizeof(config),
		"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
		"\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\","
		"\"digest\":\"%s\",\"size\":%zu},\"layers\":[",
		config_blob.text, c);
	MUST(strlen(config) + m + 3 < sizeof(config));
	(void)strcat(config, manifest);
	(void)strcat(config, "]}");
	return fixture_blob(fixture, config);
}

/* The same, published as name. */
static inline struct digest fixture_publish(struct fixture *fixture, const char *name,
	const char *word, const char *const *layers)
{
	struct digest digest = fixture_image(fixture, word, layers);
	struct reference reference = fixture_name(name);
	struct err err = {0};
	struct image image;

	if (image_load(&fixture->storage, &digest, &fixture->arena, &image, &err) < 0 ||
		image_publish(&fixture->storage, &reference, &image.config.record, &err) < 0) {
		printf("# %s: %s\n", err.where, err.message);
		abort();
	}
	return digest;
}

#endif
