/*
 * Capabilities: all five sets of the child, and the locks that keep exec and set*id from bringing
 * any back. libcap-ng knows the names; the masks are set by hand, since libcap-ng remembers a
 * thread id that is wrong after clone. capabilities(7), CVE-2022-29162 (inheritable).
 */
#ifndef IMMURE_ISOLATION_CAPABILITY_H
#define IMMURE_ISOLATION_CAPABILITY_H

#include <stdint.h>

#include "profile/profile.h"
#include "profile/receipt.h"

struct arena;
struct child;
struct host;
struct report;

struct capability_plan {
	uint64_t permitted; /* also effective */
	uint64_t bounding;
	uint64_t inheritable; /* also ambient */
	int last; /* highest capability the kernel knows, not the highest that the library does
		     (T-CRED-04) */
	unsigned securebits;
	const struct rule *rule;
};

int capability_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct capability_plan *ret, struct err *reterr);
void capability_explain(const struct capability_plan *plan, struct report *out);

/*
 * Needs: CAP_SETPCAP in the own user namespace. Drops: everything but what the plan keeps, in every
 * set, and locks the securebits. Must not be followed by anything that needs a capability.
 */
int capability_apply(
	const struct capability_plan *plan, struct child *child, uint16_t *reterr_item);

#endif
