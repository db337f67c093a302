/*
 * Limits of a profile to files of cgroup v2: see cgroup.h. The rest of the mechanism is in
 * cgroup.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "isolation/cgroup.h"
#include "profile/load.h"
#include "util/arena.h"
#include "util/report.h"

#define PERIOD 100000U       /* microseconds, the kernel's default */
#define PERIOD_LONG 1000000U /* the longest it takes */
#define QUOTA_LEAST 1000U    /* the least it takes */

struct compiler {
	const struct profile *profile;
	const struct host *host;
	struct arena *arena;
	struct receipt *receipt;
	struct cgroup_plan *plan;
	struct err *reterr;
};

static const struct limit_file {
	enum limit_kind kind;
	enum cgroup_controller controller;
	const char *file;
	const char *controller_name;
	bool stand_in; /* rlimit_compile() has something for a host without */
} limit_files[] = {
	{LIMIT_MEMORY, CONTROLLER_MEMORY, "memory.max", "memory", true},
	{LIMIT_MEMORY_HIGH, CONTROLLER_MEMORY, "memory.high", "memory", false},
	{LIMIT_SWAP, CONTROLLER_MEMORY, "memory.swap.max", "memory", false},
	{LIMIT_PIDS, CONTROLLER_PIDS, "pids.max", "pids", true},
	{LIMIT_CPU, CONTROLLER_CPU, "cpu.max", "cpu", false},
	{LIMIT_CPU_WEIGHT, CONTROLLER_CPU, "cpu.weight", "cpu", false},
	{LIMIT_IO_WEIGHT, CONTROLLER_IO, "io.weight", "io", false},
};

static int add_write(const struct compiler *c, unsigned controller, const char *file,
	const char *value, const struct rule *rule, bool optional)
{
	struct cgroup_write *write;

	if (!value)
		return err_no_memory(c->reterr);
	write = ARENA_APPEND(c->arena, c->plan->writes, c->plan->write_count);
	if (!write)
		return err_no_memory(c->reterr);
	*write = (struct cgroup_write){file, value, rule, optional};
	c->plan->controllers |= controller;
	return 0;
}

/* Delegation is no answer where there is nothing to delegate: the reason says what is. */
static const char *remedy(const struct compiler *c)
{
	return c->host->cgroup == CGROUP_NONE
		       ? "`immure doctor` tells more"
		       : "as root: systemctl edit user@.service, add [Service] Delegate=cpu cpuset "
			 "io memory pids; `immure doctor` tells more";
}

static int add_row(const struct compiler *c, const struct rule *rule, const char *file,
	const char *asked, const char *reason)
{
	struct receipt_row row = {.rule = rule,
		.asked = asked,
		.reason = reason,
		.remedy = reason ? remedy(c) : NULL};

	row.outcome = reason ? OUTCOME_NOT_ENFORCED : OUTCOME_ENFORCED;
	row.layer = arena_join(c->arena, "cgroup ", file);
	if (!asked || !row.layer)
		return err_no_memory(c->reterr);
	return receipt_add(c->receipt, &row, c->reterr);
}

/* Why a controller cannot be used here; NULL when it can. */
static const char *why_not(const struct compiler *c, unsigned controller, const char *name)
{
	if (c->host->cgroup == CGROUP_NONE)
		return c->host->cgroup_reason ? c->host->cgroup_reason
					      : "this host offers no cgroup";
	if (!(c->host->cgroup_controllers & controller))
		return arena_format(
			c->arena, "the %s controller is not delegated to this user", name);
	return NULL;
}

/*
 * cpu.max wants a quota per period; below a hundredth of a CPU only the longest period gives a
 * quota that the kernel takes.
 */
static const char *cpu_value(struct arena *arena, uint64_t milli)
{
	uint64_t quota = milli * (PERIOD / 1000), period = PERIOD;

	if (milli > UINT32_MAX) /* more CPUs than there can be */
		return "max 100000";
	if (quota < QUOTA_LEAST) {
		period = PERIOD_LONG;
		quota = milli * (PERIOD_LONG / 1000);
	}
	return arena_format(arena, "%" PRIu64 " %" PRIu64, quota, period);
}

static const char *limit_value(const struct compiler *c, enum limit_kind kind, uint64_t value)
{
	switch (kind) {
	case LIMIT_CPU: return cpu_value(c->arena, value);
	case LIMIT_IO_WEIGHT: return arena_format(c->arena, "default %" PRIu64, value);
	default: return arena_format(c->arena, "%" PRIu64, value);
	}
}

/*
 * What goes with memory.max: no way around it by swapping (T-RES-03), and no half-dead tree after
 * the OOM killer (T-RES-04).
 */
static int add_memory_company(const struct compiler *c, const struct rule *rule)
{
	int r = 0;

	if (!c->profile->limits.limits[LIMIT_SWAP].rule.set)
		r = add_write(c, CONTROLLER_MEMORY, "memory.swap.max", "0", rule, true);
	return r < 0 ? r : add_write(c, CONTROLLER_MEMORY, "memory.oom.group", "1", rule, false);
}

static int compile_limit(const struct compiler *c, const struct limit_file *file)
{
	const struct limit_rule *limit = &c->profile->limits.limits[file->kind];
	const char *reason, *asked;
	char value[32];
	int r;

	if (!limit->rule.set || limit->value == LIMIT_UNLIMITED)
		return 0; /* "max" is what a new cgroup has */
	reason = why_not(c, file->controller, file->controller_name);
	asked = arena_format(c->arena, "%s %s", limit_names[file->kind],
		limit_format(file->kind, limit->value, value, sizeof(value)));
	if (limit->rule.enforce == ENFORCE_AUDIT)
		return add_row(c, &limit->rule, file->file, asked, reason);
	if (reason)
		return file->stand_in ? 0 : add_row(c, &limit->rule, file->file, asked, reason);
	r = add_write(c, file->controller, file->file, limit_value(c, file->kind, limit->value),
		&limit->rule, file->kind == LIMIT_SWAP && limit->value == 0);
	if (r == 0 && file->kind == LIMIT_MEMORY)
		r = add_memory_company(c, &limit->rule);
	if (r < 0)
		return r;
	c->plan->memory_limited |= file->kind == LIMIT_MEMORY;
	c->plan->pids_limited |= file->kind == LIMIT_PIDS;
	return add_row(c, &limit->rule, file->file, asked, NULL);
}

/*
 * The disk that a file system's device number stands for: io.max takes whole disks only, so a
 * partition becomes the disk it is on. NULL with a reason where there is none (tmpfs, overlayfs,
 * btrfs: their numbers name no device).
 */
static int find_disk(
	const struct compiler *c, uint64_t device, uint64_t *ret, const char **ret_reason)
{
	struct path_fact fact, partition;
	char *sys = arena_format(c->arena, "/sys/dev/block/%u:%u", major(device), minor(device));
	char *marker, *slash, *name;
	int r = sys ? c->host->path(c->host, c->arena, sys, true, &fact) : -ENOMEM;

	if (r < 0)
		return r;
	*ret = device;
	*ret_reason = fact.type == PATH_DIRECTORY
			      ? NULL
			      : "the file system there has no block device of its own";
	marker = fact.type == PATH_DIRECTORY ? arena_join(c->arena, fact.resolved, "/partition")
					     : NULL;
	if (!marker)
		return *ret_reason ? 0 : -ENOMEM;
	r = c->host->path(c->host, c->arena, marker, true, &partition);
	if (r < 0 || partition.type != PATH_REGULAR)
		return r;
	*(marker + strlen(fact.resolved)) =
		'\0'; /* …/block/sda/sda1: the disk is the directory above */
	slash = strrchr(marker, '/');
	*slash = '\0';
	name = strrchr(marker, '/');
	name = name ? arena_join(c->arena, "/dev", name) : NULL;
	if (!name)
		return -ENOMEM;
	for (char *mark = strchr(name, '!'); mark; mark = strchr(mark, '!'))
		*mark = '/'; /* sysfs writes cciss/c0d0 so */
	r = c->host->path(c->host, c->arena, name, true, &fact);
	if (r == 0 && !fact.node)
		*ret_reason = arena_format(c->arena, "there is no device node %s", name);
	*ret = fact.node;
	return r;
}

static const char *io_value(const struct compiler *c, const struct io_limit *limit, uint64_t disk)
{
	const struct {
		const char *key;
		uint64_t value;
	} fields[] = {{"rbps", limit->read_bytes}, {"wbps", limit->write_bytes},
		{"riops", limit->read_operations}, {"wiops", limit->write_operations}};
	char text[192];
	int used = snprintf(text, sizeof(text), "%u:%u", major(disk), minor(disk));

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].value) /* five parts of at most 27 characters: they fit */
			used += snprintf(text + used, sizeof(text) - (size_t)used, " %s=%" PRIu64,
				fields[i].key, fields[i].value);
	return arena_copy(c->arena, text);
}

static int compile_io(const struct compiler *c, const struct io_limit *limit)
{
	const char *reason = why_not(c, CONTROLLER_IO, "io"),
		   *asked = arena_join(c->arena, "io limits of ", limit->path);
	struct path_fact fact;
	uint64_t disk = 0;
	int r = c->host->path(c->host, c->arena, limit->path, true, &fact);

	if (r == 0 && !reason && (fact.type == PATH_ABSENT || fact.type == PATH_FORBIDDEN))
		reason = "there is no such path, or it cannot be reached";
	if (r == 0 && !reason)
		r = find_disk(c, fact.device, &disk, &reason);
	if (r < 0)
		return err_set(c->reterr, r, limit->path, "cannot find the device it is on: %s",
			strerror(-r));
	if (!reason && limit->rule.enforce != ENFORCE_AUDIT)
		r = add_write(
			c, CONTROLLER_IO, "io.max", io_value(c, limit, disk), &limit->rule, false);
	return r < 0 ? r : add_row(c, &limit->rule, "io.max", asked, reason);
}

static int compile_cpuset(const struct compiler *c)
{
	const struct limits_section *limits = &c->profile->limits;
	const char *reason = why_not(c, CONTROLLER_CPUSET, "cpuset");
	int r = 0;

	if (!limits->cpuset_rule.set || !limits->cpuset)
		return 0;
	if (!reason && limits->cpuset_rule.enforce != ENFORCE_AUDIT)
		r = add_write(c, CONTROLLER_CPUSET, "cpuset.cpus", limits->cpuset,
			&limits->cpuset_rule, false);
	if (r < 0)
		return r;
	return add_row(c, &limits->cpuset_rule, "cpuset.cpus",
		arena_join(c->arena, "cpuset ", limits->cpuset), reason);
}

bool cgroup_is_wanted(const struct limits_section *limits)
{
	for (size_t i = 0; i < sizeof(limit_files) / sizeof(limit_files[0]); i++)
		if (limits->limits[limit_files[i].kind].rule.set)
			return true;
	return limits->io_count || limits->cpuset_rule.set;
}

int cgroup_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct cgroup_plan *ret, struct err *reterr)
{
	struct cgroup_plan plan = {.way = CGROUP_NONE};
	struct compiler c = {profile, host, arena, receipt, &plan, reterr};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(limit_files) / sizeof(limit_files[0]); i++)
		r = compile_limit(&c, &limit_files[i]);
	for (size_t i = 0; r == 0 && i < profile->limits.io_count; i++)
		r = compile_io(&c, &profile->limits.io[i]);
	if (r == 0)
		r = compile_cpuset(&c);
	if (r < 0)
		return r;
	if (plan.write_count) {
		plan.way = host->cgroup;
		plan.parent = host->cgroup_parent;
		plan.mount = host->cgroup_mount;
	}
	*ret = plan;
	return 0;
}

void cgroup_explain(const struct cgroup_plan *plan, struct report *out)
{
	char place[768];

	if (plan->way == CGROUP_NONE)
		return;
	report_row(out, NULL, "cgroup", "%s%s",
		plan->way == CGROUP_SYSTEMD ? "a transient scope of the user's systemd at "
					    : "below ",
		plan->parent);
	for (size_t i = 0; i < plan->write_count; i++)
		report_row(out, origin_format(&plan->writes[i].rule->origin, place, sizeof(place)),
			"limit", "%s %s", plan->writes[i].file, plan->writes[i].value);
}
