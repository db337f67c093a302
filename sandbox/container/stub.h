/*
 * What a launch makes in a container's upper only to mount over it: an empty file or directory
 * where the image has none. No commit or diff should tell of it.
 */
#ifndef IMMURE_CONTAINER_STUB_H
#define IMMURE_CONTAINER_STUB_H

#include <stddef.h>

#include "profile/profile.h"

struct arena;

/*
 * Removes it once the container has ended: what lies under the mounts of profile and is empty, and
 * the directories above that are empty then and as the image has them, or as a launch makes them.
 * Nothing that holds anything is touched; what cannot be removed stays.
 */
void stub_remove_all(const struct layers *layers, const struct profile *profile);

/* Absolute paths; the arena's. */
struct stub_list {
	struct arena *arena;
	const char **paths;
	size_t count;
};

/*
 * Adds to ret what stub_remove_all() would remove, each before the directory that it lies in: of a
 * container that runs, or whose launcher was killed. Without memory for the rest, some are left
 * out.
 */
void stub_find_all(
	const struct layers *layers, const struct profile *profile, struct stub_list *ret);

#endif
