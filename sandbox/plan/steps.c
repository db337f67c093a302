/*
 * The ordered table of steps. The order is a security property (R14): each step stands after what
 * it needs and before what would take that away; nothing stands between the filter and exec.
 */
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "isolation/child.h"
#include "util/report.h"

#define APPLY(name, function, part)                                                  \
	static int apply_##name(                                                     \
		const struct plan *plan, struct child *child, uint16_t *reterr_item) \
	{                                                                            \
		return function(&plan->part, child, reterr_item);                    \
	}
#define EXPLAIN(name, function, part)                                           \
	static void explain_##name(const struct plan *plan, struct report *out) \
	{                                                                       \
		function(&plan->part, out);                                     \
	}
#define BOTH(name, apply_function, explain_function, part) \
	APPLY(name, apply_function, part)                  \
	EXPLAIN(name, explain_function, part)

APPLY(network_begin, network_begin, network)
BOTH(idmap, idmap_apply, idmap_explain, idmap)
APPLY(oom_score, rlimit_apply_oom_score, rlimits)
APPLY(nice, rlimit_apply_nice, rlimits)
APPLY(hide, process_hide, process)
BOTH(namespaces, namespace_apply, namespace_explain, namespaces)
BOTH(network, network_apply, network_explain, network)
EXPLAIN(label, selinux_explain, selinux)
BOTH(root, root_apply, root_explain, root)
BOTH(mounts, mount_apply, mount_explain, mounts)
BOTH(devices, device_apply, device_explain, devices)
BOTH(proc, proc_apply, proc_explain, proc)
BOTH(terminal, terminal_apply, terminal_explain, terminal)
APPLY(pivot, root_pivot, root)
APPLY(hostname, process_hostname, process)
APPLY(rlimits, rlimit_apply, rlimits)
APPLY(keyring, process_keyring, process)
APPLY(become, idmap_become, idmap)
APPLY(tie, process_tie, process)
BOTH(capabilities, capability_apply, capability_explain, capabilities)
APPLY(no_new_privileges, process_no_new_privileges, process)
BOTH(landlock, landlock_apply, landlock_explain, landlock)
APPLY(signals, process_signals, process)
APPLY(tty, terminal_enter, terminal)
BOTH(descriptors, process_descriptors, process_explain, process)
BOTH(filter, seccomp_apply, seccomp_explain, filter)
EXPLAIN(exec, command_explain, command)

/* The cgroup is the parent's doing, before there is a child; its limits are told beside those that
 * the child sets itself. */
static void explain_rlimits(const struct plan *plan, struct report *out)
{
	cgroup_explain(&plan->cgroup, out);
	rlimit_explain(&plan->rlimits, out);
}

/* /sys shows the network that its mounter is in. */
static int apply_network_for_sys(
	const struct plan *plan, struct child *child, uint16_t *reterr_item)
{
	return plan->proc.sys == SYS_NONE ? 0 : network_apply(&plan->network, child, reterr_item);
}

static void explain_network_for_sys(const struct plan *plan, struct report *out)
{
	report_row(out, NULL, "network", "%s",
		plan->proc.sys == SYS_NONE ? "not yet: there is no /sys that shows it"
		: plan->network.own        ? "entered here: /sys shows it"
					   : "the host's: nothing to enter");
}

/* Written while the host's /proc is there; it takes effect at the program's exec, which the label
 * travels to over fork. */
static int apply_label(const struct plan *plan, struct child *child, uint16_t *reterr_item)
{
	int r;

	if (!plan->selinux.context)
		return 0;
	child->label = open("/proc/thread-self/attr/exec", O_WRONLY | O_CLOEXEC);
	if (child->label < 0)
		return -errno;
	r = selinux_apply(&plan->selinux, child, reterr_item);
	(void)close(child->label);
	child->label = -1;
	return r;
}

const struct step steps[STEP_COUNT] = {
	/* before anybody shares our memory: the kernel would look for him among all processes */
	[STEP_OOM_SCORE] = {"oom score", STEP_BY_INIT, apply_oom_score, NULL},
	[STEP_NETWORK_BEGIN] = {"network namespace", STEP_BY_INIT, apply_network_begin, NULL},
	[STEP_IDMAP] = {"identity", STEP_BY_INIT, apply_idmap, explain_idmap},
	[STEP_HIDE] = {"not dumpable", STEP_BY_INIT, apply_hide, NULL},
	[STEP_NAMESPACES] = {"namespaces", STEP_BY_INIT, apply_namespaces, explain_namespaces},
	[STEP_LABEL] = {"selinux", STEP_BY_INIT, apply_label, explain_label},
	[STEP_ROOT] = {"root", STEP_BY_INIT, apply_root, explain_root},
	[STEP_MOUNTS] = {"mounts", STEP_BY_INIT, apply_mounts, explain_mounts},
	[STEP_DEVICES] = {"devices", STEP_BY_INIT, apply_devices, explain_devices},
	[STEP_NETWORK_FOR_SYS] = {"network for /sys", STEP_BY_INIT, apply_network_for_sys,
		explain_network_for_sys},
	[STEP_PROC] = {"proc", STEP_BY_INIT, apply_proc, explain_proc},
	[STEP_TERMINAL] = {"terminal", STEP_BY_INIT, apply_terminal, explain_terminal},
	[STEP_PIVOT] = {"pivot", STEP_BY_INIT, apply_pivot, NULL},
	[STEP_HOSTNAME] = {"hostname", STEP_BY_INIT, apply_hostname, NULL},
	[STEP_KEYRING] = {"keyring", STEP_BY_INIT, apply_keyring, NULL},
	/* as late as may be: until then it is made beside us */
	[STEP_NETWORK] = {"network", STEP_BY_INIT, apply_network, explain_network},
	[STEP_BECOME] = {"become", STEP_BY_INIT, apply_become, NULL},
	[STEP_HIDE_AGAIN] = {"not dumpable", STEP_BY_INIT, apply_hide,
		NULL}, /* a change of ids may have undone it */
	[STEP_TIE] = {"dies with the launcher", STEP_BY_INIT, apply_tie, NULL},
	[STEP_CAPABILITIES] = {"capabilities", STEP_BY_INIT, apply_capabilities,
		explain_capabilities},
	[STEP_NO_NEW_PRIVILEGES] = {"no new privileges", STEP_BY_INIT, apply_no_new_privileges,
		NULL},
	[STEP_LANDLOCK] = {"landlock", STEP_BY_INIT, apply_landlock, explain_landlock},
	/* ours no more than the program's: until here descriptors and memory are wanted */
	[STEP_RLIMITS] = {"limits", STEP_BY_INIT, apply_rlimits, explain_rlimits},
	[STEP_SIGNALS] = {"signals, session", STEP_BY_PROGRAM, apply_signals, NULL},
	[STEP_NICE] = {"nice", STEP_BY_PROGRAM, apply_nice, NULL},
	[STEP_TTY] = {"controlling terminal", STEP_BY_PROGRAM, apply_tty, NULL},
	[STEP_DIRECTORY] = {"working directory", STEP_BY_PROGRAM, command_apply_directory, NULL},
	[STEP_DESCRIPTORS] = {"descriptors", STEP_BY_PROGRAM, apply_descriptors,
		explain_descriptors},
	[STEP_FILTER] = {"system calls", STEP_BY_PROGRAM, apply_filter, explain_filter},
	[STEP_EXEC] = {"exec", STEP_BY_PROGRAM, command_apply_exec, explain_exec},
};
