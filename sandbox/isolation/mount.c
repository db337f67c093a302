/* Mounts, the child's half and the story; the compiler is mount_compile.c. See mount.h. */
#include "isolation/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "isolation/child.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/kernel_calls.h"
#include "util/mutant.h"
#include "util/path.h"
#include "util/report.h"

/* ---- explain ---- */

void mount_explain(const struct mount_plan *plan, struct report *out)
{
	static const char *const verbs[] = {"directory", "symlink", "file", "tmpfs", "bind", "pin",
		"deny", "deny", "deny", "layers"};
	char attributes[64], place[768], text[512];

	_Static_assert(sizeof(verbs) / sizeof(verbs[0]) == OPERATION_KIND_COUNT,
		"a verb for each operation");
	for (size_t i = 0; i < plan->count; i++) {
		const struct mount_operation *operation = &plan->operations[i];
		const char *verb = verbs[operation->kind];
		const char *from = operation->rule ? origin_format(&operation->rule->rule.origin,
							     place, sizeof(place))
						   : NULL;

		child_attribute_names(operation->attributes, attributes, sizeof(attributes));
		if (operation->kind == OPERATION_BIND)
			report_row(out, from, verb, "%s on /%s (%s)", operation->source,
				operation->target, attributes);
		else if (operation->kind == OPERATION_TMPFS)
			report_row(out, from, verb, "/%s of %s bytes, %s entries (%s)",
				operation->target, operation->size, operation->inodes, attributes);
		else if (operation->kind == OPERATION_LAYERS)
			report_row(out, from, verb, "/%s: %s (%s)", operation->target,
				layers_text(operation->layers, text, sizeof(text)), attributes);
		else if (operation->kind == OPERATION_SYMLINK)
			report_row(
				out, from, verb, "/%s to %s", operation->target, operation->source);
		else if (operation->kind == OPERATION_FILE)
			report_row(out, from, verb, "/%s, %zu bytes", operation->target,
				strlen(operation->source));
		else
			report_row(out, from, verb, "/%s", operation->target);
	}
}

/* ---- child ---- */

/* Our own root stands on "/" until the pivot (root.c): unbindable, it stays out of a copy of the
 * host's, which it would hide. */
static int set_own_root(const struct child *child, uint64_t propagation)
{
	struct mount_attr change = {.propagation = propagation};

	if (mount_setattr(child->root, "", AT_EMPTY_PATH, &change, sizeof(change)) ||
		(child->scratch >= 0 &&
			mount_setattr(child->scratch, "", AT_EMPTY_PATH, &change, sizeof(change))))
		return -errno;
	return 0;
}

static int clone_path(const struct mount_operation *operation, const struct child *child)
{
	_cleanup_close_ int tree = -1;
	int r;

	if (operation->source[1])
		return child_clone_path(operation->source, true, operation->attributes);
	r = set_own_root(child, MS_UNBINDABLE);
	if (r < 0)
		return r;
	tree = child_clone_path(operation->source, true, operation->attributes);
	r = set_own_root(child, MS_PRIVATE);
	return r < 0 ? r : take_fd(&tree);
}

/*
 * A detached copy of the source, if it still is what was checked: a component that somebody has
 * made a link since, or a directory put in the place of another, leads to another inode
 * (T-PATH-19).
 */
static int clone_source(const struct mount_operation *operation, const struct child *child)
{
	struct stat status;
	_cleanup_close_ int tree = clone_path(operation, child);

	if (tree < 0)
		return tree;
	if (fstat(tree, &status))
		return -errno;
	if (!mutant(MUTANT_NO_SOURCE_CHECK) &&
		(status.st_ino != operation->inode || status.st_dev != operation->device))
		return -ESTALE;
	return take_fd(&tree);
}

/* Where a plain path is safe: from the new root, or from the tmpfs of ours that it lies in. What
 * leads to that one may be somebody's tree, whose links must never be followed from the host's
 * root, where we still are. */
struct ground {
	int fd;
	const char *path;
};

static int open_base(const struct mount_operation *operation, const struct child *child)
{
	_cleanup_close_ int fd = child_open_place(child, operation->base, operation->base_lookup);
	uint64_t mount;
	int r = fd < 0 ? fd : child_mount_id(fd, &mount);

	for (unsigned i = 0; i < child->own_count && r == 0; i++)
		if (child->own[i] == mount)
			return take_fd(&fd);
	return r < 0 ? r : -EXDEV; /* the way there has changed, or something hides it */
}

static int attach(const struct mount_operation *operation, const struct child *child,
	const struct ground *ground, int tree)
{
	_cleanup_close_ int owned = -1;

	if (operation->lookup != LOOKUP_PLAIN)
		return child_attach(child, tree, operation->target, operation->lookup);
	owned = tree;
	return move_mount(owned, "", ground->fd, ground->path, MOVE_MOUNT_F_EMPTY_PATH) ? -errno
											: 0;
}

static int make_point(const struct mount_operation *operation, const struct ground *ground)
{
	if (operation->point == POINT_DIRECTORY && mkdirat(ground->fd, ground->path, 0755))
		return -errno;
	if (operation->point == POINT_FILE && mknodat(ground->fd, ground->path, S_IFREG | 0444, 0))
		return -errno;
	return 0;
}

static int apply_directory(
	const struct mount_operation *operation, struct child *child, const struct ground *ground)
{
	_cleanup_close_ int place = -1;

	if (operation->lookup != LOOKUP_MAKE)
		return mkdirat(ground->fd, ground->path, operation->mode) ? -errno : 0;
	place = child_make_place(
		child, operation->target, true); /* an image's own stays as it is */
	return place < 0 ? place : 0;
}

/* In a root of layers the link's directory is found, or made, first; what the image has there
 * stays. */
static int link_in_layers(const struct mount_operation *operation, const struct child *child)
{
	const char *name = strrchr(operation->target, '/');
	char directory[PATH_MAX];
	_cleanup_close_ int place = -1;

	if (name) {
		memcpy(directory, operation->target, (size_t)(name - operation->target));
		directory[name - operation->target] = '\0';
		place = child_make_place(child, directory, true);
		if (place < 0)
			return place;
	}
	if (symlinkat(operation->source, name ? place : child->root,
		    name ? name + 1 : operation->target) &&
		errno != EEXIST)
		return -errno;
	return 0;
}

static int apply_symlink(
	const struct mount_operation *operation, struct child *child, const struct ground *ground)
{
	if (operation->lookup == LOOKUP_MAKE)
		return link_in_layers(operation, child);
	return symlinkat(operation->source, ground->fd, ground->path) ? -errno : 0;
}

static int write_file(const struct mount_operation *operation, int directory, const char *name)
{
	_cleanup_close_ int fd = openat(directory, name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, operation->mode);

	return fd < 0 ? -errno : file_write_all(fd, operation->source, strlen(operation->source));
}

/* In a root of layers it is bound from a tmpfs of ours: the upper directory is the program's, and
 * outlives the jail. */
static int apply_file(
	const struct mount_operation *operation, struct child *child, const struct ground *ground)
{
	_cleanup_close_ int tree = -1;
	int r;

	if (operation->lookup != LOOKUP_MAKE)
		return write_file(operation, ground->fd, ground->path);
	r = write_file(operation, child->scratch, operation->name);
	if (r < 0)
		return r;
	tree = openat(child->scratch, operation->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	r = tree < 0 ? -errno : child_clone_tree(tree, false, operation->attributes);
	return r < 0 ? r : attach(operation, child, ground, r);
}

/* Others may lie in it: by the plan, or by a link of the image (/etc/resolv.conf to ../run/…, with
 * a tmpfs on /run). */
static int remember(const struct mount_operation *operation, struct child *child, int tree)
{
	if (!operation->holds && operation->lookup != LOOKUP_MAKE)
		return 0;
	if (child->own_count >= CHILD_OWN_MOUNTS)
		return operation->holds ? -EMFILE : 0;
	return child_mount_id(tree, &child->own[child->own_count++]);
}

static int apply_tmpfs(
	const struct mount_operation *operation, struct child *child, const struct ground *ground)
{
	const char *options[] = {"mode", operation->mode_text, "size", operation->size, "nr_inodes",
		operation->inodes, NULL};
	int r = make_point(operation, ground);

	int tree;

	if (r < 0)
		return r;
	if (mutant(MUTANT_NO_TMPFS_SIZE))
		options[2] = NULL;
	tree = child_new_mount(child, "tmpfs", options, operation->attributes);
	if (tree >= 0)
		r = remember(operation, child, tree);
	if (tree < 0 || r < 0) {
		(void)close(tree);
		return tree < 0 ? tree : r;
	}
	return attach(operation, child, ground, tree);
}

static int apply_bind(
	const struct mount_operation *operation, struct child *child, const struct ground *ground)
{
	_cleanup_close_ int tree = clone_source(operation, child);
	int r = tree < 0 ? tree : make_point(operation, ground);

	return r < 0 ? r : attach(operation, child, ground, take_fd(&tree));
}

static int apply_pin(
	const struct mount_operation *operation, struct child *child, const struct ground *ground)
{
	_cleanup_close_ int place = -1;
	int tree;

	if (mutant(MUTANT_NO_PIN))
		return 0;
	place = child_open_place(child, operation->target, operation->lookup);
	if (place < 0)
		return place;
	tree = child_clone_tree(place, true, 0); /* keeps the bind's own attributes */
	return tree < 0 ? tree : attach(operation, child, ground, tree);
}

static int apply_deny_directory(
	const struct mount_operation *operation, struct child *child, const struct ground *ground)
{
	const char *const options[] = {"mode", "0000", "size", "4k", "nr_inodes", "1", NULL};
	int tree;

	if (mutant(MUTANT_NO_DENY))
		return 0;
	tree = child_new_mount(child, "tmpfs", options, operation->attributes);
	return tree < 0 ? tree : attach(operation, child, ground, tree);
}

static int apply_deny_file(
	const struct mount_operation *operation, struct child *child, const struct ground *ground)
{
	_cleanup_close_ int null = -1;
	struct stat status;
	int tree;

	if (mutant(MUTANT_NO_DENY))
		return 0;
	null = open(
		"/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC); /* the host's: never from a tree that
								  others wrote (CVE-2025-31133) */
	if (null < 0 || fstat(null, &status))
		return -errno;
	if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3))
		return -ENODEV;
	tree = child_clone_tree(null, false, operation->attributes);
	return tree < 0 ? tree : attach(operation, child, ground, tree);
}

static int apply_deny_found(
	const struct mount_operation *operation, struct child *child, const struct ground *ground)
{
	_cleanup_close_ int place = child_open_place(child, operation->target, operation->lookup);
	struct stat status;

	if (place < 0)
		return place == -ENOENT ? 0 : place;
	if (fstat(place, &status))
		return -errno;
	return S_ISDIR(status.st_mode) ? apply_deny_directory(operation, child, ground)
				       : apply_deny_file(operation, child, ground);
}

static int apply_layers(
	const struct mount_operation *operation, struct child *child, const struct ground *ground)
{
	const char *const options[] = {
		"mode", "0755", "size", operation->size, "nr_inodes", operation->inodes, NULL};
	bool own_upper = operation->layers->upper.path != NULL;
	unsigned long flags = operation->attributes & MOUNT_ATTR_RDONLY ? MS_RDONLY : 0;
	_cleanup_close_ int place = -1, scratch = -1;
	uint16_t item;
	int r = make_point(operation, ground);

	if (r < 0)
		return r;
	flags |= operation->attributes & MOUNT_ATTR_NOEXEC ? MS_NOEXEC : 0;
	place = operation->lookup == LOOKUP_MAKE ? child_make_place(child, operation->target, true)
		: operation->base ? path_open_no_links(ground->fd, ground->path, O_PATH | O_CLOEXEC)
				  : child_open_place(child, operation->target, operation->lookup);
	if (place < 0 || own_upper)
		return place < 0 ? place
				 : layers_mount(operation->layers, child, place, -1, flags, &item);
	scratch = child_new_mount(
		child, "tmpfs", options, operation->attributes & ~(uint64_t)MOUNT_ATTR_RDONLY);
	if (scratch < 0)
		return scratch;
	if (move_mount(scratch, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		return -errno;
	return layers_mount(operation->layers, child, place, scratch, flags, &item);
}

static bool is_mount(enum mount_operation_kind kind)
{
	return kind == OPERATION_FILE || kind == OPERATION_TMPFS || kind == OPERATION_BIND ||
	       kind == OPERATION_LAYERS;
}

/*
 * In a root of layers the image's links decide where a mount lands, so one may have come to lie
 * above another that stands earlier in the list: each place is looked at again.
 */
static int check_shown(const struct mount_operation *operation, const struct child *child)
{
	_cleanup_close_ int place = -1;
	struct statx status;

	if (operation->lookup != LOOKUP_MAKE || !is_mount(operation->kind) ||
		mutant(MUTANT_NO_SHOWN_CHECK))
		return 0;
	place = child_open_place(child, operation->target, operation->lookup);
	if (place < 0)
		return place == -ENOENT || place == -ENOTDIR ? -EXDEV : place;
	if (statx(place, "", AT_EMPTY_PATH, STATX_INO, &status))
		return -errno;
	if (!(status.stx_attributes & STATX_ATTR_MOUNT_ROOT) ||
		(operation->inode && status.stx_ino != operation->inode))
		return -EXDEV;
	return 0;
}

static int apply_one(const struct mount_operation *operation, struct child *child)
{
	static int (*const apply[])(
		const struct mount_operation *, struct child *, const struct ground *) = {
		[OPERATION_DIRECTORY] = apply_directory,
		[OPERATION_SYMLINK] = apply_symlink,
		[OPERATION_FILE] = apply_file,
		[OPERATION_TMPFS] = apply_tmpfs,
		[OPERATION_BIND] = apply_bind,
		[OPERATION_PIN] = apply_pin,
		[OPERATION_DENY_DIRECTORY] = apply_deny_directory,
		[OPERATION_DENY_FILE] = apply_deny_file,
		[OPERATION_DENY_FOUND] = apply_deny_found,
		[OPERATION_LAYERS] = apply_layers,
	};
	struct ground ground = {child->root, operation->target};
	_cleanup_close_ int base = -1;

	if (operation->base && !mutant(MUTANT_PLAIN_BELOW)) {
		base = open_base(operation, child);
		if (base < 0)
			return base;
		ground = (struct ground){base, operation->target + strlen(operation->base) + 1};
	}
	return apply[operation->kind](operation, child, &ground);
}

int mount_apply(const struct mount_plan *plan, struct child *child, uint16_t *reterr_item)
{
	int r = 0;

	for (size_t i = 0; i < plan->count && r == 0; i++) {
		*reterr_item = (uint16_t)i;
		r = apply_one(&plan->operations[i], child);
	}
	for (size_t i = 0; i < plan->count && r == 0; i++) {
		*reterr_item = (uint16_t)i;
		r = check_shown(&plan->operations[i], child);
	}
	return r;
}
