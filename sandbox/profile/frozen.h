/*
 * Built-in profiles that were read when the program was built, and laid down as constant data by
 * profiles/freeze.c. The JSON stays the source (and is in the binary, for `profile show` and for
 * messages); a launch under an unchanged built-in, or under a profile that begins with one, just
 * does not read it again. Only profiles without variables can be frozen.
 */
#ifndef IMMURE_PROFILE_FROZEN_H
#define IMMURE_PROFILE_FROZEN_H

#include <linux/filter.h>
#include <stddef.h>

#include "profile/profile.h"

struct arena;

/* A system call filter for this architecture, as isolation/seccomp.h compiles it. */
struct frozen_filter {
	const struct sock_filter *code;
	unsigned short length; /* instructions */
	unsigned allowed;      /* calls that can succeed */
};

struct frozen_profile {
	const char *name;
	const struct profile *profile;
	struct frozen_filter filter;
	const char *group; /* "untrusted@1": whose clauses are all that its policy holds; or NULL */
};

/* Absent (weak) in the tool that makes them. */
extern const struct frozen_profile frozen_profiles[] __attribute__((weak));
extern const size_t frozen_profile_count __attribute__((weak));
extern const struct frozen_filter frozen_init_filter __attribute__((weak)); /* of PID 1 */

/* The frozen profile of that name, or NULL. */
const struct frozen_profile *frozen_find(const char *name);
/* The one whose policy is that group, or NULL. */
const struct frozen_profile *frozen_find_group(const char *group);

/*
 * The filter that belongs to profile, if what decides about its filter is a frozen profile's down
 * to the last pointer: then nothing has changed it. Else NULL.
 */
const struct frozen_filter *frozen_find_filter(const struct profile *profile);

/* A profile of its own, whose arrays can grow and change as if it had been read. 0 or -ENOMEM. */
int frozen_thaw(const struct frozen_profile *frozen, struct arena *arena, struct profile *ret);
/* Its clauses and its default alone, into a section that has none. 0 or -ENOMEM. */
int frozen_thaw_group(
	const struct frozen_profile *frozen, struct arena *arena, struct syscalls_section *ret);

#endif
