/*
 * Landlock: the file rules of the profile a second time, on inodes instead of mounts, so that one
 * mount too many is not yet a hole (R27); and the scopes that cut abstract sockets and signals.
 * landlock(7), Documentation/userspace-api/landlock.rst.
 */
#ifndef IMMURE_ISOLATION_LANDLOCK_H
#define IMMURE_ISOLATION_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/profile.h"
#include "profile/receipt.h"

struct arena;
struct child;
struct host;
struct report;

struct landlock_rule {
	const char *path; /* in the jail, absolute */
	uint64_t access;  /* LANDLOCK_ACCESS_FS_*; what does not apply to a file is left out for one
			   */
	const struct rule *rule; /* that asks for it; NULL: the engine itself */
	bool optional; /* it may be absent: a best-effort rule, or a place that only some kernels
			  have */
};

struct landlock_layer {
	struct landlock_rule *rules;
	size_t count;
};

struct landlock_plan {
	int abi; /* 0: not applied */
	uint64_t handled_files, handled_network, scoped;
	struct landlock_layer layers[2]; /* derived from files; and, where there is one, the
					    tightening: both must allow */
	size_t layer_count;
};

/* shown: what the mounts put where, as struct mount_plan has it (mount.h). */
int landlock_compile(const struct profile *profile, const struct host *host,
	const struct mount_rule *const *shown, size_t shown_count, struct arena *arena,
	struct receipt *receipt, struct landlock_plan *ret, struct err *reterr);
void landlock_explain(const struct landlock_plan *plan, struct report *out);

/* Needs: no_new_privs, the jail's root in place, one thread. Drops: access to every inode no rule
 * names. reterr_item: for landlock_rule_of(). */
int landlock_apply(const struct landlock_plan *plan, struct child *child, uint16_t *reterr_item);

/* The rule that an item of landlock_apply() means; NULL: none, the ruleset as a whole. */
const struct landlock_rule *landlock_rule_of(const struct landlock_plan *plan, uint16_t item);

#endif
