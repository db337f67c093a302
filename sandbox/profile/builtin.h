/* Profiles and system call groups that travel inside the binary; the table is made by the Makefile. */
#ifndef IMMURE_PROFILE_BUILTIN_H
#define IMMURE_PROFILE_BUILTIN_H

#include <stddef.h>

struct builtin_entry {
	const char *path; /* as in the source tree: "profiles/untrusted.json" */
	const char *text; /* NUL-terminated */
	size_t length;
};

extern const struct builtin_entry builtin_entries[];
extern const size_t builtin_count;

#endif
