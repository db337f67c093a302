/*
 * What the jail sees of the file system: the mount rules of a profile, sorted so that what lies
 * above is mounted first, each one bound from a source that was checked to a place that nobody else
 * can redirect. open_tree(2), mount_setattr(2), move_mount(2), openat2(2).
 *
 * Nothing is ever created on the host: mount points are made only in file systems of our own; a
 * place inside a bind must exist there.
 */
#ifndef IMMURE_ISOLATION_MOUNT_H
#define IMMURE_ISOLATION_MOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "isolation/child.h"
#include "isolation/layers.h"
#include "profile/profile.h"
#include "profile/receipt.h"

struct arena;
struct child;
struct host;
struct report;

enum mount_operation_kind {
	OPERATION_DIRECTORY, /* mkdir, in a file system of our own */
	OPERATION_SYMLINK,
	OPERATION_FILE,
	OPERATION_TMPFS,
	OPERATION_BIND,
	OPERATION_PIN, /* a directory in a writable bind, mounted on itself so that it cannot be
			  renamed away (T-HAND-03) */
	OPERATION_DENY_DIRECTORY, /* an empty tmpfs that nobody may open */
	OPERATION_DENY_FILE,      /* a device node on a nodev mount: no open succeeds */
	OPERATION_DENY_FOUND, /* one of the two, by what is found there; nothing where nothing is */
	OPERATION_LAYERS,
	OPERATION_KIND_COUNT
};

enum mount_point { POINT_EXISTS, POINT_DIRECTORY, POINT_FILE };

struct mount_operation {
	enum mount_operation_kind kind;
	enum mount_point point;   /* what is to be made at target first */
	enum child_lookup lookup; /* of target */
	mode_t mode;
	uint64_t attributes;    /* MOUNT_ATTR_* */
	uint64_t device, inode; /* of the source, when it was checked */
	const char *target;     /* relative to the root: no slash in front */
	const char *base;       /* the tmpfs of the plan that target lies in, likewise; NULL: none,
				   or the root itself */
	enum child_lookup base_lookup; /* of base */
	bool holds;                    /* tmpfs: it is somebody's base */
	const char *source;            /* bind: resolved path; symlink: text; file: content */
	const char *size, *inodes, *mode_text; /* tmpfs options */
	const char *name; /* file in a root of layers: by which it is kept in child->scratch */
	const struct layers_plan *layers;
	const struct mount_rule
		*rule; /* NULL: made by the compiler itself (a parent directory, a pin) */
};

struct mount_plan {
	struct mount_operation *operations;
	size_t count;
	const struct mount_rule **shown; /* the rules behind the operations that show something of
					    their own, each with the target where it comes to lie,
					    in the order of the targets: what Landlock grants */
	size_t shown_count;
	const char **absent; /* on the host: what best-effort rules would have protected in a
				writable bind, had it been there */
	size_t absent_count;
};

int mount_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct mount_plan *ret, struct err *reterr);
void mount_explain(const struct mount_plan *plan, struct report *out);

/*
 * Needs: CAP_SYS_ADMIN in the namespaces, child->root, the host's tree still below "/".
 * reterr_item: index into operations; of -EXDEV also that of one which a later mount has come to
 * hide.
 */
int mount_apply(const struct mount_plan *plan, struct child *child, uint16_t *reterr_item);

#endif
