/*
 * Layers: directories of the host that overlayfs shows as one tree, as the root of a jail or at a
 * place in it. Not a mechanism of its own, but what root and mount have in common.
 *
 * The mount belongs to the jail's user namespace (option userxattr, Linux 5.11), so that it can do
 * no more than the user whose files they are. Each directory is opened by itself, compared with
 * what was checked, and named by its descriptor: names of the host appear neither in the options,
 * which have room for one page only, nor in the jail's mountinfo. mount(2) and not fsconfig(2): a
 * parameter of the latter may have 256 bytes, and lowerdir+ needs Linux 6.7.
 */
#ifndef IMMURE_ISOLATION_LAYERS_H
#define IMMURE_ISOLATION_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/profile.h"
#include "util/err.h"
#include "util/overlay.h"

struct arena;
struct child;
struct host;
struct report;

struct layers_tree {
	const char *path;       /* on the host; NULL: none */
	uint64_t device, inode; /* when it was checked */
};

struct layers_plan {
	struct layers_tree *trees; /* the lowest first */
	size_t count;
	struct layers_tree upper, work;
	bool discard;
};

/* Where in layers_mount() it went wrong: a tree's index, or one of these. */
enum layers_item {
	LAYERS_UPPER = OVERLAY_TREES,
	LAYERS_WORK,
	LAYERS_SCRATCH,
	LAYERS_OVERLAY,
	LAYERS_ITEM_COUNT
};

/*
 * Checks the directories; rule says who asked. What is no directory, is not within reach, or
 * belongs to no file system of its own for upper and work: an error.
 */
int layers_compile(const struct layers *layers, const struct rule *rule, const struct host *host,
	struct arena *arena, struct layers_plan *ret, struct err *reterr);

/* "12 layers, changes in /home/u/…/upper". Returns buffer. */
char *layers_text(const struct layers_plan *plan, char *buffer, size_t size);
void layers_explain(const struct layers_plan *plan, struct report *out);

/*
 * Mounts the merged tree on top of whatever is at place (O_PATH). flags: MS_* beside nosuid and
 * nodev. scratch: the root of an empty tmpfs of ours, mounted, where the plan has no upper: mount
 * points have to be made somewhere, and overlayfs takes a single tree only with an upper. Needs:
 * CAP_SYS_ADMIN in the namespaces, the host's tree and its /proc in reach. 0 or -errno.
 */
int layers_mount(const struct layers_plan *plan, const struct child *child, int place, int scratch,
	unsigned long flags, uint16_t *reterr_item);

/* The line about a layers_mount() that failed. */
void layers_describe(const struct layers_plan *plan, uint16_t item, int error, const char *where,
	struct err *reterr);

#endif
