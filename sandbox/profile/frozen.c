/* Built-in profiles that were read at build time: see frozen.h. */
#include "profile/frozen.h"

#include <errno.h>
#include <string.h>

#include "util/arena.h"

const struct frozen_profile *frozen_find(const char *name)
{
	if (!frozen_profiles)
		return NULL;
	for (size_t i = 0; i < frozen_profile_count; i++)
		if (strcmp(frozen_profiles[i].name, name) == 0)
			return &frozen_profiles[i];
	return NULL;
}

const struct frozen_profile *frozen_find_group(const char *group)
{
	for (size_t i = 0; frozen_profiles && i < frozen_profile_count; i++)
		if (frozen_profiles[i].group && strcmp(frozen_profiles[i].group, group) == 0)
			return &frozen_profiles[i];
	return NULL;
}

/* Clauses are copied as they are, and what they point to is read-only: equal bytes are equal rules.
 */
static bool same_filter(const struct profile *a, const struct profile *b)
{
	const struct syscalls_section *x = &a->syscalls, *y = &b->syscalls;

	return x->rule.enforce == y->rule.enforce && x->unconfined == y->unconfined &&
	       x->default_action == y->default_action && x->default_error == y->default_error &&
	       x->foreign_i386 == y->foreign_i386 && x->clause_count == y->clause_count &&
	       memcmp(x->clauses, y->clauses, x->clause_count * sizeof(*x->clauses)) == 0 &&
	       a->namespaces.nested_user == b->namespaces.nested_user;
}

const struct frozen_filter *frozen_find_filter(const struct profile *profile)
{
	for (size_t i = 0; frozen_profiles && i < frozen_profile_count; i++)
		if (frozen_profiles[i].filter.length &&
			same_filter(frozen_profiles[i].profile, profile))
			return &frozen_profiles[i].filter;
	return NULL;
}

/* A copy with the room that arena_append() expects behind count elements: up to the next power of
 * two. */
static int thaw_array(
	struct arena *arena, const void *frozen, size_t count, size_t size, void *ret_array)
{
	size_t room = 1;
	void *copy;

	if (!count)
		return 0;
	while (room < count)
		room *= 2;
	copy = arena_zeroed(arena, room, size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, frozen, count * size);
	*(void **)ret_array = copy;
	return 0;
}

#define THAW(array, count) thaw_array(arena, (array), (count), sizeof(*(array)), &(array))

int frozen_thaw(const struct frozen_profile *frozen, struct arena *arena, struct profile *ret)
{
	struct profile profile = *frozen->profile;

	if (THAW(profile.files.mounts, profile.files.mount_count) ||
		THAW(profile.devices.devices, profile.devices.device_count) ||
		THAW(profile.limits.io, profile.limits.io_count) ||
		THAW(profile.syscalls.clauses, profile.syscalls.clause_count) ||
		THAW(profile.environment.settings, profile.environment.setting_count) ||
		THAW(profile.landlock.paths, profile.landlock.path_count))
		return -ENOMEM;
	*ret = profile;
	return 0;
}

int frozen_thaw_group(
	const struct frozen_profile *frozen, struct arena *arena, struct syscalls_section *ret)
{
	struct syscalls_section section = frozen->profile->syscalls;

	if (THAW(section.clauses, section.clause_count))
		return -ENOMEM;
	ret->clauses = section.clauses;
	ret->clause_count = section.clause_count;
	ret->default_action = section.default_action;
	ret->default_error = section.default_error;
	return 0;
}
