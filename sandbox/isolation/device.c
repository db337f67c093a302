/* /dev: see device.h. */
#include "isolation/device.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "host/host.h"
#include "isolation/child.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/kernel_calls.h"
#include "util/mutant.h"
#include "util/path.h"
#include "util/report.h"

#define NODE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)
#define SHM_SIZE ((uint64_t)64 << 20)

enum { ITEM_TMPFS = 1000, ITEM_PTS, ITEM_SHM, ITEM_LINKS, ITEM_QUEUES };

static const struct {
	const char *name, *text;
} links[] = {
	{"dev/ptmx", "pts/ptmx"},
	{"dev/fd", "/proc/self/fd"},
	{"dev/stdin", "/proc/self/fd/0"},
	{"dev/stdout", "/proc/self/fd/1"},
	{"dev/stderr", "/proc/self/fd/2"},
};

/* ---- compile ---- */

static int add_node(struct device_plan *plan, const struct host *host, struct arena *arena,
	const struct rule *rule, const char *path, uint64_t attributes, struct path_fact *ret_fact)
{
	struct device_node *node;
	const char *slash = strrchr(path, '/');
	const char *whole = arena_join(arena, "/dev/", path);
	int r = whole ? host->path(host, arena, whole, false, ret_fact) : -ENOMEM;

	if (r < 0)
		return r;
	if (ret_fact->type == PATH_ABSENT || ret_fact->type == PATH_FORBIDDEN)
		return -ENOENT;
	if (ret_fact->type != PATH_CHARACTER && ret_fact->type != PATH_DIRECTORY)
		return -ENODEV;
	node = ARENA_APPEND(arena, plan->nodes, plan->count);
	if (!node)
		return -ENOMEM;
	*node = (struct device_node){.path = path,
		.node = ret_fact->node,
		.inode = ret_fact->inode,
		.device = ret_fact->device,
		.attributes = attributes,
		.rule = rule};
	node->parent = slash ? arena_copy_range(arena, path, (size_t)(slash - path)) : NULL;
	return slash && !node->parent ? -ENOMEM : 0;
}

/* Nothing is looked up for these: what the node must be is known, and the child compares (R4): a
 * host whose /dev/null is something else gets no launch. */
static int compile_standard(struct device_plan *plan, struct arena *arena, struct err *reterr)
{
	for (size_t i = 0; i < STANDARD_DEVICES; i++) {
		struct device_node *node = ARENA_APPEND(arena, plan->nodes, plan->count);

		if (!node)
			return err_no_memory(reterr);
		node->path = standard_devices[i].path + strlen("/dev/");
		node->node = makedev(standard_devices[i].major, standard_devices[i].minor);
		node->attributes = NODE;
	}
	return 0;
}

/* Whether it lies in what is given for writing as well. */
static bool is_given_above(const struct devices_section *asked, const char *path)
{
	for (size_t i = 0; i < asked->device_count; i++)
		if (asked->devices[i].writable && path_is_beneath(path, asked->devices[i].path))
			return true;
	return false;
}

/*
 * A read-only mount keeps nobody from opening a special file for writing (may_open() of the kernel
 * does not ask it): Landlock does, or nothing. And its rights add up, so that what may be written
 * everywhere may be written there.
 */
static void judge_read_only(const struct profile *profile, const struct host *host,
	const struct device_rule *device, struct receipt_row *row)
{
	bool everywhere = profile->files.root != ROOT_EMPTY && profile->files.root_writable;
	bool landlock = host->landlock_abi >= 1 && profile->landlock.enabled &&
			profile->landlock.rule.enforce != ENFORCE_AUDIT;

	if (device->writable)
		return;
	row->layer = "landlock";
	if (!landlock) {
		row->reason = "without Landlock a device can be written to";
		row->remedy = "use a kernel with Landlock and a profile that enables it, or give "
			      "the device for writing, too";
	} else if (everywhere) {
		row->reason = "in a root that can be written, a device can be written to as well";
		row->remedy = "make the root read-only, or give the device for writing, too";
	} else if (is_given_above(&profile->devices, device->path)) {
		row->reason = "it, or a directory that it lies in, is given for writing as well";
		row->remedy = "give both for reading, or the device for writing, too";
	} else {
		return;
	}
	row->outcome = OUTCOME_PARTLY;
}

static int compile_extra(struct device_plan *plan, const struct profile *profile,
	const struct device_rule *device, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct err *reterr)
{
	struct receipt_row row = {.rule = &device->rule, .asked = device->path, .layer = "mount"};
	struct path_fact fact;
	int r;

	judge_read_only(profile, host, device, &row);
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(device->path + strlen("/dev/"), plan->nodes[i].path) == 0)
			return receipt_add(
				receipt, &row, reterr); /* it is among the standard ones */
	if (device->rule.enforce == ENFORCE_AUDIT)
		return receipt_add(receipt, &row, reterr);
	if (!path_is_beneath(device->path, "/dev") || !device->path[4]) {
		row.outcome = OUTCOME_NOT_ENFORCED;
		row.reason = "not a device below /dev";
		return receipt_add(receipt, &row, reterr);
	}
	r = add_node(plan, host, arena, &device->rule, device->path + 5,
		NODE | (device->writable ? 0 : MOUNT_ATTR_RDONLY), &fact);
	if (r < 0) {
		row.outcome = OUTCOME_NOT_ENFORCED;
		row.reason = r == -ENOENT
				     ? "the host has no such device, or this user cannot reach it"
				     : "it is not a character device";
	}
	return receipt_add(receipt, &row, reterr);
}

int device_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct device_plan *ret, struct err *reterr)
{
	const struct devices_section *asked = &profile->devices;
	const struct limit_rule *memory = &profile->limits.limits[LIMIT_MEMORY];
	bool bounded = memory->rule.set && memory->value != LIMIT_UNLIMITED;
	struct receipt_row row = {
		.rule = &asked->rule, .asked = "a /dev of its own", .layer = "mount"};
	struct device_plan plan = {.own_tmpfs = profile->files.root != ROOT_EMPTY,
		.make = profile->files.root == ROOT_LAYERS,
		.queues = profile->files.root == ROOT_LAYERS && profile->namespaces.ipc,
		.standard = asked->standard};
	int r = asked->standard ? compile_standard(&plan, arena, reterr) : 0;

	for (size_t i = 0; i < asked->device_count && r == 0; i++)
		r = compile_extra(&plan, profile, &asked->devices[i], host, arena, receipt, reterr);
	if (r < 0)
		return r;
	plan.shm_size = arena_format(arena, "%llu",
		(unsigned long long)(asked->shm_size ? asked->shm_size
				     : bounded       ? memory->value / 4
						     : SHM_SIZE));
	if (!plan.shm_size)
		return err_no_memory(reterr);
	*ret = plan;
	return receipt_add(receipt, &row, reterr);
}

void device_explain(const struct device_plan *plan, struct report *out)
{
	char attributes[64];

	for (size_t i = 0; i < plan->count; i++)
		report_row(out, NULL, "device", "/dev/%s (%s)", plan->nodes[i].path,
			child_attribute_names(
				plan->nodes[i].attributes, attributes, sizeof(attributes)));
	if (plan->standard) {
		report_row(out, NULL, "devpts", "/dev/pts, an instance of its own");
		report_row(out, NULL, "tmpfs", "/dev/shm of %s bytes (rw,nosuid,nodev,noexec)",
			plan->shm_size);
	}
	if (plan->standard && plan->queues)
		report_row(out, NULL, "mqueue", "/dev/mqueue, of the jail's own IPC namespace");
}

/* ---- child ---- */

/* From where /dev is filled: a root of ours, or the tmpfs that was mounted on somebody's /dev,
 * whatever that place is called by now. What is made is named "dev/…"; skip: so much of it. */
struct stand {
	int fd;
	size_t skip;
};

static int attach(const struct stand *stand, int tree, const char *target)
{
	_cleanup_close_ int owned = tree;

	return move_mount(owned, "", stand->fd, target + stand->skip, MOVE_MOUNT_F_EMPTY_PATH)
		       ? -errno
		       : 0;
}

static int attach_node(const struct device_node *node, const struct stand *stand)
{
	char source[5 + 256] = "/dev/";
	const char *target = source + 1;
	_cleanup_close_ int tree = -1;
	struct stat status;

	if (strlen(node->path) > 255)
		return -ENAMETOOLONG;
	memcpy(source + 5, node->path, strlen(node->path) + 1);
	tree = child_clone_path(source, !node->node, node->attributes);
	if (tree < 0)
		return tree;
	if (fstat(tree, &status))
		return -errno;
	if (node->inode && (status.st_ino != node->inode || status.st_dev != node->device))
		return -ESTALE;
	if (node->node && (!S_ISCHR(status.st_mode) || status.st_rdev != node->node))
		return -ENODEV;
	if (node->node ? mknodat(stand->fd, target + stand->skip, S_IFREG | 0444, 0)
		       : mkdirat(stand->fd, target + stand->skip, 0755))
		return -errno;
	return attach(stand, take_fd(&tree), target);
}

static int make_parent(const struct device_node *node, const struct stand *stand)
{
	char target[4 + 256] = "dev/";

	if (!node->parent)
		return 0;
	if (strlen(node->parent) > 255)
		return -ENAMETOOLONG;
	memcpy(target + 4, node->parent, strlen(node->parent) + 1);
	return mkdirat(stand->fd, target + stand->skip, 0755) && errno != EEXIST ? -errno : 0;
}

static int attach_new(const struct child *child, const struct stand *stand, const char *target,
	const char *type, const char *const *options, uint64_t attributes)
{
	int tree;

	if (mkdirat(stand->fd, target + stand->skip, 0755))
		return -errno;
	tree = child_new_mount(child, type, options, attributes);
	return tree < 0 ? tree : attach(stand, tree, target);
}

/* Where the root is somebody else's, its /dev must be a true directory: a link there once led
 * runtimes out (CVE-2026-41579). A descriptor of what was mounted on it, or -errno. */
static int own_dev(const struct device_plan *plan, const struct child *child)
{
	const char *const options[] = {"mode", "0755", "size", "64k", "nr_inodes", "128", NULL};
	_cleanup_close_ int place = -1, tree = -1;

	if (plan->make && mkdirat(child->root, "dev", 0755) && errno != EEXIST)
		return -errno;
	place = openat(child->root, "dev", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (place < 0)
		return -errno;
	tree = child_new_mount(child, "tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (tree < 0)
		return tree;
	if (move_mount(tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		return -errno;
	return take_fd(&tree);
}

/* Message queues as files, which images made for other runtimes expect; a kernel may lack them. */
static int mount_queues(const struct child *child, const struct stand *stand)
{
	const char *const none[] = {NULL};
	int r = attach_new(child, stand, "dev/mqueue", "mqueue", none, NODE | MOUNT_ATTR_NODEV);

	return r == -ENODEV ? 0 : r;
}

static int apply_standard(const struct device_plan *plan, const struct child *child,
	const struct stand *stand, uint16_t *reterr_item)
{
	const char *const pts[] = {"mode", "0620", "ptmxmode", "0666", "max", "64", NULL};
	const char *const shm[] = {
		"mode", "1777", "size", plan->shm_size, "nr_inodes", "65536", NULL};
	int r;

	*reterr_item = ITEM_PTS;
	r = attach_new(child, stand, "dev/pts", "devpts", pts, NODE);
	if (r < 0)
		return r;
	*reterr_item = ITEM_SHM;
	r = attach_new(child, stand, "dev/shm", "tmpfs", shm, NODE | MOUNT_ATTR_NODEV);
	if (r < 0)
		return r;
	*reterr_item = ITEM_LINKS;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlinkat(links[i].text, stand->fd, links[i].name + stand->skip))
			return -errno;
	*reterr_item = ITEM_QUEUES;
	return plan->queues ? mount_queues(child, stand) : 0;
}

int device_apply(const struct device_plan *plan, struct child *child, uint16_t *reterr_item)
{
	struct stand stand = {child->root, 0};
	_cleanup_close_ int dev = -1;
	int r = 0;

	*reterr_item = ITEM_TMPFS;
	if (plan->own_tmpfs) {
		dev = own_dev(plan, child);
		stand = (struct stand){dev, strlen("dev/")};
		r = dev < 0 ? dev : 0;
	} else if (mkdirat(child->root, "dev", 0755)) {
		r = -errno;
	}
	for (size_t i = 0; i < plan->count && r == 0; i++) {
		*reterr_item = (uint16_t)i;
		r = make_parent(&plan->nodes[i], &stand);
		if (r == 0)
			r = attach_node(&plan->nodes[i], &stand);
	}
	return r == 0 && plan->standard ? apply_standard(plan, child, &stand, reterr_item) : r;
}
