/*
 * Copying trees by descriptors: the content of an image into a new volume, and `cp` between a
 * container and the host. One side was written by a stranger, so no link is followed but inside
 * that side's own root, and nothing but directories, regular files and links is copied. These are
 * the works of inside_run(); -E2BIG from each: directories lie more than 200 deep, or the copy
 * lies in what is copied.
 */
#ifndef IMMURE_CONTAINER_COPY_H
#define IMMURE_CONTAINER_COPY_H

#include <stdbool.h>

#include "profile/profile.h"

struct copy {
	const struct layers
		*layers;  /* the container's side; with an upper where it is written to */
	const char *path; /* in it, absolute */
	int directory;    /* the other side: fill: where to; out: where to; in: where from */
	const char *name; /* out, in: in directory */
};

/* Fills directory with what layers show at path, owners kept; nothing where they have nothing. */
int copy_fill(void *context);

/*
 * As docker's cp: into path (or name) where that is a directory, else under that name; what is
 * copied belongs to the copier. -ENOENT, -ENOTDIR, -EEXIST (a directory in the way of a file, or
 * the other way round) or another -errno.
 */
int copy_out(void *context);
int copy_in(void *context);

#endif
