/* The readers of a profile's sections: each reads the value at the cursor into its part of struct
 * profile. */
#ifndef IMMURE_PROFILE_SECTIONS_H
#define IMMURE_PROFILE_SECTIONS_H

#include "profile/cursor.h"

/* Bounds of what one profile may hold, with all that it extends. */
enum {
	MOUNTS_MAX = 8192,
	DEVICES_MAX = 256,
	IO_LIMITS_MAX = 64,
	CLAUSES_MAX = 4096,
	CLAUSE_NAMES_MAX = 1024,
	ARGUMENTS_MAX = 16, /* conditions; several on one argument must all hold */
	ARGUMENT_VALUES_MAX = 256,
	GROUPS_MAX = 32,
	ENVIRONMENT_MAX = 1024,
	LANDLOCK_PATHS_MAX = 4096,
};

int files_read(const struct cursor *at, const struct field *field, void *into);
int devices_read(const struct cursor *at, const struct field *field, void *into);
int network_read(const struct cursor *at, const struct field *field, void *into);
int limits_read(const struct cursor *at, const struct field *field, void *into);
int syscalls_read(const struct cursor *at, const struct field *field, void *into);
int capabilities_read(const struct cursor *at, const struct field *field, void *into);
int identity_read(const struct cursor *at, const struct field *field, void *into);
int environment_read(const struct cursor *at, const struct field *field, void *into);
int terminal_read(const struct cursor *at, const struct field *field, void *into);
int selinux_read(const struct cursor *at, const struct field *field, void *into);
int landlock_read(const struct cursor *at, const struct field *field, void *into);
int namespaces_read(const struct cursor *at, const struct field *field, void *into);

/* ---- shared by the readers, the emitter and the command line ---- */

/* Where the rule for target stands in files->mounts; its count where there is none. */
size_t mounts_find(const struct files_section *files, const char *target);
/* Adds or replaces the rule for rule->target in place (strings borrowed). 0 or -ENOMEM. */
int mounts_set(struct files_section *files, struct arena *arena, const struct mount_rule *rule);
/* A tmpfs at one of these is for everybody to write: 01777. */
mode_t mounts_default_mode(const struct mount_rule *rule);

/* Adds or replaces by name. 0 or -ENOMEM. */
int environment_set(struct environment_section *environment, struct arena *arena,
	const struct environment_setting *setting);

/* One clause of a document that is being applied: it may lift what was inherited only for a reason.
 */
int clause_add(const struct cursor *at, const struct syscall_clause *clause);
int clause_check(const struct cursor *at, const struct syscall_clause *clause);
/* True when a clause lets calls through that the policy would not. */
bool clause_permits(const struct syscall_clause *clause);
/* An element of "rules"; the array of names of a clause; the number of an errno's name. */
int clause_read(const struct cursor *at, void *into);
int clause_names_read(const struct cursor *at, const struct field *field, void *into);
int clause_errno(const struct cursor *at, const char *name, uint16_t *ret);

/* Reads the document of a group ("include", "default", "allow", "deny", "rules") into the profile's
 * policy. */
int group_read(struct reading *reading);

#endif
