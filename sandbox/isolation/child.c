/* The moves that more than one mechanism makes in the child; system calls only. See child.h. */
#include "isolation/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/kernel_calls.h"
#include "util/mutant.h"
#include "util/path.h"

int child_open_place(const struct child *child, const char *target, enum child_lookup lookup)
{
	if (lookup == LOOKUP_NO_LINKS)
		return path_open_no_links(child->root, target, O_PATH | O_CLOEXEC);
	return path_open_in_root(child->root, target, O_PATH | O_CLOEXEC);
}

int child_attach(const struct child *child, int tree, const char *target, enum child_lookup lookup)
{
	_cleanup_close_ int owned = tree;
	_cleanup_close_ int place = -1;
	struct stat status;

	if (lookup == LOOKUP_PLAIN || (lookup != LOOKUP_MAKE && mutant(MUTANT_STRING_PATHS)))
		return move_mount(owned, "", child->root, target, MOVE_MOUNT_F_EMPTY_PATH) ? -errno
											   : 0;
	if (lookup == LOOKUP_MAKE && fstat(owned, &status))
		return -errno;
	place = lookup == LOOKUP_MAKE ? child_make_place(child, target, S_ISDIR(status.st_mode))
				      : child_open_place(child, target, lookup);
	if (place < 0)
		return place;
	if (move_mount(owned, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		return -errno;
	return 0;
}

int child_new_mount(const struct child *child, const char *type, const char *const *options,
	uint64_t attributes)
{
	_cleanup_close_ int context = fsopen(type, FSOPEN_CLOEXEC);
	int mount;

	if (context < 0)
		return -errno;
	/* else a tmpfs takes its type from whoever mounts it, the caller's domain, whose files no
	 * jail may touch (SELinux) */
	if (child->file_label && strcmp(type, "tmpfs") == 0 &&
		fsconfig(context, FSCONFIG_SET_STRING, "rootcontext", child->file_label, 0))
		return -errno;
	/* else its terminals have the type of the user's own, and a jail that may open one may open
	 * them all */
	if (child->devpts_label && strcmp(type, "devpts") == 0 &&
		fsconfig(context, FSCONFIG_SET_STRING, "context", child->devpts_label, 0))
		return -errno;
	for (; options[0]; options += 2)
		if (fsconfig(context, FSCONFIG_SET_STRING, options[0], options[1], 0))
			return -errno;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -errno;
	mount = fsmount(context, FSMOUNT_CLOEXEC, (unsigned)attributes);
	return mount < 0 ? -errno : mount;
}

/* One change for the whole tree, all or nothing: no submount can be left writable (T-PATH-32).
 * Where the kernel does not do it in the same call as the copy, two calls have the last word. */
static int clone_tree(int fd, const char *path, unsigned how, bool recursive, uint64_t attributes)
{
	struct mount_attr change = {.attr_set = attributes, .propagation = MS_PRIVATE};
	unsigned deep = recursive ? AT_RECURSIVE : 0;
	_cleanup_close_ int tree = -1;

	if (mutant(MUTANT_NO_PRIVATE))
		change.propagation = 0;
	if (mutant(MUTANT_NO_NOSUID))
		change.attr_set &= ~(uint64_t)(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	how |= OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | deep;
	if (mutant(MUTANT_SHALLOW_READONLY))
		deep = 0;
	else
		tree = kernel_open_tree_attr(fd, path, how, &change, sizeof(change));
	if (tree >= 0)
		return take_fd(&tree);
	tree = open_tree(fd, path, how);
	if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH | deep, &change, sizeof(change)))
		return -errno;
	return take_fd(&tree);
}

int child_clone_path(const char *path, bool recursive, uint64_t attributes)
{
	return clone_tree(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, recursive, attributes);
}

int child_clone_tree(int fd, bool recursive, uint64_t attributes)
{
	return clone_tree(fd, "", AT_EMPTY_PATH, recursive, attributes);
}

const char *child_attribute_names(uint64_t attributes, char *buffer, size_t size)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} names[] = {
		{MOUNT_ATTR_NOSUID, ",nosuid"},
		{MOUNT_ATTR_NODEV, ",nodev"},
		{MOUNT_ATTR_NOEXEC, ",noexec"},
	};

	(void)snprintf(buffer, size, "%s", attributes & MOUNT_ATTR_RDONLY ? "ro" : "rw");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (attributes & names[i].bit && strlen(buffer) + strlen(names[i].name) < size)
			(void)strncat(buffer, names[i].name, size - strlen(buffer) - 1);
	return buffer;
}
