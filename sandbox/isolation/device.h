/*
 * /dev: always our own, with a fixed list of nodes bound from the host's devtmpfs, a devpts of our
 * own, and what the profile adds. Never a node out of a tree that others wrote (R4, R5;
 * CVE-2026-41579, CVE-2026-88264).
 */
#ifndef IMMURE_ISOLATION_DEVICE_H
#define IMMURE_ISOLATION_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/profile.h"
#include "profile/receipt.h"

struct arena;
struct child;
struct host;
struct report;

struct device_node {
	const char *path;       /* below /dev, without a slash in front: "null", "dri/card0" */
	const char *parent;     /* directory to make first, or NULL */
	uint64_t node;          /* st_rdev when it was checked; 0: a directory of nodes */
	uint64_t inode, device; /* 0: the node alone decides */
	uint64_t attributes;
	const struct rule *rule;
};

struct device_plan {
	bool own_tmpfs; /* the root is not ours: mount a tmpfs on its /dev */
	bool make;      /* and where an image has no /dev, make one in its upper directory */
	bool queues;    /* a mount of /dev/mqueue */
	bool standard;
	struct device_node *nodes;
	size_t count;
	const char *shm_size;
};

int device_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct device_plan *ret, struct err *reterr);
void device_explain(const struct device_plan *plan, struct report *out);

/* Needs: CAP_SYS_ADMIN, child->root, the host's /dev still below "/". reterr_item: index into
 * nodes, or 1000 and up for the rest. */
int device_apply(const struct device_plan *plan, struct child *child, uint16_t *reterr_item);

#endif
