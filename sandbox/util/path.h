/*
 * Paths that somebody else may have written. Two kinds of help: lexical (pure, for the compiler of
 * plans), and look-ups that never leave a directory (R1 of the threat catalogue; CVE-2021-30465,
 * CVE-2026-87766).
 */
#ifndef IMMURE_UTIL_PATH_H
#define IMMURE_UTIL_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/*
 * Lexical canonical form of an absolute path: one slash between components, no ".", no "..", no
 * trailing slash. NULL with errno EINVAL where path is relative, empty, longer than PATH_MAX - 1,
 * has a component over 255 bytes, or a "..":
 * ".." is refused, never folded, since folding is wrong across symbolic links.
 */
char *path_canonical(struct arena *arena, const char *path);

/*
 * realpath(3) into PATH_MAX bytes, with one slash at its beginning: "//x" is /x on Linux, but POSIX
 * lets a C library keep both, and musl's does. 0 or -errno.
 */
int path_real(const char *path, char *ret);

/*
 * True when path is parent or lies below it, compared by component ("/a" is not a parent of "/ab").
 * Both canonical.
 */
bool path_is_beneath(const char *path, const char *parent);

/* Number of components of a canonical path: 0 for "/". */
size_t path_depth(const char *path);

/*
 * Opens path below directory as if directory were the root (absolute links and ".." stay inside; no
 * magic links), flags as open(2). Uses openat2(2) RESOLVE_IN_ROOT, and a component walk with the
 * same meaning where the kernel or an outer filter refuses openat2 (ENOSYS, EPERM) or where it
 * answers EAGAIN again and again. A descriptor (close-on-exec) or -errno. System calls only: safe
 * in the child.
 */
int path_open_in_root(int directory, const char *path, uint64_t flags);

/*
 * Opens path below directory where no component, the last one included, is a symbolic link (-ELOOP
 * where one is). For places in a tree whose writer is not trusted, and where a link can only be a
 * trap. System calls only.
 */
int path_open_no_links(int directory, const char *path, uint64_t flags);

/* The component walk alone: exported so that it can be tested against the kernel's own. */
int path_open_in_root_walk(int directory, const char *path, uint64_t flags);

#endif
