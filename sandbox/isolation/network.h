/*
 * Network: none (a namespace of its own, empty but for lo) or the host's. network_namespaces(7).
 *
 * A network namespace is the dearest of all to make, and nothing but /sys needs it before the
 * program starts. So clone3 does not make it: a process beside PID 1 does, while PID 1 lays out its
 * files, and PID 1 then enters it.
 */
#ifndef IMMURE_ISOLATION_NETWORK_H
#define IMMURE_ISOLATION_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "profile/profile.h"
#include "profile/receipt.h"

struct arena;
struct child;
struct host;
struct report;

struct network_plan {
	enum network_kind kind;
	bool loopback;
	bool own; /* a namespace of the jail's own */
	const struct rule *rule;
};

int network_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct network_plan *ret, struct err *reterr);
void network_explain(const struct network_plan *plan, struct report *out);

/*
 * Starts the process that makes the namespace: it shares PID 1's memory and descriptors, has
 * child->stack for itself, and ends by itself.
 * Needs: CAP_SYS_ADMIN and CAP_NET_ADMIN in the jail's user namespace, which the new one belongs
 * to. Must not: come after any drop of rights, which that process would not share.
 */
int network_begin(const struct network_plan *plan, struct child *child, uint16_t *reterr_item);

/*
 * Waits until that process is gone, enters what it made, and brings up lo where asked. Whatever
 * went wrong there is an error here: its errno, or -ECHILD if it was killed. Needs: CAP_SYS_ADMIN
 * and CAP_NET_ADMIN in the user namespace that owns the new one. setns(2) demands the first, so no
 * other network than one of this user namespace can be entered here. Once it has been entered:
 * nothing.
 */
int network_apply(const struct network_plan *plan, struct child *child, uint16_t *reterr_item);

#endif
