/*
 * The doctor's rounds: facts and trials to rows. See doctor.h; what is tried is in doctor_trials.c,
 * the cures are in doctor_fixes.c.
 */
#include "host/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "host/doctor_parts.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/proc.h"

struct round {
	struct arena *arena;
	struct doctor_findings *findings;
	enum distribution distribution;
	doctor_cgroup_trial *try_cgroup;
	struct host host;
	struct err *reterr;
};

static int add(const struct round *round, const struct doctor_row *row, enum fix fix)
{
	struct doctor_findings *findings = round->findings;
	struct doctor_row *place = ARENA_APPEND(round->arena, findings->rows, findings->row_count);

	if (!place || !row->detail)
		return err_no_memory(round->reterr);
	*place = *row;
	if (row->state == DOCTOR_OK)
		place->costs = NULL;
	else
		place->fix = fix_text(fix, round->distribution);
	findings->able &= !row->needed || row->state != DOCTOR_MISSING;
	return 0;
}

/* ---- trials ---- */

/* A refusal is the outer container's more often than the kernel's age. */
static enum fix fix_for_trial(const struct trial *trial, int error)
{
	if (strcmp(trial->id, "user-namespaces") == 0)
		return error == ENOSPC || error == EUSERS ? FIX_USERNS_LIMIT
							  : fix_for_user_namespace();
	if (trial->fix == FIX_KERNEL && (error == EPERM || error == EACCES))
		return FIX_OUTER_FILTER;
	if (trial->fix == FIX_OUTER_FILTER && error == EINVAL)
		return FIX_KERNEL;
	if (error == ENOSPC)
		return FIX_USERNS_LIMIT;
	return (enum fix)trial->fix;
}

static int examine_trials(const struct round *round)
{
	bool user_namespaces = true;

	for (size_t i = 0; i < trial_count; i++) {
		const struct trial *trial = &trials[i];
		struct doctor_row row = {.id = trial->id,
			.feature = trial->feature,
			.needed = trial->needed,
			.costs = trial->costs};
		struct trial_result result = {
			.error = EPERM, .detail = "not tried: it takes a user namespace"};
		int r;

		if (!trial->in_user_namespace || user_namespaces)
			trial_run(trial, &result);
		if (i == 0)
			user_namespaces = result.error == 0;
		row.state = result.error ? DOCTOR_MISSING : DOCTOR_OK;
		row.detail = arena_copy(
			round->arena, result.error || result.detail[0] ? result.detail : "works");
		r = add(round, &row,
			i > 0 && !user_namespaces && trial->in_user_namespace
				? FIX_NONE
				: fix_for_trial(trial, result.error));
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- facts ---- */

static int examine_landlock(const struct round *round)
{
	static const struct {
		int abi;
		const char *adds;
	} steps[] = {{2, "moving files between directories"}, {3, "truncation"}, {4, "TCP ports"},
		{5, "ioctl on devices"}, {6, "abstract sockets and signals out of the jail"}};
	struct doctor_row row = {.id = "landlock",
		.feature = "Landlock",
		.costs = "one wall less: a mistake in the mounts is not caught"};
	const char *missing = NULL;
	int abi = round->host.landlock_abi;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && abi > 0; i++) {
		if (abi >= steps[i].abi)
			continue;
		missing = missing ? arena_format(round->arena, "%s, %s", missing, steps[i].adds)
				  : steps[i].adds;
		if (!missing)
			return err_no_memory(round->reterr);
	}
	row.state = abi == 0 ? DOCTOR_MISSING : missing ? DOCTOR_DEGRADED : DOCTOR_OK;
	if (abi == 0)
		row.detail = round->host.landlock_errno == EOPNOTSUPP
				     ? "built into the kernel, but not active"
				     : strerror(round->host.landlock_errno);
	else
		row.detail = arena_format(round->arena,
			missing ? "ABI %d; cannot restrict: %s" : "ABI %d", abi,
			missing ? missing : "");
	if (missing)
		row.costs = "Landlock is no second wall for these; profiles that require them "
			    "(landlock minimum_abi) do not start";
	return add(round, &row,
		round->host.landlock_errno == EOPNOTSUPP ? FIX_LANDLOCK_BOOT : FIX_KERNEL);
}

static int examine_selinux(const struct round *round)
{
	struct doctor_row row = {.id = "selinux",
		.feature = "SELinux",
		.costs = "profiles that require a label do not start; others lose one wall"};
	const struct host *host = &round->host;

	row.state = !host->selinux_enabled    ? DOCTOR_MISSING
		    : host->selinux_enforcing ? DOCTOR_OK
					      : DOCTOR_DEGRADED;
	if (!host->selinux_enabled)
		row.detail = "not active";
	else
		row.detail = arena_format(round->arena, "%s; we are %s",
			host->selinux_enforcing ? "enforcing" : "permissive",
			host->selinux_context);
	return add(round, &row, host->selinux_enabled ? FIX_SELINUX_PERMISSIVE : FIX_SELINUX_OFF);
}

static int examine_capabilities(const struct round *round)
{
	struct doctor_row row = {.id = "capabilities", .feature = "capabilities"};

	row.detail =
		arena_format(round->arena, "the kernel knows 0 to %d", round->host.last_capability);
	return add(round, &row, FIX_NONE);
}

static int examine_cgroup(struct round *round)
{
	static const struct {
		const char *id, *feature, *costs;
		enum cgroup_controller controller;
	} controllers[] = {
		{"cgroup.memory", "memory limit of the whole jail",
			"memory is limited per process only (RLIMIT_DATA); required limits stop "
			"the launch",
			CONTROLLER_MEMORY},
		{"cgroup.pids", "count of processes in the jail",
			"RLIMIT_NPROC within the jail's user namespace stands in", CONTROLLER_PIDS},
		{"cgroup.cpu", "CPU quota and weight", "profiles that require them do not start",
			CONTROLLER_CPU},
		{"cgroup.io", "disk bandwidth and weight",
			"profiles that require them do not start", CONTROLLER_IO},
		{"cgroup.cpuset", "choice of CPUs", "profiles that require it do not start",
			CONTROLLER_CPUSET},
	};
	static const char *const ways[] = {[CGROUP_NONE] = "none",
		[CGROUP_DELEGATED] = "below",
		[CGROUP_SYSTEMD] = "a scope by systemd at"};
	struct doctor_row row = {.id = "cgroup",
		.feature = "own cgroup",
		.costs = "limits of the whole jail (memory, CPU, io) cannot be held: required ones "
			 "stop the launch"};
	struct host *host = &round->host;
	enum fix fix = host->cgroup_mount ? FIX_CGROUP_DELEGATE : FIX_CGROUP_HYBRID;
	char detail[256] = "";
	int r = 0;

	if (host->cgroup != CGROUP_NONE && round->try_cgroup(host, detail, sizeof(detail)) < 0) {
		row.state = DOCTOR_MISSING;
		row.detail = arena_format(round->arena, "%s %s fails: %s", ways[host->cgroup],
			host->cgroup_parent, detail);
		host->cgroup_controllers = 0;
	} else if (host->cgroup == CGROUP_NONE) {
		row.state = DOCTOR_MISSING;
		row.detail = host->cgroup_reason;
	} else {
		row.detail = arena_format(
			round->arena, "%s %s", ways[host->cgroup], host->cgroup_parent);
	}
	r = add(round, &row, fix);
	for (size_t i = 0; r == 0 && i < sizeof(controllers) / sizeof(controllers[0]); i++) {
		bool there = host->cgroup_controllers & controllers[i].controller;

		row = (struct doctor_row){.id = controllers[i].id,
			.feature = controllers[i].feature,
			.costs = controllers[i].costs,
			.state = there ? DOCTOR_OK : DOCTOR_MISSING};
		row.detail = there                         ? "delegated"
			     : host->cgroup == CGROUP_NONE ? "there is no cgroup of our own"
							   : "not delegated";
		r = add(round, &row, host->cgroup == CGROUP_NONE ? FIX_NONE : fix);
	}
	return r;
}

static int examine_subordinate(const struct round *round)
{
	struct doctor_row row = {.id = "subordinate-ids",
		.feature = "subordinate ids",
		.costs = "a jail has one id only: images with several users unpack, but run under "
			 "one"};
	const struct host *host = &round->host;
	enum fix fix = host->newuidmap && host->newgidmap ? FIX_SUBUID : FIX_UIDMAP_PACKAGE;
	int error = 0;

	if (host->subordinate_reason) {
		row.state = DOCTOR_MISSING;
		row.detail = host->subordinate_reason;
		return add(round, &row, fix);
	}
	error = trial_subordinate(host);
	row.state = error ? DOCTOR_MISSING : DOCTOR_OK;
	if (error)
		row.detail = arena_format(round->arena,
			"%s does not map them (is it setuid root, on a mount without nosuid?)",
			host->newuidmap);
	else
		row.detail = arena_format(round->arena, "%u from %u, and %zu range%s in all",
			host->uid_ranges[0].count, host->uid_ranges[0].start, host->uid_range_count,
			host->uid_range_count == 1 ? "" : "s");
	return add(round, &row, FIX_UIDMAP_PACKAGE);
}

/* Are we in a container, or in a user namespace, ourselves? */
static int examine_nesting(const struct round *round)
{
	struct doctor_row row = {.id = "nesting",
		.feature = "not nested",
		.costs = "the outer container may forbid what a jail needs, above all a fresh "
			 "/proc: see the rows above"};
	const char *inside = NULL;
	char text[256];
	struct proc_id_map map;

	if (access("/run/.containerenv", F_OK) == 0)
		inside = "podman (/run/.containerenv)";
	else if (access("/.dockerenv", F_OK) == 0)
		inside = "docker (/.dockerenv)";
	else if (access("/run/systemd/container", F_OK) == 0)
		inside = "a container (/run/systemd/container)";
	if (file_read_line(AT_FDCWD, "/proc/self/uid_map", text, sizeof(text)) > 0 &&
		(strchr(text, '\n') || proc_id_map_parse(text, &map) || map.inside || map.outside ||
			map.count != UINT32_MAX))
		inside = inside ? arena_format(round->arena, "%s, in a user namespace", inside)
				: "a user namespace";
	row.state = inside ? DOCTOR_DEGRADED : DOCTOR_OK;
	row.detail = inside ? arena_format(round->arena, "inside %s", inside)
			    : "no container around us is seen";
	return add(round, &row, FIX_NONE);
}

/* ---- all of it ---- */

static int identify(struct round *round)
{
	_cleanup_free_ char *text = NULL;
	struct utsname names;
	char id[64];
	size_t length;

	if (uname(&names))
		return err_set(round->reterr, -errno, NULL, "uname: %m");
	if (file_read(AT_FDCWD, "/etc/os-release", 65536, &text, &length) < 0)
		(void)file_read(AT_FDCWD, "/usr/lib/os-release", 65536, &text,
			&length); /* without: generic words */
	round->distribution = distribution_parse(text ? text : "", id, sizeof(id));
	round->findings->distribution = arena_copy(round->arena, id);
	round->findings->kernel = arena_copy(round->arena, names.release);
	return round->findings->distribution && round->findings->kernel
		       ? 0
		       : err_no_memory(round->reterr);
}

int doctor_examine(doctor_cgroup_trial *try_cgroup, struct arena *arena,
	struct doctor_findings *ret, struct err *reterr)
{
	struct doctor_findings findings = {.able = true};
	struct round round = {
		.arena = arena, .findings = &findings, .try_cgroup = try_cgroup, .reterr = reterr};
	int r = identify(&round);

	if (r == 0)
		r = host_probe(HOST_ALL, arena, &round.host, reterr);
	if (r == 0)
		r = examine_trials(&round);
	if (r == 0)
		r = examine_landlock(&round);
	if (r == 0)
		r = examine_selinux(&round);
	if (r == 0)
		r = examine_capabilities(&round);
	if (r == 0)
		r = examine_cgroup(&round);
	if (r == 0)
		r = examine_subordinate(&round);
	if (r == 0)
		r = examine_nesting(&round);
	if (r == 0)
		*ret = findings;
	return r;
}

const char *doctor_state_name(enum doctor_state state)
{
	static const char *const names[] = {
		[DOCTOR_OK] = "ok", [DOCTOR_DEGRADED] = "degraded", [DOCTOR_MISSING] = "missing"};

	_Static_assert(
		sizeof(names) / sizeof(names[0]) == DOCTOR_STATE_COUNT, "a name for each state");
	return names[state];
}
