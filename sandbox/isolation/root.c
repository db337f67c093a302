/* The new root: see root.h. */
#include "isolation/root.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/host.h"
#include "isolation/child.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/mutant.h"
#include "util/report.h"

#define SIZE                                                                                      \
	"16m" /* holds directories, links and small files only; everything writable is a mount of \
		 its own */
#define SAFE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

int root_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct root_plan *ret, struct err *reterr)
{
	const struct files_section *files = &profile->files;
	struct root_plan plan = {.kind = files->root,
		.attributes = SAFE | MOUNT_ATTR_RDONLY,
		.rule = &files->root_rule};
	struct receipt_row row = {
		.rule = &files->root_rule, .asked = "a root of its own", .layer = "pivot_root"};
	struct path_fact fact;
	char where[512];
	int r;

	if (files->root == ROOT_EMPTY) {
		/* room for what the rules make, and no more: a mount point and its parents for each
		 */
		plan.inodes = arena_format(arena, "%zu", 4096 + 8 * files->mount_count);
		if (!plan.inodes)
			return err_set(reterr, -ENOMEM, NULL, "out of memory");
		*ret = plan;
		return receipt_add(receipt, &row, reterr);
	}
	if (files->root == ROOT_LAYERS)
		return err_set(reterr, -ENOTSUP,
			origin_format(&files->root_rule.origin, where, sizeof(where)), "%s",
			strerror(ENOTSUP));
	plan.source = files->root == ROOT_HOST ? "/" : files->root_directory;
	r = host->path(host, arena, plan.source, true, &fact);
	if (r < 0 || fact.type != PATH_DIRECTORY)
		return err_set(reterr, r < 0 ? r : -ENOTDIR,
			origin_format(&files->root_rule.origin, where, sizeof(where)),
			"%s is not a directory that this user can reach", plan.source);
	plan.source = fact.resolved;
	plan.device = fact.device;
	plan.inode = fact.inode;
	if (files->root == ROOT_DIRECTORY && files->root_writable)
		plan.attributes &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	*ret = plan;
	return receipt_add(receipt, &row, reterr);
}

void root_explain(const struct root_plan *plan, struct report *out)
{
	char attributes[64];

	child_attribute_names(plan->attributes, attributes, sizeof(attributes));
	if (plan->kind == ROOT_EMPTY)
		report_row(out, NULL, "root", "an empty tmpfs of %s (%s once furnished)", SIZE,
			attributes);
	else
		report_row(out, NULL, "root", "%s (%s, with everything mounted below it)",
			plan->source, attributes);
}

static int open_source(const struct root_plan *plan)
{
	_cleanup_close_ int fd = open(plan->source, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	if (status.st_ino != plan->inode || status.st_dev != plan->device)
		return -ESTALE;
	return take_fd(&fd);
}

int root_apply(const struct root_plan *plan, struct child *child, uint16_t *reterr_item)
{
	const char *const options[] = {
		"mode", "0755", "size", SIZE, "nr_inodes", plan->inodes, NULL};
	struct mount_attr private = {.propagation = MS_PRIVATE};
	int r;

	*reterr_item = 0;
	if (!mutant(MUTANT_NO_PRIVATE) &&
		mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private, sizeof(private)))
		return -errno;
	*reterr_item = 1;
	if (plan->kind == ROOT_EMPTY) {
		r = child_new_mount(child, "tmpfs", options, SAFE);
	} else {
		_cleanup_close_ int source = open_source(plan);

		r = source < 0 ? source : child_clone_tree(source, true, plan->attributes);
	}
	if (r < 0)
		return r;
	child->root = r;
	*reterr_item = 2;
	/* over "/" itself, which is there on every host; lookups of "/" go on to see the root
	 * below, until the pivot */
	return move_mount(child->root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) ? -errno : 0;
}

int root_pivot(const struct root_plan *plan, struct child *child, uint16_t *reterr_item)
{
	struct mount_attr change = {.attr_set = plan->attributes};

	*reterr_item = 0;
	if (plan->kind == ROOT_EMPTY &&
		mount_setattr(child->root, "", AT_EMPTY_PATH, &change, sizeof(change)))
		return -errno;
	*reterr_item = 1; /* with both arguments ".", the old root ends up stacked on the new one:
			     no directory for it is needed */
	if (fchdir(child->root) || syscall(SYS_pivot_root, ".", "."))
		return -errno;
	*reterr_item = 2;
	if (!mutant(MUTANT_KEEP_OLD_ROOT) && umount2(".", MNT_DETACH))
		return -errno;
	*reterr_item = 3;
	if (chdir("/"))
		return -errno;
	(void)close(child->root); /* an O_PATH-like descriptor: nothing to lose */
	child->root = -1;
	return 0;
}
