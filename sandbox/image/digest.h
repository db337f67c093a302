/*
 * Digests as OCI descriptors write them: "sha256:" and 64 lower-case hexadecimal digits, or
 * "sha512:" and 128. Nothing else is a digest to us (CVE-2024-3727: an unchecked one became a
 * path). image-spec descriptor.md, "Digests".
 */
#ifndef IMMURE_IMAGE_DIGEST_H
#define IMMURE_IMAGE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_ROOM 136 /* bytes that hold the longest digest and its NUL */

struct digest {
	char text[DIGEST_ROOM]; /* "" : none */
};

bool digest_is_valid(const char *text);

/* Copies text where it is a digest: 0, else -EINVAL. */
int digest_parse(const char *text, struct digest *ret);

/* "sha256" or "sha512" and the digits alone, of a valid digest; the pointers point into it. */
const char *digest_hex(const struct digest *digest);
size_t digest_algorithm_length(const struct digest *digest);

/*
 * The digits, where text may be the beginning of an id as people write it: three or more, "sha256:"
 * before them or not. Else NULL.
 */
const char *digest_short(const char *text);

bool digest_equal(const struct digest *a, const struct digest *b);

#endif
