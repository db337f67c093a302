/* Mounts, the child's half and the story; the compiler is mount_compile.c. See mount.h. */
#include "isolation/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "isolation/child.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/mutant.h"
#include "util/path.h"
#include "util/report.h"

/* ---- explain ---- */

void mount_explain(const struct mount_plan *plan, struct report *out)
{
	static const char *const verbs[] = {"directory", "symlink", "file", "tmpfs", "bind", "pin", "deny", "deny"};
	char attributes[64], place[768];

	_Static_assert(sizeof(verbs) / sizeof(verbs[0]) == OPERATION_KIND_COUNT, "a verb for each operation");
	for (size_t i = 0; i < plan->count; i++) {
		const struct mount_operation *operation = &plan->operations[i];
		const char *verb = verbs[operation->kind];
		const char *from = operation->rule ? origin_format(&operation->rule->rule.origin, place, sizeof(place)) : NULL;

		child_attribute_names(operation->attributes, attributes, sizeof(attributes));
		if (operation->kind == OPERATION_BIND)
			report_row(out, from, verb, "%s on /%s (%s)", operation->source, operation->target, attributes);
		else if (operation->kind == OPERATION_TMPFS)
			report_row(out, from, verb, "/%s of %s bytes, %s entries (%s)", operation->target, operation->size,
				operation->inodes, attributes);
		else if (operation->kind == OPERATION_SYMLINK)
			report_row(out, from, verb, "/%s to %s", operation->target, operation->source);
		else if (operation->kind == OPERATION_FILE)
			report_row(out, from, verb, "/%s, %zu bytes", operation->target, strlen(operation->source));
		else
			report_row(out, from, verb, "/%s", operation->target);
	}
}

/* ---- child ---- */

/*
 * A detached copy of the source, if it still is what was checked: a component that somebody has made a link since, or a directory put in the
 * place of another, leads to another inode (T-PATH-19).
 */
static int clone_source(const struct mount_operation *operation)
{
	struct stat status;
	_cleanup_close_ int tree = child_clone_path(operation->source, true);
	int r;

	if (tree < 0)
		return tree;
	if (fstat(tree, &status))
		return -errno;
	if (!mutant(MUTANT_NO_SOURCE_CHECK) && (status.st_ino != operation->inode || status.st_dev != operation->device))
		return -ESTALE;
	r = child_change_tree(tree, true, operation->attributes);
	return r < 0 ? r : take_fd(&tree);
}

static int make_point(const struct mount_operation *operation, int root)
{
	if (operation->point == POINT_DIRECTORY && mkdirat(root, operation->target, 0755))
		return -errno;
	if (operation->point == POINT_FILE && mknodat(root, operation->target, S_IFREG | 0444, 0))
		return -errno;
	return 0;
}

static int apply_directory(const struct mount_operation *operation, const struct child *child)
{
	return mkdirat(child->root, operation->target, operation->mode) ? -errno : 0;
}

static int apply_symlink(const struct mount_operation *operation, const struct child *child)
{
	return symlinkat(operation->source, child->root, operation->target) ? -errno : 0;
}

static int apply_file(const struct mount_operation *operation, const struct child *child)
{
	_cleanup_close_ int fd = openat(child->root, operation->target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		operation->mode);

	return fd < 0 ? -errno : file_write_all(fd, operation->source, strlen(operation->source));
}

static int apply_tmpfs(const struct mount_operation *operation, const struct child *child)
{
	const char *options[] = {"mode", operation->mode_text, "size", operation->size, "nr_inodes", operation->inodes, NULL};
	int r = make_point(operation, child->root);

	if (mutant(MUTANT_NO_TMPFS_SIZE))
		options[2] = NULL;
	if (r == 0)
		r = child_new_mount(child, "tmpfs", options, operation->attributes);
	return r < 0 ? r : child_attach(child, r, operation->target, operation->lookup);
}

static int apply_bind(const struct mount_operation *operation, const struct child *child)
{
	_cleanup_close_ int tree = clone_source(operation);
	int r = tree < 0 ? tree : make_point(operation, child->root);

	return r < 0 ? r : child_attach(child, take_fd(&tree), operation->target, operation->lookup);
}

static int apply_pin(const struct mount_operation *operation, const struct child *child)
{
	_cleanup_close_ int place = -1;
	int tree;

	if (mutant(MUTANT_NO_PIN))
		return 0;
	place = child_open_place(child, operation->target, operation->lookup);
	if (place < 0)
		return place;
	tree = child_clone_tree(place, true, 0); /* keeps the bind's own attributes */
	return tree < 0 ? tree : child_attach(child, tree, operation->target, operation->lookup);
}

static int apply_deny_directory(const struct mount_operation *operation, const struct child *child)
{
	const char *const options[] = {"mode", "0000", "size", "4k", "nr_inodes", "1", NULL};
	int tree;

	if (mutant(MUTANT_NO_DENY))
		return 0;
	tree = child_new_mount(child, "tmpfs", options, operation->attributes);
	return tree < 0 ? tree : child_attach(child, tree, operation->target, operation->lookup);
}

static int apply_deny_file(const struct mount_operation *operation, const struct child *child)
{
	_cleanup_close_ int null = -1;
	struct stat status;
	int tree;

	if (mutant(MUTANT_NO_DENY))
		return 0;
	null = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC); /* the host's: never from a tree that others wrote (CVE-2025-31133) */
	if (null < 0 || fstat(null, &status))
		return -errno;
	if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3))
		return -ENODEV;
	tree = child_clone_tree(null, false, operation->attributes);
	return tree < 0 ? tree : child_attach(child, tree, operation->target, operation->lookup);
}

int mount_apply(const struct mount_plan *plan, struct child *child, uint16_t *reterr_item)
{
	static int (*const apply[])(const struct mount_operation *, const struct child *) = {
		[OPERATION_DIRECTORY] = apply_directory,
		[OPERATION_SYMLINK] = apply_symlink,
		[OPERATION_FILE] = apply_file,
		[OPERATION_TMPFS] = apply_tmpfs,
		[OPERATION_BIND] = apply_bind,
		[OPERATION_PIN] = apply_pin,
		[OPERATION_DENY_DIRECTORY] = apply_deny_directory,
		[OPERATION_DENY_FILE] = apply_deny_file,
	};

	for (size_t i = 0; i < plan->count; i++) {
		int r = apply[plan->operations[i].kind](&plan->operations[i], child);

		*reterr_item = (uint16_t)i;
		if (r < 0)
			return r;
	}
	return 0;
}
