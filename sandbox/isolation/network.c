/* Network: see network.h. */
#include "isolation/network.h"

#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "isolation/child.h"
#include "util/cleanup.h"
#include "util/report.h"

int network_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct network_plan *ret, struct err *reterr)
{
	const struct network_section *asked = &profile->network;
	struct receipt_row row = {
		.rule = &asked->rule, .asked = "network none", .layer = "network namespace"};

	(void)host;
	(void)arena;
	*ret = (struct network_plan){
		.kind = asked->kind, .loopback = asked->loopback, .rule = &asked->rule};
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

int network_apply(const struct network_plan *plan, struct child *child, uint16_t *reterr_item)
{
	_cleanup_close_ int handle = -1;
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	(void)child;
	(void)reterr_item;
	if (plan->kind != NETWORK_NONE || !plan->loopback)
		return 0;
	handle = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (handle < 0)
		return -errno;
	return ioctl(handle, SIOCSIFFLAGS, &request) ? -errno : 0;
}
