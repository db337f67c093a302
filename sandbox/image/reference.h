/*
 * The names of images, as docker and podman users write them: [REGISTRY/]REPOSITORY[:TAG][@DIGEST].
 * distribution/reference's grammar, and no more: no user information, no upper case, no control
 * character, no look-alike letters (T-REG-24). Pure; shared by both programs.
 */
#ifndef IMMURE_IMAGE_REFERENCE_H
#define IMMURE_IMAGE_REFERENCE_H

#include <stdbool.h>

#include "image/digest.h"
#include "util/err.h"

#define REFERENCE_ROOM 768 /* bytes that hold the longest whole name and its NUL */

struct reference {
	char registry[256];   /* "docker.io", "localhost:5000"; "" where none was written */
	char repository[256]; /* "library/debian" */
	char tag[129];        /* "" where only a digest was written */
	struct digest digest; /* "" : none */
};

/*
 * Parses text. A name without a registry (its first word has no dot, no colon and is not
 * "localhost") leaves registry empty: reference_complete() decides. Tag "latest" is filled in where
 * there is neither tag nor digest. -EINVAL with reterr, which says which part is wrong and how a
 * name looks.
 */
int reference_parse(const char *text, struct reference *ret, struct err *reterr);

/* Fills in registry where it is empty: "docker.io" (and "library/" before a repository of one word
 * there), as docker does. */
void reference_complete(struct reference *reference);

/* "docker.io/library/debian:12", "localhost:5000/app@sha256:…" (tag left out where there is a
 * digest). Into buffer; returns it. */
const char *reference_format(const struct reference *reference, char buffer[REFERENCE_ROOM]);

/* The way people write it: without docker.io/library/, where that still means the same. */
const char *reference_familiar(const struct reference *reference, char buffer[REFERENCE_ROOM]);

#endif
