/*
 * The root of the jail: what it is made of, how it takes the place of the host's, and that nothing
 * of the old one stays within reach. pivot_root(2), mount_setattr(2), CVE-2024-21626 (a working
 * directory that leads out).
 */
#ifndef IMMURE_ISOLATION_ROOT_H
#define IMMURE_ISOLATION_ROOT_H

#include <stdbool.h>
#include <stdint.h>

#include "isolation/layers.h"
#include "profile/profile.h"
#include "profile/receipt.h"

struct arena;
struct child;
struct host;
struct report;

struct root_plan {
	enum root_kind kind;
	const char *source;        /* host: "/"; directory: its resolved path; empty: NULL */
	uint64_t device, inode;    /* of source, when it was checked */
	uint64_t attributes;       /* MOUNT_ATTR_* of the root mount once it is furnished */
	const char *inodes;        /* empty, scratch: how many entries the tmpfs may hold */
	struct layers_plan layers; /* layers: what the root is put together from */
	bool scratch; /* layers: a tmpfs of ours below them holds what the rules have us write, and
			 mount points for a view without upper */
	const struct rule *rule;
};

int root_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct root_plan *ret, struct err *reterr);
void root_explain(const struct root_plan *plan, struct report *out);

/* In reterr_item of root_apply(): this and above, minus it, is that of layers_mount(). */
#define ROOT_ITEM_LAYERS 1000

/*
 * Cuts the propagation of every mount, then mounts the new root over "/", open in child->root (and
 * child->scratch). Needs: CAP_SYS_ADMIN in the namespaces.
 */
int root_apply(const struct root_plan *plan, struct child *child, uint16_t *reterr_item);

/*
 * Makes the new root read-only where planned and moves in: pivot_root, the old root detached, the
 * working directory "/". Drops: every path of the host. Closes child->root and child->scratch. Must
 * not be followed by anything that needs the host's /proc or /dev.
 */
int root_pivot(const struct root_plan *plan, struct child *child, uint16_t *reterr_item);

#endif
