/* From a profile, the facts of a host and a request to a plan: each mechanism compiles its part;
 * this file only knows the order. */
#include "plan/plan.h"

#include "util/arena.h"

unsigned plan_host_parts(const struct profile *profile)
{
	unsigned parts = HOST_CAPABILITIES | (profile->syscalls.unconfined ? 0 : HOST_SECCOMP);

	parts |= profile->landlock.enabled ? HOST_LANDLOCK : 0;
	parts |= profile->selinux.rule.set ? HOST_SELINUX : 0;
	parts |= cgroup_is_wanted(&profile->limits) ? HOST_CGROUP : 0;
	parts |= profile->identity.kind != IDENTITY_SINGLE ? HOST_SUBORDINATE : 0;
	return parts;
}

static int compile_wall_time(const struct profile *profile, struct plan *plan, struct err *reterr)
{
	const struct limit_rule *limit = &profile->limits.limits[LIMIT_WALL_TIME];
	struct receipt_row row = {
		.rule = &limit->rule, .asked = "wall_time", .layer = "the supervisor's clock"};

	if (!limit->rule.set)
		return 0;
	if (limit->rule.enforce != ENFORCE_AUDIT && limit->value != LIMIT_UNLIMITED)
		plan->wall_milliseconds = limit->value;
	return receipt_add(&plan->receipt, &row, reterr);
}

int plan_compile(const struct profile *profile, const struct host *host,
	const struct plan_request *request, struct arena *arena, struct plan *ret,
	struct err *reterr)
{
	struct receipt *receipt = &ret->receipt;
	const struct profile *filtered = profile;
	int r;

	*ret = (struct plan){.profile = profile, .receipt = {.arena = arena}};
	r = namespace_compile(profile, host, arena, receipt, &ret->namespaces, reterr);
	if (r == 0)
		r = idmap_compile(profile, host, arena, receipt, &ret->idmap, reterr);
	if (r == 0)
		r = network_compile(profile, host, arena, receipt, &ret->network, reterr);
	if (r == 0)
		r = root_compile(profile, host, arena, receipt, &ret->root, reterr);
	if (r == 0)
		r = mount_compile(profile, host, arena, receipt, &ret->mounts, reterr);
	if (r == 0)
		r = device_compile(profile, host, arena, receipt, &ret->devices, reterr);
	if (r == 0)
		r = proc_compile(profile, host, arena, receipt, &ret->proc, reterr);
	if (r == 0)
		r = cgroup_compile(profile, host, arena, receipt, &ret->cgroup, reterr);
	if (r == 0)
		r = rlimit_compile(profile, host, arena, receipt, ret->cgroup.pids_limited,
			ret->cgroup.memory_limited, &ret->rlimits, reterr);
	if (r == 0)
		r = compile_wall_time(profile, ret, reterr);
	if (r == 0)
		r = terminal_compile(profile, host, arena, receipt, request->is_terminal,
			&ret->terminal, reterr);
	if (r == 0)
		r = process_compile(profile, host, arena, receipt, request->preserved,
			request->preserved_count, &ret->process, reterr);
	if (r == 0)
		r = capability_compile(profile, host, arena, receipt, &ret->capabilities, reterr);
	if (r == 0)
		r = selinux_compile(profile, host, arena, receipt, &ret->selinux, reterr);
	if (r == 0)
		r = landlock_compile(profile, host, ret->mounts.shown, ret->mounts.shown_count,
			arena, receipt, &ret->landlock, reterr);
	if (r == 0)
		r = ownership_compile(
			profile, host, &ret->idmap, arena, receipt, &filtered, reterr);
	if (r == 0)
		r = seccomp_compile(filtered, host, arena, receipt, &ret->filter, reterr);
	if (r == 0)
		r = seccomp_compile_init(arena, &ret->init_filter, reterr);
	if (r == 0)
		r = command_compile(profile, host, request, arena, &ret->command, reterr);
	return r;
}
