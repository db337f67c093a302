/*
 * An image of the store as a whole: manifest and configuration read together, and how it comes to
 * be seen. Second program only.
 */
#ifndef IMMURE_IMAGE_IMAGE_H
#define IMMURE_IMAGE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "image/digest.h"
#include "image/manifest.h"
#include "image/record.h"
#include "image/reference.h"
#include "image/storage.h"
#include "util/err.h"

struct arena;

struct image {
	struct manifest manifest;
	size_t manifest_size;       /* of the document */
	struct image_config config; /* its record is whole: the manifest's digest is filled in */
	uint64_t size;              /* of its blobs: manifest, configuration and layers */
};

/*
 * Reads the manifest with that digest and its configuration from blobs/, each verified, and checks
 * one against the other. Strings belong to arena. -ENOENT where a blob is missing, -EBADMSG where
 * one is not what it should be.
 */
int image_load(const struct storage *storage, const struct digest *digest, struct arena *arena,
	struct image *ret, struct err *reterr);

/*
 * Lets an image be seen whose blobs and layers are all there: its record, then its name, then the
 * index. name is complete. The caller holds the collector off (collect_hold()).
 */
int image_publish(const struct storage *storage, const struct reference *name,
	const struct image_record *record, struct err *reterr);

#endif
