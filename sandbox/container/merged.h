/*
 * One file of an image, as the container will see it: looked up through the layers and the upper by
 * hand, since the launcher's own mount namespace shows no overlay. What is in the layers is a
 * stranger's: nothing outside the trees is reached by any link in them (R1), and only regular files
 * are opened.
 */
#ifndef IMMURE_CONTAINER_MERGED_H
#define IMMURE_CONTAINER_MERGED_H

#include <stddef.h>

#include "profile/profile.h"
#include "util/err.h"
#include "util/overlay.h"

struct merged {
	int trees[OVERLAY_TREES]; /* the uppermost first */
	size_t count;
};

/* Opens the trees. 0 or -errno with reterr. */
int merged_open(const struct layers *layers, struct merged *ret, struct err *reterr);
void merged_close(struct merged *merged);

/* Reads a regular file of at most maximum bytes at an absolute path: malloc'd, NUL after it.
 * -ENOENT where there is none, -ELOOP for more than 40 links, -EINVAL where it is no regular file.
 */
int merged_read(const struct merged *merged, const char *path, size_t maximum, char **ret_text,
	size_t *ret_length);

/* The uppermost of the directories that make up the one at an absolute path, opened for reading.
 * -ENOENT where nothing is there, -ENOTDIR where it is something else; or -errno. */
int merged_directory(const struct merged *merged, const char *path);

#endif
