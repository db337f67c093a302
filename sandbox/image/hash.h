/* Digests computed: OpenSSL's EVP over a stream. Second program only. */
#ifndef IMMURE_IMAGE_HASH_H
#define IMMURE_IMAGE_HASH_H

#include <stddef.h>

#include "image/digest.h"

struct hash; /* opaque; one stream */

/* like: a digest whose algorithm is to be used, or NULL for sha256. NULL when out of memory. The
 * caller ends it with hash_finish() or hash_free(). */
struct hash *hash_start(const struct digest *like);
int hash_add(struct hash *hash, const void *data, size_t length); /* 0 or -EIO */
/* Writes the digest of everything added and frees hash. 0 or -EIO. */
int hash_finish(struct hash *hash, struct digest *ret);
void hash_free(struct hash *hash); /* NULL is fine */

/* Of a piece of memory. 0 or -errno. */
int hash_memory(const struct digest *like, const void *data, size_t length, struct digest *ret);

/*
 * The chain id of a layer: its diff id for the lowest, else sha256 of "PARENT_CHAIN DIFF_ID".
 * image-spec config.md, "Layer ChainID". parent NULL: the lowest.
 */
int hash_chain(const struct digest *parent, const struct digest *diff, struct digest *ret);

#endif
