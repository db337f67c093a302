/* The merged tree of an image's layers: see layers.h. */
#include "isolation/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/host.h"
#include "isolation/child.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/kernel_calls.h"
#include "util/mutant.h"
#include "util/number.h"
#include "util/path.h"
#include "util/report.h"

#define OPTIONS_SIZE 4096 /* what mount(2) takes */

/* ---- compile ---- */

static int check_tree(const char *path, const char *where, const struct host *host,
	struct arena *arena, struct layers_tree *ret, struct err *reterr)
{
	struct path_fact fact;
	int r = host->path(host, arena, path, true, &fact);

	if (r < 0 || fact.type != PATH_DIRECTORY)
		return err_set(reterr, r < 0 ? r : -ENOTDIR, where,
			"layer %s is not a directory that this user can reach", path);
	*ret = (struct layers_tree){fact.resolved, fact.device, fact.inode};
	return 0;
}

static int check_upper(const struct layers *layers, const char *where, const struct host *host,
	struct arena *arena, struct layers_plan *plan, struct err *reterr)
{
	int r;

	if (!layers->upper != !layers->work)
		return err_set(reterr, -EINVAL, where, "upper and work come together");
	if (!layers->upper)
		return 0;
	r = check_tree(layers->upper, where, host, arena, &plan->upper, reterr);
	if (r == 0)
		r = check_tree(layers->work, where, host, arena, &plan->work, reterr);
	if (r == 0 && plan->upper.device != plan->work.device)
		r = err_set(reterr, -EXDEV, where, "%s and %s lie on two file systems",
			layers->upper, layers->work);
	if (r == 0 && (path_is_beneath(plan->upper.path, plan->work.path) ||
			      path_is_beneath(plan->work.path, plan->upper.path)))
		r = err_set(reterr, -EINVAL, where, "%s and %s lie in one another", layers->upper,
			layers->work);
	return r;
}

int layers_compile(const struct layers *layers, const struct rule *rule, const struct host *host,
	struct arena *arena, struct layers_plan *ret, struct err *reterr)
{
	struct layers_plan plan = {0};
	char where[512];
	int r;

	origin_format(&rule->origin, where, sizeof(where));
	if (!layers || !layers->count || layers->count > OVERLAY_TREES)
		return err_set(reterr, -EINVAL, where, "%zu layers: 1 to %d were expected",
			layers ? layers->count : 0, OVERLAY_TREES);
	plan.trees = arena_zeroed(arena, layers->count, sizeof(*plan.trees));
	if (!plan.trees)
		return err_no_memory(reterr);
	for (; plan.count < layers->count; plan.count++) {
		r = check_tree(layers->trees[plan.count], where, host, arena,
			&plan.trees[plan.count], reterr);
		if (r < 0)
			return r;
	}
	r = check_upper(layers, where, host, arena, &plan, reterr);
	if (r < 0)
		return r;
	plan.discard = layers->discard;
	*ret = plan;
	return 0;
}

/* ---- story ---- */

char *layers_text(const struct layers_plan *plan, char *buffer, size_t size)
{
	(void)snprintf(buffer, size, "%zu layer%s, %s%s%s", plan->count,
		plan->count == 1 ? "" : "s",
		plan->upper.path ? "changes in " : "nothing of which can be changed",
		plan->upper.path ? plan->upper.path : "",
		plan->upper.path && plan->discard ? " (thrown away)" : "");
	return buffer;
}

void layers_explain(const struct layers_plan *plan, struct report *out)
{
	for (size_t i = 0; i < plan->count; i++)
		report_row(out, NULL, "layer", "%s", plan->trees[i].path);
}

static const char *part_of(const struct layers_plan *plan, uint16_t item)
{
	if (item < plan->count)
		return plan->trees[item].path;
	if (item == LAYERS_UPPER || item == LAYERS_WORK)
		return item == LAYERS_UPPER ? plan->upper.path : plan->work.path;
	return NULL;
}

void layers_describe(const struct layers_plan *plan, uint16_t item, int error, const char *where,
	struct err *reterr)
{
	const char *path = part_of(plan, item);

	if (path && item < plan->count)
		err_set(reterr, -error, where, "layer %u of %zu, %s: %s", item + 1U, plan->count,
			path,
			error == ESTALE ? "was replaced while the jail was made"
					: number_error_text(error));
	else if (path)
		err_set(reterr, -error, where, "%s: %s", path,
			error == ESTALE ? "was replaced while the jail was made"
					: number_error_text(error));
	else if (item == LAYERS_OVERLAY)
		err_set(reterr, -error, where,
			"the kernel cannot mount %zu layers by overlayfs: %s", plan->count,
			number_error_text(error));
	else
		err_set(reterr, -error, where, "a tmpfs for mount points: %s",
			number_error_text(error));
	if (item == LAYERS_OVERLAY && (error == EPERM || error == ENODEV))
		err_hint(reterr, "overlayfs in a user namespace needs Linux 5.11 and the module "
				 "overlay: `immure doctor`, or ask root for `modprobe overlay`");
	else if (item == LAYERS_OVERLAY && (error == EINVAL || error == EBUSY))
		err_hint(reterr,
			"is the storage on a network file system or on overlayfs (in a container "
			"of somebody else's), is the upper directory in use, or is it of a run "
			"that was to throw it away? The kernel's log has the reason (dmesg: "
			"overlayfs)");
}

/* ---- child ---- */

struct options {
	char text[OPTIONS_SIZE];
	size_t used;
	bool full;
};

static void put(struct options *options, const char *text)
{
	size_t length = strlen(text);

	options->full |= length >= sizeof(options->text) - options->used;
	if (options->full)
		return;
	memcpy(options->text + options->used, text, length + 1);
	options->used += length;
}

/* A descriptor as a path. No stdio: this is the child. */
static void put_descriptor(struct options *options, int fd)
{
	char digits[12] = {0}, *first = digits + sizeof(digits) - 1;

	do
		*--first = (char)('0' + fd % 10);
	while (fd /= 10);
	put(options, "/proc/self/fd/");
	put(options, first);
}

static int open_tree_of(const struct layers_tree *tree)
{
	_cleanup_close_ int fd = open(tree->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	if (!mutant(MUTANT_NO_SOURCE_CHECK) &&
		(status.st_ino != tree->inode || status.st_dev != tree->device))
		return -ESTALE;
	return take_fd(&fd);
}

/* In the tmpfs: an upper for a view that has none. */
static int open_scratch(int scratch, const char *name)
{
	int fd;

	if (mkdirat(scratch, name, 0755))
		return -errno;
	fd = openat(scratch, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Descriptors of the trees (the topmost first, as overlayfs has it), then upper and work: how many
 * were opened, so that all of them can be closed. */
static int open_all(const struct layers_plan *plan, int scratch, int *fds, size_t *ret_count,
	uint16_t *reterr_item)
{
	*ret_count = 0;
	for (size_t i = plan->count; i-- > 0;) {
		*reterr_item = (uint16_t)i;
		fds[*ret_count] = open_tree_of(&plan->trees[i]);
		if (fds[*ret_count] < 0)
			return fds[*ret_count];
		++*ret_count;
	}
	for (int i = 0; i < 2; i++) {
		const struct layers_tree *tree = i ? &plan->work : &plan->upper;

		*reterr_item = !plan->upper.path ? LAYERS_SCRATCH : i ? LAYERS_WORK : LAYERS_UPPER;
		fds[*ret_count] = plan->upper.path ? open_tree_of(tree)
						   : open_scratch(scratch, i ? "work" : "upper");
		if (fds[*ret_count] < 0)
			return fds[*ret_count];
		++*ret_count;
	}
	return 0;
}

static int mount_over(const struct layers_plan *plan, const struct child *child, int place,
	const int *fds, unsigned long flags)
{
	struct options options = {.used = 0}, target = {.used = 0};

	/*
	 * index=off: a storage that was moved or restored has other inodes than its upper
	 * directories remember, and an index would refuse them.
	 */
	put(&options, "userxattr,index=off,lowerdir=");
	for (size_t i = 0; i < plan->count; i++) {
		put(&options, i ? ":" : "");
		put_descriptor(&options, fds[i]);
	}
	put(&options, ",upperdir=");
	put_descriptor(&options, fds[plan->count]);
	put(&options, ",workdir=");
	put_descriptor(&options, fds[plan->count + 1]);
	if (plan->discard && plan->upper.path)
		put(&options, ",volatile");
	if (child->file_label) { /* else files keep the type of the storage, which no jail may touch
				  */
		put(&options, ",context=\"");
		put(&options, child->file_label);
		put(&options, "\"");
	}
	put_descriptor(&target, place);
	if (options.full)
		return -E2BIG;
	return mount("overlay", target.text, "overlay", flags, options.text) ? -errno : 0;
}

int layers_mount(const struct layers_plan *plan, const struct child *child, int place, int scratch,
	unsigned long flags, uint16_t *reterr_item)
{
	int fds[OVERLAY_TREES + 2];
	size_t count;
	int r = open_all(plan, scratch, fds, &count, reterr_item);

	if (r == 0) {
		*reterr_item = LAYERS_OVERLAY;
		r = mount_over(plan, child, place, fds, MS_NOSUID | MS_NODEV | flags);
	}
	while (count)
		(void)close(fds[--count]);
	return r;
}
