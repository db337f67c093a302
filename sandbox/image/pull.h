/*
 * A pull under way: what its threads share with whoever waits for them and draws their progress.
 * Second program only.
 */
#ifndef IMMURE_IMAGE_PULL_H
#define IMMURE_IMAGE_PULL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/manifest.h"
#include "image/registry.h"
#include "image/storage.h"
#include "util/err.h"

enum pull_state {
	PULL_WAITING,
	PULL_COPYING,   /* over the network */
	PULL_FEEDING,   /* from the store into the unpacker */
	PULL_UNPACKING, /* the blob is there, the unpacker goes on */
	PULL_DONE,
	PULL_FAILED
};

struct pull_layer {
	const struct descriptor *blob;
	const struct digest *diff;
	bool needed; /* by the unpacker */
	bool had;    /* the blob was there before */
	atomic_int state;
	atomic_uint_fast64_t bytes; /* of the blob, so far */
};

struct pull {
	const struct storage *storage;
	struct registry *registry;
	struct pull_layer *layers;
	size_t count;
	int channel; /* to the unpacker; -1: none */
	atomic_bool stop;
	atomic_size_t next; /* the layer that is to be taken up next */
	int wake;           /* eventfd: a thread has something to show */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a layer's state */
	struct err err;         /* the first failure; guarded */
};

/* How the layers' progress is shown; each call may draw. */
struct pull_progress; /* opaque */
struct pull_progress *pull_progress_start(const struct pull *pull, bool quiet);
void pull_progress_draw(struct pull_progress *progress);
void pull_progress_end(struct pull_progress *progress); /* NULL is fine */

/*
 * Gets the layers: each blob into the store, each needed one through the unpacker as well, four at
 * a time. 0 when all of it is there and the unpacker has said so; an exit code where the unpacker
 * went without a word to us, and so has told its reason itself.
 */
int pull_layers(struct pull *pull, bool quiet, struct err *reterr);

#endif
