/* From the word on the command line to an image that is here: its record, and its layers. */
#ifndef IMMURE_CONTAINER_FIND_H
#define IMMURE_CONTAINER_FIND_H

#include <stdbool.h>

#include "image/record.h"
#include "image/reference.h"
#include "image/storage.h"
#include "util/err.h"

struct arena;

struct image {
	struct image_record record;
	const char *name; /* complete: "docker.io/library/debian:12"; or the word, where it was an
			     id. arena's */
	int lock;         /* of record_hold(): its layers stay for as long as it is open */
};

/*
 * By name, by name and digest, or by (the beginning of, at least 3 digits) the id or digest, as the
 * verbs of images do (image/catalog.h). -ENOENT with
 * reterr where there is none; *ret_pullable then says whether the word names something that could
 * be pulled.
 */
int image_find(const struct storage *storage, const char *word, struct arena *arena,
	struct image *ret, bool *ret_pullable, struct err *reterr);

/* The image of that manifest, whatever is called name (borrowed) now. */
int image_open(const struct storage *storage, const struct digest *manifest, const char *name,
	struct arena *arena, struct image *ret, struct err *reterr);

/* True where every layer is unpacked for this way of mapping ids. */
bool image_is_unpacked(
	const struct storage *storage, const struct image_record *record, bool mapped);

/* The path of layer number index, absolute; arena's. NULL: out of memory. */
const char *image_layer_path(const struct storage *storage, const struct image_record *record,
	size_t index, bool mapped, struct arena *arena);

#endif
