/* Capabilities: see capability.h. */
#include "isolation/capability.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/host.h"
#include "isolation/child.h"
#include "util/mutant.h"
#include "util/report.h"

#define LOCKED_ALWAYS \
	(SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)
#define NOTHING_KEPT (SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS_LOCKED)

static uint64_t up_to(int last)
{
	return last >= 63 ? UINT64_MAX : (UINT64_C(1) << (last + 1)) - 1;
}

int capability_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct capability_plan *ret, struct err *reterr)
{
	const struct capabilities_section *asked = &profile->capabilities;
	struct receipt_row row = {.rule = &asked->rule,
		.asked = asked->keep ? "some capabilities" : "no capability",
		.layer = "capset, bounding set, securebits"};
	struct capability_plan plan = {.permitted = asked->keep,
		.bounding = asked->keep,
		.last = host->last_capability,
		.rule = &asked->rule};
	char where[512];

	(void)arena;
	if (asked->keep & ~up_to(host->last_capability))
		return err_set(reterr, -ENOTSUP,
			origin_format(&asked->rule.origin, where, sizeof(where)),
			"this kernel does not know every capability that is to be kept");
	plan.inheritable = asked->ambient ? asked->keep : 0;
	/*
	 * With nothing to keep, root gets nothing from exec, and nobody gets anything from set*id.
	 * A jail that keeps some for its uid 0 needs the kernel's usual rules for root within the
	 * bounding set; there PR_SET_KEEPCAPS too, by which services and setpriv(1) become somebody
	 * else with less.
	 */
	plan.securebits = LOCKED_ALWAYS | (asked->keep ? 0 : NOTHING_KEPT);
	if (!asked->ambient && !mutant(MUTANT_KEEP_INHERITABLE))
		plan.securebits |= SECBIT_NO_CAP_AMBIENT_RAISE;
	*ret = plan;
	return receipt_add(receipt, &row, reterr);
}

void capability_explain(const struct capability_plan *plan, struct report *out)
{
	char names[768] = "none";
	size_t used = 0;

	for (int i = 0; i <= plan->last && i < 64; i++) {
		const char *name = capng_capability_to_name((unsigned)i);

		if (!(plan->permitted >> i & 1) || used >= sizeof(names))
			continue;
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
			used ? " " : "", name ? name : "?");
	}
	report_row(out, NULL, "keep", "%s", names);
	report_row(out, NULL, "drop", "%d of %d from the bounding set",
		plan->last + 1 - __builtin_popcountll(plan->bounding), plan->last + 1);
	report_row(out, NULL, "inheritable", "%s",
		plan->inheritable ? "the kept ones, ambient too" : "none; ambient none");
	report_row(out, NULL, "securebits", "0x%x, locked", plan->securebits);
}

static int drop_bounding(const struct capability_plan *plan, uint16_t *reterr_item)
{
	for (int i = 0; i <= plan->last; i++) {
		*reterr_item = (uint16_t)i;
		if (!(i < 64 && plan->bounding >> i & 1) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0))
			return -errno;
	}
	return 0;
}

static int set_sets(uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		data[i].permitted = data[i].effective = (uint32_t)(permitted >> (32 * i));
		data[i].inheritable = (uint32_t)(inheritable >> (32 * i));
	}
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static int raise_ambient(const struct capability_plan *plan, uint64_t ambient)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return -errno;
	for (int i = 0; i <= plan->last && i < 64; i++)
		if (ambient >> i & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0))
			return -errno;
	return 0;
}

int capability_apply(const struct capability_plan *plan, struct child *child, uint16_t *reterr_item)
{
	uint64_t permitted = plan->permitted, inheritable = plan->inheritable;
	int r = 0;

	(void)child;
	if (!mutant(MUTANT_KEEP_BOUNDING))
		r = drop_bounding(plan, reterr_item);
	if (r < 0)
		return r;
	*reterr_item = 64;
	if (!mutant(MUTANT_NO_SECUREBITS) && prctl(PR_SET_SECUREBITS, plan->securebits, 0, 0, 0))
		return -errno;
	if (mutant(MUTANT_KEEP_CAPABILITIES) || mutant(MUTANT_KEEP_INHERITABLE))
		permitted = up_to(plan->last);
	if (mutant(MUTANT_KEEP_INHERITABLE))
		inheritable = permitted;
	*reterr_item = 65;
	r = set_sets(permitted, inheritable);
	if (r < 0)
		return r;
	*reterr_item = 66;
	return raise_ambient(plan, inheritable);
}
