/* Images of our own making: commit, import and load end here. Second program only. */
#ifndef IMMURE_IMAGE_MAKE_H
#define IMMURE_IMAGE_MAKE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "image/digest.h"
#include "image/manifest.h"
#include "image/reference.h"
#include "image/storage.h"
#include "util/err.h"

struct arena;
struct image;

struct make_layer {
	struct digest blob;
	uint64_t size; /* of the blob */
	enum compression compression;
};

/* Stores the documents alone, and reads them back; nothing refers to them yet. */
int make_documents(const struct storage *storage, struct arena *arena, const char *text,
	size_t length, const struct make_layer *layers, size_t count, struct image *ret,
	struct err *reterr);

/*
 * Stores a configuration and an OCI manifest for it, unpacks the layers, which checks them against
 * the configuration's diff ids, and lets the image be seen under name (complete; NULL: under none).
 * text: the configuration's document. The caller holds the collector off.
 */
int make_image(const struct storage *storage, struct arena *arena, const char *text, size_t length,
	const struct make_layer *layers, size_t count, const struct reference *name,
	struct digest *ret_id, struct err *reterr);

/*
 * Writes an instruction of a Dockerfile ("ENV A=b", "CMD [\"sh\"]") into the "config" object of a
 * configuration. -EINVAL where it is none of CMD ENTRYPOINT ENV EXPOSE LABEL STOPSIGNAL USER VOLUME
 * WORKDIR, or is written wrongly.
 */
int make_change(json_t *config, const char *instruction, struct err *reterr);

/* Adds a diff id and the history entry that goes with it; created_by and comment may be NULL. */
int make_add_layer(json_t *document, const struct digest *diff, const char *created_by,
	const char *comment, const char *author, struct err *reterr);

/* A document as text, malloc'd; NULL with reterr when out of memory. */
char *make_text(const json_t *document, size_t *ret_length, struct err *reterr);

#endif
