/* A set of digests: filled first, asked afterwards. Second program only. */
#ifndef IMMURE_IMAGE_DIGEST_SET_H
#define IMMURE_IMAGE_DIGEST_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "image/digest.h"

struct arena;

struct digest_set {
	struct digest *items; /* the arena's */
	size_t count;
	bool sorted;
};

int digest_set_add(struct digest_set *set, struct arena *arena, const struct digest *digest);
bool digest_set_has(struct digest_set *set, const struct digest *digest);

/* The digest whose digits are hex, as files are named: the length tells the algorithm. 0 or
 * -EINVAL. */
int digest_from_hex(const char *hex, size_t length, struct digest *ret);

#endif
