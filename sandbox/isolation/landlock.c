/* Landlock: see landlock.h. The kernel headers of Debian 12 end at ABI 2, so the later bits stand
 * here, with the ABI that brought them. */
#include "isolation/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/host.h"
#include "isolation/child.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/kernel_calls.h"
#include "util/mutant.h"
#include "util/path.h"
#include "util/report.h"

enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_BLOCK = 1 << 11,
	FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13,     /* ABI 2 */
	FS_TRUNCATE = 1 << 14,  /* ABI 3 */
	FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
	FS_ALL = (1 << 16) - 1,
};
enum { NET_BIND_TCP = 1 << 0, NET_CONNECT_TCP = 1 << 1 }; /* ABI 4 */
enum { SCOPE_ABSTRACT = 1 << 0, SCOPE_SIGNAL = 1 << 1 };  /* ABI 6 */

#define READ ((uint64_t)(FS_READ_FILE | FS_READ_DIR))
#define WRITE                                                                                    \
	((uint64_t)(FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | \
		    FS_MAKE_SYM | FS_REFER | FS_TRUNCATE))
#define SPECIAL ((uint64_t)(FS_MAKE_SOCK | FS_MAKE_FIFO))
#define ON_A_FILE \
	((uint64_t)(FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV))
#define RULE_PATH_BENEATH 1
#define NO_RULE UINT16_MAX /* of reterr_item */

struct ruleset_attributes {
	uint64_t handled_files, handled_network, scoped;
};

struct path_beneath {
	uint64_t access;
	int32_t parent;
} __attribute__((packed));

/* ---- compile ---- */

/* What a kernel of this ABI knows of the rights (1 to the newest we know). */
static uint64_t known_rights(int abi)
{
	uint64_t rights = FS_ALL;

	rights &= abi < 5 ? ~(uint64_t)FS_IOCTL_DEV : rights;
	rights &= abi < 3 ? ~(uint64_t)FS_TRUNCATE : rights;
	rights &= abi < 2 ? ~(uint64_t)FS_REFER : rights;
	return rights;
}

/* asked: NULL for what the engine has itself. */
static int add(struct landlock_layer *layer, struct arena *arena, const char *path, uint64_t access,
	const struct rule *asked, bool optional)
{
	struct landlock_rule *rule = ARENA_APPEND(arena, layer->rules, layer->count);

	if (!rule)
		return -ENOMEM;
	*rule = (struct landlock_rule){path, access, asked, optional};
	return 0;
}

/*
 * One rule for all the files that the plan writes into a directory it makes: everything else in
 * there is put there by a rule that grants reading, too. NULL where the directory is not ours.
 */
static const char *own_directory(const struct files_section *files,
	const struct mount_rule *const *shown, size_t shown_count, struct arena *arena,
	const char *path)
{
	const char *slash = strrchr(path, '/');
	char *parent = slash > path ? arena_copy_range(arena, path, (size_t)(slash - path)) : NULL;
	bool ours = parent && files->root == ROOT_EMPTY;

	for (size_t i = 0; i < shown_count && ours; i++)
		ours = shown[i]->kind == MOUNT_FILE || shown[i]->kind == MOUNT_DIRECTORY ||
		       !path_is_beneath(parent, shown[i]->target);
	return ours ? parent : NULL;
}

static uint64_t rights_of(const struct mount_rule *rule)
{
	uint64_t execute = rule->no_exec ? 0 : FS_EXECUTE;

	switch (rule->kind) {
	case MOUNT_BIND:
		return READ | execute |
		       (rule->writable ? WRITE | (rule->special_files ? SPECIAL : 0) |
						 (rule->whiteouts ? FS_MAKE_CHAR | FS_MAKE_FIFO : 0)
				       : 0);
	case MOUNT_LAYERS: return READ | execute | (rule->writable ? WRITE | SPECIAL : 0);
	case MOUNT_TMPFS: return READ | execute | WRITE | SPECIAL;
	case MOUNT_FILE: return FS_READ_FILE;
	case MOUNT_DIRECTORY: return FS_READ_DIR;
	default: return 0; /* a symbolic link is not asked about; a deny grants nothing */
	}
}

/* Rights only add up on the way down: what lies above path, each with all that is granted there.
 * The first is the root. */
struct granted {
	const char *path;
	uint64_t access;
};

/* In a root of ours alone: in another one, links may lead what is shown elsewhere. */
static void push(struct granted *granted, size_t *depth, const struct files_section *files,
	const struct landlock_rule *rule)
{
	if (files->root == ROOT_EMPTY && !rule->optional) {
		granted[*depth] =
			(struct granted){rule->path, rule->access | granted[*depth - 1].access};
		++*depth;
	}
}

static int add_shown(struct landlock_layer *layer, struct arena *arena,
	const struct files_section *files, const struct mount_rule *const *shown,
	size_t shown_count)
{
	struct granted *granted = arena_zeroed(arena, shown_count + 1, sizeof(*granted));
	size_t depth = 1;
	int r = granted ? 0 : -ENOMEM;

	if (r == 0)
		granted[0] = (struct granted){layer->rules->path, layer->rules->access};
	for (size_t i = 0; i < shown_count && r == 0; i++) {
		const struct mount_rule *rule = shown[i];
		uint64_t access = rights_of(rule);
		const char *directory = NULL;

		while (!path_is_beneath(rule->target, granted[depth - 1].path))
			depth--;
		if (!(access & ~granted[depth - 1].access))
			continue;
		if (rule->kind == MOUNT_FILE)
			directory = own_directory(files, shown, shown_count, arena, rule->target);
		r = add(layer, arena, directory ? directory : rule->target, access, &rule->rule,
			rule->rule.enforce == ENFORCE_BEST_EFFORT);
		if (r == 0)
			push(granted, &depth, files, layer->rules + layer->count - 1);
	}
	return r;
}

#define DEVICE (READ | FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

static const struct device_rule *find_device(const struct profile *profile, const char *path)
{
	for (size_t i = 0; i < profile->devices.device_count; i++)
		if (strcmp(profile->devices.devices[i].path, path) == 0)
			return &profile->devices.devices[i];
	return NULL;
}

/* Rights only add up on the way to a node: where one of them is not to be written, each has its
 * own. */
static int add_each_device(
	struct landlock_layer *layer, struct arena *arena, const struct profile *profile)
{
	const struct devices_section *devices = &profile->devices;
	int r = add(layer, arena, "/dev", FS_READ_DIR, NULL, false);

	for (size_t i = 0; devices->standard && i < STANDARD_DEVICES && r == 0; i++)
		if (!find_device(profile, standard_devices[i].path))
			r = add(layer, arena, standard_devices[i].path, DEVICE, NULL, false);
	if (r == 0 && devices->standard)
		r = add(layer, arena, "/dev/pts", DEVICE, NULL, false);
	for (size_t i = 0; i < devices->device_count && r == 0; i++)
		r = add(layer, arena, devices->devices[i].path,
			devices->devices[i].writable
				? DEVICE
				: DEVICE & ~(uint64_t)(FS_WRITE_FILE | FS_TRUNCATE),
			&devices->devices[i].rule,
			devices->devices[i].rule.enforce != ENFORCE_REQUIRED);
	return r;
}

static int add_devices(
	struct landlock_layer *layer, struct arena *arena, const struct profile *profile)
{
	const struct devices_section *devices = &profile->devices;
	bool all_writable = true;

	for (size_t i = 0; i < devices->device_count; i++)
		all_writable &= devices->devices[i].writable;
	return all_writable ? add(layer, arena, "/dev", DEVICE, NULL, false)
			    : add_each_device(layer, arena, profile);
}

/* Everything that the files and devices sections make visible, and with which right. */
static int derive(const struct profile *profile, const struct mount_rule *const *shown,
	size_t shown_count, struct arena *arena, struct landlock_layer *layer)
{
	const struct files_section *files = &profile->files;
	uint64_t root = files->root == ROOT_EMPTY
				? FS_READ_DIR
				: READ | FS_EXECUTE | (files->root_writable ? WRITE | SPECIAL : 0);
	int r = add(layer, arena, "/", root, NULL, false);

	if (r == 0)
		r = add_shown(layer, arena, files, shown, shown_count);
	if (r == 0 && files->proc != PROC_NONE)
		r = add(layer, arena, "/proc", READ | FS_WRITE_FILE | FS_TRUNCATE, NULL, false);
	if (r == 0 && files->sys != SYS_NONE)
		r = add(layer, arena, "/sys", READ, NULL, false);
	if (r == 0)
		r = add_devices(layer, arena, profile);
	if (r == 0 && profile->devices.standard)
		r = add(layer, arena, "/dev/shm", READ | WRITE | SPECIAL, NULL, false);
	if (r == 0 && profile->devices.standard && files->root == ROOT_LAYERS)
		r = add(layer, arena, "/dev/mqueue", READ | WRITE, NULL, true);
	return r;
}

static int tighten(const struct profile *profile, struct arena *arena, struct landlock_layer *layer)
{
	const struct landlock_section *asked = &profile->landlock;
	int r = 0;

	for (size_t i = 0; i < asked->path_count && r == 0; i++)
		r = add(layer, arena, asked->paths[i].path,
			READ | (asked->paths[i].no_exec ? 0 : FS_EXECUTE) |
				(asked->paths[i].writable ? WRITE | SPECIAL : 0) | FS_IOCTL_DEV,
			&asked->paths[i].rule, asked->paths[i].rule.enforce == ENFORCE_BEST_EFFORT);
	return r;
}

static int report_abi(const struct landlock_section *asked, const struct host *host,
	struct arena *arena, struct receipt *receipt, bool *ret_apply, struct err *reterr)
{
	struct receipt_row row = {.rule = &asked->rule, .asked = "landlock", .layer = "landlock"};
	int minimum = asked->minimum_abi ? (int)asked->minimum_abi : 1;

	*ret_apply = host->landlock_abi >= 1 && asked->rule.enforce != ENFORCE_AUDIT;
	if (host->landlock_abi < minimum) {
		row.outcome = host->landlock_abi ? OUTCOME_PARTLY : OUTCOME_NOT_ENFORCED;
		row.reason = host->landlock_abi
				     ? arena_format(arena,
					       "the kernel has ABI %d, the profile asks for %d",
					       host->landlock_abi, minimum)
			     : host->landlock_errno == EOPNOTSUPP
				     ? "Landlock is built in but not enabled at boot"
				     : "this kernel has no Landlock";
		row.remedy = host->landlock_abi
				     ? "use a newer kernel, or lower landlock.minimum_abi"
				     : "add landlock to the lsm= list on the kernel's command line";
	}
	return receipt_add(receipt, &row, reterr);
}

static int report_scopes(const struct landlock_section *asked, const struct host *host,
	struct receipt *receipt, struct err *reterr)
{
	struct receipt_row row = {
		.rule = &asked->scope_rule, .asked = "landlock scopes", .layer = "landlock"};

	if (!asked->scope_abstract && !asked->scope_signal)
		return 0;
	if (host->landlock_abi < 6) {
		row.outcome = OUTCOME_NOT_ENFORCED;
		row.reason = "scopes came with Landlock ABI 6 (Linux 6.12)";
		row.remedy = "use a newer kernel; the network and pid namespaces cut the same ways";
	}
	return receipt_add(receipt, &row, reterr);
}

int landlock_compile(const struct profile *profile, const struct host *host,
	const struct mount_rule *const *shown, size_t shown_count, struct arena *arena,
	struct receipt *receipt, struct landlock_plan *ret, struct err *reterr)
{
	const struct landlock_section *asked = &profile->landlock;
	struct landlock_plan plan = {0};
	bool apply;
	int r;

	*ret = plan;
	if (!asked->enabled || mutant(MUTANT_NO_LANDLOCK))
		return 0;
	r = report_abi(asked, host, arena, receipt, &apply, reterr);
	if (r == 0)
		r = report_scopes(asked, host, receipt, reterr);
	if (r < 0 || !apply)
		return r;
	plan.abi = host->landlock_abi;
	plan.handled_files = known_rights(plan.abi);
	if (plan.abi >= 4 && profile->network.kind == NETWORK_NONE && !profile->network.loopback)
		plan.handled_network = NET_BIND_TCP | NET_CONNECT_TCP;
	if (plan.abi >= 6 && !mutant(MUTANT_NO_LANDLOCK_SCOPE))
		plan.scoped = (uint64_t)(asked->scope_abstract ? SCOPE_ABSTRACT : 0) |
			      (uint64_t)(asked->scope_signal ? SCOPE_SIGNAL : 0);
	plan.layer_count = asked->path_count ? 2 : 1;
	r = derive(profile, shown, shown_count, arena, &plan.layers[0]);
	if (r == 0)
		r = tighten(profile, arena, &plan.layers[1]);
	if (r < 0)
		return err_set(reterr, r, NULL, "out of memory");
	*ret = plan;
	return 0;
}

void landlock_explain(const struct landlock_plan *plan, struct report *out)
{
	if (!plan->abi) {
		report_row(out, NULL, "landlock", "not applied");
		return;
	}
	report_row(out, NULL, "landlock", "ABI %d%s%s%s", plan->abi,
		plan->handled_network ? ", no TCP" : "",
		plan->scoped & SCOPE_ABSTRACT ? ", no abstract socket outside" : "",
		plan->scoped & SCOPE_SIGNAL ? ", no signal outside" : "");
	for (size_t l = 0; l < plan->layer_count; l++)
		for (size_t i = 0; i < plan->layers[l].count; i++) {
			const struct landlock_rule *rule = &plan->layers[l].rules[i];

			report_row(out, NULL, l ? "only" : "grant", "%s:%s%s%s%s", rule->path,
				rule->access & FS_READ_FILE ? " read" : "",
				rule->access & FS_READ_DIR ? " list" : "",
				rule->access & FS_EXECUTE ? " execute" : "",
				rule->access & FS_WRITE_FILE ? " write" : "");
		}
}

/* ---- child ---- */

/*
 * The place a rule is about. Where a link is on the way it is followed only to where a mount of
 * ours begins: a link in somebody's tree must not lead a grant to what merely lies above our
 * mounts, such as a made parent directory (T-PATH-21).
 */
static int open_place(const char *path)
{
	_cleanup_close_ int fd = path_open_no_links(AT_FDCWD, path[1] ? path + 1 : ".", O_PATH);
	struct statx status;

	if (fd != -ELOOP && fd != -EXDEV)
		return take_fd(&fd);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &status))
		return -errno;
	return status.stx_attributes & STATX_ATTR_MOUNT_ROOT ? take_fd(&fd) : -ENOENT;
}

static int add_rule(int ruleset, const struct landlock_rule *rule, uint64_t handled)
{
	_cleanup_close_ int place = open_place(rule->path);
	struct path_beneath beneath = {.access = rule->access & handled};

	if (place < 0) /* nothing there: nothing to grant */
		return place == -ENOENT ||
				       (rule->optional && (place == -EACCES || place == -ENOTDIR))
			       ? 0
			       : place;
	beneath.parent = place;
	if (!beneath.access)
		return 0;
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &beneath, 0) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	beneath.access &=
		ON_A_FILE; /* it is no directory: the rights that are about a file alone */
	if (!beneath.access)
		return 0;
	return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &beneath, 0) ? -errno : 0;
}

/* first: of the layer's rules, among all. */
static int restrict_to(const struct landlock_plan *plan, const struct landlock_layer *layer,
	size_t first, uint16_t *reterr_item)
{
	struct ruleset_attributes attributes = {
		plan->handled_files, plan->handled_network, plan->scoped};
	/* older kernels take a shorter struct; what it lacks is zero here (known_rights) */
	size_t size = plan->abi >= 6 ? sizeof(attributes) : plan->abi >= 4 ? 16 : 8;
	_cleanup_close_ int ruleset =
		(int)syscall(SYS_landlock_create_ruleset, &attributes, size, 0);

	*reterr_item = NO_RULE;
	if (ruleset < 0)
		return -errno;
	for (size_t i = 0; i < layer->count; i++) {
		int r = add_rule(ruleset, &layer->rules[i], plan->handled_files);

		if (r < 0) {
			*reterr_item = (uint16_t)(first + i);
			return r;
		}
	}
	return syscall(SYS_landlock_restrict_self, ruleset, 0) ? -errno : 0;
}

int landlock_apply(const struct landlock_plan *plan, struct child *child, uint16_t *reterr_item)
{
	size_t first = 0;
	int r = 0;

	(void)child;
	for (size_t i = 0; i < plan->layer_count && r == 0; i++) {
		r = restrict_to(plan, &plan->layers[i], first, reterr_item);
		first += plan->layers[i].count;
	}
	return r;
}

const struct landlock_rule *landlock_rule_of(const struct landlock_plan *plan, uint16_t item)
{
	size_t position = item;

	for (size_t i = 0; i < plan->layer_count && item != NO_RULE; i++) {
		if (position < plan->layers[i].count)
			return &plan->layers[i].rules[position];
		position -= plan->layers[i].count;
	}
	return NULL;
}
