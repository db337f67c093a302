/*
 * Removing what nothing refers to any more: blobs, records, layers, and what killed processes left.
 * What a name means or meant is referred to, what a kept container was made from, and what somebody
 * holds (record_hold()). Second program only.
 */
#ifndef IMMURE_IMAGE_COLLECT_H
#define IMMURE_IMAGE_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/storage.h"
#include "util/err.h"

/*
 * Whoever makes something (pull, load, import, commit …) calls this before the first thing it makes
 * or relies on, and closes the descriptor when its name is set: a shared lock on staging/.lock,
 * which keeps the collector away. A descriptor or -errno.
 */
int collect_hold(const struct storage *storage, struct err *reterr);

struct collected {
	size_t blobs, records, layers, leftovers;
	uint64_t bytes; /* of blobs and leftovers; layers are not counted */
	bool busy;      /* somebody makes something: nothing was collected */
};

/*
 * Removes what is not referred to. everything: also what a pull that was cut off has left to go on
 * from (else that is kept for a week). Waits a few seconds for makers, and leaves the collecting to
 * the next time where they go on (busy).
 */
int collect(
	const struct storage *storage, bool everything, struct collected *ret, struct err *reterr);

/*
 * Removes from staging/ what killed makers of layers and of nameless blobs left, and nothing that
 * somebody works on (flock) or could go on from: else a load that is killed again and again fills
 * the disk. For makers, under collect_hold() or not. What cannot be removed stays.
 */
void collect_cut_off(const struct storage *storage);

#endif
