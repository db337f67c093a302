/*
 * All images of the store with their names, read at once: what the verbs that look at images begin
 * with. Second program only.
 */
#ifndef IMMURE_IMAGE_CATALOG_H
#define IMMURE_IMAGE_CATALOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/image.h"
#include "image/reference.h"
#include "image/storage.h"
#include "util/err.h"

struct arena;

struct catalog_image {
	struct digest manifest;
	struct reference *names; /* complete; none: only a name's past keeps it, or nothing */
	size_t name_count;
	struct image image; /* where fault is 0 */
	int fault;          /* or -errno and a message: its documents cannot be read */
	struct err err;
	int64_t created; /* seconds of the epoch; 0: not known */
	uint64_t size;   /* of its files where its layers are unpacked here, else of its blobs */
};

struct catalog {
	const struct storage *storage;
	struct catalog_image *images; /* the youngest first */
	size_t count;
};

/* Damaged tags are told of on standard error and passed over. */
int catalog_read(const struct storage *storage, struct arena *arena, struct catalog *ret,
	struct err *reterr);

/* The same without a word: for who tells of them otherwise. */
int catalog_read_quietly(const struct storage *storage, struct arena *arena, struct catalog *ret,
	struct err *reterr);

/*
 * The image that text means: by name, as people write it or whole; by digest ("name@sha256:…",
 * "sha256:…"); or by the first three or more digits of its id or digest, if only one image has
 * them: several manifests of one configuration are one image. The launcher has the same rule
 * (container/find.h). ret_name: which of its names it was, or NULL. -ENOENT, -ENOTUNIQ or -EINVAL
 * with reterr.
 */
int catalog_find(const struct catalog *catalog, const char *text, struct catalog_image **ret,
	const struct reference **ret_name, struct err *reterr);

/* Whether both have the same configuration and so the same content, though manifests differ. */
bool catalog_same_id(const struct catalog_image *a, const struct catalog_image *b);

/* For people: its first name, whole, or the first twelve digits of its id. */
const char *catalog_title(const struct catalog_image *image, char buffer[REFERENCE_ROOM]);

/* Bytes of the files of a layer that is unpacked here; false where it is not. */
bool catalog_layer_size(const struct storage *storage, const struct digest *chain, uint64_t *ret);

/* Twelve digits, or all of them with "sha256:". */
const char *catalog_id(const struct digest *id, bool whole, char buffer[DIGEST_ROOM]);

/* {"docker.io/library/debian:12", …} and {"docker.io/library/debian@sha256:…", …}; new references,
 * NULL when out of memory. */
json_t *catalog_tags_json(const struct catalog_image *image);
json_t *catalog_digests_json(const struct catalog_image *image);
/* {"NAME": "VALUE"} of "NAME=VALUE"; null where there is none. */
json_t *catalog_labels_json(const char *const *labels);

#endif
