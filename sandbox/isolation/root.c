/* The new root: see root.h. */
#include "isolation/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "host/host.h"
#include "isolation/child.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/kernel_calls.h"
#include "util/mutant.h"
#include "util/report.h"

#define SIZE                                                                                      \
	"16m" /* holds directories, links and small files only; everything writable is a mount of \
		 its own */
#define SAFE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

static int compile_empty(const struct files_section *files, struct arena *arena,
	struct root_plan *plan, struct err *reterr)
{
	/* room for what the rules make, and no more: a mount point and its parents for each */
	plan->inodes = arena_format(arena, "%zu", 4096 + 8 * files->mount_count);
	return plan->inodes ? 0 : err_no_memory(reterr);
}

static int compile_tree(const struct files_section *files, const struct host *host,
	struct arena *arena, struct root_plan *plan, struct err *reterr)
{
	const char *source = files->root == ROOT_HOST ? "/" : files->root_directory;
	struct path_fact fact;
	char where[512];
	int r = host->path(host, arena, source, true, &fact);

	if (r < 0 || fact.type != PATH_DIRECTORY)
		return err_set(reterr, r < 0 ? r : -ENOTDIR,
			origin_format(&files->root_rule.origin, where, sizeof(where)),
			"%s is not a directory that this user can reach", source);
	plan->source = fact.resolved;
	plan->device = fact.device;
	plan->inode = fact.inode;
	if (files->root == ROOT_DIRECTORY && files->root_writable)
		plan->attributes &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	return 0;
}

static int compile_layers(const struct files_section *files, const struct host *host,
	struct arena *arena, struct root_plan *plan, struct err *reterr)
{
	char where[512];
	int r = layers_compile(
		files->layers, &files->root_rule, host, arena, &plan->layers, reterr);

	if (r < 0)
		return r;
	if (files->root_writable && !plan->layers.upper.path)
		return err_set(reterr, -EINVAL,
			origin_format(&files->root_rule.origin, where, sizeof(where)),
			"a root that can be written to needs an upper directory");
	if (files->root_writable)
		plan->attributes &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	plan->scratch = !plan->layers.upper.path;
	for (size_t i = 0; i < files->mount_count; i++)
		plan->scratch |= files->mounts[i].kind == MOUNT_FILE;
	return compile_empty(files, arena, plan, reterr);
}

int root_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct root_plan *ret, struct err *reterr)
{
	const struct files_section *files = &profile->files;
	struct root_plan plan = {.kind = files->root,
		.attributes = SAFE | MOUNT_ATTR_RDONLY,
		.rule = &files->root_rule};
	struct receipt_row row = {
		.rule = &files->root_rule, .asked = "a root of its own", .layer = "pivot_root"};
	int r;

	if (files->root == ROOT_LAYERS)
		row.layer = "overlayfs, pivot_root";
	r = files->root == ROOT_EMPTY    ? compile_empty(files, arena, &plan, reterr)
	    : files->root == ROOT_LAYERS ? compile_layers(files, host, arena, &plan, reterr)
					 : compile_tree(files, host, arena, &plan, reterr);
	if (r < 0)
		return r;
	*ret = plan;
	return receipt_add(receipt, &row, reterr);
}

void root_explain(const struct root_plan *plan, struct report *out)
{
	char attributes[64], text[512];

	child_attribute_names(plan->attributes, attributes, sizeof(attributes));
	if (plan->kind == ROOT_EMPTY)
		report_row(out, NULL, "root", "an empty tmpfs of %s (%s once furnished)", SIZE,
			attributes);
	else if (plan->kind == ROOT_LAYERS)
		report_row(out, NULL, "root", "%s (%s once furnished)",
			layers_text(&plan->layers, text, sizeof(text)), attributes);
	else
		report_row(out, NULL, "root", "%s (%s, with everything mounted below it)",
			plan->source, attributes);
	layers_explain(&plan->layers, out);
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

/* Over "/" itself, which is there on every host; look-ups of "/" go on to see the root below, until
 * the pivot. */
static int attach_root(int tree)
{
	return move_mount(tree, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) ? -errno : 0;
}

static int make_tmpfs(const struct root_plan *plan, const struct child *child)
{
	const char *const options[] = {
		"mode", "0755", "size", SIZE, "nr_inodes", plan->inodes, NULL};

	return child_new_mount(child, "tmpfs", options, SAFE);
}

/* The tmpfs has to be mounted before overlayfs or open_tree(2) take anything of it: below the
 * layers, where nobody sees it. */
static int make_scratch(const struct root_plan *plan, struct child *child)
{
	int r = make_tmpfs(plan, child);

	if (r < 0)
		return r;
	child->scratch = r;
	return attach_root(child->scratch);
}

static int apply_layers(const struct root_plan *plan, struct child *child, uint16_t *reterr_item)
{
	_cleanup_close_ int below = -1, root = -1;
	struct statfs system;
	uint16_t item = LAYERS_SCRATCH;
	int r = plan->scratch ? make_scratch(plan, child) : 0;

	below = r < 0 ? -1 : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && below < 0)
		r = -errno;
	if (r == 0)
		r = layers_mount(&plan->layers, child, below, child->scratch, 0, &item);
	*reterr_item = ROOT_ITEM_LAYERS + item;
	if (r < 0)
		return r;
	/* ".." of the root is the root, but seen with what is mounted on it */
	root = open("/..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || fstatfs(root, &system))
		return -errno;
	if (system.f_type != OVERLAYFS_SUPER_MAGIC)
		return -ESTALE;
	child->root = take_fd(&root);
	return 0;
}

int root_apply(const struct root_plan *plan, struct child *child, uint16_t *reterr_item)
{
	struct mount_attr private = {.propagation = MS_PRIVATE};
	int r;

	child->scratch = -1;
	*reterr_item = 0;
	if (!mutant(MUTANT_NO_PRIVATE) &&
		mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private, sizeof(private)))
		return -errno;
	if (plan->kind == ROOT_LAYERS)
		return apply_layers(plan, child, reterr_item);
	*reterr_item = 1;
	if (plan->kind == ROOT_EMPTY) {
		r = make_tmpfs(plan, child);
	} else {
		_cleanup_close_ int source = open_source(plan);

		r = source < 0 ? source : child_clone_tree(source, true, plan->attributes);
	}
	if (r < 0)
		return r;
	child->root = r;
	*reterr_item = 2;
	return attach_root(child->root);
}

/* A root that was written to while it was furnished. */
static int close_root(const struct root_plan *plan, const struct child *child)
{
	struct mount_attr change = {.attr_set = plan->attributes};

	if (plan->kind != ROOT_EMPTY && plan->kind != ROOT_LAYERS)
		return 0;
	return mount_setattr(child->root, "", AT_EMPTY_PATH, &change, sizeof(change)) ? -errno : 0;
}

/* Takes off what stands on the new root since the pivot: the scratch on the old root, and that one.
 */
static int drop_old_root(const struct child *child)
{
	for (int left = child->scratch >= 0 ? 2 : 1; left > 0; left--)
		if (umount2(".", MNT_DETACH))
			return -errno;
	return 0;
}

/* "/.." must be "/": were anything mounted on our root, that would be the way to it. */
static int check_bottom(const struct child *child)
{
	struct statx root, above;

	if (statx(child->root, "", AT_EMPTY_PATH, STATX_MNT_ID, &root) ||
		statx(AT_FDCWD, "/..", 0, STATX_MNT_ID, &above))
		return -errno;
	return root.stx_mnt_id == above.stx_mnt_id ? 0 : -EXDEV;
}

int root_pivot(const struct root_plan *plan, struct child *child, uint16_t *reterr_item)
{
	int r = close_root(plan, child);

	*reterr_item = 0;
	if (r < 0)
		return r;
	*reterr_item = 1; /* with both arguments ".", the old root ends up stacked on the new one:
			     no directory for it is needed */
	if (fchdir(child->root) || syscall(SYS_pivot_root, ".", "."))
		return -errno;
	*reterr_item = 2;
	r = mutant(MUTANT_KEEP_OLD_ROOT) ? 0 : drop_old_root(child);
	if (r < 0)
		return r;
	*reterr_item = 3;
	if (chdir("/"))
		return -errno;
	*reterr_item = 4;
	r = mutant(MUTANT_KEEP_OLD_ROOT) ? 0 : check_bottom(child);
	if (r < 0)
		return r;
	(void)close(take_fd(&child->root)); /* an O_PATH-like descriptor: nothing to lose */
	if (child->scratch >= 0)
		(void)close(take_fd(&child->scratch));
	return 0;
}
