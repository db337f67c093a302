/*
 * What the walk of the step table carries along in the child: descriptors that exist only once the
 * child does. The plan itself is read-only by then. Only system calls happen around it: no malloc,
 * no stdio. Beside it, the few moves that more than one mechanism makes.
 */
#ifndef IMMURE_ISOLATION_CHILD_H
#define IMMURE_ISOLATION_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHILD_OWN_MOUNTS 256

struct child {
	int control; /* socket to the supervisor (SOCK_SEQPACKET); never -1 */
	int root;    /* the new root (a mount), from the root step until the pivot; else -1 */
	int scratch; /* a root of layers: the tmpfs below it, where there is one, for the same time;
			else -1 */
	uint64_t own[CHILD_OWN_MOUNTS]; /* mounts of ours that places may be made in (tmpfs), by
					   their ids */
	unsigned own_count;
	int label; /* /proc/thread-self/attr/exec, open while the host's /proc is reachable; else -1
		    */
	int terminal;      /* slave of the jail's own pty; else -1 */
	int network;       /* the network namespace that network_begin() had made; else -1 */
	int network_maker; /* the process that makes it, from network_begin() to network_apply();
			      else 0 */
	char *stack; /* below it is room, stacks growing down, for one process at a time that shares
			PID 1's memory */
	const char *file_label;   /* SELinux: of every tmpfs made from the label step on; NULL:
				     whatever the kernel chooses */
	const char *devpts_label; /* likewise of a devpts, and of every terminal in it */
};

/*
 * How a place in the new root is looked up (R1, R2). Where every directory above it is ours, a
 * plain path is safe. In somebody's bind no component may be a link: whoever can write there could
 * lead a mount of ours anywhere in the jail. In a root that is a whole system, links are a part of
 * it (/var/run), and are followed as inside that root. In a root of layers, whose upper directory
 * is the jail's own, what is missing is made besides.
 */
enum child_lookup { LOOKUP_PLAIN, LOOKUP_NO_LINKS, LOOKUP_IN_ROOT, LOOKUP_MAKE };

/* Opens target (relative to the new root) for its place alone; makes nothing. A descriptor or
 * -errno. */
int child_open_place(const struct child *child, const char *target, enum child_lookup lookup);

/*
 * The same in a root of layers, where a missing component is made: the last one as a directory or
 * an empty file, those above it as directories. Links are followed as inside the root, dangling
 * ones too. -ENOTDIR or -EISDIR where something of the other kind is there; -EXDEV where the way
 * leads to the root itself, into a mount that is not in child->own, or below /dev, /proc or /sys.
 */
int child_make_place(const struct child *child, const char *target, bool directory);

/* The id of the mount that fd is in. 0 or -errno. */
int child_mount_id(int fd, uint64_t *ret);

/* Mounts a detached tree on target (LOOKUP_MAKE: made as what the tree is). Takes the descriptor:
 * it is closed in every case. 0 or -errno. */
int child_attach(const struct child *child, int tree, const char *target, enum child_lookup lookup);

/*
 * A new file system of type with the given key=value pairs (NULL-terminated), as a detached mount;
 * a tmpfs gets child->file_label, a devpts child->devpts_label. A descriptor or -errno.
 */
int child_new_mount(const struct child *child, const char *type, const char *const *options,
	uint64_t attributes);

/*
 * A detached, private copy of what fd (O_PATH) is, or of what is at a path (its last component is
 * not followed), with attributes set on it and on everything mounted below it. recursive: with the
 * mounts below it, without which the kernel refuses where some of them are locked. A descriptor or
 * -errno.
 */
int child_clone_tree(int fd, bool recursive, uint64_t attributes);
int child_clone_path(const char *path, bool recursive, uint64_t attributes);

/* MOUNT_ATTR_* as mount(8) writes them ("ro,nosuid,nodev"): into buffer; returns it. For explain.
 */
const char *child_attribute_names(uint64_t attributes, char *buffer, size_t size);

#endif
