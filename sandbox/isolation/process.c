/* The process's own state: see process.h. */
#include "isolation/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <signal.h>
#include <sys/personality.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "isolation/child.h"
#include "util/mutant.h"
#include "util/report.h"

int process_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, const int *preserved, size_t preserved_count,
	struct process_plan *ret, struct err *reterr)
{
	struct receipt_row row = {
		.rule = &profile->hostname_rule, .asked = "hostname", .layer = "uts namespace"};
	char where[512];

	(void)host;
	(void)arena;
	if (profile->hostname && !profile->namespaces.uts)
		return err_set(reterr, -EINVAL,
			origin_format(&profile->hostname_rule.origin, where, sizeof(where)),
			"a host name of its own needs namespaces.uts");
	*ret = (struct process_plan){.hostname = profile->hostname,
		.umask = profile->umask,
		.preserved = preserved,
		.preserved_count = preserved_count};
	return profile->hostname ? receipt_add(receipt, &row, reterr) : 0;
}

void process_explain(const struct process_plan *plan, struct report *out)
{
	if (plan->hostname)
		report_row(out, NULL, "hostname", "%s", plan->hostname);
	report_row(out, NULL, "umask", "%03o", (unsigned)plan->umask);
	report_row(out, NULL, "descriptors", "0, 1, 2%s",
		plan->preserved_count ? " and:" : "; every other one is closed");
	for (size_t i = 0; i < plan->preserved_count; i++)
		report_row(out, NULL, "descriptor", "%d", plan->preserved[i]);
}

int process_hide(const struct process_plan *plan, struct child *child, uint16_t *reterr_item)
{
	(void)plan;
	(void)child;
	(void)reterr_item;
	if (mutant(MUTANT_DUMPABLE))
		return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) ? -errno : 0;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ? -errno : 0;
}

int process_hostname(const struct process_plan *plan, struct child *child, uint16_t *reterr_item)
{
	(void)child;
	(void)reterr_item;
	if (!plan->hostname || mutant(MUTANT_HOST_UTS))
		return 0;
	return sethostname(plan->hostname, strlen(plan->hostname)) ? -errno : 0;
}

int process_keyring(const struct process_plan *plan, struct child *child, uint16_t *reterr_item)
{
	(void)plan;
	(void)child;
	(void)reterr_item;
	if (mutant(MUTANT_KEEP_KEYRING))
		return 0;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0)
		return 0;
	/* no keys in this kernel, or an outer filter that hides them: then there is no keyring to
	 * reach either */
	return errno == ENOSYS || errno == EPERM ? 0 : -errno;
}

int process_tie(const struct process_plan *plan, struct child *child, uint16_t *reterr_item)
{
	struct pollfd control = {.fd = child->control, .events = POLLRDHUP};

	(void)plan;
	*reterr_item = 0;
	if (!mutant(MUTANT_NO_PDEATHSIG) && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return -errno;
	*reterr_item = 1;
	if (mutant(MUTANT_NO_LIVENESS))
		return 0;
	if (poll(&control, 1, 0) < 0)
		return -errno;
	return control.revents & (POLLHUP | POLLRDHUP | POLLERR) ? -EOWNERDEAD : 0;
}

int process_no_new_privileges(
	const struct process_plan *plan, struct child *child, uint16_t *reterr_item)
{
	(void)plan;
	(void)child;
	(void)reterr_item;
	if (mutant(MUTANT_NO_NNP))
		return 0;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

int process_signals(const struct process_plan *plan, struct child *child, uint16_t *reterr_item)
{
	static const uint64_t standard[4]; /* the kernel's struct sigaction: SIG_DFL, no flags */
	sigset_t none;

	(void)child;
	*reterr_item = 0;
	/* exec keeps what is ignored: a jailed program must not inherit a caller's habits (T-RT-14). By hand,
	 * since glibc keeps its hands off the two signals that it uses itself. */
	for (int number = 1; number <= 64 && !mutant(MUTANT_KEEP_SIGNALS); number++)
		if (number != SIGKILL && number != SIGSTOP &&
			syscall(SYS_rt_sigaction, number, standard, NULL, sizeof(uint64_t)))
			return -errno;
	*reterr_item = 1;
	if (sigemptyset(&none) ||
		(!mutant(MUTANT_KEEP_SIGNALS) && sigprocmask(SIG_SETMASK, &none, NULL)))
		return -errno;
	(void)umask(plan->umask);
	if (!mutant(MUTANT_KEEP_SIGNALS) &&
		personality(PER_LINUX) < 0) /* a caller's ADDR_NO_RANDOMIZE is not the program's */
		return -errno;
	*reterr_item = 2; /* a session of its own: no controlling terminal to push characters into
			     (CVE-2017-5226) */
	return !mutant(MUTANT_NO_SETSID) && setsid() < 0 ? -errno : 0;
}

int process_descriptors(const struct process_plan *plan, struct child *child, uint16_t *reterr_item)
{
	unsigned first = 3;

	(void)child;
	if (mutant(MUTANT_KEEP_FDS))
		return 0;
	for (size_t i = 0; i <= plan->preserved_count; i++) {
		unsigned last = i < plan->preserved_count ? (unsigned)plan->preserved[i] - 1 : ~0u;

		*reterr_item = (uint16_t)i;
		if (first <= last && syscall(SYS_close_range, first, last, 0))
			return -errno;
		first = last + 2;
		if (i < plan->preserved_count &&
			fcntl(plan->preserved[i], F_SETFD, 0)) /* survives exec */
			return -errno;
	}
	return 0;
}
