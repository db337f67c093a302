/* What the two halves of the compiler of mounts share: mount_rules.c gathers the rules,
 * mount_compile.c makes operations of them. See mount.h. */
#ifndef IMMURE_ISOLATION_MOUNT_PARTS_H
#define IMMURE_ISOLATION_MOUNT_PARTS_H

#include "isolation/mount.h"

enum ground {
	GROUND_OURS,
	GROUND_READ_ONLY,
	GROUND_WRITABLE,
	GROUND_LINK,
	GROUND_DENIED,
	GROUND_LAYERS, /* the root, where it was put together from layers */
	GROUND_VIEW,   /* layers at a place */
};

/* A mount that may have others below it. */
struct frame {
	const char *target;
	enum ground ground;
	const char *source; /* of a bind: the path on the host; else NULL */
	size_t operation;   /* of a tmpfs: its number */
};

struct compiler {
	const struct profile *profile;
	const struct host *host;
	struct arena *arena;
	struct receipt *receipt;
	struct err *err;
	struct mount_plan *plan;
	const struct mount_rule **rules; /* sorted by target */
	size_t rule_count, asked_count; /* the profile's come first, until all are sorted */
	const struct mount_rule **foreign; /* those that show something no profile asks for: none,
					      unless the compiler is at fault */
	size_t foreign_count;
	struct frame *stack;
	size_t depth;
	const char *previous; /* target of the rule before */
};

/* err_set() with the place where rule was written; code. */
int mount_fail(struct compiler *c, const struct rule *rule, int code, const char *what,
	const char *path, const char *why);
int mount_out_of_memory(struct compiler *c);

/* The path on the host of a place in a bind. NULL: out of memory. */
const char *mount_host_side(struct compiler *c, const struct frame *frame, const char *target);

/* Fills rules, sorted by target, and makes room for the stack. */
int mount_gather(struct compiler *c);

#endif
