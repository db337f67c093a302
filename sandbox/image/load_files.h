/*
 * What an image archive holds, whichever form it has: every file of it is a blob of the store by
 * what is in it, and its name an entry of a table in memory. Inside of the verb load.
 */
#ifndef IMMURE_IMAGE_LOAD_FILES_H
#define IMMURE_IMAGE_LOAD_FILES_H

#include <stddef.h>

#include "image/make.h"
#include "image/storage.h"
#include "util/arena.h"
#include "util/err.h"

struct load_file {
	const char *name;   /* canonical: "/blobs/sha256/…" */
	const char *target; /* of a link; NULL: a file */
	size_t order;       /* in which they came */
	struct make_layer blob;
};

struct load_files {
	const struct storage *storage;
	struct arena *arena;     /* names and table are its */
	struct load_file *items; /* sorted, once all of them are there */
	size_t count;
	size_t name_bytes; /* that names and targets took */
};

/* Reads a tar archive, compressed or not, from fd to its end. 0 or -errno. */
int load_files_of_archive(struct load_files *files, int fd, struct err *reterr);

/*
 * Takes what belongs to images out of a directory in the form of an OCI layout (image-layout.md) or
 * of skopeo's "dir:", and leaves all else in it alone. Links are refused. 0 or -errno.
 */
int load_files_of_directory(struct load_files *files, const char *path, struct err *reterr);

/* A name as the table has it; NULL for one that cannot be any. */
const char *load_files_name(struct load_files *files, const char *name);

/* The blob that a name of the table stands for, links followed; what came last under it counts.
 * NULL: none. */
const struct make_layer *load_files_find(const struct load_files *files, const char *name);

#endif
