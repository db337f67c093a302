/* Profiles by name or file, with everything they extend, into one struct profile. */
#ifndef IMMURE_PROFILE_LOAD_H
#define IMMURE_PROFILE_LOAD_H

#include <stddef.h>
#include <stdio.h>

#include "profile/profile.h"
#include "util/err.h"

struct arena;

/* What ${…} in a profile may stand for; borrowed strings, canonical paths. An unset one (NULL) is an error where it is used. */
struct profile_variables {
	const char *cwd, *home, *user;
	const char *xdg_cache, *xdg_config, *xdg_data, *xdg_runtime;
	const char *program_directory; /* ${program.directory}: of the program to run; NULL outside a launch */
	unsigned uid, gid;
};

/*
 * Keeps every document that was read alive, since origins point into them. Zero-initialise (cursor into documents from the newest);
 * release with profile_library_free() after the last use of any profile made from it.
 */
struct profile_library {
	struct profile_document *documents;
};
void profile_library_free(struct profile_library *library);

/*
 * Loads by name or path. A word with a slash is a file; "-" is standard input; "@N" is descriptor N; every other word is a name, looked up
 * as NAME.json in the user's configuration directory (variables->xdg_config/immure/profiles), then /etc/immure/profiles, then among the
 * built-in ones; never in the current directory (T-CFG-24). Files must be regular (or a pipe, for - and @N), at most 1 MiB, owned by the
 * user or root and not writable by others. `extends` names are looked up the same way, at most 8 deep and 32 in all, cycles refused;
 * a profile that has the name of a built-in may extend the built-in by the name "built-in/NAME".
 *
 * ret is complete on success (defaults filled in): validated by itself, not against the host. Errors name file:line:column, the
 * pointer, what was expected, and the nearest valid word.
 */
int profile_load(const char *name_or_path, const struct profile_variables *variables, struct arena *arena,
	struct profile_library *library, struct profile *ret, struct err *reterr);

/* The same from text in memory (malloc'd, taken over), as tests, fuzzers and other notations need it. */
int profile_load_text(const char *document_name, char *text, size_t length, const struct profile_variables *variables,
	struct arena *arena, struct profile_library *library, struct profile *ret, struct err *reterr);

/* The struct a profile with no rule at all gives: the strictest defaults of each section. Never fails. */
void profile_defaults(struct profile *ret);

/*
 * Prints profile as a JSON document of this version that loads (without extends and variables) to an equal profile. With origins, each
 * rule's place goes in an "x-origin" beside it.
 */
int profile_emit(const struct profile *profile, bool origins, FILE *out);

/* True when a and b say the same, origins and the `set` marks' places aside. */
bool profile_equal(const struct profile *a, const struct profile *b);

/* Parts of it: whether two clauses name the same calls, or have the same conditions, in the same
 * order. */
bool profile_same_names(const struct syscall_clause *a, const struct syscall_clause *b);
bool profile_same_arguments(const struct syscall_clause *a, const struct syscall_clause *b);

/* Names that profile_load() would find, the user's first: for `profile list` and completion. */
struct profile_listing {
	const char *name, *description, *place; /* place: a path or "built-in" */
};
int profile_list(const struct profile_variables *variables, struct arena *arena, struct profile_listing **ret, size_t *ret_count,
	struct err *reterr);

/* The text of a built-in: "profiles/untrusted.json", "policies/seccomp/untrusted@1.json", "profiles/schema.json"; NULL when none. */
const char *builtin_text(const char *path, size_t *ret_length);
/* The path of built-in number index, or NULL past the last. */
const char *builtin_path(size_t index);

/* Tables of names, shared with the command line. */
extern const char *const limit_names[LIMIT_COUNT]; /* "memory", "memory_high", "open_files" … */
int limit_parse(enum limit_kind kind, const char *text, uint64_t *ret, struct err *reterr); /* "512M", "1.5", "unlimited" */
/* The value in its shortest form that limit_parse() reads back: "1G", "1.5", "unlimited". Returns
 * buffer. */
char *limit_format(enum limit_kind kind, uint64_t value, char *buffer, size_t size);
extern const char *const enforce_names[ENFORCE_COUNT];
extern const char *const mount_kind_names[MOUNT_KIND_COUNT];
extern const char *const syscall_action_names[ACTION_COUNT];

/* Adds or replaces a rule by its key, as the parser does; used by the command line. The mount rule is copied. */
int profile_set_mount(struct profile *profile, struct arena *arena, const struct mount_rule *rule, struct err *reterr);
int profile_set_environment(struct profile *profile, struct arena *arena, const struct environment_setting *setting, struct err *reterr);
int profile_add_clause(struct profile *profile, struct arena *arena, const struct syscall_clause *clause, struct err *reterr);

#endif
