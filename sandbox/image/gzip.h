/* A gzip blob of the store, written as it comes. Second program only. */
#ifndef IMMURE_IMAGE_GZIP_H
#define IMMURE_IMAGE_GZIP_H

#include "image/blob.h"
#include "image/make.h"
#include "image/pack.h"

struct gzip; /* opaque */

/* sink: takes the bytes before compression. 0 or -errno. */
int gzip_start(const struct storage *storage, struct gzip **ret, struct tar_sink *ret_sink,
	struct err *reterr);
/* ret_diff: the digest of what went in. Frees gzip in every case. */
int gzip_finish(
	struct gzip *gzip, struct make_layer *ret, struct digest *ret_diff, struct err *reterr);
void gzip_abandon(struct gzip *gzip); /* NULL is fine */

#endif
