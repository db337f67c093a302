/*
 * System calls that the C library may not know yet: musl has none of the mount API of Linux 5.2,
 * and statx(2) only since 1.2.4. With glibc this header is <sys/mount.h>, <sys/stat.h> and what is
 * too new for Debian 12's. Contracts and errors: open_tree(2), move_mount(2), fsopen(2),
 * fsconfig(2), fsmount(2), mount_setattr(2), statx(2).
 */
#ifndef IMMURE_UTIL_KERNEL_CALLS_H
#define IMMURE_UTIL_KERNEL_CALLS_H

#include <fcntl.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __GLIBC__
#include <linux/mount.h>
#include <linux/stat.h>
#endif

#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif

/* open_tree() with the change of mount_setattr() in one, Linux 6.15; -1 with ENOSYS before. */
static inline int kernel_open_tree_attr(
	int directory, const char *path, unsigned flags, struct mount_attr *change, size_t size)
{
	return (int)syscall(SYS_open_tree_attr, directory, path, flags, change, size);
}

#ifndef __GLIBC__

static inline int open_tree(int directory, const char *path, unsigned flags)
{
	return (int)syscall(SYS_open_tree, directory, path, flags);
}

static inline int move_mount(
	int from, const char *from_path, int to, const char *to_path, unsigned flags)
{
	return (int)syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

static inline int fsopen(const char *type, unsigned flags)
{
	return (int)syscall(SYS_fsopen, type, flags);
}

static inline int fsconfig(
	int context, unsigned command, const char *key, const void *value, int number)
{
	return (int)syscall(SYS_fsconfig, context, command, key, value, number);
}

static inline int fsmount(int context, unsigned flags, unsigned attributes)
{
	return (int)syscall(SYS_fsmount, context, flags, attributes);
}

static inline int mount_setattr(
	int directory, const char *path, unsigned flags, struct mount_attr *change, size_t size)
{
	return (int)syscall(SYS_mount_setattr, directory, path, flags, change, size);
}

static inline int statx(
	int directory, const char *path, int flags, unsigned mask, struct statx *ret)
{
	return (int)syscall(SYS_statx, directory, path, flags, mask, ret);
}

#endif
#endif
