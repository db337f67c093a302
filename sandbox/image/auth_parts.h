/* What the readers and the writer of credentials share. Second program only. */
#ifndef IMMURE_IMAGE_AUTH_PARTS_H
#define IMMURE_IMAGE_AUTH_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "util/json.h"

#define AUTH_BYTES ((size_t)1024 * 1024)
#define AUTH_PLACES 5

extern const struct json_limits auth_limits;

/* Whether a key of "auths" means this registry, in whichever spelling. */
bool auth_key_is(const char *key, const char *registry);

/* The whole file; -EINVAL where it is no regular one. */
int auth_read_file(const char *path, char **ret_text, size_t *ret_length, bool *ret_exposed);

/* The paths to look at, in order, NULL-terminated; 0 or -ENOMEM. */
int auth_places(char *places[AUTH_PLACES + 1]);
void auth_places_free(char *places[AUTH_PLACES + 1]);

#endif
