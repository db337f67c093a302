/*
 * Short names: "debian" was written, and registries.conf made quay.io/org/debian of it. Only the
 * program that pulls reads that file (mirror.h); what it made of a name is kept in the storage, so
 * that whoever writes the same name to another verb means the same image. Shared by both programs
 * (the launcher only reads).
 *
 *	short/REPOSITORY   a link whose text is REGISTRY/REPOSITORY; ":" stands for a "/"
 */
#ifndef IMMURE_IMAGE_SHORT_H
#define IMMURE_IMAGE_SHORT_H

#include <stdbool.h>

#include "image/reference.h"
#include "image/storage.h"
#include "util/err.h"

/* Completes a name that was written without a registry as it was when it was pulled. False, and
 * nothing changed, where it has a registry or never was. */
bool short_recall(const struct storage *storage, struct reference *reference);

/*
 * Keeps what written, without a registry, was completed to; where that is what
 * reference_complete() makes of it, it is forgotten. 0 or -errno with reterr.
 */
int short_remember(const struct storage *storage, const struct reference *written,
	const struct reference *complete, struct err *reterr);

#endif
