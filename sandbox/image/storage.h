/*
 * Where images, layers, containers and volumes lie: one directory of the user's, private to them.
 *
 *	images/                    an OCI image layout (image-spec image-layout.md): oci-layout,
 *	                           index.json, blobs/sha256/…; index.json is made from tags/,
 *	                           for skopeo, umoci and podman
 *	tags/REGISTRY/REPO…/:TAG   what a name means, and what it meant before (tag.h): the truth
 *	tags/…/@DIGEST             the same for an image that was pulled by digest alone
 *	short/REPO                 what a name without a registry was pulled as (short.h)
 *	records/HEX.json           what a launch needs to know of the image with that manifest
 *	                           (record.h)
 *	layers/mapped/CHAIN/tree   an unpacked layer, owned by subordinate ids
 *	layers/single/CHAIN/tree   the same where the user has but one id
 *	staging/                   what is being made; .lock: its makers hold it shared (collect.h)
 *	containers/ID/             upper, work, container.json (container/)
 *	names/NAME                 a link to the id of the container that has the name
 *	volumes/NAME/              named volumes
 *
 * Everything becomes visible by one rename or link, after it was checked and flushed. Shared by
 * both programs.
 */
#ifndef IMMURE_IMAGE_STORAGE_H
#define IMMURE_IMAGE_STORAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

struct storage {
	const char *path; /* absolute, borrowed: for messages and binds */
	int directory;    /* O_DIRECTORY; -1: closed */
	bool whole;       /* no part of it was missing when it was opened */
};

/*
 * Opens the storage at path. It must be ours and not for others to write to, and each directory in
 * it closed to others (0700), whether it was made by us or found (T-PATH-46). make: makes what is
 * missing of it, first, parents included; without make, one that is not there is -ENOENT. 0 or
 * -errno with reterr.
 */
int storage_open(const char *path, bool make, struct storage *ret, struct err *reterr);
void storage_close(struct storage *storage);

/* Opens a directory below it ("layers/mapped") for reading, without following links. A descriptor
 * or -errno. */
int storage_directory(const struct storage *storage, const char *below);

/* Adds name to directory, flushed, unless there is one already, which is left as it is. 0 or
 * -errno. */
int storage_add_file(int directory, const char *name, const char *text, size_t length);

#endif
