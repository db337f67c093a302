/*
 * Network: none (a namespace of its own, empty but for lo) or the host's. network_namespaces(7).
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
	const struct rule *rule;
};

int network_compile(const struct profile *profile, const struct host *host, struct arena *arena,
	struct receipt *receipt, struct network_plan *ret, struct err *reterr);
void network_explain(const struct network_plan *plan, struct report *out);

/* Needs: CAP_NET_ADMIN in the new network namespace. Brings up lo where asked. */
int network_apply(const struct network_plan *plan, struct child *child, uint16_t *reterr_item);

#endif
