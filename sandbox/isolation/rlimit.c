/* Resource limits of the process: see rlimit.h. */
#include "isolation/rlimit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/host.h"
#include "isolation/child.h"
#include "profile/load.h"
#include "util/arena.h"
#include "util/file.h"
#include "util/mutant.h"
#include "util/report.h"

/* Limits that always are per process, and how the unit of the profile becomes the kernel's. */
static const struct {
	enum limit_kind kind;
	int resource;
	const char *name;
	uint64_t divisor; /* milliseconds to seconds, rounded up; else 1 */
} per_process[] = {
	{LIMIT_OPEN_FILES, RLIMIT_NOFILE, "RLIMIT_NOFILE", 1},
	{LIMIT_FILE_SIZE, RLIMIT_FSIZE, "RLIMIT_FSIZE", 1},
	{LIMIT_CPU_TIME, RLIMIT_CPU, "RLIMIT_CPU", 1000},
	{LIMIT_CORE, RLIMIT_CORE, "RLIMIT_CORE", 1},
	{LIMIT_STACK, RLIMIT_STACK, "RLIMIT_STACK", 1},
	{LIMIT_ADDRESS_SPACE, RLIMIT_AS, "RLIMIT_AS", 1},
	{LIMIT_LOCKED_MEMORY, RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK", 1},
	{LIMIT_PENDING_SIGNALS, RLIMIT_SIGPENDING, "RLIMIT_SIGPENDING", 1},
	{LIMIT_MESSAGE_QUEUES, RLIMIT_MSGQUEUE, "RLIMIT_MSGQUEUE", 1},
};

static int add_entry(struct rlimit_plan *plan, struct arena *arena, int resource, const char *name,
	uint64_t value, const struct rule *rule, struct err *reterr)
{
	struct rlimit_entry *entry = ARENA_APPEND(arena, plan->entries, plan->count);

	if (!entry)
		return err_no_memory(reterr);
	*entry = (struct rlimit_entry){resource, name, value, rule};
	return 0;
}

static int compile_per_process(struct rlimit_plan *plan, const struct profile *profile,
	struct arena *arena, struct receipt *receipt, struct err *reterr)
{
	for (size_t i = 0; i < sizeof(per_process) / sizeof(per_process[0]); i++) {
		const struct limit_rule *limit = &profile->limits.limits[per_process[i].kind];
		struct receipt_row row = {.rule = &limit->rule,
			.asked = limit_names[per_process[i].kind],
			.layer = per_process[i].name};
		uint64_t value = limit->value;
		int r;

		if (!limit->rule.set)
			continue;
		if (value != LIMIT_UNLIMITED)
			value = value / per_process[i].divisor +
				(value % per_process[i].divisor != 0);
		if (per_process[i].kind == LIMIT_CORE && value == 0)
			value = 1; /* core(5): only 1 also keeps a pipe handler on the host from
				      being started (T-INFO-03) */
		if (value != LIMIT_UNLIMITED)
			row.asked = arena_format(
				arena, "%s %llu", row.asked, (unsigned long long)value);
		if (!row.asked)
			return err_no_memory(reterr);
		r = limit->rule.enforce == ENFORCE_AUDIT
			    ? 0
			    : add_entry(plan, arena, per_process[i].resource, per_process[i].name,
				      value, &limit->rule, reterr);
		if (r == 0)
			r = receipt_add(receipt, &row, reterr);
		if (r < 0)
			return r;
	}
	return 0;
}

/* RLIMIT_NPROC counts per id: with a range of ids and the right to take them, it bounds nobody. */
static bool many_ids(const struct profile *profile, const struct host *host)
{
	bool possible = host->newuidmap && host->uid_range_count;

	return profile->capabilities.keep >> CAP_SETUID & 1 &&
	       profile->identity.kind != IDENTITY_SINGLE && possible;
}

/* What a cgroup would hold for the whole tree, as far as a process limit can. */
static int compile_stand_ins(struct rlimit_plan *plan, const struct profile *profile,
	const struct host *host, struct arena *arena, struct receipt *receipt, bool pids_done,
	bool memory_done, struct err *reterr)
{
	const struct limit_rule *pids = &profile->limits.limits[LIMIT_PIDS];
	const struct limit_rule *memory = &profile->limits.limits[LIMIT_MEMORY];
	struct receipt_row row;
	int r = 0;

	if (pids->rule.set && !pids_done && pids->rule.enforce != ENFORCE_AUDIT) {
		row = (struct receipt_row){.rule = &pids->rule,
			.asked = "pids",
			.layer = "RLIMIT_NPROC in the user namespace"};
		if (many_ids(profile, host) && pids->value != LIMIT_UNLIMITED) {
			row.outcome = OUTCOME_PARTLY;
			row.reason = "without a cgroup the limit holds for each id by itself, and "
				     "the program may take others";
			row.remedy = "run `immure doctor` to see how this host can delegate a "
				     "cgroup, or drop CAP_SETUID";
		}
		r = add_entry(plan, arena, RLIMIT_NPROC, "RLIMIT_NPROC", pids->value, &pids->rule,
			reterr);
		r = r < 0 ? r : receipt_add(receipt, &row, reterr);
	}
	if (r == 0 && memory->rule.set && !memory_done && memory->value != LIMIT_UNLIMITED &&
		memory->rule.enforce != ENFORCE_AUDIT) {
		row = (struct receipt_row){.rule = &memory->rule,
			.asked = "memory",
			.outcome = OUTCOME_PARTLY,
			.layer = "RLIMIT_DATA",
			.reason = host->cgroup_reason ? host->cgroup_reason
						      : "there is no cgroup: held per process, not "
							"for the whole tree",
			.remedy = "run `immure doctor` to see how this host can delegate a cgroup"};
		r = receipt_add(receipt, &row, reterr);
		r = r < 0 ? r
			  : add_entry(plan, arena, RLIMIT_DATA, "RLIMIT_DATA", memory->value,
				    &memory->rule, reterr);
	}
	return r;
}

int rlimit_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, bool pids_done, bool memory_done, struct rlimit_plan *ret,
	struct err *reterr)
{
	const struct limits_section *limits = &profile->limits;
	struct receipt_row oom = {.rule = &limits->oom_rule,
		.asked = "oom_score_adjust",
		.layer = "/proc/self/oom_score_adj"};
	struct receipt_row nice = {
		.rule = &limits->nice_rule, .asked = "nice", .layer = "setpriority"};
	struct rlimit_plan plan = {0};
	int r = compile_per_process(&plan, profile, arena, receipt, reterr);

	if (r == 0)
		r = compile_stand_ins(
			&plan, profile, host, arena, receipt, pids_done, memory_done, reterr);
	if (r == 0 && limits->oom_rule.set) {
		plan.oom_score = limits->oom_rule.enforce == ENFORCE_AUDIT
					 ? NULL
					 : arena_format(arena, "%d", limits->oom_score_adjust);
		r = receipt_add(receipt, &oom, reterr);
	}
	if (r == 0 && limits->nice_rule.set) {
		plan.nice = limits->nice_rule.enforce == ENFORCE_AUDIT ? 0 : limits->nice;
		r = receipt_add(receipt, &nice, reterr);
	}
	if (r == 0)
		*ret = plan;
	return r;
}

void rlimit_explain(const struct rlimit_plan *plan, struct report *out)
{
	char place[768];

	for (size_t i = 0; i < plan->count; i++) {
		const struct rlimit_entry *entry = &plan->entries[i];

		if (entry->value == LIMIT_UNLIMITED)
			report_row(out, origin_format(&entry->rule->origin, place, sizeof(place)),
				"limit", "%s unlimited", entry->name);
		else
			report_row(out, origin_format(&entry->rule->origin, place, sizeof(place)),
				"limit", "%s %llu", entry->name, (unsigned long long)entry->value);
	}
	if (plan->oom_score)
		report_row(out, NULL, "oom score", "%s", plan->oom_score);
	if (plan->nice)
		report_row(out, NULL, "nice", "%d", plan->nice);
}

/* The kernel refuses to go below what is there already, and that is at least as strict: read back,
 * never taken for granted. */
static int set_oom_score(const char *wanted)
{
	char current[16];
	int r = file_write_kernel(AT_FDCWD, "/proc/self/oom_score_adj", wanted, strlen(wanted));

	if (r != -EACCES && r != -EPERM)
		return r;
	if (file_read_line(AT_FDCWD, "/proc/self/oom_score_adj", current, sizeof(current)) < 0)
		return r;
	return strtol(current, NULL, 10) >= strtol(wanted, NULL, 10) ? 0 : r;
}

static int set_nice(int wanted)
{
	long current;

	if (syscall(SYS_setpriority, PRIO_PROCESS, 0, wanted) == 0)
		return 0;
	if (errno != EACCES && errno != EPERM)
		return -errno;
	current = syscall(SYS_getpriority, PRIO_PROCESS, 0); /* 20 minus the nice value */
	return current > 0 && 20 - current >= wanted ? 0 : -EPERM;
}

int rlimit_apply_oom_score(
	const struct rlimit_plan *plan, struct child *child, uint16_t *reterr_item)
{
	(void)child;
	(void)reterr_item;
	return plan->oom_score ? set_oom_score(plan->oom_score) : 0;
}

int rlimit_apply_nice(const struct rlimit_plan *plan, struct child *child, uint16_t *reterr_item)
{
	(void)child;
	(void)reterr_item;
	return plan->nice ? set_nice(plan->nice) : 0;
}

/* Never above what we were given: without CAP_SYS_RESOURCE on the host the hard limit is the most
 * there is. */
static int set_limit(const struct rlimit_entry *entry)
{
	uint64_t value = entry->value == LIMIT_UNLIMITED ? RLIM_INFINITY : entry->value;
	struct rlimit current, wanted = {value, value};

	/* at the hard limit the kernel kills with SIGKILL, which tells nothing: SIGXCPU comes at
	 * the soft one, a second before */
	if (entry->resource == RLIMIT_CPU && value < RLIM_INFINITY)
		wanted.rlim_max++;
	if (syscall(SYS_prlimit64, 0, entry->resource, &wanted, NULL) == 0)
		return 0;
	if (errno != EPERM || syscall(SYS_prlimit64, 0, entry->resource, NULL, &current))
		return -errno;
	wanted.rlim_max = current.rlim_max < wanted.rlim_max ? current.rlim_max : wanted.rlim_max;
	wanted.rlim_cur = current.rlim_max < wanted.rlim_cur ? current.rlim_max : wanted.rlim_cur;
	return syscall(SYS_prlimit64, 0, entry->resource, &wanted, NULL) ? -errno : 0;
}

int rlimit_apply(const struct rlimit_plan *plan, struct child *child, uint16_t *reterr_item)
{
	(void)child;
	for (size_t i = 0; i < plan->count && !mutant(MUTANT_NO_LIMITS); i++) {
		int r = set_limit(&plan->entries[i]);

		*reterr_item = (uint16_t)i;
		if (r < 0)
			return r;
	}
	return 0;
}
