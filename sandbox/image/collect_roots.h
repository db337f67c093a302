/* What collection must keep. Inside of collect.c and of the verbs that remove. Second program only.
 */
#ifndef IMMURE_IMAGE_COLLECT_ROOTS_H
#define IMMURE_IMAGE_COLLECT_ROOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "image/digest_set.h"
#include "image/storage.h"
#include "util/err.h"

struct arena;

/* The manifests that names mean or meant, and those that containers were made from. */
int roots_gather(const struct storage *storage, struct arena *arena, struct digest_set *ret,
	struct err *reterr);

/*
 * A container that was made from manifest: its name, or the beginning of its id
 * (arena's); NULL where there is none. 0 or -errno with reterr.
 */
int roots_find_user(const struct storage *storage, const struct digest *manifest,
	struct arena *arena, const char **ret, struct err *reterr);

/*
 * Calls each for every entry of the directory but "." and "..", in no order; 0 to go on. A
 * directory that is not there has no entries. 0, -errno, or what each answered.
 */
int roots_each_entry(const struct storage *storage, const char *below,
	int (*each)(void *context, int directory, const char *name), void *context);

#endif
