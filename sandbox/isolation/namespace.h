/*
 * Namespaces: which ones the child is born into. User and mount namespaces always; the kernel gives
 * the rest to the owner of a user namespace. namespaces(7), user_namespaces(7), clone3 in clone(2).
 */
#ifndef IMMURE_ISOLATION_NAMESPACE_H
#define IMMURE_ISOLATION_NAMESPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "profile/profile.h"
#include "profile/receipt.h"

struct arena;
struct child;
struct host;
struct report;

struct namespace_plan {
	uint64_t flags;   /* CLONE_NEW*: all for clone3 but the network's (network.h) */
	bool deny_nested; /* write 0 to the own /proc/sys/user/max_user_namespaces (R26) */
	const struct rule *rule;
};

int namespace_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct namespace_plan *ret, struct err *reterr);
void namespace_explain(const struct namespace_plan *plan, struct report *out);

/*
 * Needs: full capabilities in the new user namespace; the host's /proc still reachable.
 * Drops: the right to make user namespaces below this one, for everybody in it.
 */
int namespace_apply(const struct namespace_plan *plan, struct child *child, uint16_t *reterr_item);

#endif
