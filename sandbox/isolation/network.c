/* Network: see network.h. */
#include "isolation/network.h"

#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isolation/child.h"
#include "util/cleanup.h"
#include "util/mutant.h"
#include "util/report.h"

int network_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct network_plan *ret, struct err *reterr)
{
	const struct network_section *asked = &profile->network;
	struct receipt_row row = {
		.rule = &asked->rule, .asked = "network none", .layer = "network namespace"};

	(void)host;
	(void)arena;
	*ret = (struct network_plan){.kind = asked->kind,
		.loopback = asked->loopback,
		.own = asked->kind == NETWORK_NONE && !mutant(MUTANT_HOST_NETWORK),
		.rule = &asked->rule};
	return asked->kind == NETWORK_NONE ? receipt_add(receipt, &row, reterr) : 0;
}

void network_explain(const struct network_plan *plan, struct report *out)
{
	if (plan->kind == NETWORK_HOST)
		report_row(out, NULL, "network", "the host's: nothing is walled off here");
	else
		report_row(out, NULL, "network", "none: no interface but lo, which is %s",
			plan->loopback ? "up" : "down");
}

/* ---- child ---- */

/*
 * The process beside PID 1. errno is PID 1's too, and only a call that fails writes it: then there
 * is no jail, so that at worst a wrong word about it is said. That something went wrong is told by
 * an exit status that is not 0.
 */
static int make_namespace(void *argument)
{
	struct child *child = argument;
	int handle = -1, error = unshare(CLONE_NEWNET) ? errno : 0;

	if (!error) {
		handle = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		child->network = handle < 0 ? -1 : ioctl(handle, SIOCGSKNS);
		error = child->network < 0 ? errno : 0;
	}
	if (handle >= 0)
		(void)close(handle);
	return error;
}

int network_begin(const struct network_plan *plan, struct child *child, uint16_t *reterr_item)
{
	(void)reterr_item;
	if (!plan->own)
		return 0;
	/* no signal at its end: PID 1 waits for it by name, and none may be pending for later */
	child->network_maker = clone(make_namespace, child->stack, CLONE_VM | CLONE_FILES, child);
	return child->network_maker < 0 ? -errno : 0;
}

static int enter_namespace(struct child *child)
{
	_cleanup_close_ int made = -1;
	int status;

	while (syscall(SYS_wait4, child->network_maker, &status, __WALL, NULL) < 0)
		if (errno != EINTR)
			return -errno;
	made = child->network;
	child->network = -1;
	child->network_maker = 0;
	if (!WIFEXITED(status))
		return -ECHILD;
	if (WEXITSTATUS(status))
		return -WEXITSTATUS(status);
	return setns(made, CLONE_NEWNET) ? -errno : 0;
}

static int raise_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	_cleanup_close_ int handle = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (handle < 0)
		return -errno;
	return ioctl(handle, SIOCSIFFLAGS, &request) ? -errno : 0;
}

int network_apply(const struct network_plan *plan, struct child *child, uint16_t *reterr_item)
{
	int r;

	*reterr_item = 0;
	if (plan->own && !child->network_maker)
		return 0;
	r = plan->own ? enter_namespace(child) : 0;
	if (r < 0 || plan->kind != NETWORK_NONE || !plan->loopback)
		return r;
	*reterr_item = 1;
	return raise_loopback();
}
