/*
 * images/index.json: what other programs (skopeo, umoci, podman) see of the store. It is made from
 * tags/ and says nothing that is not there; immure itself never reads it. Second program only.
 */
#ifndef IMMURE_IMAGE_INDEX_H
#define IMMURE_IMAGE_INDEX_H

#include "image/storage.h"
#include "util/err.h"

/*
 * Makes it anew, under a lock of its own, and replaces it as a whole: one descriptor a name, whose
 * annotation org.opencontainers.image.ref.name is the whole name ("docker.io/library/debian:12"),
 * and one without a name for what names meant before, so that no other program collects it. A name
 * whose manifest is not there is left out. image-spec image-layout.md.
 */
int index_update(const struct storage *storage, struct err *reterr);

#endif
