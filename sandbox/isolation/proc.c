/* /proc and /sys: see proc.h. */
#include "isolation/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "host/host.h"
#include "isolation/child.h"
#include "util/cleanup.h"
#include "util/kernel_calls.h"
#include "util/mutant.h"
#include "util/report.h"

#define SAFE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

enum { ITEM_PROC = 1000, ITEM_SYS, ITEM_READ_ONLY };

/* Second line only: what is masked here would show or steer the host. A kernel that lacks one of
 * them has nothing to mask. */
static const char *const masked_files[] = {
	"proc/kcore",
	"proc/keys",
	"proc/key-users",
	"proc/latency_stats",
	"proc/timer_list",
	"proc/timer_stats",
	"proc/sched_debug",
	"proc/schedstat",
	"proc/interrupts",
	"proc/softirqs",
	"proc/iomem",
	"proc/ioports",
	"proc/vmallocinfo",
	"proc/slabinfo",
	"proc/kallsyms",
	"proc/modules",
	"proc/config.gz",
	"proc/kpagecount",
	"proc/kpageflags",
	"proc/kpagecgroup",
	"proc/kmsg",
	"proc/mtrr",
	"proc/sysrq-trigger",
	"proc/swaps",
	"proc/diskstats",
	"proc/partitions",
	"proc/pagetypeinfo",
	"proc/buddyinfo",
	"proc/zoneinfo",
	"proc/crypto",
	"proc/dma",
	"proc/execdomains",
	"proc/fb",
	"proc/mdstat",
	"proc/misc",
	"proc/devices",
};
static const char *const masked_directories[] = {
	"proc/acpi",
	"proc/asound",
	"proc/scsi",
	"proc/bus",
	"proc/driver",
	"proc/tty",
	"proc/dynamic_debug",
	"proc/pressure",
	"proc/fs",
	"proc/irq",
	"sys/firmware",
	"sys/fs/selinux",
	"sys/fs/bpf",
	"sys/fs/pstore",
	"sys/fs/fuse",
	"sys/kernel/debug",
	"sys/kernel/tracing",
	"sys/kernel/security",
	"sys/kernel/mm",
	"sys/kernel/config",
	"sys/devices/virtual/powercap",
	"sys/class/powercap",
	"sys/power",
	"sys/module",
	"sys/hypervisor",
	"sys/devices/virtual/dmi",
	"sys/class/dmi",
};

int proc_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct proc_plan *ret, struct err *reterr)
{
	const struct files_section *files = &profile->files;
	struct receipt_row row = {
		.rule = &files->proc_rule, .asked = "a /proc of its own", .layer = "mount"};
	char where[512];

	(void)host;
	(void)arena;
	if (files->sys == SYS_READ_ONLY && profile->network.kind != NETWORK_NONE)
		return err_set(reterr, -EINVAL,
			origin_format(&files->sys_rule.origin, where, sizeof(where)),
			"/sys can be had with a network namespace of the jail's own only");
	*ret = (struct proc_plan){.proc = files->proc,
		.sys = files->sys,
		.make = files->root == ROOT_EMPTY || files->root == ROOT_LAYERS,
		.rule = &files->proc_rule};
	if (mutant(MUTANT_FULL_PROC))
		ret->proc = PROC_FULL;
	return files->proc == PROC_NONE ? 0 : receipt_add(receipt, &row, reterr);
}

void proc_explain(const struct proc_plan *plan, struct report *out)
{
	static const char *const kinds[] = {"none",
		"own processes only (subset=pid, hidepid=ptraceable)", "own, the rest masked"};

	_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == PROC_KIND_COUNT, "a word for each kind");
	report_row(out, NULL, "proc", "/proc: %s", kinds[plan->proc]);
	report_row(out, NULL, "sys", "/sys: %s",
		plan->sys == SYS_NONE ? "none" : "own network's, read-only, the rest masked");
}

/* ---- child ---- */

/* The mount point: made in a root of ours, and in another one a true directory (CVE-2023-27561: a
 * link led away). */
static int attach_at(
	const struct proc_plan *plan, const struct child *child, int tree, const char *target)
{
	_cleanup_close_ int place = -1;

	if (plan->make && mkdirat(child->root, target, 0555) && errno != EEXIST)
		return -errno;
	place = openat(child->root, target, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (place < 0 ||
		move_mount(tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		return -errno;
	return 0;
}

/*
 * What covers: the host's /dev/null for files, an empty tmpfs for directories. The first cover of
 * each kind is made, the others are copies of it: a file system of its own for each directory would
 * cost three times as much to make, and more to take down.
 */
struct cover {
	int null;        /* the host's */
	int file, empty; /* the first of each kind, mounted; -1 until there is one */
	int proc, sys;   /* what was mounted there, whatever its place is called by now; or -1 */
};

/* What target ("proc/keys") is to be looked up in, and as what. */
static int look_from(const struct child *child, const struct cover *cover, const char **target)
{
	int mounted = (*target)[0] == 'p' ? cover->proc : cover->sys;

	if (mounted < 0)
		return child->root;
	*target = strchr(*target, '/') + 1;
	return mounted;
}

static int make_cover(const struct child *child, const struct cover *cover, bool directory)
{
	const char *const options[] = {"mode", "0555", "size", "4k", "nr_inodes", "1", NULL};
	int first = directory ? cover->empty : cover->file;

	if (first >= 0) {
		int copy =
			open_tree(first, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

		return copy < 0 ? -errno : copy;
	}
	return directory ? child_new_mount(child, "tmpfs", options, SAFE | MOUNT_ATTR_RDONLY)
			 : child_clone_tree(cover->null, false, SAFE | MOUNT_ATTR_RDONLY);
}

/*
 * Its owner alone may open it, and that is neither us nor anybody that the jail's ids stand for:
 * the host's root. No capability helps against an owner who is not mapped (user_namespaces(7)), and
 * a third of what is to be masked is closed like that already.
 */
static bool is_closed(int from, const char *target, mode_t mode)
{
	int wanted = mode & S_IRUSR ? R_OK : W_OK;

	return !(mode & (S_IRWXG | S_IRWXO)) &&
	       syscall(SYS_faccessat2, from, target, wanted, AT_SYMLINK_NOFOLLOW | AT_EACCESS) <
		       0 &&
	       errno == EACCES;
}

/* Covers an existing place; what is absent needs no cover. By its path: nobody but the kernel makes
 * or moves anything in the /proc and /sys that have just been mounted. */
static int mask(const struct child *child, const char *target, struct cover *cover)
{
	int from = look_from(child, cover, &target);
	_cleanup_close_ int tree = -1;
	struct stat status;
	int *first;

	if (fstatat(from, target, &status, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT || errno == EACCES ? 0 : -errno;
	if (S_ISLNK(status.st_mode)) /* sysfs classes: what the link leads to is masked by its own
					name */
		return 0;
	if (is_closed(from, target, status.st_mode))
		return 0;
	tree = make_cover(child, cover, S_ISDIR(status.st_mode));
	if (tree < 0)
		return tree;
	if (move_mount(tree, "", from, target, MOVE_MOUNT_F_EMPTY_PATH))
		return -errno;
	first = S_ISDIR(status.st_mode) ? &cover->empty : &cover->file;
	if (*first < 0)
		*first = take_fd(&tree);
	return 0;
}

static int mask_each(const struct proc_plan *plan, const struct child *child, struct cover *cover,
	uint16_t *reterr_item)
{
	int r = 0;

	for (size_t i = 0; plan->proc == PROC_FULL &&
			   i < sizeof(masked_files) / sizeof(masked_files[0]) && r == 0;
		i++) {
		*reterr_item = (uint16_t)i;
		r = mask(child, masked_files[i], cover);
	}
	for (size_t i = 0; i < sizeof(masked_directories) / sizeof(masked_directories[0]) && r == 0;
		i++) {
		*reterr_item = (uint16_t)(500 + i);
		r = mask(child, masked_directories[i], cover);
	}
	return r;
}

static int mask_all(const struct proc_plan *plan, const struct child *child, int proc, int sys,
	uint16_t *reterr_item)
{
	_cleanup_close_ int null = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct cover cover = {.null = null, .file = -1, .empty = -1, .proc = proc, .sys = sys};
	struct stat status;
	int r;

	if (null < 0 || fstat(null, &status))
		return -errno;
	if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3))
		return -ENODEV;
	r = mask_each(plan, child, &cover, reterr_item);
	if (cover.file >= 0)
		(void)close(cover.file);
	if (cover.empty >= 0)
		(void)close(cover.empty);
	return r;
}

/* /proc/sys of a jail shows the host's settings; its owner may read them and write none. */
static int read_only_sysctl(int proc)
{
	_cleanup_close_ int place =
		openat(proc, "sys", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_close_ int tree = -1;

	if (place < 0)
		return -errno;
	tree = child_clone_tree(place, true, SAFE | MOUNT_ATTR_RDONLY);
	if (tree < 0)
		return tree;
	return move_mount(tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
		       ? -errno
		       : 0;
}

static int apply_proc(const struct proc_plan *plan, const struct child *child, int *ret)
{
	const char *const pid[] = {"subset", "pid", "hidepid", "ptraceable", NULL};
	const char *const full[] = {NULL};
	_cleanup_close_ int host = -1;

	if (mutant(MUTANT_HOST_PID)) {
		host = open("/proc", O_PATH | O_CLOEXEC);
		*ret = host < 0 ? -errno : child_clone_tree(host, true, SAFE);
	} else {
		*ret = child_new_mount(child, "proc", plan->proc == PROC_PID ? pid : full, SAFE);
	}
	return *ret < 0 ? *ret : attach_at(plan, child, *ret, "proc");
}

int proc_apply(const struct proc_plan *plan, struct child *child, uint16_t *reterr_item)
{
	const char *const none[] = {NULL};
	_cleanup_close_ int proc = -1, sys = -1;
	int r = 0;

	*reterr_item = ITEM_PROC;
	if (plan->proc != PROC_NONE)
		r = apply_proc(plan, child, &proc);
	if (r < 0)
		return r;
	if (plan->sys == SYS_READ_ONLY) {
		*reterr_item = ITEM_SYS;
		sys = child_new_mount(child, "sysfs", none, SAFE | MOUNT_ATTR_RDONLY);
		r = sys < 0 ? sys : attach_at(plan, child, sys, "sys");
		if (r < 0)
			return r;
	}
	if (plan->proc == PROC_FULL && !mutant(MUTANT_FULL_PROC)) {
		*reterr_item = ITEM_READ_ONLY;
		r = read_only_sysctl(proc);
	}
	if (r == 0 && (plan->proc == PROC_FULL || plan->sys == SYS_READ_ONLY) &&
		!mutant(MUTANT_FULL_PROC))
		r = mask_all(plan, child, proc, sys, reterr_item);
	return r;
}
