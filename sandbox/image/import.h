/* Taking content from a descriptor into the store. Second program only. */
#ifndef IMMURE_IMAGE_IMPORT_H
#define IMMURE_IMAGE_IMPORT_H

#include "image/digest.h"
#include "image/make.h"
#include "image/storage.h"
#include "util/err.h"

/* The rest of fd as a blob, of LAYER_BYTES at most. */
int import_blob(const struct storage *storage, int fd, struct make_layer *ret, struct err *reterr);

/* The diff id of a layer that is in the store, and its size decompressed: the whole of it is
 * decompressed and checked. */
int import_diff(const struct storage *storage, const struct make_layer *layer,
	struct digest *ret_diff, uint64_t *ret_size, struct err *reterr);

/* {"architecture": …, "os": "linux", "config": {}}: a new reference, or NULL with reterr. */
json_t *import_new_config(struct err *reterr);

#endif
