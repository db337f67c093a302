/* Namespaces: see namespace.h. */
#include "isolation/namespace.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>

#include "isolation/child.h"
#include "util/file.h"
#include "util/mutant.h"
#include "util/report.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static const struct {
	uint64_t flag;
	const char *name;
	const char *hides;
} kinds[] = {
	{CLONE_NEWUSER, "user", "ids and capabilities of the host"},
	{CLONE_NEWNS, "mount", "the host's mounts"},
	{CLONE_NEWPID, "pid", "the host's processes"},
	{CLONE_NEWIPC, "ipc", "System V objects and message queues of the host"},
	{CLONE_NEWUTS, "uts", "the host's name"},
	{CLONE_NEWCGROUP, "cgroup", "the place in the host's cgroup tree"},
	{CLONE_NEWNET, "network", "every interface, port and abstract socket of the host"},
	{CLONE_NEWTIME, "time", "the host's uptime clocks"},
};

int namespace_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct namespace_plan *ret, struct err *reterr)
{
	const struct namespaces_section *asked = &profile->namespaces;
	struct namespace_plan plan = {
		.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID, .rule = &asked->rule};
	struct receipt_row row = {
		.rule = &asked->rule, .asked = "namespaces of its own", .layer = "clone3"};
	char where[512];

	(void)host;
	(void)arena;
	/* orphans would outlive the program, and PID 1 ends a jail by kill(-1) */
	if (!asked->pid)
		return err_set(reterr, -EINVAL,
			origin_format(&asked->rule.origin, where, sizeof(where)),
			"without a pid namespace of its own a jail cannot be ended as a whole: "
			"\"pid\" has to be true");
	plan.flags |= asked->ipc && !mutant(MUTANT_HOST_IPC) ? CLONE_NEWIPC : 0;
	plan.flags |= asked->uts && !mutant(MUTANT_HOST_UTS) ? CLONE_NEWUTS : 0;
	plan.flags |= asked->cgroup ? CLONE_NEWCGROUP : 0;
	plan.flags |= asked->time ? CLONE_NEWTIME : 0;
	if (profile->network.kind == NETWORK_NONE && !mutant(MUTANT_HOST_NETWORK))
		plan.flags |= CLONE_NEWNET;
	plan.deny_nested = !asked->nested_user && !mutant(MUTANT_NESTED_USER_NAMESPACES);
	*ret = plan;
	return receipt_add(receipt, &row, reterr);
}

void namespace_explain(const struct namespace_plan *plan, struct report *out)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (plan->flags & kinds[i].flag)
			report_row(out, NULL, "namespace", "%s: hides %s", kinds[i].name,
				kinds[i].hides);
	report_row(out, NULL, "nested", "user namespaces inside: %s",
		plan->deny_nested ? "none" : "allowed");
}

int namespace_apply(const struct namespace_plan *plan, struct child *child, uint16_t *reterr_item)
{
	(void)child;
	(void)reterr_item;
	if (!plan->deny_nested)
		return 0;
	/* per user namespace (user_namespaces(7), /proc/sys/user): what we write binds us and all
	 * below, not the host */
	return file_write_kernel(AT_FDCWD, "/proc/sys/user/max_user_namespaces", "0", 1);
}
