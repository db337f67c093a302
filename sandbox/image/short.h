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
 * A name that a user gives to an image: parsed, and completed as it was when it was pulled, or else
 * as docker does. -EINVAL where it has a digest, which says itself what it means.
 */
int short_complete(
	const struct storage *storage, const char *text, struct reference *ret, struct err *reterr);

/*
 * Keeps what written, without a registry, was completed to; where that is what
 * reference_complete() makes of it, it is forgotten. 0 or -errno with reterr.
 */
int short_remember(const struct storage *storage, const struct reference *written,
	const struct reference *complete, struct err *reterr);

/*
 * Forgets what leads to a repository of which nothing is here any more, and what killed writers
 * left. What is no link is not ours: it stays, and strange is told of it. 0, or -errno where the
 * directory cannot be read or locked.
 */
int short_sweep(const struct storage *storage, void (*strange)(void *context, const char *name),
	void *context);

#endif
